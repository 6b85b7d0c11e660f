"""SQLite: one thread that owns the one connection that writes, and a few that only read.

Everything that is written goes through the writer's thread. What comes at the same time shares a commit: deliveries one
statement, which goes sooner, and changes one transaction. Readers see one consistent state each, and never wait for the
writer.
"""

import asyncio
import shutil
import sqlite3
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from functools import partial
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from jirabot.core.deliveries import NewDelivery, Recorded
from jirabot.core.ports import Transaction
from jirabot.errors import DatabaseMissing, DatabaseOfOtherVersion, DatabaseUnusable, StorageUnavailable
from jirabot.storage import connections, inbox, migrations
from jirabot.storage.changes import Change, Outcome, carry_out
from jirabot.storage.connections import driver_of, wait_for_lock
from jirabot.storage.faults import damaged, disk_full, translated
from jirabot.storage.inbox import Recordable, recordable
from jirabot.storage.spool import Spool
from jirabot.storage.threads import Threads, settle
from jirabot.storage.unit_of_work import UnitOfWork

T = TypeVar("T")

LARGEST_BATCH = 256
"""Deliveries in one commit: more make each wait longer than they save."""

LARGEST_BATCH_BYTES = 1024 * 1024
"""Bodies in one commit, for the same reason."""

MOST_CHANGES = 16
"""Changes in one commit: a webhook that comes meanwhile waits for the one that is being carried out, and the commit."""

READERS = 4
"""Connections that read at once: each is a thread, and a read takes a millisecond or less."""

POLL_SECONDS = 0.4
"""How often commits of other processes are looked for: they are promised to be seen within a second."""

LOCK_SECONDS = 5.0
"""How long the writer waits while a command writes beside the daemon, which takes milliseconds."""

REFUSED_LOCK_SECONDS = 0.25
"""How long while it did not get the lock the last time: whoever comes next should not wait behind that."""

LEAST_ROOM_BYTES = 4_000_000
"""With less the disk counts as full: what is written next would soon not fit."""

_PROBE = (
    "INSERT INTO meta (key, value) VALUES ('probe', '1')"
    " ON CONFLICT (key) DO UPDATE SET value = CAST(value AS INTEGER) + 1"
)
"""Always another value, so that a page is written."""


class Database:
    """Fulfils `Storage` on one SQLite file. Closed by `aclose`, or as an async context manager."""

    def __init__(self, path: Path, *, spool: Path | None = None) -> None:
        self._path = path
        self._spool = Spool(spool or path.with_name("spool"))
        self._writer = Threads(1, name="jirabot-writer", done=self._notice)
        self._readers = Threads(READERS, name="jirabot-reader")
        self._reader = connections.readers(path)
        self._connection: Connection | None = None
        self._reading: list[Connection] = []
        self._waiting: list[tuple[Recordable, asyncio.Future[Recorded]]] = []
        self._changes: deque[Change] = deque()
        self._carried: asyncio.Future[Sequence[Outcome]] | None = None
        self._is_recording = self._is_closed = False
        self._own_commits = self._foreign_commits = self._noticed_commits = 0
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
            raise DatabaseMissing(f"there is no database at `{path}`", hint="run `jirabot db upgrade` to make it")
        if revision != migrations.HEAD:
            raise DatabaseOfOtherVersion(
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
        while self._carried is not None:
            await asyncio.wait([self._carried])
        await self._readers.aclose()
        while self._reading:
            _close(self._reading.pop())
        await self._writer.do(self._close_writer)
        await self._writer.aclose()

    async def read(self, query: Callable[[Transaction], T]) -> T:
        self._check_open()
        return await self._readers.do(partial(self._query, query))

    async def probe(self, *, writes: bool = True, thorough: bool = False) -> None:
        self._check_open()
        await self._writer.do(partial(self._try_writing, writes))
        if thorough:
            await asyncio.to_thread(_look_through, self._path)

    async def write(self, change: Callable[[Transaction], T]) -> T:
        self._check_open()
        written: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._changes.append(Change(change, written))
        if self._carried is None:
            self._carry_next()
        return await written

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

    async def sweep(self) -> bool:
        self._check_open()
        return await self._writer.do(self._rebuild)

    def size_bytes(self) -> int:
        return self._path.stat().st_size

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
        while True:
            # A disk that refuses is told to whoever reads or writes; here it only means that nothing is seen.
            with suppress(StorageUnavailable, DatabaseUnusable):
                self._check_open()
                version = await self._writer.do(self._read_data_version)
                # The first look counts as a change: what was committed before it can't be told apart.
                if version != self._data_version:
                    self._data_version = version
                    self._foreign_commits += 1
                    self._wake_all()
            await asyncio.sleep(POLL_SECONDS)

    def _check_open(self) -> None:
        if self._is_closed:
            raise StorageUnavailable("the database is closed", hint="try again when jirabot runs again")

    def _hand_over(self) -> None:
        """Give the writer what has gathered; what comes while it commits gathers for the next time."""
        count = size = 0
        for row, _ in self._waiting:
            if count == LARGEST_BATCH or (count and size + row.size_bytes > LARGEST_BATCH_BYTES):
                break
            count, size = count + 1, size + row.size_bytes
        batch, self._waiting = self._waiting[:count], self._waiting[count:]
        # Before what is written behind the door, in turn with it: each batch waits for one transaction at most.
        committed = self._writer.do(partial(self._record, [row for row, _ in batch]), urgent=True)
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

    def _carry_next(self) -> None:
        """Have the writer carry out the changes that wait, and those that come while it does."""
        self._carried = self._writer.do(self._carry_out)
        self._carried.add_done_callback(self._tell)

    def _tell(self, carried: asyncio.Future[Sequence[Outcome]]) -> None:
        """Tell everybody whose change was carried out, and begin the next."""
        self._carried = None
        for outcome in carried.result():
            settle(outcome.change.written, outcome.result, outcome.error)
        if self._changes:
            self._carry_next()

    def _query(self, query: Callable[[Transaction], T]) -> T:
        """In a reader's thread: answer *query* from one state."""
        with translated(self._path):
            try:
                # Not looked for first: another thread may take the last one meanwhile.
                connection = self._reading.pop()
            except IndexError:
                connection = self._reader.connect()
            try:
                with connection.begin():
                    return query(UnitOfWork(connection, self._spool))
            except (SQLAlchemyError, StorageUnavailable, DatabaseUnusable):
                # What it remembers of a file or disk that was out of order may be wrong: another is opened.
                connection.invalidate()
                raise
            finally:
                self._reading.append(connection)

    def _carry_out(self) -> Sequence[Outcome]:
        """In the writer's thread: carry out what waits in one transaction; where that can't be, each in its own."""
        taken: list[Change] = []
        changes = self._take(taken)
        # The first before the transaction: where none can begin it is told so, or it would wait for ever.
        first = next(changes, None)
        if first is None:
            return []
        try:
            return self._transact(chain([first], changes))
        except BaseException as error:  # noqa: BLE001 - it is raised where the change is waited for
            if len(taken) == 1:
                return [Outcome(first, error=error)]
        # All of it is rolled back: whichever the database has refused takes none of the others down.
        return [self._carry_out_alone(change) for change in taken]

    def _carry_out_alone(self, change: Change) -> Outcome:
        try:
            (outcome,) = self._transact([change])
        except BaseException as error:  # noqa: BLE001 - it is raised where the change is waited for
            return Outcome(change, error=error)
        return outcome

    def _take(self, taken: list[Change]) -> Iterator[Change]:
        """Take one change that waits, and more while no webhook does; *taken* holds them. In the writer's thread."""
        while self._changes and len(taken) < MOST_CHANGES and not (taken and self._writer.is_pressed):
            change = self._changes.popleft()
            if not change.written.cancelled():
                taken.append(change)
                yield change

    def _transact(self, changes: Iterable[Change]) -> Sequence[Outcome]:
        """In the writer's thread: carry out *changes* in one transaction."""
        with self._usable() as connection, self._counted(driver_of(connection)) as driver:
            try:
                with connection.begin():
                    return list(carry_out(connection, changes, self._spool))
            except BaseException:
                # A COMMIT that is refused leaves its transaction open, which SQLAlchemy takes for ended.
                driver.rollback()
                raise

    def _record(self, batch: Sequence[Recordable]) -> Sequence[Recorded]:
        """In the writer's thread: record a batch by one statement, which is its own transaction.

        On the driver itself, and no more than that: the driver gives the interpreter's lock back for each step of each
        statement, and has to wait for it again, for as long as the loop does not let it go. What SQLAlchemy does would
        hold the lock for longer than SQLite takes, and meanwhile no webhook is answered.
        """
        with self._usable() as connection, self._counted(driver_of(connection)) as driver:
            return inbox.record(driver, batch, self._spool)

    @contextmanager
    def _counted(self, driver: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
        """Count a commit, if it changed anything."""
        changes = driver.total_changes
        yield driver
        if driver.total_changes != changes:
            self._own_commits += 1

    def _notice(self) -> None:
        """In the loop: wake those who wait for a commit, if there was one."""
        if self._own_commits != self._noticed_commits:
            self._noticed_commits = self._own_commits
            self._wake_all()

    @contextmanager
    def _usable(self) -> Iterator[Connection]:
        """Give the connection that writes; one on which the file or disk was out of order is not used again."""
        try:
            with translated(self._path):
                connection = self._writing()
                yield connection
                if self._is_refused:
                    self._is_refused = False
                    wait_for_lock(driver_of(connection), LOCK_SECONDS)
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

    def _rebuild(self) -> bool:
        """Write every page anew, and empty the log: what was removed stands in the free parts of both."""
        with self._usable() as connection:
            driver = driver_of(connection)
            driver.execute("VACUUM")
            is_busy: int = driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
            return not is_busy

    def _writing(self) -> Connection:
        if self._connection is None:
            seconds = REFUSED_LOCK_SECONDS if self._is_refused else LOCK_SECONDS
            self._connection = connections.writer(self._path, lock_seconds=seconds)
        return self._connection

    def _read_data_version(self) -> int:
        # SQLite counts here only what other connections have committed; our readers commit nothing.
        with translated(self._path):
            version: int = driver_of(self._writing()).execute("PRAGMA data_version").fetchone()[0]
            return version

    def _close_writer(self) -> None:
        if self._connection is not None:
            connection, self._connection = self._connection, None
            # Another connection counts the commits of others from another number.
            self._data_version = None
            _close(connection)

    def _wake_all(self) -> None:
        woken, self._wake = self._wake, asyncio.Event()
        woken.set()


def _look_through(path: Path) -> None:
    """Read all of the file, on a connection of its own.

    Raises:
        DatabaseUnusable: it is damaged.
        StorageUnavailable: it can't be read.
    """
    with translated(path), closing(connections.reading_driver(path)) as driver:
        if driver.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
            raise damaged(path)


def _close(connection: Connection) -> None:
    with suppress(SQLAlchemyError, sqlite3.Error):
        connection.close()
    connection.engine.dispose()
