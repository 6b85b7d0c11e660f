"""A conversation at rest ends when its session is over: told once, with what it holds; whoever comes later is heard."""

from dataclasses import replace
from datetime import timedelta

import pytest

from jirabot.config import AgentSettings
from jirabot.core.conversations import Conversation, RunState, State
from jirabot.core.people import DAEMON
from jirabot.core.workspaces import WorkspaceState

from .stage import GATED, Stage

pytestmark = pytest.mark.alike

SESSION_HOURS = {"cloud": 24, "dc": 48}

_TALKING_AGENT = """\
for n in 1 2; do
  while [ ! -e "$JIRABOT_SESSION_DIR/go" ]; do sleep 0.02; done
  rm "$JIRABOT_SESSION_DIR/go"
  printf '{"type":"progress","text":"Step %s"}\\n' $n
done
while [ ! -e "$JIRABOT_SESSION_DIR/go" ]; do sleep 0.02; done
printf '{"type":"finished","summary":"That was all."}\\n'
"""
TALKING = {"talking": AgentSettings(type="command", command=("/bin/sh", "-c", _TALKING_AGENT))}
"""An agent that reports its progress, and ends, each time the play lets it."""


async def rest(stage: Stage, **for_: float) -> Conversation:
    """Let the issue's conversation have rested for that long."""
    conversation = await stage.conversation()
    rested = replace(conversation, updated_at=stage.app.clock.now() - timedelta(**for_))
    await stage.app.storage.write(lambda tx: tx.conversations.save(rested))
    return rested


async def test_a_question_that_nobody_answers_expires_and_a_late_reply_takes_it_up_again(stage: Stage) -> None:
    """The daemon ends it when its time has come; the reply needs no mention."""
    await stage.comment("@openhands ask which colour")
    await stage.says()
    assert "a question" in (await stage.says()).text
    await stage.rest()

    hours = SESSION_HOURS[stage.jira.deployment]
    stage.clock.advance(hours=hours, minutes=-1)
    assert not await stage.app.expiry.expire_once(by=DAEMON)
    stage.clock.advance(minutes=2)
    told = await stage.says()
    asked = await stage.conversation()
    await stage.comment("edit, and make it blue")

    assert told.text.startswith(f"Ada Lovelace, I have waited {hours} h for an answer, and no longer do.")
    assert (asked.state, asked.asked) == (State.EXPIRED, asked.asker.id)
    assert "I go on" in (await stage.says()).text
    assert "Done." in (await stage.says()).text
    after = await stage.conversation()
    assert (after.id, after.state, after.runs_count) == (asked.id, State.COMPLETED, 2)
    await stage.rest()
    stage.clock.advance(hours=100)
    assert not await stage.app.expiry.expire_once(by=DAEMON)


@pytest.mark.stage(repositories=2, settings={"agents": GATED})
async def test_an_expired_question_for_the_repository_forgets_nothing(stage: Stage) -> None:
    """The late answer names the repository, and the agent is given what was asked at first."""
    await stage.comment("@openhands mend the greeting")
    await stage.says()
    assert "which repository" in (await stage.says()).text
    await stage.rest()
    stage.clock.advance(hours=50)
    assert "for an answer" in (await stage.says()).text
    assert (await stage.whole()).runs[0].state is RunState.EXPIRED

    await stage.comment("acme/shop-1")

    assert "I go on" in (await stage.says()).text
    await stage.until_running(2)
    await stage.let_go()
    assert "Done." in (await stage.says()).text
    assert "mend the greeting" in (await stage.prompts())[0]
    assert (await stage.conversation()).repository_name == "acme/shop-1"


async def test_any_comment_keeps_a_conversation_awake(stage: Stage) -> None:
    """Also one that speaks to nobody, of a person whom nobody asked."""
    await stage.comment("@openhands ask which colour")
    await stage.says()
    await stage.says()
    await stage.rest()
    before = await rest(stage, hours=100)

    remark = await stage.comment("I like blue", author=stage.jira.grace)

    assert (await stage.outcome(remark)).reason == "not-asked"
    assert not await stage.app.expiry.expire_once(by=DAEMON)
    after = await stage.conversation()
    assert (after.state, after.updated_at - before.updated_at > timedelta(hours=99)) == (State.AWAITING_INPUT, True)


@pytest.mark.stage(settings={"agents": TALKING})
async def test_what_an_agent_reports_keeps_its_conversation_awake(stage: Stage) -> None:
    """Not each line is written down: what is a minute fresh stays."""
    await stage.comment("@openhands fix login.py")
    await stage.says()
    await stage.until_running()
    young = await rest(stage, seconds=30)
    await stage.let_go()
    await stage.until_stored(lambda tx: tx.conversations.events(young.id) or None)
    assert (await stage.conversation()).updated_at == young.updated_at

    old = await rest(stage, hours=23)
    await stage.let_go()
    await stage.until_stored(lambda tx: tx.conversations.events(old.id)[1:] or None)
    assert (await stage.conversation()).updated_at > old.updated_at + timedelta(hours=22)
    await stage.let_go()
    assert "Done." in (await stage.says()).text


@pytest.mark.stage(settings={"agents": GATED})
async def test_a_run_that_is_heard_no_more_is_ended_with_its_conversation(stage: Stage) -> None:
    """Its agent is ended, its slot is free, and the issue is told once; a mention takes it up again."""
    await stage.comment("@openhands fix login.py")
    first = await stage.says()
    talk = await stage.conversation()
    # What its agent says keeps it awake.
    await stage.until_stored(lambda tx: tx.conversations.events(talk.id) or None)
    await rest(stage, hours=100)

    assert await stage.app.expiry.expire_once(by=DAEMON)

    assert "so I have ended this work" in (await stage.says()).text
    await stage.rest()
    whole = await stage.whole()
    assert (whole.conversation.state, whole.runs[0].state) == (State.EXPIRED, RunState.EXPIRED)
    assert first.text.endswith("Ended: nothing was heard for too long.")
    await stage.comment("@openhands go on")
    assert "I go on" in (await stage.says()).text
    await stage.until_running(2)
    await stage.let_go()
    assert "Done." in (await stage.says()).text


@pytest.mark.stage(settings={"agents": GATED, "runs": {"parallel": 1}})
async def test_a_run_that_never_had_its_turn_expires_with_its_conversation(stage: Stage) -> None:
    """It is never begun; who mentions the bot again need not say again what to do."""
    busy = await stage.jira.create_issue(summary="Another")
    await stage.jira.comment(busy.key, "@openhands keep busy")
    await stage.says(on=busy)
    await stage.until_running()
    await stage.comment("@openhands mend the greeting")
    await stage.says()
    await rest(stage, hours=100)

    assert await stage.app.expiry.expire_once(by=DAEMON)

    assert "so I have ended this work" in (await stage.says()).text
    await stage.let_go(on=busy)
    assert "Done." in (await stage.says(on=busy)).text
    await stage.rest()
    assert [run.state for run in (await stage.whole()).runs] == [RunState.EXPIRED]
    await stage.comment("@openhands now, please")
    await stage.says()
    await stage.until_running(2)
    await stage.let_go()
    assert "Done." in (await stage.says()).text
    (prompt,) = await stage.prompts()
    assert prompt.index("mend the greeting") < prompt.index("now, please")


@pytest.mark.parametrize("changes", [{"settings": {"session": "0s"}}, {"state": WorkspaceState.PAUSED}])
async def test_without_a_limit_or_in_a_paused_workspace_nothing_expires(stage: Stage, changes: dict) -> None:
    """A workspace may set its own session time; what is kept of a paused one may be news."""
    await stage.comment("@openhands ask which colour")
    await stage.says()
    await stage.says()
    await stage.rest()
    await stage.change_workspace(**changes)

    stage.clock.advance(hours=1000)

    assert not await stage.app.expiry.expire_once(by=DAEMON)
    assert await stage.app.expiry.next_due_seconds() is None
    assert (await stage.conversation()).state is State.AWAITING_INPUT
