"""SQLite: one thread that owns the one connection that writes, and a few that only read.

Everything that is written goes through the writer's thread in order, each in a transaction of its own; deliveries
that come at the same time share one. Readers see one consistent state each, and never wait for the writer.
"""

import asyncio
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from sqlalchemy import Connection, NullPool, create_engine, event
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from jirabot.core.deliveries import NewDelivery, Recorded
from jirabot.core.ports import Transaction
from jirabot.errors import DatabaseUnusable, StorageUnavailable
from jirabot.storage import inbox, migrations
from jirabot.storage.faults import damaged, disk_full, translate_statements, translated
from jirabot.storage.inbox import Recordable, recordable
from jirabot.storage.spool import Spool
from jirabot.storage.unit_of_work import UnitOfWork

T = TypeVar("T")

LARGEST_BATCH = 256
"""Deliveries in one commit: more make each wait longer than they save."""

LARGEST_BATCH_BYTES = 1024 * 1024
"""Bodies in one commit, for the same reason."""

READERS = 4
"""Connections that read at once: each is a thread, and a read takes a millisecond or less."""

ROWS_AT_ONCE = 64
"""Rows that a reader's thread hands over at a time; aiosqlite's own number."""

READER_WAIT_SECONDS = 30.0
"""How long a read waits for one of them."""

POLL_SECONDS = 0.4
"""How often commits of other processes are looked for: they are promised to be seen within a second."""

LOCK_SECONDS = 5.0
"""How long the writer waits while a command writes beside the daemon, which takes milliseconds."""

REFUSED_LOCK_SECONDS = 0.25
"""How long while it did not get the lock the last time: whoever comes next should not wait behind that."""

LEAST_ROOM_BYTES = 4_000_000
"""With less the disk counts as full: what is written next would soon not fit."""

WRITER_PRAGMAS = (
    "PRAGMA journal_mode = WAL",  # readers and the writer don't wait for each other
    "PRAGMA synchronous = FULL",  # what was acknowledged survives the loss of power; measured as fast as NORMAL
    "PRAGMA foreign_keys = ON",  # SQLite does not check them by itself
    "PRAGMA wal_autocheckpoint = 1000",  # pages; rarer checkpoints were measured to make the p99 worse
)
_PROBE = (
    "INSERT INTO meta (key, value) VALUES ('probe', '1')"
    " ON CONFLICT (key) DO UPDATE SET value = CAST(value AS INTEGER) + 1"
)
"""Always another value, so that a page is written."""

READER_PRAGMAS = (
    "PRAGMA query_only = ON",  # what reads can't write by mistake, and beside the writer
    "PRAGMA busy_timeout = 5000",  # while the log of a killed process is recovered
)


class Database:
    """Fulfils `Storage` on one SQLite file. Closed by `aclose`, or as an async context manager."""

    def __init__(self, path: Path, *, spool: Path | None = None) -> None:
        self._path = path
        self._spool = Spool(spool or path.with_name("spool"))
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="jirabot-writer")
        self._connection: Connection | None = None
        self._readers: Any = None
        self._waiting: list[tuple[Recordable, asyncio.Future[Recorded]]] = []
        self._is_recording = self._is_closed = False
        self._own_commits = self._foreign_commits = 0
        self._data_version: int | None = None
        self._is_refused = False
        self._wake = asyncio.Event()

    @classmethod
    def open(cls, path: Path, *, spool: Path | None = None) -> Self:
        """Open the database at *path*, as it is: nothing is made or changed.

        *spool* is the folder of large bodies, by default `spool` beside the file.

        Raises:
            DatabaseUnusable: it is not there, of another version, damaged or not ours.
            StorageUnavailable: it can't be read.
        """
        revision = migrations.current(path)
        if revision is None:
            raise DatabaseUnusable(f"there is no database at `{path}`", hint="run `jirabot db upgrade` to make it")
        if revision != migrations.HEAD:
            raise DatabaseUnusable(
                f"the database `{path}` is of an earlier version (`{revision}`)", hint="run `jirabot db upgrade`"
            )
        return cls(path, spool=spool)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Finish what was asked for, refuse what comes from now on, and close all connections."""
        if self._is_closed:
            return
        self._is_closed = True
        if self._waiting:
            await asyncio.wait([recorded for _, recorded in self._waiting])
        await asyncio.get_running_loop().run_in_executor(self._writer, self._close_writer)
        self._writer.shutdown(wait=False)
        if self._readers is not None:
            await self._readers.dispose()

    async def read(self, query: Callable[[Transaction], T]) -> T:
        self._check_open()
        with translated(self._path):
            async with self._reader_engine().connect() as connection:
                try:
                    found: T = await connection.run_sync(lambda sync: query(UnitOfWork(sync, self._spool)))
                except DBAPIError:
                    # What it remembers of a file or disk that was out of order may be wrong: another is opened.
                    await connection.invalidate()
                    raise
                return found

    async def probe(self, *, writes: bool = True, thorough: bool = False) -> None:
        self._check_open()
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._writer, self._try_writing, writes)
        if thorough:
            await asyncio.to_thread(_look_through, self._path)

    async def write(self, change: Callable[[Transaction], T]) -> T:
        return await self._on_writer(lambda connection: change(UnitOfWork(connection, self._spool)))

    async def record(self, delivery: NewDelivery) -> Recorded:
        self._check_open()
        if inbox.is_large(delivery):
            row = await asyncio.to_thread(recordable, delivery, self._spool)
            self._check_open()
        else:
            row = recordable(delivery, self._spool)
        loop = asyncio.get_running_loop()
        recorded: asyncio.Future[Recorded] = loop.create_future()
        self._waiting.append((row, recorded))
        if not self._is_recording:
            self._is_recording = True
            # After this turn of the loop, so that the other requests of the same turn share the commit.
            loop.call_soon(self._hand_over)
        try:
            return await recorded
        except (StorageUnavailable, DatabaseUnusable):
            await self._give_up(row)
            raise

    async def _give_up(self, row: Recordable) -> None:
        """Remove the file of a body that no row names: on a full disk it would be in the way; Jira sends it again."""
        name = row.spool
        if name is not None:
            with suppress(StorageUnavailable, DatabaseUnusable):
                if not await self.read(lambda tx: tx.retention.named_files([name])):
                    self._spool.forget(name)

    async def changed(self, seen: int, *, within_seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(within_seconds):
                while self.generation() == seen:
                    await self._wake.wait()

    def generation(self) -> int:
        return self._own_commits + self._foreign_commits

    def foreign_generation(self) -> int:
        return self._foreign_commits

    async def watch(self) -> None:
        """Notice the commits of other processes. Runs until cancelled; without it only our own are noticed."""
        loop = asyncio.get_running_loop()
        while True:
            # A disk that refuses is told to whoever reads or writes; here it only means that nothing is seen.
            with suppress(StorageUnavailable, DatabaseUnusable):
                self._check_open()
                version = await loop.run_in_executor(self._writer, self._read_data_version)
                # The first look counts as a change: what was committed before it can't be told apart.
                if version != self._data_version:
                    self._data_version = version
                    self._foreign_commits += 1
                    self._wake_all()
            await asyncio.sleep(POLL_SECONDS)

    def _reader_engine(self) -> Any:
        if self._readers is None:
            self._readers = _reader_engine(self._path)
        return self._readers

    def _check_open(self) -> None:
        if self._is_closed:
            raise StorageUnavailable("the database is closed", hint="try again when jirabot runs again")

    async def _on_writer(self, work: Callable[[Connection], T]) -> T:
        self._check_open()
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._writer, self._transact, work, loop)

    def _hand_over(self) -> None:
        """Give the writer what has gathered; what comes while it commits gathers for the next time."""
        count = size = 0
        for row, _ in self._waiting:
            if count == LARGEST_BATCH or (count and size + row.size_bytes > LARGEST_BATCH_BYTES):
                break
            count, size = count + 1, size + row.size_bytes
        batch, self._waiting = self._waiting[:count], self._waiting[count:]
        rows = [row for row, _ in batch]
        work = partial(inbox.record, batch=rows, spool=self._spool)
        loop = asyncio.get_running_loop()
        committed = loop.run_in_executor(self._writer, self._transact, work, loop)
        committed.add_done_callback(partial(self._settle, [future for _, future in batch]))

    def _settle(
        self, waiting: Sequence[asyncio.Future[Recorded]], committed: asyncio.Future[Sequence[Recorded]]
    ) -> None:
        """Tell everybody of a batch at once, and begin the next."""
        error = committed.exception()
        answers = [None] * len(waiting) if error else committed.result()
        for future, answer in zip(waiting, answers, strict=True):
            if future.done():
                continue
            if answer is None:
                future.set_exception(error or AssertionError)
            else:
                future.set_result(answer)
        self._is_recording = bool(self._waiting)
        if self._waiting:
            self._hand_over()

    def _transact(self, work: Callable[[Connection], T], loop: asyncio.AbstractEventLoop) -> T:
        """In the writer's thread: do *work* in one transaction, and tell the loop if it changed anything."""
        with self._usable() as connection:
            driver = _driver(connection)
            changes = driver.total_changes
            try:
                with connection.begin():
                    value = work(connection)
            except BaseException:
                # A COMMIT that is refused leaves its transaction open, which SQLAlchemy takes for ended.
                driver.rollback()
                raise
            if driver.total_changes != changes:
                self._own_commits += 1
                loop.call_soon_threadsafe(self._wake_all)
            return value

    @contextmanager
    def _usable(self) -> Iterator[Connection]:
        """Give the connection that writes; one on which the file or disk was out of order is not used again."""
        try:
            with translated(self._path):
                connection = self._writing()
                yield connection
                if self._is_refused:
                    self._is_refused = False
                    _wait_for_lock(_driver(connection), LOCK_SECONDS)
        except (StorageUnavailable, DatabaseUnusable):
            self._is_refused = True
            self._close_writer()
            raise

    def _try_writing(self, writes: bool) -> None:
        """Write something, durably, where there is room for more; or only lock. Nobody is told that it changed."""
        with self._usable() as connection:
            if shutil.disk_usage(self._path.parent).free < LEAST_ROOM_BYTES:
                raise disk_full(self._path)
            with connection.begin():
                if writes:
                    connection.exec_driver_sql(_PROBE)

    def _writing(self) -> Connection:
        if self._connection is None:
            seconds = REFUSED_LOCK_SECONDS if self._is_refused else LOCK_SECONDS
            self._connection = _writer_connection(self._path, lock_seconds=seconds)
        return self._connection

    def _read_data_version(self) -> int:
        # SQLite counts here only what other connections have committed; our readers commit nothing.
        with translated(self._path):
            version: int = _driver(self._writing()).execute("PRAGMA data_version").fetchone()[0]
            return version

    def _close_writer(self) -> None:
        if self._connection is not None:
            connection, self._connection = self._connection, None
            # Another connection counts the commits of others from another number.
            self._data_version = None
            with suppress(SQLAlchemyError, sqlite3.Error):
                connection.close()
            connection.engine.dispose()

    def _wake_all(self) -> None:
        woken, self._wake = self._wake, asyncio.Event()
        woken.set()


def _look_through(path: Path) -> None:
    """Read all of the file, on a connection of its own.

    Raises:
        DatabaseUnusable: it is damaged.
        StorageUnavailable: it can't be read.
    """
    with translated(path), closing(_reading_driver(path)) as driver:
        if driver.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
            raise damaged(path)


def _address(path: Path) -> str:
    # mode=rw: a file that is not there is an error, not a new and empty database.
    return f"{path.absolute().as_uri()}?mode=rw"


def _driver(connection: Connection) -> sqlite3.Connection:
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    return driver


def _wait_for_lock(driver: sqlite3.Connection, seconds: float) -> None:
    driver.execute(f"PRAGMA busy_timeout = {round(seconds * 1000)}")


def _writer_connection(path: Path, *, lock_seconds: float) -> Connection:
    def connect() -> sqlite3.Connection:
        driver = sqlite3.connect(_address(path), uri=True, isolation_level=None, cached_statements=2 * LARGEST_BATCH)
        _wait_for_lock(driver, lock_seconds)
        for pragma in WRITER_PRAGMAS:
            driver.execute(pragma)
        return driver

    engine = create_engine("sqlite://", creator=connect, poolclass=NullPool, hide_parameters=True)
    translate_statements(engine, path)

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # The lock first: a transaction that reads, then writes, can't be refused half-way.
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine.connect()


def _reading_driver(path: Path) -> sqlite3.Connection:
    # Used by one thread at a time, but not by the one that opens it.
    driver = sqlite3.connect(_address(path), uri=True, isolation_level=None, check_same_thread=False)
    for pragma in READER_PRAGMAS:
        driver.execute(pragma)
    return driver


def _reader_engine(path: Path) -> Any:
    # A command that only writes spares itself these imports.
    import aiosqlite
    from sqlalchemy.ext.asyncio import create_async_engine
    from sqlalchemy.pool import AsyncAdaptedQueuePool

    async def connect() -> aiosqlite.Connection:
        # Opened before aiosqlite has it: the thread of a connection that it can't open may outlive the loop, and then
        # dies with a traceback.
        driver = await asyncio.to_thread(_reading_driver, path)
        connection = aiosqlite.Connection(lambda: driver, iter_chunk_size=ROWS_AT_ONCE)
        try:
            return await connection
        except BaseException:
            # Cancelled on the way, as by a signal at the start: its thread would keep the process alive for ever.
            connection.stop()
            raise

    engine = create_async_engine(
        "sqlite+aiosqlite://",
        async_creator=connect,
        poolclass=AsyncAdaptedQueuePool,
        pool_size=READERS,
        max_overflow=0,
        pool_timeout=READER_WAIT_SECONDS,
        hide_parameters=True,
    )

    @event.listens_for(engine.sync_engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN")

    return engine
