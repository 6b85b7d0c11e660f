"""What the daemon must know of each workspace at every request, read once and again when somebody else changes it."""

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from jirabot.config import CloudLimits, LimitsSettings, WorkspaceDefaults
from jirabot.config.workspace import overlaid
from jirabot.core.authenticity import Authenticity
from jirabot.core.budgets import HOUR, MINUTE, UNLIMITED, Limit, Urgency
from jirabot.core.commands import Address
from jirabot.core.credentials import Credentials
from jirabot.core.ids import BackendName, WorkspaceId, WorkspaceName
from jirabot.core.managers.grants import Grants
from jirabot.core.permissions import WhoMay, who_may
from jirabot.core.ports import Deployment, JiraSite, Scheme, Schemes, Sites, Storage, Transaction, Vault
from jirabot.core.triggers import Bot, TriggerKind
from jirabot.core.workspaces import PREVIOUS_WEBHOOK_SECRET, WEBHOOK_SECRET, Workspace
from jirabot.errors import ConsentNeeded, SecretSealed, WorkspaceNotFound


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A workspace with what is needed to serve it. The secrets are not in `repr`."""

    workspace: Workspace
    deployment: Deployment
    scheme: Scheme
    """How its deliveries prove themselves."""
    webhook_secrets: tuple[bytes, ...] = field(repr=False)
    previous_secrets: tuple[tuple[bytes, datetime], ...] = field(default=(), repr=False)
    """Secrets that were rotated out, each with the time from which it counts no more."""
    proof_sealed: bool = False
    """Whether one of these secrets does not open: what the others do not prove may be authentic all the same."""
    credentials: Credentials = field(repr=False)
    settings: WorkspaceDefaults
    limits: CloudLimits
    bot: Bot
    agent: BackendName | None
    base_urls: tuple[str, ...] = ()
    """Every base that a `self` address of its site may have, the gateway being where it is configured, too."""

    @property
    def is_sealed(self) -> bool:
        """Whether a secret does not open that it is served with."""
        return self.proof_sealed or self.credentials.sealed is not None

    @property
    def who_may(self) -> WhoMay:
        """Who may trigger the bot there."""
        return who_may(self.settings.who_may)

    @property
    def api_calls(self) -> Limit:
        """How often its Jira may be called."""
        return Limit(count=self.limits.api_calls_per_hour, per=HOUR)

    @property
    def webhooks(self) -> Limit:
        """How many webhooks it may send."""
        return Limit(count=self.limits.webhooks_per_minute, per=MINUTE)

    @property
    def verifies_trigger(self) -> bool:
        """Whether each trigger is read back: always where a proof does not cover the body."""
        return self.settings.verify_trigger or not Authenticity(self.workspace.authenticity).covers_body

    def secrets_at(self, now: datetime) -> tuple[bytes, ...]:
        """Give the webhook secrets that count at that time, the present one first."""
        if not self.previous_secrets:
            return self.webhook_secrets
        return (*self.webhook_secrets, *(secret for secret, until in self.previous_secrets if now < until))


class Directory:
    """Finds workspaces by id, name and address; forgets when another process has written."""

    def __init__(
        self,
        *,
        storage: Storage,
        vault: Vault,
        grants: Grants,
        sites: Sites,
        deployments: Mapping[str, Deployment],
        schemes: Schemes,
        defaults: WorkspaceDefaults,
        limits: LimitsSettings,
        agent: BackendName | None,
        api_url: str,
    ) -> None:
        """*api_url*: where Cloud's gateway is."""
        self._storage, self._vault, self._grants, self._sites = storage, vault, grants, sites
        self._schemes, self._api_url = schemes, api_url
        self._deployments, self._defaults, self._limits, self._agent = deployments, defaults, limits, agent
        self._known: Mapping[WorkspaceId, Served] | None = None
        self._there: frozenset[WorkspaceId] = frozenset()
        self._generation = -1
        self._forgotten_count = 0

    def forget(self) -> None:
        """Read again at the next question: this process has changed a workspace."""
        self._known = None
        self._forgotten_count += 1

    async def all(self) -> Sequence[Served]:
        """List the workspaces."""
        return tuple((await self._all()).values())

    async def get(self, workspace_id: WorkspaceId) -> Served:
        """Give the workspace of that id.

        Raises:
            WorkspaceNotFound: there is none.
        """
        served = (await self._all()).get(workspace_id)
        if served is None:
            raise WorkspaceNotFound("there is no such workspace", hint="run `jirabot workspace list` to see them")
        return served

    async def find(self, workspace_id: WorkspaceId) -> Served | None:
        """Find the workspace of that id; None where it is gone."""
        return (await self._all()).get(workspace_id)

    async def at(self, deployment: str, bases: Sequence[str]) -> Served | None:
        """Find the workspace of a deployment by the bases that a payload names; with none named, the only one.

        Raises:
            WorkspaceNotFound: the bases are of no workspace.
        """
        candidates = [s for s in await self.all() if s.workspace.deployment == deployment]
        if not bases:
            return candidates[0] if len(candidates) == 1 else None
        for served in candidates:
            if any(base in served.base_urls for base in bases):
                return served
        raise WorkspaceNotFound("no workspace serves the Jira that the payload names")

    def site(self, served: Served, *, urgency: Urgency = Urgency.ROUTINE, counted: bool = True) -> JiraSite:
        """Give the client of the workspace's Jira; what it asks is *counted*, and waits for *urgency*'s budget."""
        calls, credentials = served.api_calls if counted else UNLIMITED, self._heeded(served.credentials)
        return self._sites.site(served.workspace, credentials, calls=calls, urgency=urgency)

    def _heeded(self, credentials: Credentials) -> Credentials:
        """Have the directory read again where a consent is found to have ended: its workspace is degraded by that."""
        access = credentials.access
        if access is None:
            return credentials

        async def heeding(refused: str) -> str:
            try:
                return await access(refused)
            except ConsentNeeded:
                self.forget()
                raise

        return replace(credentials, access=heeding)

    async def _all(self) -> Mapping[WorkspaceId, Served]:
        generation = self._storage.foreign_generation()
        if generation != self._generation:
            # An administrator may be waiting for what was changed beside us to count, in Jira too.
            self._sites.forget()
        while self._known is None or generation != self._generation:
            forgotten = self._forgotten_count
            known = await self._storage.read(self._read)
            # What was read before another task changed it would be kept for as long as nobody else writes.
            if forgotten == self._forgotten_count:
                self._known, self._generation = known, generation
                await self._drop_gone(frozenset(known))
        return self._known

    async def _drop_gone(self, there: frozenset[WorkspaceId]) -> None:
        """Close what is open for workspaces that were there at the last look, whoever has removed them."""
        gone, self._there = self._there - there, there
        for workspace_id in gone:
            await self._sites.drop(workspace_id)

    def _read(self, tx: Transaction) -> Mapping[WorkspaceId, Served]:
        return {workspace.id: self._served(tx, workspace) for workspace in tx.workspaces.list()}

    def _served(self, tx: Transaction, workspace: Workspace) -> Served:
        settings = settings_of(workspace, self._defaults)
        secret, is_sealed = self._open(tx, workspace.id, WEBHOOK_SECRET)
        until = tx.secrets.expires_at(workspace.id, PREVIOUS_WEBHOOK_SECRET)
        previous, was_sealed = self._open(tx, workspace.id, PREVIOUS_WEBHOOK_SECRET) if until else (None, False)
        return Served(
            workspace=workspace,
            deployment=self._deployments[workspace.deployment],
            scheme=self._schemes(workspace.authenticity, header=settings.events_header),
            webhook_secrets=(secret.encode(),) if secret else (),
            previous_secrets=((previous.encode(), until),) if previous and until else (),
            proof_sealed=is_sealed or was_sealed,
            credentials=self._grants.credentials(tx, workspace),
            settings=settings,
            limits=limits_of(workspace.deployment, settings, self._limits),
            bot=bot_of(workspace, settings),
            agent=workspace.agent or self._agent,
            base_urls=(*workspace.base_urls, *workspace.gateways(self._api_url)),
        )

    def _open(self, tx: Transaction, workspace_id: WorkspaceId, place: str) -> tuple[str | None, bool]:
        """Open a secret, if it is there; say also whether it does not open: that is its workspace's trouble alone."""
        try:
            return self._vault.open(tx, workspace_id, place), False
        except SecretSealed:
            return None, True


def settings_of(workspace: Workspace, defaults: WorkspaceDefaults) -> WorkspaceDefaults:
    """Put what `--set` changed over the configured defaults.

    Raises:
        SettingsOutdated: another version has stored what this one does not take.
    """
    return overlaid(defaults, workspace.settings, of=workspace.name) if workspace.settings else defaults


def limits_of(deployment: str, settings: WorkspaceDefaults, limits: LimitsSettings) -> CloudLimits:
    """Put the limits that a workspace sets for itself over its deployment's."""
    given = limits.of(deployment)
    own = {name: getattr(settings, name, None) for name in type(given).model_fields}
    return given.model_copy(update={name: value for name, value in own.items() if value is not None})


def bot_of(workspace: Workspace, settings: WorkspaceDefaults) -> Bot:
    """Say what the bot answers to in a workspace."""
    account = workspace.service_account
    return Bot(
        address=Address(
            words=settings.mention, accounts=frozenset(name for name in (account.id, account.name) if name)
        ),
        label=settings.label,
        kinds=frozenset(TriggerKind(kind) for kind in settings.triggers),
    )


def named(tx: Transaction, name: str, *, may_know: Callable[[WorkspaceId], bool] = lambda _: True) -> Workspace:
    """Give the workspace of that name, within a transaction.

    Raises:
        WorkspaceNotFound: there is none; the hint names the nearest of those that whoever asks *may_know*.
    """
    workspace = tx.workspaces.find_by_name(WorkspaceName(name.lower()))
    if workspace is None:
        known = [each.name for each in tx.workspaces.list() if may_know(each.id)]
        raise WorkspaceNotFound(f"there is no workspace `{name}`", hint=_nearest(name, known))
    return workspace


def _nearest(name: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.4)
    if near:
        return f"did you mean `{near[0]}`?"
    return "run `jirabot workspace list` to see the names, or `jirabot workspace create` to make one"
