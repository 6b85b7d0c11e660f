"""What a delivery says happened. `parse` takes what it needs of a payload and tolerates the rest. Pure.

Source: "Webhooks", developer.atlassian.com/cloud/jira/platform/webhooks and its Data Center edition.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol

from jirabot.core.bodies import Body
from jirabot.core.ids import IssueId, IssueKey
from jirabot.core.issues import IssueComment, IssueRef
from jirabot.core.people import Account


class Dialect(Protocol):
    """How one kind of Jira writes people, comments and texts into JSON."""

    def account(self, user: Mapping[str, Any], /) -> Account:
        """Read a user object."""

    def comment(self, comment: Mapping[str, Any], /) -> IssueComment:
        """Read a comment object."""

    def read_body(self, value: str | Mapping[str, Any] | None, /) -> Body:
        """Read a text: wiki markup, an ADF document, or nothing. Total."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What every payload says, whatever happened. `base_url` is told by the payload: compared, never followed.

    `actor` is who caused it, None where the payload does not name them (a deletion without `user`); `actor_from`
    is where it was found. `happened_at` is when, by the Jira's own clock; None where the payload does not tell.
    """

    kind: str
    issue: IssueRef | None
    actor: Account | None
    actor_from: str
    base_url: str
    happened_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CommentCreated:
    """Somebody commented."""

    source: Source
    issue: IssueRef
    comment: IssueComment


@dataclass(frozen=True, slots=True, kw_only=True)
class CommentEdited:
    """Somebody changed a comment; `comment` is what it says now."""

    source: Source
    issue: IssueRef
    comment: IssueComment


@dataclass(frozen=True, slots=True, kw_only=True)
class CommentDeleted:
    """Somebody deleted a comment; `comment` is what it said."""

    source: Source
    issue: IssueRef
    comment: IssueComment


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueCreated:
    """Somebody created an issue."""

    source: Source
    issue: IssueRef
    labels: tuple[str, ...]
    description: Body


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueUpdated:
    """Somebody changed an issue; `comment` is what they said with the change, where the payload carries it."""

    source: Source
    issue: IssueRef
    changelog_id: str
    labels_added: tuple[str, ...]
    labels_removed: tuple[str, ...]
    comment: IssueComment | None = None


class Lack(StrEnum):
    """What an event needs to be acted on, and may come without; each has its words, `lack.<code>` in the texts."""

    ISSUE = "issue"
    COMMENT = "comment"
    COMMENT_ID = "comment-id"
    COMMENT_AUTHOR = "comment-author"


@dataclass(frozen=True, slots=True, kw_only=True)
class Incomplete:
    """An event of a kind that may ask something of the bot, but without what is needed to act on it."""

    source: Source
    lack: Lack


@dataclass(frozen=True, slots=True, kw_only=True)
class Unrecognised:
    """A kind of event that asks nothing of the bot."""

    source: Source


Event = CommentCreated | CommentEdited | CommentDeleted | IssueCreated | IssueUpdated | Incomplete | Unrecognised

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_MS = 1_000_000_000_000
"""A moment before there was any Jira: a smaller time stamp counts seconds, or is none."""
_COMMENT_PATH = re.compile(r"/issue/([0-9]+)/comment/")
_ACTORS: Mapping[str, tuple[str, ...]] = {
    "comment_created": ("user", "comment.author"),
    "comment_updated": ("user", "comment.updateAuthor"),
    "worklog_created": ("user", "worklog.author"),
    "worklog_updated": ("user", "worklog.updateAuthor"),
    "attachment_created": ("user", "attachment.author"),
}
_OF_COMMENTS: Mapping[str, type[CommentCreated | CommentEdited | CommentDeleted]] = {
    "comment_created": CommentCreated,
    "comment_updated": CommentEdited,
    "comment_deleted": CommentDeleted,
}
_OF_ISSUES = ("jira:issue_created", "jira:issue_updated")
_SUBJECTS = ("user_created", "user_updated", "user_deleted")
"""Events whose `user` is what happened to, not who did it."""
_WITH_BASE = ("issue", "comment", "worklog", "attachment", "project", "sprint", "version", "user")


def parse(payload: Mapping[str, Any], dialect: Dialect) -> Event:
    """Say what *payload* reports. Total: what we do not know is `Unrecognised`, what we cannot read `Incomplete`.

    Data Center tells of a comment also as an update of the issue; both are the same event here.
    """
    source = _source(payload, dialect)
    if source.kind in _OF_COMMENTS:
        return _of_comment(payload, source, dialect)
    if source.kind not in _OF_ISSUES:
        return Unrecognised(source=source)
    if source.issue is None:
        return Incomplete(source=source, lack=Lack.ISSUE)
    if source.kind == "jira:issue_created":
        return _created(payload, source, source.issue, dialect)
    comment = _comment(payload, dialect)
    return _updated(payload, source, source.issue, None if isinstance(comment, Lack) else comment)


def labels_of(items: object) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Read which labels a changelog's items add and remove: new minus old, old minus new.

    An item's `toString` is all labels, separated by blanks. A custom field may be called "labels" too.
    Source: "Webhooks", changelog; conformance B51, F34, F35.
    """
    added: list[str] = []
    removed: list[str] = []
    for item in items if isinstance(items, list) else []:
        if isinstance(item, Mapping) and item.get("field") == "labels" and item.get("fieldtype") != "custom":
            new, old = str(item.get("toString") or "").split(), str(item.get("fromString") or "").split()
            added += [label for label in new if label not in old]
            removed += [label for label in old if label not in new]
    return tuple(dict.fromkeys(added)), tuple(dict.fromkeys(removed))


def _source(payload: Mapping[str, Any], dialect: Dialect) -> Source:
    kind = payload.get("webhookEvent")
    kind = kind if isinstance(kind, str) else ""
    actor, actor_from = _actor(payload, kind, dialect)
    return Source(
        kind=kind,
        issue=issue_of(payload),
        actor=actor,
        actor_from=actor_from,
        base_url=_base_url(payload),
        happened_at=_instant(payload.get("timestamp")),
    )


def _instant(value: object) -> datetime | None:
    """Read the milliseconds since 1970 that Jira's own webhooks carry; what is none of them tells nothing."""
    if not isinstance(value, int) or value < _FIRST_MS:
        return None
    try:
        return _EPOCH + timedelta(milliseconds=value)
    except OverflowError:
        return None


def _mapping(value: object) -> Mapping[str, Any]:
    # Decoded JSON has no other mapping, and to ask for the abstract one takes three times as long.
    return value if isinstance(value, dict) else {}


def _identified(value: object) -> bool:
    user = _mapping(value)
    return any(isinstance(user.get(name), str) and user[name] for name in ("accountId", "key", "name"))


def _actor(payload: Mapping[str, Any], kind: str, dialect: Dialect) -> tuple[Account | None, str]:
    places = () if kind in _SUBJECTS else _ACTORS.get(kind, ("user",))
    for place in places:
        value: object = payload
        for name in place.split("."):
            value = _mapping(value).get(name)
        if _identified(value):
            return dialect.account(_mapping(value)), place
    return None, ""


def issue_of(payload: Mapping[str, Any]) -> IssueRef | None:
    """Find the issue that a payload is about; None where it names none.

    Data Center's comment events may leave it out: then its id stands in the path of the comment's `self`.
    """
    issue = _mapping(payload.get("issue"))
    if id_ := _number(issue.get("id")):
        key = issue.get("key")
        return IssueRef(id=IssueId(id_), key=IssueKey(key) if isinstance(key, str) and key else None)
    if match := _COMMENT_PATH.search(str(_mapping(payload.get("comment")).get("self") or "")):
        return IssueRef(id=IssueId(match[1]))
    if id_ := _number(_mapping(payload.get("worklog")).get("issueId")):
        return IssueRef(id=IssueId(id_))
    return None


def _number(value: object) -> str:
    """Read an id: digits, as text or number. Anything else is none: ids become parts of addresses."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    return value if isinstance(value, str) and value.isascii() and value.isdigit() else ""


def _base_url(payload: Mapping[str, Any]) -> str:
    for name in _WITH_BASE:
        address = _mapping(payload.get(name)).get("self")
        if isinstance(address, str) and "/rest/" in address:
            return address.partition("/rest/")[0]
    return ""


def _comment(payload: Mapping[str, Any], dialect: Dialect) -> IssueComment | Lack:
    comment = _mapping(payload.get("comment"))
    if not comment:
        return Lack.COMMENT
    if not _number(comment.get("id")):
        return Lack.COMMENT_ID
    return dialect.comment(comment) if _identified(comment.get("author")) else Lack.COMMENT_AUTHOR


def _of_comment(payload: Mapping[str, Any], source: Source, dialect: Dialect) -> Event:
    comment = _comment(payload, dialect)
    if isinstance(comment, Lack):
        return Incomplete(source=source, lack=comment)
    if source.issue is None:
        return Incomplete(source=source, lack=Lack.ISSUE)
    return _OF_COMMENTS[source.kind](source=source, issue=source.issue, comment=comment)


def _created(payload: Mapping[str, Any], source: Source, issue: IssueRef, dialect: Dialect) -> Event:
    fields = _mapping(_mapping(payload.get("issue")).get("fields"))
    labels, description = fields.get("labels"), fields.get("description")
    return IssueCreated(
        source=source,
        issue=issue,
        labels=tuple(str(label) for label in labels) if isinstance(labels, list) else (),
        description=dialect.read_body(description if isinstance(description, str | Mapping) else None),
    )


def _updated(payload: Mapping[str, Any], source: Source, issue: IssueRef, comment: IssueComment | None) -> Event:
    changelog = _mapping(payload.get("changelog"))
    if comment is not None and not changelog.get("items"):
        edited = payload.get("issue_event_type_name") == "issue_comment_edited" or (
            payload.get("issue_event_type_name") != "issue_commented" and comment.updated_at != comment.created_at
        )
        kind = CommentEdited if edited else CommentCreated
        return kind(source=source, issue=issue, comment=comment)
    added, removed = labels_of(changelog.get("items"))
    return IssueUpdated(
        source=source,
        issue=issue,
        changelog_id=_number(changelog.get("id")),
        labels_added=added,
        labels_removed=removed,
        comment=comment,
    )
