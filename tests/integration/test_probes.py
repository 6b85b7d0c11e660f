"""When a workspace's Jira is probed: seldom while it is well, soon after a failure; never where nothing is served."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from jirabot.app import App, open_app
from jirabot.core.managers.workspace_changes import WorkspaceUpdate
from jirabot.core.managers.workspaces import NewWorkspace
from jirabot.core.people import DAEMON, SHELL
from jirabot.sandbox.server import Sandbox
from tests.e2e.stage import settings_for


@dataclass
class Clock:
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
async def jira() -> AsyncIterator[Sandbox]:
    async with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
async def app(jira: Sandbox, clock: Clock, tmp_path: Path) -> AsyncIterator[App]:
    """A workspace, and no daemon: what is probed is what the test asks for."""
    async with open_app(settings_for(tmp_path), clock=clock) as opened:
        wanted = NewWorkspace(
            name="acme", deployment="cloud", base_url=jira.base_url, email=jira.bot.email, api_key=jira.bot.token
        )
        await opened.workspaces.create(wanted, by=SHELL)
        await opened.probes.next_due_seconds()  # the workspace is met now
        jira.requests.clear()
        yield opened


async def _due_seconds(app: App) -> float:
    due = await app.probes.next_due_seconds()
    assert due is not None
    return due


async def _degraded(app: App) -> tuple[str, ...]:
    return (await app.workspaces.show("acme", by=SHELL))[0].degraded


async def test_a_jira_that_is_well_is_asked_one_thing_every_five_minutes(app: App, jira: Sandbox, clock: Clock) -> None:
    assert 210 <= await _due_seconds(app) <= 390
    assert not await app.probes.probe_once(by=DAEMON)

    clock.go_on(seconds=391)
    assert await app.probes.probe_once(by=DAEMON)
    assert not await app.probes.probe_once(by=DAEMON)
    assert [request.path.rpartition("/")[2] for request in jira.requests] == ["myself"]
    assert 210 <= await _due_seconds(app) <= 390


async def test_after_a_failure_it_is_asked_soon_until_it_is_well(app: App, jira: Sandbox, clock: Clock) -> None:
    jira.faults.add("answer", path="/myself$", status=503, times=2)
    for degraded in ((), ("jira-failing",)):
        clock.go_on(seconds=391 if not degraded else 40)
        assert await app.probes.probe_once(by=DAEMON)
        assert await _degraded(app) == degraded
        assert 21 <= await _due_seconds(app) <= 39

    clock.go_on(seconds=40)
    assert await app.probes.probe_once(by=DAEMON)
    assert await _degraded(app) == ()
    assert 210 <= await _due_seconds(app) <= 390


async def test_failures_that_lie_further_apart_are_no_trouble(app: App, jira: Sandbox, clock: Clock) -> None:
    """As where the daemon was away in between."""
    jira.faults.add("answer", path="/myself$", status=503, times=2)
    for _ in range(2):
        clock.go_on(minutes=7)
        assert await app.probes.probe_once(by=DAEMON)

    assert await _degraded(app) == ()


async def test_a_token_of_another_account_is_a_failure(app: App, jira: Sandbox, clock: Clock) -> None:
    """F81: it answers well, and sees and writes as somebody else."""
    wanted = WorkspaceUpdate(email=jira.grace.email, api_key=jira.grace.token)
    await app.workspace_changes.update("acme", wanted, by=SHELL, validate=False)
    for seconds in (391, 40):
        clock.go_on(seconds=seconds)
        assert await app.probes.probe_once(by=DAEMON)
    assert await _degraded(app) == ("token-refused",)

    await app.workspace_changes.update("acme", wanted, by=SHELL)
    clock.go_on(seconds=40)
    assert await app.probes.probe_once(by=DAEMON)
    assert await _degraded(app) == ()


async def test_a_workspace_that_is_paused_is_not_asked(app: App) -> None:
    await app.workspace_changes.deactivate("acme", by=SHELL)

    assert await app.probes.next_due_seconds() is None
    assert not await app.probes.probe_once(by=DAEMON)
