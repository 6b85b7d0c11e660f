"""The questions of `db check`: what SQLite says of the file, and rows that do not fit together."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Column, Connection, Table, bindparam, func, or_, select
from sqlalchemy.dialects.sqlite import insert

from jirabot.core.conversations import RunState
from jirabot.core.effects import EffectState
from jirabot.core.ids import LaneId
from jirabot.core.soundness import BodyFile, Dangling, Held
from jirabot.storage import lanes as lane_rows
from jirabot.storage.schema import (
    actions,
    conversations,
    deliveries,
    lanes,
    outbox,
    rejections,
    run_events,
    runs,
    unfinished_delivery,
    unfinished_effect,
    workspaces,
)

MOST = 20
"""So many faults of one kind are told at most: there is one cause, and it shows in the first."""

_LOOSE: Sequence[tuple[Table, Column[str], Table]] = (
    (deliveries, deliveries.c.workspace_id, workspaces),
    (lanes, lanes.c.workspace_id, workspaces),
    (actions, actions.c.workspace_id, workspaces),
    (rejections, rejections.c.workspace_id, workspaces),
    (run_events, run_events.c.conversation_id, conversations),
    (outbox, outbox.c.conversation_id, conversations),
)
"""What no foreign key holds: the inbox takes what the door has proved, and a report belongs to its run."""

_BODIES = select(deliveries.c.id, deliveries.c.spool).where(deliveries.c.spool.is_not(None))
_STRANDED = (
    select(deliveries.c.id, deliveries.c.lane_id, deliveries.c.workspace_id, deliveries.c.issue_id, deliveries.c.due_at)
    .outerjoin(lanes, lanes.c.id == deliveries.c.lane_id)
    .where(unfinished_delivery(deliveries.c.state), func.coalesce(lanes.c.state, lane_rows.IDLE) == lane_rows.IDLE)
    .order_by(deliveries.c.no)
)
_HELD_LANES = select(lanes.c.issue_id, lanes.c.owner, lanes.c.lease_until).where(lanes.c.state == lane_rows.LEASED)
_HELD_RUNS = select(runs.c.id, runs.c.owner, runs.c.lease_until).where(
    runs.c.state == RunState.RUNNING, runs.c.owner != "", runs.c.lease_until.is_not(None)
)
_older = outbox.alias("older")
_is_behind = (
    select(_older.c.no)
    .where(
        unfinished_effect(_older.c.state),
        _older.c.workspace_id == outbox.c.workspace_id,
        _older.c.issue_id == outbox.c.issue_id,
        _older.c.no < outbox.c.no,
    )
    .exists()
)
_OVERDUE = (
    select(outbox.c.id)
    .where(
        unfinished_effect(outbox.c.state),
        or_(
            (outbox.c.state == EffectState.SENDING) & (outbox.c.sent_at < bindparam("before")),
            (outbox.c.state == EffectState.PENDING) & (outbox.c.due_at < bindparam("before")) & ~_is_behind,
        ),
    )
    .order_by(outbox.c.no)
    .limit(MOST)
)


class Soundness:
    """Fulfils `SoundnessStore`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def damage(self) -> Sequence[str]:
        told = self._connection.exec_driver_sql(f"PRAGMA integrity_check({MOST})").scalars()
        return [str(line) for line in told if line != "ok"]

    def dangling(self) -> Sequence[Dangling]:
        broken = self._connection.exec_driver_sql("PRAGMA foreign_key_check").all()
        found = [
            Dangling(table=table, names=names, count=count)
            for (table, names), count in Counter((row[0], row[2]) for row in broken).items()
        ]
        for table, column, of in _LOOSE:
            there = select(of.c.id).where(of.c.id == column).exists()
            query = select(func.count()).select_from(table).where(column.is_not(None), ~there)
            if count := self._connection.execute(query).scalar_one():
                found.append(Dangling(table=table.name, names=of.name, count=count))
        return found

    def bodies(self) -> Sequence[BodyFile]:
        return [BodyFile(delivery_id=id_, name=name) for id_, name in self._connection.execute(_BODIES)]

    def stranded(self) -> Sequence[str]:
        return [row.id for row in self._connection.execute(_STRANDED.limit(MOST))]

    def wake_stranded(self) -> int:
        rows = self._connection.execute(_STRANDED).all()
        for row in rows:
            lane = {"id": row.lane_id, "workspace_id": row.workspace_id, "issue_id": row.issue_id}
            made = {**lane, "state": lane_rows.IDLE, "ready_at": row.due_at, "owner": "", "epoch": 0}
            self._connection.execute(insert(lanes).on_conflict_do_nothing(), made)
            lane_rows.look_again_at(self._connection, LaneId(row.lane_id))
        return len(rows)

    def held(self) -> Sequence[Held]:
        of_lanes = [
            Held(what=f"the lane of issue `{row.issue_id or '-'}`", owner=row.owner, until=row.lease_until)
            for row in self._connection.execute(_HELD_LANES)
        ]
        of_runs = [
            Held(what=f"the run `{row.id}`", owner=row.owner, until=row.lease_until)
            for row in self._connection.execute(_HELD_RUNS)
        ]
        return [*of_lanes, *of_runs]

    def overdue(self, *, before: datetime) -> Sequence[str]:
        return list(self._connection.execute(_OVERDUE, {"before": before}).scalars())
