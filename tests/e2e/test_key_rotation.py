"""A new master key beside a daemon that runs: it goes on with it, without a restart."""

import asyncio

import pytest

from jirabot.app import open_app
from jirabot.core.people import SHELL

from .stage import WITHIN_SECONDS, Stage


@pytest.mark.parametrize("jira", ["cloud"], indirect=True)
async def test_the_daemon_goes_on_with_a_new_master_key(stage: Stage) -> None:
    """Once it notices, it opens everything with the new key: webhooks prove themselves, and Jira lets it comment."""
    daemon = stage.app.storage
    seen = daemon.foreign_generation()
    async with open_app(stage.app.settings) as shell:
        rotated = await shell.keys.rotate(by=SHELL)
    async with asyncio.timeout(WITHIN_SECONDS):
        while daemon.foreign_generation() == seen:
            await daemon.changed(daemon.generation(), within_seconds=1.0)

    await stage.comment("@openhands fix the greeting")
    first = await stage.says()
    result = await stage.says()

    assert rotated.before.id != rotated.now.id
    assert "I am on it" in first.text
    assert "Done." in result.text
    assert (await stage.app.keys.check(by=SHELL)).key == rotated.now
