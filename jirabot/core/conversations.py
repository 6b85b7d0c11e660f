"""The bot's work on one issue: its states, and which step leads from which to which. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from jirabot.core.ids import (
    AccountId,
    BackendName,
    ConversationId,
    EffectId,
    IssueId,
    IssueKey,
    MessageId,
    RepositoryId,
    RunId,
    TriggerKey,
    WorkspaceId,
)
from jirabot.core.people import Account
from jirabot.core.soundness import LEASE_GRACE
from jirabot.core.visibility import Visibility
from jirabot.errors import Conflict


class State(StrEnum):
    """Where a conversation is (DESIGN.md section 2)."""

    CREATED = "created"
    """Waits for a repository, if one must be asked."""
    ACTIVE = "active"
    """Waits for a free slot."""
    IN_PROGRESS = "in_progress"
    """A run exists."""
    AWAITING_INPUT = "awaiting_input"
    """The agent asked."""
    COMPLETED = "completed"
    STOPPED = "stopped"
    FAILED = "failed"
    EXPIRED = "expired"


OPEN = frozenset({State.CREATED, State.ACTIVE, State.IN_PROGRESS, State.AWAITING_INPUT})
"""The states of which an issue has at most one conversation."""


class Happening(StrEnum):
    """What moves a conversation from state to state."""

    REPOSITORY_ASKED = "repository-asked"
    REPOSITORY_KNOWN = "repository-known"
    RUN_STARTED = "run-started"
    RUN_ASKED = "run-asked"
    RUN_FINISHED = "run-finished"
    RUN_FAILED = "run-failed"
    RUN_INTERRUPTED = "run-interrupted"
    """The run is to be begun again: it waits for a slot."""
    STOP_ASKED = "stop-asked"
    SESSION_OVER = "session-over"
    CLOSED = "closed"
    """By a person, beside Jira, while no agent works."""
    TRIGGERED = "triggered"
    """A message for the agent came."""


_CLOSING = {
    Happening.STOP_ASKED: State.STOPPED,
    Happening.RUN_FAILED: State.FAILED,
    Happening.SESSION_OVER: State.EXPIRED,
    Happening.CLOSED: State.COMPLETED,
}

TRANSITIONS: Mapping[tuple[State, Happening], State] = {
    **{(state, happening): closed for state in OPEN for happening, closed in _CLOSING.items()},
    (State.CREATED, Happening.REPOSITORY_ASKED): State.CREATED,
    (State.CREATED, Happening.REPOSITORY_KNOWN): State.ACTIVE,
    (State.CREATED, Happening.TRIGGERED): State.CREATED,
    (State.CREATED, Happening.RUN_INTERRUPTED): State.CREATED,
    (State.ACTIVE, Happening.REPOSITORY_ASKED): State.CREATED,
    (State.ACTIVE, Happening.REPOSITORY_KNOWN): State.ACTIVE,
    (State.ACTIVE, Happening.RUN_STARTED): State.IN_PROGRESS,
    (State.ACTIVE, Happening.TRIGGERED): State.ACTIVE,
    (State.ACTIVE, Happening.RUN_INTERRUPTED): State.ACTIVE,
    (State.IN_PROGRESS, Happening.REPOSITORY_ASKED): State.CREATED,
    (State.IN_PROGRESS, Happening.RUN_ASKED): State.AWAITING_INPUT,
    (State.IN_PROGRESS, Happening.RUN_FINISHED): State.COMPLETED,
    (State.IN_PROGRESS, Happening.RUN_INTERRUPTED): State.ACTIVE,
    (State.IN_PROGRESS, Happening.TRIGGERED): State.IN_PROGRESS,
    (State.AWAITING_INPUT, Happening.TRIGGERED): State.ACTIVE,
    **{
        (state, Happening.TRIGGERED): State.ACTIVE
        for state in (State.COMPLETED, State.FAILED, State.STOPPED, State.EXPIRED)
    },
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """The bot's work on one issue: one agent session, one clone, one branch.

    `asked` is who a question was put to; `session` is the backend's handle; `first_answer` the effect whose comment
    shows progress; `context_until` the time of the last comment that the agent was shown.
    """

    id: ConversationId
    workspace_id: WorkspaceId
    issue_id: IssueId
    issue_key: IssueKey
    state: State
    agent: BackendName
    asker: Account
    visibility: Visibility
    asked: AccountId | None = None
    repository_id: RepositoryId | None = None
    repository_name: str = ""
    branch: str = ""
    base: str = ""
    session: Mapping[str, Any] = field(default_factory=dict)
    first_answer: EffectId | None = None
    result: str = ""
    context_until: datetime | None = None
    previous_id: ConversationId | None = None
    runs_count: int = 0
    created_at: datetime
    updated_at: datetime

    @property
    def is_open(self) -> bool:
        """Say whether it is the one open conversation of its issue."""
        return self.state in OPEN


def advance(conversation: Conversation, happening: Happening, *, now: datetime, **changes: Any) -> Conversation:
    """Move *conversation* as *happening* demands, with what else changes.

    Raises:
        Conflict: the state knows no such step.
    """
    to = TRANSITIONS.get((conversation.state, happening))
    if to is None:
        raise Conflict(f"a conversation that is `{conversation.state}` has no step `{happening}`")
    return replace(conversation, state=to, updated_at=now, **changes)


class MessageKind(StrEnum):
    """What a message is to the agent."""

    REQUEST = "request"
    ANSWER = "answer"
    """To a question that was asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """Something that a person asked of the agent; given to exactly one run, in order of `seq`."""

    id: MessageId
    workspace_id: WorkspaceId
    conversation_id: ConversationId
    seq: int
    kind: MessageKind
    author: Account
    visibility: Visibility
    text: str
    cause: TriggerKey
    given_to: RunId | None
    created_at: datetime


class RunState(StrEnum):
    """Where a run is. The last five are ends."""

    WAITING = "waiting"
    """For a slot."""
    HELD = "held"
    """For a person to say which repository."""
    RUNNING = "running"
    FINISHED = "finished"
    ASKED = "asked"
    FAILED = "failed"
    STOPPED = "stopped"
    EXPIRED = "expired"


LIVE_RUNS = frozenset({RunState.WAITING, RunState.HELD, RunState.RUNNING})


NOBODY = ""
"""Who asked a run to stop that has outlived its session."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One stretch of agent work, from messages to an end state.

    `attempts` counts how often it was begun; `asker_id` is who asked, empty where that is not known; `ended_by` how the
    agent's turn ended (a failure's kind, else empty).
    """

    id: RunId
    workspace_id: WorkspaceId
    conversation_id: ConversationId
    number: int
    state: RunState
    asker_id: str = ""
    attempts: int = 0
    stop_requested: bool = False
    stop_cause: str = ""
    owner: str = ""
    epoch: int = 0
    lease_until: datetime | None = None
    summary: str = ""
    failure: str = ""
    due_at: datetime
    created_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None

    def attempt(self, number: int) -> RunId:
        """Name one of its attempts, counted from 1, as backends know it."""
        return RunId(f"{self.id}-{number}")

    def is_interrupted(self, *, now: datetime, daemon_runs: bool, owner_lives: bool) -> bool:
        """Say whether it had begun, and nobody works on it now: the next daemon takes it up again.

        A daemon renews its leases, or takes over what ran out, so that one just past its time is no sign yet. Without
        one a command may hold a run, for as long as the process that owns it lives.
        """
        if self.state is not RunState.RUNNING:
            return False
        grace = LEASE_GRACE if daemon_runs else timedelta()
        has_run_out = self.lease_until is None or self.lease_until + grace <= now
        return has_run_out or not (daemon_runs or owner_lives)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEvent:
    """Something that the agent reported during a run. `no` orders all of them; `kind` is of the agents' vocabulary."""

    no: int
    workspace_id: WorkspaceId
    conversation_id: ConversationId
    run_id: RunId
    kind: str
    text: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Attendance:
    """That nobody works on a run any more, or somebody again: what is told to who follows it."""

    run_id: RunId
    is_attended: bool
    at: datetime

    @property
    def kind(self) -> str:
        """Name it beside the kinds of an agent's reports."""
        return "daemon-back" if self.is_attended else "daemon-gone"

    @property
    def text(self) -> str:
        """Say it to a person."""
        if self.is_attended:
            return "a daemon is there again, and goes on with it"
        return "no daemon works on it now: `jirabot serve` goes on with it"
