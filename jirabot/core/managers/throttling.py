"""A Jira that asks to be left alone for long: its workspace is degraded, and administrators told, until it accepts."""

from datetime import timedelta

from jirabot.core.ids import WorkspaceId
from jirabot.core.managers import troubles
from jirabot.core.managers.directory import Directory
from jirabot.core.managers.troubles import Found
from jirabot.core.ports import Clock, Ids, Storage, Transaction
from jirabot.core.retry import LONGEST_WAIT_ASKED
from jirabot.core.scopes import of_workspace
from jirabot.core.troubles import Reason
from jirabot.errors import BudgetSpent, RateLimited


class Throttling:
    """Begins and ends that trouble. While nothing changes it asks no database: it is called with each effect."""

    def __init__(self, *, storage: Storage, directory: Directory, clock: Clock, ids: Ids) -> None:
        self._storage, self._directory, self._clock, self._ids = storage, directory, clock, ids

    async def refused(self, workspace_id: WorkspaceId, error: RateLimited) -> None:
        """Degrade a workspace whose Jira, and not our own budget, asks for more than people wait without a word."""
        wait = timedelta(seconds=error.retry_after_seconds)
        if isinstance(error, BudgetSpent) or wait <= LONGEST_WAIT_ASKED or await self._stands(workspace_id):
            return
        now = self._clock.now()
        await self._storage.write(lambda tx: self._begin(tx, workspace_id, f"{now + wait:%Y-%m-%d %H:%M} UTC"))
        self._directory.forget()

    async def accepted(self, workspace_id: WorkspaceId) -> None:
        """Record that Jira accepts again."""
        if await self._stands(workspace_id):
            scope, now = of_workspace(workspace_id), self._clock.now()
            await self._storage.write(lambda tx: troubles.mend(tx, scope, [Reason.THROTTLED], now=now))
            self._directory.forget()

    async def _stands(self, workspace_id: WorkspaceId) -> bool:
        served = await self._directory.find(workspace_id)
        return served is not None and Reason.THROTTLED in served.workspace.degraded

    def _begin(self, tx: Transaction, workspace_id: WorkspaceId, until: str) -> None:
        workspace = tx.workspaces.find(workspace_id)
        if workspace is None:
            return
        found = Found(
            scope=of_workspace(workspace_id),
            reason=Reason.THROTTLED,
            text=f"the Jira of `{workspace.name}` asks not to be called before {until}; what is owed to it waits",
            fix="free the service account from Jira's rate limit, or lower `api_calls_per_hour` of the workspace",
        )
        troubles.degrade(tx, found, new_id=self._ids.sortable(), now=self._clock.now())
