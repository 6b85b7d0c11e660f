"""What every `DeliveryStore` promises of deliveries that were kept while their workspace was paused."""

from datetime import datetime

from jirabot.core.deliveries import DeliveryState
from jirabot.core.ids import DeliveryId
from jirabot.core.ports import Storage
from tests.contract.test_stores.lanes import claim, claimed, conclude, head, postpone, record, release, state
from tests.contract.test_stores.values import NOW, OTHER, WS, at, delivery


async def release_kept(storage: Storage, *, now: datetime = at(30)) -> int:
    return await storage.write(lambda tx: tx.deliveries.release_kept(WS, now=now))


async def test_it_is_counted(storage: Storage):
    await record(storage, *(delivery(str(n), state=DeliveryState.PAUSED) for n in range(3)), delivery("received"))
    assert await release_kept(storage) == 3
    assert await release_kept(storage) == 0


async def test_it_is_handled_in_the_order_in_which_it_came(storage: Storage):
    kept = [delivery(name, state=DeliveryState.PAUSED, received_at=at(sec)) for name, sec in (("a", 2), ("b", 1))]
    await record(storage, *kept)
    await record(storage, delivery("younger", received_at=at(3)))
    await release_kept(storage)
    lease, seen = await claimed(storage, now=at(30)), []
    while (oldest := await head(storage, lease, now=at(30))) is not None:
        seen.append(oldest)
        await conclude(storage, lease, oldest)
    assert seen == ["a", "b", "younger"]


async def test_it_is_received_anew_and_due_now(storage: Storage):
    await record(storage, delivery(state=DeliveryState.PAUSED, decision="keep", reason="paused", text="Paused."))
    await release_kept(storage)
    found = await storage.read(lambda tx: tx.deliveries.find(DeliveryId("d1")))
    assert found is not None
    told = (found.state, found.decision, found.reason, found.text, found.due_at, found.received_at)
    assert told == (DeliveryState.RECEIVED, "", "", "", at(30), NOW)


async def test_its_lanes_are_ready(storage: Storage):
    paused = DeliveryState.PAUSED
    await record(storage, delivery("a", state=paused), delivery("b", issue=None, state=paused))
    await release_kept(storage)
    assert await claim(storage, now=at(29)) is None
    assert {(await claimed(storage, now=at(30))).key for _ in range(2)} == {"ws/1", "ws/-"}


async def test_a_lane_that_was_idle_is_ready(storage: Storage):
    await record(storage, delivery("a"))
    lease = await claimed(storage)
    await conclude(storage, lease, "a")
    await release(storage, lease)
    await record(storage, delivery("b", state=DeliveryState.PAUSED))
    await release_kept(storage)
    assert await head(storage, await claimed(storage, now=at(30)), now=at(30)) == "b"


async def test_a_lane_that_is_worked_on_stays_leased(storage: Storage):
    await record(storage, delivery("a"), delivery("b", state=DeliveryState.PAUSED))
    lease = await claimed(storage)
    await release_kept(storage, now=at(1))
    assert await claim(storage, "you", now=at(5)) is None
    assert await conclude(storage, lease, "a") is True
    assert await head(storage, lease, now=at(1)) == "b"


async def test_a_head_that_waits_keeps_its_time(storage: Storage):
    await record(storage, delivery("a"), delivery("b", state=DeliveryState.PAUSED))
    lease = await claimed(storage)
    await postpone(storage, lease, "a", due_at=at(60))
    await release(storage, lease)
    await release_kept(storage)
    assert await claim(storage, now=at(59)) is None
    assert await head(storage, await claimed(storage, now=at(60)), now=at(60)) == "a"


async def test_that_of_another_workspace_stays_kept(storage: Storage):
    await record(storage, delivery("there", workspace_id=OTHER, state=DeliveryState.PAUSED))
    assert await release_kept(storage) == 0
    assert await state(storage, "there") is DeliveryState.PAUSED
    assert await claim(storage, now=at(1000)) is None
