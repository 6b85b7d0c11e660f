"""How fast webhooks come: each workspace's rate, counted in the process, since it is asked at every one of them.

Jira Cloud sends again what is answered 429, so that over its rate and with a backlog it is asked to. Data Center sends
nothing twice: what comes too fast is accepted, and has its turn when the rate allows.
"""

from datetime import datetime, timedelta

from jirabot.core import budgets
from jirabot.core.budgets import Bucket
from jirabot.core.ids import WorkspaceId
from jirabot.core.managers.directory import Served
from jirabot.core.ports import Storage

BACKLOG_MINUTES = 5
"""So many minutes' worth of webhooks may wait to be handled before more are refused."""

COUNTED_EVERY = timedelta(seconds=1)
"""How long a backlog that was counted is believed."""

COME_AGAIN_SECONDS = 60.0
"""When Jira is asked to send again: the backlog takes minutes."""


IN_TIME = timedelta()
"""No time too early."""


class Arrivals:
    """Counts the webhooks of each workspace."""

    def __init__(self, *, storage: Storage) -> None:
        self._storage = storage
        self._buckets: dict[WorkspaceId, Bucket] = {}
        self._backlogs: dict[WorkspaceId, tuple[datetime, int]] = {}

    def early_by(self, served: Served, *, now: datetime) -> timedelta:
        """Count a webhook, and say by how long it comes too early for its workspace's rate."""
        if not served.limits.webhooks_per_minute:
            return IN_TIME
        limit, id_ = served.webhooks, served.workspace.id
        bucket = self._buckets.get(id_) or budgets.full(limit, now)
        if not served.deployment.sends_again:
            self._buckets[id_], wait = budgets.promise(bucket, limit, now)
            return wait
        left = budgets.take(bucket, limit, now)
        if isinstance(left, timedelta):
            return left
        self._buckets[id_] = left
        return IN_TIME

    async def has_backlog(self, served: Served, *, now: datetime) -> bool:
        """Say whether too many wait already."""
        id_, most = served.workspace.id, served.webhooks.count * BACKLOG_MINUTES
        counted_at, count = self._backlogs.get(id_, (None, 0))
        if counted_at is None or not timedelta() <= now - counted_at < COUNTED_EVERY:
            count = await self._storage.read(lambda tx: tx.deliveries.backlog(id_, most=most))
            self._backlogs[id_] = (now, count)
        return count >= most
