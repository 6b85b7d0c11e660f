"""The hourly budgets of calls to each Jira, beyond one process: written down, so that a restart does not fill them."""

from datetime import timedelta

from jirabot.core import budgets
from jirabot.core.budgets import Bucket
from jirabot.core.ids import WorkspaceId
from jirabot.core.managers.directory import Served
from jirabot.core.ports import Clock, Sites, Storage, Transaction

API_CALLS = "api-calls"
"""The name of the budget in its row."""

WRITE_DOWN_EVERY_SECONDS = 60.0
"""What a daemon that is killed has spent since is not known to the next one."""


class Budgets:
    """Writes down what is left, reads it again, and says how often progress may be shown."""

    def __init__(self, *, storage: Storage, sites: Sites, clock: Clock) -> None:
        self._storage, self._sites, self._clock = storage, sites, clock
        self._written: dict[WorkspaceId, Bucket] = {}

    async def restore(self) -> None:
        """Take over what the last daemon has left."""
        left, workspaces = await self._storage.read(lambda tx: (tx.budgets.list(API_CALLS), tx.workspaces.list()))
        for workspace in workspaces:
            if workspace.id in left:
                self._sites.set_budget(workspace, left[workspace.id])
        self._written = dict(left)

    async def write_down(self) -> None:
        """Write down what has changed."""
        left = self._sites.budgets()
        changed = {key: bucket for key, bucket in left.items() if self._written.get(key) != bucket}
        if not changed:
            return

        def change(tx: Transaction) -> None:
            for workspace_id, bucket in changed.items():
                if tx.workspaces.find(workspace_id) is not None:
                    tx.budgets.put(workspace_id, API_CALLS, bucket)

        await self._storage.write(change)
        self._written |= changed

    async def keep(self) -> None:
        """Write down now and then. Runs until cancelled."""
        while True:
            await self._clock.sleep(WRITE_DOWN_EVERY_SECONDS)
            await self.write_down()

    def progress_interval(self, served: Served) -> timedelta:
        """Say how long after one sign of progress the next may be shown, by what is left."""
        every, left = served.settings.progress_every, self._sites.budgets().get(served.workspace.id)
        if left is None:
            return every
        share = budgets.share_left(left, served.api_calls, self._clock.now())
        return budgets.progress_interval(every, share)
