"""Changes that are carried out in one transaction, each of them whole or not at all: they share its commit.

A commit waits for the disk for longer than most changes take (docs/decisions/0037).
"""

import asyncio
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from jirabot.core.ports import Transaction
from jirabot.errors import DatabaseUnusable, StorageUnavailable
from jirabot.storage.connections import driver_of
from jirabot.storage.spool import Spool
from jirabot.storage.unit_of_work import UnitOfWork


class Change(NamedTuple):
    """A change, and what tells whoever waits for it."""

    work: Callable[[Transaction], Any]
    written: asyncio.Future[Any]


class Outcome(NamedTuple):
    """What came of a change: what it returned, or raised."""

    change: Change
    result: object = None
    error: BaseException | None = None


def carry_out(connection: Connection, changes: Iterable[Change], spool: Spool) -> Iterator[Outcome]:
    """Carry out changes one after the other in the transaction that is open; each sees those before it.

    Of one that raises nothing is left but its outcome; where that is the first, or the database itself refuses, it is
    raised here, and the transaction is to be rolled back.
    """
    for number, change in enumerate(changes):
        if number:
            yield _within(connection, change, spool)
        else:
            # Nothing comes before it that a rollback would undo: most changes come alone, and need no savepoint.
            yield Outcome(change, change.work(UnitOfWork(connection, spool)))


def _within(connection: Connection, change: Change, spool: Spool) -> Outcome:
    driver = driver_of(connection)
    driver.execute("SAVEPOINT change")
    try:
        result = change.work(UnitOfWork(connection, spool))
    except (SQLAlchemyError, sqlite3.Error, StorageUnavailable, DatabaseUnusable):
        # SQLite may have rolled back all of it already.
        raise
    except BaseException as error:  # noqa: BLE001 - it is raised where the change is waited for
        driver.execute("ROLLBACK TO change")
        driver.execute("RELEASE change")
        return Outcome(change, error=error)
    driver.execute("RELEASE change")
    return Outcome(change, result)
