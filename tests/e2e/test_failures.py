"""What goes wrong: the agent, Jira, the network. Each is told, once, or mended without a word."""

import asyncio
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import timedelta

import pytest

from jirabot.config import AgentSettings
from jirabot.core.conversations import State
from jirabot.core.deliveries import Delivery, DeliveryState, Lease
from jirabot.core.managers.pipeline import Head
from jirabot.core.people import DAEMON, SHELL
from jirabot.core.ports import Transaction

from .stage import Stage

pytestmark = pytest.mark.alike

BUSY = {"busy": AgentSettings(type="command", command=("/bin/sh", "-c", "cat >/dev/null; exit 75"))}


async def test_a_fault_in_one_of_its_tasks_leaves_the_daemon_at_work(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What nobody foresaw is told; webhooks are taken and answered all the same."""
    raised = asyncio.Event()

    async def expire_once(**_: object) -> bool:
        raised.set()
        raise OverflowError("date value out of range")

    monkeypatch.setattr(stage.app.expiry, "expire_once", expire_once)
    stage.clock.advance(minutes=2)
    await raised.wait()
    await stage.comment("@openhands fix login.py")

    await stage.says()
    assert "Done" in (await stage.says()).text
    stage.expected_errors = {"worker.failed"}
    assert stage.log.errors() == ["worker.failed"]


@pytest.mark.parametrize("request_", ["fail I lost my way", "crash"])
async def test_an_agent_that_fails_is_told(stage: Stage, request_: str) -> None:
    """One comment, with what to do; it is not tried again by itself."""
    await stage.comment(f"@openhands {request_}")

    await stage.says()
    told = (await stage.says()).text
    assert "The agent ended without a result.\n\nMention me again to try once more" in told
    assert ("The agent says of it:\n\nI lost my way" in told) == request_.startswith("fail")
    whole = await stage.whole()
    assert (whole.conversation.state, whole.runs[-1].attempts) == (State.FAILED, 1)


@pytest.mark.stage(settings={"agents": BUSY})
async def test_an_agent_that_asks_to_be_tried_again_is(stage: Stage) -> None:
    """Exit code 75: begun three times, then told once."""
    await stage.comment("@openhands fix login.py")

    await stage.says()
    assert "The agent's service did not answer" in (await stage.says()).text
    whole = await stage.whole()
    assert whole.runs[-1].attempts == 3
    assert len(stage.app.conversations.logs(whole)[whole.runs[-1].id]) == 3
    stage.expected_errors = {"trouble.begun"}


@pytest.mark.stage(settings={"agents": {"silent": AgentSettings(type="scripted", stall=timedelta(seconds=0.3))}})
async def test_an_agent_that_goes_silent_is_ended_and_told(stage: Stage) -> None:
    """No event for the stall time: the turn is over."""
    await stage.comment("@openhands stall")

    await stage.says()
    assert "The agent went silent and was ended" in (await stage.says()).text


@pytest.mark.stage(settings={"agents": {}})
async def test_with_no_agent_the_person_is_told(stage: Stage) -> None:
    """A mention is never met with silence."""
    await stage.comment("@openhands fix login.py")

    said = (await stage.says()).text
    assert "no agent is set up" in said
    assert f"jirabot workspace update {stage.workspace.name} --agent NAME" in said


@pytest.mark.stage(settings={"agents": {"absent": AgentSettings(type="command", command=("no-such-agent",))}})
async def test_an_agent_that_is_not_installed_is_told(stage: Stage) -> None:
    """Its section is wrong: an administrator has to mend it."""
    await stage.comment("@openhands fix login.py")

    await stage.says()
    assert "The agent is not set up right" in (await stage.says()).text
    stage.expected_errors = {"trouble.begun"}


@pytest.mark.parametrize("does", ["commit-then-drop", "commit-then-hang", "reset", "hang"])
async def test_a_comment_whose_answer_is_lost_stands_once(stage: Stage, does: str) -> None:
    """The fate of each is unknown until it is read back; whatever it was, the comment stands once."""
    fault = stage.jira.faults.add(does, method="POST", path="/comment$", times=2, seconds=30.0)
    await stage.comment("@openhands fix login.py")

    assert "I am on it" in (await stage.says()).text
    assert "Done." in (await stage.says()).text
    await stage.rest()
    assert len(stage.bot_comments()) == 2
    assert fault.hits == 2
    fault.release()


@pytest.mark.parametrize(
    ("status", "headers"), [(503, {}), (502, {}), (429, {"Retry-After": "1"}), (500, {}), (401, {})]
)
async def test_a_comment_that_jira_does_not_take_now_is_sent_again(
    stage: Stage, status: int, headers: dict[str, str]
) -> None:
    """Nothing is lost, and nothing stands twice."""
    fault = stage.jira.faults.add("answer", method="POST", path="/comment$", status=status, headers=headers)
    await stage.comment("@openhands fix login.py")

    assert "I am on it" in (await stage.says()).text
    assert "Done." in (await stage.says()).text
    assert len(stage.bot_comments()) == 2
    assert fault.hits == 1


async def test_an_edit_whose_answer_is_lost_is_sent_again(stage: Stage) -> None:
    """An edit sent twice comes to the same."""
    stage.jira.faults.add("commit-then-drop", method="PUT", path="/comment/", times=1)
    await stage.comment("@openhands fix login.py")

    first, _ = await stage.says(), await stage.says()
    await stage.rest()

    assert first.text.endswith("the result is in a comment of its own.")


async def test_a_jira_that_can_not_be_read_delays_the_decision(stage: Stage) -> None:
    """The trigger is read back later; nothing is decided without it."""
    fault = stage.jira.faults.add("answer", method="GET", path="/issue/", status=503, times=1)
    comment = await stage.comment("@openhands fix login.py")

    await stage.until(lambda: fault.hits)
    waiting = await stage.until_stored(
        lambda tx: next((d for d in tx.deliveries.list() if d.state.value == "waiting"), None)
    )
    assert waiting.reason == "try-again"
    assert "Jira fails (503)" in waiting.text
    await stage.make_due()
    assert (await stage.outcome(comment)).reason == "started"
    await stage.says()
    await stage.says()


async def test_a_delivery_whose_body_is_gone_is_given_up_with_its_reason(stage: Stage) -> None:
    """It does not hold up what comes after it on its issue."""
    fault = stage.jira.faults.add("answer", method="GET", path="/issue/", status=503, times=1)
    await stage.comment("@openhands " + "x" * 300_000)
    await stage.until(lambda: fault.hits)
    await stage.until_stored(lambda tx: next((d for d in tx.deliveries.list() if d.state.value == "waiting"), None))
    for body in (stage.app.settings.data_dir / "spool").iterdir():
        body.unlink()
    await stage.make_due()

    dead = await stage.until_stored(lambda tx: next((d for d in tx.deliveries.list() if d.state.value == "dead"), None))
    assert "its body is no longer kept" in dead.text
    stage.expected_errors = {"delivery.dead", "trouble.begun"}


async def test_a_jira_that_answers_slowly_is_asked_by_one_worker(stage: Stage) -> None:
    """The lane is held for as long as Jira is asked, so that nobody else begins with the same event."""
    slow = stage.jira.faults.add("delay", method="GET", path=r"/comment/\d+$")
    comment = await stage.comment("@openhands help")
    await stage.until(lambda: slow.hits)
    for _ in range(8):
        seen = stage.app.storage.generation()
        stage.clock.advance(seconds=20)
        await stage.app.storage.changed(seen, within_seconds=0.2)
    slow.release()

    assert (await stage.outcome(comment)).attempts == 0
    await stage.says()
    asked = [
        each for each in stage.jira.requests if each.method == "GET" and each.path.endswith(f"/comment/{comment.id}")
    ]
    assert len(asked) == 1


async def test_what_is_discarded_while_jira_is_asked_does_not_hold_up_what_is_behind_it(stage: Stage) -> None:
    """Its lane is still ours: it goes on with the next at once, and not when the lease has run out."""
    slow = stage.jira.faults.add("delay", method="GET", path=r"/comment/\d+$", times=1)
    await stage.comment("@openhands fix login.py")
    await stage.until(lambda: slow.hits)
    discardable = await stage.app.deliveries.discardable([], state=DeliveryState.RECEIVED, by=SHELL)
    await stage.app.deliveries.discard(discardable, by=SHELL)
    following = await stage.comment("@openhands help")
    slow.release()

    assert (await stage.outcome(following)).state is DeliveryState.DONE
    given_up = [each for each in await stage.deliveries() if each.state is DeliveryState.DISCARDED]
    assert {each.id for each in given_up} == {each.id for each in discardable}
    assert "help" in (await stage.says()).text


async def test_what_cannot_be_read_is_its_lanes_trouble_alone(stage: Stage) -> None:
    """What stands before it ends, others are served, and its lane is looked at again when the lease has run out."""
    other = await stage.jira.create_issue(summary="Another")
    slow = stage.jira.faults.add("delay", method="GET", path=r"/comment/\d+$", times=1)
    await stage.comment("@openhands help")
    await stage.until(lambda: slow.hits)
    await stage.comment("@openhands help")

    def two(tx: Transaction) -> Sequence[Delivery] | None:
        received = tx.deliveries.list(state=DeliveryState.RECEIVED)
        found = [each for each in received if each.issue_id == stage.issue.id]
        return found if len(found) > 1 else None

    # On Data Center a comment is told by two events.
    *_, unread, first = await stage.until_stored(two)
    _write_steps(stage, unread, "[{}]")
    slow.release()

    assert "help" in (await stage.says()).text
    await stage.until_stored(lambda tx: (tx.deliveries.find(first.id) or first).handled_at)
    await stage.jira.comment(other.key, "@openhands help")
    assert "help" in (await stage.says(on=other)).text
    stage.expected_errors = {"worker.failed"}
    assert await stage.until_stored(lambda _: stage.log.errors() or None) == ["worker.failed"]
    _write_steps(stage, unread, "[]")
    stage.clock.advance(minutes=2)
    await stage.until_stored(lambda tx: (tx.deliveries.find(unread.id) or unread).handled_at)
    assert "help" in (await stage.says()).text


def _write_steps(stage: Stage, delivery: Delivery, steps: str) -> None:
    with closing(sqlite3.connect(stage.app.settings.data_dir / "jirabot.db")) as database, database:
        database.execute("UPDATE deliveries SET steps = ? WHERE id = ?", (steps, delivery.id))


async def test_who_has_lost_the_lane_puts_nothing_off(stage: Stage) -> None:
    """Nothing was written, and so nothing is told: whoever has the lane counts the attempts."""
    stage.jira.faults.add("answer", method="GET", path="/issue/", status=503, times=2)
    comment = await stage.comment("@openhands help")
    waiting = await stage.until_stored(
        lambda tx: next((d for d in tx.deliveries.list() if d.state.value == "waiting"), None)
    )
    lost = Lease(key=waiting.lane_id, workspace_id=waiting.workspace_id, owner="nobody", epoch=99)

    assert await stage.app.pipeline.handle(Head(lost, waiting), by=DAEMON) is None

    assert [event for event, _ in stage.log.told if event == "delivery.postponed"] == ["delivery.postponed"]
    assert await stage.app.storage.read(lambda tx: tx.deliveries.find(waiting.id)) == waiting
    await stage.make_due()
    await stage.outcome(comment)
    await stage.says()
