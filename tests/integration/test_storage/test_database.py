"""The one writer of SQLite: commits that are shared, transactions that end, and an end that loses nothing."""

import asyncio
import sqlite3
import threading
import traceback
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from jirabot.core.deliveries import Recorded
from jirabot.core.ids import DeliveryId, WorkspaceId
from jirabot.core.ports import Transaction
from jirabot.errors import Conflict, JirabotError, StorageUnavailable
from jirabot.storage import engine
from jirabot.storage.engine import Database
from jirabot.storage.inbox import record, recordable
from jirabot.storage.spool import LARGEST_IN_ROW_BYTES, Spool
from jirabot.storage.workspaces import Workspaces
from tests.contract.test_stores.values import (
    WS,
    conversation,
    delivery,
    effect,
    message,
    rejection,
    repository,
    workspace,
)

PROMPT = 10.0
"""Seconds within which everything here is long done: who hangs fails."""

PERSON = "ada@example.org"


def connection_of(tx: Transaction) -> Connection:
    """The connection that a transaction is open on."""
    assert isinstance(tx.workspaces, Workspaces)
    return tx.workspaces._connection


def ids_in(path: Path) -> list[str]:
    """The deliveries that another connection sees, in order."""
    with closing(sqlite3.connect(path)) as other:
        return [id_ for (id_,) in other.execute("SELECT id FROM deliveries ORDER BY no")]


def names(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


class TestGroupCommit:
    async def test_deliveries_of_one_turn_share_a_commit(self, database: Database, path: Path):
        before = database.generation()
        await asyncio.gather(*(database.record(delivery(str(number))) for number in range(200)))
        assert database.generation() == before + 1
        assert ids_in(path) == [str(number) for number in range(200)]

    async def test_no_commit_has_more_than_256(self, database: Database, path: Path):
        before = database.generation()
        await asyncio.gather(*(database.record(delivery(str(number))) for number in range(600)))
        assert database.generation() == before + 3
        assert len(ids_in(path)) == 600

    async def test_no_commit_has_more_than_a_megabyte(self, database: Database, path: Path):
        before, body = database.generation(), bytes(200_000)
        await asyncio.gather(*(database.record(delivery(str(number), body=body)) for number in range(20)))
        assert database.generation() == before + 4
        assert len(ids_in(path)) == 20

    async def test_what_comes_while_a_commit_goes_on_gathers_for_the_next(self, database: Database):
        async def come_one_turn_later(number: int) -> Recorded:
            for _ in range(number):
                await asyncio.sleep(0)
            return await database.record(delivery(str(number)))

        before = database.generation()
        told = await asyncio.gather(*(come_one_turn_later(number) for number in range(100)))
        assert [each.id for each in told] == [str(number) for number in range(100)]
        assert 1 <= database.generation() - before <= 50

    async def test_one_who_gives_up_waiting_does_not_disturb_the_others(self, database: Database, path: Path):
        async with asyncio.timeout(PROMPT), asyncio.TaskGroup() as tasks:
            tasks.create_task(database.record(delivery("a")))
            impatient = tasks.create_task(database.record(delivery("b")))
            tasks.create_task(database.record(delivery("c")))
            await asyncio.sleep(0)
            impatient.cancel()
        assert {"a", "c"} <= set(ids_in(path))

    async def test_it_waits_for_one_transaction_and_not_for_those_behind(self, database: Database):
        began, go = threading.Event(), threading.Event()

        def long(tx: Transaction) -> None:
            began.set()
            go.wait(PROMPT)

        def look(tx: Transaction) -> bool:
            return tx.deliveries.find(DeliveryId("a")) is not None

        async with asyncio.timeout(PROMPT), asyncio.TaskGroup() as tasks:
            tasks.create_task(database.write(long))
            await asyncio.to_thread(began.wait, PROMPT)
            behind = [tasks.create_task(database.write(look)) for _ in range(3)]
            await asyncio.sleep(0)
            tasks.create_task(database.record(delivery("a")))
            for _ in range(3):  # it is handed over after the turn in which it came
                await asyncio.sleep(0)
            go.set()
        assert [each.result() for each in behind] == [True] * 3

    async def test_a_copy_of_what_another_process_removes_meanwhile_is_told_as_one(
        self, database: Database, path: Path
    ):
        """What tells that it is a copy and what finds the first are two looks."""

        class Meddled(sqlite3.Connection):
            def execute(self, text: str, *given: Any) -> sqlite3.Cursor:
                if text.startswith("SELECT id FROM deliveries WHERE workspace_id"):
                    super().execute("DELETE FROM deliveries")
                return super().execute(text, *given)

        await database.record(delivery("a"))
        spool = Spool(path.with_name("spool"))
        body = bytes(LARGEST_IN_ROW_BYTES + 1)
        with closing(sqlite3.connect(path, factory=Meddled, isolation_level=None)) as driver:
            copy = recordable(delivery("b", fingerprint=delivery("a").fingerprint, body=body), spool)
            assert record(driver, [copy], spool) == [Recorded(DeliveryId("b"), duplicate=True)]
        assert names(path.with_name("spool")) == []

    async def test_more_than_a_statement_takes_are_recorded_in_order(self, database: Database, path: Path):
        def change(tx: Transaction) -> None:
            driver = connection_of(tx).connection.driver_connection
            assert isinstance(driver, sqlite3.Connection)
            # What SQLite is built with elsewhere; here it may be built with more.
            driver.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, 32_766)
            tx.deliveries.record([delivery(str(number)) for number in range(2000)])

        await database.write(change)
        assert ids_in(path) == [str(number) for number in range(2000)]

    async def test_one_that_cannot_be_recorded_is_told_and_the_next_is_recorded(self, database: Database, path: Path):
        await database.record(delivery("a"))
        with pytest.raises(Conflict):
            await database.record(delivery("a", fingerprint="another"))
        await database.record(delivery("b"))
        assert ids_in(path) == ["a", "b"]


class TestTransactions:
    async def test_what_belongs_to_nothing_is_refused_at_the_commit(self, database: Database):
        with pytest.raises(Conflict, match="what this belongs to is no longer there"):
            await database.write(lambda tx: tx.conversations.add(conversation(workspace_id=WorkspaceId("nowhere"))))
        assert await database.read(lambda tx: tx.conversations.list()) == []

    async def test_a_commit_that_is_refused_leaves_the_next_change_free(self, database: Database, path: Path):
        with pytest.raises(Conflict):
            await database.write(lambda tx: tx.conversations.add_message(message(of="nowhere")))
        await database.record(delivery("next"))
        assert ids_in(path) == ["next"]

    async def test_what_belongs_to_another_may_be_written_before_it(self, database: Database):
        def change(tx: Transaction) -> None:
            tx.conversations.add_message(message())
            tx.conversations.add(conversation())

        await database.write(change)
        assert [each.id for each in await database.read(lambda tx: tx.conversations.list())] == ["c1"]

    async def test_a_read_sees_one_state_while_another_process_commits(self, database: Database, path: Path):
        await database.write(lambda tx: tx.outbox.owe([effect()]))

        def query(tx: Transaction) -> tuple[object, object]:
            before = tx.outbox.find(effect().id)
            with closing(sqlite3.connect(path)) as other, other:
                other.execute("DELETE FROM outbox")
            return before, tx.outbox.find(effect().id)

        assert await database.read(query) == (effect(), effect())
        assert await database.read(lambda tx: tx.outbox.find(effect().id)) is None

    async def test_a_read_does_not_wait_for_a_writer(self, database: Database, path: Path):
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            async with asyncio.timeout(PROMPT / 4):
                assert len(await database.read(lambda tx: tx.workspaces.list())) == 2

    async def test_a_read_cannot_write(self, database: Database):
        with pytest.raises(StorageUnavailable, match="the database can't be written"):
            await database.read(lambda tx: tx.workspaces.add(workspace("third")))
        assert len(await database.read(lambda tx: tx.workspaces.list())) == 2

    async def test_more_readers_than_connections_are_answered(self, database: Database):
        async with asyncio.timeout(PROMPT):
            found = await asyncio.gather(*(database.read(lambda tx: len(tx.workspaces.list())) for _ in range(50)))
        assert found == [2] * 50

    @pytest.mark.parametrize(
        ("way", "row"),
        [
            pytest.param("write", workspace(name=PERSON), id="that is refused"),
            pytest.param("read", workspace("third", name=PERSON), id="that a read would write"),
            pytest.param(
                "write",
                workspace("third", name=PERSON, created_at=datetime(2026, 11, 24)),  # noqa: DTZ001
                id="that no column takes",
            ),
        ],
    )
    async def test_an_error_tells_nothing_of_a_row(self, database: Database, way, row):
        transact = database.write if way == "write" else database.read
        with pytest.raises(JirabotError) as told:
            await transact(lambda tx: tx.workspaces.add(row))
        assert PERSON not in "".join([told.value.hint, *traceback.format_exception(told.value)])

    async def test_rejections_beyond_the_last_50_take_no_room(self, database: Database, path: Path):
        await database.write(lambda tx: tx.rejections.add([rejection(str(number)) for number in range(60)]))
        with closing(sqlite3.connect(path)) as other:
            assert other.execute("SELECT min(cause), count(*) FROM rejections").fetchone() == ("10", 50)

    async def test_what_was_acknowledged_survives_a_loss_of_power(self, database: Database):
        pragmas = ("synchronous", "journal_mode", "foreign_keys")
        found = await database.write(
            lambda tx: [connection_of(tx).exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in pragmas]
        )
        assert found == [2, "wal", 1]  # 2 is FULL


@asynccontextmanager
async def gathering(
    database: Database, first: Callable[[Transaction], object] = lambda tx: None
) -> AsyncIterator[asyncio.TaskGroup]:
    """Let what is written by tasks of the context gather behind a change, which ends with *first*."""
    began, go = threading.Event(), threading.Event()

    def change(tx: Transaction) -> None:
        began.set()
        go.wait(PROMPT)
        first(tx)

    async with asyncio.timeout(PROMPT), asyncio.TaskGroup() as tasks:
        tasks.create_task(told(database, change))
        await asyncio.to_thread(began.wait, PROMPT)
        yield tasks
        await asyncio.sleep(0)
        go.set()


async def told(database: Database, change: Callable[[Transaction], object]) -> str:
    """Write, and give the name of what is raised; empty where it stands."""
    try:
        await database.write(change)
    except (JirabotError, LookupError, RuntimeError) as error:
        return type(error).__name__
    return ""


def adding(name: str) -> Callable[[Transaction], None]:
    return lambda tx: tx.repositories.add(repository(name))


async def added(database: Database) -> set[str]:
    return {each.name for each in await database.read(lambda tx: tx.repositories.list(WS))}


def given_up(tx: Transaction) -> None:
    tx.repositories.add(repository("given-up"))
    raise LookupError("on purpose")


def exhausted(tx: Transaction) -> None:
    tx.repositories.add(repository("exhausted"))
    next(iter(()))


def taken(tx: Transaction) -> None:
    tx.repositories.add(repository("taken"))
    tx.workspaces.add(workspace())


def orphaned(tx: Transaction) -> None:
    tx.repositories.add(repository("orphaned"))
    tx.conversations.add_message(message(of="nowhere"))


def unfit(tx: Transaction) -> None:
    tx.repositories.add(repository("unfit"))
    tx.workspaces.add(workspace("third", created_at=datetime(2026, 11, 24)))  # noqa: DTZ001 - no column takes it


BAD = [
    pytest.param(given_up, "LookupError", id="that raises"),
    pytest.param(exhausted, "RuntimeError", id="that raises what no future takes"),
    pytest.param(taken, "WorkspaceExists", id="that a constraint refuses"),
    pytest.param(orphaned, "Conflict", id="that the commit refuses"),
    pytest.param(unfit, "StorageUnavailable", id="that the driver refuses"),
]


class TestSharedTransactions:
    async def test_changes_that_come_at_the_same_time_share_a_commit(self, database: Database):
        before, names = database.generation(), [f"r{number}" for number in range(15)]
        async with gathering(database) as tasks:
            for name in names:
                tasks.create_task(database.write(adding(name)))
        assert database.generation() == before + 1
        assert await added(database) == set(names)

    async def test_no_commit_has_more_than_16(self, database: Database):
        before, names = database.generation(), [f"r{number}" for number in range(80)]
        async with gathering(database) as tasks:
            for name in names:
                tasks.create_task(database.write(adding(name)))
        assert database.generation() == before + 6
        assert await added(database) == set(names)

    @pytest.mark.parametrize(("bad", "error"), BAD)
    async def test_one_among_others_leaves_nothing_and_the_others_stand(self, database: Database, bad, error):
        async with gathering(database) as tasks:
            made = [tasks.create_task(told(database, each)) for each in (adding("before"), bad, adding("after"))]
        assert [each.result() for each in made] == ["", error, ""]
        assert await added(database) == {"before", "after"}

    @pytest.mark.parametrize(("bad", "error"), BAD)
    async def test_one_before_others_leaves_nothing_and_the_others_stand(self, database: Database, bad, error):
        async with gathering(database, first=bad) as tasks:
            made = [tasks.create_task(told(database, adding(name))) for name in ("one", "another")]
        assert [each.result() for each in made] == ["", ""]
        assert await added(database) == {"one", "another"}

    async def test_one_whom_nobody_waits_for_any_more_is_not_begun(self, database: Database):
        async with gathering(database) as tasks:
            impatient = tasks.create_task(database.write(adding("impatient")))
            tasks.create_task(database.write(adding("patient")))
            await asyncio.sleep(0)
            impatient.cancel()
        assert await added(database) == {"patient"}

    async def test_a_webhook_waits_for_none_that_has_not_begun(self, database: Database):
        def look(tx: Transaction) -> bool:
            return tx.deliveries.find(DeliveryId("a")) is not None

        async with gathering(database) as tasks:
            behind = [tasks.create_task(database.write(look)) for _ in range(10)]
            tasks.create_task(database.record(delivery("a")))
            for _ in range(3):  # it is handed over after the turn in which it came
                await asyncio.sleep(0)
        assert [each.result() for each in behind] == [True] * 10

    async def test_while_another_process_has_the_lock_each_is_told(
        self, database: Database, path: Path, monkeypatch: pytest.MonkeyPatch
    ):
        for name in ("LOCK_SECONDS", "REFUSED_LOCK_SECONDS"):
            monkeypatch.setattr(engine, name, 0.01)
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            async with asyncio.timeout(PROMPT):
                found = await asyncio.gather(*(told(database, adding(str(number))) for number in range(5)))
        assert found == ["StorageUnavailable"] * 5
        await database.write(adding("later"))
        assert await added(database) == {"later"}


class TestClosing:
    async def test_what_was_written_before_it_is_written(self, database: Database, path: Path):
        expected = [f"r{number}" for number in range(80)]
        async with gathering(database) as tasks:
            for name in expected:
                tasks.create_task(database.write(adding(name)))
            await asyncio.sleep(0)
            tasks.create_task(database.aclose())
        assert names(path.parent) == ["jirabot.db"]
        async with Database.open(path) as again:
            assert await added(again) == set(expected)

    async def test_what_was_recorded_before_it_is_recorded(self, path: Path):
        database = Database.open(path)
        async with asyncio.timeout(PROMPT), asyncio.TaskGroup() as tasks:
            waiting = [tasks.create_task(database.record(delivery(str(number)))) for number in range(600)]
            await asyncio.sleep(0)
            await database.aclose()
        assert [each.result().id for each in waiting] == [str(number) for number in range(600)]
        assert len(ids_in(path)) == 600

    @pytest.mark.parametrize("use", ["read", "write", "record", "record a large one"])
    async def test_after_it_everything_is_refused(self, path: Path, use):
        database = Database.open(path)
        await database.record(delivery("before"))
        await database.aclose()
        uses = {
            "read": lambda: database.read(lambda tx: tx.workspaces.list()),
            "write": lambda: database.write(lambda tx: tx.workspaces.add(workspace())),
            "record": lambda: database.record(delivery("after")),
            "record a large one": lambda: database.record(delivery("after", body=bytes(300_000))),
        }
        async with asyncio.timeout(PROMPT):
            with pytest.raises(StorageUnavailable, match="the database is closed"):
                await uses[use]()
        assert ids_in(path) == ["before"]
        assert names(path.parent) == ["jirabot.db"]

    async def test_who_watches_is_not_disturbed_by_it(self, path: Path):
        database = Database.open(path)
        await database.aclose()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await database.watch()

    async def test_a_second_time_it_does_nothing(self, path: Path):
        database = Database.open(path)
        await database.write(lambda tx: tx.workspaces.add(workspace()))
        await database.aclose()
        await database.aclose()

    async def test_one_file_is_left(self, path: Path):
        async with Database.open(path) as database:
            await database.record(delivery())
            assert len(await database.read(lambda tx: tx.deliveries.list())) == 1
        assert names(path.parent) == ["jirabot.db"]

    async def test_what_was_written_is_there_when_it_is_opened_again(self, path: Path):
        async with Database.open(path) as database:
            await database.record(delivery(body=b"to the byte"))
        async with Database.open(path) as database:
            found = await database.read(lambda tx: tx.deliveries.request_of(DeliveryId("d1")))
        assert found is not None
        assert found.body == b"to the byte"
