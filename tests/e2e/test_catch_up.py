"""What no webhook told is found in Jira, and acts once; and a Jira that sends no webhook at all is served all the same.

The clock is turned: nobody waits for a look that is not due.
"""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from jirabot.core.catching_up import Checkpoint
from jirabot.core.decisions import Reason
from jirabot.core.deliveries import DISCARDABLE, Delivery, DeliveryState, Origin
from jirabot.core.ids import DeliveryId
from jirabot.core.managers.workspace_changes import WorkspaceUpdate
from jirabot.core.managers.workspaces import NewWorkspace
from jirabot.core.people import SHELL
from jirabot.core.ports import Transaction
from jirabot.core.scopes import of_workspace
from jirabot.core.troubles import Strike
from jirabot.sandbox.issues import Person
from jirabot.sandbox.server import Sandbox

from .stage import MovableClock, Stage, staged

POLLED = {"workspace": {"events": "poll", "poll_every": "30s"}}
HELP = "this is what you can ask of me"


@pytest.fixture
async def jira(request: pytest.FixtureRequest, clock: MovableClock, shift: list[timedelta]) -> AsyncIterator[Sandbox]:
    """A sandbox by the play's clock, which may be shifted."""

    def now() -> datetime:
        return clock.now() + shift[0]

    async with Sandbox(deployment=request.param, retry_delays=[0] * 5, clock=now) as sandbox:
        yield sandbox


@pytest.fixture
def shift() -> list[timedelta]:
    return [timedelta()]


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture
async def stage(
    jira: Sandbox, clock: MovableClock, tmp_path: Path, request: pytest.FixtureRequest
) -> AsyncIterator[Stage]:
    """A stage whose Jira and daemon go by one clock."""
    how: dict[str, Any] = {}
    for marker in request.node.iter_markers("stage"):
        how |= marker.kwargs
    async with staged(jira, tmp_path, clock=clock, **how.pop("settings", {})) as opened:
        await opened.set_up(**how)
        yield opened


both = pytest.mark.parametrize("jira", ["cloud", "dc"], indirect=True)
polled = pytest.mark.stage(settings=POLLED, webhook=False)


async def checkpoint(stage: Stage) -> Checkpoint:
    found = await stage.app.catch_up.checkpoint("acme", by=SHELL)
    assert found is not None
    return found


async def look(stage: Stage, **after: float) -> Checkpoint:
    """Let time pass, and wait until the daemon has looked since."""
    stage.clock.advance(**after)
    now = stage.clock.now()

    def looked(tx: Transaction) -> Checkpoint | None:
        found = tx.checkpoints.find(stage.workspace.id)
        return found if found and found.looked_at and found.looked_at >= now else None

    return await stage.until_stored(looked)


async def reasons(stage: Stage) -> set[str]:
    (told,) = (await stage.app.overview.status(by=SHELL)).workspaces
    return set(told.workspace.degraded)


async def found(stage: Stage, origin: Origin = Origin.CATCH_UP) -> list[Delivery]:
    return [each for each in await stage.deliveries() if each.origin is origin]


@both
async def test_a_workspace_that_was_never_looked_through_is_at_once(stage: Stage) -> None:
    """One from before there were checkpoints has none; from its first look on it is looked through as any other."""
    with closing(sqlite3.connect(stage.app.settings.data_dir / "jirabot.db")) as database, database:
        database.execute("DELETE FROM checkpoints")

    await stage.until_stored(lambda tx: tx.checkpoints.find(stage.workspace.id))
    await look(stage, minutes=6)


class TestWebhooksThatAreLost:
    @both
    async def test_what_they_would_have_told_is_found_and_acts_once(self, stage: Stage, jira: Sandbox) -> None:
        """Three mentions: two whose webhooks are lost, one whose comes late. F58, F84."""
        issues = [stage.issue, *[await jira.create_issue(summary=f"Another, {number}") for number in range(2)]]
        await stage.rest()
        for event in ("comment_created", "jira:issue_updated"):
            jira.faults.add("lose", event=event, times=2)
            jira.faults.add("hold", event=event, times=1)
        comments = [await jira.comment(issue.key, "@openhands help") for issue in issues]

        await look(stage, minutes=5)

        for issue in issues:
            assert HELP in (await stage.says(on=issue)).text
        jira.faults.release()
        await stage.rest()
        await look(stage, minutes=5)
        await stage.rest()
        caught = await found(stage)
        assert [each.trigger_key for each in caught] == [f"comment:{comment.id}" for comment in comments]
        assert {each.reason for each in caught} == {Reason.HELPED.value}
        late = [each for each in await stage.deliveries() if each.trigger_key == caught[2].trigger_key]
        assert {each.reason for each in late[1:]} == {Reason.ALREADY_ACTED.value}
        assert late[1].origin is Origin.WEBHOOK
        assert [len(jira.comments(issue.key)) for issue in issues] == [2, 2, 2]

    @both
    async def test_what_somebody_has_discarded_is_not_found(self, stage: Stage, jira: Sandbox) -> None:
        """They give it up while it waits for Jira; the next look does not bring it back."""
        jira.faults.add("answer", method="GET", path=r"/comment/\d+$", status=503, times=None)
        await stage.comment("@openhands help")
        await stage.until_stored(lambda tx: tx.deliveries.list(state=DeliveryState.WAITING) or None)
        await jira.settled()
        waiting = [each for each in await stage.deliveries() if each.state in DISCARDABLE]
        await stage.app.deliveries.discard(waiting, by=SHELL)
        jira.faults.clear()

        await look(stage, minutes=5)
        await stage.rest()

        assert (await found(stage), stage.bot_comments()) == ([], [])

    @both
    async def test_what_webhooks_told_is_not_told_again(self, stage: Stage, jira: Sandbox) -> None:
        await stage.comment("@openhands help")
        assert HELP in (await stage.says()).text
        await stage.comment("Only a remark")
        await jira.set_labels(stage.issue.key, ["urgent"])
        await stage.rest()
        before = await stage.deliveries()

        seen = await look(stage, minutes=5)

        assert seen.calls_count > 3
        assert await stage.deliveries() == before

    @pytest.mark.parametrize("jira", ["cloud"], indirect=True)
    @pytest.mark.stage(settings={"workspace": {"events": "both", "poll_every": "30s"}})
    async def test_with_both_they_are_found_as_soon_as_without_any(self, stage: Stage, jira: Sandbox) -> None:
        assert stage.secret
        await stage.comment("@openhands help")
        assert HELP in (await stage.says()).text
        jira.faults.add("lose", times=None)
        await stage.comment("@openhands help")
        await look(stage, seconds=30)
        assert HELP in (await stage.says()).text
        await stage.rest()
        assert [each.origin for each in await stage.deliveries() if each.reason == Reason.HELPED.value] == [
            Origin.WEBHOOK,
            Origin.CATCH_UP,
        ]

    @both
    async def test_an_edit_acts_only_where_its_comment_has_not(self, stage: Stage, jira: Sandbox) -> None:
        """F86: a typo that is corrected in an old command does not run it again."""
        acted = await stage.comment("@openhands help")
        assert HELP in (await stage.says()).text
        remark = await stage.comment("help")
        await stage.rest()
        stage.clock.advance(minutes=20)
        jira.faults.add("lose", times=None)
        await jira.edit_comment(stage.issue.key, acted.id, "@openhands help, please")
        await jira.edit_comment(stage.issue.key, remark.id, "@openhands help")

        await look(stage, minutes=5)

        assert HELP in (await stage.says()).text
        assert [each.trigger_key for each in await found(stage)] == [f"comment:{remark.id}"]

    @both
    @pytest.mark.stage(settings={"workspace": {"catch_up_every": "0"}})
    async def test_nobody_looks_where_that_is_switched_off(self, stage: Stage) -> None:
        stage.clock.advance(hours=2)
        await stage.comment("@openhands help")
        assert HELP in (await stage.says()).text
        assert (await checkpoint(stage)).looked_at is None


@polled
class TestNoWebhookAtAll:
    @both
    async def test_a_mention_a_label_and_a_reply_are_heard(self, stage: Stage, jira: Sandbox) -> None:
        assert stage.secret == ""
        labelled = await jira.create_issue(summary="Another", labels=["bug"])
        await look(stage, seconds=30)

        await stage.comment("@openhands ask which colour")
        await jira.set_labels(labelled.key, ["bug", "openhands"])
        await look(stage, seconds=30)
        assert "I am on it" in (await stage.says()).text
        assert "a question" in (await stage.says()).text
        assert "I am on it" in (await stage.says(on=labelled)).text
        assert "Done" in (await stage.says(on=labelled)).text
        await stage.rest()

        await stage.comment("Blue")
        await look(stage, seconds=30)
        assert "I go on" in (await stage.says()).text
        assert "Done" in (await stage.says()).text
        await stage.rest()
        assert [(each.origin, each.reason) for each in await stage.deliveries()] == [
            (Origin.CATCH_UP, Reason.STARTED.value),
            (Origin.CATCH_UP, Reason.STARTED.value),
            (Origin.CATCH_UP, Reason.ANSWERED.value),
        ]
        assert jira.deliveries == []

    @both
    async def test_nothing_is_missing_and_status_tells_of_it(self, stage: Stage) -> None:
        seen = await look(stage, seconds=30)
        (told,) = (await stage.app.overview.status(by=SHELL)).workspaces
        assert told.missing == ()
        assert (told.events, told.looked) == ("poll", seen)
        calls = {(request.method, request.path.rpartition("/")[2]) for request in stage.jira.requests}
        assert ("GET", "myself") in calls
        assert told.calls_left == (1000 if stage.jira.deployment == "cloud" else 500)

    @both
    async def test_what_was_before_the_workspace_is_not_looked_at(self, stage: Stage, jira: Sandbox) -> None:
        """An old mention on an issue that changes now asks nothing."""
        other = await jira.create_issue(summary="Of before")
        old = await jira.comment(other.key, "@openhands help")
        other.created = old.created = old.updated = stage.workspace.created_at - timedelta(minutes=1)
        await jira.comment(other.key, "Hullo")

        await look(stage, seconds=30)
        await stage.rest()
        assert [each.reason for each in await stage.deliveries()] == [Reason.NOT_ASKED.value]

    @both
    async def test_it_is_not_the_bot_that_is_heard(self, stage: Stage, jira: Sandbox) -> None:
        """Neither its comments nor what somebody does with its account."""
        await jira.comment(stage.issue.key, "@openhands help", author=jira.bot)
        await jira.set_labels(stage.issue.key, ["openhands"], actor=jira.bot)
        await look(stage, seconds=30)

        assert await stage.deliveries() == []

    @both
    async def test_a_slow_index_hides_nothing(self, stage: Stage, jira: Sandbox) -> None:
        jira.jira.index_lag = timedelta(minutes=3)
        await stage.comment("@openhands help")
        for _ in range(3):
            await look(stage, minutes=1)
        assert HELP in (await stage.says()).text
        await look(stage, minutes=4)
        assert len(await stage.deliveries()) == 1

    @both
    @pytest.mark.parametrize("back", ["2h", "0"])
    async def test_what_the_index_shows_much_later_is_found_within_the_hour(
        self, stage: Stage, jira: Sandbox, back: str
    ) -> None:
        """Where it is not switched off; and what was read is not read again, however often it is found."""
        await stage.app.workspace_changes.update("acme", WorkspaceUpdate(settings={"looks_back": back}), by=SHELL)
        await look(stage, seconds=30)
        jira.jira.index_lag = timedelta(minutes=40)
        await stage.comment("@openhands help")
        for minutes in (30, 20):
            await look(stage, minutes=minutes)
        assert await stage.deliveries() == []

        await look(stage, minutes=15)
        if back == "0":
            assert await stage.deliveries() == []
            return
        assert HELP in (await stage.says()).text
        await stage.rest()
        assert len(await stage.deliveries()) == 1
        jira.jira.index_lag = timedelta()
        await look(stage, minutes=50)
        await stage.comment("Only a remark")
        await look(stage, minutes=15)
        await stage.rest()
        read = len(jira.requests)
        for minutes in (30, 35):
            await look(stage, minutes=minutes)
        assert [request.path for request in jira.requests[read:] if request.path.endswith("/comment")] == []
        assert len(await stage.deliveries()) == 2

    @pytest.mark.parametrize("hours", [-3, 3], ids=["back", "forward"])
    @pytest.mark.parametrize("jira", ["cloud"], indirect=True)
    async def test_a_clock_of_jira_that_jumps_loses_nothing(
        self, stage: Stage, jira: Sandbox, shift: list[timedelta], hours: int
    ) -> None:
        await look(stage, seconds=30)
        shift[0] = timedelta(hours=hours)
        await stage.comment("@openhands help")
        await look(stage, seconds=30)
        assert HELP in (await stage.says()).text

    @both
    async def test_a_project_that_is_gone_is_told(self, stage: Stage, jira: Sandbox) -> None:
        """A search that Jira refuses is no quiet Jira."""
        stage.expected_errors = {"trouble.begun"}
        jira.faults.add("answer", method="POST", path="/search", status=400, body={"errorMessages": ["No"]}, times=2)
        await stage.comment("@openhands help")
        stage.clock.advance(seconds=30)
        standing = await stage.until_stored(lambda tx: tx.troubles.standing() or None)
        assert [each.reason.value for each in standing] == ["catch-up-failing"]
        assert (await checkpoint(stage)).looked_at is None

        jira.faults.clear()
        await look(stage, seconds=30)
        assert HELP in (await stage.says()).text
        assert await stage.app.storage.read(lambda tx: tx.troubles.standing()) == []

    @both
    async def test_a_jira_that_stops_us_half_way_is_looked_through_all_the_same(
        self, stage: Stage, jira: Sandbox
    ) -> None:
        """What was read is written down; how far was looked is not, until all is read."""
        issues = [stage.issue, *[await jira.create_issue(summary=f"Another, {number}") for number in range(9)]]
        before = await checkpoint(stage)
        for issue in issues:
            await jira.comment(issue.key, "@openhands help")
        wait = {"Retry-After": "60"}
        jira.faults.add("answer", path=f"/issue/{issues[9].id}/comment", status=429, headers=wait, times=1)
        stage.clock.advance(seconds=30)
        await stage.until_stored(lambda tx: len(tx.deliveries.list()) == 8 or None)
        assert await checkpoint(stage) == before

        await look(stage, seconds=70)
        for issue in issues:
            assert HELP in (await stage.says(on=issue)).text
        await stage.rest()
        assert len(await stage.deliveries()) == 10

    @both
    async def test_a_paused_workspace_is_not_looked_at(self, stage: Stage, jira: Sandbox) -> None:
        await stage.app.workspace_changes.deactivate("acme", by=SHELL)
        asked = len(jira.requests)
        stage.clock.advance(hours=2)
        await stage.comment("@openhands help")
        assert await stage.app.catch_up.next_due_seconds() is None
        assert len(jira.requests) == asked

        await stage.app.workspace_changes.activate("acme", by=SHELL)
        stage.clock.advance(seconds=10)
        assert HELP in (await stage.says()).text


@polled
class TestAnotherAccount:
    """F81: a Jira that does not know us finds nothing, exactly like a quiet one."""

    @both
    @pytest.mark.parametrize("whose", ["grace", "nobody"])
    async def test_where_the_token_is_of_somebody_else_nothing_is_believed(
        self, stage: Stage, jira: Sandbox, whose: str
    ) -> None:
        stage.expected_errors = {"trouble.begun"}
        seen = await look(stage, seconds=30)
        await give(stage, jira.grace if whose == "grace" else jira.bot, wrong=whose == "nobody")
        await stage.comment("@openhands help")
        searched = len([request for request in jira.requests if "search" in request.path])
        stage.clock.advance(seconds=30)
        scope = of_workspace(stage.workspace.id)
        await stage.until_stored(
            lambda tx: tx.troubles.strikes(scope, Strike.PROBE_FAILED, since=stage.workspace.created_at) or None
        )
        stage.clock.advance(seconds=45)
        await stage.until_stored(lambda tx: tx.troubles.standing() or None)

        assert await reasons(stage) == {"token-refused"}
        assert await checkpoint(stage) == seen
        assert len([request for request in jira.requests if "search" in request.path]) == searched

        await give(stage, jira.bot)
        # However long the looks that failed had put it off.
        stage.clock.advance(seconds=1)
        assert HELP in (await stage.says()).text


async def give(stage: Stage, person: Person, *, wrong: bool = False) -> None:
    """Give the workspace somebody's token, as a hand would that slips."""
    key = "of-yesterday" if wrong else person.token
    wanted = WorkspaceUpdate(email=person.email, api_key=key)
    await stage.app.workspace_changes.update("acme", wanted, by=SHELL, validate=False)


class TestSideBySide:
    @pytest.mark.parametrize("jira", ["cloud"], indirect=True)
    @polled
    async def test_a_jira_that_does_not_answer_holds_no_other_back(self, stage: Stage, jira: Sandbox) -> None:
        """Nor is it asked for ever: the next look at it comes later."""
        async with Sandbox(deployment="dc", clock=stage.clock.now) as away:
            seldom = {"poll_every": "10m"}
            wanted = NewWorkspace(
                name="away", deployment="dc", base_url=away.base_url, api_key=away.bot.token, settings=seldom
            )
            await stage.app.workspaces.create(wanted, by=SHELL)
            hanging = away.faults.add("hang", path="/serverInfo", times=None)
            await look(stage, minutes=10)
            await away.until(lambda: hanging.hits)
            await stage.comment("@openhands help")
            await look(stage, seconds=30)
            assert HELP in (await stage.says()).text

            assert hanging.hits == 1
            workspaces = (await stage.app.overview.status(by=SHELL)).workspaces
            looked = next(each.looked for each in workspaces if each.workspace.name == "away")
            assert looked
            assert looked.looked_at is None
            await stage.app.workspace_changes.deactivate("away", by=SHELL)


class TestGaps:
    """F72: more than a day that nobody listened is neither clamped in silence nor acted on unasked."""

    @both
    @polled
    async def test_a_gap_that_is_filled_half_way_goes_on_there(self, stage: Stage, jira: Sandbox) -> None:
        """What was read is not read again, and what was written acts once."""
        stage.expected_errors = {"trouble.begun"}
        issues = [await jira.create_issue(summary=f"Another, {number}") for number in range(10)]
        await look(stage, seconds=30)
        await stage.app.workspace_changes.deactivate("acme", by=SHELL)
        for issue in issues[:-1]:
            stage.clock.advance(minutes=10)
            await jira.comment(issue.key, "Only a remark")
        await jira.comment(issues[-1].key, "@openhands help")
        stage.clock.advance(hours=40)
        await stage.app.workspace_changes.activate("acme", by=SHELL)
        await look(stage, seconds=1)
        [gap] = await found(stage, Origin.GAP)
        jira.faults.add("answer", path=f"/issue/{issues[9].id}/comment", status=503, times=1)
        read = len(jira.requests)

        await stage.app.deliveries.retry(gap.id, by=SHELL)
        await stage.until_stored(lambda tx: tx.deliveries.list(state=DeliveryState.WAITING) or None)
        await stage.make_due()
        assert HELP in (await stage.says(on=issues[9])).text

        await stage.rest()
        caught = await found(stage)
        assert [each.issue_key for each in caught] == [issue.key for issue in issues]
        paths = [request.path for request in jira.requests[read:] if request.path.endswith("/comment")]
        assert [sum(f"/{issue.id}/" in path for path in paths) for issue in issues[:6]] == [1] * 6
        closed = await stage.app.storage.read(lambda tx: tx.deliveries.find(gap.id))
        assert closed is not None
        assert closed.text.endswith(": 10 new")

    @both
    @polled
    @pytest.mark.parametrize("wanted", [True, False], ids=["retried", "discarded"])
    async def test_a_gap_waits_for_a_person(self, stage: Stage, jira: Sandbox, wanted: bool) -> None:
        stage.expected_errors = {"trouble.begun"}
        await look(stage, seconds=30)
        other = await jira.create_issue(summary="Another")
        await stage.app.workspace_changes.deactivate("acme", by=SHELL)
        stage.clock.advance(hours=1)
        early = await stage.comment("@openhands help")
        stage.clock.advance(hours=20)
        await jira.comment(other.key, "@openhands help")
        stage.clock.advance(hours=10)
        await stage.app.workspace_changes.activate("acme", by=SHELL)
        await look(stage, seconds=1)

        assert HELP in (await stage.says(on=other)).text
        await stage.rest()
        [gap] = await found(stage, Origin.GAP)
        assert (gap.state, gap.reason) == (DeliveryState.DEAD, "gap")
        assert f"jirabot event retry {gap.id}" in gap.text
        standing = await stage.app.storage.read(lambda tx: tx.troubles.standing())
        assert [each.reason.value for each in standing] == ["events-missed"]
        assert jira.comments(stage.issue.key) == [early]

        if wanted:
            await stage.app.deliveries.retry(gap.id, by=SHELL)
            assert HELP in (await stage.says()).text
            await stage.rest()
        else:
            await stage.app.deliveries.discard(await stage.app.deliveries.discardable([gap.id], by=SHELL), by=SHELL)
        await look(stage, seconds=30)
        await stage.rest()
        closed = await stage.app.storage.read(lambda tx: tx.deliveries.find(DeliveryId(gap.id)))
        assert closed is not None
        assert closed.state is (DeliveryState.DONE if wanted else DeliveryState.DISCARDED)
        assert len(jira.comments(stage.issue.key)) == (2 if wanted else 1)
        assert len(jira.comments(other.key)) == 2
        assert await stage.app.storage.read(lambda tx: tx.troubles.standing()) == []
