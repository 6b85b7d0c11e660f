"""When a Jira is asked whether its webhook should have spoken, and when webhooks that expire are refreshed."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from jirabot.app import App, open_app
from jirabot.core.managers.webhook_watch import WebhookWatch
from jirabot.core.managers.webhooks import Webhooks
from jirabot.core.managers.workspace_changes import WorkspaceUpdate
from jirabot.core.managers.workspaces import NewWorkspace
from jirabot.core.people import DAEMON, SHELL
from jirabot.core.troubles import Trouble
from jirabot.sandbox.server import Sandbox
from tests.e2e.apps import oauth_at, sign_in_as_app
from tests.e2e.stage import settings_for


@dataclass
class Clock:
    """The sandbox's time and ours."""

    at: datetime

    def now(self) -> datetime:
        return self.at

    async def sleep(self, seconds: float) -> None:
        raise AssertionError("nobody waits here")

    def go_on(self, **by: float) -> None:
        self.at += timedelta(**by)


@pytest.fixture
def clock() -> Clock:
    return Clock(at=datetime(2026, 3, 2, 12, tzinfo=UTC))


@pytest.fixture
async def jira(clock: Clock) -> AsyncIterator[Sandbox]:
    async with Sandbox(clock=clock.now) as sandbox:
        yield sandbox


@pytest.fixture
async def app(jira: Sandbox, clock: Clock, tmp_path: Path) -> AsyncIterator[App]:
    """A workspace that was met just now, and no daemon: what is looked at is what the test asks for."""
    async with open_app(settings_for(tmp_path, oauth=oauth_at(jira)), clock=clock) as opened:
        wanted = NewWorkspace(
            name="acme", deployment="cloud", base_url=jira.base_url, email=jira.bot.email, api_key=jira.bot.token
        )
        await opened.workspaces.create(wanted, by=SHELL)
        await opened.webhook_watch.look_once(by=DAEMON)
        jira.requests.clear()
        yield opened


async def asked(app: App, jira: Sandbox) -> list[str]:
    """Look once, and give what Jira was asked for."""
    await app.webhook_watch.look_once(by=DAEMON)
    paths = [request.path.rpartition("/")[2] for request in jira.requests]
    jira.requests.clear()
    return paths


async def standing(app: App) -> list[Trouble]:
    return list(await app.storage.read(lambda tx: tx.troubles.standing()))


async def set_(app: App, **settings: object) -> None:
    await app.workspace_changes.update("acme", WorkspaceUpdate(settings=settings), by=SHELL)


async def test_a_jira_is_asked_once_it_was_silent_for_so_long_and_then_every_quarter(
    app: App, jira: Sandbox, clock: Clock
) -> None:
    """Who we are first: with bad credentials Jira Cloud finds nothing, and does not say."""
    clock.go_on(hours=5, minutes=59)
    assert await asked(app, jira) == []
    clock.go_on(minutes=1)
    assert await asked(app, jira) == ["myself", "jql"]
    assert await asked(app, jira) == []
    clock.go_on(minutes=89)
    assert await asked(app, jira) == []
    clock.go_on(minutes=1)
    assert await asked(app, jira) == ["myself", "jql"]
    assert await standing(app) == []


@pytest.mark.parametrize(
    ("changed_after", "is_told"),
    [
        pytest.param({"minutes": 4}, False, id="before it counts: the last webhook may have told of it"),
        pytest.param({"minutes": 30}, True, id="meanwhile"),
        pytest.param({"hours": 5, "minutes": 50}, False, id="just now: its webhook may be on its way"),
    ],
)
async def test_what_changed_meanwhile_is_told(
    app: App, jira: Sandbox, clock: Clock, changed_after: dict[str, float], is_told: bool
) -> None:
    """F58."""
    began = clock.at
    clock.go_on(**changed_after)
    await jira.create_issue(summary="Nobody is told of this")
    clock.at = began + timedelta(hours=6)
    await app.webhook_watch.look_once(by=DAEMON)

    assert [each.reason.value for each in await standing(app)] == (["webhook-silent"] if is_told else [])


async def test_no_more_issues_are_asked_for_than_are_told_of(app: App, jira: Sandbox, clock: Clock) -> None:
    clock.go_on(hours=1)
    for number in range(9):
        await jira.create_issue(summary=f"Nobody is told of {number}")
    clock.go_on(hours=5)
    await app.webhook_watch.look_once(by=DAEMON)
    (told,) = await standing(app)
    assert "though 5 issues or more changed in Jira" in told.text
    search = next(request for request in jira.requests if request.path.endswith("jql"))
    assert (search.query["maxResults"], search.query["fields"]) == ("5", "id")
    assert search.query["jql"] == "updated >= -355m AND updated <= -15m ORDER BY updated DESC"


async def test_where_it_is_switched_off_or_paused_nobody_is_asked(app: App, jira: Sandbox, clock: Clock) -> None:
    clock.go_on(days=1)
    await set_(app, silent_after="0s")
    assert await asked(app, jira) == []
    await set_(app, silent_after="1h")
    await app.workspace_changes.deactivate("acme", by=SHELL)
    assert await asked(app, jira) == []
    await app.workspace_changes.activate("acme", by=SHELL)
    assert await asked(app, jira) == ["myself", "jql"]


@pytest.mark.parametrize("status", [401, 429, 500])
async def test_a_jira_that_does_not_answer_is_not_called_silent(
    app: App, jira: Sandbox, clock: Clock, status: int
) -> None:
    """The probes tell of it; it is asked again when it is time."""
    clock.go_on(hours=1)
    await jira.create_issue(summary="Nobody is told of this")
    clock.go_on(hours=5)
    jira.faults.add("answer", path="/myself$", status=status, times=1)
    await app.webhook_watch.look_once(by=DAEMON)
    assert await standing(app) == []
    clock.go_on(hours=2)
    await app.webhook_watch.look_once(by=DAEMON)
    assert [each.reason.value for each in await standing(app)] == ["webhook-silent"]


@pytest.fixture
async def as_app(app: App, jira: Sandbox) -> tuple[Webhooks, WebhookWatch]:
    """A dynamic webhook that was registered just now, and what refreshes it."""
    await sign_in_as_app(app, jira)
    await app.webhooks.register("acme", by=SHELL, jql="project = DEMO")
    await set_(app, silent_after="0s")
    return app.webhooks, app.webhook_watch


async def test_a_webhook_that_expires_lives_as_long_as_a_daemon_runs(
    as_app: tuple[Webhooks, WebhookWatch], app: App, jira: Sandbox, clock: Clock
) -> None:
    """F58: a hundred days, looked after once a day."""
    _, watch = as_app
    (webhook,) = jira.jira.webhooks.values()
    refreshes = 0
    for _ in range(100):
        clock.go_on(days=1)
        await watch.look_once(by=DAEMON)
        assert webhook.expires is not None
        assert webhook.expires > clock.now()
    refreshes = sum(request.path.endswith("/refresh") for request in jira.requests)
    assert refreshes == 14
    (registration,) = (await as_app[0].list("acme", by=SHELL)).registrations
    assert registration.expires_at == webhook.expires
    assert await standing(app) == []


async def test_a_refresh_that_fails_is_told_once_and_tried_again_every_hour(
    as_app: tuple[Webhooks, WebhookWatch], app: App, jira: Sandbox, clock: Clock
) -> None:
    _, watch = as_app
    jira.faults.add("answer", path="/refresh$", method="PUT", status=500, times=2)
    clock.go_on(days=7)
    for _ in range(2):
        await watch.look_once(by=DAEMON)
        (told,) = await standing(app)
        assert told.text == "the webhook could not be refreshed: Jira fails (500); it expires 2026-04-01 12:00 UTC"
        assert "`jirabot webhook refresh acme`" in told.fix
        jira.requests.clear()
        await watch.look_once(by=DAEMON)
        assert jira.requests == []
        clock.go_on(hours=1)
    await watch.look_once(by=DAEMON)
    assert await standing(app) == []


async def test_a_refresh_by_hand_ends_the_trouble(
    as_app: tuple[Webhooks, WebhookWatch], app: App, jira: Sandbox, clock: Clock
) -> None:
    webhooks, watch = as_app
    jira.faults.add("answer", path="/refresh$", method="PUT", status=500, times=1)
    clock.go_on(days=7)
    await watch.look_once(by=DAEMON)
    (fresh,) = await webhooks.refresh("acme", by=SHELL)
    assert fresh.expires_at == clock.now() + timedelta(days=30)
    assert await standing(app) == []
