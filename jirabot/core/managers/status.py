"""What goes on, on one screen: each workspace with its backlog, what runs, what failed, and what it still lacks."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from jirabot.config import LimitsSettings, WorkspaceDefaults
from jirabot.core import objects
from jirabot.core.access import Rights, check_operator
from jirabot.core.budgets import HOUR, Bucket, Limit, filled, full
from jirabot.core.catching_up import Checkpoint
from jirabot.core.checks import Check
from jirabot.core.conversations import Conversation, Run, State
from jirabot.core.deliveries import Delivery, DeliveryState
from jirabot.core.effects import EffectState
from jirabot.core.ids import WorkspaceId, WorkspaceName
from jirabot.core.managers import troubles
from jirabot.core.managers.budgets import API_CALLS
from jirabot.core.managers.directory import limits_of, settings_of
from jirabot.core.managers.gate import rights_in
from jirabot.core.managers.pauses import held_back
from jirabot.core.managers.workspaces import Missing, Workspaces
from jirabot.core.people import Principal
from jirabot.core.ports import Clock, Storage, Transaction
from jirabot.core.scopes import workspace_in
from jirabot.core.troubles import Placed
from jirabot.core.workspaces import Workspace
from jirabot.errors import JirabotError

FAILURES_SHOWN = 5
"""How many of the newest failures of each kind stand on the screen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkspaceStatus:
    """What goes on in a workspace."""

    workspace: Workspace
    missing: tuple[Missing, ...]
    deliveries: Mapping[DeliveryState, int]
    conversations: Mapping[State, int]
    interrupted_count: int
    """How many of those in progress nobody works on now."""
    effects: Mapping[EffectState, int]
    newest_at: datetime | None
    """When the newest delivery came."""
    calls_left: int | None
    """How many calls to its Jira the hour's budget has left, as last written down; None: they are not limited."""
    events: str
    """How events come in: `webhook`, `poll` or `both`."""
    looked: Checkpoint | None
    """How far its Jira was looked through for what no webhook told, and how many calls that takes beside the budget."""

    @property
    def backlog_count(self) -> int:
        """How many deliveries have no outcome yet."""
        return self.deliveries.get(DeliveryState.RECEIVED, 0) + self.deliveries.get(DeliveryState.WAITING, 0)

    @property
    def owed_count(self) -> int:
        """How many comments are still owed to Jira."""
        return self.effects.get(EffectState.PENDING, 0) + self.effects.get(EffectState.SENDING, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """What goes on, with the troubles that stand, the newest first, and the newest failures."""

    troubles: tuple[Placed, ...]
    workspaces: tuple[WorkspaceStatus, ...]
    database: JirabotError | None = None
    """Why nothing can be written now, if that is so."""
    held_back: tuple[Check, ...]
    """What holds work back on purpose: pauses, and webhooks that are switched off."""
    dead: tuple[Delivery, ...]
    failed: tuple[Conversation, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What stands now, counted by workspace and state: what metrics tell beside what they have counted."""

    workspaces: Mapping[WorkspaceId, WorkspaceName]
    deliveries: Mapping[tuple[WorkspaceId, DeliveryState], int]
    conversations: Mapping[tuple[WorkspaceId, State], int]
    effects: Mapping[tuple[WorkspaceId, EffectState], int]
    troubles: tuple[Placed, ...]


class Overview:
    """Looks at everything at once."""

    def __init__(
        self,
        *,
        storage: Storage,
        workspaces: Workspaces,
        clock: Clock,
        defaults: WorkspaceDefaults,
        limits: LimitsSettings,
        switched_off: Collection[str],
        is_interrupted: Callable[[Run], bool],
    ) -> None:
        """*switched_off*: the deployments whose webhooks are kept, and not processed."""
        self._is_interrupted = is_interrupted
        self._storage, self._workspaces, self._clock = storage, workspaces, clock
        self._defaults, self._limits, self._switched_off = defaults, limits, switched_off

    async def status(self, *, by: Principal) -> Status:
        """Tell what goes on, of one consistent state."""
        missing = {w.id: (await self._workspaces.show(w.name, by=by))[1] for w in await self._workspaces.list(by=by)}

        def query(tx: Transaction) -> Status:
            deliveries, conversations = tx.deliveries.counts(), tx.conversations.counts()
            effects, budgets = tx.outbox.counts(), tx.budgets.list(API_CALLS)
            checkpoints, interrupted = tx.checkpoints.list(), self._interrupted(tx)
            rights = rights_in(tx, by)
            return Status(
                troubles=_troubles(tx, rights),
                workspaces=tuple(
                    WorkspaceStatus(
                        workspace=each,
                        missing=tuple(missing.get(each.id, ())),
                        deliveries={state: count for (id_, state), count in deliveries.items() if id_ == each.id},
                        conversations={state: count for (id_, state), count in conversations.items() if id_ == each.id},
                        interrupted_count=interrupted[each.id],
                        effects={state: count for (id_, state), count in effects.items() if id_ == each.id},
                        newest_at=_newest_at(tx.deliveries.list(workspace_id=each.id, limit=1)),
                        calls_left=self._calls_left(each, budgets.get(each.id)),
                        events=settings_of(each, self._defaults).events,
                        looked=checkpoints.get(each.id),
                    )
                    for each in tx.workspaces.list()
                    if rights.may_administer(each.id)
                ),
                held_back=held_back(tx, rights, self._switched_off),
                dead=tuple(tx.deliveries.list(state=DeliveryState.DEAD, limit=FAILURES_SHOWN, seen=rights.sight)),
                failed=_failed(tx, rights),
            )

        return replace(await self._storage.read(query), database=await self._fault())

    def _interrupted(self, tx: Transaction) -> Counter[WorkspaceId]:
        """Count by workspace the conversations in progress on which nobody works."""
        found = [
            tx.conversations.find(run.conversation_id)
            for run in tx.conversations.running()
            if self._is_interrupted(run)
        ]
        return Counter(each.workspace_id for each in found if each is not None and each.state is State.IN_PROGRESS)

    def _calls_left(self, workspace: Workspace, bucket: Bucket | None) -> int | None:
        limits = limits_of(workspace.deployment, settings_of(workspace, self._defaults), self._limits)
        limit, now = Limit(count=limits.api_calls_per_hour, per=HOUR), self._clock.now()
        return max(0, int(filled(bucket or full(limit, now), limit, now).level)) if limit.count else None

    async def _fault(self) -> JirabotError | None:
        try:
            await self._storage.probe(writes=False)
        except JirabotError as error:
            return error
        return None

    async def standing(self, *, by: Principal) -> Standing:
        """Count what stands, of one consistent state.

        Raises:
            Forbidden: *by* is no administrator of everything.
        """
        check_operator(by)
        return await self._storage.read(
            lambda tx: Standing(
                workspaces={each.id: each.name for each in tx.workspaces.list()},
                deliveries=tx.deliveries.counts(),
                conversations=tx.conversations.counts(),
                effects=tx.outbox.counts(),
                troubles=_troubles(tx, rights_in(tx, by)),
            )
        )


def as_object(value: Status, *, daemon_runs: bool) -> objects.Object:
    """Show what goes on, as `status --json` does."""
    return {
        "daemon": daemon_runs,
        "database": {"text": value.database.message, "fix": value.database.hint} if value.database else None,
        "troubles": [objects.trouble(each) for each in value.troubles],
        "held_back": [objects.check(each) for each in value.held_back],
        "workspaces": [_workspace_status(each) for each in value.workspaces],
        "failures": [
            *(
                {
                    "at": objects.instant(each.handled_at),
                    "issue_key": each.issue_key,
                    "text": each.text,
                    "command": f"jirabot event explain {each.id}",
                }
                for each in value.dead
            ),
            *(
                {
                    "at": objects.instant(each.updated_at),
                    "issue_key": each.issue_key,
                    "text": "the work failed; the issue was told",
                    "command": f"jirabot conversation show {each.id}",
                }
                for each in value.failed
            ),
        ],
    }


def _workspace_status(value: WorkspaceStatus) -> objects.Object:
    return {
        "name": value.workspace.name,
        "state": value.workspace.state.value,
        "degraded": list(value.workspace.degraded),
        "key_expires_at": objects.instant(value.workspace.key_expires_at),
        "backlog": value.backlog_count,
        "kept": value.deliveries.get(DeliveryState.PAUSED, 0),
        "dead": value.deliveries.get(DeliveryState.DEAD, 0),
        "running": value.conversations.get(State.IN_PROGRESS, 0) - value.interrupted_count,
        "interrupted": value.interrupted_count,
        "waiting": value.conversations.get(State.ACTIVE, 0) + value.conversations.get(State.CREATED, 0),
        "awaiting_input": value.conversations.get(State.AWAITING_INPUT, 0),
        "owed": value.owed_count,
        "calls_left": value.calls_left,
        "newest_at": objects.instant(value.newest_at),
        "events": value.events,
        **objects.looked(value.looked),
        "missing": [{"what": m.what, "text": m.text, "command": m.command} for m in value.missing],
    }


def _troubles(tx: Transaction, rights: Rights) -> tuple[Placed, ...]:
    """Give what stands of the workspaces that are administered; of no workspace, to administrators of everything."""
    return tuple(
        troubles.placed(tx, each)
        for each in tx.troubles.standing()
        if rights.everything or (workspace_in(each.scope) or "") in rights.administers
    )


def _newest_at(newest: Sequence[Delivery]) -> datetime | None:
    return newest[0].received_at if newest else None


def _failed(tx: Transaction, rights: Rights) -> tuple[Conversation, ...]:
    """Give what failed in the workspaces that are administered, and not what somebody only takes part in."""
    recent = tx.conversations.list(limit=200, seen=replace(rights.sight, accounts=frozenset()))
    return tuple(c for c in recent if c.state is State.FAILED)[:FAILURES_SHOWN]
