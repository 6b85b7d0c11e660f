"""An agent that fails whoever asks is left alone: what is asked of it waits, is told so once, and begins by itself."""

from datetime import timedelta

import pytest

from jirabot.config import AgentSettings
from jirabot.core.conversations import RunState, State
from jirabot.core.ids import BackendName
from jirabot.core.people import SHELL
from jirabot.core.scopes import of_agent
from jirabot.core.troubles import Reason
from jirabot.sandbox.issues import Issue

from .stage import Stage

pytestmark = pytest.mark.alike

_MOODY_AGENT = """\
if grep -q 'be away' "$JIRABOT_PROMPT_FILE"; then exit 75; fi
printf '{"type":"finished","summary":"I am here."}\\n'
"""
MOODY = {"moody": AgentSettings(type="command", command=("/bin/sh", "-c", _MOODY_AGENT))}
"""An agent whose service does not answer while it is asked to be away."""

WAITS = "the agent moody can't work at present, so this waits. It starts by itself when the agent is back."


@pytest.mark.stage(settings={"agents": MOODY})
async def test_what_is_asked_waits_and_begins_by_itself(stage: Stage) -> None:
    """Three failures open it; one run tries from time to time; one that works lets the others begin."""
    stage.expected_errors = {"trouble.begun"}
    second, third = [await stage.jira.create_issue(summary=f"Task {n}") for n in (2, 3)]
    await stage.comment("@openhands be away")
    await stage.says()
    assert "The agent's service did not answer" in (await stage.says()).text
    assert await _standing(stage) == [Reason.AGENT_FAILING]

    await _ask(stage, second, "@openhands be away, too")
    assert WAITS in (await stage.says(on=second)).text
    await _ask(stage, third, "@openhands fix login.py")
    assert WAITS in (await stage.says(on=third)).text
    assert (await stage.conversation(on=third)).state is State.ACTIVE

    await _let_one_fail(stage, second)
    assert await _standing(stage) == [Reason.AGENT_FAILING]
    stage.clock.advance(minutes=31)
    assert "I am here." in (await stage.says(on=third)).text

    assert "The agent's service did not answer" in (await stage.says(on=second)).text
    await stage.rest()
    assert await _standing(stage) == []
    told = [fields["reason"] for event, fields in stage.log.told if event.startswith("trouble.")]
    assert told == [Reason.AGENT_FAILING, Reason.AGENT_FAILING]


@pytest.mark.stage(settings={"agents": MOODY})
async def test_who_has_mended_it_need_not_wait_for_the_next_try(stage: Stage) -> None:
    stage.expected_errors = {"trouble.begun"}
    other = await stage.jira.create_issue(summary="Another task")
    await stage.comment("@openhands be away")
    await stage.says()
    await stage.says()
    await _ask(stage, other, "@openhands fix login.py")
    assert WAITS in (await stage.says(on=other)).text

    resumed = await stage.app.pauses.resume(agent="moody", by=SHELL)

    assert (resumed.pause, resumed.wait) == (False, True)
    assert "I am here." in (await stage.says(on=other)).text
    await stage.rest()
    assert await _standing(stage) == []


async def _ask(stage: Stage, issue: Issue, text: str) -> None:
    await stage.jira.comment(issue.key, text)
    assert "I am on it" in (await stage.says(on=issue)).text


async def _let_one_fail(stage: Stage, issue: Issue) -> None:
    """Let time pass until a run tries, and wait until it has failed; then the others wait for longer."""
    stage.clock.advance(minutes=5)
    conversation = await stage.conversation(on=issue)

    def has_tried(tx):
        run = tx.conversations.runs(conversation.id)[0]
        return run if run.attempts == 1 and run.state is RunState.WAITING else None

    await stage.until_stored(has_tried)
    breaker = await stage.app.storage.read(lambda tx: tx.breakers.find(BackendName("moody")))
    assert breaker is not None
    assert breaker.due_at > stage.app.clock.now() + timedelta(minutes=4)


async def _standing(stage: Stage) -> list[Reason]:
    scope = of_agent("moody")
    return [each.reason for each in await stage.app.storage.read(lambda tx: tx.troubles.standing(scope))]
