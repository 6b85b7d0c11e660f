"""What every `PauseStore` promises, and that the claim of a run heeds it."""

from functools import partial

import pytest

from jirabot.core.conversations import RunState, State
from jirabot.core.ids import BackendName
from jirabot.core.pauses import Pause
from jirabot.core.ports import Storage, Transaction
from jirabot.core.scopes import EVERYWHERE, of_agent, of_workspace
from tests.contract.test_stores.values import NOW, OTHER, WS, at, conversation, run


def pause(scope: str, seconds: float = 0) -> Pause:
    return Pause(scope=scope, paused_by="shell", paused_at=at(seconds))


def add(added: Pause, tx: Transaction) -> bool:
    return tx.pauses.add(added)


async def claimed(storage: Storage) -> list[str]:
    """The runs that may begin now, in order."""
    found: list[str] = []

    def change(tx: Transaction) -> str | None:
        taken = tx.conversations.claim_run(owner="me", now=at(5), until=at(60), limits={})
        return taken.id if taken else None

    while (taken := await storage.write(change)) is not None:
        found.append(taken)
    return found


@pytest.fixture
async def waiting(storage: Storage) -> Storage:
    """A run that waits in each workspace, of the agents `local` and `other`."""

    def change(tx: Transaction) -> None:
        tx.conversations.add(conversation("c1", state=State.ACTIVE))
        tx.conversations.add(conversation("x1", workspace_id=OTHER, agent=BackendName("other"), state=State.ACTIVE))
        tx.conversations.add_run(run("r1"))
        tx.conversations.add_run(run("r2", of="x1", workspace_id=OTHER, due_at=at(1)))

    await storage.write(change)
    return storage


async def test_a_pause_is_listed_as_it_was_added_the_newest_first(storage: Storage):
    for number, scope in enumerate([EVERYWHERE, of_agent("local"), of_workspace(WS)]):
        added = pause(scope, number)
        assert await storage.write(partial(add, added)) is True

    assert await storage.read(lambda tx: tx.pauses.list()) == [
        pause("workspace/ws", 2),
        pause("agent/local", 1),
        pause("all", 0),
    ]


async def test_what_is_paused_already_stays_as_it_is(storage: Storage):
    await storage.write(lambda tx: tx.pauses.add(pause(EVERYWHERE)))

    assert await storage.write(lambda tx: tx.pauses.add(pause(EVERYWHERE, 9))) is False
    assert await storage.read(lambda tx: tx.pauses.list()) == [pause("all", 0)]


async def test_a_pause_is_ended_once(storage: Storage):
    await storage.write(lambda tx: tx.pauses.add(pause(EVERYWHERE)))

    assert await storage.write(lambda tx: tx.pauses.remove(EVERYWHERE)) is True
    assert await storage.write(lambda tx: tx.pauses.remove(EVERYWHERE)) is False
    assert await storage.read(lambda tx: tx.pauses.list()) == []


@pytest.mark.parametrize(
    ("scope", "begin"),
    [
        pytest.param("all", [], id="everything"),
        pytest.param("workspace/ws", ["r2"], id="a workspace"),
        pytest.param("workspace/other-ws", ["r1"], id="the other workspace"),
        pytest.param("workspace/w", ["r1", "r2"], id="the beginning of an id"),
        pytest.param("agent/local", ["r2"], id="an agent"),
        pytest.param("agent/none", ["r1", "r2"], id="an agent without runs"),
    ],
)
async def test_runs_of_what_is_paused_do_not_begin(waiting: Storage, scope, begin):
    await waiting.write(lambda tx: tx.pauses.add(pause(scope)))

    assert await claimed(waiting) == begin


async def test_runs_begin_when_the_pause_has_ended(waiting: Storage):
    await waiting.write(lambda tx: tx.pauses.add(pause(EVERYWHERE)))
    assert await claimed(waiting) == []

    await waiting.write(lambda tx: tx.pauses.remove(EVERYWHERE))
    assert await claimed(waiting) == ["r1", "r2"]


async def test_a_run_that_had_begun_is_taken_up_again_though_paused(storage: Storage):
    def change(tx: Transaction) -> None:
        tx.conversations.add(conversation("c1", state=State.IN_PROGRESS))
        tx.conversations.add_run(run("r1", state=RunState.RUNNING, owner="gone", epoch=1, lease_until=NOW))
        tx.pauses.add(pause(EVERYWHERE))

    await storage.write(change)

    assert await claimed(storage) == ["r1"]
