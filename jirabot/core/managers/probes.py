"""Asks each workspace's Jira now and then whether it answers and knows us, and writes down what that means."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from jirabot.core.effects import EffectState
from jirabot.core.ids import WorkspaceId
from jirabot.core.managers import refusals, troubles
from jirabot.core.managers.directory import Directory, Served
from jirabot.core.managers.jitter import jitter
from jirabot.core.managers.troubles import Found
from jirabot.core.people import Principal
from jirabot.core.ports import Clock, Events, Ids, Storage, Transaction, Vault
from jirabot.core.retry import spread
from jirabot.core.scopes import of_workspace
from jirabot.core.troubles import DEGRADING, Reason, Strike
from jirabot.core.workspaces import Workspace, WorkspaceState
from jirabot.errors import JirabotError, JiraGone, JiraRefused, RateLimited, SecretSealed

WELL_EVERY = timedelta(minutes=5)
"""Twelve calls an hour of the thousand that a workspace has: an expired token is found before people ask why."""

ILL_EVERY = timedelta(seconds=30)
"""After a failure, and while degraded: two failed probes lie within `troubles.WINDOW`, and what mends is seen soon."""

COMMENT = ("ADD_COMMENTS",)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Last:
    """The last look at a workspace; `jitter` keeps many of them apart."""

    at: datetime
    failed: bool
    jitter: float


class Probes:
    """Probes the workspaces that are served."""

    def __init__(
        self, *, storage: Storage, directory: Directory, vault: Vault, clock: Clock, ids: Ids, log: Events
    ) -> None:
        self._storage, self._directory, self._vault = storage, directory, vault
        self._clock, self._ids, self._log = clock, ids, log
        self._last: dict[WorkspaceId, _Last] = {}

    async def probe_once(self, *, by: Principal) -> bool:
        """Probe the workspace that is due the longest; False where none is due."""
        due = await self._due()
        if not due:
            return False
        due_at, served = min(due, key=lambda each: each[0])
        if due_at > self._clock.now():
            return False
        await self.probe(served, by=by)
        return True

    async def next_due_seconds(self) -> float | None:
        """Tell in how many seconds the next workspace is due; None where there is none to probe."""
        due = [due_at for due_at, _ in await self._due()]
        return max(0.0, (min(due) - self._clock.now()).total_seconds()) if due else None

    async def probe(self, served: Served, *, by: Principal) -> None:
        """Ask a workspace's Jira who we are: a good answer ends what degrades it, a second bad one degrades it."""
        workspace, failed_before = served.workspace, self._last_of(served.workspace.id).failed
        await self._look_at_secrets(workspace.id)
        try:
            error = await self._ask(served)
        except (RateLimited, SecretSealed):
            # Nobody was asked, or nothing said: its Jira is neither well nor ill.
            self._remember(workspace.id, failed=failed_before)
            return
        self._remember(workspace.id, failed=error is not None)
        self._log.tell("jira.probed", level="debug", workspace=workspace.name, well=error is None)
        changed = False
        if error is not None:
            changed = await self._storage.write(lambda tx: self._failed(tx, workspace, error))
        elif (mended := await self._mended(served)) or failed_before:
            changed = await self._storage.write(lambda tx: self._well(tx, workspace, mended))
        if changed:
            self._directory.forget()

    async def note(self, served: Served, error: JirabotError) -> None:
        """Count a failure that somebody else has met as one of a probe; the next one comes soon."""
        self._remember(served.workspace.id, failed=True)
        if isinstance(error, SecretSealed):
            await self._look_at_secrets(served.workspace.id)
            return
        if await self._storage.write(lambda tx: self._failed(tx, served.workspace, error)):
            self._directory.forget()

    async def _due(self) -> list[tuple[datetime, Served]]:
        active = [each for each in await self._directory.all() if each.workspace.state is WorkspaceState.ACTIVE]
        return [(self._due_at(each), each) for each in active]

    def _due_at(self, served: Served) -> datetime:
        workspace, last = served.workspace, self._last_of(served.workspace.id)
        is_ill = last.failed or served.is_sealed or not DEGRADING.isdisjoint(workspace.degraded)
        return last.at + spread(ILL_EVERY if is_ill else WELL_EVERY, last.jitter)

    def _last_of(self, workspace_id: WorkspaceId) -> _Last:
        """Give the last look; before the first one, when the workspace was met."""
        return self._last.get(workspace_id) or self._remember(workspace_id, failed=False)

    def _remember(self, workspace_id: WorkspaceId, *, failed: bool) -> _Last:
        self._last[workspace_id] = _Last(at=self._clock.now(), failed=failed, jitter=jitter())
        return self._last[workspace_id]

    async def _ask(self, served: Served) -> JirabotError | None:
        """Give what is wrong; None where all is well.

        Raises:
            RateLimited: this is no time to ask.
            SecretSealed: it can't be asked.
        """
        try:
            refusals.check_account(served.workspace, await self._directory.site(served).myself())
        except (RateLimited, SecretSealed):
            raise
        except JirabotError as error:
            return error
        return None

    async def _look_at_secrets(self, workspace_id: WorkspaceId) -> None:
        """Tell of a secret of a workspace that does not open, a repository's too; that is over once all of them do."""

        def query(tx: Transaction) -> bool:
            standing = tx.troubles.standing(of_workspace(workspace_id))
            told = [each.text for each in standing if each.reason is Reason.SECRET_SEALED]
            error = self._sealed(tx, workspace_id)
            return told != ([] if error is None else [error.message])

        def change(tx: Transaction) -> None:
            error, now = self._sealed(tx, workspace_id), self._clock.now()
            if error is None:
                tx.troubles.end(of_workspace(workspace_id), Reason.SECRET_SEALED, now=now)
                return
            found = troubles.sealed(workspace_id, error)
            if not troubles.begin(tx, found, new_id=self._ids.sortable(), now=now):
                troubles.restate(tx, found)

        if await self._storage.read(query):
            await self._storage.write(change)

    def _sealed(self, tx: Transaction, workspace_id: WorkspaceId) -> SecretSealed | None:
        for place in (place for of, place in tx.secrets.places() if of == workspace_id):
            try:
                self._vault.open(tx, workspace_id, place)
            except SecretSealed as error:
                return error
        return None

    async def _mended(self, served: Served) -> frozenset[Reason]:
        """Say what a good probe ends: that comments are refused only where they would be taken now."""
        standing = frozenset(reason for reason in DEGRADING if reason in served.workspace.degraded)
        if Reason.COMMENTING_REFUSED in standing and not await self._may_comment(served):
            return standing - {Reason.COMMENTING_REFUSED}
        return standing

    async def _may_comment(self, served: Served) -> bool:
        """Ask for the right to comment on the issue where it was refused last; one that is gone refuses nothing."""
        of = served.workspace.id
        dead = await self._storage.read(lambda tx: tx.outbox.list(workspace_id=of, state=EffectState.DEAD, limit=1))
        try:
            return not dead or bool(await self._directory.site(served).permissions(COMMENT, on=dead[0].issue_id))
        except JiraGone:
            return True
        except JirabotError:
            return False

    def _failed(self, tx: Transaction, workspace: Workspace, error: JirabotError) -> bool:
        found, now = _found(workspace, error), self._clock.now()
        if found.reason in workspace.degraded or not troubles.strike(tx, found.scope, Strike.PROBE_FAILED, now=now):
            return False
        return troubles.degrade(tx, found, new_id=self._ids.sortable(), now=now)

    def _well(self, tx: Transaction, workspace: Workspace, mended: frozenset[Reason]) -> bool:
        scope = of_workspace(workspace.id)
        tx.troubles.forgive(scope, Strike.PROBE_FAILED)
        if not mended:
            return False
        tx.troubles.forgive(scope, Strike.EFFECT_REFUSED)
        return troubles.mend(tx, scope, mended, now=self._clock.now())


def _found(workspace: Workspace, error: JirabotError) -> Found:
    scope = of_workspace(workspace.id)
    if isinstance(error, JiraRefused):
        return refusals.token_refused(scope, workspace.name, error)
    fix = f"{error.hint or 'see whether it is up'}; `jirabot doctor` looks at all of it, and nothing is lost meanwhile"
    return Found(scope=scope, reason=Reason.JIRA_FAILING, text=error.message, fix=fix)
