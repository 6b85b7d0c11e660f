"""What no webhook has told: since when to look, and what of it is worth an event. Pure.

All instants here are Jira's: compared with what Jira says of itself, so that nothing hangs on how our clocks agree.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from jirabot.core.ids import IssueId, IssueKey, WorkspaceId

OVERLAP = timedelta(minutes=5)
"""How much is looked at once more: the index that Jira's search reads lags behind what people do."""

LONGEST = timedelta(hours=24)
"""More than that was missed by no restart: what it led to, all at once, is for a person to decide."""

HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """How far a workspace's Jira was looked through.

    `begun_at`: nothing from before it is ever looked at. `seen_until`: all until then is in the inbox. `looked_at`:
    when that was, by our clock; None before the first look. `calls_count`: how many requests the looks since
    `calls_since` took, in the present hour.
    """

    workspace_id: WorkspaceId
    begun_at: datetime
    seen_until: datetime
    looked_at: datetime | None = None
    calls_count: int = 0
    calls_since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """What a look looks at: what happened from `since` on; `until` None is up to now."""

    since: datetime
    until: datetime | None = None

    def holds(self, at: datetime) -> bool:
        """Say whether it happened within."""
        return self.since <= at and (self.until is None or at <= self.until)

    def minutes_before(self, now: datetime) -> int:
        """Say how many minutes ago it began, rounded up: JQL knows no finer time."""
        return max(1, math.ceil((now - self.since) / timedelta(minutes=1)))


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """Something that happened in Jira, told as its webhook would have: `body` is what that would have sent.

    `name` is the same each time that it is found.
    """

    name: str
    kind: str
    issue_id: IssueId
    issue_key: IssueKey
    at: datetime
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedIssue:
    """An issue that changed, with its news in the order in which they happened."""

    id: IssueId
    updated_at: datetime
    news: tuple[News, ...]


def begun(workspace_id: WorkspaceId, *, at: datetime, now: datetime) -> Checkpoint:
    """Begin to look at a workspace's Jira from *at* on; *now* is our own time."""
    return Checkpoint(workspace_id=workspace_id, begun_at=at, seen_until=at, calls_since=now)


def is_new_hour(known: Checkpoint, now: datetime) -> bool:
    """Say whether a look now, by our clock, is the first of an hour: the one that goes further back."""
    return not timedelta() <= now - known.calls_since < HOUR


def span(known: Checkpoint, now: datetime, *, back: timedelta = timedelta()) -> tuple[Span, Span | None]:
    """Say what to look at now, and what lies so far back that a person decides about it; None where nothing does.

    *back*: how far before now to begin at least, for what the index has shown too late for the looks before. Where
    Jira's clock was set back, nobody knows when what happened since happened: the last day is looked at again.
    """
    if now < known.begun_at:
        return Span(since=now - OVERLAP), None
    if now < known.seen_until:
        return Span(since=max(known.begun_at, now - LONGEST)), None
    since = max(known.begun_at, known.seen_until - OVERLAP)
    if now - known.seen_until <= LONGEST:
        return Span(since=max(known.begun_at, min(since, now - back))), None
    return Span(since=now - LONGEST - OVERLAP), Span(since=since, until=now - LONGEST)


def looked(known: Checkpoint, *, until: datetime, calls: int, now: datetime) -> Checkpoint:
    """Give the checkpoint after a look at all until then, which took so many calls."""
    is_same_hour = not is_new_hour(known, now)
    return Checkpoint(
        workspace_id=known.workspace_id,
        begun_at=min(known.begun_at, until),
        seen_until=until,
        looked_at=now,
        calls_count=calls + (known.calls_count if is_same_hour else 0),
        calls_since=known.calls_since if is_same_hour else now,
    )


def in_order(issues: Sequence[ChangedIssue]) -> Sequence[News]:
    """Put the news of all issues in the order in which they happened; those of one issue are in theirs."""
    return sorted((news for issue in issues for news in issue.news), key=lambda news: news.at)
