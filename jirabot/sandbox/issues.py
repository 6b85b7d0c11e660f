"""What stands in this Jira: people, issues, comments, the changelog, webhooks. Values and records, no behaviour."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from jirabot.sandbox import bodies
from jirabot.sandbox.bodies import Body

JsonObject = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """An account, known by what either kind of Jira calls it."""

    display_name: str
    email: str
    token: str = field(repr=False)
    """API token on Cloud, personal access token on Data Center."""
    account_id: str
    name: str
    """The login on Data Center; it may change in real life, `key` does not."""
    key: str
    account_type: str = "atlassian"
    """`atlassian`, `app` or `customer`; only Cloud tells."""
    email_visible: bool = True
    """Whether Cloud shows the address to others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A project; on a service desk comments may be internal."""

    id: str
    key: str
    name: str
    service_desk: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """A step of the one workflow that all issues have."""

    id: str
    name: str
    category: str
    """`new`, `indeterminate` or `done`."""
    transition_id: str
    """The transition that leads here from everywhere."""


STATUSES: Sequence[Status] = (
    Status(id="10000", name="To Do", category="new", transition_id="11"),
    Status(id="3", name="In Progress", category="indeterminate", transition_id="21"),
    Status(id="10001", name="Done", category="done", transition_id="31"),
)


@dataclass(slots=True, kw_only=True, eq=False)
class Comment:
    """A comment as it stands now."""

    id: str
    issue_id: str
    author: Person
    update_author: Person
    body: Body
    """As it was written: wiki markup, or an ADF document."""
    created: datetime
    updated: datetime
    visibility: JsonObject | None = None
    """`{"type": "role" or "group", "value": NAME}`; None: everyone who sees the issue."""
    internal: bool = False
    """An internal note of a service desk."""
    properties: JsonObject = field(default_factory=dict)
    edits: int = 0

    @property
    def text(self) -> str:
        """The body as plain text."""
        return bodies.to_text(self.body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One field's change; ids are None where the field has none (labels), and people where it holds people."""

    field: str
    from_id: str | Person | None = None
    from_text: str | None = None
    to_id: str | Person | None = None
    to_text: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """One entry of the changelog."""

    id: str
    author: Person
    created: datetime
    changes: Sequence[Change]


@dataclass(slots=True, kw_only=True, eq=False)
class Issue:
    """An issue as it stands now."""

    id: str
    key: str
    project: Project
    summary: str
    description: Body
    reporter: Person
    created: datetime
    updated: datetime
    status: Status = STATUSES[0]
    issue_type: str = "Task"
    assignee: Person | None = None
    labels: list[str] = field(default_factory=list)
    comments: list[Comment] = field(default_factory=list)
    histories: list[History] = field(default_factory=list)
    remote_links: list[JsonObject] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What a person has consented to: an OAuth app acts as that person."""

    person: Person
    client_secret: str = field(repr=False)
    """The app's, with which it is proved that a webhook is for it."""


@dataclass(slots=True, kw_only=True, eq=False)
class Webhook:
    """A registered webhook."""

    id: int
    name: str
    url: str
    secret: str | None
    events: Sequence[str]
    jql: str = ""
    exclude_body: bool = False
    enabled: bool = True
    updated: datetime
    grant: Grant | None = None
    """Of which app it is, where it is dynamic."""
    expires: datetime | None = None
    """When a dynamic one ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """Something that changed, told at once: while the state is still that of the change."""

    event: str
    """The webhook event on Cloud, such as `comment_created`."""
    type_name: str | None
    """`issue_event_type_name`."""
    issue: Issue
    actor: Person
    at: datetime
    comment: Comment | None = None
    history: History | None = None
