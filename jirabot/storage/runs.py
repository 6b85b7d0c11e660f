"""The rows of runs: agent work that waits for a slot, or is leased by a daemon while it goes on."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Text, bindparam, func, insert, or_, select, update
from sqlalchemy.sql.dml import ReturningUpdate

from jirabot.core.conversations import LIVE_RUNS, Run, RunState
from jirabot.core.deliveries import Lease
from jirabot.core.ids import ConversationId, RepositoryId, RunId
from jirabot.storage.breakers import PROBE, RUN_IS_HELD_BACK
from jirabot.storage.columns import columns_of, row_of
from jirabot.storage.pauses import RUN_IS_PAUSED
from jirabot.storage.schema import conversations, runs

_LEASING = ("owner", "epoch", "lease_until", "stop_requested", "stop_cause")
"""What `save` leaves as it is: it belongs to who claims and to who asks to stop."""

_COLUMNS = columns_of(runs, Run)
_FIND = select(*_COLUMNS).where(runs.c.id == bindparam("run_id"))
_LIST = select(*_COLUMNS).where(runs.c.conversation_id == bindparam("of_conversation")).order_by(runs.c.number)
_LIVE = (
    select(*_COLUMNS)
    .where(runs.c.conversation_id == bindparam("of_conversation"), runs.c.state.in_(sorted(LIVE_RUNS)))
    .order_by(runs.c.number.desc())
    .limit(1)
)
_RUNNING = select(*_COLUMNS).where(runs.c.state == RunState.RUNNING).order_by(runs.c.due_at)
_REQUEST_STOP = (
    update(runs)
    .where(runs.c.id == bindparam("run_id"), ~runs.c.stop_requested)
    .values(stop_requested=True, stop_cause=bindparam("of_stop"))
)

_stands = (
    (runs.c.id == bindparam("run_id"))
    & (runs.c.owner == bindparam("owner_now"))
    & (runs.c.epoch == bindparam("epoch_now"))
)
_RENEW = update(runs).where(_stands).values(lease_until=bindparam("until"))
_HOLDS = select(runs.c.id).where(_stands)
_RELEASE = update(runs).where(_stands).values(owner="", lease_until=None)
_RELEASE_OF_OTHERS = (
    update(runs)
    .where(runs.c.state == RunState.RUNNING, runs.c.owner != "", runs.c.owner != bindparam("by"))
    .values(owner="", lease_until=None)
)

_now = bindparam("now", type_=runs.c.due_at.type)
_held = runs.alias("held")
_is_held = (_held.c.state == RunState.RUNNING) & (_held.c.lease_until > _now)
HELD_BY_ALL = select(func.count()).select_from(_held).where(_is_held)
_held_of_workspace = HELD_BY_ALL.where(_held.c.workspace_id == runs.c.workspace_id).scalar_subquery()
_held_of_user = HELD_BY_ALL.where(
    _held.c.workspace_id == runs.c.workspace_id, _held.c.asker_id == runs.c.asker_id, _held.c.asker_id != ""
).scalar_subquery()
_its = conversations.alias("its")
_repository = (
    select(_its.c.repository_id)
    .where(_its.c.id == runs.c.conversation_id)
    .correlate(runs)  # out of another subquery, which SQLAlchemy does not see by itself
    .scalar_subquery()
)
_HELD_IN_REPOSITORY = HELD_BY_ALL.join(conversations, conversations.c.id == _held.c.conversation_id)
_held_in_its_repository = _HELD_IN_REPOSITORY.where(conversations.c.repository_id == _repository).scalar_subquery()
_COUNT_LEASED = _HELD_IN_REPOSITORY.where(conversations.c.repository_id == bindparam("of_repository"))
_held_of_conversation = (
    select(_held.c.id)
    .where(
        _held.c.state == RunState.RUNNING, _held.c.conversation_id == runs.c.conversation_id, _held.c.id != runs.c.id
    )
    .exists()
)


_only = bindparam("only", type_=Text).is_(None) | (runs.c.conversation_id == bindparam("only", type_=Text))


def _claim(*conditions: ColumnElement[bool]) -> ReturningUpdate[Any]:
    chosen = (
        select(runs.c.id)
        .where(
            *conditions,
            _only,
            _held_of_workspace < bindparam("a_workspace"),
            _held_of_user < bindparam("a_user"),
            _held_in_its_repository < bindparam("a_repository"),
        )
        .order_by(runs.c.due_at, runs.c.id)
        .limit(1)
        .scalar_subquery()
    )
    return (
        update(runs)
        .where(runs.c.id == chosen)
        .values(state=RunState.RUNNING, owner=bindparam("by"), epoch=runs.c.epoch + 1, lease_until=bindparam("until"))
        .returning(*_COLUMNS)
    )


CLAIM_LOST = _claim(runs.c.state == RunState.RUNNING, or_(runs.c.lease_until.is_(None), runs.c.lease_until <= _now))
CLAIM_WAITING = _claim(
    runs.c.state == RunState.WAITING,
    runs.c.due_at <= _now,
    ~_held_of_conversation,
    ~RUN_IS_PAUSED,
    ~RUN_IS_HELD_BACK,
)
_waiting = select(func.min(runs.c.due_at)).where(runs.c.state == RunState.WAITING)
_TIMES = select(
    _waiting.scalar_subquery(),
    _waiting.where(runs.c.due_at > _now).scalar_subquery(),
    select(func.min(func.coalesce(runs.c.lease_until, _now))).where(runs.c.state == RunState.RUNNING).scalar_subquery(),
)
_NO_LIMIT = 2**31


def add(connection: Connection, run: Run) -> None:
    """Add a run."""
    connection.execute(insert(runs), row_of(run))


def save(connection: Connection, run: Run) -> None:
    """Replace all but owner, epoch, lease and stop request."""
    change = update(runs).where(runs.c.id == run.id).values(row_of(run, without=["id", *_LEASING]))
    connection.execute(change)


def times(connection: Connection, *, now: datetime) -> Sequence[datetime]:
    """Tell when the first run that waits is due, the first of those later than *now*, and the first lease runs out."""
    return [at for at in connection.execute(_TIMES, {"now": now}).one() if at is not None]


def find(connection: Connection, run_id: RunId) -> Run | None:
    """Find a run."""
    row = connection.execute(_FIND, {"run_id": run_id}).mappings().one_or_none()
    return Run(**row) if row else None


def list_of(connection: Connection, conversation_id: ConversationId) -> Sequence[Run]:
    """List the runs of a conversation, the first first."""
    rows = connection.execute(_LIST, {"of_conversation": conversation_id})
    return [Run(**row) for row in rows.mappings()]


def find_live(connection: Connection, conversation_id: ConversationId) -> Run | None:
    """Find the run that waits, is held or runs; the newest, where one still winds down."""
    row = connection.execute(_LIVE, {"of_conversation": conversation_id}).mappings().one_or_none()
    return Run(**row) if row else None


def list_running(connection: Connection) -> Sequence[Run]:
    """List the runs that have begun and not ended."""
    return [Run(**row) for row in connection.execute(_RUNNING).mappings()]


def request_stop(connection: Connection, run_id: RunId, *, cause: str) -> None:
    """Ask whoever drives the run to stop it; the first who asks stays its cause."""
    connection.execute(_REQUEST_STOP, {"run_id": run_id, "of_stop": cause})


def claim(
    connection: Connection,
    *,
    owner: str,
    now: datetime,
    until: datetime,
    limits: Mapping[str, int],
    only: ConversationId | None,
) -> Run | None:
    """Lease a running run whose lease ran out, else the oldest due one that waits; its state is `running` then.

    *only*: of no other conversation than that.
    No run of a conversation is begun while another of it runs: they share session and clone. None is begun while
    everything, its workspace or its agent is paused, or its agent's breaker is open, but for one that tries.
    One that had begun goes on.
    """
    if connection.execute(HELD_BY_ALL, {"now": now}).scalar_one() >= limits.get("daemon", _NO_LIMIT):
        return None
    kinds = ("workspace", "user", "repository")
    of_one = {f"a_{kind}": limits.get(kind, _NO_LIMIT) for kind in kinds}
    asked = {"by": owner, "now": now, "until": until, "only": only, **of_one}
    if row := connection.execute(CLAIM_LOST, asked).mappings().one_or_none():
        return Run(**row)
    if row := connection.execute(CLAIM_WAITING, asked).mappings().one_or_none():
        run = Run(**row)
        connection.execute(PROBE, {"of_conversation": run.conversation_id, "run_id": run.id})
        return run
    return None


def count_leased(connection: Connection, repository_id: RepositoryId | None, *, now: datetime) -> int:
    """Count the leased runs: all, or those whose conversations are in that repository."""
    asked = {"now": now} if repository_id is None else {"now": now, "of_repository": repository_id}
    count: int = connection.execute(HELD_BY_ALL if repository_id is None else _COUNT_LEASED, asked).scalar_one()
    return count


def renew(connection: Connection, lease: Lease, *, until: datetime) -> bool:
    """Prolong a lease; False where it was lost."""
    return connection.execute(_RENEW, {**_lease_values(lease), "until": until}).rowcount == 1


def holds(connection: Connection, lease: Lease) -> bool:
    """Say whether the lease still stands."""
    return connection.execute(_HOLDS, _lease_values(lease)).first() is not None


def release(connection: Connection, lease: Lease) -> None:
    """Give a run back; one that still says `running` can be claimed at once."""
    connection.execute(_RELEASE, _lease_values(lease))


def release_of_others(connection: Connection, *, owner: str) -> int:
    """Give back every running run that *owner* does not hold; count them."""
    return connection.execute(_RELEASE_OF_OTHERS, {"by": owner}).rowcount


def _lease_values(lease: Lease) -> dict[str, Any]:
    return {"run_id": lease.key, "owner_now": lease.owner, "epoch_now": lease.epoch}
