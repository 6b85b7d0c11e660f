"""The daemon as a process of its own, that can be ended at any time, beside a sandbox Jira in this one."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path

import aiohttp

from jirabot.app import App, open_app
from jirabot.config import Settings
from jirabot.core.managers.repositories import NewRepository
from jirabot.core.managers.workspaces import NewWorkspace
from jirabot.core.people import SHELL
from jirabot.core.ports import Transaction
from jirabot.sandbox.issues import Issue
from jirabot.sandbox.server import Sandbox
from tests.conftest import REPOSITORY

from .stage import WITHIN_SECONDS, make_repository, settings_for

UNWALLED_PROGRAM = """\
import sys
from jirabot.agents.containment import Bubblewrap
from jirabot.cli.main import main

async def never(self):
    return False

Bubblewrap.works = never
sys.exit(main(sys.argv[1:]))
"""
"""jirabot where bubblewrap does not work."""

PROGRAM = "import sys; from jirabot.cli.main import main; sys.exit(main(sys.argv[1:]))"


class Daemon:
    """`jirabot serve` as a process, on a data folder that survives it."""

    def __init__(self, folder: Path, settings: Settings, *, runs: str = "", agent: str = 'type = "scripted"') -> None:
        """Configure it: *runs* and *agent* are lines of TOML, for `[runs]` and its one agent's section."""
        self.settings = settings
        self.process: asyncio.subprocess.Process | None = None
        self.program = PROGRAM
        self.log = b""
        """What it wrote, once it has ended."""
        self._config = folder / "jirabot.toml"
        self._config.write_text(
            f"""
            data_dir = {json.dumps(str(settings.data_dir))}
            [server]
            port = {settings.server.port}
            [runs]
            stop_grace = "1s"
            {runs}
            [outbox]
            grace = "1s"
            [agents.only]
            {agent}
            """
        )

    async def start(self, program: str = "", arguments: Sequence[str] = ()) -> None:
        """Start it, and wait until it says where it listens. *program* takes *arguments* before jirabot's own."""
        environment = {"PATH": os.environ["PATH"], "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"}
        self.process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            program or self.program,
            *arguments,
            "--config",
            str(self._config),
            "serve",
            cwd=REPOSITORY,
            env=environment,
            stderr=asyncio.subprocess.PIPE,
            limit=2**20,
        )
        assert self.process.stderr is not None
        async with asyncio.timeout(WITHIN_SECONDS):
            while line := await self.process.stderr.readline():
                if b"jirabot listens on" in line:
                    # What it writes from here on is read at once, so that it never waits for us.
                    self._written = asyncio.create_task(self.process.stderr.read())  # noqa: TID251 - `end` waits for it
                    return
        raise AssertionError("the daemon did not start")

    async def end(self, number: signal.Signals) -> int:
        """Send it a signal, and wait for its exit code."""
        assert self.process is not None
        self.process.send_signal(number)
        return await self.ended()

    async def ended(self) -> int:
        """Wait for its exit code."""
        assert self.process is not None
        async with asyncio.timeout(WITHIN_SECONDS):
            self.log = await self._written
            code = await self.process.wait()
        self.process = None
        return code


class Scene:
    """A sandbox and a daemon that can be killed."""

    def __init__(self, jira: Sandbox, daemon: Daemon, app: App, repository: Path, issue: Issue) -> None:
        self.jira, self.daemon, self.app, self.repository, self.issue = jira, daemon, app, repository, issue

    async def says(self) -> str:
        return (await self.jira.next_comment(self.issue.key, by=self.jira.bot, within=WITHIN_SECONDS)).text

    async def running(self) -> None:
        """Wait until the agent works."""

        async def found() -> bool:
            conversations = await self.app.storage.read(lambda tx: tx.conversations.list())
            return any(c.state.value == "in_progress" for c in conversations)

        await self._until(found)

    async def prompted(self, session: Path, number: int) -> None:
        """Wait until a gated agent has had so many prompts."""

        def has_them() -> bool:
            return len(list(session.glob("prompt-*"))) >= number

        async with asyncio.timeout(WITHIN_SECONDS):
            while not await asyncio.to_thread(has_them):  # noqa: ASYNC110 - another process makes the files
                await asyncio.sleep(0.02)

    async def draining(self) -> None:
        """Wait until the daemon says that it takes no new work."""
        async with aiohttp.ClientSession() as session, asyncio.timeout(WITHIN_SECONDS):
            address = f"{self.app.settings.server.reached_at()}/readyz"
            while True:
                async with session.get(address) as ready:
                    if (await ready.json())["draining"]:
                        assert ready.status == 503
                        return

    async def at_rest(self) -> None:
        """Wait until nothing is owed any more."""

        await self.until_stored(lambda tx: tx.outbox.next_due_at() is None)

    async def until_stored(self, holds: Callable[[Transaction], bool]) -> None:
        """Wait until something of what is stored holds."""

        async def found() -> bool:
            return await self.app.storage.read(holds)

        await self._until(found)

    async def _until(self, holds: Callable[[], Awaitable[bool]]) -> None:
        async with asyncio.timeout(WITHIN_SECONDS):
            watching = asyncio.ensure_future(self.app.storage.watch())  # noqa: TID251 - ended below
            try:
                while True:
                    seen = self.app.storage.generation()
                    if await holds():
                        return
                    await self.app.storage.changed(seen, within_seconds=1.0)
            finally:
                watching.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await watching


@contextlib.asynccontextmanager
async def scene_in(jira: Sandbox, folder: Path, **configured: str) -> AsyncIterator[Scene]:
    """Make a workspace, in this process as a command makes it, an issue, and a daemon that is not started yet."""
    settings = settings_for(folder)
    daemon = Daemon(folder, settings, **configured)
    repository = make_repository(folder, "0")
    async with open_app(settings) as app:
        wanted = NewWorkspace(
            name="acme",
            deployment=jira.deployment,
            base_url=jira.base_url,
            email=jira.bot.email,
            api_key=jira.bot.token,
        )
        made = await app.workspaces.create(wanted, by=SHELL)
        account = jira.ada.account_id if jira.deployment == "cloud" else jira.ada.name
        await app.users.link("acme", account, by=SHELL)
        await app.repositories.add(
            "acme", NewRepository(name="acme/shop", url=repository.as_uri(), is_default=True), by=SHELL
        )
        issue = await jira.create_issue(summary="The greeting is misspelt", description="It says Hullo.")
        jira.add_webhook(app.workspaces.events_url(made.workspace), secret=made.webhook_secret)
        yield Scene(jira, daemon, app, repository, issue)
        if daemon.process is not None:
            assert await daemon.end(signal.SIGTERM) == 0


def processes_of(data_dir: Path) -> list[str]:
    """List the processes of agents that work in a data folder."""
    mark = f"JIRABOT_SESSION_DIR={data_dir.resolve()}".encode()
    found: list[str] = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if mark in (process / "environ").read_bytes():
                found.append((process / "cmdline").read_bytes().decode(errors="replace"))
    return found
