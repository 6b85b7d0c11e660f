"""What is owed to Jira. An effect is written with the state change that owes it, and delivered effectively once."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from jirabot.core.ids import CommentId, ConversationId, EffectId, IssueId, WorkspaceId
from jirabot.core.visibility import Visibility


class EffectKind(StrEnum):
    """What a comment is for; decides what may be dropped under a tight budget."""

    FIRST_ANSWER = "first-answer"
    PROGRESS = "progress"
    """An edit of the first answer; the only kind that may be dropped."""
    QUESTION = "question"
    RESULT = "result"
    FAILURE = "failure"
    ANSWER = "answer"
    """To a command, or a refusal."""


class EffectState(StrEnum):
    """How far an effect is."""

    PENDING = "pending"
    SENDING = "sending"
    """The intent is on disk; whether Jira has it is not known until its answer or a read-back."""
    SENT = "sent"
    DEAD = "dead"
    """Jira refused it for good; `error` says why."""
    DISCARDED = "discarded"
    """A person gave it up; it is never sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AddComment:
    """A new comment on an issue, in Markdown."""

    kind: EffectKind
    text: str
    visibility: Visibility


@dataclass(frozen=True, slots=True, kw_only=True)
class EditComment:
    """Another text for the comment that the effect *target* made."""

    kind: EffectKind
    target: EffectId
    text: str
    visibility: Visibility


Effect = AddComment | EditComment


@dataclass(frozen=True, slots=True, kw_only=True)
class OwedEffect:
    """An effect as the outbox holds it. (workspace, cause, seq) is unique: a step done again owes nothing new."""

    id: EffectId
    workspace_id: WorkspaceId
    issue_id: IssueId
    conversation_id: ConversationId | None
    cause: str
    seq: int
    effect: Effect
    state: EffectState = EffectState.PENDING
    attempts: int = 0
    due_at: datetime
    sent_at: datetime | None = None
    """When the last attempt began; None where none was made, or Jira is known not to have taken it."""
    comment_id: CommentId | None = None
    error: str = ""
    epoch: int = 0
    asked_at: datetime | None = None
    """Of a first answer: when the delivery that asked for it came."""
