"""A workspace deleted: its runs stopped, its checkouts, secrets and rows removed. What stays elsewhere is told.

Interrupted at any point, it can be asked for again: the rows go last.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from jirabot.core.access import check_operator
from jirabot.core.audit import Act
from jirabot.core.conversations import Conversation, Run, RunState
from jirabot.core.managers import audit
from jirabot.core.managers.directory import Directory, named
from jirabot.core.managers.webhooks import Removed, Webhooks
from jirabot.core.pauses import Pause
from jirabot.core.people import Principal, account_of
from jirabot.core.ports import AgentBackend, Checkouts, Clock, Storage, Transaction
from jirabot.core.scopes import of_workspace
from jirabot.core.workspaces import Workspace, WorkspaceState
from jirabot.errors import Unreachable

STOP_WITHIN = timedelta(seconds=30)
"""How long a running daemon may take to stop the runs."""

NOTICED_AFTER_SECONDS = 1.5
"""A running daemon has noticed by then, and takes no more deliveries in."""

EVERY = 1_000_000_000
"""As a limit: all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holdings:
    """What belongs to a workspace. `branches`: what was made at git hosts, as `repository: branch`."""

    workspace: Workspace
    conversations: Sequence[Conversation]
    deliveries_count: int
    repositories_count: int

    @property
    def issue_keys(self) -> Sequence[str]:
        """The issues that the bot has written on."""
        return sorted({conversation.issue_key for conversation in self.conversations})

    @property
    def branches(self) -> Sequence[str]:
        """The branches that the bot may have pushed."""
        made = [each for each in self.conversations if each.branch and each.repository_name]
        return sorted({f"{each.repository_name}: {each.branch}" for each in made})


class Deletions:
    """Deletes workspaces."""

    def __init__(
        self,
        *,
        storage: Storage,
        directory: Directory,
        webhooks: Webhooks,
        checkouts: Checkouts,
        backends: Mapping[str, AgentBackend],
        clock: Clock,
        daemon_runs: Callable[[], bool],
    ) -> None:
        self._storage, self._directory, self._webhooks, self._checkouts = storage, directory, webhooks, checkouts
        self._backends, self._clock, self._daemon_runs = backends, clock, daemon_runs

    async def holdings(self, name: str, *, by: Principal) -> Holdings:
        """Look at what would be deleted.

        Raises:
            WorkspaceNotFound: there is none of that name.
        """
        return await self._storage.read(lambda tx: _holdings(tx, named(tx, name)))

    async def delete(self, name: str, *, by: Principal, keep_webhooks: bool = False) -> tuple[Holdings, Removed]:
        """Delete a workspace; gives what belonged to it, and which webhooks were removed from its Jira.

        Only those that jirabot made; where Jira does not let them be removed, the workspace goes all the same.

        Raises:
            WorkspaceNotFound: there is none of that name.
            Unreachable: the running daemon does not stop its runs; the workspace is paused then, and nothing removed.
        """
        check_operator(by)
        workspace = await self._storage.write(lambda tx: self._pause(tx, named(tx, name), by))
        self._directory.forget()
        await self._stop_runs(workspace)
        holdings = await self._storage.read(lambda tx: _holdings(tx, workspace))
        removed = Removed(workspace=workspace, webhook_ids=())
        if not keep_webhooks:
            removed = await self._webhooks.delete_if_possible(workspace, by=by)
        for conversation in holdings.conversations:
            await self._checkouts.remove(conversation.id)
        await self._storage.write(lambda tx: self._remove(tx, workspace, by))
        if self._daemon_runs():
            await self._clock.sleep(NOTICED_AFTER_SECONDS)
            await self._storage.write(lambda tx: tx.workspaces.remove(workspace.id))
        self._directory.forget()
        return holdings, removed

    def _remove(self, tx: Transaction, workspace: Workspace, by: Principal) -> None:
        """Remove all of it but what the audit holds."""
        tx.workspaces.remove(workspace.id)
        audit.record(tx, Act.WORKSPACE_DELETED, by=by, now=self._clock.now(), workspace=workspace)

    def _pause(self, tx: Transaction, workspace: Workspace, by: Principal) -> Workspace:
        """Let nothing new begin, and ask what runs to stop."""
        now = self._clock.now()
        paused = replace(workspace, state=WorkspaceState.PAUSED, updated_at=now)
        tx.workspaces.save(paused)
        tx.pauses.add(Pause(scope=of_workspace(workspace.id), paused_by=by.name, paused_at=now))
        audit.record(tx, Act.WORKSPACE_DEACTIVATED, by=by, now=now, workspace=paused)
        for _, run in _running(tx, workspace):
            tx.conversations.request_stop(run.id, cause=account_of(by).label)
        return paused

    async def _stop_runs(self, workspace: Workspace) -> None:
        """Wait until the daemon has stopped the runs; without one, end what it may have left behind."""
        until = self._clock.now() + STOP_WITHIN
        while running := await self._storage.read(lambda tx: _running(tx, workspace)):
            if not self._daemon_runs():
                for conversation, _ in running:
                    backend = self._backends.get(conversation.agent)
                    if backend is not None and conversation.session:
                        await backend.resume(conversation.session)
                return
            if self._clock.now() >= until:
                raise Unreachable(
                    f"the daemon has not stopped {len(running)} of its runs in {STOP_WITHIN.seconds} s",
                    hint=f"stop the daemon, then run `jirabot workspace delete {workspace.name}` again",
                )
            seen = self._storage.generation()
            await self._storage.changed(seen, within_seconds=0.5)


def _running(tx: Transaction, workspace: Workspace) -> Sequence[tuple[Conversation, Run]]:
    every = tx.conversations.list(workspace_id=workspace.id, limit=EVERY)
    live = [(each, run) for each in every if (run := tx.conversations.live_run(each.id)) is not None]
    return [(each, run) for each, run in live if run.state is RunState.RUNNING]


def _holdings(tx: Transaction, workspace: Workspace) -> Holdings:
    return Holdings(
        workspace=workspace,
        conversations=tx.conversations.list(workspace_id=workspace.id, limit=EVERY),
        deliveries_count=len(tx.deliveries.list(workspace_id=workspace.id, limit=EVERY)),
        repositories_count=len(tx.repositories.list(workspace.id)),
    )
