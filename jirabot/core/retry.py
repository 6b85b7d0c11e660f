"""Whether a failed step is tried again, and when. Nobody else decides about retries. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from jirabot.errors import JirabotError, JiraBroken, Kind, RateLimited, SecretSealed

TRANSIENT = frozenset({Kind.LIMITED, Kind.UNREACHABLE, Kind.UNAVAILABLE})
"""Kinds of failure that time may mend."""

FIRST_DELAY = timedelta(seconds=5)
LONGEST_DELAY = timedelta(minutes=15)
DOUBLED_AT_MOST = 8
"""Beyond that the longest delay counts; and a number that doubles for days is none that a time can hold."""

LONGEST_WAIT_ASKED = timedelta(hours=1)
"""What a Jira that fails asks for is waited up to this; and one that asks for more is a trouble."""

LEAST_WAIT = timedelta(seconds=1)
"""Who asks us to wait, and not how long, means more than no time at all."""

DELIVERY_ATTEMPTS = 12
"""With delays that double from 5 s to 15 min, over an hour and a half: longer than a Jira restarts."""

EFFECT_REFUSALS = 3
"""With so many refusals (401, 403) within five minutes, half a minute as a rule, a comment is given up: a token that is
being changed costs none, and a right that is lacking is told. What did not reach Jira, or had no answer, is none."""


LONGEST_AWAY_DELAY = timedelta(minutes=5)
"""How long an event waits at most for a Jira that is known to be away, before it is looked whether it is back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryAt:
    """Try again then."""

    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveUp:
    """Trying again can't help, or was tried often enough."""


def spread(delay: timedelta, jitter: float) -> timedelta:
    """Move a delay by up to 30 % either way; *jitter* is a number from 0 to 1."""
    return delay * (0.7 + 0.6 * jitter)


def next_attempt(
    error: JirabotError, attempts: int, now: datetime, *, jitter: float, most: int | None = DELIVERY_ATTEMPTS
) -> RetryAt | GiveUp:
    """Decide after the *attempts*-th failure; *jitter* is a number from 0 to 1 that spreads the delay by ± 30 %.

    *most*: how many attempts there are; None: as many as it takes.

    Where we were asked to wait, however long, nothing has failed, and nothing is ever given up. 401 and 403 from Jira
    are retried too, and a secret that does not open: a token that is being changed is not a reason to lose an event.
    """
    if isinstance(error, RateLimited):
        return RetryAt(at=now + max(LEAST_WAIT, timedelta(seconds=error.retry_after_seconds)))
    is_last = most is not None and attempts >= most
    if is_last or not (error.kind in TRANSIENT or error.code == "jira-refused" or isinstance(error, SecretSealed)):
        return GiveUp()
    delay = min(FIRST_DELAY * 2 ** min(attempts - 1, DOUBLED_AT_MOST), LONGEST_DELAY)
    delay = spread(delay, jitter)
    if isinstance(error, JiraBroken):
        delay = max(delay, min(timedelta(seconds=error.retry_after_seconds), LONGEST_WAIT_ASKED))
    return RetryAt(at=now + delay)


def while_away(now: datetime, *, since: datetime, jitter: float, longest: timedelta = LONGEST_AWAY_DELAY) -> RetryAt:
    """Decide where nothing can be asked of a Jira: as often as it takes, and none of it counts as an attempt.

    What has waited *since* then waits a quarter as long again: who was away for a minute has not to be waited for long.
    *longest*: what no delay exceeds, before it is spread.
    """
    delay = min(max(FIRST_DELAY, (now - since) / 4), longest)
    return RetryAt(at=now + spread(delay, jitter))
