"""What every `RetentionStore` promises: what is old is found in order, and nothing that is open ever is."""

from datetime import datetime

import pytest

from jirabot.core.conversations import RunState, State
from jirabot.core.deliveries import DeliveryState, Outcome
from jirabot.core.ids import ConversationId, DeliveryId
from jirabot.core.ports import ForgottenRequests, Storage, Transaction
from tests.contract.test_stores.lanes import claimed, conclude, postpone, record, release
from tests.contract.test_stores.values import (
    NOW,
    OTHER,
    WS,
    at,
    conversation,
    delivery,
    rejection,
    run,
    run_event,
)

LATER = at(100)
"""Everything here was finished before."""

FINISHED = [DeliveryState.DONE, DeliveryState.IGNORED, DeliveryState.REFUSED, DeliveryState.DISCARDED]


def outcome(state: DeliveryState, conversation_id: str | None = None) -> Outcome:
    of = None if conversation_id is None else ConversationId(conversation_id)
    return Outcome(state=state, decision="any", reason="any", text="Any.", conversation_id=of)


async def finish(storage: Storage, id: str, state: DeliveryState, *, of: str | None = None) -> None:
    """Record a delivery on a lane of its own, and conclude it a second later."""
    await record(storage, delivery(id, issue=id))
    lease = await claimed(storage)
    assert await conclude(storage, lease, id, outcome(state, of))
    await release(storage, lease)


async def old(
    storage: Storage, *, before: datetime = LATER, dead: bool = False, after: int = 0, limit: int = 9
) -> list[str]:
    """The ids of what is found."""

    def query(tx: Transaction) -> list[str]:
        found = tx.retention.old_requests(before=before, dead=dead, after=after, limit=limit)
        named = {each.no: each.id for each in tx.deliveries.list()}
        return [named[no] for no in found]

    return await storage.read(query)


async def forget(storage: Storage, *numbers: int, before: datetime = LATER, dead: bool = False) -> ForgottenRequests:
    return await storage.write(lambda tx: tx.retention.forget_requests(numbers, before=before, dead=dead))


async def has_request(storage: Storage, id: str = "d1") -> bool:
    return await storage.read(lambda tx: tx.deliveries.request_of(DeliveryId(id)) is not None)


@pytest.mark.parametrize("state", FINISHED)
async def test_a_finished_delivery_forgets_its_request_and_keeps_its_outcome(storage: Storage, state: DeliveryState):
    await finish(storage, "d1", state)
    assert await old(storage) == ["d1"]
    assert await forget(storage, 1) == ForgottenRequests(count=1)
    assert not await has_request(storage)
    kept = await storage.read(lambda tx: tx.deliveries.find(DeliveryId("d1")))
    assert kept is not None
    assert (kept.state, kept.decision, kept.text) == (state, "any", "Any.")
    assert await old(storage) == []


async def test_one_that_was_finished_since_is_not_old(storage: Storage):
    await finish(storage, "d1", DeliveryState.DONE)
    assert await old(storage, before=at(1)) == []
    assert await forget(storage, 1, before=at(1)) == ForgottenRequests(count=0)
    assert await has_request(storage)


async def test_one_that_was_refused_at_the_door_is_old_by_when_it_came(storage: Storage):
    await record(storage, delivery(state=DeliveryState.REFUSED))
    assert await old(storage, before=NOW) == []
    assert await old(storage, before=at(1)) == ["d1"]


@pytest.mark.parametrize("state", [DeliveryState.RECEIVED, DeliveryState.PAUSED, DeliveryState.WAITING])
async def test_one_without_an_outcome_is_never_old(storage: Storage, state: DeliveryState):
    waits = state is DeliveryState.WAITING
    await record(storage, delivery(state=DeliveryState.RECEIVED if waits else state))
    if waits:
        assert await postpone(storage, await claimed(storage))
    for dead in (True, False):
        assert await old(storage, dead=dead) == []
        assert await forget(storage, 1, dead=dead) == ForgottenRequests(count=0)
    assert await has_request(storage)


async def test_dead_ones_are_found_when_asked_for_and_only_then(storage: Storage):
    await finish(storage, "gone", DeliveryState.DEAD)
    await finish(storage, "well", DeliveryState.DONE)
    assert await old(storage) == ["well"]
    assert await old(storage, dead=True) == ["gone"]
    assert await forget(storage, 1) == ForgottenRequests(count=0)
    assert await forget(storage, 1, dead=True) == ForgottenRequests(count=1)


@pytest.mark.parametrize("state", list(State))
async def test_one_of_an_open_conversation_is_kept(storage: Storage, state: State):
    talk = conversation(state=state)
    await storage.write(lambda tx: tx.conversations.add(talk))
    await finish(storage, "d1", DeliveryState.DONE, of="c1")
    assert await old(storage) == ([] if talk.is_open else ["d1"])
    assert (await forget(storage, 1)).count == (0 if talk.is_open else 1)


async def test_they_are_found_in_order_so_many_at_a_time(storage: Storage):
    for name in ("a", "b", "c"):
        await finish(storage, name, DeliveryState.DONE)
    assert await old(storage, limit=2) == ["a", "b"]
    assert await old(storage, after=2, limit=2) == ["c"]


async def test_reports_of_closed_conversations_are_forgotten(storage: Storage):
    def fill(tx: Transaction) -> None:
        for name, state in (("open", State.ACTIVE), ("closed", State.COMPLETED)):
            tx.conversations.add(conversation(name, issue=name, state=state))
            tx.conversations.add_run(run(f"run-{name}", of=name))
            for text in ("first", "second"):
                tx.conversations.record_event(run_event(text, run_id=f"run-{name}", of=name))

    await storage.write(fill)
    assert list(await storage.read(lambda tx: tx.retention.old_reports(before=NOW, after=0, limit=9))) == []
    assert list(await storage.read(lambda tx: tx.retention.old_reports(before=at(1), after=0, limit=9))) == [3, 4]
    assert list(await storage.read(lambda tx: tx.retention.old_reports(before=at(1), after=3, limit=9))) == [4]
    assert await storage.write(lambda tx: tx.retention.forget_reports([3, 4], before=NOW)) == 0
    assert await storage.write(lambda tx: tx.retention.forget_reports([1, 2, 3, 4], before=at(1))) == 2
    assert await storage.read(lambda tx: tx.conversations.events(ConversationId("closed"))) == []
    assert await storage.write(lambda tx: tx.retention.forget_reports([3, 4], before=at(1))) == 0
    assert len(await storage.read(lambda tx: tx.conversations.events(ConversationId("open")))) == 2


async def test_rejections_of_all_workspaces_are_forgotten(storage: Storage):
    await storage.write(lambda tx: tx.rejections.add([rejection("here"), rejection("there", OTHER)]))
    assert await storage.write(lambda tx: tx.rejections.forget(before=NOW)) == 0
    assert await storage.write(lambda tx: tx.rejections.forget(before=at(1))) == 2
    assert list(await storage.read(lambda tx: tx.rejections.list(WS))) == []


@pytest.mark.parametrize("state", list(State))
async def test_a_conversation_is_closed_long_ago_by_its_state_and_time(storage: Storage, state: State):
    talk = conversation(state=state)
    await storage.write(lambda tx: tx.conversations.add(talk))
    ids = [ConversationId("c1"), ConversationId("none")]
    assert await storage.read(lambda tx: tx.retention.closed_of(ids, before=NOW)) == []
    found = await storage.read(lambda tx: tx.retention.closed_of(ids, before=at(1)))
    assert found == ([] if talk.is_open else ["c1"])


@pytest.mark.parametrize("state", list(RunState))
async def test_a_conversation_with_a_run_that_lives_is_not_closed(storage: Storage, state: RunState):
    def fill(tx: Transaction) -> None:
        tx.conversations.add(conversation(state=State.STOPPED))
        tx.conversations.add_run(run(state=state))

    await storage.write(fill)
    found = await storage.read(lambda tx: tx.retention.closed_of([ConversationId("c1")], before=at(1)))
    assert found == ([] if state in (RunState.WAITING, RunState.HELD, RunState.RUNNING) else ["c1"])


async def test_the_last_time_stands(storage: Storage):
    assert await storage.read(lambda tx: tx.retention.pruned_at()) is None
    await storage.write(lambda tx: tx.retention.record_pruned(at=NOW))
    await storage.write(lambda tx: tx.retention.record_pruned(at=at(1)))
    assert await storage.read(lambda tx: tx.retention.pruned_at()) == at(1)
