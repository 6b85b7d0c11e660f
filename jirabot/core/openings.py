"""What a decision makes: the conversation as it is then, the message, the run, and what is owed to the issue. Pure."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from jirabot.core import views
from jirabot.core.commands import Task
from jirabot.core.conversations import (
    Conversation,
    Happening,
    Message,
    MessageKind,
    Run,
    RunState,
    State,
    advance,
)
from jirabot.core.decisions import Continue, Start, Stop
from jirabot.core.effects import AddComment, Effect, EffectKind, OwedEffect
from jirabot.core.ids import ConversationId, EffectId, IssueId, IssueKey, MessageId, RunId, TriggerKey, WorkspaceId
from jirabot.core.texts import Texts
from jirabot.core.triggers import Order, Remark, Trigger
from jirabot.core.visibility import Visibility, narrower

NewId = Callable[[], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """What is to be written. `run` is new or changed; None where there is none to write."""

    conversation: Conversation
    message: Message | None = None
    run: Run | None = None
    effects: tuple[OwedEffect, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What every opening needs beside the decision. `cause` names it in the outbox: the same cause owes once.

    `asked_at` is when the delivery came that asked; None where it was no delivery.
    """

    workspace_id: WorkspaceId
    texts: Texts
    cause: str
    now: datetime
    new_id: NewId
    asked_at: datetime | None = None

    def owe(
        self, effect: Effect, issue_id: IssueId, *, seq: int, conversation_id: ConversationId | None = None
    ) -> OwedEffect:
        """Make an effect that is due now."""
        return OwedEffect(
            id=EffectId(self.new_id()),
            workspace_id=self.workspace_id,
            issue_id=issue_id,
            conversation_id=conversation_id,
            cause=self.cause,
            seq=seq,
            effect=effect,
            due_at=self.now,
            asked_at=self.asked_at if effect.kind is EffectKind.FIRST_ANSWER else None,
        )


def start(decision: Start, around: Circumstances) -> Opening:
    """Begin a conversation: its first message, a run that waits, and the first answer."""
    trigger = decision.trigger
    conversation_id = ConversationId(around.new_id())
    answer = _first_answer(trigger, around, conversation_id, visibility=trigger.visibility, again=False)
    conversation = Conversation(
        id=conversation_id,
        workspace_id=around.workspace_id,
        issue_id=trigger.issue.id,
        issue_key=trigger.issue.key or IssueKey(""),
        state=State.CREATED,
        agent=decision.agent,
        asker=trigger.actor,
        visibility=trigger.visibility,
        first_answer=answer.id,
        previous_id=decision.previous.id if decision.previous else None,
        runs_count=1,
        created_at=around.now,
        updated_at=around.now,
    )
    return Opening(
        conversation=conversation,
        message=_message(trigger, MessageKind.REQUEST, conversation, around),
        run=_run(conversation, around),
        effects=(answer,),
    )


def go_on(decision: Continue, live: Run | None, around: Circumstances) -> Opening:
    """Give a conversation what was said: to its next run, which is made where none lives."""
    found = decision.trigger
    visibility = narrower(decision.conversation.visibility, found.visibility) or decision.conversation.visibility
    before = replace(decision.conversation, visibility=visibility)
    message = _message(found, decision.kind, before, around)
    if live is None:
        return _next_run(found, before, message, around)
    conversation = advance(before, Happening.TRIGGERED, now=around.now)
    if live.state is RunState.HELD:
        return Opening(
            conversation=conversation,
            message=message,
            run=replace(live, state=RunState.WAITING, due_at=around.now),
        )
    return Opening(conversation=conversation, message=message)


def stop(decision: Stop, live: Run | None, around: Circumstances) -> Opening:
    """End a conversation. A run that works says so itself once its agent is ended; else it is said at once."""
    conversation = advance(decision.conversation, Happening.STOP_ASKED, now=around.now, asked=None)
    if live is not None and live.state is RunState.RUNNING:
        return Opening(conversation=conversation)
    text = views.stopped(around.texts, conversation, decision.trigger.actor.label, None)
    comment = AddComment(kind=EffectKind.ANSWER, text=text, visibility=decision.trigger.visibility)
    ended = replace(live, state=RunState.STOPPED, ended_at=around.now) if live is not None else None
    return Opening(
        conversation=conversation,
        run=ended,
        effects=(around.owe(comment, conversation.issue_id, seq=0, conversation_id=conversation.id),),
    )


def next_run(conversation: Conversation, around: Circumstances) -> Run:
    """Make the run that takes what waits, after another has ended."""
    return _run(conversation, around)


def expire(conversation: Conversation, live: Run | None, session: timedelta, around: Circumstances) -> Opening:
    """End a conversation that has rested for as long as a session lasts. A run that works says so itself.

    Who was asked stays: their reply, however late, takes it up again.
    """
    expired = advance(conversation, Happening.SESSION_OVER, now=around.now)
    if live is not None and live.state is RunState.RUNNING:
        return Opening(conversation=expired)
    text = views.expired(around.texts, conversation, session, None)
    comment = AddComment(kind=EffectKind.RESULT, text=text, visibility=expired.visibility)
    return Opening(
        conversation=expired,
        run=replace(live, state=RunState.EXPIRED, ended_at=around.now) if live is not None else None,
        effects=(around.owe(comment, expired.issue_id, seq=0, conversation_id=expired.id),),
    )


def close(conversation: Conversation, live: Run | None, by: str, around: Circumstances) -> Opening:
    """End a conversation whose agent does not work, so that nothing of it goes on by itself."""
    closed = advance(conversation, Happening.CLOSED, now=around.now, asked=None)
    text = views.closed(around.texts, by)
    comment = AddComment(kind=EffectKind.ANSWER, text=text, visibility=closed.visibility)
    return Opening(
        conversation=closed,
        run=replace(live, state=RunState.STOPPED, ended_at=around.now) if live is not None else None,
        effects=(around.owe(comment, closed.issue_id, seq=0, conversation_id=closed.id),),
    )


def _next_run(
    found: Trigger | Remark | Order, before: Conversation, message: Message, around: Circumstances
) -> Opening:
    answer = _first_answer(found, around, before.id, visibility=before.visibility, again=True)
    conversation = advance(
        before,
        Happening.TRIGGERED,
        now=around.now,
        asker=before.asker if isinstance(found, Order) else found.actor,
        asked=None,
        first_answer=answer.id,
        runs_count=before.runs_count + 1,
    )
    return Opening(conversation=conversation, message=message, run=_run(conversation, around), effects=(answer,))


def _first_answer(
    found: Trigger | Remark | Order,
    around: Circumstances,
    conversation_id: ConversationId,
    *,
    visibility: Visibility,
    again: bool,
) -> OwedEffect:
    text = views.first_answer(around.texts, asker=found.actor, request=_text(found), again=again)
    comment = AddComment(kind=EffectKind.FIRST_ANSWER, text=text, visibility=visibility)
    return around.owe(comment, found.issue.id, seq=0, conversation_id=conversation_id)


def _message(
    found: Trigger | Remark | Order, kind: MessageKind, conversation: Conversation, around: Circumstances
) -> Message:
    return Message(
        id=MessageId(around.new_id()),
        workspace_id=around.workspace_id,
        conversation_id=conversation.id,
        seq=0,
        kind=kind,
        author=found.actor,
        visibility=found.visibility,
        text=_text(found),
        cause=TriggerKey(around.cause),
        given_to=None,
        created_at=around.now,
    )


def _run(conversation: Conversation, around: Circumstances) -> Run:
    return Run(
        id=RunId(around.new_id()),
        workspace_id=around.workspace_id,
        conversation_id=conversation.id,
        number=conversation.runs_count,
        state=RunState.WAITING,
        asker_id=conversation.asker.id,
        due_at=around.now,
        created_at=around.now,
    )


def _text(found: Trigger | Remark | Order) -> str:
    if isinstance(found, Remark):
        return found.comment.body.markdown
    return found.request.text if isinstance(found.request, Task) else ""
