"""What the managers know of coding agents: one vocabulary of events, whatever backend drives the agent."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from jirabot.core.ids import BackendName, ConversationId, IssueKey, RunId
from jirabot.core.network import AS_THE_MACHINE, Network


class FailureKind(StrEnum):
    """Why an agent failed; decides what the person is told and whether the same again may work."""

    AUTH = "auth"
    RATE = "rate"
    CONTEXT = "context"
    LIMIT = "limit"
    STUCK = "stuck"
    REFUSED = "refused"
    CRASH = "crash"
    STALLED = "stalled"
    BACKEND = "backend"
    LOST = "lost"
    CONFIG = "config"


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """The agent has the prompt and works."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What the agent does now, in a few words; `tool` names what it uses."""

    text: str
    tool: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """Something that the agent says while it works."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """The turn ended with a question; the conversation waits for an answer."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """The turn ended and the agent says that it is done. `explicit` is false where only its silence says so."""

    summary: str
    explicit: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """The turn ended without a result. `explicit`: `text` is what the agent itself says of it, meant for people."""

    kind: FailureKind
    text: str = ""
    retryable: bool = False
    explicit: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped:
    """The turn was ended by us."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What the turn has used so far, in tokens; cost in `currency`."""

    input_tokens: int = 0
    output_tokens: int = 0
    cost: float = 0.0
    currency: str = "USD"


Ending = Question | Finished | Failed | Stopped
"""What a turn ends with: exactly one, and nothing after it."""

AgentEvent = Started | Progress | Message | Usage | Ending


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a backend can do beyond a turn at a time."""

    detached: bool = False
    """Its runs outlive the daemon."""
    send_while_busy: bool = False
    resume: bool = False
    cost: bool = False


class Resumed(StrEnum):
    """What became of a session while the daemon was away."""

    ATTACHED = "attached"
    """The turn goes on; its events can be read."""
    RESTORED = "restored"
    """The session is there and idle."""
    INTERRUPTED = "interrupted"
    """The turn is gone; the session can be given the next one."""
    LOST = "lost"
    """Nothing is left of the session."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """Whether a backend could work now; `detail` is its version, or what is wrong and what to do."""

    works: bool
    detail: str


Handle = Mapping[str, Any]
"""A session as its backend knows it: JSON, saved before the side effect it describes, without any secret."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSpec:
    """What a backend needs to start a session's turn.

    `session_dir` is kept from turn to turn of one conversation, `home` is private to it; both exist, as `cwd` does.
    """

    run_id: RunId
    conversation_id: ConversationId
    issue_key: IssueKey
    prompt: str
    cwd: Path
    home: Path
    session_dir: Path
    base: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    network: Network = AS_THE_MACHINE

    @property
    def log(self) -> Path:
        """Where what the run prints is kept."""
        return self.session_dir / log_name(self.run_id)


def log_name(run_id: RunId) -> str:
    """Name the log of an attempt at a run, within its conversation's session folder."""
    return f"run-{run_id}.log"


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentChoice:
    """A configured agent by name, as `workspace show` and decisions know it."""

    name: BackendName
    type: str
