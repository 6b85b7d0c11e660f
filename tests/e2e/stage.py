"""The stage that plays are performed on: a sandbox Jira, the daemon and a git repository, all in this process.

Everything is real but the people: webhooks are signed and come over HTTP, rows are in a SQLite file, the agent is a
process, comments are written through Jira's REST API. When the curtain falls the stage looks at itself: no comment that
nobody asked for, no delivery, run or effect left undone, no error in the log that was not expected.
"""

import asyncio
import contextlib
import functools
import itertools
import os
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from jirabot.app import App, open_app
from jirabot.config import AgentSettings, OutboxSettings, RunsSettings, ServerSettings, Settings, WorkspaceDefaults
from jirabot.core.conversations import LIVE_RUNS, Conversation, RunState
from jirabot.core.deliveries import Delivery, DeliveryState
from jirabot.core.managers.conversations import WholeConversation
from jirabot.core.managers.repositories import NewRepository
from jirabot.core.managers.workspaces import NewWorkspace
from jirabot.core.people import SHELL
from jirabot.core.ports import Transaction
from jirabot.core.workspaces import Workspace
from jirabot.daemon.application import serve
from jirabot.jira.connections import Timeouts
from jirabot.machine import SystemClock
from jirabot.sandbox.issues import Comment, Issue, Person
from jirabot.sandbox.server import Sandbox
from tests.templates import copy_database, made_once

T = TypeVar("T")

WITHIN_SECONDS = 20.0
"""How long a wait lasts at most: far longer than anything on one machine takes."""

FILES: Mapping[str, str] = {"README.md": "# Shop\n", "login.py": 'greeting = "Hullo"\n'}

_GATED_AGENT = """\
cat > "$JIRABOT_SESSION_DIR/prompt-$(date +%s%N)"
printf '{"type":"progress","text":"Waiting to be let go"}\\n'
while [ ! -e "$JIRABOT_SESSION_DIR/go" ]; do sleep 0.02; done
rm "$JIRABOT_SESSION_DIR/go"
printf '{"type":"finished","summary":"I was let go."}\\n'
"""
GATED = {"gated": AgentSettings(type="command", command=("/bin/sh", "-c", _GATED_AGENT))}
"""An agent whose turn ends when the play lets it go, and that keeps its prompts."""


@dataclass
class Log:
    """Keeps what the daemon tells."""

    told: list[tuple[str, Mapping[str, object]]] = field(default_factory=list)

    def tell(self, event: str, **fields: object) -> None:
        self.told.append((event, fields))

    def errors(self) -> list[str]:
        return [event for event, fields in self.told if fields.get("level") == "error"]


class MovableClock(SystemClock):
    """The machine's time, and what the play lets pass beside it; who sleeps wakes when that is enough."""

    def __init__(self) -> None:
        self._ahead = timedelta(0)
        self._moved = asyncio.Event()

    def now(self) -> datetime:
        return super().now() + self._ahead

    async def sleep(self, seconds: float) -> None:
        until = self.now() + timedelta(seconds=seconds)
        while (left := (until - self.now()).total_seconds()) > 0:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await self._moved.wait()

    def advance(self, **by: float) -> None:
        """Let time pass at once. Not while a run goes on: its lease would run out."""
        self._ahead += timedelta(**by)
        moved, self._moved = self._moved, asyncio.Event()
        moved.set()


class Stage:
    """A play's view of it all."""

    def __init__(self, jira: Sandbox, app: App, repository: Path, log: Log) -> None:
        self.jira, self.app, self.repository, self.log = jira, app, repository, log
        self.clock: MovableClock
        self.address = app.settings.server.reached_at()
        self.issue: Issue
        self.workspace: Workspace
        self.events_url = ""
        self.secret = ""
        self.expected_errors: set[str] = set()

    async def set_up(self, *, repositories: int = 1, webhook: bool = True) -> None:
        """Create the workspace, link Ada, add repositories (the only one is the default), and create an issue."""
        app, jira = self.app, self.jira
        wanted = NewWorkspace(
            name="acme",
            deployment=jira.deployment,
            base_url=jira.base_url,
            email=jira.bot.email,
            api_key=jira.bot.token,
        )
        made = await app.workspaces.create(wanted, by=SHELL)
        self.workspace, self.secret = made.workspace, made.webhook_secret
        self.events_url = app.workspaces.events_url(made.workspace)
        if webhook:
            jira.add_webhook(self.events_url, secret=self.secret)
        await self.link(jira.ada)
        for number in range(repositories):
            name = "acme/shop" if number == 0 else f"acme/shop-{number}"
            url = make_repository(self.repository.parent, f"{number}").as_uri() if number else self.repository.as_uri()
            await app.repositories.add(
                "acme", NewRepository(name=name, url=url, is_default=repositories == 1), by=SHELL
            )
        self.issue = await jira.create_issue(summary="The greeting is misspelt", description="It says Hullo.")

    async def change_workspace(self, **changes: Any) -> None:
        """Change the workspace's row as `workspace update` will."""
        self.workspace = replace(self.workspace, **changes)
        await self.app.storage.write(lambda tx: tx.workspaces.save(self.workspace))
        self.app.directory.forget()

    async def link(self, person: Person) -> None:
        """Let a person trigger the bot."""
        account = person.account_id if self.jira.deployment == "cloud" else person.name
        await self.app.users.link("acme", account, by=SHELL)

    async def comment(self, text: str, **how: Any) -> Comment:
        """Comment on the issue, as Ada if nobody else is named."""
        return await self.jira.comment(self.issue.key, text, **how)

    async def says(self, *, on: Issue | None = None) -> Comment:
        """Wait for the bot's next comment."""
        return await self.jira.next_comment((on or self.issue).key, by=self.jira.bot, within=WITHIN_SECONDS)

    async def until(self, holds: Callable[[], T | None]) -> T:
        """Wait until something of the sandbox's state holds."""
        await self.jira.until(holds, WITHIN_SECONDS)
        held = holds()
        assert held
        return held

    async def until_stored(self, query: Callable[[Transaction], T | None]) -> T:
        """Wait until something of our own state holds."""
        async with asyncio.timeout(WITHIN_SECONDS):
            while True:
                seen = self.app.storage.generation()
                if (found := await self.app.storage.read(query)) is not None:
                    return found
                await self.app.storage.changed(seen, within_seconds=1.0)

    async def rest(self) -> None:
        """Wait until nothing goes on: webhooks are handled, no run lives, effects stand, troubles are told."""
        seen = -1
        # An effect that is sent while we wait brings another webhook.
        while seen != self.app.storage.generation():
            seen = self.app.storage.generation()
            await self.jira.settled(WITHIN_SECONDS)
            await self.until_stored(_at_rest)

    async def outcome(self, comment: Comment) -> Delivery:
        """Wait for the outcome of the event that told of a comment first."""
        key = f"comment:{comment.id}"

        def query(tx: Transaction) -> Delivery | None:
            found = [d for d in tx.deliveries.list(limit=500) if d.trigger_key == key and d.handled_at]
            return found[-1] if found else None

        return await self.until_stored(query)

    async def conversation(self, *, on: Issue | None = None) -> Conversation:
        """Give the issue's newest conversation."""
        issue_id = (on or self.issue).id
        return await self.until_stored(
            lambda tx: next((c for c in tx.conversations.list(limit=500) if c.issue_id == issue_id), None)
        )

    async def make_due(self) -> None:
        """Let no delivery wait any longer: its time has come."""

        def change(tx: Transaction) -> None:
            for delivery in tx.deliveries.list(state=DeliveryState.WAITING):
                tx.deliveries.retry(delivery.id, now=self.app.clock.now())

        await self.app.storage.write(change)

    async def whole(self) -> WholeConversation:
        """Give the issue's newest conversation with all that belongs to it."""
        return await self.app.conversations.show((await self.conversation()).id, by=SHELL)

    async def until_running(self, number: int = 1) -> None:
        """Wait until a run of that number has its agent at work."""
        await self.until_stored(
            lambda tx: next(
                (
                    True
                    for c in tx.conversations.list()
                    for run in tx.conversations.runs(c.id)
                    if run.number == number and run.state is RunState.RUNNING and run.started_at
                ),
                None,
            )
        )

    async def let_go(self, *, on: Issue | None = None) -> None:
        """End the turn of a gated agent."""
        (await self._session(on) / "go").touch()

    async def prompts(self) -> list[str]:
        """Give the prompts that a gated agent has had, the first first."""
        return [path.read_text().strip() for path in sorted((await self._session()).glob("prompt-*"))]

    async def _session(self, on: Issue | None = None) -> Path:
        return Path((await self.conversation(on=on)).session["session_dir"])

    async def deliveries(self) -> list[Delivery]:
        """List what came, the oldest first."""
        return list(reversed([d for d, _ in await self.app.deliveries.list(by=SHELL, limit=1000)]))

    def bot_comments(self) -> list[str]:
        """Give what the bot wrote, as it stands."""
        return [c.text for c in self.jira.comments(self.issue.key) if c.author is self.jira.bot]

    def branches(self) -> list[str]:
        """List the branches of the repository."""
        return git(self.repository, "for-each-ref", "--format=%(refname:short)", "refs/heads").split()

    async def check(self) -> None:
        """Look at what the play has left behind."""
        await self.rest()
        unread = [c.text for issue in self.jira.jira.issues.values() for c in self.jira.unread(issue.key)]
        assert unread == [], f"comments that the play did not expect: {unread}"
        assert set(self.log.errors()) == self.expected_errors


def _at_rest(tx: Transaction) -> bool | None:
    waiting = (DeliveryState.RECEIVED, DeliveryState.WAITING)
    if any(tx.deliveries.list(state=state, limit=1) for state in waiting):
        return None
    for conversation in tx.conversations.list(limit=500):
        live = tx.conversations.live_run(conversation.id)
        if live is not None and live.state in LIVE_RUNS - {RunState.HELD}:
            return None
    return None if tx.outbox.next_due_at() is not None or tx.troubles.untold() else True


def settings_for(folder: Path, **changes: Any) -> Settings:
    """Make settings with short times, on a free port, with nothing of the machine's own."""
    return Settings(
        data_dir=folder / "data",
        server=ServerSettings(
            port=free_port(), max_body=changes.pop("max_body", 25_000_000), **changes.pop("server", {})
        ),
        runs=RunsSettings(
            retry_delay=timedelta(milliseconds=50),
            stop_grace=timedelta(seconds=1),
            drain=timedelta(seconds=5),
            **changes.pop("runs", {}),
        ),
        outbox=OutboxSettings(grace=timedelta(seconds=1)),
        workspace=WorkspaceDefaults(**changes.pop("workspace", {})),
        agents=changes.pop("agents", {"scripted": AgentSettings(type="scripted")}),
        environment={name: value for name, value in os.environ.items() if name in ("PATH", "LANG")},
        use_keyring=False,
        **changes,
    )


@contextlib.asynccontextmanager
async def staged(
    jira: Sandbox, folder: Path, *, clock: MovableClock | None = None, **changes: Any
) -> AsyncIterator[Stage]:
    """Open the stage, with nothing set up yet."""
    log, clock = Log(), clock or MovableClock()
    settings = settings_for(folder, **changes)
    copy_database(settings.database)
    timeouts = Timeouts(connect=2.0, total=2.0)
    async with open_app(settings, log=log, clock=clock, timeouts=timeouts) as app, running(app):
        stage = Stage(jira, app, make_repository(folder, "0"), log)
        stage.clock = clock
        yield stage
        await stage.check()


@contextlib.asynccontextmanager
async def running(app: App) -> AsyncIterator[None]:
    """Run the daemon while the context is open."""
    stop, ready = asyncio.Event(), asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(serve(app, ready=lambda port: ready.set(), stop=stop))
        async with asyncio.timeout(WITHIN_SECONDS):
            await ready.wait()
        try:
            yield
        finally:
            stop.set()


_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_PORTS = itertools.cycle(10_000 + _WORKER % 10 * 2_000 + (os.getpid() + number) % 2_000 for number in range(2_000))
"""Below those that the system gives to connections, and each worker's own: nobody takes one before it is used.

Beginning elsewhere each time, so that runs side by side seldom want the same.
"""


def free_port() -> int:
    """Find a port that nobody listens on."""
    for port in _PORTS:
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("the ports never end")


def make_repository(folder: Path, name: str) -> Path:
    """Make a bare repository with one commit on `main`, as a git host would hold it."""
    bare = folder / f"{name}.git"
    shutil.copytree(_repository(), bare)
    return bare


@functools.cache
def _repository() -> Path:
    work, bare = made_once() / "work", made_once() / "shop.git"
    work.mkdir()
    for path, text in FILES.items():
        (work / path).write_text(text, encoding="utf-8")
    git(work, "init", "--quiet", "--template=", "--initial-branch=main")
    git(work, "add", ".")
    git(work, "-c", "user.name=Ada", "-c", "user.email=ada@acme.example", "commit", "-qm", "Open the shop")
    git(work, "clone", "--quiet", "--template=", "--bare", str(work), str(bare))
    (bare / "hooks").mkdir()
    return bare


def git(folder: Path, *arguments: str) -> str:
    """Run git with nothing of the machine's own configuration."""
    environment = {"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    done = subprocess.run(
        ["git", *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout
