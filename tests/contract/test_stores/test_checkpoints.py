"""What every `CheckpointStore` promises, and the inbox beside it: how far was looked, and what was told already."""

from dataclasses import replace

import pytest

from jirabot.core.catching_up import begun
from jirabot.core.deliveries import DeliveryState, Origin, Outcome
from jirabot.core.ids import DeliveryId, TriggerKey, WorkspaceId
from jirabot.core.ports import Storage, Transaction
from tests.contract.test_stores.lanes import claim
from tests.contract.test_stores.values import NOW, OTHER, WS, at, delivery

FIRST = begun(WS, at=NOW, now=at(1))
KEY = TriggerKey("comment:1")


async def test_the_last_that_was_saved_of_a_workspace_is_found(storage: Storage):
    later = replace(FIRST, seen_until=at(60), looked_at=at(61), calls_count=4)

    def change(tx: Transaction) -> None:
        for each in (FIRST, later, begun(OTHER, at=at(2), now=at(2))):
            tx.checkpoints.save(each)

    await storage.write(change)

    assert await storage.read(lambda tx: tx.checkpoints.find(WS)) == later
    assert set(await storage.read(lambda tx: tx.checkpoints.list())) == {WS, OTHER}


async def test_where_none_was_saved_none_is_found(storage: Storage):
    assert await storage.read(lambda tx: tx.checkpoints.find(WS)) is None
    assert await storage.read(lambda tx: tx.checkpoints.list()) == {}


@pytest.mark.parametrize("removed", [WS, OTHER])
async def test_it_goes_with_its_workspace(storage: Storage, removed: WorkspaceId):
    await storage.write(lambda tx: tx.checkpoints.save(FIRST))
    await storage.write(lambda tx: tx.workspaces.remove(removed))

    assert await storage.read(lambda tx: tx.checkpoints.find(WS)) == (None if removed == WS else FIRST)


async def test_deliveries_and_checkpoint_stand_together_or_not_at_all(storage: Storage):
    """F84: a checkpoint that moves without its events drops them for good."""

    def change(tx: Transaction) -> None:
        tx.deliveries.record([delivery(origin=Origin.CATCH_UP)])
        tx.checkpoints.save(FIRST)
        raise LookupError("on purpose")

    with pytest.raises(LookupError):
        await storage.write(change)
    assert await storage.read(lambda tx: (tx.checkpoints.find(WS), tx.deliveries.list())) == (None, [])


@pytest.mark.parametrize("origin", Origin)
async def test_deliveries_are_listed_by_how_they_came(storage: Storage, origin: Origin):
    for each in Origin:
        await storage.record(delivery(each.value, origin=each))

    found = await storage.read(lambda tx: tx.deliveries.list(origin=origin))
    assert [(each.id, each.origin) for each in found] == [(origin.value, origin)]


@pytest.mark.parametrize(
    ("state", "is_told"),
    [(DeliveryState.IGNORED, True), (DeliveryState.DONE, True), (DeliveryState.DEAD, False)],
)
async def test_what_was_told_is_known_by_its_trigger_key(storage: Storage, state: DeliveryState, is_told: bool):
    """Whatever came of it, but only once it was handled, and not where it was given up."""

    def told(tx: Transaction) -> list[bool]:
        keys = ((WS, KEY), (OTHER, KEY), (WS, TriggerKey("comment:2")))
        return [tx.deliveries.is_told(workspace_id, key) for workspace_id, key in keys]

    await storage.record(delivery())
    assert await storage.read(told) == [False, False, False]

    lease = await claim(storage)
    assert lease is not None
    concluded = Outcome(state=state, decision="", reason="", text="", trigger_key=KEY)
    await storage.write(lambda tx: tx.deliveries.conclude(lease, DeliveryId("d1"), concluded, now=at(1)))
    assert await storage.read(told) == [is_told, False, False]


async def test_what_was_dead_from_the_start_is_handled_where_a_person_wants_it(storage: Storage):
    """It has never waited in its lane, and so there was none."""
    await storage.record(delivery(issue=None, state=DeliveryState.DEAD, origin=Origin.GAP))
    assert await claim(storage) is None

    assert await storage.write(lambda tx: tx.deliveries.retry(DeliveryId("d1"), now=NOW))
    lease = await claim(storage)
    assert lease is not None
    head = await storage.read(lambda tx: tx.deliveries.head_of(lease, now=at(1)))
    assert head is not None
    assert (head.id, head.origin) == ("d1", Origin.GAP)


async def test_how_far_it_is_filled_is_written_by_who_has_the_lane(storage: Storage):
    await storage.record(delivery(issue=None, origin=Origin.GAP))
    lease = await claim(storage)
    assert lease is not None
    written = await storage.write(lambda tx: tx.deliveries.rewrite(lease, DeliveryId("d1"), b"a half"))
    lost = replace(lease, epoch=lease.epoch + 1)
    refused = await storage.write(lambda tx: tx.deliveries.rewrite(lost, DeliveryId("d1"), b"all"))

    kept = await storage.read(lambda tx: tx.deliveries.request_of(DeliveryId("d1")))
    assert kept is not None
    assert (written, refused, kept.body) == (True, False, b"a half")
