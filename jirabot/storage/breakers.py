"""The rows of breakers, and the question whether one holds a run back, which the claim asks in its own statement."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, bindparam, delete, or_, select, update
from sqlalchemy.dialects.sqlite import insert

from jirabot.core.breakers import AWAY, Breaker
from jirabot.core.conversations import Run, RunState
from jirabot.core.ids import BackendName
from jirabot.storage.columns import columns_of, row_of
from jirabot.storage.pauses import AGENT_OF_RUN
from jirabot.storage.schema import breakers, conversations, outbox, runs

_now = bindparam("now", type_=breakers.c.due_at.type)
_probing = runs.alias("probing")
_is_probed = (
    select(_probing.c.id)
    .where(_probing.c.id == breakers.c.probe_run_id, _probing.c.state == RunState.RUNNING)
    .correlate(breakers)
    .exists()
)
RUN_IS_HELD_BACK: ColumnElement[bool] = (
    select(breakers.c.agent)
    .where(breakers.c.agent == AGENT_OF_RUN, or_(breakers.c.due_at > _now, _is_probed))
    .correlate(runs)
    .exists()
)
"""Of a row of `runs`: its agent's breaker is open, and it is not yet time to try, or another run does."""

PROBE = (
    update(breakers)
    .where(
        breakers.c.agent
        == select(conversations.c.agent).where(conversations.c.id == bindparam("of_conversation")).scalar_subquery()
    )
    .values(probe_run_id=bindparam("run_id"))
)
"""Record the run that was begun all the same."""

_FIND = select(*columns_of(breakers, Breaker)).where(breakers.c.agent == bindparam("of_agent"))
_SAVE = insert(breakers)
_UPSERT = _SAVE.on_conflict_do_update(
    index_elements=[breakers.c.agent],
    set_={name: _SAVE.excluded[name] for name in ("opened_at", "due_at", "probe_run_id")},
)
_REMOVE = delete(breakers).where(breakers.c.agent == bindparam("of_agent"))
_is_told = (
    select(outbox.c.no)
    .where(outbox.c.workspace_id == runs.c.workspace_id, outbox.c.cause == AWAY + runs.c.id)
    .correlate(runs)
    .exists()
)
_UNTOLD = (
    select(*columns_of(runs, Run))
    .where(runs.c.state == RunState.WAITING, runs.c.due_at <= _now, RUN_IS_HELD_BACK, ~_is_told)
    .order_by(runs.c.due_at)
    .limit(bindparam("at_most"))
)


class Breakers:
    """Fulfils `BreakerStore`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find(self, agent: BackendName) -> Breaker | None:
        row = self._connection.execute(_FIND, {"of_agent": agent}).mappings().one_or_none()
        return Breaker(**row) if row else None

    def save(self, breaker: Breaker) -> None:
        self._connection.execute(_UPSERT, row_of(breaker))

    def remove(self, agent: BackendName) -> None:
        self._connection.execute(_REMOVE, {"of_agent": agent})

    def untold(self, *, now: datetime, limit: int) -> Sequence[Run]:
        rows = self._connection.execute(_UNTOLD, {"now": now, "at_most": limit})
        return [Run(**row) for row in rows.mappings()]
