"""Secrets that can be told from everything else, a program that is given them, and all that it shows of itself."""

import asyncio
import base64
import contextlib
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import typer.main

from jirabot.cli.main import app
from jirabot.sandbox.server import Sandbox

from .stage import WITHIN_SECONDS, free_port

PROGRAM = [sys.executable, "-c", "import sys; from jirabot.cli.main import main; sys.exit(main(sys.argv[1:]))"]

WEBHOOK_SECRET = "canary-of-the-webhook-7f3a91c2"
GIT_TOKEN = "canary-of-git-52b8e0d4"
AGENT_KEY = "canary-of-the-agent-set-c41d77ea"
PASSED_KEY = "canary-of-the-agent-passed-90ee3b15"
WRONG_API_KEY = "canary-of-a-wrong-key-e8a20f6d"
CLIENT_SECRET = "canary-of-the-client-1b6c88f0"
MASTER_KEY_BYTES = b"canary-of-the-master-key-4d9e21b"
MASTER_KEY = base64.urlsafe_b64encode(b"\0" + MASTER_KEY_BYTES[:31]).decode()

TELLS_ALL = """\
prompt=$(cat)
echo "log: $SET_KEY $PASSED_KEY"
echo "errors: $SET_KEY $PASSED_KEY" >&2
printf '{"type":"progress","text":"with %s and %s"}\\n' "$SET_KEY" "$PASSED_KEY"
sleep 0.3 # long enough to be seen in the process list
case "$prompt" in *"please crash"*) exit 1;; esac
echo "changed" >> README.md
printf '{"type":"finished","summary":"I used %s and %s."}\\n' "$SET_KEY" "$PASSED_KEY"
"""
"""An agent that tells its secrets wherever it can."""

_SHOWING = ("list", "show", "explain", "check", "path", "current", "doctor", "status")


def showing_commands() -> list[tuple[str, Any]]:
    """List the commands that show something, by their last word, with their parameters."""
    found: list[tuple[str, Any]] = []
    waiting: list[tuple[str, Any]] = [("", typer.main.get_command(app))]
    while waiting:
        name, command = waiting.pop()
        inner = getattr(command, "commands", None)
        if inner is not None:
            waiting += [(f"{name} {word}".strip(), each) for word, each in inner.items()]
        elif name.split()[-1] in _SHOWING:
            found.append((name, command))
    return sorted(found, key=lambda each: each[0])


class Program:
    """The daemon and commands as processes, and everything that they wrote."""

    def __init__(self, folder: Path, jira: Sandbox) -> None:
        self.data, self.port = folder / "data", free_port()
        self.seen: list[tuple[str, bytes]] = []
        """What came to light: where, and the bytes."""
        config = folder / "jirabot.toml"
        config.write_text(
            f"""
            data_dir = {json.dumps(str(self.data))}
            log_level = "debug"
            [server]
            port = {self.port}
            [agents.telling]
            type = "command"
            command = ["/bin/sh", "-c", {json.dumps(TELLS_ALL)}]
            pass_env = ["PASSED_KEY"]
            env = {{ SET_KEY = "{AGENT_KEY}" }}
            """
        )
        self._arguments = [*PROGRAM, "--config", str(config)]
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "JIRABOT_MASTER_KEY": MASTER_KEY,
            "PASSED_KEY": PASSED_KEY,
            "JIRA_CLIENT_ID": "an-id",
            "JIRA_CLIENT_SECRET": CLIENT_SECRET,
        }
        self.secrets = {
            "API key": jira.bot.token,
            "API key as it is sent": base64.b64encode(f"{jira.bot.email}:{jira.bot.token}".encode()).decode(),
            "webhook secret": WEBHOOK_SECRET,
            "git token": GIT_TOKEN,
            "agent's variable": AGENT_KEY,
            "agent's passed variable": PASSED_KEY,
            "wrong API key": WRONG_API_KEY,
            "client secret": CLIENT_SECRET,
            "master key": MASTER_KEY,
            "master key's bytes": MASTER_KEY_BYTES.decode()[:31],
        }

    async def command(self, *arguments: str, typed: str = "") -> tuple[int, str]:
        """Run a command; gives its exit code and standard output."""
        process = await asyncio.create_subprocess_exec(
            *self._arguments,
            *arguments,
            env=self._environment,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(3 * WITHIN_SECONDS):
            out, err = await process.communicate(typed.encode())
        self.seen += [(f"standard output of {arguments}", out), (f"standard error of {arguments}", err)]
        assert b"a fault in jirabot" not in err, err
        assert process.returncode is not None
        return process.returncode, out.decode()

    @contextlib.asynccontextmanager
    async def daemon(self) -> AsyncIterator[None]:
        """Run the daemon, and look at the process list all the time."""
        process = await asyncio.create_subprocess_exec(
            *self._arguments, "serve", env=self._environment, stderr=asyncio.subprocess.PIPE
        )
        assert process.stderr is not None
        log: list[bytes] = []
        over = asyncio.Event()
        async with asyncio.timeout(WITHIN_SECONDS):
            while b"jirabot listens on" not in (line := await process.stderr.readline()):
                assert line, b"".join(log)
                log.append(line)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(_read(process.stderr, log))
                tasks.create_task(self._watch_processes(over))
                try:
                    yield
                finally:
                    over.set()
                    process.terminate()
                    async with asyncio.timeout(WITHIN_SECONDS):
                        await process.wait()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        self.seen.append(("the log", b"".join(log)))

    def look_at_files(self) -> None:
        """Read every file of the data folder: database, write-ahead log, spool, mirrors, checkouts, sessions."""
        self.seen += [(f"the file {path}", path.read_bytes()) for path in self.data.rglob("*") if path.is_file()]

    def leaks(self) -> list[str]:
        """Tell which secret came to light, and where."""
        return sorted(
            {f"{name} in {where}" for where, content in self.seen for name in self.secrets if self._in(name, content)}
        )

    def log(self) -> str:
        """Give what the daemon has logged."""
        return next(content for where, content in self.seen if where == "the log").decode()

    def _in(self, name: str, content: bytes) -> bool:
        return self.secrets[name].encode() in content

    async def _watch_processes(self, over: asyncio.Event) -> None:
        commands: set[bytes] = set()
        while not over.is_set():
            commands |= _command_lines()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(over.wait(), 0.02)
        assert any(b"serve" in command for command in commands)
        self.seen.append(("the process list", b"\n".join(commands)))


def _command_lines() -> set[bytes]:
    """Read the command lines of all processes that there are."""
    found: set[bytes] = set()
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            found.add(path.read_bytes())
    return found


async def _read(stream: asyncio.StreamReader, log: list[bytes]) -> None:
    while line := await stream.readline():
        log.append(line)
