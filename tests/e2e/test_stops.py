"""A stop that comes before the agent works: the run ends as stopped, and what is asked after it is done."""

from dataclasses import replace
from datetime import timedelta

import pytest

from jirabot.agents.checkout import GitCheckouts
from jirabot.core.conversations import RunState, State
from jirabot.core.managers.briefing import Briefing
from jirabot.core.people import DAEMON
from jirabot.errors import GitFailed, JirabotError, RateLimited

from .gates import Gate
from .stage import Stage

pytestmark = pytest.mark.alike

STOPPED = "Stopped, as Ada Lovelace asked."
UNREACHABLE = GitFailed("the host can't be reached", retryable=True)


async def begin(stage: Stage, gate: Gate) -> None:
    """Ask for something, and wait until its run is held up."""
    await stage.comment("@openhands fix login.py")
    assert "I am on it" in (await stage.says()).text
    await gate.come.wait()


async def stop(stage: Stage) -> None:
    await stage.outcome(await stage.comment("@openhands stop"))


def told(stage: Stage, event: str) -> int:
    return sum(each == event for each, _ in stage.log.told)


async def test_a_run_that_is_stopped_before_its_agent_begins_ends_without_it(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate(monkeypatch, Briefing, "brief")
    await begin(stage, gate)
    await stop(stage)
    gate.open()

    assert (await stage.says()).text == STOPPED
    await stage.rest()
    whole = await stage.whole()
    assert (whole.conversation.state, [run.state for run in whole.runs]) == (State.STOPPED, [RunState.STOPPED])
    assert told(stage, "run.started") == 0


async def test_what_is_asked_after_a_stop_is_done_by_a_run_of_its_own(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stopped run has not worked yet: it is not given the later request, nor the later run the earlier one."""
    gate = Gate(monkeypatch, Briefing, "brief")
    await begin(stage, gate)
    await stop(stage)
    await stage.outcome(await stage.comment("@openhands fix only README.md"))
    gate.open()

    assert (await stage.says()).text == STOPPED
    assert "I go on: “fix only README.md”" in (await stage.says()).text
    assert "Done. 1 commit" in (await stage.says()).text
    whole = await stage.whole()
    assert [run.state for run in whole.runs] == [RunState.STOPPED, RunState.FINISHED]
    assert [message.given_to for message in whole.messages] == [run.id for run in whole.runs]


async def test_a_stop_ends_the_making_of_a_clone(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which may take a quarter of an hour; the next run makes it."""
    gate = Gate(monkeypatch, GitCheckouts, "_fetch")
    await begin(stage, gate)
    await stop(stage)

    assert (await stage.says()).text == STOPPED
    assert gate.was_cancelled
    await stage.comment("@openhands fix README.md")
    assert "I go on" in (await stage.says()).text
    assert "Done. 1 commit" in (await stage.says()).text


async def test_a_run_whose_session_is_over_before_its_agent_begins_is_not_begun_again(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it was asked goes down with it, until somebody asks again."""
    gate = Gate(monkeypatch, Briefing, "brief")
    await begin(stage, gate)
    long_ago = replace(await stage.conversation(), updated_at=stage.app.clock.now() - timedelta(days=3))
    await stage.app.storage.write(lambda tx: tx.conversations.save(long_ago))
    await stage.app.expiry.expire_once(by=DAEMON)
    gate.open()

    assert "so I have ended this work" in (await stage.says()).text
    await stage.rest()
    assert [run.state for run in (await stage.whole()).runs] == [RunState.EXPIRED]


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(UNREACHABLE, id="that may work later"),
        pytest.param(RateLimited("the host asks to wait", retry_after_seconds=1.0), id="that has to wait"),
        pytest.param(GitFailed("git says no"), id="for good"),
    ],
)
async def test_a_stopped_run_that_fails_is_stopped(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, error: JirabotError
) -> None:
    """It is neither tried again nor a trouble: nobody wants its work any more."""
    gate = Gate(monkeypatch, Briefing, "brief")
    await begin(stage, gate)
    await stop(stage)

    async def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(GitCheckouts, "prepare", fail)
    gate.open(error)

    assert (await stage.says()).text == STOPPED
    await stage.rest()
    whole = await stage.whole()
    assert (whole.conversation.state, [run.state for run in whole.runs]) == (State.STOPPED, [RunState.STOPPED])
    assert await stage.app.storage.read(lambda tx: tx.troubles.standing()) == []
