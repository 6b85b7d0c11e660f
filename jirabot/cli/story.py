"""The story that `jirabot demo` tells: a small Jira, the daemon, a repository, and two comments by a person.

It is told from what the product keeps: deliveries, decisions, what agents reported, what stands on the issue.
"""

import asyncio
import contextlib
import os
import socket
import subprocess
import tempfile
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import indent
from typing import Any, Literal

from rich.markdown import Markdown
from rich.padding import Padding
from rich.syntax import Syntax
from rich.text import Text

from jirabot.app import App, open_app
from jirabot.cli import output
from jirabot.config import AgentSettings, ServerSettings, Settings
from jirabot.core.conversations import OPEN, Conversation, RunState, State
from jirabot.core.decisions import ECHOES
from jirabot.core.deliveries import Delivery, DeliveryState
from jirabot.core.managers.repositories import NewRepository
from jirabot.core.managers.workspaces import NewWorkspace
from jirabot.core.people import SHELL
from jirabot.daemon.application import serve
from jirabot.errors import CommandFailed, GitFailed, JirabotError
from jirabot.sandbox.jira import Issue
from jirabot.sandbox.server import Sandbox

SCENE_SECONDS = 60.0
"""How long a scene with the scripted agent may take; it takes two or three."""

OWN_AGENT_SECONDS = 3600.0

INDENT = 10

FILES: Mapping[str, str] = {
    "README.md": "# Shop\n\nA small shop.\n",
    "login.py": 'def greet(name: str) -> str:\n    return "Hullo, " + name\n',
}
REQUESTS = (
    "@openhands fix the greeting in login.py: it says Hullo",
    "@openhands thanks! Please tell about it in README.md, too",
)


@dataclass
class Teller:
    """Tells the story to a person, or as data: one JSON object a line."""

    as_json: bool
    failures: list[str] = field(default_factory=list)

    def tell(self, step: str, text: str, **facts: object) -> None:
        """Tell one thing that happened."""
        if self.as_json:
            output.write_json({"step": step, "text": text, **facts})
            return
        output.console().print(Text.assemble((f"{step:<9}", "bold cyan"), " ", text))

    def show(self, step: str, title: str, body: str, *, language: str = "") -> None:
        """Tell something that has a body: a diff, a comment."""
        if self.as_json:
            output.write_json({"step": step, "text": title, "body": body})
            return
        self.tell(step, title)
        console = output.console()
        if console.is_terminal:
            shown = Syntax(body, language, background_color="default") if language else Markdown(body)
            console.print(Padding(shown, (0, 0, 0, INDENT)))
        else:
            console.print(Text(indent(body.rstrip("\n"), " " * INDENT)))

    def fail(self, text: str) -> None:
        """Tell that a step failed."""
        self.failures.append(text)
        self.tell("FAILED", text)


async def play(deployment: str, teller: Teller, *, agent: Sequence[str], once: bool) -> bool:
    """Play the story; False where a step of it failed.

    Raises:
        KeyboardInterrupt: a person ended it.
    """
    kind: Literal["cloud", "dc"] = "dc" if deployment == "dc" else "cloud"
    with tempfile.TemporaryDirectory(prefix="jirabot-demo-") as folder:
        repository = _repository(Path(folder))
        settings = _settings(Path(folder), agent)
        async with Sandbox(deployment=kind) as jira, open_app(settings) as app, _daemon(app) as ended:
            stage = Stage(app, jira, repository, teller, OWN_AGENT_SECONDS if agent else SCENE_SECONDS)
            await _until(ended, stage.play(once=once))
    return not teller.failures


@contextlib.asynccontextmanager
async def _daemon(app: App) -> AsyncIterator[asyncio.Event]:
    """Run the daemon while the context is open; gives what is set when it has ended by itself, as by Ctrl-C."""
    stop, ready, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def run() -> None:
        with contextlib.suppress(KeyboardInterrupt):
            await serve(app, ready=lambda port: ready.set(), stop=stop)
        ended.set()

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(run())
        await ready.wait()
        try:
            yield ended
        finally:
            stop.set()


async def _until(ended: asyncio.Event, playing: Coroutine[Any, Any, None]) -> None:
    """Play, unless the daemon is ended meanwhile."""
    async with asyncio.TaskGroup() as tasks:
        play_, end = tasks.create_task(playing), tasks.create_task(ended.wait())
        await asyncio.wait([play_, end], return_when=asyncio.FIRST_COMPLETED)
        interrupted = not play_.done()
        play_.cancel()
        end.cancel()
    if interrupted:
        raise KeyboardInterrupt


class Stage:
    """Plays the scenes and watches what comes of them."""

    def __init__(self, app: App, jira: Sandbox, repository: Path, teller: Teller, seconds: float) -> None:
        self._app, self._jira, self._repository, self._teller = app, jira, repository, teller
        self._seconds = seconds
        self._told: set[str] = set()
        self._last_event = 0

    async def play(self, *, once: bool) -> None:
        """Set everything up and play two scenes, a first comment and a follow-up; stay, if not *once*."""
        try:
            issue = await self._set_up()
            for request in REQUESTS:
                await self._scene(issue, request)
        except TimeoutError:
            self._teller.fail(f"nothing more happened within {self._seconds:.0f} s")
        except JirabotError as error:
            self._teller.fail(error.message)
        if not once and not self._teller.failures:
            await self._stay()

    async def _stay(self) -> None:
        """Keep both running until Ctrl-C, with the two addresses to look at."""
        address = self._app.settings.server.reached_at()
        self._teller.tell("look", f"the issue, to comment on: {self._jira.base_url}/browse/DEMO-1")
        self._teller.tell("look", f"the daemon's state:       {address}/readyz")
        output.note("\nCtrl-C ends it and removes everything.")
        await asyncio.Event().wait()

    async def _set_up(self) -> Issue:
        app, jira = self._app, self._jira
        self._teller.tell("jira", f"a small Jira ({app_word(jira.deployment)}) listens on {jira.base_url}")
        made = await app.workspaces.create(
            NewWorkspace(
                name="demo",
                deployment=jira.deployment,
                base_url=jira.base_url,
                email=jira.bot.email,
                api_key=jira.bot.token,
            ),
            by=SHELL,
        )
        url = app.workspaces.events_url(made.workspace)
        jira.add_webhook(url, secret=made.webhook_secret)
        self._teller.tell("setup", f"workspace `demo` for {jira.base_url}; its signed webhooks go to {url}")
        link = await app.users.link(
            "demo", jira.ada.account_id if jira.deployment == "cloud" else jira.ada.name, by=SHELL
        )
        repository = NewRepository(name="acme/shop", url=self._repository.as_uri(), is_default=True)
        await app.repositories.add("demo", repository, by=SHELL)
        self._teller.tell("setup", f"{link.account.label} may trigger the bot; issues belong to `acme/shop`")
        issue = await jira.create_issue(
            summary="The greeting is misspelt", description="{{login.py}} greets with *Hullo*.", reporter=jira.ada
        )
        self._teller.tell("issue", f"{issue.key}: {issue.summary}")
        return issue

    async def _scene(self, issue: Issue, request: str) -> None:
        """Comment, and tell what happens until the conversation rests."""
        comment = await self._jira.comment(issue.key, request, author=self._jira.ada)
        self._teller.tell("comment", f"{self._jira.ada.display_name}: {request}")
        async with asyncio.timeout(self._seconds):
            conversation = await self._until_rest(issue, f"comment:{comment.id}")
        self._show_diff(conversation)
        self._show_comments(issue)
        if conversation.state is State.FAILED:
            raise CommandFailed("the agent did not finish its work: the issue says why")

    async def _until_rest(self, issue: Issue, trigger_key: str) -> Conversation:
        """Tell the news until what *trigger_key* names was handled, and nothing goes on any more."""
        storage = self._app.storage
        while True:
            seen = storage.generation()
            handled = await self._tell_deliveries()
            conversation = await self._tell_conversation(issue)
            if trigger_key in handled and conversation is not None and await self._rests(conversation):
                return conversation
            await storage.changed(seen, within_seconds=0.5)

    async def _tell_deliveries(self) -> set[str]:
        """Tell what came and what it led to; gives the trigger keys of all that was handled."""
        handled = [d for d, _ in await self._app.deliveries.list(by=SHELL) if d.handled_at is not None]
        for delivery in reversed(handled):
            if delivery.id not in self._told:
                self._told.add(delivery.id)
                self._tell_delivery(delivery)
        return {str(delivery.trigger_key) for delivery in handled}

    def _tell_delivery(self, delivery: Delivery) -> None:
        if delivery.state is DeliveryState.DEAD:
            raise CommandFailed(f"the event was given up: {delivery.text}")
        if delivery.reason in ECHOES:
            return
        self._teller.tell("webhook", f"{delivery.kind} accepted, on disk as {delivery.id}", event=delivery.id)
        self._teller.tell(
            "decision", f"{delivery.decision}: {delivery.text}", decision=delivery.decision, reason=delivery.reason
        )

    async def _tell_conversation(self, issue: Issue) -> Conversation | None:
        """Tell what the agent reported."""
        listed = await self._app.conversations.list(by=SHELL)
        found = [each.conversation for each in listed if each.conversation.issue_id == issue.id]
        if not found:
            return None
        whole = await self._app.conversations.show(found[0].id, by=SHELL)
        for event in whole.events:
            if event.no > self._last_event:
                self._last_event = event.no
                self._teller.tell("agent", f"{event.kind}: {_first_line(event.text)}", kind=event.kind)
        return whole.conversation

    async def _rests(self, conversation: Conversation) -> bool:
        """Say whether nothing runs any more and everything owed stands on the issue."""
        whole = await self._app.conversations.show(conversation.id, by=SHELL)
        if any(run.state in (RunState.WAITING, RunState.RUNNING) for run in whole.runs):
            return False
        waits = conversation.state in OPEN and conversation.state is not State.AWAITING_INPUT
        return not waits and all(effect.state.value in ("sent", "dead") for effect in whole.effects)

    def _show_diff(self, conversation: Conversation) -> None:
        branch = conversation.branch
        if not branch or not _git(self._repository, "branch", "--list", branch):
            self._teller.tell("git", "nothing was pushed")
            return
        span = f"{conversation.base}..{branch}"
        commits, diff = _git(self._repository, "log", "--format=%h %s", span), _git(self._repository, "diff", span)
        self._teller.show("git", f"branch {branch} as it was pushed", commits + diff, language="diff")

    def _show_comments(self, issue: Issue) -> None:
        for comment in self._jira.comments(issue.key):
            told = f"{comment.id}:{comment.edits}"
            if told not in self._told:
                self._told.add(told)
                edited = f" (edited {comment.edits} times)" if comment.edits else ""
                self._teller.show("stands", f"{comment.author.display_name}{edited}", comment.text)


def app_word(deployment: str) -> str:
    """Name a deployment as people do."""
    return {"cloud": "Cloud", "dc": "Data Center"}[deployment]


def _settings(folder: Path, agent: Sequence[str]) -> Settings:
    """Make the demo's settings, of nothing that stands outside: no file, no variable, no keyring."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    section = AgentSettings(type="command", command=tuple(agent)) if agent else AgentSettings(type="scripted")
    return Settings(
        data_dir=folder / "data",
        server=ServerSettings(port=port),
        agents={"own" if agent else "scripted": section},
        environment={name: value for name, value in os.environ.items() if not name.startswith(("JIRABOT_", "JIRA_"))},
        use_keyring=False,
    )


def _repository(folder: Path) -> Path:
    """Make a repository with two files, as a git host would hold it."""
    work, bare = folder / "work", folder / "shop.git"
    work.mkdir()
    for name, text in FILES.items():
        (work / name).write_text(text, encoding="utf-8")
    _git(work, "init", "--quiet", "--initial-branch=main")
    _git(work, "add", ".")
    _git(work, "-c", "user.name=Ada Lovelace", "-c", "user.email=ada@acme.example", "commit", "-qm", "Open the shop")
    _git(folder, "clone", "--quiet", "--bare", str(work), str(bare))
    return bare


def _git(folder: Path, *arguments: str) -> str:
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=True, timeout=60
        )
    except FileNotFoundError as error:
        raise GitFailed("git is not installed", hint="install git, and run this again") from error
    except subprocess.CalledProcessError as error:
        raise GitFailed(f"git {arguments[0]} failed: {error.stderr.strip()}") from error
    return done.stdout


def _first_line(text: str) -> str:
    return text.strip().splitlines()[0] if text.strip() else ""
