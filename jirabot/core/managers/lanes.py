"""The lease of a lane: how long it lasts, and how it is prolonged while something is done that may take longer."""

from collections.abc import Coroutine
from datetime import timedelta
from typing import TypeVar

from jirabot.core.deliveries import Lease
from jirabot.core.ports import Clock, Storage
from jirabot.core.tasks import together

T = TypeVar("T")

LANE_LEASE = timedelta(seconds=60)
"""How long nobody else takes a lane: after so long who has died with it is followed by another."""

RENEW_EVERY_SECONDS = 15.0


async def holding(lease: Lease, work: Coroutine[None, None, T], *, storage: Storage, clock: Clock) -> T:
    """Do the work, and prolong the lease meanwhile: a Jira that is slow may take longer than it lasts.

    Raises what the work raises, and StorageUnavailable where the lease can't be prolonged.
    """
    async with together() as tasks:
        renewing = tasks.create_task(_renew(lease, storage, clock))
        done = await work
        renewing.cancel()
    return done


async def _renew(lease: Lease, storage: Storage, clock: Clock) -> None:
    while True:
        await clock.sleep(RENEW_EVERY_SECONDS)
        await storage.write(lambda tx: tx.deliveries.renew_lane(lease, until=clock.now() + LANE_LEASE))
