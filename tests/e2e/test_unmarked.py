"""A Jira that drops comment properties: it is noticed, each comment stands once all the same, and is known as ours."""

from collections.abc import AsyncIterator

import pytest

from jirabot.core.effects import AddComment
from jirabot.core.ids import CommentId
from jirabot.core.ports import Transaction
from jirabot.core.workspaces import CommentMark
from jirabot.sandbox.server import Sandbox

from .stage import GATED, Stage


@pytest.fixture(params=["cloud", "dc"])
async def jira(request: pytest.FixtureRequest) -> AsyncIterator[Sandbox]:
    """A sandbox that drops the properties of comments."""
    async with Sandbox(deployment=request.param, retry_delays=[0, 0, 0], keeps_properties=False) as sandbox:
        yield sandbox


async def until_marked_by(stage: Stage, mark: CommentMark) -> None:
    def query(tx: Transaction) -> bool | None:
        return True if [each.comment_mark for each in tx.workspaces.list()] == [mark] else None

    await stage.until_stored(query)


async def test_after_the_first_comment_each_says_whose_it_is(stage: Stage) -> None:
    """Also when it is edited."""
    await stage.comment("@openhands help")
    assert "jirabot" not in (await stage.says()).text.splitlines()[-1]
    await until_marked_by(stage, CommentMark.FOOTER)

    await stage.comment("@openhands fix login.py")
    first, result = await stage.says(), await stage.says()
    await stage.rest()
    made = {e.comment_id: e.id for e in (await stage.whole()).effects if isinstance(e.effect, AddComment)}
    for comment in (first, result):
        assert comment.text.endswith(f"\njirabot {made[CommentId(comment.id)]}")
    assert "Done after" in first.text
    assert [event for event, _ in stage.log.told if event == "workspace.unmarked"] == ["workspace.unmarked"]


@pytest.mark.parametrize("does", ["commit-then-drop", "commit-then-hang", "reset"])
async def test_the_very_first_comment_stands_once_though_its_answer_is_lost(stage: Stage, does: str) -> None:
    """Nothing marks it: it is known by its words."""
    fault = stage.jira.faults.add(does, method="POST", path="/comment$", times=2, seconds=30.0)
    await stage.comment("@openhands fix login.py")

    assert "I am on it" in (await stage.says()).text
    assert "Done." in (await stage.says()).text
    await stage.rest()
    assert len(stage.bot_comments()) == 2
    fault.release()
    await until_marked_by(stage, CommentMark.FOOTER)


async def test_later_comments_stand_once_though_their_answer_is_lost(stage: Stage) -> None:
    """They are known by their footer; two that say the same are two."""
    await stage.comment("@openhands help")
    await stage.says()
    await until_marked_by(stage, CommentMark.FOOTER)
    stage.jira.faults.add("commit-then-drop", method="POST", path="/comment$", times=2)
    for _ in range(2):
        await stage.comment("@openhands help")
        await stage.says()

    await stage.rest()
    assert len(stage.bot_comments()) == 3


@pytest.mark.stage(settings={"agents": GATED})
async def test_the_agent_sees_no_footer(stage: Stage) -> None:
    """Neither in the bot's own comments, which it is not shown, nor where somebody has copied one."""
    await stage.comment("@openhands help")
    await stage.says()
    await until_marked_by(stage, CommentMark.FOOTER)
    stage.jira.jira.add_comment(stage.issue, "Left by another daemon.\n\njirabot 0198c0de", author=stage.jira.bot)
    await stage.says()
    await stage.comment("Copied: it works.\n\njirabot 0198c0de")
    await stage.comment("@openhands fix login.py")
    await stage.says()
    await stage.until_running()
    await stage.let_go()
    await stage.says()
    (prompt,) = await stage.prompts()

    assert "Copied: it works." in prompt
    assert "jirabot 0198" not in prompt
    assert "Left by another daemon." not in prompt


async def test_its_own_comment_is_no_trigger_though_its_webhook_overtakes_the_answer(stage: Stage) -> None:
    """The service account is linked as a person who may ask, so that only the mark tells."""
    await stage.link(stage.jira.bot)
    stage.jira.faults.add("webhooks-first", method="POST", path="/comment$", times=2, seconds=1.0)
    await stage.comment("@openhands fix login.py")

    await stage.says()
    await stage.says()
    await stage.rest()
    assert len(stage.bot_comments()) == 2
