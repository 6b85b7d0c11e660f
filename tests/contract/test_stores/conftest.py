"""Every implementation of `Storage`, opened: a later one is one more line of `IMPLEMENTATIONS`."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest

from jirabot.core.ports import Storage
from jirabot.storage.engine import Database
from jirabot.storage.memory import MemoryStorage
from tests.contract.test_stores.values import seed
from tests.templates import copy_database


@asynccontextmanager
async def in_memory(request: pytest.FixtureRequest) -> AsyncIterator[Storage]:
    yield MemoryStorage()


@asynccontextmanager
async def on_sqlite(request: pytest.FixtureRequest) -> AsyncIterator[Storage]:
    path = request.getfixturevalue("tmp_path") / "jirabot.db"
    copy_database(path)
    async with Database.open(path) as database:
        yield database


Opener = Callable[[pytest.FixtureRequest], AbstractAsyncContextManager[Storage]]

IMPLEMENTATIONS = [
    pytest.param(in_memory, id="memory", marks=pytest.mark.fast),
    pytest.param(on_sqlite, id="sqlite"),
]


@pytest.fixture(params=IMPLEMENTATIONS)
async def empty(request: pytest.FixtureRequest) -> AsyncIterator[Storage]:
    """A storage that holds nothing."""
    opener: Opener = request.param
    async with opener(request) as storage:
        yield storage


@pytest.fixture
async def storage(empty: Storage) -> Storage:
    """A storage that holds the two workspaces, and nothing else."""
    await empty.write(seed)
    return empty
