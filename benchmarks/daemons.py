"""What the benchmarks share: a daemon in a process of its own, a workspace that it serves, its agents' processes."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from jirabot.app import App, open_app
from jirabot.config import Settings, load
from jirabot.core.conversations import RunState
from jirabot.core.managers.workspaces import NewWorkspace
from jirabot.core.people import SHELL
from jirabot.core.ports import Transaction
from jirabot.sandbox.server import Sandbox

START_SECONDS = 30.0
"""How long a daemon may take until it listens, on a machine that has much else to do."""

SERVE = "import sys; from jirabot.cli.main import main; sys.exit(main(sys.argv[1:]))"
FLOOR = Path(__file__).with_name("floor.py")
DURABLE = Path(__file__).with_name("durable.py")
IMPATIENT = Path(__file__).with_name("impatient.py")

_OFF = {"webhooks_per_minute": 0, "api_calls_per_hour": 0}
UNLIMITED: Mapping[str, Mapping[str, object]] = {"limits.cloud": _OFF, "limits.dc": _OFF}
"""No benchmark measures how long it waits for a limit."""

SLEEPER = 'printf \'{"type":"progress","text":"Waiting"}\\n\'; sleep 3600'
"""An agent that says that it is there, and no more."""


@dataclass
class Daemon:
    """`jirabot serve` on a data folder that survives it. It waits *jira_seconds* for Jira, else as always.

    What it writes goes to `daemon.log` beside the data folder.
    """

    folder: Path
    settings: Settings
    jira_seconds: float | None = None
    process: asyncio.subprocess.Process | None = None
    starts: int = 0
    _written: asyncio.Task[None] | None = field(default=None, repr=False)

    @property
    def address(self) -> str:
        """Where it listens."""
        return self.settings.server.reached_at()

    @property
    def pid(self) -> int:
        """The id of its process."""
        assert self.process is not None, "it does not run"
        return self.process.pid

    async def start(self) -> None:
        """Start it, and wait until it listens."""
        config = str(self.folder / "jirabot.toml")
        program = ["-c", SERVE, "--config", config, "serve"]
        if self.jira_seconds is not None:
            program = [str(IMPATIENT), config, str(self.jira_seconds)]
        environment = {"PATH": os.environ["PATH"], "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"}
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, *program, env=environment, stderr=asyncio.subprocess.PIPE
        )
        self.starts += 1
        listens = asyncio.Event()
        assert self.process.stderr is not None
        self._written = asyncio.create_task(self._keep(self.process.stderr, listens))  # noqa: TID251 - `end` waits
        async with asyncio.timeout(START_SECONDS):
            await listens.wait()

    async def _keep(self, stream: asyncio.StreamReader, listens: asyncio.Event) -> None:
        with (self.folder / "daemon.log").open("ab") as log:
            async for line in stream:
                log.write(line)
                log.flush()
                if b"jirabot listens on" in line:
                    listens.set()

    async def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send it a signal, and wait for its exit code."""
        assert self.process is not None, "it does not run"
        assert self._written is not None
        self.process.send_signal(number)
        code = await self.process.wait()
        await self._written
        self.process = None
        return code

    def megabytes(self) -> float:
        """Tell how much memory it holds."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) / 1024


@contextlib.asynccontextmanager
async def prepared(
    folder: Path, sections: Mapping[str, Mapping[str, object]], *, jira_seconds: float | None = None
) -> AsyncIterator[tuple[App, Daemon]]:
    """Write a configuration and open its database as a command does; the daemon is not started, but ended after."""
    config = folder / "jirabot.toml"
    server = {"port": free_port(), **sections.get("server", {})}
    config.write_text(_toml({"": {"data_dir": str(folder / "data")}, **UNLIMITED, **sections, "server": server}))
    os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.null.Keyring"
    daemon = Daemon(folder, load(config), jira_seconds)
    async with open_app(daemon.settings) as app:
        try:
            yield app, daemon
        finally:
            if daemon.process is not None:
                # Twice: what its agents do is not waited for.
                daemon.process.send_signal(signal.SIGTERM)
                await daemon.end()


@dataclass(frozen=True, kw_only=True)
class Site:
    """A workspace as Jira knows it: where its webhooks go, and what signs them."""

    events_url: str
    secret: str


async def connect(app: App, jira: Sandbox) -> Site:
    """Make a workspace for the sandbox, with its people linked, and register the webhook in it."""
    wanted = NewWorkspace(
        name="acme",
        deployment=jira.deployment,
        base_url=jira.base_url,
        email=jira.bot.email,
        api_key=jira.bot.token,
    )
    made = await app.workspaces.create(wanted, by=SHELL)
    for person in (jira.ada, jira.grace):
        await app.users.link("acme", person.account_id if jira.deployment == "cloud" else person.name, by=SHELL)
    site = Site(events_url=app.workspaces.events_url(made.workspace), secret=made.webhook_secret)
    jira.add_webhook(site.events_url, secret=site.secret)
    return site


@contextlib.contextmanager
def beside(program: Path, secret: str, *more: str) -> Iterator[tuple[str, int]]:
    """Run a handler to compare with in a process of its own; gives its address and process id."""
    with subprocess.Popen([sys.executable, str(program), secret, *more], stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            yield f"http://127.0.0.1:{int(process.stdout.readline())}/events", process.pid
        finally:
            process.terminate()


@contextlib.contextmanager
def stopped(pid: int) -> Iterator[None]:
    """Stop a process while the context is open."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def agents_of(data_dir: Path) -> Sequence[int]:
    """List the processes of agents that work in a data folder, by their mark."""
    mark = f"JIRABOT_SESSION_DIR={data_dir.resolve()}".encode()
    found: list[int] = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if mark in (process / "environ").read_bytes():
                found.append(int(process.name))
    return found


RUNNING_SECONDS = 120.0
"""How long so many agents may take to be at work: else the daemon holds some of them back."""


def runs_at_once(count: int) -> dict[str, object]:
    """Give the section `[runs]` of a daemon with so many agents at work, all for one person, and that ends soon."""
    limits = ("parallel", "parallel_per_workspace", "parallel_per_user", "parallel_per_repository")
    return {**dict.fromkeys(limits, count), "drain": "1s", "stop_grace": "1s"}


async def until_running(app: App, agents: int) -> None:
    """Wait until so many runs have their agents at work."""

    def running(tx: Transaction) -> int:
        runs = [run for c in tx.conversations.list(limit=agents + 1) for run in tx.conversations.runs(c.id)]
        return sum(run.state is RunState.RUNNING and run.started_at is not None for run in runs)

    # The daemon's commits are those of another process here, and looked for anyway.
    async with asyncio.timeout(RUNNING_SECONDS):
        while await app.storage.read(running) < agents:  # noqa: ASYNC110 - another process commits
            await asyncio.sleep(0.2)


def free_port() -> int:
    """Find a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def percentile(values: Sequence[float], percent: float) -> float:
    """Give the value that so many percent are not above; of none, not a number."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))] if ordered else float("nan")


def table(rows: Sequence[Sequence[object]]) -> str:
    """Set rows in columns: the first to the left, the others to the right."""
    texts = [[f"{cell:.2f}" if isinstance(cell, float) else str(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    return "\n".join(
        "  ".join(
            [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        )
        for row in texts
    )


def _toml(sections: Mapping[str, Mapping[str, object]]) -> str:
    return "\n".join(
        line
        for name, values in sections.items()
        for line in ([f"[{name}]"] if name else []) + [f"{key} = {json.dumps(value)}" for key, value in values.items()]
    )
