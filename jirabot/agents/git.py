"""Git as a process: its own environment, a time-out on everything, and its complaints as sentences.

What runs here never looks into an agent's clone: a repository's own configuration can name programs that git starts.
"""

import asyncio
import contextlib
import errno
import hashlib
import os
import re
import signal
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from jirabot.agents import network
from jirabot.agents.containment import inherited
from jirabot.agents.processes import sweep
from jirabot.core.checkouts import Remote
from jirabot.errors import ConfigurationInvalid, GitFailed, GitUnreachable

NETWORK_SECONDS = 900.0
"""How long a fetch or push may take: a first fetch of gigabytes over a slow line does."""

LOCAL_SECONDS = 300.0
"""How long git may take on this machine's own disk."""

DEFAULT_USER = "x-access-token"
"""The user name beside a token where the repository has none; GitHub documents this one, other hosts take any."""

MARK = "JIRABOT_GIT"
"""The variable that says in which folder a git of ours works, by which one is found that has outlived its daemon."""

_ASKPASS = """\
#!/bin/sh
case "$1" in
Username*) printf '%s\\n' "$JIRABOT_GIT_USER" ;;
*) printf '%s\\n' "$JIRABOT_GIT_TOKEN" ;;
esac
"""
"""Answers git from its environment, so that a token stands neither on disk nor in a command line."""

_ENVIRONMENT: Mapping[str, str] = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_ALLOW_PROTOCOL": "file:http:https:ssh",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_SSH_COMMAND": "ssh -o BatchMode=yes -o ConnectTimeout=20",
    "LC_ALL": "C",
}
"""No prompt, no configuration but the repository's own, no transport that runs programs, messages that we can read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Complaint:
    words: str
    message: str
    hint: str = ""
    retryable: bool = False
    unreachable: bool = False


_CREDENTIALS_HINT = "check the repository's token: `jirabot repo add` with `--token -` takes a new one"

_COMPLAINTS: Sequence[_Complaint] = (
    _Complaint(
        words=r"authentication failed|could not read (username|password)|access denied|invalid username|"
        r"permission (denied \(|to .* denied)|requested URL returned error: 40[13]",
        message="the host of `{name}` refuses our credentials",
        hint=_CREDENTIALS_HINT,
    ),
    _Complaint(
        words=r"non-fast-forward|fetch first|\[rejected\]",
        message="the branch at `{name}` has commits that this clone does not have",
        hint="rename or remove that branch at the host, then mention the bot again; jirabot never overwrites it",
    ),
    _Complaint(
        words=r"\[remote rejected\]|hook declined|protected branch",
        message="`{name}` refuses the branch: {said}",
        hint="a rule of the host or a hook there says no; its administrator knows which",
    ),
    _Complaint(
        words=r"certificate",
        message="the certificate of `{name}`'s host is not trusted: {said}",
        hint="give the authority's file: `jirabot workspace update NAME --set ca_file=/PATH/ca.pem`",
    ),
    _Complaint(
        words=r"host key verification failed",
        message="the host key of `{name}` is not known",
        hint="add it to the daemon's `known_hosts`",
    ),
    _Complaint(
        words=r"dubious ownership",
        message="the repository `{name}` belongs to another user of this machine",
        hint="run the daemon as its owner, or give the repository to the daemon's user",
    ),
    _Complaint(
        words=r"transport '.*' not allowed|is not a valid|unable to find remote helper",
        message="the address of `{name}` has a protocol that jirabot does not use",
        hint="use `https://`, `ssh://` or `file://`",
    ),
    _Complaint(
        words=r"no space left",
        message="the disk is full: git could not write `{name}`",
        hint="make room where the data folder is",
        retryable=True,
    ),
    _Complaint(
        words=r"could not resolve (host|proxy)|connection (refused|reset|timed out|closed)|timed out|timeout|early EOF|"
        r"rpc failed|unexpected disconnect|failed to connect|couldn't connect|remote end hung up|"
        r"requested URL returned error: (5\d\d|429)|network is unreachable|no route to host|empty reply",
        message="the host of `{name}` can't be reached: {said}",
        hint="look at the network and at the repository's address",
        unreachable=True,
    ),
    _Complaint(
        words=r"not found|does not exist|does not appear to be a git repository|no such (file|repository)",
        message="there is no repository at the address of `{name}`, or we may not see it",
        hint="check its address in `jirabot repo list WORKSPACE`, and its token",
    ),
)
"""What git and hosts say, in the order in which they are looked for: a refused password comes with `not found` too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What git printed, and its exit code."""

    exit_code: int
    output: str
    errors: str = field(default="", repr=False)


class Git:
    """Runs git outside of any agent's reach."""

    def __init__(self, *, folder: Path, environment: Mapping[str, str], program: str = "git") -> None:
        """Keep the helper that answers for credentials in *folder*; of *environment* only the allow-list is used."""
        self._program, self._folder, self._askpass = program, folder, folder / "askpass"
        self._inherited = inherited(environment)
        self._environment = {**self._inherited, **_ENVIRONMENT, "GIT_CEILING_DIRECTORIES": str(folder)}

    async def version(self) -> str:
        """Say which git this is.

        Raises:
            GitFailed: there is none.
        """
        answer = await self.run("--version", cwd=Path("/"), name="git")
        return answer.output.removeprefix("git version").strip()

    async def run(self, *arguments: str, cwd: Path, name: str, remote: Remote | None = None) -> Answer:
        """Run one git command; *remote* gives it credentials, and the network's time; *name* is what errors speak of.

        Raises:
            GitFailed: git is missing, took too long, or said no.
        """
        answer = await self.ask(*arguments, cwd=cwd, name=name, remote=remote)
        if answer.exit_code != 0:
            raise complaint(answer.errors, name=name, remote=remote)
        return answer

    async def ask(self, *arguments: str, cwd: Path, name: str, remote: Remote | None = None) -> Answer:
        """Run one git command as `run` does, whatever its exit code.

        Raises:
            GitFailed: git is missing, or took too long.
        """
        given = await asyncio.to_thread(self._given, remote) if remote else {}
        environment = {**self._environment, MARK: str(cwd), **given}
        limit = NETWORK_SECONDS if remote else LOCAL_SECONDS
        try:
            process = await asyncio.create_subprocess_exec(
                self._program,
                *arguments,
                cwd=cwd,
                env=environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as error:
            raise _not_begun(error, cwd, name=name) from error
        try:
            async with asyncio.timeout(limit):
                return await _listen(process)
        except TimeoutError as error:
            took = f"git took longer than {limit:.0f} seconds for `{name}`"
            if remote:
                raise GitUnreachable(took, hint="look at the network") from error
            raise GitFailed(took, retryable=True, hint="look at the disk of the data folder") from error
        finally:
            if process.returncode is None:
                _kill(process)
                await process.wait()

    async def take_over(self, folder: Path) -> None:
        """End what a daemon that was killed has left running in *folder*, and remove its locks there.

        Raises:
            GitFailed: the disk refuses.
        """
        await sweep(f"{MARK}={folder}")
        await asyncio.to_thread(_remove_locks, folder)

    def _given(self, remote: Remote) -> dict[str, str]:
        """Give what git needs for *remote*: the way through its workspace's network, and credentials.

        Raises:
            GitFailed: the network's authorities can't be read, or what git needs can't be written.
        """
        through = remote.network
        name = hashlib.sha256(through.ca_file.encode()).hexdigest()[:16]
        authorities = self._folder / f"authorities-{name}.pem"
        try:
            if trusted := network.authorities_of(through, self._inherited):
                self._write(authorities, trusted, mode=0o600)
        except ConfigurationInvalid as error:
            raise GitFailed(error.message, hint=error.hint) from error
        around = network.variables(through, authorities=authorities)
        return {**around, **network.of_git_alone(through), **self._credentials(remote)}

    def _write(self, file: Path, content: bytes, *, mode: int) -> None:
        """Put a file in place at once: another git may be reading it."""
        with on_disk("what git needs can't be written"):
            handle, fresh = tempfile.mkstemp(dir=self._folder, prefix=f"{file.name}-")
            with os.fdopen(handle, "wb") as opened:
                opened.write(content)
            Path(fresh).chmod(mode)
            Path(fresh).replace(file)

    def _credentials(self, remote: Remote) -> dict[str, str]:
        if not remote.token:
            return {}
        if not self._askpass.exists():
            self._write(self._askpass, _ASKPASS.encode(), mode=0o700)
        return {
            "GIT_ASKPASS": str(self._askpass),
            "JIRABOT_GIT_USER": remote.user or DEFAULT_USER,
            "JIRABOT_GIT_TOKEN": remote.token,
        }


@contextlib.contextmanager
def on_disk(failure: str) -> Iterator[None]:
    """Change something in the data folder; *failure* is what is told where that does not work.

    Raises:
        GitFailed: the disk refuses; the same again may work where it is full.
    """
    try:
        yield
    except OSError as error:
        raise GitFailed(
            f"{failure}: {error.strerror}",
            retryable=error.errno in (errno.ENOSPC, errno.EDQUOT),
            hint="look whether the disk of the data folder is full, and who owns it",
        ) from error


def _remove_locks(folder: Path) -> None:
    with on_disk("what an ended git has left can't be removed"):
        for lock in folder.rglob("*.lock"):
            lock.unlink(missing_ok=True)


def _not_begun(error: OSError, cwd: Path, *, name: str) -> GitFailed:
    """Tell why git could not be started: what is not there may be the program, or the folder where it should work."""
    if not isinstance(error, FileNotFoundError):
        return GitFailed(f"git can't be started for `{name}`: {error.strerror}", retryable=True)
    if Path(error.filename) == cwd:
        return GitFailed(
            f"the folder is gone in which git works for `{name}`",
            retryable=True,
            hint="look what removes folders from the data folder",
        )
    return GitFailed("git is not installed", hint="install `git` 2.32 or newer")


def complaint(errors: str, *, name: str, remote: Remote | None = None) -> GitFailed:
    """Make of what git said a sentence, with a hint, that knows whether the same again may work."""
    if remote is not None and remote.token:
        errors = errors.replace(remote.token, "***")
    said = _last_line(errors)
    for known in _COMPLAINTS:
        if re.search(known.words, errors, re.IGNORECASE):
            message = known.message.format(name=name, said=said)
            if known.unreachable:
                return GitUnreachable(message, hint=known.hint)
            return GitFailed(message, retryable=known.retryable, hint=known.hint)
    return GitFailed(f"git failed for `{name}`: {said or 'it said nothing'}")


def _last_line(errors: str) -> str:
    """Give what ssh or git itself says, the first line that is its own; else the last one."""
    lines = [line.strip() for line in errors.splitlines() if line.strip()]
    spoken = next(
        (line for line in lines if line.startswith(("ssh:", "fatal:", "error:", "! "))), lines[-1] if lines else ""
    )
    return re.sub(r"^(fatal|error): ", "", spoken).rstrip(".")[:300]


async def _listen(process: asyncio.subprocess.Process) -> Answer:
    output, errors = await process.communicate()
    assert process.returncode is not None
    return Answer(exit_code=process.returncode, output=_text(output), errors=_text(errors))


def _kill(process: asyncio.subprocess.Process) -> None:
    """End git with the programs that it has started for the network."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _text(content: bytes) -> str:
    return content.decode("utf-8", "replace")
