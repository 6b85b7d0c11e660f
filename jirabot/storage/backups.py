"""A backup is one SQLite file: the database as it stood at one moment, with the bodies that have files in its rows.

Made while others write; put back while nobody does, checked first, with what was there kept beside.
"""

import os
import shutil
import sqlite3
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from jirabot.core.audit import Entry
from jirabot.errors import Conflict, DatabaseMissing, DatabaseUnusable, InvalidInput
from jirabot.storage import audit, migrations
from jirabot.storage.columns import microseconds
from jirabot.storage.faults import damaged, file_fault, translated
from jirabot.storage.secrets_store import KEY_ID, KEY_SOURCE
from jirabot.storage.spool import Spool, sync_folder

_MADE_AT = "backup.made-at"

_KEPT = "-before-restore-"
"""What stands in the name of a database that a restore has kept."""

_MISSING = (
    "SELECT count(*) FROM deliveries WHERE spool IS NOT NULL AND state IN ('received', 'waiting', 'paused', 'dead')"
)

_LOOK_FOR_WHAT_WAS_OWED = (
    "UPDATE outbox SET state = 'sending', sent_at = coalesce(sent_at, ?) WHERE state = 'pending' AND target IS NULL"
)
"""What was owed when the backup was made may have been posted since: its mark is looked for before it is posted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """A backup that was made, and the master key that its secrets are sealed with: None where it has no secrets.

    `missing_bodies`: deliveries that are still needed, and whose body's file was not there.
    """

    file: Path
    schema: str
    size_bytes: int
    key_id: str | None
    key_source: str | None
    missing_bodies: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """A backup that was put back: its schema as it came, and the file that keeps what was there, if anything was."""

    schema: str
    kept: Path | None


def make(path: Path, file: Path, *, spool: Spool, now: datetime) -> Backup:
    """Write the database at *path*, as it stands, to *file*, which is not there yet: whole, or not at all.

    Raises:
        Conflict: there is a file of that name.
        DatabaseUnusable: there is no database, or it is damaged.
        StorageUnavailable: the database or a disk refuses.
    """
    schema = migrations.current(path)
    if schema is None:
        raise DatabaseMissing(f"there is no database at `{path}`", hint="there is nothing to back up yet")
    if file.exists():
        raise _taken(file)
    part = file.with_name(f"{file.name}.part")
    try:
        part.unlink(missing_ok=True)
        part.touch(mode=0o600)
        with translated(file), closing(_open(path)) as source, closing(sqlite3.connect(part)) as copy:
            source.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")  # nothing of it is in a second file
            _take_bodies_in(copy, spool)
            copy.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (_MADE_AT, now.astimezone(UTC).isoformat()))
            copy.commit()
            _check(copy, path)
            (missing,) = copy.execute(_MISSING).fetchone()
            known = dict(copy.execute("SELECT key, value FROM meta WHERE key IN (?, ?)", (KEY_ID, KEY_SOURCE)))
        _publish(part, file)
        size = file.stat().st_size
    except OSError as error:
        raise file_fault(file, error) from error
    finally:
        with suppress(OSError):
            part.unlink()
    return Backup(
        file=file,
        schema=schema,
        size_bytes=size,
        key_id=known.get(KEY_ID),
        key_source=known.get(KEY_SOURCE),
        missing_bodies=missing,
    )


def restore(file: Path, path: Path, *, spool: Spool, entry: Entry) -> Restored:
    """Put the backup *file* in the place of the database at *path*; nobody may use that meanwhile.

    The file is copied, checked and brought to this version's schema first; until the last step, which is one rename,
    the database is what it was. *entry*, what the audit says of it, comes with it.

    Raises:
        InvalidInput: there is no such file.
        DatabaseUnusable: it is damaged, not jirabot's, or newer than this version.
        StorageUnavailable: the folder or disk refuses, or another process uses the database.
    """
    if not file.is_file():
        raise InvalidInput(f"there is no file `{file}`", hint="name a file that `jirabot db backup` made")
    fresh = path.with_name(f"{path.name}.restoring")
    try:
        _copy(file, fresh)
        schema = _prepare(fresh, file, entry)
        kept = _clear_the_place(path, spool=spool, now=entry.at)
        fresh.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        raise file_fault(path.parent, error) from error
    finally:
        _remove(fresh)
    return Restored(schema=schema, kept=kept)


def beside(path: Path) -> Sequence[str]:
    """Name the copies of the database at *path* that upgrades and restores have left beside it."""
    patterns = (f"{path.name}.*.backup", f"{path.stem}{_KEPT}*{path.suffix}")
    return sorted(found.name for pattern in patterns for found in path.parent.glob(pattern))


def _open(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True)


def _take_bodies_in(copy: sqlite3.Connection, spool: Spool) -> None:
    named = copy.execute("SELECT no, spool FROM deliveries WHERE spool IS NOT NULL").fetchall()
    for no, name in named:
        body = spool.read(name)
        if body is not None:
            copy.execute("UPDATE deliveries SET body = ?, spool = NULL WHERE no = ?", (body, no))


def _check(driver: sqlite3.Connection, path: Path) -> None:
    """Read everything.

    Raises:
        DatabaseUnusable: the file at *path* is damaged.
    """
    if driver.execute("PRAGMA integrity_check(1)").fetchone()[0] != "ok":
        raise damaged(path)


def _publish(part: Path, file: Path) -> None:
    """Give a finished file its name, if nothing has it, and wait until that is on the disk."""
    with part.open("rb") as written:
        os.fsync(written.fileno())
    try:
        os.link(part, file)
    except FileExistsError:
        raise _taken(file) from None
    except OSError:
        # A file system that knows no second names, such as a stick's.
        if file.exists():
            raise _taken(file) from None
        part.rename(file)
    sync_folder(file.parent)


def _taken(file: Path) -> Conflict:
    return Conflict(f"there is a file `{file}` already", hint="a backup overwrites nothing: give another name")


def _copy(file: Path, fresh: Path) -> None:
    """Copy a database as it lies there, with its log, to a file that is ours alone."""
    _remove(fresh)
    fresh.touch(mode=0o600)
    shutil.copyfile(file, fresh)
    log = file.with_name(f"{file.name}-wal")
    if log.is_file():
        shutil.copyfile(log, fresh.with_name(f"{fresh.name}-wal"))


def _prepare(fresh: Path, file: Path, entry: Entry) -> str:
    """Check a copied backup and bring it to this version's schema; gives the one that it had."""
    try:
        schema = migrations.current(fresh)
        if schema is None:
            raise DatabaseUnusable(f"the file `{fresh}` holds no database", hint="name another backup")
        with translated(fresh), closing(_open(fresh)) as driver:
            _check(driver, fresh)
            if driver.execute("PRAGMA foreign_key_check").fetchone():
                raise DatabaseUnusable(f"the file `{fresh}` has rows that refer to nothing", hint="name another backup")
        migrations.bring_up(fresh)
        audit.append_to(fresh, entry)
        with translated(fresh), closing(_open(fresh)) as driver:
            _forget_the_time_between(driver, file)
            driver.execute("PRAGMA journal_mode = DELETE")
    except DatabaseUnusable as error:
        raise DatabaseUnusable(error.message.replace(str(fresh), str(file)), hint="name another backup") from error
    with fresh.open("rb") as written:
        os.fsync(written.fileno())
    return schema


def _forget_the_time_between(driver: sqlite3.Connection, file: Path) -> None:
    found = driver.execute("SELECT value FROM meta WHERE key = ?", (_MADE_AT,)).fetchone()
    made_at = datetime.fromisoformat(found[0]) if found else datetime.fromtimestamp(file.stat().st_mtime, UTC)
    driver.execute(_LOOK_FOR_WHAT_WAS_OWED, (microseconds(made_at),))
    driver.execute("DELETE FROM meta WHERE key = ?", (_MADE_AT,))
    driver.commit()


def _clear_the_place(path: Path, *, spool: Spool, now: datetime) -> Path | None:
    """Keep what is there, as a backup or, where it is too damaged for that, its very files; its log is gone then.

    Raises:
        StorageUnavailable: another process uses it, or the folder or disk refuses.
    """
    kept = None
    if path.exists() and path.stat().st_size:
        kept = path.with_name(f"{path.stem}{_KEPT}{now:%Y%m%d-%H%M%S-%f}{path.suffix}")
        try:
            with translated(path), closing(_open(path)) as driver:
                # Refused while anybody has it open; a log that is left behind would spoil what comes in its place.
                driver.execute("PRAGMA journal_mode = DELETE")
            make(path, kept, spool=spool, now=now)
        except DatabaseUnusable:
            _copy(path, kept)
    for ending in ("-wal", "-shm"):
        path.with_name(f"{path.name}{ending}").unlink(missing_ok=True)
    return kept


def _remove(fresh: Path) -> None:
    for ending in ("", "-wal", "-shm", "-journal"):
        with suppress(OSError):
            fresh.with_name(f"{fresh.name}{ending}").unlink()
