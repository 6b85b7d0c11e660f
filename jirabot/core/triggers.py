"""An event that asks the bot for something. Says what was asked and by whom; not whether they may. Pure."""

from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

from jirabot.core.commands import Address, Request, Task, request_in
from jirabot.core.events import (
    CommentCreated,
    CommentDeleted,
    CommentEdited,
    Event,
    Incomplete,
    IssueCreated,
    IssueUpdated,
    Unrecognised,
)
from jirabot.core.ids import TriggerKey
from jirabot.core.issues import IssueComment, IssueRef
from jirabot.core.people import Account
from jirabot.core.visibility import Public, Visibility


class TriggerKind(StrEnum):
    """What asks the bot."""

    MENTION = "mention"
    LABEL = "label"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bot:
    """What the bot answers to in one workspace."""

    address: Address
    label: str
    kinds: frozenset[TriggerKind]


@dataclass(frozen=True, slots=True, kw_only=True)
class ByComment:
    """The trigger stands in this comment."""

    comment: IssueComment


@dataclass(frozen=True, slots=True, kw_only=True)
class ByChange:
    """The trigger is this entry of the issue's changelog."""

    changelog_id: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ByCreation:
    """The trigger stands on the issue since it was made: its label, or a mention in its description."""

    label: str = ""


Evidence = ByComment | ByChange | ByCreation
"""Where the trigger can be read back from Jira."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """Somebody asks the bot for something."""

    key: TriggerKey
    kind: TriggerKind
    issue: IssueRef
    actor: Account
    request: Request
    visibility: Visibility
    evidence: Evidence


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """A comment that does not speak to the bot: the answer to its question, if it waits for this person's."""

    key: TriggerKey
    issue: IssueRef
    actor: Account
    comment: IssueComment

    @property
    def visibility(self) -> Visibility:
        """Who may read it, and so its answer."""
        return self.comment.visibility


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerRemoved:
    """The label was taken away: the work goes on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """Somebody asks the bot for something beside Jira, as by a command; there is nothing to be read back.

    The actor is no Jira account: what the agent asks goes on to the person who was its asker before.
    """

    key: TriggerKey
    issue: IssueRef
    actor: Account
    request: Request
    visibility: Visibility


def detect(event: Event, bot: Bot) -> Trigger | Remark | TriggerRemoved | None:
    """Find what *event* asks of the bot."""
    match event:
        case CommentCreated(issue=issue, comment=comment):
            return mention(issue, comment, bot) or _remark(issue, comment)
        case CommentEdited(issue=issue, comment=comment):
            return mention(issue, comment, bot)
        case IssueUpdated():
            return _in_update(event, bot)
        case IssueCreated():
            return _in_creation(event, bot)
        case CommentDeleted() | Incomplete() | Unrecognised():
            return None
        case _:
            assert_never(event)


def mention(issue: IssueRef, comment: IssueComment, bot: Bot) -> Trigger | None:
    """Find what *comment* asks of the bot; an edit has the key of the comment that it changed."""
    request = request_in(comment.body, bot.address)
    if request is None or TriggerKind.MENTION not in bot.kinds:
        return None
    return Trigger(
        key=comment_key(comment),
        kind=TriggerKind.MENTION,
        issue=issue,
        actor=comment.writer,
        request=request,
        visibility=comment.visibility,
        evidence=ByComment(comment=comment),
    )


def comment_key(comment: IssueComment) -> TriggerKey:
    """Name what a comment asks: the same for its webhook, its edit and a replay."""
    return TriggerKey(f"comment:{comment.id}")


def _remark(issue: IssueRef, comment: IssueComment) -> Remark:
    return Remark(key=comment_key(comment), issue=issue, actor=comment.writer, comment=comment)


def _in_update(event: IssueUpdated, bot: Bot) -> Trigger | TriggerRemoved | None:
    if event.comment is not None and (found := mention(event.issue, event.comment, bot)):
        return found
    label = _same(bot.label, event.labels_added)
    if label and event.source.actor and event.changelog_id and TriggerKind.LABEL in bot.kinds:
        return Trigger(
            key=TriggerKey(f"changelog:{event.changelog_id}"),
            kind=TriggerKind.LABEL,
            issue=event.issue,
            actor=event.source.actor,
            request=Task(text=""),
            visibility=Public(),
            evidence=ByChange(changelog_id=event.changelog_id, label=label),
        )
    return TriggerRemoved() if _same(bot.label, event.labels_removed) else None


def _in_creation(event: IssueCreated, bot: Bot) -> Trigger | None:
    asked = request_in(event.description, bot.address) if TriggerKind.MENTION in bot.kinds else None
    label = _same(bot.label, event.labels) if TriggerKind.LABEL in bot.kinds else ""
    if event.source.actor is None or (asked is None and not label):
        return None
    return Trigger(
        key=TriggerKey(f"created:{event.issue.id}"),
        kind=TriggerKind.LABEL if label else TriggerKind.MENTION,
        issue=event.issue,
        actor=event.source.actor,
        request=Task(text=""),
        visibility=Public(),
        evidence=ByCreation(label=label),
    )


def _same(label: str, labels: tuple[str, ...]) -> str:
    """Find *label* among *labels* as it is written there. Exactly the label, in any case, never a part of one."""
    return next((given for given in labels if given.lower() == label.lower()), "")
