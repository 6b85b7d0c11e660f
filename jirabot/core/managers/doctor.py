"""`doctor`: looks at what a person would look at, one thing after the other. Creates and changes nothing."""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence

from jirabot.core import checks
from jirabot.core.catching_up import Checkpoint
from jirabot.core.checks import Check, Level
from jirabot.core.deliveries import Delivery, Origin
from jirabot.core.managers import troubles
from jirabot.core.managers.directory import Directory, Served
from jirabot.core.managers.gate import rights_in
from jirabot.core.managers.pauses import held_back
from jirabot.core.managers.workspaces import Workspaces
from jirabot.core.people import LinkState, Principal, Role
from jirabot.core.permissions import rights
from jirabot.core.ports import AgentBackend, Clock, Rejection, Storage, Transaction
from jirabot.core.workspaces import WEBHOOK_SECRET, WorkspaceState, setting_again
from jirabot.errors import JirabotError, JiraRefused

PROBE_SECONDS = 30.0
"""How long an agent or a Jira may take to be looked at."""


class Doctor:
    """Looks at workspaces, their Jira and webhooks, and at the agents."""

    def __init__(
        self,
        *,
        storage: Storage,
        directory: Directory,
        workspaces: Workspaces,
        backends: Mapping[str, AgentBackend],
        trusts_issuer: bool,
        switched_off: Collection[str],
        clock: Clock,
    ) -> None:
        """*trusts_issuer*: people may sign in to the management API.

        *switched_off*: the deployments whose webhooks are kept, and not processed.
        """
        self._trusts_issuer, self._switched_off = trusts_issuer, switched_off
        self._storage, self._directory, self._workspaces = storage, directory, workspaces
        self._backends, self._clock = backends, clock

    async def examine(self, *, by: Principal) -> Sequence[Check]:
        """Look at everything that needs the database."""
        standing = await self._storage.read(lambda tx: [troubles.placed(tx, each) for each in tx.troubles.standing()])
        found = [checks.trouble(each) for each in standing]
        found += await self._storage.read(lambda tx: held_back(tx, rights_in(tx, by), self._switched_off))
        found += [check async for check in self._agents()]
        try:
            served = await self._directory.all()
        except JirabotError as error:
            return [*found, checks.failed("key", error)]
        identity = await self._storage.read(lambda tx: tx.secrets.key_identity())
        found.append(checks.key(identity))
        if not served:
            fix = "run `jirabot workspace create NAME`"
            found.append(Check(name="workspaces", level=Level.FAILED, text="no Jira is served yet", fix=fix))
        for each in await asyncio.gather(*(self._workspace(one, by=by) for one in served)):
            found += each
        return found

    async def _agents(self) -> AsyncIterator[Check]:
        if not self._backends:
            fix = "add a section `[agents.NAME]` to the configuration"
            yield Check(name="agent", level=Level.FAILED, text="no agent is configured", fix=fix)
        for name in self._backends:
            yield await self._agent(name)

    async def _agent(self, name: str) -> Check:
        try:
            async with asyncio.timeout(PROBE_SECONDS):
                probe = await self._backends[name].probe()
        except JirabotError as error:
            return checks.failed("agent", error)
        except TimeoutError:
            fix = f"try its command by hand; it stands in `[agents.{name}]`"
            text = f"the agent `{name}` did not answer in {PROBE_SECONDS:.0f} s"
            return Check(name="agent", level=Level.FAILED, text=text, fix=fix)
        if probe.works:
            return Check(name="agent", level=Level.OK, text=f"`{name}`: {probe.detail}")
        fix = f"mend `[agents.{name}]` in the configuration, or install what it names"
        return Check(name="agent", level=Level.FAILED, text=f"`{name}`: {probe.detail}", fix=fix)

    async def _workspace(self, served: Served, *, by: Principal) -> Sequence[Check]:
        workspace, name = served.workspace, served.workspace.name
        found: list[Check] = []
        if workspace.state is not WorkspaceState.ACTIVE:
            unproved = workspace.state is WorkspaceState.UNPROVED
            fix = f"run `jirabot workspace activate {name}{' --trust' if unproved else ''}`"
            text = f"it is {workspace.state.value}: what comes is kept, not worked on"
            found.append(Check(name="state", level=Level.WARNING, text=text, fix=fix, workspace=name))
        if served.proof_sealed:
            text, fix = "a secret that proves its webhooks does not open", f"run {setting_again(WEBHOOK_SECRET, name)}"
            found.append(Check(name="secret", level=Level.FAILED, text=text, fix=fix, workspace=name))
        _, missing = await self._workspaces.show(name, by=by)
        elsewhere = {"webhook", *(() if self._backends else ("agent",))}
        found += [
            Check(name=item.what, level=Level.FAILED, text=item.text, fix=item.command, workspace=name)
            for item in missing
            if item.what not in elsewhere
        ]
        admins = await self._storage.read(lambda tx: self._admins(tx, served))
        found += [checks.one_administrator(name, admins[0])] if len(admins) == 1 else []
        found += await self._jira(served)
        newest, rejections, looked = await self._storage.read(lambda tx: _door(tx, served))
        settings = served.settings
        if settings.events != "poll":
            found.append(checks.webhook(workspace, self._workspaces.events_url(workspace), newest, rejections))
        if every := settings.looks_every:
            found.append(checks.looks(name, looked, every, self._clock.now()))
        return found

    def _admins(self, tx: Transaction, served: Served) -> Sequence[str]:
        """List who administers a workspace by a link; nobody where the management API is not in use."""
        if not self._trusts_issuer and not tx.tokens.list():
            return []
        links = tx.users.list_links(served.workspace.id)
        return sorted({e.user_name for e in links if e.role is Role.ADMIN and e.state is not LinkState.ENDED})

    async def _jira(self, served: Served) -> Sequence[Check]:
        workspace, site = served.workspace, self._directory.site(served)
        try:
            async with asyncio.timeout(PROBE_SECONDS):
                info = await site.server_info()
                found = [checks.clock(workspace.name, info, self._clock.now())]
                account = await site.myself()
                needed = (*checks.NEEDED, *rights(served.who_may))
                held = await site.permissions(needed)
        except JiraRefused as error:
            return [checks.refusal(workspace, error)]
        except JirabotError as error:
            fix = error.hint or f"check the base URL `{workspace.base_url}`"
            return [checks.failed("jira", error, workspace=workspace.name, fix=fix)]
        except TimeoutError:
            text = f"Jira at `{workspace.base_url}` did not answer in {PROBE_SECONDS:.0f} s"
            return [Check(name="jira", level=Level.FAILED, text=text, workspace=workspace.name, fix="try again later")]
        text = f"Jira {info.version_name} at {workspace.base_url}, as {account.label}"
        ok = Check(name="jira", level=Level.OK, text=text, workspace=workspace.name)
        return [ok, *found, checks.permissions(workspace.name, held, needed)]


def _door(tx: Transaction, served: Served) -> tuple[Delivery | None, Sequence[Rejection], Checkpoint | None]:
    workspace_id = served.workspace.id
    told = tx.deliveries.list(workspace_id=workspace_id, origin=Origin.WEBHOOK, limit=20)
    newest = next((delivery for delivery in told if delivery.replay_of is None), None)
    return newest, tx.rejections.list(workspace_id), tx.checkpoints.find(workspace_id)
