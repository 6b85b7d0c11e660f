"""Webhooks in Jira: set up twice, proved by a comment, watched, and removed, on every kind of Jira, over HTTP."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from jirabot.core.deliveries import DeliveryState
from jirabot.core.managers.replays import ReplayWishes
from jirabot.core.managers.webhooks import Webhooks
from jirabot.core.managers.workspace_changes import WorkspaceUpdate
from jirabot.core.people import DAEMON, SHELL, Role
from jirabot.core.ports import Transaction
from jirabot.core.troubles import Trouble
from jirabot.core.webhooks import EVENTS
from jirabot.core.workspaces import WorkspaceState
from jirabot.errors import CommandFailed, Forbidden, InvalidInput, NotFound
from jirabot.sandbox.issues import Webhook
from jirabot.sandbox.server import Sandbox

from .apps import oauth_at, sign_in_as_app
from .stage import WITHIN_SECONDS, MovableClock, Stage, staged
from .test_api import Caller, calling

pytestmark = pytest.mark.stage(webhook=False)

KINDS = [
    pytest.param({"deployment": "cloud"}, id="cloud"),
    pytest.param({"deployment": "dc", "dc_version": "9.12.15"}, id="dc9"),
    pytest.param({"deployment": "dc", "dc_version": "10.3.5"}, id="dc10"),
]


@pytest.fixture(params=KINDS)
async def jira(request: pytest.FixtureRequest) -> AsyncIterator[Sandbox]:
    """A Jira of each kind of administration."""
    async with Sandbox(**request.param, retry_delays=[0, 0, 0, 0, 0]) as sandbox:
        yield sandbox


only = pytest.mark.parametrize("jira", [{"deployment": "cloud"}], indirect=True, ids=["cloud"])
only_dc10 = pytest.mark.parametrize("jira", [{"deployment": "dc", "dc_version": "10.3.5"}], indirect=True, ids=["dc10"])


def only_one(stage: Stage) -> Webhook:
    (webhook,) = stage.jira.jira.webhooks.values()
    return webhook


async def trouble(stage: Stage, reason: str) -> Trouble:
    """Wait for a trouble that stands."""

    def query(tx: Transaction) -> Trouble | None:
        return next((each for each in tx.troubles.standing() if each.reason.value == reason), None)

    return await stage.until_stored(query)


async def test_registered_twice_there_is_one_webhook_and_what_it_sends_acts(stage: Stage) -> None:
    """F40, F58: the paths and bodies of each version; a second time changes the first."""
    first = await stage.app.webhooks.register("acme", by=SHELL)
    again = await stage.app.webhooks.register("acme", by=SHELL, jql="project = DEMO")

    webhook = only_one(stage)
    assert (first.created, again.created, again.warnings) == (True, False, ())
    assert (tuple(webhook.events), webhook.jql) == (EVENTS, "project = DEMO")
    assert bool(webhook.secret) is (stage.workspace.authenticity == "hmac")
    assert again.registration.registered_at == first.registration.registered_at

    comment = await stage.comment("@openhands fix the greeting")
    assert "I am on it" in (await stage.says()).text
    await stage.says()
    assert (await stage.outcome(comment)).state is DeliveryState.DONE


@pytest.mark.parametrize("jira", [{"deployment": "dc", "dc_version": "8.20.0"}], indirect=True, ids=["dc8"])
async def test_a_jira_that_can_not_sign_proves_itself_by_its_address(stage: Stage) -> None:
    """It was told when the workspace was made; the secret is in what Jira has, and nowhere that we show."""
    assert stage.workspace.authenticity == "url-token"
    made = await stage.app.webhooks.register("acme", by=SHELL)
    listed = await stage.app.webhooks.list("acme", by=SHELL)

    assert only_one(stage).url.endswith(f"/{stage.workspace.id}/{stage.secret}")
    assert made.registration.url.endswith(f"/{stage.workspace.id}/***")
    assert stage.secret not in repr((made, listed))
    assert stage.secret not in json.dumps(stage.log.told, default=str)


@only
async def test_a_rotated_secret_is_given_to_jira_by_registering_again(stage: Stage) -> None:
    await stage.app.webhooks.register("acme", by=SHELL)
    rotated = await stage.app.workspace_changes.rotate_secret("acme", by=SHELL, overlap=timedelta(hours=1))
    await stage.app.webhooks.register("acme", by=SHELL)
    assert only_one(stage).secret == rotated.webhook_secret


@only
async def test_the_filter_that_stands_stays_where_none_is_given(stage: Stage) -> None:
    await stage.app.webhooks.register("acme", by=SHELL, jql="project = DEMO")
    await stage.app.webhooks.register("acme", by=SHELL)
    assert only_one(stage).jql == "project = DEMO"
    await stage.app.webhooks.register("acme", by=SHELL, jql="")
    assert only_one(stage).jql == ""


async def test_another_that_an_administrator_made_is_changed_and_a_third_told_of(stage: Stage) -> None:
    """F58: what counts is where it sends to; what sends elsewhere is left alone, and not shown."""
    stage.jira.add_webhook("https://elsewhere.example/hook?token=theirs", secret=None)
    stage.jira.add_webhook(stage.events_url.replace("127.0.0.1", "localhost"), secret="something else")
    third = stage.jira.add_webhook(stage.events_url, secret=None)

    made = await stage.app.webhooks.register("acme", by=SHELL)
    listed = await stage.app.webhooks.list("acme", by=SHELL)

    assert (made.created, made.warnings) == (False, (f"the webhook `{third.id}` sends here too: remove it in Jira",))
    assert [each.id for each in listed.held or ()] == ["2", "3"]
    assert "elsewhere" not in repr(listed)


@pytest.mark.parametrize("jira", [{"deployment": "dc", "dc_version": "10.3.5"}], indirect=True, ids=["dc10"])
async def test_a_comment_that_is_told_of_twice_acts_once(stage: Stage) -> None:
    """F67: two webhooks, each with a comment event and an update of the issue, by two addresses of one workspace."""
    await stage.app.webhooks.register("acme", by=SHELL)
    alias = stage.events_url.replace("/events/", "/connections/") + "/events"
    stage.jira.add_webhook(alias, secret=stage.secret)

    await stage.comment("@openhands help")

    assert "this is what you can ask of me" in (await stage.says()).text
    await stage.rest()
    assert len([each for each in stage.jira.deliveries if each.succeeded]) >= 4
    assert len(stage.bot_comments()) == 1
    reasons = [each.reason for each in await stage.deliveries() if each.reason != "own-comment"]
    assert (reasons[0], set(reasons[1:])) == ("helped", {"already-acted"})


FORGETFUL = {"deployment": "dc", "dc_version": "10.3.5", "forgets": ("SECRET", "FILTERS")}


@pytest.mark.parametrize("jira", [FORGETFUL], indirect=True, ids=["dc10"])
async def test_what_jira_drops_is_told(stage: Stage) -> None:
    """F40: Data Center since 10 takes what it does not know without a word."""
    made = await stage.app.webhooks.register("acme", by=SHELL, jql="project = DEMO")
    assert made.warnings == (
        "it has dropped the filter: it sends of every issue",
        "it shows no secret: what it sends may not be signed, and would be refused",
    )


async def test_without_the_right_it_says_what_to_click(stage: Stage) -> None:
    stage.jira.jira.deny(stage.jira.bot, "ADMINISTER")
    with pytest.raises(Forbidden) as refused:
        await stage.app.webhooks.register("acme", by=SHELL, jql="project = DEMO")

    steps = refused.value.hint
    for part in (f"{stage.jira.base_url}/plugins/servlet/webhooks", "project = DEMO", *EVENTS, "webhook test acme"):
        assert part in steps
    assert stage.app.workspaces.events_url(stage.workspace) in steps
    assert ("rotate-secret acme" in steps) is (stage.workspace.authenticity == "hmac")
    assert ("--show-secrets" in steps) is (stage.workspace.authenticity == "url-token")
    assert stage.secret not in steps
    assert stage.jira.jira.webhooks == {}


@only
async def test_a_rule_of_automation_is_set_up_by_hand(stage: Stage) -> None:
    await stage.app.workspace_changes.update("acme", WorkspaceUpdate(authenticity="header"), by=SHELL)
    with pytest.raises(Forbidden, match="Automation") as refused:
        await stage.app.webhooks.register("acme", by=SHELL)
    assert "X-Jirabot-Token" in refused.value.hint
    assert stage.secret not in refused.value.hint


async def test_only_what_jirabot_made_is_removed(stage: Stage) -> None:
    """With the workspace too, where that is not declined."""
    with pytest.raises(NotFound, match="has made no webhook"):
        await stage.app.webhooks.delete("acme", by=SHELL)
    await stage.app.webhooks.register("acme", by=SHELL)
    theirs = stage.jira.add_webhook("https://elsewhere.example/hook", secret=None)

    await stage.app.webhooks.delete("acme", by=SHELL)
    assert list(stage.jira.jira.webhooks.values()) == [theirs]

    await stage.app.webhooks.register("acme", by=SHELL)
    await stage.app.deletions.delete("acme", by=SHELL)
    assert list(stage.jira.jira.webhooks.values()) == [theirs]


@only
async def test_one_that_is_gone_in_jira_is_forgotten(stage: Stage) -> None:
    await stage.app.webhooks.register("acme", by=SHELL)
    stage.jira.jira.delete_webhook(only_one(stage))
    await stage.app.webhooks.delete("acme", by=SHELL)
    assert (await stage.app.webhooks.list("acme", by=SHELL)).registrations == ()


@only
async def test_a_jira_that_refuses_keeps_no_workspace_alive(stage: Stage) -> None:
    await stage.app.webhooks.register("acme", by=SHELL)
    stage.jira.jira.deny(stage.jira.bot, "ADMINISTER")
    _, removed = await stage.app.deletions.delete("acme", by=SHELL)
    assert "Administrator privileges" in removed.left
    assert len(stage.jira.jira.webhooks) == 1


class TestTesting:
    """`webhook test`: a comment is written, its webhook awaited, the comment removed."""

    async def test_a_good_one_comes_back_and_nothing_stays(self, stage: Stage) -> None:
        await stage.app.webhooks.register("acme", by=SHELL)
        tested = await stage.app.webhook_tests.test("acme", stage.issue.key, by=SHELL)

        await stage.rest()
        assert (tested.activated, tested.left) == (False, "")
        assert stage.jira.comments(stage.issue.key) == []
        assert await stage.app.storage.read(lambda tx: tx.conversations.list()) == []

    @only
    @pytest.mark.parametrize("mention", ["@openhands", "jirabot"])
    async def test_it_asks_the_bot_for_nothing_even_where_its_words_would(self, stage: Stage, mention: str) -> None:
        """The service account is a linked person, whose reply a question waits for."""
        await stage.app.workspace_changes.update("acme", WorkspaceUpdate(settings={"mention": [mention]}), by=SHELL)
        await stage.app.webhooks.register("acme", by=SHELL)
        await stage.link(stage.jira.bot)
        stage.jira.faults.add("answer", path="/comment/[0-9]+$", method="DELETE", status=403, times=1)

        tested = await stage.app.webhook_tests.test("acme", stage.issue.key, by=SHELL)

        await stage.rest()
        (delivery,) = await stage.deliveries()
        assert (delivery.state.value, delivery.reason) == ("ignored", "own-comment")
        assert "403" in tested.left
        stage.jira.read_all()

    async def test_a_wrong_secret_is_named(self, stage: Stage) -> None:
        await stage.app.webhooks.register("acme", by=SHELL)
        await stage.app.workspace_changes.rotate_secret("acme", by=SHELL, overlap=timedelta(0))
        failed = await self._fail(stage)
        assert "did not prove itself" in failed.message
        assert "webhook register acme" in failed.hint
        assert stage.jira.comments(stage.issue.key) == []

    @only
    async def test_one_that_is_switched_off_is_named(self, stage: Stage) -> None:
        await stage.app.webhooks.register("acme", by=SHELL)
        only_one(stage).enabled = False
        assert (await self._fail(stage)).message == "nothing came: the webhook is switched off in Jira"
        await stage.app.webhooks.register("acme", by=SHELL)
        await stage.app.webhook_tests.test("acme", stage.issue.key, by=SHELL)

    @only
    async def test_none_at_all_is_named(self, stage: Stage) -> None:
        failed = await self._fail(stage)
        assert failed.message == "nothing came: no webhook in Jira sends to this workspace"

    @only
    async def test_one_that_jira_does_not_show_leaves_the_network(self, stage: Stage) -> None:
        stage.jira.jira.deny(stage.jira.bot, "ADMINISTER")
        failed = await self._fail(stage)
        assert failed.message == "nothing came within 30 s"
        assert "public_url" in failed.hint

    async def test_it_proves_a_workspace_that_somebody_claimed(self, stage: Stage) -> None:
        """F5: until then nothing is processed, and nobody but an administrator who trusts it activates it."""
        await stage.app.webhooks.register("acme", by=SHELL)
        await stage.change_workspace(state=WorkspaceState.UNPROVED)
        await stage.comment("@openhands help")
        await stage.jira.settled()
        with pytest.raises(Forbidden, match="nothing proves yet"):
            await stage.app.workspace_changes.activate("acme", by=SHELL)
        assert {each.state.value for each in await stage.deliveries()} == {"paused"}

        tested = await stage.app.webhook_tests.test("acme", stage.issue.key, by=SHELL)

        assert (tested.activated, tested.workspace.state) == (True, WorkspaceState.ACTIVE)
        assert "this is what you can ask of me" in (await stage.says()).text

    @only
    async def test_an_account_that_does_not_administer_jira_proves_nothing(self, stage: Stage) -> None:
        """F77: who claimed the workspace knows its secret, and could have sent the webhook themselves."""
        await stage.app.webhooks.register("acme", by=SHELL)
        await stage.change_workspace(state=WorkspaceState.UNPROVED)
        stage.jira.jira.deny(stage.jira.bot, "ADMINISTER")

        tested = await stage.app.webhook_tests.test("acme", stage.issue.key, by=SHELL)

        assert (tested.activated, tested.workspace.state) == (False, WorkspaceState.UNPROVED)
        assert "does not administer" in tested.doubt

    @only
    async def test_a_replay_of_it_proves_nothing(self, stage: Stage) -> None:
        """Who can replay needs no secret: only what came through the door counts."""
        await stage.change_workspace(state=WorkspaceState.UNPROVED)

        async def replay() -> None:
            nonce = stage.jira.comments(stage.issue.key)[0].text
            content = json.dumps({"webhookEvent": "comment_created", "text": nonce}).encode()
            await stage.app.replay(content, ReplayWishes(workspace="acme", waits=False), by=SHELL)
            await stage.rest()

        failed = await self._fail(stage, meanwhile=replay)
        assert "no webhook in Jira" in failed.message
        assert len(await stage.deliveries()) == 1
        assert (await stage.app.workspaces.show("acme", by=SHELL))[0].state is WorkspaceState.UNPROVED

    async def _fail(self, stage: Stage, *, meanwhile: Callable[[], Awaitable[None]] | None = None) -> CommandFailed:
        """Test it, and let the time pass as soon as nothing more will come."""

        async def pass_time() -> None:
            await stage.until(lambda: stage.jira.comments(stage.issue.key))
            await stage.jira.settled()
            if meanwhile is not None:
                await meanwhile()
            if stage.jira.deliveries:
                await stage.until_stored(lambda tx: tx.rejections.list(stage.workspace.id) or None)
            stage.clock.advance(seconds=31)

        test = stage.app.webhook_tests.test("acme", stage.issue.key, by=SHELL)
        failed, passed = await asyncio.gather(test, pass_time(), return_exceptions=True)
        assert passed is None
        assert isinstance(failed, CommandFailed)
        return failed


@only
class TestOverHttp:
    """The same by the management API: 200 whatever came of it, since that is what was asked."""

    PATH = "/api/v1/workspaces/acme/webhook/test"

    @pytest.fixture
    async def boss(self, stage: Stage) -> AsyncIterator[Caller]:
        """An administrator of the workspace, and of no other."""
        await stage.app.users.link("acme", stage.jira.grace.account_id, user="boss", role=Role.ADMIN, by=SHELL)
        async with calling(stage) as make:
            yield await make("boss")

    async def test_what_came_is_told(self, stage: Stage, boss: Caller) -> None:
        await stage.app.webhooks.register("acme", by=SHELL)

        status, told = await boss.post(self.PATH, issue=stage.issue.key)

        assert 0 <= told.pop("seconds") < WITHIN_SECONDS
        assert (status, told) == (
            200,
            {
                "came": True,
                "id": (await stage.deliveries())[0].id,
                "workspace": "acme",
                "state": "active",
                "activated": False,
                "warnings": [],
                "cause": None,
                "fix": None,
            },
        )
        await stage.rest()
        assert stage.jira.comments(stage.issue.key) == []

    async def test_that_nothing_came_is_an_answer_and_nobody_else_tests_meanwhile(
        self, stage: Stage, boss: Caller
    ) -> None:
        async def pass_time() -> tuple[int, Mapping[str, Any]]:
            await stage.until(lambda: stage.jira.comments(stage.issue.key))
            second = await boss.post(self.PATH, issue=stage.issue.key)
            stage.clock.advance(seconds=31)
            return second

        (status, told), (refused, problem) = await asyncio.gather(
            boss.post(self.PATH, issue=stage.issue.key), pass_time()
        )

        assert (status, told["came"], told["id"], told["seconds"]) == (200, False, None, None)
        assert told["cause"] == "nothing came: no webhook in Jira sends to this workspace"
        assert told["fix"] == "`jirabot webhook register acme` sets it up"
        assert (refused, problem["code"]) == (409, "conflict")
        assert stage.jira.comments(stage.issue.key) == []

    async def test_who_does_not_administer_the_workspace_writes_nothing_in_its_jira(self, stage: Stage) -> None:
        await stage.app.users.link("acme", stage.jira.grace.account_id, user="grace", by=SHELL)
        async with calling(stage) as make:
            assert (await (await make("grace")).post(self.PATH, issue=stage.issue.key))[0] == 403
        assert stage.jira.comments(stage.issue.key) == []

    async def test_an_issue_is_named_by_its_key(self, stage: Stage, boss: Caller) -> None:
        for key in ("DEMO-1/../../myself", "", "DEMO", None):
            status, problem = await boss.post(self.PATH, issue=key)
            assert (status, list(problem["fields"])) == (422, ["issue"])
        assert (await boss.post(self.PATH, issue="DEMO-999"))[1]["code"] == "jira-gone"


class TestSilence:
    """F58: a workspace that hears nothing although issues change is told of, until it hears something."""

    @pytest.fixture(params=["cloud", "dc"])
    async def jira(self, request: pytest.FixtureRequest) -> AsyncIterator[Sandbox]:
        """A Jira whose time the play lets pass, too."""
        clock = MovableClock()
        async with Sandbox(deployment=request.param, clock=clock.now, retry_delays=[0]) as sandbox:
            sandbox.time_passes = clock.advance  # type: ignore[attr-defined]  # for the play alone
            yield sandbox

    @pytest.mark.alike
    async def test_one_that_is_switched_off_is_told_of_until_it_speaks_again(self, stage: Stage) -> None:
        await stage.app.webhooks.register("acme", by=SHELL, jql="project = DEMO")
        only_one(stage).enabled = False
        await stage.app.webhook_watch.look_once(by=DAEMON)  # the workspace is met now
        self.pass_time(stage, hours=1)
        await stage.jira.create_issue(summary="Nobody hears of this", project="HELP")
        self.pass_time(stage, hours=6)
        await self.watched_until(stage, lambda tx: any("search" in each.path for each in stage.jira.requests))
        assert (await stage.app.workspaces.show("acme", by=SHELL))[0].degraded == ()

        await stage.comment("Nobody hears of this either")
        self.pass_time(stage, hours=6)

        await self.watched_until(stage, lambda tx: bool(tx.troubles.standing()))
        told = await trouble(stage, "webhook-silent")
        assert "though 1 issue changed in Jira" in told.text
        assert "jirabot webhook list acme" in told.fix
        assert (await stage.app.workspaces.show("acme", by=SHELL))[0].degraded == ("webhook-silent",)
        status = await stage.app.overview.status(by=SHELL)
        assert [each.trouble.reason.value for each in status.troubles] == ["webhook-silent"]

        await stage.app.webhooks.register("acme", by=SHELL)
        await stage.comment("Somebody hears of this")
        await stage.jira.settled()
        await self.watched_until(stage, lambda tx: not tx.troubles.standing())
        assert (await stage.app.workspaces.show("acme", by=SHELL))[0].degraded == ()
        stage.expected_errors = {"trouble.begun"}

    def pass_time(self, stage: Stage, **by: float) -> None:
        stage.jira.time_passes(**by)  # type: ignore[attr-defined]  # see `jira`
        stage.clock.advance(**by)

    async def watched_until(self, stage: Stage, holds: Callable[[Transaction], bool]) -> None:
        """Let time pass until the daemon has looked and something holds: it may be busy."""
        async with asyncio.timeout(WITHIN_SECONDS):
            while not await stage.app.storage.read(holds):
                seen = stage.app.storage.generation()
                self.pass_time(stage, seconds=31)
                await stage.app.storage.changed(seen, within_seconds=0.2)


@only
class TestDynamic:
    """Webhooks of an OAuth app: they prove themselves by a token, and live for 30 days."""

    @pytest.fixture
    async def stage(self, jira: Sandbox, tmp_path: Path) -> AsyncIterator[Stage]:
        """A stage that knows where Atlassian is."""
        async with staged(jira, tmp_path, oauth=oauth_at(jira)) as opened:
            await opened.set_up(webhook=False)
            yield opened

    @pytest.fixture
    async def as_app(self, stage: Stage) -> Webhooks:
        """What sets up webhooks, signed in as an app; the workspace takes its tokens for proof."""
        await sign_in_as_app(stage.app, stage.jira)
        return stage.app.webhooks

    async def test_registered_twice_there_is_one_and_what_it_sends_acts(self, stage: Stage, as_app: Webhooks) -> None:
        """F67, F80: its deliveries carry no signature; one that Jira sends twice acts once."""
        webhooks = as_app
        first = await webhooks.register("acme", by=SHELL, jql="project = DEMO")
        again = await webhooks.register("acme", by=SHELL)
        changed = await webhooks.register("acme", by=SHELL, jql="project in (DEMO, HELP)")

        assert (first.created, again.created, again.held.id) == (True, False, first.held.id)
        assert only_one(stage).jql == "project in (DEMO, HELP)"
        listed = await webhooks.list("acme", by=SHELL)
        assert [each.webhook_id for each in listed.registrations] == [changed.held.id]
        assert listed.held is not None
        assert listed.held[0].expires_at == changed.registration.expires_at

        stage.jira.faults.add("duplicate", event="comment_created", times=1)
        comment = await stage.comment("@openhands fix the greeting")
        assert "I am on it" in (await stage.says()).text
        await stage.says()
        assert (await stage.outcome(comment)).state is DeliveryState.DONE

        await webhooks.delete("acme", by=SHELL)
        assert stage.jira.jira.webhooks == {}

    @pytest.mark.parametrize(
        ("jql", "told"),
        [
            pytest.param(None, "needs a filter that names projects", id="none"),
            pytest.param("labels = openhands", "`labels = openhands` is no filter", id="another field"),
            pytest.param("project is not EMPTY", "is no filter", id="an operator that it does not take"),
            pytest.param("project = DEMO AND text ~ bug", "`text ~ bug` is no filter", id="the second of two"),
        ],
    )
    async def test_a_filter_that_jira_would_not_take_is_refused_before_it_is_asked(
        self, stage: Stage, as_app: Webhooks, jql: str | None, told: str
    ) -> None:
        """F80."""
        webhooks = as_app
        stage.jira.requests.clear()
        with pytest.raises(InvalidInput, match=told):
            await webhooks.register("acme", by=SHELL, jql=jql)
        assert not any(each.method == "POST" for each in stage.jira.requests)

    async def test_an_error_within_a_good_answer_is_an_error(self, stage: Stage, as_app: Webhooks) -> None:
        """F80: 200, and only the missing id shows it."""
        webhooks = as_app
        stage.jira.faults.add(
            "answer",
            path="/webhook$",
            method="POST",
            status=200,
            body={"webhookRegistrationResult": [{"errors": ["The project is not there."]}]},
        )
        with pytest.raises(InvalidInput, match="Jira does not take the webhook: The project is not there"):
            await webhooks.register("acme", by=SHELL, jql="project = NOWHERE")
        assert (await webhooks.list("acme", by=SHELL)).registrations == ()

    async def test_an_account_that_is_no_app_has_none(self, stage: Stage) -> None:
        wanted = WorkspaceUpdate(authenticity="jwt", webhook_secret="of-another-app-altogether-and-long-enough")
        await stage.app.workspace_changes.update("acme", wanted, by=SHELL)
        with pytest.raises(Forbidden, match="Only Connect and OAuth"):
            await stage.app.webhooks.register("acme", by=SHELL, jql="project = DEMO")

    async def test_a_permanent_one_has_nothing_to_refresh(self, stage: Stage) -> None:
        await stage.app.webhooks.register("acme", by=SHELL)
        assert await stage.app.webhooks.refresh("acme", by=SHELL) == []
