"""What was kept of a paused workspace is handled in order once it is active; what is too old by then starts nothing."""

import pytest

from jirabot.core.conversations import State
from jirabot.core.deliveries import Delivery
from jirabot.core.managers.replays import ReplayWishes
from jirabot.core.people import DAEMON, SHELL
from jirabot.sandbox.issues import Comment, Issue

from .stage import Stage

pytestmark = pytest.mark.alike

TOO_OLD = "it is older than I begin without asking. If it is still wanted, ask again"


async def kept(stage: Stage, text: str, *, on: Issue | None = None) -> Comment:
    """Comment while the workspace is paused, and wait until that is kept."""
    comment = await stage.jira.comment((on or stage.issue).key, text)
    await stage.jira.settled(20.0)
    return comment


async def triggers(stage: Stage) -> list[Delivery]:
    """List what led to something else than silence, in the order in which it came."""
    return [d for d in await stage.deliveries() if d.trigger_key and d.decision not in ("ignore", "keep")]


async def test_what_was_kept_is_handled_in_order(stage: Stage) -> None:
    """Each issue's in the order in which it came, as if the workspace had not been paused."""
    other = await stage.jira.create_issue(summary="Another")
    await stage.app.workspace_changes.deactivate("acme", by=SHELL)
    await kept(stage, "@openhands ask which colour")
    await kept(stage, "@openhands fix login.py", on=other)
    await kept(stage, "blue")
    await kept(stage, "@openhands stop", on=other)
    await kept(stage, "@openhands help")
    assert stage.bot_comments() == []

    await stage.app.workspace_changes.activate("acme", by=SHELL)

    await stage.rest()
    handled = [(d.issue_key, d.reason) for d in await triggers(stage)]
    assert [reason for key, reason in handled if key == other.key] == ["started", "stopped"]
    assert [reason for key, reason in handled if key == stage.issue.key] == ["started", "helped"]
    assert "I am on it" in (await stage.says()).text
    assert {"a question" in (await stage.says()).text for _ in range(2)} == {True, False}
    assert "I am on it" in (await stage.says(on=other)).text
    assert "Stopped" in (await stage.says(on=other)).text


async def test_what_is_too_old_starts_nothing_and_the_issue_is_told_once(stage: Stage) -> None:
    """What came later on the same issue does; another issue is told too."""
    other = await stage.jira.create_issue(summary="Another")
    await stage.app.workspace_changes.deactivate("acme", by=SHELL)
    old = [await kept(stage, "@openhands fix login.py"), await kept(stage, "@openhands and README.md")]
    await kept(stage, "@openhands fix login.py", on=other)
    stage.clock.advance(hours=50)
    young = await kept(stage, "@openhands ask which colour")

    await stage.app.workspace_changes.activate("acme", by=SHELL)

    assert TOO_OLD in (await stage.says()).text
    assert "I am on it: “ask which colour”" in (await stage.says()).text
    assert "a question" in (await stage.says()).text
    assert TOO_OLD in (await stage.says(on=other)).text
    await stage.rest()
    assert [d.reason for d in await triggers(stage)] == ["too-old", "too-old", "too-old", "started"]
    assert [(await stage.outcome(c)).state.value for c in (*old, young)] == ["refused", "refused", "done"]
    assert len(stage.bot_comments()) == 3


async def test_a_reply_that_is_too_old_is_told_so(stage: Stage) -> None:
    """The question has expired meanwhile; the answer that was kept does not take it up again."""
    await stage.comment("@openhands ask which colour")
    await stage.says()
    await stage.says()
    await stage.rest()
    await stage.app.workspace_changes.deactivate("acme", by=SHELL)
    reply = await kept(stage, "blue")
    stage.clock.advance(hours=50)

    await stage.app.workspace_changes.activate("acme", by=SHELL)

    assert (await stage.outcome(reply)).reason == "too-old"
    assert TOO_OLD in (await stage.says()).text
    assert await stage.app.expiry.expire_once(by=DAEMON)
    assert "for an answer, and no longer do" in (await stage.says()).text
    assert (await stage.conversation()).state is State.EXPIRED


@pytest.mark.stage(settings={"workspace": {"session": "0"}})
async def test_without_a_limit_nothing_is_too_old(stage: Stage) -> None:
    """A workspace whose sessions last for ever begins whatever it was asked."""
    await stage.app.workspace_changes.deactivate("acme", by=SHELL)
    await kept(stage, "@openhands fix login.py")
    stage.clock.advance(hours=1000)

    await stage.app.workspace_changes.activate("acme", by=SHELL)

    assert "I am on it" in (await stage.says()).text
    assert "Done." in (await stage.says()).text


async def test_a_replay_is_as_old_as_its_own_receipt(stage: Stage) -> None:
    """Whoever replays what was too old asks anew."""
    await stage.app.workspace_changes.deactivate("acme", by=SHELL)
    comment = await kept(stage, "@openhands fix login.py")
    stage.clock.advance(hours=50)
    await stage.app.workspace_changes.activate("acme", by=SHELL)
    assert TOO_OLD in (await stage.says()).text
    delivery = await stage.outcome(comment)

    done = await stage.app.replay_kept(delivery.id, ReplayWishes(again=True), by=SHELL)

    assert (done.decision, done.failed) == ("start", False)
    assert "I am on it" in (await stage.says()).text
    assert "Done." in (await stage.says()).text
