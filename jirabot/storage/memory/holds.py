"""What holds runs back: pauses, and agents that fail."""

from collections.abc import Sequence
from datetime import datetime

from jirabot.core.breakers import AWAY, Breaker
from jirabot.core.conversations import Run, RunState
from jirabot.core.ids import (
    BackendName,
)
from jirabot.core.pauses import Pause
from jirabot.storage.memory.tables import Store, Tables


class Pauses(Store):
    """Fulfils `PauseStore`."""

    def add(self, pause: Pause) -> bool:
        return self._state.pauses.setdefault(pause.scope, pause) is pause

    def remove(self, scope: str) -> bool:
        return self._state.pauses.pop(scope, None) is not None

    def list(self) -> Sequence[Pause]:
        by_scope = sorted(self._state.pauses.values(), key=lambda each: each.scope)
        return sorted(by_scope, key=lambda each: each.paused_at, reverse=True)


def breaker_of(state: Tables, run: Run) -> Breaker | None:
    """Find the breaker of a run's agent."""
    conversation = state.conversations.get(run.conversation_id)
    return state.breakers.get(conversation.agent) if conversation else None


def is_held_back(state: Tables, run: Run, now: datetime) -> bool:
    """Say whether the breaker of a run's agent keeps it from being begun."""
    breaker = breaker_of(state, run)
    if breaker is None:
        return False
    probing = state.runs.get(breaker.probe_run_id) if breaker.probe_run_id else None
    return breaker.due_at > now or (probing is not None and probing.state is RunState.RUNNING)


class Breakers(Store):
    """Fulfils `BreakerStore`."""

    def find(self, agent: BackendName) -> Breaker | None:
        return self._state.breakers.get(agent)

    def save(self, breaker: Breaker) -> None:
        self._state.breakers[breaker.agent] = breaker

    def remove(self, agent: BackendName) -> None:
        self._state.breakers.pop(agent, None)

    def untold(self, *, now: datetime, limit: int) -> Sequence[Run]:
        told = {(each.workspace_id, each.cause) for each in self._state.outbox.values()}
        due = [run for run in self._state.runs.values() if run.state is RunState.WAITING and run.due_at <= now]
        held_back = [run for run in due if is_held_back(self._state, run, now)]
        untold = [run for run in held_back if (run.workspace_id, f"{AWAY}{run.id}") not in told]
        return sorted(untold, key=by_due_time)[:limit]


def by_due_time(run: Run) -> tuple[datetime, str]:
    """Sort runs as they have their turn."""
    return run.due_at, run.id
