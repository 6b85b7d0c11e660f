"""The breaker of an agent that fails whoever asks: no run is begun with it, but for one that tries. Pure."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import assert_never

from jirabot.core.agents import Ending, Failed, FailureKind, Finished, Question, Stopped
from jirabot.core.ids import BackendName, RunId

FIRST_WAIT = timedelta(minutes=1)
"""How long nothing is begun once a breaker opens; a failed try makes it as long as it has been open already."""

LONGEST_WAIT = timedelta(minutes=30)

AWAY = "agent-away:"
"""What the cause begins with by which a run's issue is told, once, that the run waits for its agent."""

_ILL = frozenset({FailureKind.AUTH, FailureKind.RATE, FailureKind.BACKEND})
_ANSWERED = frozenset({FailureKind.CONTEXT, FailureKind.LIMIT, FailureKind.STUCK, FailureKind.REFUSED})
"""The model worked, if not to an end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Breaker:
    """An open breaker: from `due_at` on one run may try. `probe_run_id` is the last that has, or does."""

    agent: BackendName
    opened_at: datetime
    due_at: datetime
    probe_run_id: RunId | None = None


class Health(StrEnum):
    """What a turn's end says of its agent."""

    WELL = "well"
    ILL = "ill"
    UNKNOWN = "unknown"


def health(ending: Ending) -> Health:
    """Say what a turn's end says of its agent; what was stopped, crashed or went silent says nothing."""
    match ending:
        case Finished() | Question():
            return Health.WELL
        case Stopped():
            return Health.UNKNOWN
        case Failed(kind=kind):
            if kind in _ILL:
                return Health.ILL
            return Health.WELL if kind in _ANSWERED else Health.UNKNOWN
        case _:
            assert_never(ending)


def opened(agent: BackendName, *, now: datetime) -> Breaker:
    """Open a breaker."""
    return Breaker(agent=agent, opened_at=now, due_at=now + FIRST_WAIT)


def hurried(breaker: Breaker, *, now: datetime) -> Breaker:
    """Let the next run try at once: somebody has mended the agent, or believes so."""
    return replace(breaker, due_at=min(breaker.due_at, now))


def prolonged(breaker: Breaker, *, now: datetime) -> Breaker:
    """Keep a breaker open after a try that failed: twice as long as it was."""
    wait = min(max(now - breaker.opened_at, FIRST_WAIT), LONGEST_WAIT)
    return replace(breaker, due_at=now + wait)
