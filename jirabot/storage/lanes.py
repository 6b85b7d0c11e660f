"""The rows of lanes, one an issue: who may work on it, and when. A lane is claimed, never a delivery.

A lane is `idle`, `ready` from `ready_at` on, or `leased` until `lease_until`; a delivery that comes makes an idle one
ready, or makes it (the trigger `deliveries_lane`). Each claim raises `epoch`; a holder whose owner and epoch no longer
stand in the row has lost the lane and changes nothing.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Text,
    bindparam,
    case,
    func,
    literal,
    select,
    update,
)
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.sql.dml import ReturningUpdate

from jirabot.core.deliveries import Lease, lanes_of
from jirabot.core.ids import LaneId, WorkspaceId
from jirabot.storage.schema import deliveries, lanes, unfinished_delivery

IDLE, READY, LEASED = "idle", "ready", "leased"


def stands() -> ColumnElement[bool]:
    """Say that the lease of `lease_values` stands in its lane."""
    return (
        (lanes.c.id == bindparam("lane"))
        & (lanes.c.owner == bindparam("owner_now"))
        & (lanes.c.epoch == bindparam("epoch_now"))
        & (lanes.c.state == LEASED)
    )


def lease_values(lease: Lease) -> dict[str, Any]:
    """Give the parameters of `stands`."""
    return {"lane": lease.key, "owner_now": lease.owner, "epoch_now": lease.epoch}


_only = bindparam("only", type_=Text).is_(None) | (lanes.c.id == bindparam("only", type_=Text))


def _claim(*conditions: ColumnElement[bool], first: ColumnElement[Any]) -> ReturningUpdate[Any]:
    chosen = select(lanes.c.id).where(*conditions, _only).order_by(first).limit(1).scalar_subquery()
    return (
        update(lanes)
        .where(lanes.c.id == chosen)
        .values(state=LEASED, owner=bindparam("by"), epoch=lanes.c.epoch + 1, lease_until=bindparam("until"))
        .returning(lanes.c.id, lanes.c.workspace_id, lanes.c.epoch)
    )


CLAIM_EXPIRED = _claim(lanes.c.state == LEASED, lanes.c.lease_until <= bindparam("now"), first=lanes.c.lease_until)
CLAIM_READY = _claim(lanes.c.state == READY, lanes.c.ready_at <= bindparam("now"), first=lanes.c.ready_at)

_RENEW = update(lanes).where(stands()).values(lease_until=bindparam("until"))

_head_due = (
    select(deliveries.c.due_at)
    .where(deliveries.c.lane_id == lanes.c.id, unfinished_delivery(deliveries.c.state))
    .order_by(deliveries.c.no)
    .limit(1)
    .scalar_subquery()
)
_GIVE_BACK = update(lanes).values(
    state=case((_head_due.is_(None), IDLE), else_=READY),
    ready_at=func.coalesce(_head_due, lanes.c.ready_at),
    owner="",
    lease_until=None,
)
_RELEASE = _GIVE_BACK.where(stands())
_RELEASE_OF_OTHERS = _GIVE_BACK.where(lanes.c.state == LEASED, lanes.c.owner != bindparam("by"))
_LOOK_AGAIN_AT = _GIVE_BACK.where(lanes.c.id == bindparam("lane"), lanes.c.state != LEASED)
_LOOK_AGAIN = _GIVE_BACK.where(lanes.c.workspace_id == bindparam("of_workspace"), lanes.c.state != LEASED)

_missing = (
    select(
        deliveries.c.lane_id,
        deliveries.c.workspace_id,
        deliveries.c.issue_id,
        literal(IDLE),
        func.min(deliveries.c.received_at),
        literal(""),
        literal(0),
    )
    .where(
        unfinished_delivery(deliveries.c.state),
        deliveries.c.lane_id.between(bindparam("first_lane"), bindparam("last_lane")),
    )
    .group_by(deliveries.c.lane_id, deliveries.c.workspace_id, deliveries.c.issue_id)
)
_ADD_MISSING = (
    insert(lanes)
    .from_select(["id", "workspace_id", "issue_id", "state", "ready_at", "owner", "epoch"], _missing)
    .on_conflict_do_nothing()
)
_NEXT_DUE = select(
    select(func.min(lanes.c.ready_at)).where(lanes.c.state == READY).scalar_subquery(),
    select(func.min(lanes.c.lease_until)).where(lanes.c.state == LEASED).scalar_subquery(),
)


def claim(connection: Connection, *, owner: str, now: datetime, until: datetime, only: LaneId | None) -> Lease | None:
    """Lease a lane whose lease ran out, else the one that is ready for longest; *only*: no other than that."""
    asked = {"by": owner, "now": now, "until": until, "only": only}
    row = connection.execute(CLAIM_EXPIRED, asked).one_or_none() or connection.execute(CLAIM_READY, asked).one_or_none()
    return Lease(key=row.id, workspace_id=row.workspace_id, owner=owner, epoch=row.epoch) if row else None


def renew(connection: Connection, lease: Lease, *, until: datetime) -> bool:
    """Prolong a lease; False where it was lost."""
    return connection.execute(_RENEW, {**lease_values(lease), "until": until}).rowcount == 1


def release(connection: Connection, lease: Lease) -> None:
    """Give a lane back, ready when its oldest unfinished delivery is due; nothing where the lease was lost."""
    connection.execute(_RELEASE, lease_values(lease))


def release_of_others(connection: Connection, *, owner: str) -> int:
    """Give back every lane that *owner* does not hold; count them."""
    return connection.execute(_RELEASE_OF_OTHERS, {"by": owner}).rowcount


def look_again(connection: Connection, workspace_id: WorkspaceId) -> None:
    """Set when the lanes of a workspace are ready by what they hold now; leave alone those that are worked on."""
    _add_missing(connection, *lanes_of(workspace_id))
    connection.execute(_LOOK_AGAIN, {"of_workspace": workspace_id})


def _add_missing(connection: Connection, first: LaneId, last: LaneId) -> None:
    """Make the lanes that are not there yet: what was recorded as dead, and is to be handled now, has made none."""
    connection.execute(_ADD_MISSING, {"first_lane": first, "last_lane": last})


def look_again_at(connection: Connection, lane_id: LaneId) -> None:
    """Set when a lane is ready by what it holds now; one that is worked on is looked at when it is given back."""
    _add_missing(connection, lane_id, lane_id)
    connection.execute(_LOOK_AGAIN_AT, {"lane": lane_id})


def next_due_at(connection: Connection) -> datetime | None:
    """Tell when the next lane can be claimed: it is ready, or its lease runs out."""
    return min((at for at in connection.execute(_NEXT_DUE).one() if at is not None), default=None)
