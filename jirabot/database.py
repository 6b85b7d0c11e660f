"""The database as a file: brought to this version's schema, backed up, put back. Beside the daemon, or before it."""

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from jirabot.config import Settings
from jirabot.core.audit import Act, Entry
from jirabot.core.people import Principal
from jirabot.errors import DaemonRunning
from jirabot.machine import SystemClock
from jirabot.storage import audit, backups, migrations
from jirabot.storage.backups import Backup, Restored
from jirabot.storage.lock import DataFolderLock
from jirabot.storage.spool import Spool

UPGRADE_SECONDS = 2.0
"""How long a command waits for another one that makes or upgrades the database; it takes a tenth of that."""


UPGRADE_LOOK_SECONDS = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Upgraded:
    """What `db upgrade` did: the schema before and now, and the copy of the file that was made, if it held anything."""

    before: str | None
    now: str
    copy: Path | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Schema:
    """The database's schema, if there is a database, and the one of this version."""

    schema: str | None
    newest: str


def current_schema(settings: Settings) -> Schema:
    """Tell the database's schema.

    Raises:
        DatabaseUnusable: it is newer than this jirabot, or not a database.
    """
    return Schema(schema=migrations.current(settings.database), newest=migrations.HEAD)


def upgrade_database(settings: Settings) -> Upgraded:
    """Bring the database to this version's schema, making data folder and database where there is none.

    Raises:
        DaemonRunning: a daemon holds the data folder, and the schema is not this version's.
        DatabaseUnusable: it is newer than this jirabot, or not a database.
        StorageUnavailable: the data folder refuses.
    """
    before = migrations.current(settings.database)
    copy = None
    if before != migrations.HEAD:
        with _held_for_upgrade(settings):
            copy = migrations.upgrade(settings.database)
    return Upgraded(before=before, now=migrations.HEAD, copy=copy)


def backup_database(settings: Settings, file: Path | None, *, by: Principal) -> Backup:
    """Back the database up to *file*, by default one named by the time in the current folder. A daemon may run.

    Raises:
        Conflict: there is a file of that name.
        DatabaseUnusable: there is no database, or it is damaged.
        StorageUnavailable: the database or a disk refuses.
    """
    now = SystemClock().now()
    file = file or Path(f"jirabot-{now:%Y%m%d-%H%M%S}.db")
    made = backups.make(settings.database, file.absolute(), spool=Spool(settings.spool), now=now)
    if made.schema == migrations.HEAD:
        audit.append_to(settings.database, Entry(at=now, by=by, act=Act.DATABASE_BACKED_UP, subject=file.name))
    return made


def restore_database(settings: Settings, file: Path, *, by: Principal) -> Restored:
    """Put a backup in the place of the database, which is kept beside.

    Raises:
        DaemonRunning: a daemon holds the data folder.
        InvalidInput: there is no such file.
        DatabaseUnusable: it can't be used.
        StorageUnavailable: the data folder refuses, or another process uses the database.
    """
    with DataFolderLock.made(settings.data_dir):
        entry = Entry(at=SystemClock().now(), by=by, act=Act.DATABASE_RESTORED, subject=file.name)
        return backups.restore(file.absolute(), settings.database, spool=Spool(settings.spool), entry=entry)


@contextlib.contextmanager
def _held_for_upgrade(settings: Settings) -> Iterator[None]:
    """Hold the data folder; where another command upgrades at this moment, wait until it has."""
    lock = DataFolderLock.made(settings.data_dir)
    for _ in range(round(UPGRADE_SECONDS / UPGRADE_LOOK_SECONDS)):
        try:
            lock.acquire()
            break
        except DaemonRunning:
            time.sleep(UPGRADE_LOOK_SECONDS)
    else:
        lock.acquire()
    try:
        yield
    finally:
        lock.release()
