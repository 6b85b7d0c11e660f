"""The program run in this process with a data folder of its own, and a small Jira in a thread beside it."""

import asyncio
import contextlib
import io
import json
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, TypeVar

import pytest

from jirabot.cli.main import main
from jirabot.sandbox.issues import Person
from jirabot.sandbox.server import Sandbox
from tests.templates import copy_database

T = TypeVar("T")

WITHIN_SECONDS = 20.0
MASTER_KEY = "bm90LWEtc2VjcmV0LW9uZS1mb3ItdGVzdHMtb25seS4="
"""A key that is given, so that no keyring is asked."""

SCRIPTED = '[agents.scripted]\ntype = "scripted"\n'


@dataclass(frozen=True)
class Ran:
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def object(self) -> dict[str, Any]:
        """The one object that it wrote."""
        (found,) = self.objects
        return found

    @property
    def objects(self) -> list[dict[str, Any]]:
        """The objects that it wrote, one a line."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def problem(self) -> dict[str, Any]:
        """The problem object, which is all that stands on standard error."""
        problem: dict[str, Any] = json.loads(self.err)
        return problem

    @property
    def error(self) -> str:
        """The sentence after `error:`."""
        return self.err.splitlines()[0].removeprefix("error: ")


class Cli:
    """Runs commands, all with one data folder."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.data, self.config = folder, folder / "data", folder / "jirabot.toml"

    def __call__(self, *arguments: str | Path, typed: str | bytes = "") -> Ran:
        """Run a command; *typed* stands on its standard input."""
        stdin, out, err = sys.stdin, io.StringIO(), io.StringIO()
        sys.stdin = io.TextIOWrapper(io.BytesIO(typed if isinstance(typed, bytes) else typed.encode()), "utf-8")
        try:
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                code = main(["--data-dir", str(self.data), *map(str, arguments)])
        finally:
            sys.stdin = stdin
        return Ran(code, out.getvalue(), err.getvalue())

    def done(self, *arguments: str | Path, typed: str | bytes = "") -> Ran:
        """Run a command that is a step on the way, not the test's subject."""
        if arguments[:2] == ("workspace", "create") and not self.data.exists():
            copy_database(self.data / "jirabot.db")
        ran = self(*arguments, typed=typed)
        assert ran.code == 0, ran.err
        return ran

    def file(self, name: str, content: str | bytes) -> Path:
        """Write a file that commands are given."""
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path


class Jira:
    """A sandbox Jira that serves in a thread, as commands run event loops of their own."""

    def __init__(
        self,
        deployment: Literal["cloud", "dc"],
        *,
        version: str = "10.3.5",
        clock: Callable[[], datetime] | None = None,
    ) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="sandbox-jira")
        self._thread.start()
        self.sandbox = self.do(_made(deployment, version, clock))

    def do(self, work: Awaitable[T]) -> T:
        """Do something in the sandbox's thread and wait for it."""

        async def done() -> T:
            return await work

        return asyncio.run_coroutine_threadsafe(done(), self._loop).result(WITHIN_SECONDS)

    def close(self) -> None:
        """End it."""
        self.do(self.sandbox.__aexit__(None, None, None))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(WITHIN_SECONDS)
        self._loop.close()

    @property
    def token(self) -> str:
        """The service account's."""
        return self.sandbox.bot.token

    def account(self, person: Person) -> str:
        """What a person types to name an account."""
        return person.account_id if self.sandbox.deployment == "cloud" else person.name

    def creation(self, name: str = "acme") -> list[str]:
        """Give the arguments that create a workspace here; the API key is read from standard input."""
        email = ["--svc-acc-email", self.sandbox.bot.email] if self.sandbox.deployment == "cloud" else []
        deployment = ["--deployment", self.sandbox.deployment]
        return ["workspace", "create", name, *deployment, "--base-url", self.base_url, *email, "--svc-acc-api-key", "-"]

    @property
    def base_url(self) -> str:
        """Where it is."""
        return self.sandbox.base_url


async def _made(deployment: Literal["cloud", "dc"], version: str, clock: Callable[[], datetime] | None) -> Sandbox:
    return await Sandbox(deployment=deployment, dc_version=version, retry_delays=[], clock=clock).__aenter__()


@contextlib.contextmanager
def at_home(folder: Path) -> Iterator[Cli]:
    """Give a program that finds nothing of this machine's user: no file, no variable, no keyring."""
    with pytest.MonkeyPatch.context() as patch:
        yield _go_home(folder, patch)


def _go_home(folder: Path, patch: pytest.MonkeyPatch) -> Cli:
    patch.setenv("HOME", str(folder))
    patch.delenv("XDG_CONFIG_HOME", raising=False)
    patch.delenv("XDG_DATA_HOME", raising=False)
    patch.setenv("JIRABOT_MASTER_KEY", MASTER_KEY)
    patch.chdir(folder)
    return Cli(folder)


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """Run commands with an empty data folder and without a configuration."""
    # The test's own patch: what a test changes after us is undone before what we have changed.
    return _go_home(tmp_path, monkeypatch)


@pytest.fixture(scope="module")
def cloud() -> Iterator[Jira]:
    """A small Jira Cloud."""
    jira = Jira("cloud")
    yield jira
    jira.close()


@pytest.fixture(scope="module")
def data_center() -> Iterator[Jira]:
    """A small Jira Data Center, under its context path."""
    jira = Jira("dc")
    yield jira
    jira.close()


@pytest.fixture(params=["cloud", "dc"])
def jira(request: pytest.FixtureRequest) -> Jira:
    """Each kind of Jira."""
    found: Jira = request.getfixturevalue({"cloud": "cloud", "dc": "data_center"}[request.param])
    return found


def make_repository(folder: Path) -> str:
    """Make a repository with one file, and give its address."""
    work, bare = folder / "work", folder / "shop.git"
    work.mkdir()
    (work / "login.py").write_text('greeting = "Hullo"\n')
    for command in (
        ["git", "init", "--quiet", "--initial-branch=main"],
        ["git", "add", "."],
        ["git", "-c", "user.name=Ada", "-c", "user.email=ada@acme.example", "commit", "-qm", "Open the shop"],
        ["git", "clone", "--quiet", "--bare", ".", str(bare)],
    ):
        subprocess.run(command, cwd=work, check=True, timeout=WITHIN_SECONDS)
    return bare.as_uri()
