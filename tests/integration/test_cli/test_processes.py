"""The program as a process of its own: signals, pipes, terminals, the ports and folders that two want."""

import json
import os
import pty
import select
import shlex
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pytest

from .conftest import MASTER_KEY, WITHIN_SECONDS, Cli, Jira

PROGRAM = [sys.executable, "-c", "from jirabot.cli.start import run; run()"]
_OWN_TERMINAL = "import fcntl, os, termios; os.setsid(); fcntl.ioctl(0, termios.TIOCSCTTY, 0)"
PROGRAM_ON_TERMINAL = [sys.executable, "-c", f"{_OWN_TERMINAL}; {PROGRAM[-1]}"]
"""Its standard input is the terminal of its session, so that Ctrl-C reaches it."""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "JIRABOT_MASTER_KEY": MASTER_KEY,
        "TERM": "xterm-256color",
    }


class Started:
    """A command that runs until it is told to end."""

    def __init__(self, arguments: Sequence[str], environment: dict[str, str], folder: Path) -> None:
        self.process = subprocess.Popen(
            [*PROGRAM, *arguments],
            env=environment,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def line(self, holding: str) -> str:
        """Read standard error up to the line that holds *holding*."""
        return _line(self.process.stderr, holding)

    def out(self, holding: str) -> str:
        """Read standard output up to the line that holds *holding*."""
        return _line(self.process.stdout, holding)

    def object(self) -> dict[str, Any]:
        """Read the object that stands on the first line of standard output."""
        shown: dict[str, Any] = json.loads(self.out("{"))
        return shown

    def end(self, number: signal.Signals) -> tuple[int, str]:
        """Send a signal; gives the exit code and what was still said on standard error."""
        self.process.send_signal(number)
        _, said = self.process.communicate(timeout=WITHIN_SECONDS)
        return self.process.returncode, said


def _line(stream: IO[str] | None, holding: str) -> str:
    assert stream is not None
    for line in stream:
        if holding in line:
            return line.strip()
    raise AssertionError(f"it ended before it said {holding!r}")


@contextmanager
def started(arguments: Sequence[str], environment: dict[str, str], folder: Path) -> Iterator[Started]:
    command = Started(arguments, environment, folder)
    try:
        yield command
    finally:
        command.process.kill()
        command.process.communicate(timeout=WITHIN_SECONDS)


def test_the_daemon_says_where_it_listens_and_ends_with_0_on_sigterm(
    environment: dict[str, str], tmp_path: Path
) -> None:
    with started(["--data-dir", "data", "serve", "--port", "0"], environment, tmp_path) as daemon:
        address = daemon.line("jirabot listens on ").removeprefix("jirabot listens on ")
        host, _, port = address.removeprefix("http://").rpartition(":")
        with socket.create_connection((host, int(port)), timeout=WITHIN_SECONDS) as connection:
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            answered = connection.recv(1000)

        code, said = daemon.end(signal.SIGTERM)

    assert answered.startswith(b"HTTP/1.1 200 ")
    assert code == 0
    assert "Traceback" not in said


def test_a_second_daemon_and_an_upgrade_beside_one(environment: dict[str, str], cli: Cli) -> None:
    with started(["--data-dir", str(cli.data), "serve", "--port", "0"], environment, cli.folder) as daemon:
        daemon.line("jirabot listens on ")

        second = cli("serve", "--port", "0")
        upgrade = cli("db", "upgrade")
        process = daemon.process.pid
        daemon.end(signal.SIGTERM)

    assert second.code == 1
    assert second.error == f"another daemon (process `{process}`) holds the data folder `{cli.data}`"
    assert upgrade.code == 0


def test_a_port_that_is_in_use_is_told(cli: Cli) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])

        serve, sandbox = cli("serve", "--port", port), cli("sandbox", "--port", port)

    assert (serve.code, sandbox.code) == (1, 1)
    assert serve.error.startswith(f"can't listen on `127.0.0.1:{port}`")
    assert sandbox.error == f"`127.0.0.1:{port}` can't be listened on: Address already in use"


def test_without_git_the_daemon_does_not_start(environment: dict[str, str], tmp_path: Path) -> None:
    environment["PATH"] = str(tmp_path)

    ended = subprocess.run(
        [*PROGRAM, "--data-dir", "data", "serve", "--port", "0"],
        env=environment,
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
        timeout=WITHIN_SECONDS,
        check=False,
    )

    assert (ended.returncode, ended.stderr.splitlines()[0]) == (1, "error: git is not installed")


@pytest.mark.parametrize("deployment", ["cloud", "dc"])
def test_the_sandbox_tells_what_is_needed_of_it_and_ends_with_130_on_ctrl_c(
    environment: dict[str, str], tmp_path: Path, deployment: str
) -> None:
    with started(["sandbox", "--json", "--deployment", deployment], environment, tmp_path) as sandbox:
        shown = sandbox.object()
        sandbox.line("Ctrl-C ends it.")

        code, said = sandbox.end(signal.SIGINT)

    assert list(shown) == [
        "deployment",
        "base_url",
        "issue",
        "webhooks",
        "service_account_email",
        "service_account_token",
        "people",
    ]
    assert shown["issue"] == f"{shown['base_url']}/browse/DEMO-1"
    assert len(shown["people"]) == 2
    assert (code, said) == (130, "")


def test_a_sandbox_that_is_started_again_gives_no_id_anew(environment: dict[str, str], tmp_path: Path) -> None:
    """Else whoever has served it takes what is new for what was acted on."""
    ids = []
    for _ in range(2):
        with started(["sandbox", "--json", "--deployment", "dc"], environment, tmp_path) as sandbox:
            shown = sandbox.object()
            asked = urllib.request.Request(
                f"{shown['base_url']}/rest/api/2/issue/DEMO-1",
                headers={"Authorization": f"Bearer {shown['service_account_token']}"},
            )
            with urllib.request.urlopen(asked, timeout=WITHIN_SECONDS) as answer:
                ids.append(int(json.load(answer)["id"]))

    assert ids[0] < ids[1]


@pytest.mark.parametrize("command", ["workspace list --json", "workspace list", "workspace list --help"])
def test_a_reader_that_has_gone_is_no_error(environment: dict[str, str], cli: Cli, command: str) -> None:
    create = ["workspace", "create", "acme", "--deployment", "dc", "--base-url", "http://127.0.0.1:1"]
    cli.done(*create, "--svc-acc-api-key", "-", "--no-validate", typed="token")
    reading, writing = os.pipe()
    os.close(reading)

    ended = subprocess.run(
        [*PROGRAM, "--data-dir", str(cli.data), *command.split()],
        env=environment,
        stdout=writing,
        stderr=subprocess.PIPE,
        timeout=WITHIN_SECONDS,
        check=False,
    )
    os.close(writing)

    assert (ended.returncode, ended.stderr) == (0, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize(
    "command", ["workspace list --json", "workspace list", "--help", "event --help", "config --help"]
)
def test_an_output_that_can_not_be_written_is_told(environment: dict[str, str], cli: Cli, command: str) -> None:
    create = ["workspace", "create", "acme", "--deployment", "dc", "--base-url", "http://127.0.0.1:1"]
    cli.done(*create, "--svc-acc-api-key", "-", "--no-validate", typed="token")
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [*PROGRAM, "--data-dir", str(cli.data), *command.split()],
            env=environment,
            stdout=full,
            stderr=subprocess.PIPE,
            timeout=WITHIN_SECONDS,
            check=False,
        )

    assert ended.returncode == 1
    assert b"standard output can't be written: No space left on device" in ended.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_version_that_can_not_be_written_is_told(environment: dict[str, str]) -> None:
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [*PROGRAM, "--version"],
            env=environment,
            stdout=full,
            stderr=subprocess.PIPE,
            timeout=WITHIN_SECONDS,
            check=False,
        )

    assert ended.returncode == 1
    assert ended.stderr == b"error: standard output can't be written: No space left on device\n"


def test_without_standard_streams_it_still_ends_with_its_code(environment: dict[str, str], tmp_path: Path) -> None:
    command = f"{shlex.join([*PROGRAM, 'workspace', 'show', 'nobody'])} <&- >&- 2>&-"

    ended = subprocess.run(
        ["/bin/sh", "-c", command], env=environment, cwd=tmp_path, timeout=WITHIN_SECONDS, check=False
    )

    assert ended.returncode == 3


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("jirabot wor", {"workspace"}),
        ("jirabot workspace re", set()),
        ("jirabot event re", {"retry", "replay"}),
        ("jirabot replay --dr", {"--dry-run"}),
    ],
)
def test_a_shell_completes_what_is_typed(
    environment: dict[str, str], tmp_path: Path, typed: str, offered: set[str]
) -> None:
    asked = {"_JIRABOT_COMPLETE": "complete_bash", "COMP_WORDS": typed, "COMP_CWORD": str(typed.count(" "))}

    ended = subprocess.run(
        PROGRAM, env={**environment, **asked}, cwd=tmp_path, capture_output=True, timeout=WITHIN_SECONDS, check=True
    )

    assert set(ended.stdout.decode().split()) == offered


class Terminal:
    """A command on a terminal, and a person who types at it."""

    def __init__(self, arguments: Sequence[str], environment: dict[str, str], folder: Path) -> None:
        self._screen, line = pty.openpty()
        self._process = subprocess.Popen(
            [*PROGRAM_ON_TERMINAL, *arguments], env=environment, cwd=folder, stdin=line, stdout=line, stderr=line
        )
        os.close(line)
        self.shown = ""

    def answer(self, question: str, text: str) -> None:
        """Wait for a question and type an answer."""
        while question not in self.shown:
            assert self._read(), f"it ended before it asked {question!r}: {self.shown}"
        os.write(self._screen, text.encode())

    def end(self) -> int:
        """Wait for its end; gives the exit code."""
        while self._read():
            pass
        os.close(self._screen)
        return self._process.wait(WITHIN_SECONDS)

    def _read(self) -> bool:
        ready, _, _ = select.select([self._screen], [], [], WITHIN_SECONDS)
        assert ready, f"it says nothing more: {self.shown}"
        try:
            said = os.read(self._screen, 4096)
        except OSError:
            # What Linux says of a terminal that no process holds any more.
            return False
        self.shown += said.decode().replace("\r\n", "\n")
        return bool(said)


def test_on_a_terminal_it_asks_for_what_is_missing_and_for_the_own_account(
    environment: dict[str, str], cli: Cli, cloud: Jira
) -> None:
    bot, ada = cloud.sandbox.bot, cloud.sandbox.ada
    terminal = Terminal(["--data-dir", str(cli.data), "workspace", "create"], environment, cli.folder)

    terminal.answer("What do you call the workspace (for Cloud best its host): ", "acme\n")
    terminal.answer("Which kind of Jira is it (`cloud` or `dc`): ", "cloud\n")
    terminal.answer("Its base URL (scheme, host, port and context path): ", f"{cloud.base_url}\n")
    terminal.answer("The service account's e-mail: ", f"{bot.email}\n")
    terminal.answer("The service account's API token or PAT: ", f"{bot.token}\n")
    terminal.answer("Your own Jira account, to be linked", f"{ada.account_id}\n")

    assert terminal.end() == 0
    assert "Ada Lovelace may trigger the bot now.\n" in terminal.shown
    assert "nobody may trigger the bot yet" not in terminal.shown
    assert bot.token not in terminal.shown
    assert cli.done("user", "list", "--json").object["role"] == "admin"


def test_ctrl_c_at_a_question_ends_it_and_makes_nothing(environment: dict[str, str], cli: Cli) -> None:
    create = ["workspace", "create", "acme.atlassian.net", "--svc-acc-email", "bot@acme.example"]
    terminal = Terminal(["--data-dir", str(cli.data), *create], environment, cli.folder)

    terminal.answer("API token or PAT: ", "\x03")

    assert terminal.end() == 130
    assert "Traceback" not in terminal.shown
    assert cli.done("workspace", "list", "--json").objects == []


@pytest.mark.parametrize(
    ("variable", "option", "is_plain"),
    [({}, [], False), ({"NO_COLOR": "1"}, [], True), ({}, ["--no-color"], True)],
    ids=["a terminal", "NO_COLOR", "--no-color"],
)
def test_a_terminal_is_written_to_in_colour_unless_that_is_not_wanted(
    environment: dict[str, str], cli: Cli, variable: dict[str, str], option: list[str], is_plain: bool
) -> None:
    create = ["workspace", "create", "acme", "--deployment", "dc", "--base-url", "http://127.0.0.1:1"]
    cli.done(*create, "--svc-acc-api-key", "-", "--no-validate", typed="token")
    arguments = [*option, "--data-dir", str(cli.data), "workspace", "list"]

    terminal = Terminal(arguments, {**environment, **variable}, cli.folder)

    assert terminal.end() == 0
    assert ("\x1b[" not in terminal.shown) is is_plain
    assert "acme" in terminal.shown


_INTERRUPTED_ELSEWHERE = """
import asyncio, signal, threading
from jirabot.cli import running

async def asleep():
    await asyncio.Event().wait()

def take():
    # In this thread, so that no system call of the main thread is broken off by it.
    signal.pthread_kill(threading.get_ident(), signal.SIGINT)

threading.Timer(0.5, take).start()
try:
    running.finish(asleep())
except KeyboardInterrupt:
    print("interrupted")
"""


def test_a_ctrl_c_that_no_system_call_notices_is_heard() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", _INTERRUPTED_ELSEWHERE],
        capture_output=True,
        text=True,
        timeout=WITHIN_SECONDS,
        check=False,
    )

    assert (ended.stdout, ended.stderr, ended.returncode) == ("interrupted\n", "", 0)
