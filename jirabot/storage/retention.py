"""The rows that are kept for a time only: found in order of their numbers, forgotten where they still are old."""

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, Connection, delete, func, or_, select, update
from sqlalchemy.dialects.sqlite import insert

from jirabot.core.conversations import LIVE_RUNS
from jirabot.core.deliveries import FINISHED, DeliveryState
from jirabot.core.ids import ConversationId
from jirabot.core.ports import ForgottenRequests
from jirabot.storage.schema import conversations, deliveries, meta, open_conversation, run_events, runs
from jirabot.storage.spool import ENDING

_PRUNED_AT = "retention.pruned-at"


_added = insert(meta)
_PUT_META = _added.on_conflict_do_update(index_elements=[meta.c.key], set_={"value": _added.excluded["value"]})


def _belongs_to_open(conversation_id: ColumnElement[str]) -> ColumnElement[bool]:
    return (
        select(conversations.c.id)
        .where(conversations.c.id == conversation_id, open_conversation(conversations.c.state))
        .exists()
    )


def _old_request(before: datetime, *, dead: bool) -> ColumnElement[bool]:
    """Say of a delivery that it is finished, was so before then, and that its request is still kept."""
    state = deliveries.c.state == DeliveryState.DEAD if dead else deliveries.c.state.in_(sorted(FINISHED))
    return (
        state
        & (func.coalesce(deliveries.c.handled_at, deliveries.c.received_at) < before)
        & or_(deliveries.c.body.is_not(None), deliveries.c.spool.is_not(None))
        & ~_belongs_to_open(deliveries.c.conversation_id)
    )


def _old_report(before: datetime) -> ColumnElement[bool]:
    return (run_events.c.at < before) & ~_belongs_to_open(run_events.c.conversation_id)


class Retention:
    """Fulfils `RetentionStore`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def old_requests(self, *, before: datetime, dead: bool, after: int, limit: int) -> Sequence[int]:
        query = select(deliveries.c.no).where(deliveries.c.no > after, _old_request(before, dead=dead))
        return self._connection.execute(query.order_by(deliveries.c.no).limit(limit)).scalars().all()

    def forget_requests(self, numbers: Sequence[int], *, before: datetime, dead: bool) -> ForgottenRequests:
        asked = deliveries.c.no.in_(numbers) & _old_request(before, dead=dead)
        files = self._connection.execute(select(deliveries.c.spool).where(asked, deliveries.c.spool.is_not(None)))
        names = tuple(files.scalars())
        forgotten = self._connection.execute(
            update(deliveries).where(asked).values(body=None, spool=None, headers={})
        ).rowcount
        return ForgottenRequests(count=forgotten, files=names)

    def named_files(self, names: Sequence[str]) -> frozenset[str]:
        ids = [name.removesuffix(ENDING) for name in names]
        query = select(deliveries.c.spool).where(deliveries.c.id.in_(ids), deliveries.c.spool.is_not(None))
        return frozenset(self._connection.execute(query).scalars())

    def old_reports(self, *, before: datetime, after: int, limit: int) -> Sequence[int]:
        query = select(run_events.c.no).where(run_events.c.no > after, _old_report(before))
        return self._connection.execute(query.order_by(run_events.c.no).limit(limit)).scalars().all()

    def forget_reports(self, numbers: Sequence[int], *, before: datetime) -> int:
        old = delete(run_events).where(run_events.c.no.in_(numbers), _old_report(before))
        return self._connection.execute(old).rowcount

    def closed_of(self, ids: Sequence[ConversationId], *, before: datetime) -> Sequence[ConversationId]:
        live = select(runs.c.id).where(
            runs.c.conversation_id == conversations.c.id, runs.c.state.in_(sorted(LIVE_RUNS))
        )
        query = select(conversations.c.id).where(
            conversations.c.id.in_(ids),
            ~open_conversation(conversations.c.state),
            conversations.c.updated_at < before,
            ~live.exists(),
        )
        return [ConversationId(id_) for id_ in self._connection.execute(query.order_by(conversations.c.id)).scalars()]

    def pruned_at(self) -> datetime | None:
        value = self._connection.execute(select(meta.c.value).where(meta.c.key == _PRUNED_AT)).scalar_one_or_none()
        return None if value is None else datetime.fromisoformat(value)

    def record_pruned(self, *, at: datetime) -> None:
        self._connection.execute(_PUT_META, {"key": _PRUNED_AT, "value": at.astimezone(UTC).isoformat()})
