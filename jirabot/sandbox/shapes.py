"""How issues, comments and the changelog look as JSON: what is the same in both kinds of Jira.

What differs (people, texts) is given by the face. Source: "The Jira Cloud platform REST API", sections Issues and Issue
comments; the shapes of webhooks' payloads: "Webhooks", section Payloads.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from jirabot.sandbox.bodies import Body
from jirabot.sandbox.issues import (
    STATUSES,
    Change,
    Comment,
    Happening,
    History,
    Issue,
    JsonObject,
    Person,
    Project,
    Status,
)

REDUCED = frozenset({"summary", "issuetype", "project", "assignee", "priority", "status"})
"""The fields of an issue that stand in Cloud's comment events."""

_CATEGORIES: dict[str, tuple[int, str, str]] = {
    "new": (2, "blue-gray", "To Do"),
    "indeterminate": (4, "yellow", "In Progress"),
    "done": (3, "green", "Done"),
}


def to_time(at: datetime) -> str:
    """Write an instant as Jira does: milliseconds, and an offset without colon."""
    utc = at.astimezone(UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}+0000"


def envelope(event: str, at: datetime) -> JsonObject:
    """Write what stands at the head of each webhook's body."""
    return {"timestamp": int(at.timestamp() * 1000), "webhookEvent": event}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shapes:
    """Writes what stands in Jira as JSON."""

    base_url: str
    user: Callable[[Person], JsonObject]
    user_id: Callable[[Person], str]
    write: Callable[[Body, str], Any]
    """Writes a text as the given API version does."""
    tells_public: Callable[[Project], bool]
    """Whether comments of a project have `jsdPublic`."""
    has_field_ids: bool

    def api(self, version: str, path: str) -> str:
        """Make the address of a resource."""
        return f"{self.base_url}/rest/api/{version}/{path}"

    def comment(self, issue: Issue, comment: Comment, version: str, *, with_properties: bool = False) -> JsonObject:
        """Write a comment."""
        shape: JsonObject = {
            "self": self.api(version, f"issue/{issue.id}/comment/{comment.id}"),
            "id": comment.id,
            "author": self.user(comment.author),
            "body": self.write(comment.body, version),
            "updateAuthor": self.user(comment.update_author),
            "created": to_time(comment.created),
            "updated": to_time(comment.updated),
        }
        if comment.visibility is not None:
            shape["visibility"] = comment.visibility
        if self.tells_public(issue.project):
            shape["jsdPublic"] = not comment.internal
        if with_properties:
            shape["properties"] = [{"key": key, "value": value} for key, value in comment.properties.items()]
        return shape

    def issue(self, issue: Issue, version: str, *, only: Iterable[str] | None = None) -> JsonObject:
        """Write an issue with *only* those fields, or all but its comments."""
        fields = self.fields(issue, version)
        return {
            "id": issue.id,
            "self": self.api(version, f"issue/{issue.id}"),
            "key": issue.key,
            "fields": fields if only is None else {name: fields[name] for name in only if name in fields},
        }

    def fields(self, issue: Issue, version: str) -> JsonObject:
        """Write all fields of an issue but its comments."""
        return {
            "summary": issue.summary,
            "description": self.write(issue.description, version) if issue.description else None,
            "issuetype": {
                "self": self.api(version, "issuetype/10002"),
                "id": "10002",
                "name": issue.issue_type,
                "subtask": False,
            },
            "project": {
                "self": self.api(version, f"project/{issue.project.id}"),
                "id": issue.project.id,
                "key": issue.project.key,
                "name": issue.project.name,
                "projectTypeKey": "service_desk" if issue.project.service_desk else "software",
            },
            "status": self.status(issue.status, version),
            "priority": {"self": self.api(version, "priority/3"), "id": "3", "name": "Medium"},
            "labels": list(issue.labels),
            "components": [],
            "assignee": self.user(issue.assignee) if issue.assignee else None,
            "reporter": self.user(issue.reporter),
            "creator": self.user(issue.reporter),
            "resolution": None,
            "created": to_time(issue.created),
            "updated": to_time(issue.updated),
        }

    def status(self, status: Status, version: str) -> JsonObject:
        """Write a status."""
        number, colour, name = _CATEGORIES[status.category]
        return {
            "self": self.api(version, f"status/{status.id}"),
            "id": status.id,
            "name": status.name,
            "statusCategory": {
                "self": self.api(version, f"statuscategory/{number}"),
                "id": number,
                "key": status.category,
                "colorName": colour,
                "name": name,
            },
        }

    def transitions(self, version: str) -> list[JsonObject]:
        """Write the transitions, which lead everywhere from everywhere."""
        flags = {"hasScreen": False, "isGlobal": True, "isInitial": False, "isConditional": False, "isAvailable": True}
        return [{"id": s.transition_id, "name": s.name, "to": self.status(s, version), **flags} for s in STATUSES]

    def history(self, history: History) -> JsonObject:
        """Write an entry of the changelog."""
        return {
            "id": history.id,
            "author": self.user(history.author),
            "created": to_time(history.created),
            "items": self.changes(history),
        }

    def changes(self, history: History) -> list[JsonObject]:
        """Write what an entry of the changelog changed."""
        return [self._change(change) for change in history.changes]

    def issue_event(self, happening: Happening, *, event: str = "") -> JsonObject:
        """Write the body of a webhook for an issue event."""
        history = happening.history
        return {
            **envelope(event or happening.event, happening.at),
            **({"issue_event_type_name": happening.type_name} if happening.type_name else {}),
            "user": self.user(happening.actor),
            "issue": self.issue(happening.issue, "2"),
            **({"changelog": {"id": history.id, "items": self.changes(history)}} if history else {}),
        }

    def _change(self, change: Change) -> JsonObject:
        return {
            "field": change.field,
            "fieldtype": "jira",
            **({"fieldId": change.field} if self.has_field_ids else {}),
            "from": self._value(change.from_id),
            "fromString": change.from_text,
            "to": self._value(change.to_id),
            "toString": change.to_text,
        }

    def _value(self, value: str | Person | None) -> str | None:
        return self.user_id(value) if isinstance(value, Person) else value
