"""The audit: who changed or ran what, each row chained to the one before by its hash. Pure.

Of people it holds no more than a number (`person-17`), so that it can stay when somebody is forgotten.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple, TypedDict

from jirabot.core.people import Principal

GENESIS = "0" * 64
"""What the first row follows."""

MOST_FAULTS = 20
"""So many rows that are wrong are named at most."""


class Act(StrEnum):
    """What was done, or refused; stable."""

    WORKSPACE_CREATED = "workspace.created"
    WORKSPACE_UPDATED = "workspace.updated"
    WORKSPACE_ACTIVATED = "workspace.activated"
    WORKSPACE_DEACTIVATED = "workspace.deactivated"
    WORKSPACE_PROVED = "workspace.proved"
    """Its own webhook has proved whose it is, so that what was claimed is worked on."""
    WORKSPACE_EXPIRED = "workspace.expired"
    """A claim that nobody has proved in time is forgotten."""
    WORKSPACE_CONSENTED = "workspace.consented"
    """Somebody has consented that its bot works in their name."""
    WORKSPACE_DELETED = "workspace.deleted"
    SECRET_ROTATED = "secret.rotated"  # noqa: S105 - an act's name
    USER_LINKED = "user.linked"
    USER_UNLINKED = "user.unlinked"
    USER_FORGOTTEN = "user.forgotten"
    REPOSITORY_ADDED = "repository.added"
    REPOSITORY_REMOVED = "repository.removed"
    TOKEN_CREATED = "token.created"  # noqa: S105 - an act's name
    TOKEN_REVOKED = "token.revoked"  # noqa: S105 - an act's name
    KEY_ROTATED = "key.rotated"
    RUNS_PAUSED = "runs.paused"
    RUNS_RESUMED = "runs.resumed"
    EVENT_RETRIED = "event.retried"
    EVENT_DISCARDED = "event.discarded"
    EVENT_REPLAYED = "event.replayed"
    CONVERSATION_STOPPED = "conversation.stopped"
    CONVERSATION_CONTINUED = "conversation.continued"
    CONVERSATION_CLOSED = "conversation.closed"
    CONVERSATION_DELETED = "conversation.deleted"
    EFFECT_RETRIED = "effect.retried"
    EFFECT_DISCARDED = "effect.discarded"
    DATABASE_PRUNED = "database.pruned"
    DATABASE_BACKED_UP = "database.backed-up"
    DATABASE_RESTORED = "database.restored"
    RUN_STARTED = "run.started"
    RUN_ENDED = "run.ended"
    TRIGGER_REFUSED = "trigger.refused"
    """Jira confirms that it was asked, and who asked may not."""
    TRIGGER_DISTRUSTED = "trigger.distrusted"
    """Jira does not say what the delivery said."""
    REQUEST_UNPROVED = "request.unproved"
    """It did not prove that it comes from the workspace's Jira."""
    CALL_REFUSED = "call.refused"
    """Who called the management API brought no token that counts, or may not do what was asked."""
    REQUEST_MISDIRECTED = "request.misdirected"
    """It names another Jira than the workspace's."""


class Outcome(StrEnum):
    """How it ended."""

    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"


class Facts(TypedDict, total=False):
    """All that may be told of an act beside who, what and where: never a secret, a text that people wrote, a name."""

    agent: str
    attempt: int
    changed: Sequence[str]
    count: int
    delivery: str
    ending: str
    failure: str
    generated: bool
    issue_key: str
    key: str
    origins: Sequence[str]
    previous: str
    reason: str
    role: str
    run: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What is to be written down. `workspace_name` stays as it was, whatever becomes of the workspace."""

    at: datetime
    by: Principal
    act: Act
    workspace_id: str = ""
    workspace_name: str = ""
    subject: str = ""
    outcome: Outcome = Outcome.DONE
    facts: Facts = field(default_factory=Facts)


class Row(NamedTuple):
    """A row as it is stored: `at` in microseconds since 1970, `facts` as JSON. Whoever changed it, of any type."""

    no: int
    at: int
    by_kind: str
    by_name: str
    origin: str
    act: str
    workspace: str
    workspace_name: str
    subject: str
    outcome: str
    facts: str
    previous: str
    hash: str


class Head(NamedTuple):
    """The number of the last row, which is how many there are, and its hash."""

    no: int
    hash: str


class How(StrEnum):
    """What is wrong with a row."""

    CHANGED = "changed"
    REMOVED = "removed"
    INSERTED = "inserted"
    CUT_OFF = "cut-off"


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """The row that is wrong."""

    no: int
    how: How
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What was found of the whole chain: its head, and what is wrong, in order."""

    head: Head
    broken: tuple[Broken, ...]


def row_after(head: Head, entry: Entry, *, at: int) -> Row:
    """Make the row of *entry* that follows *head*; *at*: its time in microseconds since 1970."""
    row = Row(
        no=head.no + 1,
        at=at,
        by_kind=entry.by.kind,
        by_name=entry.by.name,
        origin=entry.by.address or entry.by.kind,
        act=entry.act.value,
        workspace=entry.workspace_id,
        workspace_name=entry.workspace_name,
        subject=entry.subject,
        outcome=entry.outcome.value,
        facts=json.dumps(entry.facts, sort_keys=True, separators=(",", ":")),
        previous=head.hash,
        hash="",
    )
    return row._replace(hash=digest(row))


def digest(row: Row) -> str:
    """Give the SHA-256 of a row with the hash that it follows, in one form whatever its values are."""
    return hashlib.sha256(json.dumps(row[:-1], default=repr, separators=(",", ":")).encode()).hexdigest()


def facts_of(row: Row) -> dict[str, object]:
    """Read the facts of a row; none where somebody has changed them into no JSON object."""
    try:
        facts = json.loads(row.facts)
    except (TypeError, ValueError):
        return {}
    return facts if isinstance(facts, dict) else {}


def examine(rows: Iterable[Row], head: Head | None) -> Verdict:
    """Follow the chain through all *rows*, in order of their numbers, to the recorded *head*."""
    broken: list[Broken] = []
    last = Head(0, GENESIS)
    for row in rows:
        broken += _faults(row, last)
        if row.no > last.no:
            last = Head(row.no, row.hash)
    broken += _end_faults(last, head)
    return Verdict(head=last, broken=tuple(broken[:MOST_FAULTS]))


def _faults(row: Row, last: Head) -> Iterable[Broken]:
    expected = last.no + 1
    if row.no < expected:
        yield Broken(no=row.no, how=How.INSERTED, text=f"row {row.no} was inserted")
    elif row.no > expected:
        gone = f"row {expected} was" if row.no == expected + 1 else f"rows {expected} to {row.no - 1} were"
        yield Broken(no=expected, how=How.REMOVED, text=f"{gone} removed")
    elif row.previous != last.hash and row.hash == digest(row):
        text = f"row {last.no} is not the one that row {row.no} was written after"
        yield Broken(no=last.no, how=How.CHANGED, text=text)
    if row.no >= expected and row.hash != digest(row):
        yield Broken(no=row.no, how=How.CHANGED, text=f"row {row.no} was changed")


def _end_faults(last: Head, head: Head | None) -> Iterable[Broken]:
    no, hash_ = head or Head(0, GENESIS)
    if no > last.no:
        gone = f"row {no} was" if no == last.no + 1 else f"rows {last.no + 1} to {no} were"
        yield Broken(no=last.no + 1, how=How.CUT_OFF, text=f"{gone} cut off at the end")
    elif no < last.no:
        yield Broken(no=no + 1, how=How.INSERTED, text=f"row {no + 1} was inserted: {no} rows were written")
    elif hash_ != last.hash:
        yield Broken(no=no, how=How.CHANGED, text=f"row {no} is not the one that was written last")
