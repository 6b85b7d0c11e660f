"""Administrators hear of the end of a token 30, 7 and 1 days ahead, each once, and no more once a new one is given."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from jirabot.app import App, open_app
from jirabot.core.managers.workspace_changes import WorkspaceUpdate
from jirabot.core.managers.workspaces import NewWorkspace
from jirabot.core.people import DAEMON, SHELL
from jirabot.errors import InvalidInput
from jirabot.sandbox.server import Sandbox
from tests.e2e.stage import Log, settings_for

START = datetime(2026, 11, 26, 12, tzinfo=UTC)
DAYS = timedelta(days=1)


@dataclass
class Clock:
    at: datetime = START

    def now(self) -> datetime:
        return self.at

    async def sleep(self, seconds: float) -> None:
        raise AssertionError("nobody waits here")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture(params=["cloud", "dc"])
async def jira(request: pytest.FixtureRequest, clock: Clock) -> AsyncIterator[Sandbox]:
    async with Sandbox(deployment=request.param, clock=clock.now) as sandbox:
        yield sandbox


@pytest.fixture
async def app(clock: Clock, log: Log, tmp_path: Path) -> AsyncIterator[App]:
    async with open_app(settings_for(tmp_path), clock=clock, log=log) as opened:
        yield opened


def wanted(jira: Sandbox, expires_at: datetime | None = None) -> NewWorkspace:
    return NewWorkspace(
        name="acme",
        deployment=jira.deployment,
        base_url=jira.base_url,
        email=jira.bot.email if jira.deployment == "cloud" else "",
        api_key=jira.bot.token,
        key_expires_at=expires_at,
    )


async def pass_time(app: App, clock: Clock, until: datetime) -> None:
    """Live through a time, looking four times a day as a daemon looks each minute."""
    while clock.at < until:
        clock.at += DAYS / 4
        await app.key_ends.warn_once(by=DAEMON)
        await app.teller.tell_once(by=DAEMON)


def told(log: Log) -> list[tuple[str, str]]:
    """What administrators were told, in order: the event, and the last words of its cause."""
    return [
        (event, str(fields["cause"]).rpartition(": ")[2])
        for event, fields in log.told
        if event in ("trouble.begun", "trouble.ended")
    ]


async def test_each_threshold_is_told_once_until_a_new_token_is_given(app, clock, log, jira):
    ends_at = START + 60 * DAYS
    await app.workspaces.create(wanted(jira, ends_at), by=SHELL)
    await pass_time(app, clock, ends_at - 31 * DAYS)
    assert told(log) == []

    await pass_time(app, clock, ends_at + DAYS)
    assert told(log) == [
        ("trouble.begun", "within 30 days"),
        ("trouble.begun", "within 7 days"),
        ("trouble.begun", "within a day"),
        ("trouble.begun", "it has ended"),
    ]
    (served,) = await app.directory.all()
    assert served.workspace.degraded == ("token-expires",)

    new = WorkspaceUpdate(api_key=jira.bot.token, key_expires_at=clock.at + 365 * DAYS)
    await app.workspace_changes.update("acme", new, by=SHELL)
    await pass_time(app, clock, clock.at + DAYS)
    assert told(log)[4:] == [("trouble.ended", "it has ended")]
    (served,) = await app.directory.all()
    assert served.workspace.degraded == ()


async def test_a_restart_tells_nothing_again(clock, log, jira, tmp_path):
    settings = settings_for(tmp_path)
    for days in (0, 1, 2):
        async with open_app(settings, clock=clock, log=log) as app:
            if not days:
                await app.workspaces.create(wanted(jira, START + 20 * DAYS), by=SHELL)
            await pass_time(app, clock, START + days * DAYS + DAYS)

    assert told(log) == [("trouble.begun", "within 30 days")]


async def test_a_token_without_a_known_end_is_not_warned_of(app, clock, log, jira):
    await app.workspaces.create(wanted(jira), by=SHELL)
    await pass_time(app, clock, START + 400 * DAYS)

    assert told(log) == []


async def test_data_center_tells_the_end_itself_and_cloud_does_not(app, clock, jira):
    jira.jira.key_ends[jira.bot.account_id] = START + 90 * DAYS
    made = await app.workspaces.create(wanted(jira), by=SHELL)

    assert made.workspace.key_expires_at == (START + 90 * DAYS if jira.deployment == "dc" else None)


async def test_a_new_token_whose_end_is_not_given_has_none_known(app, jira):
    await app.workspaces.create(wanted(jira, START + 90 * DAYS), by=SHELL)
    updated = await app.workspace_changes.update("acme", WorkspaceUpdate(api_key=jira.bot.token), by=SHELL)

    assert updated.workspace.key_expires_at is None


async def test_a_date_alone_may_be_given_later_and_no_past_one(app, jira):
    await app.workspaces.create(wanted(jira), by=SHELL)
    given = WorkspaceUpdate(key_expires_at=START + 5 * DAYS)
    updated = await app.workspace_changes.update("acme", given, by=SHELL)
    assert updated.workspace.key_expires_at == START + 5 * DAYS

    with pytest.raises(InvalidInput, match="is past"):
        await app.workspace_changes.update("acme", WorkspaceUpdate(key_expires_at=START - DAYS), by=SHELL)
