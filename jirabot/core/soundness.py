"""What `db check` finds: for each fault its cause and what to do. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

LEASE_GRACE = timedelta(minutes=2)
"""A lease that ran out is taken over within seconds by a daemon that is well."""

STUCK_AFTER = timedelta(hours=1)
"""A comment that was due for so long, with a daemon that runs and nothing before it on its issue, is stuck."""


class FaultKind(StrEnum):
    """What is wrong; stable."""

    UNUSABLE = "unusable"
    """It, or what lies beside it, can't be looked at now."""
    MISSING = "missing"
    """There is a file, and no database in it yet."""
    OTHER_VERSION = "other-version"
    """The database is of an earlier version of jirabot, or a newer one."""
    DAMAGED = "damaged"
    """The file is not what was written into it, or not ours."""
    DANGLING = "dangling"
    """A row that refers to one that is gone."""
    BODY_MISSING = "body-missing"
    FILE_UNNAMED = "file-unnamed"
    FOLDER_UNNAMED = "folder-unnamed"
    SECRET_SEALED = "secret-sealed"  # noqa: S105 - a fault's name
    """A stored secret that does not open, or the key that opens them is not found."""
    SETTING_REFUSED = "setting-refused"
    """A workspace's setting that another version has stored, and this one does not take."""
    EVENT_STRANDED = "event-stranded"
    """An event that nobody would come by to handle."""
    LEASE_LOST = "lease-lost"
    """Work that is held by a process that is gone."""
    COMMENT_STUCK = "comment-stuck"
    AUDIT_BROKEN = "audit-broken"
    """A row of the audit was changed, removed or inserted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault. `fix` is what to do, preferably a command."""

    kind: FaultKind
    text: str
    fix: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Dangling:
    """So many rows of a table name a row of another one that is not there."""

    table: str
    names: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Work that a process has leased: a lane, by the issue's id or `-`, or a run."""

    what: str
    owner: str
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyFile:
    """The file that a delivery names for its body."""

    delivery_id: str
    name: str
