"""Somebody speaks to the bot: the work, the question, the follow-up, the stop."""

import pytest

from jirabot.core.conversations import State

from .stage import GATED, Stage, git


async def test_a_mention_becomes_work_and_an_answer(stage: Stage) -> None:
    """The first answer comes at once and is edited in place; the result names the branch that was pushed."""
    await stage.comment("@openhands fix the greeting in login.py")

    first = await stage.says()
    assert "Ada Lovelace, I am on it: “fix the greeting in login.py”" in first.text
    result = await stage.says()
    conversation = await stage.conversation()

    assert result.text.startswith(
        f"Done. 1 commit on branch {conversation.branch} of acme/shop, to be merged into main."
    )
    assert "login.py | 1 +" in result.text
    assert conversation.branch in stage.branches()
    assert conversation.branch.startswith("jirabot/DEMO-1-")
    said = git(stage.repository, "log", "-1", "--format=%an <%ae>%n%B", conversation.branch)
    assert said.startswith("jirabot <jirabot@localhost>\n")
    assert "Jira: DEMO-1" in said
    assert "Requested-by: Ada Lovelace" in said
    await stage.rest()
    assert first.text.endswith("the result is in a comment of its own.")
    assert (await stage.conversation()).state is State.COMPLETED


async def test_a_follow_up_goes_on_in_the_same_session_clone_and_branch(stage: Stage) -> None:
    """A mention on a finished issue continues what is there."""
    await stage.comment("@openhands fix the greeting in login.py")
    await stage.says()
    await stage.says()
    before = await stage.conversation()

    await stage.comment("@OpenHands, and tell about it in README.md")

    assert "I go on: “and tell about it in README.md”" in (await stage.says()).text
    assert "2 commits on branch" in (await stage.says()).text
    after = await stage.conversation()
    assert (after.id, after.branch, after.session) == (before.id, before.branch, before.session)
    assert after.runs_count == 2


async def test_a_question_is_answered_by_a_plain_reply_of_the_person_asked(stage: Stage) -> None:
    """Another person's plain comment is no answer; the asked person's is, without a mention."""
    await stage.link(stage.jira.grace)
    await stage.comment("@openhands ask which greeting do you want")
    await stage.says()
    assert "Ada Lovelace, a question:" in (question := await stage.says()).text
    assert "which greeting do you want?" in question.text
    assert (await stage.conversation()).state is State.AWAITING_INPUT

    other = await stage.comment("Hello would be my choice", author=stage.jira.grace)
    assert (await stage.outcome(other)).reason == "not-asked"
    reply = await stage.comment("Hello, please")

    assert "I go on: “Hello, please”" in (await stage.says()).text
    assert "Done. 1 commit" in (await stage.says()).text
    assert (await stage.outcome(reply)).reason == "answered"
    assert "Hello, please" in git(stage.repository, "log", "-1", "--format=%s", (await stage.conversation()).branch)


async def test_a_mention_while_the_agent_works_waits_for_the_turns_end(stage: Stage) -> None:
    """It is queued and noted in the first answer; a second prompt is never in flight."""
    await stage.comment("@openhands stall")
    first = await stage.says()
    await stage.until_running()

    await stage.comment("@openhands also look at README.md")
    await stage.until(lambda: "Ada Lovelace added something" in first.text)
    await stage.comment("@openhands and at login.py")
    await stage.until(lambda: "(2 waiting)" in first.text)
    await stage.comment("@openhands stop")

    assert "Stopped, as Ada Lovelace asked." in (await stage.says()).text
    assert (await stage.conversation()).state is State.STOPPED


async def test_what_was_written_before_a_question_does_not_answer_it(stage: Stage) -> None:
    """Its webhook comes late, while the question stands; the answer that comes after it is heard."""
    for event in ("comment_created", "jira:issue_updated"):
        stage.jira.faults.add("hold", event=event, times=1)
    remark = await stage.comment("For your information: I am away tomorrow.")
    await stage.comment("@openhands ask which greeting do you want")
    await stage.says()
    assert "a question:" in (await stage.says()).text

    stage.jira.faults.release()
    assert (await stage.outcome(remark)).reason == "not-asked"
    reply = await stage.comment("Hello, please")

    assert "I go on: “Hello, please”" in (await stage.says()).text
    assert "Done. 1 commit" in (await stage.says()).text
    assert (await stage.outcome(reply)).reason == "answered"


@pytest.mark.stage(settings={"agents": GATED})
async def test_what_waits_for_a_turn_is_given_together_to_the_next(stage: Stage) -> None:
    """Comments during one turn become one turn, in order, each with who said it; the issue is given only once."""
    await stage.link(stage.jira.grace)
    await stage.comment("@openhands begin")
    first = await stage.says()
    await stage.until_running()
    await stage.comment("@openhands then this", author=stage.jira.grace)
    await stage.comment("@openhands and that")
    await stage.until(lambda: "(2 waiting)" in first.text)

    await stage.let_go()
    assert "Done. No change was made" in (await stage.says()).text
    assert "I go on: “and that”" in (await stage.says()).text
    await stage.until_running(2)
    await stage.let_go()
    assert "Done." in (await stage.says()).text

    begun, went_on = await stage.prompts()
    assert begun.endswith("## What you are asked\n\n**Ada Lovelace:** begin")
    assert went_on.endswith("## What you are asked\n\n**Grace Hopper:** then this\n\n**Ada Lovelace:** and that")
    assert "Summary: The greeting is misspelt" in begun
    assert "Summary:" not in went_on


@pytest.mark.parametrize("command", ["stop", "STOP.", "Stop!"])
async def test_stop_ends_the_work_at_once(stage: Stage, command: str) -> None:
    """The agent's processes are gone, the person is told, and what was done is kept."""
    await stage.comment("@openhands stall")
    await stage.says()
    await stage.until_running()

    await stage.comment(f"@openhands {command}")

    assert (await stage.says()).text == "Stopped, as Ada Lovelace asked."
    await stage.rest()
    assert (await stage.conversation()).state is State.STOPPED


async def test_stop_with_nothing_running_says_so(stage: Stage) -> None:
    """Every word to the bot gets an answer."""
    comment = await stage.comment("@openhands stop")

    assert "nothing is running on this issue" in (await stage.says()).text
    assert (await stage.outcome(comment)).reason == "nothing-to-stop"


async def test_stop_with_more_words_is_a_task(stage: Stage) -> None:
    """`stop using tabs` is no command."""
    await stage.comment("@openhands stop using tabs in login.py")

    assert "I am on it: “stop using tabs in login.py”" in (await stage.says()).text
    assert "Done." in (await stage.says()).text


async def test_help_tells_what_can_be_asked(stage: Stage) -> None:
    """Help starts nothing."""
    await stage.comment("@openhands help")

    text = (await stage.says()).text
    assert "@openhands stop" in text
    assert "the label openhands" in text.lower()
    assert stage.branches() == ["main"]
