"""The line protocol of agents, both directions: a line of output is an event or a line of log; then, how a turn ended.

Pure. What an agent prints is a stranger's: it is cut to a size that can be kept, and control characters are taken out.
"""

import json
import re
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Annotated, Any, Literal, assert_never

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from jirabot.core.agents import (
    AgentEvent,
    Ending,
    Failed,
    FailureKind,
    Finished,
    Message,
    Progress,
    Question,
    Started,
    Stopped,
    Usage,
)
from jirabot.core.marks import take_off_mark

TEXT_CHARACTERS = 30_000
"""The most of one text that is kept: Jira takes 32,767 characters in a comment."""

PROGRESS_CHARACTERS = 1_000
"""The most of one progress line: it is shown as one line."""

SUMMARY_CHARACTERS = 4_000
"""How much of the output's end is a summary, or tells what went wrong: about a screen."""

LINE_BYTES = 64 * 1024 * 1024
"""The longest line that is read as one: agents put whole files into their JSON."""

EXIT_TRY_AGAIN = 75
"""The exit code that asks for another attempt: `EX_TEMPFAIL` of sysexits.h."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    """A line that is no event: kept in the run's log, and in the tail that may become its summary."""

    text: str


class _Line(BaseModel):
    """One line of the protocol. Types are strict; a field we don't know is left out, as agents add fields at will.

    The validators are built with the first line: most commands, and the daemon's start, read none.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore", allow_inf_nan=False, defer_build=True)


class _Started(_Line):
    type: Literal["started"]


class _Progress(_Line):
    type: Literal["progress"]
    text: str
    tool: str = ""


class _Message(_Line):
    type: Literal["message"]
    text: str


class _Question(_Line):
    type: Literal["question"]
    text: str


class _Finished(_Line):
    type: Literal["finished"]
    summary: str = ""


class _Failed(_Line):
    type: Literal["failed"]
    text: str = ""
    kind: str | None = None
    retryable: bool = False


class _Stopped(_Line):
    type: Literal["stopped"]


class _Usage(_Line):
    type: Literal["usage"]
    input_tokens: int = Field(0, ge=0)
    output_tokens: int = Field(0, ge=0)
    cost: float = Field(0.0, ge=0)
    currency: str = Field("USD", max_length=8)


_AnyLine = _Started | _Progress | _Message | _Question | _Finished | _Failed | _Stopped | _Usage
_READER: TypeAdapter[_AnyLine] = TypeAdapter(
    Annotated[_AnyLine, Field(discriminator="type")], config=ConfigDict(defer_build=True)
)


def parse_line(line: bytes | str) -> AgentEvent | LogLine:
    """Read one line of an agent's standard output; whatever is no event of the vocabulary is log."""
    if isinstance(line, bytes):
        line = line.decode("utf-8", "replace")
    if line.lstrip().startswith("{"):
        try:
            return _event(_READER.validate_json(line.strip()))
        except ValidationError:
            pass
    return LogLine(text=clean(line))


def render_event(event: AgentEvent) -> str:
    """Write *event* as a line of the protocol, without the line's end."""
    line: dict[str, Any] = {"type": type(event).__name__.lower()}
    line |= {field.name: getattr(event, field.name) for field in fields(event) if field.name != "explicit"}
    return json.dumps(line, ensure_ascii=False)


def clean(text: str) -> str:
    """Take colours, cursor movements and other control characters out; of what overwrote itself the last stays."""
    text = _ESCAPES.sub("", text).rstrip("\r\n").replace("\r\n", "\n")
    text = "\n".join(line.rsplit("\r", 1)[-1] for line in text.split("\n"))
    return _CONTROLS.sub("", text)


_ESCAPES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


def _event(line: _AnyLine) -> AgentEvent:
    match line:
        case _Started():
            return Started()
        case _Progress():
            return Progress(text=_cut(line.text, PROGRESS_CHARACTERS), tool=_cut(line.tool, PROGRESS_CHARACTERS))
        case _Message():
            return Message(text=_cut(line.text))
        case _Question():
            return Question(text=take_off_mark(_cut(line.text))[0])
        case _Finished():
            return _finished(_cut(line.summary))
        case _Failed():
            return _failed(line)
        case _Stopped():
            return Stopped()
        case _Usage():
            return Usage(
                input_tokens=line.input_tokens, output_tokens=line.output_tokens, cost=line.cost, currency=line.currency
            )
        case _:
            assert_never(line)


def _finished(summary: str) -> Ending:
    """Believe the mark before the type: a program around a model says `finished` also when the model asks."""
    text, mark = take_off_mark(summary)
    return Question(text=text) if mark == "QUESTION" else Finished(summary=text)


def _failed(line: _Failed) -> Failed:
    text = _cut(line.text)
    kind = next((kind for kind in FailureKind if kind == line.kind), None) or classify(text)
    return Failed(kind=kind, text=text, retryable=line.retryable, explicit=bool(text))


def _cut(text: str, most: int = TEXT_CHARACTERS) -> str:
    text = clean(text)
    return text if len(text) <= most else text[:most] + " […]"


_FAILURE_WORDS: Mapping[FailureKind, tuple[str, ...]] = {
    FailureKind.CONTEXT: (
        r"context.{0,3}(length|window|overflow|limit)",
        r"maximum context",
        r"(prompt|input) is too long",
        r"too many tokens",
    ),
    FailureKind.RATE: (
        r"\b(429|529)\b",
        r"rate.?limit",
        r"too many requests",
        r"quota (exceeded|reached)",
        r"exceeded your .{0,20}quota",
        r"overloaded",
    ),
    FailureKind.AUTH: (
        r"\b401\b",
        r"unauthori[sz]ed",
        r"authentication",
        r"(invalid|incorrect|missing|no) .{0,10}api.?key",
        r"not logged in",
        r"please log ?in",
    ),
    FailureKind.BACKEND: (
        r"\b50[0234]\b",
        r"bad gateway",
        r"service unavailable",
        r"connection (refused|reset|error|timed out)",
        r"could not resolve host",
        r"\b(ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENOTFOUND)\b",
    ),
}
"""What agents say when the model behind them fails; the first kind that fits. Codes differ from agent to agent."""

_FAILURES = tuple((kind, re.compile("|".join(words), re.IGNORECASE)) for kind, words in _FAILURE_WORDS.items())


def classify(text: str, *, otherwise: FailureKind = FailureKind.CRASH) -> FailureKind:
    """Tell from an agent's own words why it failed."""
    return next((kind for kind, words in _FAILURES if words.search(text)), otherwise)


def ending(*, said: Ending | None, output: str, errors: str, exit_code: int) -> Ending:
    """Say how a turn ended.

    An ending that the agent reported (*said*) decides; else the mark at the end of its *output*; else its exit code:
    0 is finished, 75 asks for another attempt, everything else failed. *output* and *errors* are tails of what it
    printed; a negative exit code is a signal.
    """
    if said is not None:
        return said
    text, mark = take_off_mark(output)
    if mark == "QUESTION":
        return Question(text=text)
    if mark == "DONE" or exit_code == 0:
        return Finished(summary=text, explicit=mark == "DONE")
    told = errors.strip() or text
    wants_another = exit_code == EXIT_TRY_AGAIN
    return Failed(
        kind=classify(told, otherwise=FailureKind.BACKEND if wants_another else FailureKind.CRASH),
        text=f"{_describe(exit_code)}\n\n{told}".strip(),
        retryable=wants_another,
    )


def _describe(exit_code: int) -> str:
    signal_number = -exit_code if exit_code < 0 else exit_code - 128
    if 0 < signal_number < 65 and exit_code != EXIT_TRY_AGAIN:
        return f"ended by signal {signal_number}"
    return f"exit code {exit_code}"


class Lines:
    """Cuts what comes in pieces into lines; one longer than `LINE_BYTES` is cut where it reaches that."""

    def __init__(self, most_bytes: int = LINE_BYTES) -> None:
        self._most = most_bytes
        self._parts: list[bytes] = []
        self._size = 0

    def feed(self, piece: bytes) -> list[bytes]:
        """Take *piece* and give the lines that are complete now, without their ends."""
        first, *others = piece.split(b"\n")
        whole: list[bytes] = []
        self._keep(first)
        for other in others:
            whole.append(self._take())
            self._keep(other)
        if self._size >= self._most:
            whole.append(self._take())
        return whole

    def rest(self) -> list[bytes]:
        """Give the last line where its end never came."""
        return [self._take()] if self._size else []

    def _keep(self, part: bytes) -> None:
        self._parts.append(part)
        self._size += len(part)

    def _take(self) -> bytes:
        line = b"".join(self._parts)
        self._parts, self._size = [], 0
        return line


class Tail:
    """The last characters of a text that comes line by line; cut at a line's start where that costs little."""

    def __init__(self, characters: int = SUMMARY_CHARACTERS) -> None:
        self._most = characters
        self._lines: deque[str] = deque()
        self._size = 0

    def add(self, text: str) -> None:
        """Take one more line, or a few."""
        for line in text.split("\n"):
            self._lines.append(line[-self._most :])
            self._size += len(self._lines[-1]) + 1
        while self._size - len(self._lines[0]) > self._most:
            self._size -= len(self._lines.popleft()) + 1

    def restart(self, text: str) -> None:
        """Forget what was, and begin with *text*."""
        self._lines.clear()
        self._size = 0
        self.add(text)

    @property
    def text(self) -> str:
        """What is kept."""
        whole = "\n".join(self._lines)
        if len(whole) <= self._most:
            return whole.strip()
        _, _, from_a_line = whole[-self._most :].partition("\n")
        return (from_a_line if len(from_a_line) > self._most // 2 else whole[-self._most :]).strip()
