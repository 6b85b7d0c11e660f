"""How a process of an agent is started, and surely ended with everything that came of it.

In a PID namespace of bubblewrap where that works, which the kernel ends as a whole; else known by a mark in its
environment, which its children inherit. The mark is in both, so that one sweep finds what a dead daemon left behind.
"""

import asyncio
import contextlib
import os
import pwd
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from jirabot.agents.network import PROXY_VARIABLES
from jirabot.agents.processes import Collected, Completed, Contained, Listener
from jirabot.errors import AgentUnavailable

PROBE_SECONDS = 5.0
"""How long bubblewrap may take to start `true`; it takes 10 ms."""

CERTIFICATES = frozenset({"SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"})
"""The variables that name the authorities a process trusts, which it has to see."""

INHERITED = frozenset(
    {"PATH", "LANG", "LC_ALL", "TZ", "TERM"} | CERTIFICATES | {*PROXY_VARIABLES, "NO_PROXY", "no_proxy"}
)
"""What of the daemon's environment others may see. A list of what is allowed: nobody can list what is secret."""

DEFAULT_PATH = "/usr/local/bin:/usr/bin:/bin"

EMPTIED = (Path("/tmp"), Path("/root"), Path("/run"))  # noqa: S108 - the agent gets one of its own
"""What is empty behind a wall in any case: sockets and keys are kept there."""

_EMPTY_AS_NEW = Path("/dev/shm")  # noqa: S108 - a wall has one of its own
"""What is empty because a wall makes devices of its own."""

_OF_PROGRAMS = tuple(Path(f"/{name}") for name in ("bin", "dev", "etc", "lib", "lib64", "proc", "sbin", "sys", "usr"))

MARK = "JIRABOT_SESSION_DIR"
"""The variable that agents are swept by: a path is one conversation's on this machine, in all of its runs.

Not `JIRABOT_RUN`, which agents get too: a session's handle is saved once, before the first of its runs.
"""

_WITHOUT_CORE_DUMPS = ("/bin/sh", "-c", 'ulimit -c 0; exec "$@"', "sh")
"""A core dump would hold the agent's secrets. A shell sets the limit: our code is not safe between fork and exec."""


def inherited(environment: Mapping[str, str]) -> dict[str, str]:
    """Keep what of *environment* may be handed on to agents and to git."""
    kept = {name: value for name, value in environment.items() if name in INHERITED}
    return {"PATH": DEFAULT_PATH, **kept}


def homes(environment: Mapping[str, str]) -> list[Path]:
    """List the homes of the user that runs us: that of *environment*, and that which the system knows.

    Left out is what services' users have for one although programs are there, as `/` or `/usr/sbin`.
    """
    found = [Path(environment["HOME"])] if environment.get("HOME") else []
    with contextlib.suppress(KeyError):
        found.append(Path(pwd.getpwuid(os.getuid()).pw_dir))
    real = dict.fromkeys(home.resolve() for home in found if home.is_absolute())
    return [home for home in real if home != Path("/") and not any(home.is_relative_to(at) for at in _OF_PROGRAMS)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """What is to be started: with exactly this environment, writing nowhere but in `writable`.

    `mark` is one of the environment's variables; whatever carries it belongs to this launch. `readable` names folders
    and files that have to be seen although they lie in a folder that is emptied; it never shows what is hidden.
    """

    command: Sequence[str]
    cwd: Path
    environment: Mapping[str, str] = field(repr=False)
    mark: str
    writable: Sequence[Path] = ()
    readable: Sequence[Path] = ()
    standard_input: Path | None = None

    @property
    def marking(self) -> str:
        """The mark as it stands in the environment, `NAME=value`."""
        return f"{self.mark}={self.environment[self.mark]}"


class Wall(Protocol):
    """A way to keep a process apart."""

    @property
    def name(self) -> str:
        """Tell a person which one it is."""

    @property
    def is_namespace(self) -> bool:
        """Whether the process that we start is not the command itself but its wall, which a signal would tear down."""

    async def works(self) -> bool:
        """Try it."""

    def arguments(self, launch: Launch) -> list[str]:
        """Give the whole command line for *launch*; the environment is not in it, as others can read that."""


class Marked:
    """No wall: the command as it is, in a session of its own, known by its mark. A hostile process can wash it off."""

    name = "mark"
    is_namespace = False

    async def works(self) -> bool:
        """It always does."""
        return True

    def arguments(self, launch: Launch) -> list[str]:
        """Give the command as it is."""
        return list(launch.command)


class Bubblewrap:
    """A PID namespace, and a file system that is read-only but for the launch's folders.

    Of `EMPTIED` and *homes* only what a launch has to read is seen; of what is *hidden*, only what it writes.
    """

    name = "bubblewrap"
    is_namespace = True

    def __init__(self, *, hidden: Sequence[Path] = (), homes: Sequence[Path] = (), program: str = "bwrap") -> None:
        """Use that *program*, as it is found now: an agent's own PATH must not lead to another than was tried."""
        self._emptied = tuple(dict.fromkeys([*EMPTIED, *(home.resolve() for home in homes)]))
        self._hidden = tuple(place.resolve() for place in hidden)
        self._program = shutil.which(program, path=DEFAULT_PATH) or program

    async def works(self) -> bool:
        """Start `true` in it: unprivileged namespaces are forbidden on some systems."""
        environment = {"PATH": DEFAULT_PATH, "JIRABOT_RUN": "probe"}
        launch = Launch(command=("true",), cwd=Path("/"), environment=environment, mark="JIRABOT_RUN")
        process = None
        try:
            process = await asyncio.create_subprocess_exec(
                *self.arguments(launch),
                env=environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.DEVNULL,
            )
            async with asyncio.timeout(PROBE_SECONDS):
                return await process.wait() == 0
        except (OSError, TimeoutError):
            return False
        finally:
            if process is not None and process.returncode is None:
                process.kill()
                await process.wait()

    def arguments(self, launch: Launch) -> list[str]:
        """Give bubblewrap's command line. What is bound later lies over what is hidden earlier."""
        line = [self._program, "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc"]
        for folder in self._emptied:
            line += ["--tmpfs", str(folder)] if folder.is_dir() else []
        resolver = Path("/etc/resolv.conf").resolve()
        if resolver.is_relative_to("/run"):
            line += ["--ro-bind-try", str(resolver), str(resolver)]
        for place in self._shown(launch):
            line += ["--ro-bind-try", str(place), str(place)]
        for place in self._hidden:
            line += _hiding(place)
        for folder in launch.writable:
            line += ["--bind", str(folder), str(folder)]
        line += ["--unshare-pid", "--unshare-ipc", "--unshare-uts", "--die-with-parent", "--new-session"]
        return [*line, "--chdir", str(launch.cwd), "--", *launch.command]

    def _shown(self, launch: Launch) -> list[Path]:
        """Choose what has to be bound for *launch* to read it: what is in an emptied folder, each but once.

        Never an emptied folder as a whole, nor one above it. The folders that lead to a place are resolved, not the
        place itself, which may be a link that a program goes by.
        """
        certificates = [Path(launch.environment[name]) for name in CERTIFICATES & launch.environment.keys()]
        named = [place for place in (*launch.readable, *certificates) if place.is_absolute()]
        wanted = {place.parent.resolve() / place.name for place in named}
        shown: list[Path] = []
        for place in sorted(wanted, key=lambda place: (len(place.parts), place)):
            is_emptied = any(place.is_relative_to(folder) for folder in (*self._emptied, _EMPTY_AS_NEW))
            is_whole = any(folder.is_relative_to(place) for folder in self._emptied)
            if is_emptied and not is_whole and not any(place.is_relative_to(each) for each in shown):
                shown.append(place)
        return shown


def _hiding(place: Path) -> list[str]:
    """Put something empty over *place*; nothing where there is none, or it can't be reached by agents either."""
    try:
        if place.is_dir():
            return ["--tmpfs", str(place)]
        return ["--ro-bind", "/dev/null", str(place)] if place.is_file() else []
    except OSError:
        return []


class Containment:
    """The first wall of several that works here, found out when it is first needed."""

    def __init__(self, *walls: Wall) -> None:
        self._walls = walls
        self._chosen: Wall | None = None

    @classmethod
    def best(cls, *, hidden: Sequence[Path] = (), homes: Sequence[Path] = ()) -> "Containment":
        """Use bubblewrap, which keeps *hidden* and *homes* from agents, where it works, else the mark."""
        return cls(Bubblewrap(hidden=hidden, homes=homes), Marked())

    async def wall(self) -> Wall:
        """Give the wall that is used.

        Raises:
            AgentUnavailable: none of them works here.
        """
        if self._chosen is None:
            for wall in self._walls:
                if await wall.works():
                    self._chosen = wall
                    break
            else:
                names = ", ".join(f"`{wall.name}`" for wall in self._walls)
                raise AgentUnavailable(
                    f"no way to contain an agent works here: {names}",
                    hint="install `bubblewrap` and allow unprivileged user namespaces",
                )
        return self._chosen

    async def begin(self, launch: Launch, listener: Listener | None = None) -> Contained:
        """Start *launch*; *listener* hears what it prints.

        Raises:
            AgentUnavailable: it can't be started.
        """
        wall = await self.wall()
        return await _spawn(launch, wall, listener or Collected())

    async def run(self, launch: Launch, *, timeout_seconds: float) -> Completed:
        """Start *launch*, wait for its end, and leave nothing of it.

        Raises:
            AgentUnavailable: it can't be started.
            TimeoutError: it took longer, and was ended.
        """
        collected = Collected()
        process = await self.begin(launch, collected)
        try:
            async with asyncio.timeout(timeout_seconds):
                await process.exited()
        finally:
            await asyncio.shield(process.end())
        return collected.completed(process.exit_code)


async def _spawn(launch: Launch, wall: Wall, listener: Listener) -> Contained:
    arguments = [*_WITHOUT_CORE_DUMPS, *wall.arguments(launch)]
    try:
        with contextlib.ExitStack() as files:
            given = launch.standard_input
            stdin = files.enter_context(given.open("rb")) if given else asyncio.subprocess.DEVNULL
            _, process = await asyncio.get_running_loop().subprocess_exec(
                lambda: Contained(launch.marking, listener, is_namespace=wall.is_namespace),
                *arguments,
                stdin=stdin,
                cwd=launch.cwd,
                env=dict(launch.environment),
                start_new_session=True,
            )
    except OSError as error:
        raise AgentUnavailable(
            f"`{launch.command[0]}` can't be started in `{launch.cwd}`: {error.strerror or error}"
        ) from error
    return process
