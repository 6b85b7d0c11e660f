"""What happened on an issue, told as its webhooks would have: made of what Jira's REST API shows. Pure.

The bodies are those that `core.events.parse` reads of either kind of Jira: what is found is handled as what was told.
Source: "Webhooks", section Payloads; "The Jira Cloud platform REST API", groups Issue comments and Issues.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson

from jirabot.core.catching_up import News, Span
from jirabot.core.ids import IssueId, IssueKey
from jirabot.jira.shapes import instant, objects

FIELDS = ("summary", "created", "updated", "creator", "labels", "description", "project", "issuetype", "status")
"""The fields of an issue that are asked for: those that say when it changed, and what its creation asked."""

_CHANGED_LATER = ("labels", "description")


def news_of(
    issue: Mapping[str, Any], comments: Sequence[Mapping[str, Any]], changes: Sequence[Mapping[str, Any]], span: Span
) -> tuple[News, ...]:
    """Tell what happened on an issue within *span*, in order.

    *changes* is its changelog, from the beginning of the span at least. Of a comment that was edited both is told, that
    it was made and that it was edited, with its present text.
    """
    changes = sorted(changes, key=_place)
    found = [*_creation(issue, changes), *_comments(issue, comments), *_changes(issue, changes)]
    return tuple(sorted((news for news in found if span.holds(news.at)), key=lambda news: news.at))


def _creation(issue: Mapping[str, Any], changes: Sequence[Mapping[str, Any]]) -> Iterator[News]:
    fields = _object(issue.get("fields"))
    if at := instant(fields.get("created")):
        made = {**issue, "fields": {**fields, **_at_first(changes)}}
        told = {"issue_event_type_name": "issue_created", "user": fields.get("creator"), "issue": made}
        yield _news(issue, f"created:{issue['id']}", "jira:issue_created", at, told)


def _at_first(changes: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Give what later changes have changed as it was when the issue was made: what they added did not ask then."""
    first: dict[str, Any] = {}
    for item in (item for change in changes for item in objects(change.get("items"))):
        name, was = str(item.get("field")), str(item.get("fromString") or "")
        if name in _CHANGED_LATER and item.get("fieldtype") != "custom":
            first.setdefault(name, was.split() if name == "labels" else was)
    return first


def _comments(issue: Mapping[str, Any], comments: Sequence[Mapping[str, Any]]) -> Iterator[News]:
    for comment in comments:
        told, name = {"comment": comment, "issue": _reduced(issue)}, f"comment:{comment.get('id')}"
        created_at, updated_at = instant(comment.get("created")), instant(comment.get("updated"))
        if created_at:
            yield _news(issue, name, "comment_created", created_at, told)
        if updated_at and updated_at != created_at:
            yield _news(issue, f"{name}@{updated_at.isoformat()}", "comment_updated", updated_at, told)


def _changes(issue: Mapping[str, Any], changes: Sequence[Mapping[str, Any]]) -> Iterator[News]:
    for change in changes:
        if at := instant(change.get("created")):
            told = {
                "user": change.get("author"),
                "issue": _reduced(issue),
                "changelog": {"id": change.get("id"), "items": change.get("items")},
            }
            yield _news(issue, f"changelog:{change.get('id')}", "jira:issue_updated", at, told)


def _reduced(issue: Mapping[str, Any]) -> Mapping[str, Any]:
    """Leave out what may be long and asks nothing: the description."""
    return {**issue, "fields": {**_object(issue.get("fields")), "description": None}}


def _news(issue: Mapping[str, Any], name: str, kind: str, at: datetime, told: Mapping[str, Any]) -> News:
    return News(
        name=name,
        kind=kind,
        issue_id=IssueId(str(issue["id"])),
        issue_key=IssueKey(str(issue.get("key") or "")),
        at=at,
        body=orjson.dumps({"timestamp": int(at.timestamp() * 1000), "webhookEvent": kind, **told}),
    )


def _place(change: Mapping[str, Any]) -> tuple[str, int]:
    number = str(change.get("id"))
    return str(change.get("created") or ""), int(number) if number.isascii() and number.isdigit() else 0


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
