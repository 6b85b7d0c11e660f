"""Beside other processes: their commits are noticed, their locks are waited for, a killed one has lost nothing."""

import asyncio
import os
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from jirabot.core.ids import DeliveryId
from jirabot.errors import StorageUnavailable
from jirabot.storage.engine import Database
from tests.contract.test_stores.values import delivery
from tests.integration.test_storage.processes import line_of, run, start
from tests.integration.test_storage.test_database import connection_of, ids_in

PATIENCE = 20.0
"""Seconds within which a condition must come true on the slowest machine."""

COMMITS = """
import sqlite3, sys
with sqlite3.connect(sys.argv[1], timeout=20) as connection:
    connection.execute("UPDATE workspaces SET agent = 'another'")
"""

RECORDS = """
import asyncio, itertools, pathlib, sys
from jirabot.storage.engine import Database
from tests.contract.test_stores.values import delivery

async def record(database, issue):
    for number in itertools.count():
        body = bytes(300_000) if number % 10 == 9 else b"{}"
        told = await database.record(delivery(f"{issue}-{number}", issue=issue, body=body))
        print(told.id, flush=True)

async def main():
    database = Database.open(pathlib.Path(sys.argv[1]))
    async with asyncio.TaskGroup() as tasks:
        for issue in "abcdefgh":
            tasks.create_task(record(database, issue))

asyncio.run(main())
"""


async def foreign(database: Database, count: int) -> None:
    """Wait until that many commits of others were noticed."""
    async with asyncio.timeout(PATIENCE):
        while database.foreign_generation() < count:
            await database.changed(database.generation(), within_seconds=PATIENCE)


class TestNews:
    async def test_a_commit_of_another_process_wakes_who_waits(self, database: Database, path: Path):
        async with asyncio.TaskGroup() as tasks:
            watching = tasks.create_task(database.watch())
            await foreign(database, 1)  # the first look counts: what was before it can't be told apart
            await asyncio.to_thread(run, COMMITS, path)
            await foreign(database, 2)
            watching.cancel()
        assert [each.agent for each in await database.read(lambda tx: tx.workspaces.list())] == ["another"] * 2

    async def test_where_others_commit_nothing_nothing_is_noticed(self, database: Database):
        async with asyncio.TaskGroup() as tasks:
            watching = tasks.create_task(database.watch())
            await foreign(database, 1)
            await database.record(delivery("ours"))
            await database.read(lambda tx: tx.workspaces.list())
            seen = database.generation()
            await database.changed(seen, within_seconds=1.0)  # it is looked for more often than that
            watching.cancel()
        assert (database.generation(), database.foreign_generation()) == (seen, 1)


class TestLocks:
    async def test_a_database_that_another_holds_for_too_long_is_told(self, database: Database, path: Path):
        await database.write(lambda tx: connection_of(tx).exec_driver_sql("PRAGMA busy_timeout = 20"))
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(StorageUnavailable, match="the database is held by another process"):
                await database.record(delivery("refused"))
        await database.record(delivery("accepted"))
        assert ids_in(path) == ["accepted"]

    async def test_one_that_another_holds_for_a_moment_is_waited_for(self, database: Database, path: Path):
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            async with asyncio.TaskGroup() as tasks:
                waiting = tasks.create_task(database.record(delivery("patient")))
                await asyncio.sleep(0)
                await database.read(lambda tx: tx.workspaces.list())
                other.execute("COMMIT")
        assert waiting.result().id == "patient"


@pytest.mark.parametrize("acknowledged", [1, 30, 300])
async def test_after_kill_9_all_that_was_acknowledged_is_there_in_order(path: Path, acknowledged):
    with start(RECORDS, path) as process:
        told = [line_of(process) for _ in range(acknowledged)]
        os.kill(process.pid, signal.SIGKILL)
        assert process.stdout is not None
        told.extend(process.stdout.read().split())
    assert len(told) >= acknowledged
    assert "" not in told
    async with Database.open(path) as database:
        found = await database.read(lambda tx: {id_: tx.deliveries.request_of(DeliveryId(id_)) for id_ in told})
        next_due_at = await database.read(lambda tx: tx.deliveries.next_due_at())
    assert [id_ for id_, request in found.items() if request is None] == []
    assert next_due_at is not None
    for issue in "abcdefgh":
        numbers = [int(id_.split("-")[1]) for id_ in ids_in(path) if id_.startswith(issue)]
        assert numbers == list(range(len(numbers)))
