"""A SQLite file made by the steps, and the database opened on it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from jirabot.storage.engine import Database
from tests.contract.test_stores.values import seed
from tests.templates import copy_database


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """An empty database of this version in a folder of its own."""
    copy_database(tmp_path / "jirabot.db")
    return tmp_path / "jirabot.db"


@pytest.fixture
async def database(path: Path) -> AsyncIterator[Database]:
    """The database opened, holding the two workspaces."""
    async with Database.open(path) as opened:
        await opened.write(seed)
        yield opened
