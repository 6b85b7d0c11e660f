"""The rows of what is owed to Jira: per issue one after the other, each with an epoch that tells attempts apart."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    Select,
    Text,
    bindparam,
    case,
    delete,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.sqlite import insert

from jirabot.core.access import EVERYTHING, Sight
from jirabot.core.effects import AddComment, EditComment, Effect, EffectKind, EffectState, OwedEffect
from jirabot.core.ids import CommentId, ConversationId, EffectId, IssueId, WorkspaceId
from jirabot.errors import Conflict
from jirabot.storage.columns import row_of
from jirabot.storage.schema import outbox, unfinished_effect

_COLUMNS = [column for column in outbox.c if column.name != "no"]
_SELECT = select(*_COLUMNS).order_by(outbox.c.no)
_OWE = insert(outbox).on_conflict_do_nothing(index_elements=[outbox.c.workspace_id, outbox.c.cause, outbox.c.seq])

_other = outbox.alias("other")
_is_in_flight = _other.c.state == EffectState.SENDING


def _another(*which: ColumnElement[bool]) -> ColumnElement[bool]:
    """Say that another unfinished effect of the same issue is there."""
    of_the_issue = (_other.c.workspace_id == outbox.c.workspace_id, _other.c.issue_id == outbox.c.issue_id)
    return select(_other.c.no).where(unfinished_effect(_other.c.state), *of_the_issue, *which).exists()


# Progress that waits, for the budget as a rule, holds nothing back; but one request is in flight an issue, whichever.
# What is in flight is settled whatever stands before it: one that was dead may be owed again meanwhile.
_is_behind = _another(_other.c.no < outbox.c.no, or_(_is_in_flight, _other.c.kind != EffectKind.PROGRESS))
_is_overtaken = (outbox.c.state == EffectState.PENDING) & _another(_other.c.no > outbox.c.no, _is_in_flight)
_is_head = (outbox.c.state == EffectState.SENDING) | (~_is_behind & ~_is_overtaken)
FIND_DUE = _SELECT.where(
    unfinished_effect(outbox.c.state),
    outbox.c.due_at <= bindparam("now"),
    bindparam("only", type_=Text).is_(None) | (outbox.c.issue_id == bindparam("only", type_=Text)),
    _is_head,
).limit(1)
_NEXT_DUE = select(func.min(outbox.c.due_at)).where(unfinished_effect(outbox.c.state), _is_head)

_is_pending = outbox.c.state == EffectState.PENDING
_is_not_known = outbox.c.sent_at.is_not(None) & outbox.c.target.is_(None)
_BEGIN = (
    update(outbox)
    .where(
        outbox.c.id == bindparam("effect_id"),
        outbox.c.epoch == bindparam("epoch_now"),
        unfinished_effect(outbox.c.state),
    )
    .values(
        state=EffectState.SENDING,
        sent_at=case((_is_pending, bindparam("now", type_=outbox.c.sent_at.type)), else_=outbox.c.sent_at),
        attempts=outbox.c.attempts + case((_is_pending, 1), else_=0),
        epoch=outbox.c.epoch + 1,
        due_at=bindparam("until"),
    )
    .returning(*_COLUMNS)
)
_RELEASE_SENDING = (
    update(outbox)
    .where(unfinished_effect(outbox.c.state), outbox.c.state == EffectState.SENDING)
    .values(due_at=bindparam("now"))
)
_SETTLE = (
    update(outbox)
    .where(outbox.c.id == bindparam("effect_id"), outbox.c.epoch == bindparam("epoch_now"))
    .values(
        state=bindparam("new_state"),
        attempts=bindparam("new_attempts"),
        comment_id=bindparam("new_comment_id"),
        error=bindparam("new_error"),
        due_at=bindparam("new_due_at"),
        sent_at=bindparam("new_sent_at"),
    )
)
_REPLACE_TEXT = (
    update(outbox)
    .where(outbox.c.id == bindparam("effect_id"), outbox.c.state == EffectState.PENDING)
    .values(text=bindparam("new_text"))
)
_FIND = _SELECT.where(outbox.c.id == bindparam("effect_id"))
_BY_COMMENT = _SELECT.where(
    outbox.c.workspace_id == bindparam("of_workspace"), outbox.c.comment_id == bindparam("of_comment")
).limit(1)
_SENDING_ON = _SELECT.where(
    unfinished_effect(outbox.c.state),
    outbox.c.state == EffectState.SENDING,
    outbox.c.workspace_id == bindparam("of_workspace"),
    outbox.c.issue_id == bindparam("of_issue"),
)
_OF_CONVERSATION = _SELECT.where(outbox.c.conversation_id == bindparam("of_conversation"))
_OF_CAUSE = (
    select(*_COLUMNS)
    .where(outbox.c.workspace_id == bindparam("of_workspace"), outbox.c.cause == bindparam("of_cause"))
    .order_by(outbox.c.seq)
)
_NEWEST = select(*_COLUMNS).order_by(outbox.c.no.desc())
_EDITS = _SELECT.where(outbox.c.target == bindparam("of_target"))
_RETRY = (
    update(outbox)
    .where(outbox.c.id == bindparam("effect_id"), outbox.c.state == EffectState.DEAD)
    .values(
        state=case((_is_not_known, EffectState.SENDING.value), else_=EffectState.PENDING.value),
        attempts=0,
        error="",
        epoch=outbox.c.epoch + 1,
        due_at=bindparam("now"),
    )
)
_DISCARD = (
    update(outbox)
    .where(
        outbox.c.id == bindparam("effect_id"),
        outbox.c.state.in_([EffectState.PENDING, EffectState.SENDING, EffectState.DEAD]),
    )
    .values(state=EffectState.DISCARDED, epoch=outbox.c.epoch + 1)
)
_is_posted = outbox.c.state.in_([EffectState.SENDING, EffectState.SENT])
_DELETE_UNSENT = delete(outbox).where(outbox.c.conversation_id == bindparam("of_conversation"), ~_is_posted)
_FORGET_SENT = (
    update(outbox)
    .where(outbox.c.conversation_id == bindparam("of_conversation"))
    .values(conversation_id=None, text=case((outbox.c.state == EffectState.SENT, ""), else_=outbox.c.text))
)
_PENDING_EDIT = (
    select(*_COLUMNS)
    .where(outbox.c.target == bindparam("of_target"), outbox.c.state == EffectState.PENDING)
    .order_by(outbox.c.no.desc())
    .limit(1)
)

_COUNTS = select(outbox.c.workspace_id, outbox.c.state, func.count()).group_by(outbox.c.workspace_id, outbox.c.state)


class Outbox:
    """Fulfils `OutboxStore`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def owe(self, effects: Sequence[OwedEffect]) -> None:
        for effect in effects:
            self._connection.execute(_OWE, _row(effect))

    def find_due(self, *, now: datetime, only: IssueId | None = None) -> OwedEffect | None:
        return self._one(FIND_DUE, now=now, only=only)

    def begin(self, effect: OwedEffect, *, now: datetime, until: datetime) -> OwedEffect:
        asked = {"effect_id": effect.id, "epoch_now": effect.epoch, "now": now, "until": until}
        row = self._connection.execute(_BEGIN, asked).mappings().one_or_none()
        if row is None:
            raise Conflict(f"the effect `{effect.id}` has been begun or settled since")
        return _effect(row)

    def release_sending(self, *, now: datetime) -> int:
        return self._connection.execute(_RELEASE_SENDING, {"now": now}).rowcount

    def settle(self, effect: OwedEffect) -> bool:
        changes = {
            "new_state": effect.state,
            "new_attempts": effect.attempts,
            "new_comment_id": effect.comment_id,
            "new_error": effect.error,
            "new_due_at": effect.due_at,
            "new_sent_at": effect.sent_at,
        }
        asked = {"effect_id": effect.id, "epoch_now": effect.epoch, **changes}
        return self._connection.execute(_SETTLE, asked).rowcount == 1

    def replace_text(self, effect_id: EffectId, text: str) -> bool:
        return self._connection.execute(_REPLACE_TEXT, {"effect_id": effect_id, "new_text": text}).rowcount == 1

    def counts(self) -> Mapping[tuple[WorkspaceId, EffectState], int]:
        rows = self._connection.execute(_COUNTS)
        return {(WorkspaceId(workspace_id), state): count for workspace_id, state, count in rows}

    def find(self, effect_id: EffectId) -> OwedEffect | None:
        return self._one(_FIND, effect_id=effect_id)

    def find_by_comment(self, workspace_id: WorkspaceId, comment_id: CommentId) -> OwedEffect | None:
        return self._one(_BY_COMMENT, of_workspace=workspace_id, of_comment=comment_id)

    def sending_on(self, workspace_id: WorkspaceId, issue_id: IssueId) -> Sequence[OwedEffect]:
        return self._all(_SENDING_ON, of_workspace=workspace_id, of_issue=issue_id)

    def of_conversation(self, conversation_id: ConversationId) -> Sequence[OwedEffect]:
        return self._all(_OF_CONVERSATION, of_conversation=conversation_id)

    def of_cause(self, workspace_id: WorkspaceId, cause: str) -> Sequence[OwedEffect]:
        return self._all(_OF_CAUSE, of_workspace=workspace_id, of_cause=cause)

    def forget_conversation(self, conversation_id: ConversationId) -> None:
        for statement in (_DELETE_UNSENT, _FORGET_SENT):
            self._connection.execute(statement, {"of_conversation": conversation_id})

    def list(
        self,
        *,
        workspace_id: WorkspaceId | None = None,
        state: EffectState | None = None,
        limit: int = 50,
        seen: Sight = EVERYTHING,
        before: str | None = None,
    ) -> Sequence[OwedEffect]:
        query = _NEWEST.limit(limit)
        if workspace_id is not None:
            query = query.where(outbox.c.workspace_id == workspace_id)
        if state is not None:
            query = query.where(outbox.c.state == state)
        if seen.workspaces is not None:
            query = query.where(outbox.c.workspace_id.in_(seen.workspaces))
        if before is not None:
            other = outbox.alias("other")
            query = query.where(outbox.c.no < select(other.c.no).where(other.c.id == before).scalar_subquery())
        return self._all(query)

    def edits_of(self, target: EffectId) -> Sequence[OwedEffect]:
        return self._all(_EDITS, of_target=target)

    def retry(self, effect_id: EffectId, *, now: datetime) -> bool:
        return self._connection.execute(_RETRY, {"effect_id": effect_id, "now": now}).rowcount == 1

    def discard(self, effect_id: EffectId) -> bool:
        return self._connection.execute(_DISCARD, {"effect_id": effect_id}).rowcount == 1

    def pending_edit(self, target: EffectId) -> OwedEffect | None:
        return self._one(_PENDING_EDIT, of_target=target)

    def next_due_at(self) -> datetime | None:
        due_at: datetime | None = self._connection.execute(_NEXT_DUE).scalar_one()
        return due_at

    def _one(self, query: Select[Any], **asked: object) -> OwedEffect | None:
        row = self._connection.execute(query, asked).mappings().one_or_none()
        return _effect(row) if row else None

    def _all(self, query: Select[Any], **asked: object) -> Sequence[OwedEffect]:
        return [_effect(row) for row in self._connection.execute(query, asked).mappings()]


def _row(owed: OwedEffect) -> dict[str, Any]:
    return {"target": None, **row_of(owed, without=["effect"]), **row_of(owed.effect)}


def _effect(row: RowMapping) -> OwedEffect:
    values = dict(row)
    kind, text, visibility, target = (values.pop(name) for name in ("kind", "text", "visibility", "target"))
    effect: Effect
    if target is None:
        effect = AddComment(kind=kind, text=text, visibility=visibility)
    else:
        effect = EditComment(kind=kind, target=target, text=text, visibility=visibility)
    return OwedEffect(effect=effect, **values)
