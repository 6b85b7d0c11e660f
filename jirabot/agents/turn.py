"""One turn of an agent's process: its output becomes events, its time is kept, and it has exactly one ending.

The event loop's callbacks collect what the process prints; whoever reads the events drives the clock.
"""

import asyncio
import os
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from jirabot.agents.containment import Containment, Launch
from jirabot.agents.masking import Mask
from jirabot.agents.processes import STANDARD_OUTPUT, Contained
from jirabot.agents.protocol import Lines, LogLine, Tail, clean, ending, parse_line
from jirabot.core.agents import (
    AgentEvent,
    Ending,
    Failed,
    FailureKind,
    Message,
    RunSpec,
    Started,
    Stopped,
)
from jirabot.core.ids import RunId
from jirabot.errors import AgentUnavailable

TIMEOUT_SECONDS = 3600.0
STALL_SECONDS = 600.0

LAST_WORDS_SECONDS = 10.0
"""How long an agent may run on after it has reported its end."""

STOP_GRACE_SECONDS = 5.0
"""The grace of a process that we end by ourselves: stalled, or over its time."""

LOG_BYTES = 10 * 1024 * 1024
"""The most of a run's log that is kept."""

BACKLOG_CHARACTERS = 4 * 1024 * 1024
"""How much of an agent's output may wait to be read before the agent itself has to wait."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """An agent's section: what is started, how long it may take, and what it gets.

    `environment` is given on top of what every agent gets; its values are secrets. `missing` names variables that it
    should have had and the daemon hasn't got. `readable` are folders that it needs to see.
    """

    arguments: Sequence[str]
    timeout_seconds: float = TIMEOUT_SECONDS
    stall_seconds: float = STALL_SECONDS
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    missing: Sequence[str] = ()
    readable: Sequence[Path] = ()


class Turn:
    """One process, from its start to its ending. Hears it by callbacks; its one reader drives its clock."""

    def __init__(self, spec: RunSpec, command: Command, mask: Mask) -> None:
        self.run_id: RunId = spec.run_id
        self._command, self._mask = command, mask
        self._log = Log(spec.log)
        self._output, self._errors = Lines(), Lines()
        self._waiting: deque[str] = deque()
        self._waiting_characters = 0
        self._news = asyncio.Event()
        self._said: Ending | None = None
        self._verdict: Ending | None = None
        self._output_tail, self._errors_tail = Tail(), Tail()
        self._now = asyncio.get_running_loop().time
        self._over_at = self._now() + command.timeout_seconds
        self._heard_at = self._now()
        self._process: Contained | None = None
        self._is_over = False

    @property
    def is_running(self) -> bool:
        """Whether the process itself is still there."""
        return self._process is not None and not self._process.has_exited

    async def begin(self, containment: Containment, launch: Launch) -> None:
        """Start the process."""
        await asyncio.to_thread(self._log.open)
        self._process = await containment.begin(launch, self)

    def close(self) -> None:
        """Free what a turn that could not begin holds."""
        self._log.close()

    def heard(self, stream: int, piece: bytes) -> None:
        """Take a piece of output; a reader that is far behind makes the agent wait."""
        self._heard_at = self._now()
        if stream == STANDARD_OUTPUT:
            self._note(self._output.feed(piece))
        else:
            self._note_errors(self._errors.feed(piece))

    def has_exited(self) -> None:
        """Wake the reader."""
        self._news.set()

    def has_closed(self) -> None:
        """Take the last lines, which may have no end, and close the log."""
        self._note(self._output.rest())
        self._note_errors(self._errors.rest())
        self._log.close()

    async def events(self) -> AsyncIterator[AgentEvent]:
        """Yield what the agent reports until its one ending; then nothing of it is running."""
        yield Started()
        while (line := await self._next()) is not None:
            event = self._read(line)
            if event is not None:
                yield event
        yield self._mask.event(self._ending())

    async def stop(self, *, grace_seconds: float) -> None:
        """End the turn; it counts as stopped unless it had come to its end before."""
        process = self._started()
        if not process.has_exited and self._verdict is None and self._said is None:
            self._verdict = Stopped()
        await process.end(grace_seconds=grace_seconds)
        self._news.set()

    async def _next(self) -> str | None:
        """Give the next line; None where the turn is over and all was read."""
        while not self._waiting and not self._is_over:
            if self._started().has_exited or not await self._wait():
                await self._finish()
        if not self._waiting:
            return None
        line = self._waiting.popleft()
        self._waiting_characters -= len(line)
        if self._waiting_characters < BACKLOG_CHARACTERS // 2:
            self._started().listen(on=True)
        return line

    async def _finish(self) -> None:
        """End what is left of the process; with that, all that it said has been heard."""
        await self._started().end(grace_seconds=STOP_GRACE_SECONDS)
        self._is_over = True

    async def _wait(self) -> bool:
        """Wait for something new; false where there was nothing for too long."""
        self._news.clear()
        began_at = self._now()
        try:
            async with asyncio.timeout_at(self._deadline(began_at)):
                await self._news.wait()
        except TimeoutError:
            return self._now() < self._deadline(began_at) or self._give_up()
        return True

    def _deadline(self, began_at: float) -> float:
        if self._said is not None:
            return min(self._heard_at + LAST_WORDS_SECONDS, self._over_at)
        return min(max(self._heard_at, began_at) + self._command.stall_seconds, self._over_at)

    def _give_up(self) -> bool:
        if self._said is None and self._verdict is None:
            self._verdict = self._over_time() if self._now() >= self._over_at else self._stalled()
        return False

    def _over_time(self) -> Failed:
        limit = self._command.timeout_seconds
        return Failed(kind=FailureKind.LIMIT, text=f"the turn took longer than {limit:g} seconds and was ended")

    def _stalled(self) -> Failed:
        limit = self._command.stall_seconds
        text = f"the agent said nothing for {limit:g} seconds and was ended"
        return Failed(kind=FailureKind.STALLED, text=text, retryable=True)

    def _note(self, lines: list[bytes]) -> None:
        for line in lines:
            text = self._log_masked(line)
            self._waiting.append(text)
            self._waiting_characters += len(text)
        if self._waiting_characters > BACKLOG_CHARACTERS and self.is_running:
            self._started().listen(on=False)
        if lines:
            self._news.set()

    def _note_errors(self, lines: list[bytes]) -> None:
        for line in lines:
            self._errors_tail.add(clean(self._log_masked(line)))

    def _log_masked(self, line: bytes) -> str:
        text = self._mask.text(line.decode(errors="replace"))
        self._log.write(text)
        return text

    def _read(self, line: str) -> AgentEvent | None:
        """Tell what a line reports while the turn goes on; an ending is kept for its end."""
        parsed = parse_line(line)
        if isinstance(parsed, LogLine):
            self._output_tail.add(parsed.text)
            return None
        if isinstance(parsed, Ending):
            self._said = self._said or parsed
            return None
        if isinstance(parsed, Started):
            return None
        if isinstance(parsed, Message):
            self._output_tail.restart(parsed.text)
        return self._mask.event(parsed)

    def _ending(self) -> Ending:
        if self._verdict is not None:
            return self._verdict
        return ending(
            said=self._said,
            output=self._output_tail.text,
            errors=self._errors_tail.text,
            exit_code=self._started().exit_code,
        )

    def _started(self) -> Contained:
        assert self._process is not None, "nobody is handed a turn before it has begun"
        return self._process


class Log:
    """A run's log, up to `LOG_BYTES`, line by line: a local file takes one faster than a thread could be asked to.

    What a full disk does not take is left out, and where it goes on that is said: the agent is heard all the same.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._left = LOG_BYTES
        self._has_gap = False
        self._file: BinaryIO | None = None

    def open(self) -> None:
        """Make the file.

        Raises:
            AgentUnavailable: it can't be made.
        """
        self._file = new_file(self._path, buffering=0)

    def write(self, line: str) -> None:
        """Keep *line*; nothing after the limit."""
        if self._file is None or self._left <= 0:
            return
        kept = line.encode()[: self._left]
        end = b"\n" if self._left > len(kept) + 1 else b"\n[... the log ends here: it is full]\n"
        try:
            self._file.write((_GAP if self._has_gap else b"") + kept + end)
        except OSError:
            self._has_gap = True
        else:
            self._has_gap = False
            self._left -= len(kept) + 1

    def close(self) -> None:
        """Close the file, once."""
        if self._file is not None:
            self._file.close()
            self._file = None


_GAP = b"[... lines are missing here: the disk refused them]\n"


def new_file(path: Path, *, buffering: int = -1) -> BinaryIO:
    """Make a file that was not there: never through a link that an agent has put in its place.

    Raises:
        AgentUnavailable: it can't be made.
    """
    try:
        path.unlink(missing_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
        return os.fdopen(os.open(path, flags, 0o600), "wb", buffering=buffering)
    except OSError as error:
        raise _unwritable(path, error) from error


def write_new(path: Path, content: bytes) -> None:
    """Write a file that was not there, as `new_file` makes it.

    Raises:
        AgentUnavailable: it can't be made, or the disk does not take all of it.
    """
    try:
        with new_file(path) as file:
            file.write(content)
    except OSError as error:
        raise _unwritable(path, error) from error


def _unwritable(path: Path, error: OSError) -> AgentUnavailable:
    return AgentUnavailable(
        f"the file `{path}` can't be written: {error.strerror}",
        hint="look whether the disk of the data folder is full, and who owns it; then mention the bot again",
    )
