"""Budgets: so many in a time, as a bucket that fills again while nobody takes from it. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)

KEPT_SHARE = 0.2
"""The part of an hourly budget that is kept for what people wait for."""

AMPLE_SHARE = 0.5
"""While so much of what is not kept is left, progress is shown as often as it is set."""

LEAST_SHARE = 0.01
"""With less than that none is shown."""


class Urgency(StrEnum):
    """What a call to Jira is for; decides whether it may take from the kept part."""

    ROUTINE = "routine"
    """Reading, probing, showing progress: it waits, or is left out, where the budget is tight."""
    KEPT = "kept"
    """A first answer, question, result, failure or answer, and what tells its fate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """So many in a time; 0 is no limit."""

    count: int
    per: timedelta

    @property
    def kept(self) -> float:
        """How much of it is kept: never so much that nothing else is left."""
        return max(0.0, min(self.count * KEPT_SHARE, self.count - 1.0))


UNLIMITED = Limit(count=0, per=HOUR)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """What is left of a limit at an instant. Below zero: promised, and not there yet."""

    level: float
    at: datetime


def full(limit: Limit, now: datetime) -> Bucket:
    """Make a bucket that nobody has taken from."""
    return Bucket(level=limit.count, at=now)


def filled(bucket: Bucket, limit: Limit, now: datetime) -> Bucket:
    """Let in what has come since; a clock that was set back brings nothing, and takes nothing."""
    passed = max(timedelta(), now - bucket.at)
    return Bucket(level=min(float(limit.count), bucket.level + limit.count * (passed / limit.per)), at=now)


def take(bucket: Bucket, limit: Limit, now: datetime, *, keep: float = 0.0) -> Bucket | timedelta:
    """Take one, where *keep* is left then; else say how long it lasts until one may be taken."""
    present = filled(bucket, limit, now)
    lacking = keep + 1.0 - present.level
    if lacking > 0:
        return _time_for(lacking, limit)
    return Bucket(level=present.level - 1.0, at=now)


def time_until(bucket: Bucket, limit: Limit, now: datetime, *, count: float, keep: float = 0.0) -> timedelta:
    """Say how long it lasts until so many may be taken one after the other, or all that there are beside *keep*."""
    wanted = min(limit.count, keep + max(1.0, min(count, limit.count - keep)))
    return _time_for(max(0.0, wanted - filled(bucket, limit, now).level), limit)


def promise(bucket: Bucket, limit: Limit, now: datetime) -> tuple[Bucket, timedelta]:
    """Take one at any rate, and say how long it lasts until it is there: what comes too fast is spread over time."""
    after = filled(bucket, limit, now)
    after = Bucket(level=after.level - 1.0, at=now)
    return after, _time_for(max(0.0, -after.level), limit)


def share_left(bucket: Bucket, limit: Limit, now: datetime) -> float:
    """Say how much of what is not kept is left, from 0 to 1."""
    if not limit.count:
        return 1.0
    return max(0.0, (filled(bucket, limit, now).level - limit.kept) / (limit.count - limit.kept))


def progress_interval(every: timedelta, share: float) -> timedelta:
    """Widen the time between two signs of progress by the share that is left; with nothing left there are none."""
    if share < LEAST_SHARE:
        return timedelta.max
    return every * max(1.0, AMPLE_SHARE / share)


def _time_for(count: float, limit: Limit) -> timedelta:
    return limit.per * (count / limit.count)
