"""An event that is given up: whoever asked the bot for something is told so on the issue, and nothing more."""

import sqlite3
from contextlib import closing
from typing import Any

import pytest

from jirabot.core.deliveries import Delivery, DeliveryState
from jirabot.core.effects import EffectKind, EffectState
from jirabot.core.managers.workspace_changes import WorkspaceUpdate
from jirabot.core.people import SHELL
from jirabot.core.ports import Transaction
from jirabot.core.retry import DELIVERY_ATTEMPTS

from .stage import Stage

pytestmark = [pytest.mark.alike, pytest.mark.stage(settings={"workspace": {"catch_up_every": "0s"}})]

ROLE = {"type": "role", "value": "Developers"}
COULD_NOT = "What was asked here could not be taken"
POLLED = {"workspace": {"events": "poll", "poll_every": "30s"}}


@pytest.fixture(autouse=True)
def expected(stage: Stage) -> None:
    """Administrators are told of each in any case."""
    stage.expected_errors = {"delivery.dead", "trouble.begun"}


async def dead(stage: Stage, *, count: int = 1) -> list[Delivery]:
    """Wait until nothing goes on, and give what was given up, the oldest first; at least so many."""
    await stage.until_stored(
        lambda tx: len(tx.deliveries.list(state=DeliveryState.DEAD, limit=100)) >= count or None,
    )
    await stage.rest()
    return [each for each in await stage.deliveries() if each.state is DeliveryState.DEAD]


def unreadable(stage: Stage) -> None:
    """Let Jira refuse for good to say what stands on its issues, but take comments."""
    stage.jira.faults.add("answer", method="GET", path="/issue/", status=400, times=None)


def one_webhook_a_comment(stage: Stage) -> None:
    """Let Data Center not tell of a comment a second time, which would act once Jira can be read."""
    stage.jira.faults.add("lose", event="jira:issue_updated", times=None)


def is_told(delivery: Delivery) -> bool:
    return any(step.step == "effects" for step in delivery.steps)


def database(stage: Stage, statement: str, *values: Any) -> None:
    """Change a row behind the daemon's back."""
    with closing(sqlite3.connect(stage.app.settings.database)) as driver, driver:
        assert driver.execute(statement, values).rowcount


async def test_who_asked_is_told_and_a_retry_acts_as_if_nothing_had_been_said(stage: Stage) -> None:
    """The comment says what to do, and nothing of what was asked or of how jirabot is made."""
    unreadable(stage)
    await stage.comment("@openhands fix login.py, the password is hunter2")

    told = (await stage.says()).text
    given_up = await dead(stage)

    assert told.startswith(f"{COULD_NOT}: I could not look it up in Jira. Nothing was started by it.")
    assert "ask again: @openhands and what is to be done, in a new comment" in told
    assert f"jirabot event retry {given_up[0].id}" in told
    for untold in ("hunter2", "login", "Ada", stage.jira.base_url, "400"):
        assert untold not in told
    assert [is_told(each) for each in given_up] == [True, *[False] * (len(given_up) - 1)]
    assert {each.reason for each in given_up} == {"given-up"}

    stage.jira.faults.clear()
    await stage.app.deliveries.retry(given_up[0].id, by=SHELL)
    assert "I am on it" in (await stage.says()).text
    assert "Done." in (await stage.says()).text
    assert len(stage.bot_comments()) == 3


async def test_it_is_told_once_a_day_and_issue(stage: Stage) -> None:
    """Also where the same event is given up again; another issue has a comment of its own."""
    unreadable(stage)
    other = await stage.jira.create_issue(summary="Another")

    await stage.comment("@openhands fix login.py")
    assert COULD_NOT in (await stage.says()).text
    given_up = await dead(stage)
    await stage.comment("@openhands fix it, please")
    await stage.app.deliveries.retry(given_up[0].id, by=SHELL)
    await dead(stage, count=len(given_up) * 2)
    assert len(stage.bot_comments()) == 1
    assert [each.id for each in await dead(stage) if is_told(each)] == [given_up[0].id]
    await stage.jira.comment(other.key, "@openhands fix this")
    assert COULD_NOT in (await stage.says(on=other)).text

    await stage.rest()
    stage.clock.advance(days=1)
    await stage.comment("@openhands and now?")
    assert COULD_NOT in (await stage.says()).text


async def test_the_label_and_the_reply_to_a_question_are_asked_in_vain_too(stage: Stage) -> None:
    await stage.comment("@openhands ask what now")
    await stage.says()
    await stage.says()
    other = await stage.jira.create_issue(summary="Another")
    await stage.rest()
    unreadable(stage)

    await stage.comment("make it blue")
    await stage.jira.set_labels(other.key, ["openhands"])

    assert COULD_NOT in (await stage.says()).text
    assert COULD_NOT in (await stage.says(on=other)).text


@pytest.mark.parametrize(
    ("settings", "asked"),
    [
        pytest.param({"mode": "observe"}, "@openhands fix it", id="where it is only observed"),
        pytest.param({"projects": ["WEB"]}, "@openhands fix it", id="in another project"),
        pytest.param({"triggers": ["label"]}, "@openhands fix it", id="where a mention asks nothing"),
    ],
)
async def test_nobody_is_told(stage: Stage, settings: dict[str, Any], asked: str) -> None:
    await stage.app.workspace_changes.update("acme", WorkspaceUpdate(settings=settings), by=SHELL)
    unreadable(stage)
    await stage.comment(asked)
    await stage.jira.set_labels(stage.issue.key, ["openhands"] if "triggers" not in settings else ["bug"])
    await stage.rest()

    assert stage.bot_comments() == []
    assert not any(is_told(each) for each in await stage.deliveries())
    stage.expected_errors &= set(stage.log.errors())


async def test_who_is_not_linked_is_not_told(stage: Stage) -> None:
    """The event says who asked, and Jira did not: the hint how to be linked waits for that."""
    unreadable(stage)
    await stage.comment("@openhands fix it", author=stage.jira.grace)

    assert not any(is_told(each) for each in await dead(stage))
    assert stage.bot_comments() == []


@pytest.mark.parametrize("linked", [False, True])
async def test_what_the_bot_may_have_written_itself_tells_nothing(stage: Stage, linked: bool) -> None:
    """While a comment is on its way, one of the same account may be that: nobody can say, so nothing is said."""
    one_webhook_a_comment(stage)
    if linked:
        await stage.link(stage.jira.bot)
    refused = stage.jira.faults.add("answer", method="POST", path="/comment$", status=503, times=None)
    await stage.comment("@openhands help")
    await stage.until(lambda: refused.hits)
    await stage.until_stored(lambda tx: tx.outbox.list(state=EffectState.SENDING) or None)
    unreadable(stage)

    typed = await stage.comment("@openhands fix login.py", author=stage.jira.bot)
    if linked:
        await stage.until_stored(lambda tx: tx.deliveries.list(state=DeliveryState.DEAD) or None)
    else:
        assert (await stage.outcome(typed)).reason == "own-account"
        stage.expected_errors = set()
    stage.jira.faults.clear()

    assert "this is what you can ask of me" in (await stage.says()).text
    await stage.rest()
    assert not any(is_told(each) for each in await stage.deliveries())
    assert len([each for each in stage.jira.comments(stage.issue.key) if each.author is stage.jira.bot]) == 2


async def test_it_is_read_by_those_who_may_read_what_was_asked(stage: Stage) -> None:
    """Each of them once."""
    unreadable(stage)
    await stage.comment("@openhands fix login.py", visibility=ROLE)
    restricted = await stage.says()
    await stage.comment("@openhands fix login.py")
    public = await stage.says()

    assert restricted.visibility is not None
    assert restricted.visibility["value"] == "Developers"
    assert public.visibility is None
    await dead(stage)


@pytest.mark.parametrize(
    ("service_desk", "asked_internally", "answered_internally"),
    [("internal", False, True), ("internal", True, True), ("public", False, False), ("public", True, True)],
)
async def test_customers_of_a_service_desk_read_no_more_than_elsewhere(
    stage: Stage, service_desk: str, asked_internally: bool, answered_internally: bool
) -> None:
    """Nobody could ask whether it is one."""
    await stage.change_workspace(settings={"service_desk": service_desk, "catch_up_every": "0s"})
    stage.issue = await stage.jira.create_issue(summary="Printer", project="HELP")
    unreadable(stage)

    await stage.comment("@openhands fix login.py", internal=asked_internally)

    assert (await stage.says()).internal is answered_internally
    await dead(stage)


@pytest.mark.stage(settings=POLLED, webhook=False)
async def test_what_was_found_in_jira_is_given_up_alike(stage: Stage) -> None:
    stage.jira.faults.add("answer", method="GET", path=r"/comment/\d+$", status=400, times=None)
    await stage.comment("@openhands fix login.py")
    stage.clock.advance(seconds=31)

    assert COULD_NOT in (await stage.says()).text
    (given_up,) = await dead(stage)
    assert given_up.origin.value == "catch-up"


@pytest.mark.parametrize("fails", ["no connection", "503", "401"])
async def test_a_jira_that_is_away_for_a_night_costs_no_event(stage: Stage, fails: str) -> None:
    """It waits for as long as that is known of the Jira; then it acts, once."""
    stage.expected_errors = {"trouble.begun"}
    if fails == "no connection":
        await stage.change_workspace(settings={"proxy": "http://127.0.0.1:9", "catch_up_every": "0s"})
    else:
        stage.jira.faults.add("answer", method="GET", path="", times=None, status=int(fails))
    comment = await stage.comment("@openhands fix login.py")

    def waits(tx: Transaction) -> Delivery | None:
        now = stage.app.clock.now()
        found = [each for each in tx.deliveries.list() if each.state is DeliveryState.WAITING and each.due_at > now]
        return found[-1] if found else None

    async def pass_time(**by: float) -> Delivery:
        stage.clock.advance(**by)
        return await stage.until_stored(waits)

    while not (await stage.app.workspaces.show("acme", by=SHELL))[0].degraded:
        await pass_time(seconds=40)
    waiting = [await pass_time(minutes=20) for _ in range(DELIVERY_ATTEMPTS + 2)]
    assert waiting[-1].attempts < DELIVERY_ATTEMPTS
    assert (stage.bot_comments(), await stage.app.deliveries.list(state=DeliveryState.DEAD, by=SHELL)) == ([], [])
    if fails == "no connection":
        await stage.change_workspace(settings={"catch_up_every": "0s"})
    stage.jira.faults.clear()
    await stage.make_due()

    assert "I am on it" in (await stage.says()).text
    assert (await stage.outcome(comment)).state is DeliveryState.DONE
    await stage.says()
    await stage.rest()
    assert len(stage.bot_comments()) == 2


async def test_a_comment_waits_for_a_connection_however_long_that_takes(stage: Stage) -> None:
    """What came of an agent's work is not lost over a night."""
    stage.expected_errors = set()
    await stage.comment("@openhands stall")
    await stage.says()
    await stage.until_running()
    await stage.change_workspace(settings={"proxy": "http://127.0.0.1:9", "catch_up_every": "0s"})
    await stage.app.conversations.stop((await stage.conversation()).id, by=SHELL)

    def attempts(tx: Transaction) -> int | None:
        """Count how often it was tried, once it waits for the next time."""
        result = next((each for each in tx.outbox.list() if each.effect.kind is EffectKind.RESULT), None)
        if result is None or result.state is not EffectState.PENDING or result.due_at <= stage.app.clock.now():
            return None
        return result.attempts or None

    while await stage.until_stored(attempts) < DELIVERY_ATTEMPTS + 2:
        stage.clock.advance(minutes=20)
    await stage.change_workspace(settings={"catch_up_every": "0s"})
    stage.clock.advance(minutes=20)

    assert (await stage.says()).text == "Stopped, as jirabot's shell asked."
    await stage.rest()
    assert len(stage.bot_comments()) == 2


async def test_a_fault_of_ours_is_told_as_such(stage: Stage) -> None:
    """Grace's row is damaged; Ada asks in a comment of hers."""
    await stage.link(stage.jira.grace)
    comment = await stage.comment("fix login.py", author=stage.jira.grace)
    await stage.rest()
    database(stage, "UPDATE links SET origin = 'nonsense' WHERE account LIKE '%Grace%'")
    stage.expected_errors.add("delivery.broken")

    await stage.jira.edit_comment(stage.issue.key, comment.id, "@openhands fix login.py", actor=stage.jira.ada)

    told = (await stage.says()).text
    assert told.startswith(f"{COULD_NOT}: something went wrong inside jirabot.")
    await dead(stage)


async def test_a_fault_that_meets_the_telling_too_leaves_the_event_dead(stage: Stage) -> None:
    """Ada's own row is damaged: nobody knows whether she may be told, and the daemon goes on."""
    await stage.link(stage.jira.grace)
    database(stage, "UPDATE links SET origin = 'nonsense' WHERE account LIKE '%Ada%'")
    stage.expected_errors.add("delivery.broken")

    await stage.comment("@openhands fix login.py")

    assert not any(is_told(each) for each in await dead(stage))
    await stage.comment("@openhands help", author=stage.jira.grace)
    assert "this is what you can ask of me" in (await stage.says()).text


async def test_what_can_not_be_read_tells_nobody(stage: Stage) -> None:
    """Nobody knows what it asks: its body is damaged while it waits."""
    stage.jira.faults.add("answer", method="GET", path="/issue/", status=503, times=None)
    await stage.comment("@openhands fix login.py")
    await stage.until_stored(lambda tx: tx.deliveries.list(state=DeliveryState.WAITING) or None)
    await stage.jira.settled(20.0)
    database(stage, "UPDATE deliveries SET body = ?", b"nonsense")
    await stage.make_due()

    given_up = await dead(stage)

    assert {each.reason for each in given_up} == {"invalid-payload"}
    assert stage.bot_comments() == []
