"""What every `BreakerStore` promises: one an agent, heeded by the claim of a run, but for the one that tries."""

from dataclasses import replace

import pytest

from jirabot.core.breakers import AWAY, Breaker
from jirabot.core.conversations import RunState, State
from jirabot.core.ids import BackendName, ConversationId, RunId
from jirabot.core.ports import Storage, Transaction
from tests.contract.test_stores.values import NOW, OTHER, at, conversation, effect, run

LOCAL, FAR = BackendName("local"), BackendName("far")
BREAKER = Breaker(agent=LOCAL, opened_at=NOW, due_at=at(60))


@pytest.fixture
async def waiting(storage: Storage) -> Storage:
    """Runs `r1` and `r2` of the agent `local` wait, and `x1` of another; the breaker of `local` is open."""

    def change(tx: Transaction) -> None:
        for name, agent in (("1", LOCAL), ("2", LOCAL), ("3", FAR)):
            tx.conversations.add(conversation(f"c{name}", issue=name, state=State.IN_PROGRESS, agent=agent))
        tx.conversations.add_run(run("r1", of="c1", due_at=at(-3)))
        tx.conversations.add_run(run("r2", of="c2", due_at=at(-2)))
        tx.conversations.add_run(run("x1", of="c3", due_at=at(-1)))
        tx.breakers.save(BREAKER)

    await storage.write(change)
    return storage


async def claim(storage: Storage, *, seconds: float = 0) -> str | None:
    now, until = at(seconds), at(seconds + 10)
    claimed = await storage.write(
        lambda tx: tx.conversations.claim_run(owner="me", now=now, until=until, limits={"daemon": 9})
    )
    return None if claimed is None else claimed.id


async def found(storage: Storage) -> Breaker | None:
    return await storage.read(lambda tx: tx.breakers.find(LOCAL))


async def test_an_agent_has_one_that_is_replaced_and_removed(storage: Storage):
    assert await found(storage) is None
    await storage.write(lambda tx: tx.breakers.save(BREAKER))
    assert await found(storage) == BREAKER
    later = replace(BREAKER, due_at=at(120), probe_run_id=RunId("r1"))
    await storage.write(lambda tx: tx.breakers.save(later))
    assert await found(storage) == later
    await storage.write(lambda tx: tx.breakers.remove(FAR))
    assert await found(storage) == later
    await storage.write(lambda tx: tx.breakers.remove(LOCAL))
    assert await found(storage) is None


async def test_no_run_of_its_agent_is_begun_and_those_of_others_are(waiting: Storage):
    assert [await claim(waiting) for _ in range(2)] == ["x1", None]


async def end(storage: Storage, id_: str, of: str) -> None:
    await storage.write(lambda tx: tx.conversations.save_run(run(id_, of=of, state=RunState.FINISHED)))


async def test_when_it_is_time_one_run_tries(waiting: Storage):
    await end(waiting, "x1", "c3")
    assert [await claim(waiting, seconds=60) for _ in range(2)] == ["r1", None]
    assert await found(waiting) == replace(BREAKER, probe_run_id=RunId("r1"))


async def test_another_tries_where_the_one_before_has_come_to_no_end(waiting: Storage):
    """It waits for a person, was stopped, or its conversation is gone: it says nothing of the agent."""
    await end(waiting, "x1", "c3")
    assert await claim(waiting, seconds=60) == "r1"
    await waiting.write(lambda tx: tx.conversations.save_run(run("r1", of="c1", state=RunState.HELD)))
    assert await claim(waiting, seconds=61) == "r2"
    await waiting.write(lambda tx: tx.conversations.delete(ConversationId("c2")))
    assert await claim(waiting, seconds=62) is None
    await waiting.write(lambda tx: tx.conversations.save_run(run("r1", of="c1", due_at=at(-3))))
    assert await claim(waiting, seconds=62) == "r1"


async def test_one_that_had_begun_goes_on(waiting: Storage):
    lost = run("r1", of="c1", state=RunState.RUNNING, lease_until=at(-1))
    await waiting.write(lambda tx: tx.conversations.save_run(lost))
    assert await claim(waiting) == "r1"
    assert await found(waiting) == BREAKER


async def test_once_it_is_closed_all_are_begun(waiting: Storage):
    await waiting.write(lambda tx: tx.breakers.remove(LOCAL))
    assert [await claim(waiting) for _ in range(4)] == ["r1", "r2", "x1", None]


async def test_the_runs_that_it_holds_back_are_listed_until_they_are_told(waiting: Storage):
    async def untold(*, seconds: float = 0, limit: int = 9) -> list[str]:
        runs = await waiting.read(lambda tx: tx.breakers.untold(now=at(seconds), limit=limit))
        return [each.id for each in runs]

    assert await untold() == ["r1", "r2"]
    assert await untold(limit=1) == ["r1"]
    assert await untold(seconds=-2.5) == ["r1"]
    assert await untold(seconds=60) == []
    told = effect(cause=f"{AWAY}r1")
    elsewhere = effect("e2", cause=f"{AWAY}r2", workspace_id=OTHER)
    await waiting.write(lambda tx: tx.outbox.owe([told, elsewhere]))
    assert await untold() == ["r2"]
