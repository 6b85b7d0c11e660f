"""What every `DeliveryStore` promises of deliveries that a person has tried again, or gives up."""

import pytest

from jirabot.core.deliveries import Delivery, DeliveryState, Outcome
from jirabot.core.ids import DeliveryId
from jirabot.core.ports import Storage
from tests.contract.test_stores.lanes import (
    claim,
    claimed,
    conclude,
    head,
    next_due_at,
    postpone,
    record,
    release,
    state,
)
from tests.contract.test_stores.values import at, delivery

DEAD = Outcome(state=DeliveryState.DEAD, decision="give-up", reason="given-up", text="Given up.")
ENDED = [DeliveryState.DONE, DeliveryState.IGNORED, DeliveryState.REFUSED, DeliveryState.DISCARDED]


async def retry(storage: Storage, id: str = "d1") -> bool:
    return await storage.write(lambda tx: tx.deliveries.retry(DeliveryId(id), now=at(30)))


async def discard(storage: Storage, id: str = "d1") -> bool:
    return await storage.write(
        lambda tx: tx.deliveries.discard(DeliveryId(id), reason="discarded", text="By me.", now=at(30))
    )


async def ended(storage: Storage, id: str, outcome: Outcome) -> None:
    """Record a delivery on a lane of its own, with that outcome."""
    await record(storage, delivery(id))
    lease = await claimed(storage)
    assert await conclude(storage, lease, id, outcome)
    await release(storage, lease)


async def waiting(storage: Storage, id: str = "d1") -> None:
    await record(storage, delivery(id))
    lease = await claimed(storage)
    assert await postpone(storage, lease, id, due_at=at(60))
    await release(storage, lease)


async def found(storage: Storage, id: str = "d1") -> Delivery:
    known = await storage.read(lambda tx: tx.deliveries.find(DeliveryId(id)))
    assert known is not None
    return known


class TestTryingAgain:
    async def test_a_dead_one_is_received_anew_and_due_now(self, storage: Storage):
        await ended(storage, "d1", DEAD)
        assert await retry(storage) is True
        known = await found(storage)
        told = (known.state, known.decision, known.reason, known.text, known.steps, known.attempts)
        assert told == (DeliveryState.RECEIVED, "", "", "", (), 0)
        assert (known.due_at, known.handled_at) == (at(30), None)

    async def test_its_lane_is_ready_then(self, storage: Storage):
        await ended(storage, "d1", DEAD)
        await retry(storage)
        assert await claim(storage, now=at(29)) is None
        assert await head(storage, await claimed(storage, now=at(30)), now=at(30)) == "d1"

    async def test_a_waiting_one_waits_no_longer(self, storage: Storage):
        await waiting(storage)
        assert await retry(storage) is True
        assert await next_due_at(storage) == at(30)
        assert (await found(storage)).attempts == 0

    async def test_it_comes_before_what_came_later(self, storage: Storage):
        await ended(storage, "d1", DEAD)
        await record(storage, delivery("d2"))
        await retry(storage)
        assert await head(storage, await claimed(storage, now=at(30)), now=at(30)) == "d1"

    async def test_a_lane_that_is_worked_on_stays_leased(self, storage: Storage):
        await ended(storage, "d1", DEAD)
        await record(storage, delivery("d2"))
        lease = await claimed(storage)
        await retry(storage)
        assert await claim(storage, "you", now=at(5)) is None
        assert await conclude(storage, lease, "d2") is True
        await release(storage, lease)
        assert await next_due_at(storage) == at(30)

    @pytest.mark.parametrize("end", ENDED)
    async def test_one_that_has_ended_otherwise_is_not(self, storage: Storage, end: DeliveryState):
        await ended(storage, "d1", Outcome(state=end, decision="any", reason="any", text="Any."))
        assert await retry(storage) is False
        assert await state(storage) is end

    async def test_what_is_not_there_is_not(self, storage: Storage):
        assert await retry(storage, "nobody") is False


class TestGivingUp:
    @pytest.mark.parametrize("kept", [DeliveryState.RECEIVED, DeliveryState.PAUSED])
    async def test_one_that_was_not_handled_is_discarded(self, storage: Storage, kept: DeliveryState):
        await record(storage, delivery(state=kept))
        assert await discard(storage) is True
        known = await found(storage)
        told = (known.state, known.decision, known.reason, known.text, known.handled_at)
        assert told == (DeliveryState.DISCARDED, "discard", "discarded", "By me.", at(30))

    async def test_a_dead_one_is_discarded(self, storage: Storage):
        await ended(storage, "d1", DEAD)
        assert await discard(storage) is True
        assert await state(storage) is DeliveryState.DISCARDED

    async def test_what_waited_behind_it_is_due(self, storage: Storage):
        await waiting(storage)
        await record(storage, delivery("d2"))
        assert await discard(storage) is True
        assert await head(storage, await claimed(storage, now=at(30)), now=at(30)) == "d2"

    async def test_with_nothing_behind_it_the_lane_is_idle(self, storage: Storage):
        await waiting(storage)
        await discard(storage)
        assert await next_due_at(storage) is None

    async def test_who_handles_it_at_this_moment_can_not_conclude_it(self, storage: Storage):
        await record(storage, delivery())
        lease = await claimed(storage)
        await discard(storage)
        assert await conclude(storage, lease) is False
        assert await state(storage) is DeliveryState.DISCARDED

    @pytest.mark.parametrize("end", ENDED)
    async def test_one_that_has_led_to_something_is_not(self, storage: Storage, end: DeliveryState):
        await ended(storage, "d1", Outcome(state=end, decision="any", reason="any", text="Any."))
        assert await discard(storage) is False
        assert (await found(storage)).text == "Any."
