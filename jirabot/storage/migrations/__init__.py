"""The steps from one schema to the next. Alembic is imported only when a step may be needed."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from jirabot.errors import DatabaseOfOtherVersion, DatabaseUnusable
from jirabot.storage.faults import file_fault, translated

REVISIONS = ("0001", "0002", "0003", "0004", "0005", "0006", "0007")
"""Every schema that this version knows, the oldest first; a test holds them equal to Alembic's."""

HEAD = REVISIONS[-1]
"""The schema that this version works with."""

FOLDER = Path(__file__).parent
"""Where Alembic finds the steps."""


def is_there(path: Path) -> bool:
    """Say whether there is a file for a database at *path*, if an empty one.

    Raises:
        StorageUnavailable: that can't be seen.
    """
    try:
        return path.exists()
    except OSError as error:
        raise file_fault(path, error) from error


def current(path: Path, *, known: Sequence[str] = REVISIONS) -> str | None:
    """Tell the revision of the database at *path*; None where there is none, or an empty one.

    *known*: the revisions that it may have, the oldest first.

    Raises:
        DatabaseUnusable: it is newer than this version, not ours, or not a database.
        StorageUnavailable: it can't be read.
    """
    if not is_there(path):
        return None
    with translated(path), closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True)) as driver:
        tables = {name for (name,) in driver.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if not tables:
            return None
        rows = (
            driver.execute("SELECT version_num FROM alembic_version").fetchall() if "alembic_version" in tables else []
        )
    return _checked(path, rows[0][0] if rows else None, known)


def _checked(path: Path, revision: str | None, known: Sequence[str]) -> str:
    if revision is None:
        raise DatabaseUnusable(f"the database `{path}` is not jirabot's", hint="choose another data folder")
    if revision not in known:
        raise DatabaseOfOtherVersion(
            f"the database `{path}` is of a newer version (`{revision}`) than this jirabot knows (`{known[-1]}`)",
            hint="install the newer jirabot again, or restore a backup with `jirabot db restore`",
        )
    return revision


def upgrade(path: Path, *, known: Sequence[str] = REVISIONS, steps: Path = FOLDER) -> Path | None:
    """Bring the database at *path* to the newest revision, making it where there is none; all or nothing.

    One that holds anything is copied beside itself first; the copy's path is returned. No daemon may hold the data
    folder meanwhile. *known* and *steps*: the revisions, the oldest first, and the folder that has their steps.

    Raises:
        DatabaseUnusable: it is newer than this version, not ours, or not a database.
        StorageUnavailable: the folder or disk refuses.
    """
    revision = current(path, known=known)
    if revision == known[-1]:
        return None
    from jirabot.storage.migrations.steps import take

    copy = None if revision is None else _copy(path, path.with_name(f"{path.name}.{revision}.backup"))
    take(path, steps=steps)
    return copy


def bring_up(path: Path) -> None:
    """Bring the database at *path*, which is itself a copy, to the newest revision; all or nothing.

    Raises:
        DatabaseUnusable: it is newer than this version, not ours, or not a database.
        StorageUnavailable: the folder or disk refuses.
    """
    if current(path) != HEAD:
        from jirabot.storage.migrations.steps import take

        take(path)


def _copy(path: Path, copy: Path) -> Path:
    """Copy a database as it stands, while others may write; the copy is whole or not there."""
    unfinished = copy.with_name(f"{copy.name}.part")
    try:
        unfinished.unlink(missing_ok=True)
        unfinished.touch(mode=0o600)
        with (
            translated(path),
            closing(sqlite3.connect(path)) as source,
            closing(sqlite3.connect(unfinished)) as target,
        ):
            source.backup(target)
        unfinished.replace(copy)
    except OSError as error:
        raise file_fault(copy, error) from error
    return copy
