"""A SQLite file made by the steps, and the database opened on it."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from jirabot.storage import migrations
from jirabot.storage.engine import Database
from tests.contract.test_stores.values import seed


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file that the steps have made: they are taken once, the file is copied."""
    path = tmp_path_factory.mktemp("migrated") / "jirabot.db"
    migrations.upgrade(path)
    return path


@pytest.fixture
def path(migrated: Path, tmp_path: Path) -> Path:
    """An empty database of this version in a folder of its own."""
    return Path(shutil.copy(migrated, tmp_path / "jirabot.db"))


@pytest.fixture
async def database(path: Path) -> AsyncIterator[Database]:
    """The database opened, holding the two workspaces."""
    async with Database.open(path) as opened:
        await opened.write(seed)
        yield opened
