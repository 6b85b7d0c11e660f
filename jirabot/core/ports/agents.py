"""What core needs to have work done: agent backends and checkouts."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Protocol

from jirabot.core.agents import AgentEvent, Capabilities, Handle, Probe, Resumed, RunSpec
from jirabot.core.checkouts import Checkout, Published, Remote, Signature
from jirabot.core.ids import BackendName, ConversationId, RunId


class AgentBackend(Protocol):
    """Drives a coding agent. One turn at a time a session; the managers queue what comes meanwhile."""

    @property
    def name(self) -> BackendName:
        """Its name in the configuration."""

    @property
    def capabilities(self) -> Capabilities:
        """What it can do beyond a turn at a time."""

    async def probe(self) -> Probe:
        """Look whether it could work now, without starting anything that stays."""

    def new_session(self, spec: RunSpec) -> Handle:
        """Make the handle of a session that is not there yet; no side effect, so that it can be saved first."""

    async def start(self, handle: Handle, spec: RunSpec) -> None:
        """Begin a turn with *spec*'s prompt, the session's first or the next; the same run id twice begins it once.

        Raises:
            AgentUnavailable: the agent can't be started as it is configured.
        """

    def events(self, handle: Handle) -> AsyncIterator[AgentEvent]:
        """Yield what the turn reports, in order; ends after exactly one `Ending`."""

    async def stop(self, handle: Handle, *, grace_seconds: float) -> None:
        """End the turn so that nothing of it is left running; idempotent; a turn that ran ends with `Stopped`."""

    async def resume(self, handle: Handle) -> Resumed:
        """Say what is left of a session after the daemon was away; ends processes that were left behind."""

    async def discard(self, handle: Handle) -> None:
        """Remove what the backend keeps of a session outside its folders."""


class Checkouts(Protocol):
    """Git: one bare mirror a repository, a local clone of it a conversation. Never runs git with rights in a clone."""

    async def prepare(
        self,
        conversation_id: ConversationId,
        remote: Remote | None,
        *,
        base: str,
        branch: str,
        signature: Signature,
    ) -> Checkout:
        """Make the conversation's folder with clone, home and session, or find it as it was.

        *base* empty: the remote's HEAD. *remote* None: an empty folder, which becomes a clone once it is given.

        Raises:
            GitFailed: no such branch, authentication, network (retryable).
        """

    async def default_branch(self, remote: Remote) -> str:
        """Ask *remote* for the branch its HEAD is; empty where it has none, as an empty repository.

        Raises:
            GitFailed: it can't be reached, or does not let us in.
        """

    async def has_branch(self, remote: Remote, branch: str) -> bool:
        """Say whether *remote* has that branch now."""

    async def publish(
        self, checkout: Checkout, remote: Remote | None, *, signature: Signature, message: str
    ) -> Published:
        """Commit what was left (run as the agent), fetch the branch into the mirror and push it from there.

        Raises:
            GitFailed: the push was refused (never forced), authentication, network.
        """

    def has_checkout(self, conversation_id: ConversationId) -> bool: ...

    def find_log(self, conversation_id: ConversationId, run_id: RunId) -> Path | None:
        """Find the log of an attempt at a run; None where none is kept, or no longer."""

    async def remove(self, conversation_id: ConversationId) -> None:
        """Remove the conversation's folder.

        Raises:
            GitFailed: the disk refuses.
        """

    async def folders(self) -> Mapping[ConversationId, datetime]:
        """List the conversations that have a folder, each with the time when something was put into it last.

        Raises:
            GitFailed: they can't be listed.
        """

    def set_aside(self, conversation_id: ConversationId) -> bool:
        """Take a conversation's folder away, with one rename: nobody finds it any more. False where it can't."""

    async def clear(self) -> Sequence[str]:
        """Remove what was set aside; give the folders that can't be removed."""
