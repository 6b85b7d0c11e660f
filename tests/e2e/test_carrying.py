"""What fails while a run is carried: each of it ends in what the issue is told, or in another try."""

import asyncio
from typing import Any

import pytest

from jirabot.core.conversations import RunState, State
from jirabot.core.managers.endings import Endings
from jirabot.core.managers.runs import RUN_LEASE, Runs
from jirabot.core.managers.work import RunLost
from jirabot.errors import Conflict, JirabotError, StorageUnavailable

from .stage import Stage

pytestmark = pytest.mark.alike


def fail_once(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, error: Exception) -> None:
    """Let the first call of a function of *owner* fail."""
    works, errors = getattr(owner, name), [error]

    async def fails(*given: Any, **named: Any) -> Any:
        if errors:
            raise errors.pop()
        return await works(*given, **named)

    monkeypatch.setattr(owner, name, fails)


def leave_once(monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """Let the first run be left while its agent works, as by a daemon that is gone; the event tells when it is."""
    fail_once(monkeypatch, Runs, "_report", RunLost("another daemon has the run"))
    carry, is_left = Runs.carry, asyncio.Event()

    async def tell(*given: Any, **named: Any) -> None:
        await carry(*given, **named)
        is_left.set()

    monkeypatch.setattr(Runs, "carry", tell)
    return is_left


@pytest.mark.parametrize("part", ["_report", "_watch_for_stop"])
async def test_a_database_that_fails_while_the_agent_works_costs_an_attempt(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    """It is known as what it is: the turn begins again, and nobody is told of a fault in jirabot."""
    fail_once(monkeypatch, Runs, part, StorageUnavailable("the disk is full"))

    await stage.comment("@openhands fix login.py")

    assert "I am on it" in (await stage.says()).text
    assert "Done." in (await stage.says()).text
    assert (await stage.whole()).runs[-1].attempts == 2


async def test_a_run_that_another_has_is_left_to_it(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a word, on the issue or in the log. Here nobody has it: it is taken up again when its lease is over."""
    is_left = leave_once(monkeypatch)

    await stage.comment("@openhands fix login.py")
    assert "I am on it" in (await stage.says()).text
    await is_left.wait()
    stage.clock.advance(seconds=RUN_LEASE.total_seconds() + 1)

    assert "Done." in (await stage.says()).text


@pytest.mark.stage(repositories=2)
@pytest.mark.parametrize(
    "error", [pytest.param(Conflict("no such step"), id="foreseen"), pytest.param(RuntimeError(), id="a fault")]
)
async def test_what_fails_while_a_run_is_put_back_is_told(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """It would be lost, and taken up again, for ever."""
    fail_once(monkeypatch, Endings, "put", error)
    stage.expected_errors = set() if isinstance(error, JirabotError) else {"run.broken"}

    await stage.comment("@openhands fix login.py")

    assert "I am on it" in (await stage.says()).text
    assert "this did not work out" in (await stage.says()).text
    await stage.rest()
    whole = await stage.whole()
    assert (whole.conversation.state, whole.runs[-1].state) == (State.FAILED, RunState.FAILED)


@pytest.mark.stage(repositories=2)
async def test_a_workspace_that_has_come_to_ask_asks_for_work_that_was_interrupted(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It began in an empty folder; the answer is a name alone, and the agent goes on there."""
    is_left = leave_once(monkeypatch)
    await stage.change_workspace(settings={"no_repository": "empty"})
    await stage.comment("@openhands fix login.py")
    await stage.says()
    await is_left.wait()

    await stage.change_workspace(settings={"no_repository": "ask"})
    stage.clock.advance(seconds=RUN_LEASE.total_seconds() + 1)
    assert "which repository does this belong to?" in (await stage.says()).text
    await stage.comment("acme/shop")

    assert "of acme/shop, to be merged into main" in (await stage.says()).text
