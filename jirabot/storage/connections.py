"""Connections to one SQLite file: the one that writes, and those that only read."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Connection, Engine, NullPool, create_engine, event

from jirabot.storage.faults import translate_statements

WRITER_PRAGMAS = (
    "PRAGMA journal_mode = WAL",  # readers and the writer don't wait for each other
    "PRAGMA synchronous = FULL",  # what was acknowledged survives the loss of power; measured as fast as NORMAL
    "PRAGMA foreign_keys = ON",  # SQLite does not check them by itself
    "PRAGMA wal_autocheckpoint = 300",  # pages: what commits then waits for them to be copied (decision 0035)
)
READER_PRAGMAS = (
    "PRAGMA query_only = ON",  # what reads can't write by mistake, and beside the writer
    "PRAGMA busy_timeout = 5000",  # while the log of a killed process is recovered
)
STATEMENTS_KEPT = 512
"""Statements that the writer's connection keeps compiled: each number of deliveries in a commit has one of its own, and
where copies are among them another."""


def driver_of(connection: Connection) -> sqlite3.Connection:
    """Give the connection of the driver below."""
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    return driver


def wait_for_lock(driver: sqlite3.Connection, seconds: float) -> None:
    """Set how long a statement waits for another process's lock."""
    driver.execute(f"PRAGMA busy_timeout = {round(seconds * 1000)}")


def writer(path: Path, *, lock_seconds: float) -> Connection:
    """Open the connection that writes."""

    def connect() -> sqlite3.Connection:
        driver = sqlite3.connect(_address(path), uri=True, isolation_level=None, cached_statements=STATEMENTS_KEPT)
        wait_for_lock(driver, lock_seconds)
        for pragma in WRITER_PRAGMAS:
            driver.execute(pragma)
        return driver

    # The lock first: a transaction that reads, then writes, can't be refused half-way.
    return _engine(path, connect, begin="BEGIN IMMEDIATE").connect()


def readers(path: Path) -> Engine:
    """Make the engine of the connections that only read: a statement is compiled once for all of them."""
    return _engine(path, lambda: reading_driver(path), begin="BEGIN")


def reading_driver(path: Path) -> sqlite3.Connection:
    """Open a connection of the driver that only reads. One thread at a time uses it, not always the same."""
    driver = sqlite3.connect(_address(path), uri=True, isolation_level=None, check_same_thread=False)
    for pragma in READER_PRAGMAS:
        driver.execute(pragma)
    return driver


def _engine(path: Path, connect: Callable[[], sqlite3.Connection], *, begin: str) -> Engine:
    engine = create_engine("sqlite://", creator=connect, poolclass=NullPool, hide_parameters=True)
    translate_statements(engine, path)

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


def _address(path: Path) -> str:
    # mode=rw: a file that is not there is an error, not a new and empty database.
    return f"{path.absolute().as_uri()}?mode=rw"
