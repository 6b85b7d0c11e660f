"""The rows of deliveries: what came, in which order, and what it led to."""

import sqlite3
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

import orjson
from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Update,
    bindparam,
    exists,
    func,
    literal_column,
    select,
    update,
)
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.sql.dml import ReturningUpdate

from jirabot.core.access import EVERYTHING, Sight
from jirabot.core.deliveries import (
    DISCARDABLE,
    RETRYABLE,
    UNFINISHED,
    Delivery,
    DeliveryState,
    Lease,
    NewDelivery,
    Origin,
    Outcome,
    Recorded,
    SavedDelivery,
    lanes_of,
)
from jirabot.core.ids import DeliveryId, IssueKey, LaneId, TriggerKey, WorkspaceId
from jirabot.storage import lanes, runs
from jirabot.storage.columns import columns_of, microseconds, row_of
from jirabot.storage.connections import driver_of
from jirabot.storage.schema import actions, deliveries, settled_delivery, unfinished_delivery
from jirabot.storage.spool import LARGEST_IN_ROW_BYTES, Spool

MOST_IN_A_STATEMENT = 256
"""Deliveries in one INSERT: SQLite binds 32,766 values at most, and every number of rows is a statement of its own."""

_RECORDED_COLUMNS = (
    "id", "workspace_id", "lane_id", "fingerprint", "kind", "issue_id", "issue_key", "state", "decision", "reason",
    "text", "steps", "attempts", "due_at", "received_at", "replay_of", "headers", "body", "spool", "origin",
)  # fmt: skip


class Recordable(NamedTuple):
    """A delivery made ready to be recorded: what can fail for it alone, or takes time, is behind it."""

    delivery: NewDelivery
    values: tuple[object, ...]
    spool: str | None

    @property
    def size_bytes(self) -> int:
        """Tell how much it adds to a batch."""
        return 0 if self.spool else len(self.delivery.body)


def is_large(delivery: NewDelivery) -> bool:
    """Say whether the body goes into a file of its own."""
    return len(delivery.body) > LARGEST_IN_ROW_BYTES


def recordable(delivery: NewDelivery, spool: Spool) -> Recordable:
    """Make a delivery ready to be recorded; a large body is on the disk when this returns.

    Raises:
        StorageUnavailable: the disk refuses.
    """
    name = spool.keep(delivery.id, delivery.body) if is_large(delivery) else None
    received_at = microseconds(delivery.received_at)
    due_at = microseconds(delivery.due_at) if delivery.due_at else received_at
    values = (
        delivery.id, delivery.workspace_id, delivery.lane_id, delivery.fingerprint, delivery.kind, delivery.issue_id,
        delivery.issue_key, str(delivery.state), delivery.decision, delivery.reason, delivery.text, "[]", 0,
        due_at, received_at, delivery.replay_of, _headers(delivery.headers), None if name else delivery.body, name,
        str(delivery.origin),
    )  # fmt: skip
    return Recordable(delivery, values, name)


def record(driver: sqlite3.Connection, batch: Sequence[Recordable], spool: Spool) -> Sequence[Recorded]:
    """Insert what is new of *batch*, in order: one statement for up to 256, each all or nothing."""
    recorded: list[Recorded] = []
    for first in range(0, len(batch), MOST_IN_A_STATEMENT):
        recorded += _record(driver, batch[first : first + MOST_IN_A_STATEMENT], spool)
    return recorded


def _record(driver: sqlite3.Connection, batch: Sequence[Recordable], spool: Spool) -> Sequence[Recorded]:
    values = [value for row in batch for value in row.values]
    inserted = driver.execute(_insert_text(len(batch)), values).rowcount
    ids = [row.delivery.id for row in batch]
    # Most batches hold no copy. Asking for what was inserted, row by row, would hand the interpreter's lock to and fro
    # for every one, between this thread and the loop that answers.
    if inserted == len(batch):
        return [Recorded(id_, duplicate=False) for id_ in ids]
    new = _inserted(driver, ids, inserted)
    return [_told(driver, row, new, spool) for row in batch]


def _inserted(driver: sqlite3.Connection, ids: Sequence[DeliveryId], count: int) -> set[DeliveryId]:
    """Find those of a batch that its INSERT has added: none that was there before has a later number."""
    marks = ", ".join("?" * len(ids))
    text = f"SELECT id FROM deliveries WHERE id IN ({marks}) ORDER BY no DESC LIMIT ?"  # noqa: S608 - marks only
    return {DeliveryId(id_) for (id_,) in driver.execute(text, [*ids, count])}


def _told(driver: sqlite3.Connection, row: Recordable, new: set[DeliveryId], spool: Spool) -> Recorded:
    delivery = row.delivery
    if delivery.id in new:
        return Recorded(id=delivery.id, duplicate=False)
    first = driver.execute(_FIRST_TEXT, (delivery.workspace_id, delivery.fingerprint)).fetchone()
    # None where another process has removed it in the moment since: the look is no part of the statement.
    id_ = DeliveryId(first[0]) if first else None
    if row.spool and id_ != delivery.id:
        spool.forget(row.spool)
    return Recorded(id=id_ or delivery.id, duplicate=True)


@cache
def _insert_text(count: int) -> str:
    # One statement with many rows is twice as fast as executemany; SQLAlchemy would compile it for every count anew.
    row = f"({', '.join('?' * len(_RECORDED_COLUMNS))})"
    return (
        f"INSERT INTO deliveries ({', '.join(_RECORDED_COLUMNS)}) VALUES {', '.join([row] * count)}"  # noqa: S608 - constants only
        " ON CONFLICT (workspace_id, fingerprint) DO NOTHING"
    )


def _headers(headers: Mapping[str, str]) -> str:
    try:
        return orjson.dumps(dict(headers)).decode()
    except TypeError:
        # Bytes that are no UTF-8 come as lone surrogates, which JSON and text columns don't take.
        return orjson.dumps({k: v.encode("utf-8", "replace").decode() for k, v in headers.items()}).decode()


_COLUMNS = columns_of(deliveries, Delivery)
_same_body = (deliveries.c.workspace_id == bindparam("of_workspace")) & (
    deliveries.c.fingerprint == bindparam("of_body")
)
_FIRST_TEXT = "SELECT id FROM deliveries WHERE workspace_id = ? AND fingerprint = ?"
_FIND_FIRST = select(*_COLUMNS).where(_same_body)
_FIND = select(*_COLUMNS).where(deliveries.c.id == bindparam("delivery_id"))
_REQUEST = select(deliveries.c.headers, deliveries.c.body, deliveries.c.spool).where(
    deliveries.c.id == bindparam("delivery_id")
)
_NEWEST = select(*_COLUMNS).order_by(deliveries.c.no.desc())

# Of all lanes: SQLite takes a partial index only where a range of it is asked for.
_UNFINISHED = select(deliveries.c.no).where(
    unfinished_delivery(deliveries.c.state), deliveries.c.lane_id > literal_column("''")
)
_OF_THE_UNFINISHED = deliveries.c.no.in_(_UNFINISHED.correlate(None))
_OF_THE_SETTLED = settled_delivery(deliveries.c.state)
_ON_ISSUE = (
    select(func.max(deliveries.c.no))
    .where(
        deliveries.c.issue_key == bindparam("on_issue"),
        deliveries.c.reason.not_in(bindparam("passed_over", expanding=True)),
    )
    .group_by(deliveries.c.workspace_id)
    .correlate(None)
)
_NEWEST_ON = tuple(
    select(*_COLUMNS).where(deliveries.c.no.in_(_ON_ISSUE.where(part)))
    for part in (_OF_THE_SETTLED, _OF_THE_UNFINISHED)
)

HEAD = (
    select(*_COLUMNS)
    .where(
        deliveries.c.lane_id == bindparam("lane"),
        unfinished_delivery(deliveries.c.state),
        exists().where(lanes.stands()),
    )
    .order_by(deliveries.c.no)
    .limit(1)
)


def _handle(**values: Any) -> Update:
    return (
        update(deliveries)
        .where(
            deliveries.c.id == bindparam("delivery"),
            deliveries.c.lane_id == bindparam("lane"),
            unfinished_delivery(deliveries.c.state),
            exists().where(lanes.stands()),
        )
        .values(**values)
    )


_CONCLUDE = _handle(
    state=bindparam("new_state"),
    decision=bindparam("new_decision"),
    reason=bindparam("new_reason"),
    text=bindparam("new_text"),
    steps=bindparam("new_steps"),
    trigger_key=bindparam("new_trigger_key"),
    conversation_id=bindparam("new_conversation_id"),
    issue_key=func.coalesce(bindparam("new_issue_key"), deliveries.c.issue_key),
    handled_at=bindparam("now"),
)
_POSTPONE = _handle(
    state=DeliveryState.WAITING,
    due_at=bindparam("new_due_at"),
    reason=bindparam("new_reason"),
    text=bindparam("new_text"),
    attempts=deliveries.c.attempts + bindparam("more"),
)
_REWRITE = _handle(body=bindparam("new_body"))
_RETRY = (
    update(deliveries)
    .where(deliveries.c.id == bindparam("delivery"), deliveries.c.state.in_(sorted(RETRYABLE)))
    .values(
        state=DeliveryState.RECEIVED,
        decision="",
        reason="",
        text="",
        steps=(),
        attempts=0,
        due_at=bindparam("now"),
        handled_at=None,
    )
    .returning(deliveries.c.lane_id)
)
_DISCARD = (
    update(deliveries)
    .where(deliveries.c.id == bindparam("delivery"), deliveries.c.state.in_(sorted(DISCARDABLE)))
    .values(
        state=DeliveryState.DISCARDED,
        decision="discard",
        reason=bindparam("new_reason"),
        text=bindparam("new_text"),
        handled_at=bindparam("now"),
    )
    .returning(deliveries.c.lane_id)
)
_RELEASE_KEPT = (
    update(deliveries)
    .where(
        deliveries.c.workspace_id == bindparam("of_workspace"),
        deliveries.c.state == DeliveryState.PAUSED,
        settled_delivery(deliveries.c.state),
    )
    .values(state=DeliveryState.RECEIVED, decision="", reason="", text="", due_at=bindparam("now"))
)
_ACTED = select(actions.c.delivery_id).where(
    actions.c.workspace_id == bindparam("of_workspace"), actions.c.trigger_key == bindparam("of_key")
)
_TOLD = (
    select(deliveries.c.no)
    .where(
        deliveries.c.workspace_id == bindparam("of_workspace"),
        deliveries.c.trigger_key == bindparam("of_key"),
        deliveries.c.state != DeliveryState.DEAD,
    )
    .limit(1)
)
_ACT = insert(actions).on_conflict_do_nothing()

_BACKLOG = (
    select(deliveries.c.no)
    .where(
        unfinished_delivery(deliveries.c.state),
        deliveries.c.lane_id >= bindparam("first_lane"),
        deliveries.c.lane_id < bindparam("beyond_lanes"),
    )
    .limit(bindparam("most"))
)
_COUNT = select(deliveries.c.workspace_id, deliveries.c.state, func.count()).group_by(
    deliveries.c.workspace_id, deliveries.c.state
)
_COUNTS = (_COUNT.where(_OF_THE_SETTLED), _COUNT.where(_OF_THE_UNFINISHED))


_WORKSPACE = func.coalesce(deliveries.c.workspace_id, "")
"""The workspace of the unfinished, which are few: SQLite would look for them among all that the workspace has."""


def _of_workspaces(
    query: Select[Any], place: ColumnElement[str], workspace_id: WorkspaceId | None, seen: Sight
) -> Select[Any]:
    if workspace_id is not None:
        query = query.where(place == workspace_id)
    return query if seen.workspaces is None else query.where(place.in_(seen.workspaces))


def _in_state(query: Select[Any], state: DeliveryState) -> Select[Any]:
    part = _OF_THE_UNFINISHED if state in UNFINISHED else _OF_THE_SETTLED
    return query.where(deliveries.c.state == state, part)


class Deliveries:
    """Fulfils `DeliveryStore`."""

    def __init__(self, connection: Connection, spool: Spool) -> None:
        self._connection, self._spool = connection, spool

    def record(self, new: Sequence[NewDelivery]) -> Sequence[Recorded]:
        batch = [recordable(delivery, self._spool) for delivery in new]
        return record(driver_of(self._connection), batch, self._spool)

    def find(self, delivery_id: DeliveryId) -> Delivery | None:
        row = self._connection.execute(_FIND, {"delivery_id": delivery_id}).mappings().one_or_none()
        return Delivery(**row) if row else None

    def find_by_fingerprint(self, workspace_id: WorkspaceId, fingerprint: str) -> Delivery | None:
        asked = {"of_workspace": workspace_id, "of_body": fingerprint}
        row = self._connection.execute(_FIND_FIRST, asked).mappings().one_or_none()
        return Delivery(**row) if row else None

    def newest_on(self, issue_key: IssueKey, *, passing_over: Collection[str] = ()) -> Sequence[Delivery]:
        asked = {"on_issue": issue_key, "passed_over": list(passing_over)}
        rows = [row for query in _NEWEST_ON for row in self._connection.execute(query, asked).mappings()]
        newest: dict[WorkspaceId, Delivery] = {}
        for row in sorted(rows, key=lambda row: row["no"], reverse=True):
            newest.setdefault(row["workspace_id"], Delivery(**row))
        return list(newest.values())

    def request_of(self, delivery_id: DeliveryId) -> SavedDelivery | None:
        row = self._connection.execute(_REQUEST, {"delivery_id": delivery_id}).one_or_none()
        if row is None:
            return None
        body = self._spool.read(row.spool) if row.spool else row.body
        return None if body is None else SavedDelivery(headers=row.headers, body=body)

    def list(
        self,
        *,
        workspace_id: WorkspaceId | None = None,
        state: DeliveryState | None = None,
        origin: Origin | None = None,
        limit: int = 50,
        seen: Sight = EVERYTHING,
        before: str | None = None,
    ) -> Sequence[Delivery]:
        newest = _NEWEST.limit(limit)
        if origin is not None:
            newest = newest.where(deliveries.c.origin == origin)
        if before is not None:
            other = deliveries.alias("other")
            newest = newest.where(deliveries.c.no < select(other.c.no).where(other.c.id == before).scalar_subquery())
        if workspace_id is None and state is None:
            return self._found(_of_workspaces(newest, deliveries.c.workspace_id, None, seen))
        # One state after the other, as the index has them: else all that the workspace has is sorted.
        found: list[Delivery] = []
        for each in DeliveryState if state is None else [state]:
            place = _WORKSPACE if each in UNFINISHED else deliveries.c.workspace_id
            found += self._found(_in_state(_of_workspaces(newest, place, workspace_id, seen), each))
        return sorted(found, key=lambda delivery: delivery.no, reverse=True)[:limit]

    def _found(self, query: Select[Any]) -> Sequence[Delivery]:
        return [Delivery(**row) for row in self._connection.execute(query).mappings()]

    def counts(self) -> Mapping[tuple[WorkspaceId, DeliveryState], int]:
        rows = [row for query in _COUNTS for row in self._connection.execute(query)]
        return {(WorkspaceId(workspace_id), state): count for workspace_id, state, count in rows}

    def backlog(self, workspace_id: WorkspaceId, *, most: int) -> int:
        first, beyond = lanes_of(workspace_id)
        asked = {"first_lane": first, "beyond_lanes": beyond, "most": most}
        return len(self._connection.execute(_BACKLOG, asked).all())

    def claim_lane(self, *, owner: str, now: datetime, until: datetime, only: LaneId | None = None) -> Lease | None:
        return lanes.claim(self._connection, owner=owner, now=now, until=until, only=only)

    def renew_lane(self, lease: Lease, *, until: datetime) -> bool:
        return lanes.renew(self._connection, lease, until=until)

    def head_of(self, lease: Lease, *, now: datetime) -> Delivery | None:
        row = self._connection.execute(HEAD, lanes.lease_values(lease)).mappings().one_or_none()
        return Delivery(**row) if row and row["due_at"] <= now else None

    def conclude(self, lease: Lease, delivery_id: DeliveryId, outcome: Outcome, *, now: datetime) -> bool:
        changes = {f"new_{name}": value for name, value in row_of(outcome).items()}
        return self._handled(_CONCLUDE, lease, delivery_id, {**changes, "now": now})

    def postpone(
        self,
        lease: Lease,
        delivery_id: DeliveryId,
        *,
        due_at: datetime,
        reason: str,
        text: str,
        counted: bool = True,
    ) -> bool:
        changes = {"new_due_at": due_at, "new_reason": reason, "new_text": text, "more": int(counted)}
        return self._handled(_POSTPONE, lease, delivery_id, changes)

    def rewrite(self, lease: Lease, delivery_id: DeliveryId, body: bytes) -> bool:
        return self._handled(_REWRITE, lease, delivery_id, {"new_body": body})

    def _handled(self, change: Update, lease: Lease, delivery_id: DeliveryId, values: Mapping[str, Any]) -> bool:
        asked = {**lanes.lease_values(lease), "delivery": delivery_id, **values}
        return self._connection.execute(change, asked).rowcount == 1

    def release_lane(self, lease: Lease) -> None:
        lanes.release(self._connection, lease)

    def release_leases_of_others(self, *, owner: str) -> int:
        freed = lanes.release_of_others(self._connection, owner=owner)
        return freed + runs.release_of_others(self._connection, owner=owner)

    def next_due_at(self) -> datetime | None:
        return lanes.next_due_at(self._connection)

    def acted(self, workspace_id: WorkspaceId, key: TriggerKey) -> DeliveryId | None:
        asked = {"of_workspace": workspace_id, "of_key": key}
        found = self._connection.execute(_ACTED, asked).scalar_one_or_none()
        return None if found is None else DeliveryId(found)

    def is_told(self, workspace_id: WorkspaceId, key: TriggerKey) -> bool:
        asked = {"of_workspace": workspace_id, "of_key": key}
        return self._connection.execute(_TOLD, asked).first() is not None

    def record_action(
        self, workspace_id: WorkspaceId, key: TriggerKey, delivery_id: DeliveryId, *, now: datetime
    ) -> bool:
        row = {"workspace_id": workspace_id, "trigger_key": key, "delivery_id": delivery_id, "acted_at": now}
        self._connection.execute(_ACT, row)
        return self.acted(workspace_id, key) == delivery_id

    def retry(self, delivery_id: DeliveryId, *, now: datetime) -> bool:
        return self._moved(_RETRY, {"delivery": delivery_id, "now": now})

    def discard(self, delivery_id: DeliveryId, *, reason: str, text: str, now: datetime) -> bool:
        changes = {"new_reason": reason, "new_text": text, "now": now}
        return self._moved(_DISCARD, {"delivery": delivery_id, **changes})

    def _moved(self, change: ReturningUpdate[Any], values: Mapping[str, Any]) -> bool:
        """Change a delivery whoever works on its lane, and set anew when the lane is ready."""
        moved = self._connection.execute(change, values).one_or_none()
        if moved is None:
            return False
        lanes.look_again_at(self._connection, LaneId(moved.lane_id))
        return True

    def release_kept(self, workspace_id: WorkspaceId, *, now: datetime) -> int:
        asked = {"of_workspace": workspace_id, "now": now}
        kept = self._connection.execute(_RELEASE_KEPT, asked).rowcount
        if kept:
            lanes.look_again(self._connection, workspace_id)
        return kept
