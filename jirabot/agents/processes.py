"""An agent's processes: heard while they run, and ended with everything that came of them.

What belongs to one is known by a mark in its environment, `NAME=value`, which its children inherit.
"""

import asyncio
import contextlib
import os
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from jirabot.errors import AgentUnavailable

SWEEP_SECONDS = 10.0
"""How long killed processes may take to go; longer hangs in the kernel, on a dead disk say."""

SWEEP_PAUSE_SECONDS = 0.01

ASK_AGAIN_SECONDS = 0.1
"""How often processes that began after the others were asked to end are looked for."""

DRAIN_SECONDS = 2.0
"""How long the rest of the output is waited for once nothing is left that could write it."""

STANDARD_OUTPUT, STANDARD_ERROR = 1, 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Completed:
    """A process that ended by itself: its exit code, negative for a signal, and what it printed."""

    exit_code: int
    output: str
    errors: str


class Listener(Protocol):
    """Hears a process; called by the event loop, so it must not wait."""

    def heard(self, stream: int, piece: bytes) -> None:
        """Take what came on standard output (1) or standard error (2)."""

    def has_exited(self) -> None:
        """Learn that the process itself has ended; what it had written may still come."""

    def has_closed(self) -> None:
        """Learn that nothing more will come."""


class Collected:
    """A listener that keeps everything."""

    def __init__(self) -> None:
        self._pieces: dict[int, list[bytes]] = {STANDARD_OUTPUT: [], STANDARD_ERROR: []}

    def heard(self, stream: int, piece: bytes) -> None:
        """Keep it."""
        self._pieces[stream].append(piece)

    def has_exited(self) -> None:
        """Nothing to do: who waits asks the process."""

    def has_closed(self) -> None:
        """Nothing to do either."""

    def completed(self, exit_code: int) -> Completed:
        """Give all of it."""
        output, errors = (b"".join(self._pieces[stream]).decode(errors="replace") for stream in (1, 2))
        return Completed(exit_code=exit_code, output=output, errors=errors)


class Contained(asyncio.SubprocessProtocol):
    """A process and all that comes of it, from its start until nothing of it is left."""

    def __init__(self, marking: str, listener: Listener, *, is_namespace: bool) -> None:
        """Know the family by *marking*; a process that is a namespace is the family's wall, not one of it."""
        self._marking, self._listener, self._is_namespace = marking, listener, is_namespace
        self._exited, self._closed = asyncio.Event(), asyncio.Event()
        self._is_swept = False
        self._transport: asyncio.SubprocessTransport | None = None

    @property
    def exit_code(self) -> int:
        """The exit code of a process that has ended, negative for a signal."""
        code = self._ours().get_returncode()
        return -signal.SIGKILL if code is None else code

    @property
    def has_exited(self) -> bool:
        """Whether the process itself has ended; what it began may run on."""
        return self._exited.is_set()

    async def exited(self) -> None:
        """Wait for the process itself."""
        await self._exited.wait()

    def listen(self, *, on: bool) -> None:
        """Read what it prints, or let it wait with that: a full pipe stops who writes."""
        pipe = self._ours().get_pipe_transport(STANDARD_OUTPUT)
        if isinstance(pipe, asyncio.ReadTransport):
            pipe.resume_reading() if on else pipe.pause_reading()

    async def end(self, *, grace_seconds: float = 0.0) -> None:
        """Ask it to end, and after the grace end it, with everything that carries its mark.

        Idempotent: once nothing is left its numbers are others', and nothing is signalled any more.

        Raises:
            AgentUnavailable: something of it does not go even when killed.
        """
        if not self._is_swept:
            await self._end_all(grace_seconds)
            self._is_swept = True
        self.listen(on=True)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_SECONDS):
                await self._closed.wait()
        self._ours().close()

    async def _end_all(self, grace_seconds: float) -> None:
        if grace_seconds > 0:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(grace_seconds):
                    await self._ask()
        self._signal_group(signal.SIGKILL)
        await sweep(self._marking)

    async def _ask(self) -> None:
        """Send SIGTERM to all of it, once each, also to what begins meanwhile, until the process itself is gone.

        Not to a wall: that would take the agent's grace away.
        """
        asked = {self._ours().get_pid()} if self._is_namespace else set()
        while not self.has_exited:
            found = set(await asyncio.to_thread(find_marked, self._marking))
            for pid in found - asked:
                _signal(pid, signal.SIGTERM)
            if not found | asked:
                self._signal_group(signal.SIGTERM)
            asked |= found
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(ASK_AGAIN_SECONDS):
                    await self._exited.wait()

    def _signal_group(self, what: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._ours().get_pid(), what)

    def _ours(self) -> asyncio.SubprocessTransport:
        assert self._transport is not None, "the event loop sets it before it hands us out"
        return self._transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.SubprocessTransport)
        self._transport = transport

    def pipe_data_received(self, fd: int, data: bytes | str) -> None:
        self._listener.heard(fd, data if isinstance(data, bytes) else data.encode())

    def process_exited(self) -> None:
        self._exited.set()
        self._listener.has_exited()

    def connection_lost(self, exc: Exception | None) -> None:
        self._closed.set()
        self._listener.has_closed()


async def sweep(marking: str) -> None:
    """Kill every process whose environment has *marking* (`NAME=value`), until there is none.

    There is none when two looks in a row find none: a program that is just being started shows no environment yet.
    Where there is no `/proc`, none is found: there a process group is all that is known of an agent.

    Raises:
        AgentUnavailable: some don't go even when killed.
    """
    left: list[int] = []
    clear = False
    try:
        async with asyncio.timeout(SWEEP_SECONDS):
            while True:
                left = await asyncio.to_thread(find_marked, marking)
                if clear and not left:
                    return
                clear = not left
                for pid in left:
                    _signal(pid, signal.SIGKILL)
                await asyncio.sleep(SWEEP_PAUSE_SECONDS)
    except TimeoutError as error:
        named = ", ".join(f"`{pid}`" for pid in left)
        raise AgentUnavailable(
            f"processes {named} of an agent can't be ended", hint="they hang in the kernel; look at its log"
        ) from error


def find_marked(marking: str) -> list[int]:
    """Find the processes whose environment has *marking* (`NAME=value`), but for our own. Reads all of `/proc`."""
    wanted, own = marking.encode(), os.getpid()
    found: list[int] = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if wanted in (folder / "environ").read_bytes().split(b"\0") and int(folder.name) != own:
                found.append(int(folder.name))
    return found


def _signal(pid: int, what: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, what)
