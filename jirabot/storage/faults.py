"""The border where the database's exceptions become ours: who may try again, who must look, what was taken."""

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Engine, event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from jirabot.errors import Conflict, DatabaseUnusable, JirabotError, StorageUnavailable, WorkspaceExists

_NO_SPACE = "make room on that disk; nothing that was acknowledged is lost"
_RIGHTS = "give the user that runs jirabot the right to write the data folder and all files in it"
_IN_THE_WAY = "choose another place, or move away what stands there"
_CURES = {
    errno.ENOSPC: _NO_SPACE,
    errno.EDQUOT: _NO_SPACE,
    errno.ENOENT: "make the folder that it is to lie in, or choose another",
    errno.EEXIST: _IN_THE_WAY,
    errno.ENOTDIR: _IN_THE_WAY,
    errno.EISDIR: _IN_THE_WAY,
    errno.EROFS: "that disk can only be read: choose another, or have it mounted for writing",
    errno.EIO: "look at the system's log for errors of that disk",
}
"""By the system's error number: what to do with a file that can't be used, where it is no matter of rights."""

_UNAVAILABLE = {
    sqlite3.SQLITE_BUSY: (
        "the database is held by another process",
        "try again; if it stays so, look for a process that keeps the database open",
    ),
    sqlite3.SQLITE_LOCKED: ("the database is locked", "try again"),
    sqlite3.SQLITE_FULL: ("the disk is full", _NO_SPACE),
    sqlite3.SQLITE_READONLY: ("the database can't be written", _RIGHTS),
    sqlite3.SQLITE_PERM: ("the database may not be opened", _RIGHTS),
    sqlite3.SQLITE_CANTOPEN: ("the database can't be opened", _RIGHTS),
    sqlite3.SQLITE_IOERR: ("the disk does not read or write", "look at the system's log for errors of that disk"),
}
"""By SQLite's primary result code: what happened, and what to do."""

_UNUSABLE = {
    sqlite3.SQLITE_NOTADB: "is not a database",
    sqlite3.SQLITE_CORRUPT: "is damaged",
}

_TAKEN: dict[str, tuple[type[Conflict], str, str]] = {
    "workspaces.name": (
        WorkspaceExists,
        "a workspace of that name is there already",
        "choose another name, or change the one that is there with `jirabot workspace update`",
    ),
    "workspaces.base_url": (
        WorkspaceExists,
        "another workspace has that base URL",
        "a Jira site belongs to one workspace: run `jirabot workspace list` to see which",
    ),
    "repositories.workspace_id, repositories.name": (
        Conflict,
        "the workspace has a repository of that name already",
        "choose another name, or run `jirabot repo list WORKSPACE` to see them",
    ),
    "links.workspace_id, links.account_id": (
        Conflict,
        "the account is linked already",
        "run `jirabot user list` to see to whom",
    ),
    "conversations.workspace_id, conversations.issue_id": (
        Conflict,
        "the issue has an open conversation already",
        "run `jirabot conversation list` to see it",
    ),
    "messages.workspace_id, messages.conversation_id, messages.cause": (
        Conflict,
        "the conversation has been given that message already",
        "",
    ),
    "runs.conversation_id, runs.number": (Conflict, "the conversation has a run of that number already", ""),
}
"""By the columns that SQLite names (it tells no constraint's name): what is taken, and what to do."""


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Raise what the database at *path* raises within as an error of our family; all else passes."""
    try:
        yield
    except SQLAlchemyError as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        raise _fault(path, cause or error) from error
    except sqlite3.Error as error:
        raise _fault(path, error) from error


def translate_statements(engine: Engine, path: Path) -> None:
    """Let each statement on *engine* raise our errors itself, so that a change can catch what a store promises."""

    @event.listens_for(engine, "handle_error")
    def _translate(context: ExceptionContext) -> None:
        if isinstance(context.original_exception, sqlite3.Error):
            raise _fault(path, context.original_exception) from context.original_exception


def file_fault(path: Path, error: OSError) -> StorageUnavailable:
    """Say that a file or folder can't be used."""
    hint = _CURES.get(error.errno or 0, _RIGHTS)
    return StorageUnavailable(f"`{path}` can't be used: {error.strerror or error}", hint=hint)


def disk_full(path: Path) -> StorageUnavailable:
    """Say that there is no room for what will be written."""
    sentence, hint = _UNAVAILABLE[sqlite3.SQLITE_FULL]
    return StorageUnavailable(f"{sentence}: `{path}`", hint=hint)


def damaged(path: Path) -> DatabaseUnusable:
    """Say that the file is not what was written into it."""
    return _unusable(path, sqlite3.SQLITE_CORRUPT)


def _unusable(path: Path, code: int) -> DatabaseUnusable:
    return DatabaseUnusable(
        f"the file `{path}` {_UNUSABLE[code]}",
        hint="put a backup in its place with `jirabot db restore`, or choose another data folder",
    )


def _fault(path: Path, error: BaseException) -> JirabotError:
    if isinstance(error, sqlite3.IntegrityError):
        return _conflict(str(error))
    # The low byte is the primary code; what is above says more than a person needs.
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in _UNUSABLE:
        return _unusable(path, code)
    sentence, hint = _UNAVAILABLE.get(code, ("the database does not do what was asked", f"it says: {error}"))
    return StorageUnavailable(f"{sentence}: `{path}`", hint=hint)


def _conflict(told: str) -> Conflict:
    columns = told.partition("constraint failed: ")[2]
    if columns in _TAKEN:
        error, sentence, hint = _TAKEN[columns]
        return error(sentence, hint=hint)
    if "FOREIGN KEY" in told:
        return Conflict("what this belongs to is no longer there", hint="look whether it was deleted meanwhile")
    return Conflict("that is there already", hint=f"the database says: {told}")
