"""What the management API answers: the shapes of `jirabot.core.objects`. Fields may be added to any of them."""

from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

T = TypeVar("T")


class Answer(BaseModel):
    """What is answered."""

    model_config = ConfigDict(extra="allow")


class Problem(Answer):
    """What went wrong, as RFC 9457 has it; `success` is there for the reference's clients."""

    type: str
    title: str
    status: int
    code: str = Field(description="What it is, for programs; does not change")
    detail: str = Field(description="What happened, for people")
    hint: str | None = Field(None, description="What to do next")
    fields: dict[str, str] | None = Field(None, description="What is wrong with which field")
    success: Literal[False]


class Page(Answer, Generic[T]):
    """Rows, the newest first."""

    items: list[T]
    next: str | None = Field(description="What to give as `before` for the rows behind these; null: there are none")


class Saved(Answer):
    """A workspace was made or changed, and the caller is linked."""

    success: Literal[True]
    redirect: bool = Field(description="Whether the caller's browser has to go to `authorizationUrl`")
    authorizationUrl: str  # noqa: N815 - the reference's name
    eventsUrl: str = Field(description="Where its Jira sends webhooks")  # noqa: N815
    webhookEnrolled: bool = Field(description="Whether an authentic webhook has come")  # noqa: N815
    id: str
    workspace: str
    status: Literal["active", "inactive"]
    state: Literal["active", "paused", "unproved"]
    webhook_secret: str | None = Field(None, description="Shown once, where it was made up")
    warnings: list[str]


class Linked(Answer):
    """The caller is linked."""

    success: Literal[True]
    redirect: bool
    authorizationUrl: str  # noqa: N815
    status: Literal["active", "pending"] | None = Field(
        description="`pending`: it starts nothing until an administrator names the account; null: the browser has to "
        "come back first"
    )


class Unlinked(Answer):
    """The caller's link has ended."""

    success: Literal[True]
    workspace: str


class OfWorkspace(Answer):
    """The workspace of a link."""

    id: str
    name: str
    jira_cloud_id: str = Field(description="Empty where it is not known, and on Data Center")
    status: Literal["active", "inactive"]
    editable: bool = Field(description="Whether the caller administers it")
    created_at: str
    updated_at: str
    svc_acc_email: str
    events_url: str


class OwnLink(Answer):
    """A link of the caller."""

    id: str
    keycloak_user_id: str = Field(
        description="The jirabot user: the `sub` of the caller's OIDC issuer, or a local name"
    )
    jira_workspace_id: str | None = Field(None, description="On Cloud")
    jira_dc_workspace_id: str | None = Field(None, description="On Data Center")
    account: str | None = Field(description="The Jira account; null while it is not known")
    status: Literal["active", "pending"]
    role: Literal["user", "admin"]
    created_at: str
    updated_at: str
    workspace: OfWorkspace


class OwnLinks(OwnLink):
    """The newest active link of the caller, and all that count or will."""

    links: list[OwnLink]


class Validated(Answer):
    """A workspace that is there."""

    name: str
    status: Literal["active"]
    message: str


class Workspace(Answer):
    """A workspace, as `workspace list --json` shows it."""

    id: str
    name: str
    deployment: Literal["cloud", "dc"]
    base_url: str
    also_known_as: list[str]
    state: Literal["active", "paused", "unproved"]
    degraded: list[str]
    auth: str
    authenticity: str
    service_account: str
    key_expires_at: str | None
    cloud_id: str | None
    agent: str | None
    events_url: str
    settings: dict[str, Any]
    created_at: str


class WebhookTested(Answer):
    """Whether a workspace's webhook came; where it did not, the likely cause, and what to do."""

    came: bool
    id: str | None = Field(description="The event that it is")
    workspace: str
    seconds: float | None = Field(description="How long it took")
    state: Literal["active", "paused", "unproved"]
    activated: bool = Field(description="Whether that has proved the workspace, which is active now")
    warnings: list[str]
    cause: str | None
    fix: str | None


class Event(Answer):
    """A delivery, as `event list --json` shows it."""

    id: str
    workspace: str
    event: str
    issue_key: str | None
    issue_id: str | None
    state: str
    decision: str | None
    reason: str | None
    text: str | None
    hint: str | None = Field(description="What an operator can do about it, in commands; null: nothing")
    conversation: str | None
    attempts: int
    received_at: str
    handled_at: str | None
    late_seconds: int | None
    replayed: bool


class Step(Answer):
    """A step of handling an event."""

    step: str
    outcome: str
    reason: str | None
    text: str | None


class Check(Answer):
    """What holds work back, as a pause, and how that is ended."""

    check: str
    workspace: str | None
    level: str
    text: str
    fix: str | None


class ExplainedEvent(Event):
    """An event and what was done with it, as `event explain --json` shows it."""

    steps: list[Step]
    held_back: list[Check] = Field(description="What keeps the work that it led to from being begun")


class Conversation(Answer):
    """A conversation, as `conversation list --json` shows it."""

    id: str
    workspace: str
    issue_key: str
    issue_id: str
    state: str
    interrupted: bool = Field(description="Whether its agent had begun, and nobody works on that now")
    agent: str
    repository: str | None
    branch: str | None
    base: str | None
    asker: str
    runs: int
    created_at: str
    updated_at: str


class Run(Answer):
    """A stretch of an agent's work."""

    id: str
    number: int
    state: str
    attempts: int
    failure: str | None
    started_at: str | None
    ended_at: str | None


class Message(Answer):
    """What somebody said in a conversation."""

    author: str
    text: str
    at: str


class Report(Answer):
    """What an agent reported."""

    no: int
    run: str
    kind: str
    text: str
    at: str


class Effect(Answer):
    """What is owed to Jira, or was, as `outbox list --json` shows it."""

    id: str
    conversation: str | None
    kind: str
    state: str
    attempts: int
    due_at: str | None
    comment_id: str | None
    text: str
    error: str | None


class WholeConversation(Conversation):
    """A conversation with all that belongs to it, as `conversation show --json` shows it."""

    messages: list[Message]
    run_list: list[Run]
    events: list[Report]
    effects: list[Effect]


class Trouble(Answer):
    """What administrators are told of."""

    id: str
    workspace: str | None
    agent: str | None
    reason: str
    cause: str
    fix: str
    begun_at: str
    ended_at: str | None


class Status(Answer):
    """What goes on, as `status --json` shows it, of what the caller administers."""

    daemon: bool
    database: dict[str, str] | None
    troubles: list[Trouble]
    held_back: list[Check]
    workspaces: list[dict[str, Any]]
    failures: list[dict[str, Any]]


class Described(Answer):
    """An OpenAPI document."""

    openapi: str
    info: dict[str, Any]
    paths: dict[str, Any]
