"""Workspaces changed beside a running daemon: it sees it, and nothing that came meanwhile is lost."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from jirabot.app import App, open_app
from jirabot.core.conversations import RunState, State
from jirabot.core.deliveries import Delivery, DeliveryState
from jirabot.core.ids import WorkspaceId
from jirabot.core.managers.directory import Served
from jirabot.core.managers.workspace_changes import WorkspaceUpdate
from jirabot.core.managers.workspaces import NewWorkspace
from jirabot.core.people import SHELL
from jirabot.core.ports import Transaction
from jirabot.core.workspaces import WorkspaceState
from jirabot.errors import Unreachable, WorkspaceNotFound
from jirabot.jira.signatures import sign
from jirabot.machine import SystemClock
from jirabot.sandbox.server import Sandbox
from tests.contract.test_stores.values import conversation, run

from .stage import GATED, WITHIN_SECONDS, Log, Stage, make_repository, running, settings_for

pytestmark = pytest.mark.alike


@contextlib.asynccontextmanager
async def shell(stage: Stage) -> AsyncIterator[App]:
    """Another process's view of the same data folder, as a command has it."""
    async with open_app(stage.app.settings) as app:
        yield app


async def until_known(app: App, workspace_id: WorkspaceId, holds: Callable[[Served], bool]) -> None:
    """Wait until the daemon knows the workspace as it is now."""
    async with asyncio.timeout(WITHIN_SECONDS):
        while True:
            seen = app.storage.generation()
            if holds(await app.directory.get(workspace_id)):
                return
            await app.storage.changed(seen, within_seconds=1.0)


def kept(tx: Transaction) -> list[Delivery]:
    return list(tx.deliveries.list(state=DeliveryState.PAUSED))


async def test_what_came_while_a_workspace_was_inactive_is_worked_on_when_it_is_active_again(stage: Stage) -> None:
    """In order: the second comment finds the conversation of the first."""
    async with shell(stage) as commands:
        await commands.workspace_changes.deactivate("acme", by=SHELL)
        await until_known(stage.app, stage.workspace.id, lambda it: it.workspace.state is WorkspaceState.PAUSED)
        first = await stage.comment("@openhands fix the greeting")
        second = await stage.comment("@openhands and say thanks")
        await stage.jira.settled(WITHIN_SECONDS)
        before = await stage.app.storage.read(kept)
        assert stage.jira.unread(stage.issue.key) == []

        _, released = await commands.workspace_changes.activate("acme", by=SHELL)

    assert released == len(before)
    assert [(await stage.outcome(comment)).decision for comment in (first, second)] == ["start", "continue"]
    await stage.rest()
    assert await stage.app.storage.read(kept) == []
    for _ in stage.jira.unread(stage.issue.key):
        await stage.says()


async def test_what_comes_before_the_daemon_has_noticed_is_worked_on_too(stage: Stage) -> None:
    """Its view of the workspace is old: both its door and its workers ask again before they keep anything."""
    await stage.change_workspace(state=WorkspaceState.PAUSED)
    await stage.app.directory.all()
    active = replace(stage.workspace, state=WorkspaceState.ACTIVE)
    await stage.app.storage.write(lambda tx: tx.workspaces.save(active))

    comment = await stage.comment("@openhands help")

    assert (await stage.outcome(comment)).decision == "answer"
    await stage.says()
    assert await stage.app.storage.read(kept) == []


async def test_a_new_label_is_heeded_by_the_daemon(stage: Stage) -> None:
    """`workspace update` beside it."""
    async with shell(stage) as commands:
        await commands.workspace_changes.update("acme", WorkspaceUpdate(settings={"mention": ["@helper"]}), by=SHELL)
    await until_known(stage.app, stage.workspace.id, lambda served: served.settings.mention == ("@helper",))

    comment = await stage.comment("@helper help")

    assert (await stage.outcome(comment)).decision == "answer"
    await stage.says()


class Shifted(SystemClock):
    """The machine's time, and how far the play has moved it."""

    moved = timedelta()

    def now(self) -> datetime:
        return super().now() + self.moved


async def test_both_secrets_count_until_the_overlap_ends(jira: Sandbox, tmp_path: Path) -> None:
    """While the daemon runs; then the old one counts no more."""
    clock, log = Shifted(), Log()
    async with open_app(settings_for(tmp_path), log=log, clock=clock) as app, running(app):
        stage = Stage(jira, app, make_repository(tmp_path, "0"), log)
        await stage.set_up(webhook=False)
        async with shell(stage) as commands:
            rotated = await commands.workspace_changes.rotate_secret("acme", by=SHELL, overlap=timedelta(hours=24))
        await until_known(app, stage.workspace.id, lambda served: bool(served.previous_secrets))

        old, new = stage.secret, rotated.webhook_secret
        during = [await post(stage, 1, old), await post(stage, 2, new), await post(stage, 3, "neither-of-both-secrets")]
        clock.moved = timedelta(hours=24, seconds=1)
        after = [await post(stage, 4, old), await post(stage, 5, new)]

        assert during == [200, 200, 403]
        assert after == [403, 200]
        await stage.rest()


async def post(stage: Stage, number: int, secret: str) -> int:
    """Send a delivery that asks nothing, signed with *secret*."""
    base = f"{stage.jira.base_url}/rest/api/2"
    issue = {"id": "77", "key": "DEMO-77", "self": f"{base}/issue/77", "fields": {"summary": "x"}}
    body = json.dumps({"timestamp": number, "webhookEvent": "jira:issue_deleted", "issue": issue}).encode()
    headers = {"X-Hub-Signature": sign(body, secret.encode()), "Content-Type": "application/json"}
    async with (
        aiohttp.ClientSession() as session,
        session.post(stage.events_url, data=body, headers=headers) as response,
    ):
        return response.status


async def test_while_runs_are_paused_a_mention_is_answered_and_its_run_begins_with_resume(stage: Stage) -> None:
    """Deliveries and first answers go on."""
    async with shell(stage) as commands:
        await commands.pauses.pause(workspace="acme", by=SHELL)
        await stage.comment("@openhands fix the greeting")
        first = await stage.says()
        runs = (await stage.whole()).runs
        assert [(run.state.value, run.started_at) for run in runs] == [("waiting", None)]

        await commands.pauses.resume(workspace="acme", by=SHELL)

    await stage.says()
    await stage.rest()
    assert [run.state.value for run in (await stage.whole()).runs] == ["finished"]
    assert first.author is stage.jira.bot


@pytest.mark.stage(settings={"agents": GATED})
async def test_a_deleted_workspace_leaves_nothing_behind_but_what_jira_has(stage: Stage) -> None:
    """Its run is stopped, by the daemon; its events find no workspace any more."""
    await stage.comment("@openhands fix the greeting")
    await stage.says()
    await stage.until_running()
    conversation = await stage.conversation()
    folder = stage.app.settings.data_dir / "conversations" / conversation.id
    assert folder.is_dir()

    async with shell(stage) as commands:
        held, _ = await commands.deletions.delete("acme", by=SHELL)

    assert held.issue_keys == [stage.issue.key]
    assert not folder.exists()
    rows: Any = await stage.app.storage.read(
        lambda tx: [tx.workspaces.list(), tx.conversations.list(), tx.deliveries.list(), tx.users.list_links(None)]
    )
    assert [list(each) for each in rows] == [[], [], [], []]
    with pytest.raises(WorkspaceNotFound):
        await stage.app.directory.get(stage.workspace.id)
    assert await post(stage, 1, stage.secret) == 404
    for _ in stage.jira.unread(stage.issue.key):
        await stage.says()


class Hurried(Shifted):
    """Time that runs: each look at it is half a minute later."""

    def now(self) -> datetime:
        self.moved += timedelta(seconds=30)
        return super().now()


@pytest.fixture
async def left_running(jira: Sandbox, tmp_path: Path) -> AsyncIterator[App]:
    """A workspace with a run that says it goes on, and no daemon that would carry it."""
    async with open_app(settings_for(tmp_path), clock=Hurried()) as app:
        wanted = NewWorkspace(
            name="acme",
            deployment=jira.deployment,
            base_url=jira.base_url,
            email=jira.bot.email,
            api_key=jira.bot.token,
        )
        workspace = (await app.workspaces.create(wanted, by=SHELL)).workspace

        def change(tx: Transaction) -> None:
            tx.conversations.add(conversation("c1", workspace_id=workspace.id, state=State.IN_PROGRESS))
            tx.conversations.add_run(run("r1", workspace_id=workspace.id, state=RunState.RUNNING, owner="gone"))

        await app.storage.write(change)
        yield app


async def test_a_daemon_that_does_not_stop_its_runs_keeps_a_workspace_from_being_deleted(left_running: App) -> None:
    """It is paused, and nothing of it is removed."""
    with left_running.lock, pytest.raises(Unreachable, match="the daemon has not stopped 1 of its runs in 30 s"):
        await left_running.deletions.delete("acme", by=SHELL)

    workspace, _ = await left_running.workspaces.show("acme", by=SHELL)
    assert workspace.state is WorkspaceState.PAUSED
    assert len(await left_running.storage.read(lambda tx: tx.conversations.list())) == 1


async def test_what_a_daemon_that_died_left_running_does_not_keep_a_workspace(left_running: App) -> None:
    """Nobody would ever stop it."""
    await left_running.deletions.delete("acme", by=SHELL)

    assert list(await left_running.workspaces.list(by=SHELL)) == []
    assert list(await left_running.storage.read(lambda tx: tx.conversations.list())) == []
