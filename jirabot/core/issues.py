"""What is read back from Jira: issues, comments, changelog entries, as values."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from jirabot.core.bodies import Body
from jirabot.core.ids import CommentId, IssueId, IssueKey
from jirabot.core.people import Account
from jirabot.core.visibility import Public, Visibility


class IssueRef(NamedTuple):
    """An issue as a payload names it; the key may be absent (Data Center comments) and may change."""

    id: IssueId
    key: IssueKey | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueComment:
    """A comment with its author and who may read it. `editor` is who wrote its present text, where that is another."""

    id: CommentId
    author: Account
    body: Body
    editor: Account | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    visibility: Visibility = Public()  # noqa: RUF009 - a frozen value

    @property
    def writer(self) -> Account:
        """Whose words these are."""
        return self.editor or self.author


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """An issue as it stands now."""

    id: IssueId
    key: IssueKey
    summary: str
    description: Body
    project_key: str
    is_service_desk: bool
    labels: tuple[str, ...]
    components: tuple[str, ...]
    status: str
    creator: Account | None
    assignee: Account | None
    reporter: Account | None
    issue_type: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangelogEntry:
    """One change of an issue: who made it, and which labels it added and removed."""

    id: str
    author: Account | None
    labels_added: tuple[str, ...]
    labels_removed: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitsSeen:
    """What Jira last told of its rate limits; None: not told. `is_near`: less than a fifth is left, says Cloud.

    `interval_seconds` and `fill_rate` are those of Data Center's bucket.
    """

    limit: int | None
    remaining: int | None
    is_near: bool = False
    interval_seconds: int | None = None
    fill_rate: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerInfo:
    """Which Jira answers. `version` is the major version of a Data Center, 0 on Cloud."""

    deployment: str
    base_url: str
    version: int
    version_name: str
    title: str = ""
    server_time: datetime | None = None
