"""Beside a daemon that works `db check` finds nothing, however often it looks."""

import asyncio

import pytest

from jirabot.app import open_app
from jirabot.core.people import SHELL
from jirabot.database import backup_database, restore_database
from jirabot.diagnosis import check_database

from .stage import GATED, Stage

pytestmark = pytest.mark.alike


@pytest.mark.stage(settings={"agents": GATED})
async def test_what_is_on_its_way_is_no_fault(stage: Stage) -> None:
    """Events of all sizes come, an agent works, comments are written."""
    settings = stage.app.settings
    looked = 0

    async def look() -> None:
        nonlocal looked
        while True:
            assert await check_database(settings, by=SHELL) == []
            looked += 1

    async with asyncio.TaskGroup() as tasks:
        looking = tasks.create_task(look())
        await stage.comment("@openhands fix login.py")
        await stage.says()
        await stage.until_running()
        for number in range(10):
            await stage.comment(f"Some words more. {number} " + "x" * (300_000 if number % 2 else 10))
        await stage.let_go()
        assert "I was let go." in (await stage.says()).text
        await stage.rest()
        looking.cancel()
    assert looked > 3


async def test_a_backup_beside_a_daemon_knows_what_was_acknowledged_before(stage: Stage) -> None:
    """And `db check` finds nothing wrong with the daemon's own database afterwards."""
    await stage.comment("@openhands fix login.py")
    await stage.says()
    known = {each.id for each in await stage.deliveries()}

    made = await asyncio.to_thread(backup_database, stage.app.settings, stage.repository.parent / "kept.db", by=SHELL)

    assert made.missing_bodies == 0
    await stage.says()
    await stage.rest()
    assert await check_database(stage.app.settings, by=SHELL) == []
    restored = stage.app.settings.model_copy(update={"data_dir": stage.repository.parent / "other"})
    await asyncio.to_thread(restore_database, restored, made.file, by=SHELL)
    async with open_app(restored) as app:
        assert known <= {each.id for each, _ in await app.deliveries.list(by=SHELL, limit=1000)}
