"""Jira's JSON of people, comments, issues and changes, read into values: what is the same in both kinds of Jira. Pure.

Takes what is needed and tolerates the rest: Jira adds fields at will, and leaves out what somebody may not see.
Source: "The Jira Cloud platform REST API", sections Issues, Issue comments, Server info; "Webhooks", section Payloads.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson

from jirabot.core.bodies import EMPTY, Body, PickerMention
from jirabot.core.events import labels_of
from jirabot.core.ids import CommentId, IssueId, IssueKey
from jirabot.core.issues import ChangelogEntry, Issue, IssueComment, ServerInfo
from jirabot.core.people import Account
from jirabot.core.visibility import Internal, Public, Restricted, Visibility
from jirabot.jira.markup import adf, markdown, reading, wiki

ReadAccount = Callable[[Mapping[str, Any]], Account]

SERVICE_DESK = "service_desk"

ISSUE_FIELDS = (
    "summary",
    "description",
    "project",
    "labels",
    "components",
    "status",
    "creator",
    "assignee",
    "reporter",
    "issuetype",
)
"""The fields that `issue` reads."""


def instant(text: object) -> datetime | None:
    """Read a time as Jira writes it, `2026-01-31T12:00:00.000+0000`; None where it is none."""
    try:
        at = datetime.fromisoformat(text) if isinstance(text, str) else None
        return at.astimezone(UTC) if at and at.tzinfo else None
    except (ValueError, OverflowError):
        return None


def read_body(value: str | Mapping[str, Any] | None) -> Body:
    """Read a text: wiki markup, an ADF document, or nothing. Total."""
    if not value:
        return EMPTY
    document = wiki.parse(value) if isinstance(value, str) else adf.parse(value)
    return Body(
        raw=value if isinstance(value, str) else orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode(),
        markdown=markdown.render(document),
        lines=tuple(
            tuple(piece if isinstance(piece, str) else PickerMention(piece.id) for piece in line)
            for line in reading.spoken(document)
        ),
    )


def comment(value: Mapping[str, Any], account: ReadAccount) -> IssueComment:
    """Read a comment. An editor is named only where somebody else than the author wrote the present text.

    Not by the times: those of an edited comment may be equal.
    """
    author, editor = account(_object(value.get("author"))), account(_object(value.get("updateAuthor")))
    body = value.get("body")
    return IssueComment(
        id=CommentId(str(value.get("id") or "")),
        author=author,
        editor=editor if editor.id and editor.id != author.id else None,
        body=read_body(body if isinstance(body, str | Mapping) else None),
        created_at=instant(value.get("created")),
        updated_at=instant(value.get("updated")),
        visibility=visibility(value),
    )


def visibility(value: Mapping[str, Any]) -> Visibility:
    """Read who may see a comment: a role or group, a service desk's agents (`jsdPublic` false), or whoever sees it.

    A restriction that we can't read is one all the same: Jira refuses an answer with it, and nothing is told to all.
    """
    restricted = _object(value.get("visibility"))
    if any(restricted.values()):
        return Restricted(
            type=str(restricted.get("type") or ""),
            value=str(restricted.get("value") or ""),
            identifier=str(restricted.get("identifier") or ""),
        )
    return Internal() if value.get("jsdPublic") is False else Public()


def issue(value: Mapping[str, Any], account: ReadAccount) -> Issue:
    """Read an issue with `ISSUE_FIELDS`."""
    fields = _object(value.get("fields"))
    project = _object(fields.get("project"))
    description = fields.get("description")

    def person(name: str) -> Account | None:
        found = account(_object(fields.get(name)))
        return found if found.id else None

    return Issue(
        id=IssueId(str(value.get("id") or "")),
        key=IssueKey(str(value.get("key") or "")),
        summary=str(fields.get("summary") or ""),
        description=read_body(description if isinstance(description, str | Mapping) else None),
        project_key=str(project.get("key") or ""),
        is_service_desk=project.get("projectTypeKey") == SERVICE_DESK,
        labels=tuple(str(label) for label in _list(fields.get("labels"))),
        components=_names(fields.get("components")),
        status=str(_object(fields.get("status")).get("name") or ""),
        creator=person("creator"),
        assignee=person("assignee"),
        reporter=person("reporter"),
        issue_type=str(_object(fields.get("issuetype")).get("name") or ""),
    )


def change(value: Mapping[str, Any], account: ReadAccount) -> ChangelogEntry:
    """Read an entry of an issue's changelog."""
    author = account(_object(value.get("author")))
    added, removed = labels_of(value.get("items"))
    return ChangelogEntry(
        id=str(value.get("id") or ""),
        author=author if author.id else None,
        labels_added=added,
        labels_removed=removed,
    )


def server_info(value: Mapping[str, Any]) -> ServerInfo:
    """Read which Jira answers.

    Cloud is told by `deploymentType` alone: its version, 1001, is above every Data Center's, and Data Center says
    `Server` or `DataCenter` there.
    """
    is_cloud = value.get("deploymentType") == "Cloud"
    numbers = _list(value.get("versionNumbers"))
    return ServerInfo(
        deployment="cloud" if is_cloud else "dc",
        base_url=str(value.get("baseUrl") or ""),
        version=numbers[0] if numbers and isinstance(numbers[0], int) and not is_cloud else 0,
        version_name=str(value.get("version") or ""),
        title=str(value.get("serverTitle") or ""),
        server_time=instant(value.get("serverTime")),
    )


def objects(value: object) -> Sequence[Mapping[str, Any]]:
    """Give the objects in a list; nothing where it is none."""
    return [item for item in _list(value) if isinstance(item, Mapping)]


def _names(value: object) -> tuple[str, ...]:
    named: Iterable[object] = (item.get("name") for item in objects(value))
    return tuple(name for name in named if isinstance(name, str))


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
