"""From a section of the configuration to the backend that it describes."""

import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from jirabot.agents.command import CommandBackend
from jirabot.agents.containment import Containment
from jirabot.agents.scripted import scripted_command
from jirabot.agents.turn import STALL_SECONDS, TIMEOUT_SECONDS, Command
from jirabot.core.ids import BackendName
from jirabot.core.ports import AgentBackend
from jirabot.errors import AgentUnavailable

TYPES = ("command", "scripted")


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentSection:
    """The values of `[agents.NAME]`. Those of `env` are secrets, as are those behind `pass_env` and in `env_file`."""

    type: str
    command: Sequence[str] = ()
    timeout_seconds: float = TIMEOUT_SECONDS
    stall_seconds: float = STALL_SECONDS
    pass_env: Sequence[str] = ()
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    env_file: Path | None = None
    script: Path | None = None
    readable: Sequence[Path] = ()


class Backends(Mapping[str, AgentBackend]):
    """The backend of each section, by name; each is made when it is first asked for.

    A section that can't be used fails what needs it (`AgentUnavailable`), and nothing else.
    """

    def __init__(
        self, sections: Mapping[str, AgentSection], *, environment: Mapping[str, str], containment: Containment
    ) -> None:
        """Make them of *sections*; *environment* is the daemon's own."""
        self._sections, self._environment, self._containment = sections, environment, containment
        self._made: dict[str, AgentBackend] = {}

    def __getitem__(self, name: str) -> AgentBackend:
        section = self._sections[name]
        if name not in self._made:
            self._made[name] = make_backend(
                BackendName(name), section, environment=self._environment, containment=self._containment
            )
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._sections)

    def __len__(self) -> int:
        return len(self._sections)


def make_backend(
    name: BackendName, section: AgentSection, *, environment: Mapping[str, str], containment: Containment
) -> AgentBackend:
    """Make one backend.

    Raises:
        AgentUnavailable: its type is unknown, it has no command, or its `env_file` can't be used.
    """
    if section.type == "scripted":
        command = scripted_command(
            script=section.script, timeout_seconds=section.timeout_seconds, stall_seconds=section.stall_seconds
        )
    elif section.type == "command":
        command = _command(name, section)
    else:
        raise AgentUnavailable(
            f"the agent `{name}` has the type `{section.type}`, which there is not",
            hint=f"set `type` in `[agents.{name}]` to one of {', '.join(f'`{known}`' for known in TYPES)}",
        )
    command = replace(
        command,
        environment=_given(section, environment),
        readable=(*command.readable, *section.readable),
        missing=tuple(variable for variable in section.pass_env if variable not in environment),
    )
    return CommandBackend(name, command, containment=containment, environment=environment)


def _command(name: str, section: AgentSection) -> Command:
    if not section.command:
        raise AgentUnavailable(f"the agent `{name}` has no command", hint=f'set `command = ["…"]` in `[agents.{name}]`')
    return Command(
        arguments=tuple(section.command),
        timeout_seconds=section.timeout_seconds,
        stall_seconds=section.stall_seconds,
    )


def _given(section: AgentSection, environment: Mapping[str, str]) -> dict[str, str]:
    """Put together what the section gives; what is nearer to the section wins."""
    passed = {name: environment[name] for name in section.pass_env if name in environment}
    read = read_env_file(section.env_file) if section.env_file else {}
    return {**passed, **read, **section.env}


def read_env_file(path: Path) -> dict[str, str]:
    """Read `NAME=value` lines; empty ones and those that begin with `#` are left out, quotes around a value too.

    Raises:
        AgentUnavailable: it can't be read, others can read it, or a line is none.
    """
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        lines = path.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else "it is no text"
        raise AgentUnavailable(f"the `env_file` `{path}` can't be read: {reason}") from error
    if mode & 0o077:
        raise AgentUnavailable(
            f"the `env_file` `{path}` can be read by others (mode `{mode:04o}`)", hint=f"run `chmod 600 {path}`"
        )
    found: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        name, equals, value = text.removeprefix("export ").partition("=")
        if not equals or not name.strip().isidentifier():
            raise AgentUnavailable(f"line {number} of the `env_file` `{path}` is no `NAME=value`")
        found[name.strip()] = _unquoted(value.strip())
    return found


def _unquoted(value: str) -> str:
    quoted = len(value) >= 2 and value[0] == value[-1] and value[0] in "'\""
    return value[1:-1] if quoted else value
