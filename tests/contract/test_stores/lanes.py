"""Short ways to work on lanes, each call a transaction of its own."""

from datetime import datetime

from jirabot.core.deliveries import DeliveryState, Lease, NewDelivery, Outcome
from jirabot.core.ids import DeliveryId, LaneId
from jirabot.core.ports import Storage
from tests.contract.test_stores.values import NOW, at

LANE_1, LANE_2 = LaneId("ws/1"), LaneId("ws/2")
DONE = Outcome(state=DeliveryState.DONE, decision="start", reason="mention", text="It was asked.")


async def record(storage: Storage, *deliveries: NewDelivery) -> None:
    await storage.write(lambda tx: tx.deliveries.record(deliveries))


async def claim(
    storage: Storage,
    owner: str = "me",
    *,
    now: datetime = NOW,
    until: datetime | None = None,
    only: LaneId | None = None,
) -> Lease | None:
    """Claim for ten seconds, where nothing else is said."""
    until = until or at((now - NOW).total_seconds() + 10)
    return await storage.write(lambda tx: tx.deliveries.claim_lane(owner=owner, now=now, until=until, only=only))


async def claimed(storage: Storage, owner: str = "me", *, now: datetime = NOW, only: LaneId | None = None) -> Lease:
    lease = await claim(storage, owner, now=now, only=only)
    assert lease is not None
    return lease


async def head(storage: Storage, lease: Lease, *, now: datetime = NOW) -> str | None:
    found = await storage.read(lambda tx: tx.deliveries.head_of(lease, now=now))
    return None if found is None else found.id


async def conclude(storage: Storage, lease: Lease, id: str = "d1", outcome: Outcome = DONE) -> bool:
    return await storage.write(lambda tx: tx.deliveries.conclude(lease, DeliveryId(id), outcome, now=at(1)))


async def postpone(storage: Storage, lease: Lease, id: str = "d1", *, due_at: datetime = at(60), **how: bool) -> bool:
    return await storage.write(
        lambda tx: tx.deliveries.postpone(
            lease, DeliveryId(id), due_at=due_at, reason="try-again", text="Jira is away.", **how
        )
    )


async def release(storage: Storage, lease: Lease) -> None:
    await storage.write(lambda tx: tx.deliveries.release_lane(lease))


async def next_due_at(storage: Storage) -> datetime | None:
    return await storage.read(lambda tx: tx.deliveries.next_due_at())


async def state(storage: Storage, id: str = "d1") -> DeliveryState:
    found = await storage.read(lambda tx: tx.deliveries.find(DeliveryId(id)))
    assert found is not None
    return found.state
