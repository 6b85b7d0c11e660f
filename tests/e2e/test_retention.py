"""The daemon forgets what is old by itself, and what an event led to stays known."""

import asyncio
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from jirabot.app import open_app
from jirabot.core.people import SHELL
from jirabot.machine import SystemClock
from jirabot.sandbox.server import Sandbox

from .stage import WITHIN_SECONDS, Log, running, staged

pytestmark = pytest.mark.alike


class NextMonth(SystemClock):
    """The machine's time, 31 days on."""

    def now(self) -> datetime:
        return super().now() + timedelta(days=31)


async def test_a_month_later_bodies_and_checkouts_are_gone_and_outcomes_are_not(jira: Sandbox, tmp_path: Path) -> None:
    async with staged(jira, tmp_path) as stage:
        await stage.set_up()
        comment = await stage.comment("@openhands fix login.py")
        await stage.says()
        await stage.says()
        asked = await stage.outcome(comment)
        talk = await stage.conversation()
        await stage.rest()
        settings = stage.app.settings
    folder = settings.data_dir / "conversations" / talk.id
    assert folder.is_dir()

    log = Log()
    async with open_app(settings, log=log, clock=NextMonth()) as app, running(app):
        async with asyncio.timeout(WITHIN_SECONDS):
            while not any(event == "retention.pruned" for event, _ in log.told):
                await app.storage.changed(app.storage.generation(), within_seconds=0.1)
        assert not folder.exists()
        assert await app.storage.read(lambda tx: tx.deliveries.request_of(asked.id)) is None
        kept, _ = await app.deliveries.show(asked.id, by=SHELL)
        assert (kept.state, kept.reason, kept.steps) == (asked.state, asked.reason, asked.steps)
        assert await app.storage.read(lambda tx: tx.conversations.events(talk.id)) == []
    assert log.errors() == []
