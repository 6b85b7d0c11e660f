"""What every `DeliveryStore` promises to a daemon that begins where another has died."""

import pytest

from jirabot.core.conversations import RunState
from jirabot.core.deliveries import Lease
from jirabot.core.ids import LaneId, RunId
from jirabot.core.ports import Storage, Transaction
from tests.contract.test_stores.lanes import claim, conclude
from tests.contract.test_stores.values import NOW, WS, at, conversation, delivery, run


@pytest.fixture
async def held(storage: Storage) -> Storage:
    """Lane 1 and a run are held by `gone`, lane 2 and another run by `me`."""

    def change(tx: Transaction) -> None:
        tx.deliveries.record([delivery("a", issue="1"), delivery("b", issue="2")])
        for number, owner in (("1", "gone"), ("2", "me")):
            tx.deliveries.claim_lane(owner=owner, now=NOW, until=at(10), only=LaneId(f"ws/{number}"))
            tx.conversations.add(conversation(f"c{number}", issue=number))
            tx.conversations.add_run(run(f"r{number}", of=f"c{number}"))
            tx.conversations.claim_run(owner=owner, now=NOW, until=at(10), limits={})

    await storage.write(change)
    return storage


async def test_they_are_counted(held: Storage):
    assert await held.write(lambda tx: tx.deliveries.release_leases_of_others(owner="me")) == 2
    assert await held.write(lambda tx: tx.deliveries.release_leases_of_others(owner="me")) == 0


async def test_their_lanes_can_be_claimed_at_once_and_ours_cannot(held: Storage):
    await held.write(lambda tx: tx.deliveries.release_leases_of_others(owner="me"))
    assert await claim(held) == Lease(key="ws/1", workspace_id=WS, owner="me", epoch=2)
    assert await claim(held) is None


async def test_their_runs_can_be_claimed_at_once_and_ours_cannot(held: Storage):
    def take(tx: Transaction) -> tuple[str | None, str | None]:
        taken = [tx.conversations.claim_run(owner="me", now=at(1), until=at(10), limits={}) for _ in range(2)]
        first, second = (each.id if each else None for each in taken)
        return first, second

    await held.write(lambda tx: tx.deliveries.release_leases_of_others(owner="me"))
    assert await held.write(take) == ("r1", None)


async def test_their_lease_does_not_stand_any_more(held: Storage):
    await held.write(lambda tx: tx.deliveries.release_leases_of_others(owner="me"))
    assert await conclude(held, Lease(key="ws/1", workspace_id=WS, owner="gone", epoch=1), "a") is False


async def test_a_run_that_ended_is_left_as_it_is(held: Storage):
    def end(tx: Transaction) -> None:
        tx.conversations.save_run(run("r1", of="c1", state=RunState.FINISHED))

    await held.write(end)
    assert await held.write(lambda tx: tx.deliveries.release_leases_of_others(owner="me")) == 1
    ended = await held.read(lambda tx: tx.conversations.find_run(RunId("r1")))
    assert ended is not None
    assert (ended.state, ended.owner) == (RunState.FINISHED, "gone")
