"""Git for the managers: one bare mirror a repository, a local clone of it a conversation.

The daemon's git works in mirrors only, where everything is ours. What has to happen inside a clone, once an agent has
been there, happens as that agent: in its containment and environment, without credentials.
"""

import asyncio
import contextlib
import difflib
import hashlib
import itertools
import json
import os
import re
import shlex
import shutil
import stat
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jirabot.agents.containment import MARK, Containment, Launch, inherited
from jirabot.agents.git import LOCAL_SECONDS, Git, complaint, on_disk
from jirabot.agents.installations import installation
from jirabot.agents.processes import Completed
from jirabot.core.agents import log_name
from jirabot.core.checkouts import Checkout, Published, Remote, Signature
from jirabot.core.ids import ConversationId, RunId
from jirabot.errors import GitFailed, InvalidInput

STAT_FILES = 50
"""How many files the overview of a diff names."""

RECORD_FILE = "checkout.json"
"""Beside the clone, where no contained agent reaches; written last, so a folder without it is half made."""

ASIDE = "."
"""How the names of folders begin that were set aside; no conversation's id does."""

QUIET_MAINTENANCE = ("-c", "gc.autoDetach=false", "-c", "maintenance.autoDetach=false")
"""A mirror is packed while its lock is held, not by a process that outlives the command."""

_ID = r"[A-Za-z0-9_-]+"

_UNLOCK = "find .git -name '*.lock' -exec rm -f {} +\n"
"""The locks are of a git that was ended with its agent: what comes next would find the clone in use for ever."""

_SIGN = f"""\
{_UNLOCK}git config user.name "$1" && git config user.email "$2" &&
mkdir -p .git/hooks && printf '%s' "$3" > .git/hooks/commit-msg && chmod 755 .git/hooks/commit-msg
"""

_HOOK = """\
#!/bin/sh
exec git interpret-trailers --in-place --if-exists addIfDifferent {trailers} "$1"
"""

_COMMIT_LEFTOVERS = f"""\
{_UNLOCK}git add --all && {{ git diff --cached --quiet || git commit --quiet --no-verify --no-gpg-sign "$@"; }}
"""
"""Hooks are left out: they are not worth losing work for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Record:
    branch: str
    base: str
    base_commit: str = ""
    earlier: str = ""


class GitCheckouts:
    """Fulfils `Checkouts` with git."""

    def __init__(
        self,
        *,
        mirrors: Path,
        conversations: Path,
        environment: Mapping[str, str],
        containment: Containment,
        program: str = "git",
    ) -> None:
        """Keep everything in these two folders; of *environment*, the daemon's own, only the allow-list is used."""
        self._mirrors, self._conversations = mirrors.resolve(), conversations.resolve()
        self._inherited, self._containment = inherited(environment), containment
        self._git = Git(folder=self._mirrors, environment=environment, program=program)
        self._locks: defaultdict[Path, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._ours: set[Path] = set()

    async def check_git(self) -> str:
        """Give git's version.

        Raises:
            GitFailed: it is not installed.
        """
        return await self._git.version()

    async def prepare(
        self,
        conversation_id: ConversationId,
        remote: Remote | None,
        *,
        base: str,
        branch: str,
        signature: Signature,
    ) -> Checkout:
        folder = self._folder(conversation_id)
        record = await asyncio.to_thread(_read_record, folder)
        if record is None:
            await _on_disk("made", _make_folders, folder)
            if remote is None:
                record = _Record(branch="", base="")
            else:
                record = await self._clone(folder / "clone", remote, base=base, branch=branch)
            await _on_disk("made", _write_record, folder, record)
        elif remote is not None and not record.branch:
            record = await self._clone_into(folder, remote, base=base, branch=branch)
        checkout = Checkout(folder=folder, branch=record.branch, base=record.base, earlier=record.earlier)
        if record.branch:
            await self._sign(checkout, signature)
        return checkout

    async def default_branch(self, remote: Remote) -> str:
        await asyncio.to_thread(self._make_room)
        _refuse_password(remote)
        return await self._head(self._mirrors, remote)

    async def has_branch(self, remote: Remote, branch: str) -> bool:
        await asyncio.to_thread(self._make_room)
        _refuse_password(remote)
        ref = f"refs/heads/{branch}"
        answer = await self._git.run(
            "ls-remote", "--", remote.url, ref, cwd=self._mirrors, name=remote.name, remote=remote
        )
        return any(line.endswith(f"\t{ref}") for line in answer.output.splitlines())

    async def publish(
        self, checkout: Checkout, remote: Remote | None, *, signature: Signature, message: str
    ) -> Published:
        if remote is None or not checkout.branch:
            return Published(branch=checkout.branch, base=checkout.base, commits_count=0, pushed=False)
        await self._commit_leftovers(checkout, signature, message)
        mirror = await self._mirror(remote)
        async with self._alone_in(mirror):
            await self._take_over(mirror, checkout, remote)
            since = await self._since(mirror, checkout)
            published = await self._count(mirror, checkout, remote, since=since)
            if published.commits_count:
                ref = f"refs/heads/{checkout.branch}"
                no_hooks = ("-c", "core.hooksPath=/dev/null")
                await self._git.run(
                    *no_hooks, "push", "--", remote.url, f"{ref}:{ref}", cwd=mirror, name=remote.name, remote=remote
                )
            return published

    def has_checkout(self, conversation_id: ConversationId) -> bool:
        return (self._folder(conversation_id) / RECORD_FILE).is_file()

    def find_log(self, conversation_id: ConversationId, run_id: RunId) -> Path | None:
        log = Checkout(folder=self._folder(conversation_id)).session / log_name(run_id)
        return log if log.is_file() else None

    async def remove(self, conversation_id: ConversationId) -> None:
        await _on_disk("removed", _remove, self._folder(conversation_id))

    async def folders(self) -> Mapping[ConversationId, datetime]:
        return await asyncio.to_thread(self._list_folders)

    def _list_folders(self) -> Mapping[ConversationId, datetime]:
        try:
            with os.scandir(self._conversations) as entries:
                folders = [each for each in entries if re.fullmatch(_ID, each.name) and each.is_dir()]
                return {ConversationId(e.name): datetime.fromtimestamp(e.stat().st_mtime, UTC) for e in folders}
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise GitFailed(f"the folder of checkouts can't be read: {error.strerror}") from error

    def set_aside(self, conversation_id: ConversationId) -> bool:
        folder = self._folder(conversation_id)
        try:
            folder.rename(folder.with_name(f"{ASIDE}{conversation_id}"))
        except OSError:
            return False
        return True

    async def clear(self) -> Sequence[str]:
        return await asyncio.to_thread(self._remove_aside)

    def _remove_aside(self) -> Sequence[str]:
        left: list[str] = []
        for folder in sorted(self._conversations.glob(f"{ASIDE}*")):
            try:
                _remove(folder)
            except OSError:
                left.append(str(folder))
        return left

    def _folder(self, conversation_id: ConversationId) -> Path:
        if not re.fullmatch(_ID, conversation_id):
            raise InvalidInput(f"`{conversation_id}` is no conversation's id")
        return self._conversations / conversation_id

    def _make_room(self) -> None:
        """Make the folder of mirrors.

        Raises:
            GitFailed: the disk refuses.
        """
        with on_disk("the folder of mirrors can't be made"):
            _make_private(self._mirrors)

    async def _mirror(self, remote: Remote) -> Path:
        """Find the mirror of *remote*, or make an empty one."""
        _refuse_password(remote)
        await asyncio.to_thread(self._make_room)
        readable = re.sub(r"[^A-Za-z0-9]+", "-", remote.url.rpartition("/")[2].removesuffix(".git"))[:40]
        mirror = self._mirrors / f"{readable}-{hashlib.sha256(remote.url.encode()).hexdigest()[:16]}.git"
        async with self._locks[mirror]:
            if mirror not in self._ours:
                await self._git.take_over(mirror)
                self._ours.add(mirror)
            if not (mirror / "HEAD").is_file():
                await self._git.run(
                    "init", "--quiet", "--bare", "--template=", str(mirror), cwd=self._mirrors, name=remote.name
                )
        return mirror

    @contextlib.asynccontextmanager
    async def _alone_in(self, mirror: Path) -> AsyncIterator[None]:
        """Keep others out of a mirror; what a git leaves there that was ended is cleared before the next one."""
        async with self._locks[mirror]:
            try:
                yield
            except BaseException:
                self._ours.discard(mirror)
                raise

    async def _clone(self, clone: Path, remote: Remote, *, base: str, branch: str) -> _Record:
        """Bring the mirror up to date, and make the clone with *branch* in it."""
        mirror = await self._mirror(remote)
        async with self._alone_in(mirror):
            base = base or await self._head(mirror, remote)
            await self._fetch(mirror, remote)
            branches = await self._branches(mirror)
            _demand(base, branches, remote)
            base_commit = await self._commit_of(mirror, f"refs/remotes/origin/{base}")
            start = base_commit
            if branch in branches:
                start = await self._commit_of(mirror, f"refs/remotes/origin/{branch}")
            # A copy, no hard links: the agent may write into its own objects, and must not change the mirror's.
            copying = ("clone", "--quiet", "--local", "--no-hardlinks", "--no-checkout", "--template=")
            await self._git.run(*copying, str(mirror), str(clone), cwd=clone.parent, name=remote.name)
        await self._in_new_clone(clone, remote, "remote", "remove", "origin")
        await self._in_new_clone(clone, remote, "checkout", "--quiet", "-b", branch, start)
        # The agent compares with the base by its name; where that can't be beside the branch's name, it does without.
        await self._git.ask("branch", base, base_commit, cwd=clone, name=remote.name)
        return _Record(branch=branch, base=base, base_commit=base_commit)

    async def _clone_into(self, folder: Path, remote: Remote, *, base: str, branch: str) -> _Record:
        """Make the clone of a conversation that had no repository; what its agent wrote goes into the agent's HOME.

        Not into the clone: nobody has asked to have it published.
        """
        fresh = folder / "clone.new"
        await _on_disk("made", _remove, fresh)
        record = await self._clone(fresh, remote, base=base, branch=branch)
        earlier = _unused(folder / "home")
        await _on_disk("made", _exchange, folder / "clone", fresh, earlier)
        record = replace(record, earlier=earlier.name if earlier.exists() else "")
        await _on_disk("made", _write_record, folder, record)
        return record

    async def _in_new_clone(self, clone: Path, remote: Remote, *arguments: str) -> None:
        """Run git in a clone that no agent has seen yet."""
        await self._git.run(*arguments, cwd=clone, name=remote.name)

    async def _head(self, mirror: Path, remote: Remote) -> str:
        """Ask the remote for its default branch."""
        answer = await self._git.run(
            "ls-remote", "--symref", "--", remote.url, "HEAD", cwd=mirror, name=remote.name, remote=remote
        )
        found = re.search(r"^ref: refs/heads/(\S+)\tHEAD$", answer.output, re.MULTILINE)
        return found[1] if found else ""

    async def _fetch(self, mirror: Path, remote: Remote) -> None:
        fetch = ("fetch", "--quiet", "--prune", "--no-write-fetch-head")
        await self._git.run(
            *QUIET_MAINTENANCE,
            *fetch,
            "--",
            remote.url,
            "+refs/heads/*:refs/remotes/origin/*",
            cwd=mirror,
            name=remote.name,
            remote=remote,
        )

    async def _branches(self, mirror: Path) -> list[str]:
        answer = await self._git.run(
            "for-each-ref", "--format=%(refname:lstrip=3)", "refs/remotes/origin", cwd=mirror, name=mirror.name
        )
        return answer.output.split()

    async def _commit_of(self, mirror: Path, ref: str) -> str:
        answer = await self._git.run("rev-parse", "--verify", f"{ref}^{{commit}}", cwd=mirror, name=mirror.name)
        return answer.output.strip()

    async def _sign(self, checkout: Checkout, signature: Signature) -> None:
        """Tell the clone who its commits are by and whom they are for; the next asker may be another one."""
        trailers = " ".join(f"--trailer {shlex.quote(trailer)}" for trailer in _trailers(signature))
        arguments = (_one_line(signature.name), _one_line(signature.email), _HOOK.format(trailers=trailers))
        await self._as_agent(checkout, ("sh", "-c", _SIGN, "sh", *arguments))

    async def _commit_leftovers(self, checkout: Checkout, signature: Signature, message: str) -> None:
        trailers = [f"--trailer={trailer}" for trailer in _trailers(signature)]
        arguments = ("--message", _one_line(message), *trailers)
        await self._as_agent(checkout, ("sh", "-c", _COMMIT_LEFTOVERS, "sh", *arguments))

    async def _as_agent(self, checkout: Checkout, command: Sequence[str]) -> Completed:
        """Run *command* in the clone as the agent would.

        Raises:
            GitFailed: it failed, in the clone's own words.
        """
        try:
            done = await self._containment.run(self._launch(checkout, command), timeout_seconds=LOCAL_SECONDS)
        except TimeoutError as error:
            raise GitFailed(f"git took longer than {LOCAL_SECONDS:.0f} seconds in the agent's clone") from error
        if done.exit_code != 0:
            said = complaint(done.errors or done.output, name="the agent's clone").message
            raise GitFailed(
                f"what the agent left in its clone can't be used: {said}",
                hint=f"`jirabot conversation delete {checkout.folder.name}` removes it; mention the bot again after "
                "that: it begins with a clone of its own",
            )
        return done

    def _launch(self, checkout: Checkout, command: Sequence[str]) -> Launch:
        return Launch(
            command=command,
            cwd=checkout.clone,
            environment={
                **self._inherited,
                "LC_ALL": "C",
                "HOME": str(checkout.home),
                "GIT_CEILING_DIRECTORIES": str(checkout.folder),
                MARK: str(checkout.session),
            },
            mark=MARK,
            writable=(checkout.clone, checkout.home, checkout.session),
            readable=self._installation(),
        )

    def _installation(self) -> list[Path]:
        """Say where the git is that agents find."""
        path = self._inherited["PATH"]
        found = shutil.which("git", path=path)
        return installation(Path(found).absolute(), path=path) if found else []

    async def _take_over(self, mirror: Path, checkout: Checkout, remote: Remote) -> None:
        """Bring the clone's branch into the mirror; the clone's side of it runs as the agent, with its configuration.

        Raises:
            GitFailed: the branch is not there any more.
        """
        wall = await self._containment.wall()
        serving = shlex.join(wall.arguments(self._launch(checkout, ("git", "upload-pack"))))
        ref = f"refs/heads/{checkout.branch}"
        fetch = ("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", f"--upload-pack={serving}")
        answer = await self._git.ask(
            *QUIET_MAINTENANCE, *fetch, "--", str(checkout.clone), f"+{ref}:{ref}", cwd=mirror, name=remote.name
        )
        if "couldn't find remote ref" in answer.errors:
            raise GitFailed(
                f"the branch `{checkout.branch}` is not in the agent's clone any more: nothing was published",
                hint="mention the bot and say what to do with its work: the clone is kept",
            )
        if answer.exit_code != 0:
            said = complaint(answer.errors, name="the agent's clone").message
            raise GitFailed(f"the agent's work can't be read: {said}")

    async def _since(self, mirror: Path, checkout: Checkout) -> str:
        """Give what the branch is compared with: its base as it is now, or as it was where that is gone."""
        ref = f"refs/remotes/origin/{checkout.base}"
        found = await self._git.ask("rev-parse", "--verify", "--quiet", ref, cwd=mirror, name=mirror.name)
        record = await asyncio.to_thread(_read_record, checkout.folder)
        return ref if found.exit_code == 0 or record is None else record.base_commit

    async def _count(self, mirror: Path, checkout: Checkout, remote: Remote, *, since: str) -> Published:
        ref = f"refs/heads/{checkout.branch}"
        counted = await self._git.run("rev-list", "--count", f"{since}..{ref}", cwd=mirror, name=remote.name)
        count = int(counted.output)
        if not count:
            return Published(branch=checkout.branch, base=checkout.base, commits_count=0, pushed=False)
        show = ("diff", "--no-color", "--no-ext-diff", "--no-textconv")
        span = f"{since}...{ref}"
        overview = await self._git.ask(
            *show, "--stat=100", f"--stat-count={STAT_FILES}", span, cwd=mirror, name=remote.name
        )
        return Published(
            branch=checkout.branch,
            base=checkout.base,
            commits_count=count,
            pushed=True,
            diff_stat=overview.output.rstrip(),
        )


def _demand(base: str, branches: Sequence[str], remote: Remote) -> None:
    if not branches:
        raise GitFailed(
            f"the repository `{remote.name}` has no commit yet", hint="push a first one, then mention the bot again"
        )
    if not base:
        raise GitFailed(
            f"the repository `{remote.name}` has no default branch", hint="name one: `jirabot repo add … --base BRANCH`"
        )
    if base not in branches:
        near = difflib.get_close_matches(base, branches, n=3) or sorted(branches)[:3]
        raise GitFailed(
            f"the repository `{remote.name}` has no branch `{base}`",
            hint=f"branches there: {', '.join(f'`{branch}`' for branch in near)}",
        )


def _refuse_password(remote: Remote) -> None:
    """Keep passwords out of addresses: those stand in command lines and on disk."""
    if "://" in remote.url and urlsplit(remote.url).password is not None:
        raise GitFailed(
            f"the address of `{remote.name}` has a password in it", hint="give it apart: `jirabot repo add … --token -`"
        )


def _trailers(signature: Signature) -> list[str]:
    return [f"Jira: {_one_line(signature.issue_key)}", f"Requested-by: {_one_line(signature.requested_by)}"]


def _one_line(text: str) -> str:
    """Keep what people chose for a name from becoming lines of its own."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


async def _on_disk(done: str, change: Callable[..., None], folder: Path, *given: object) -> None:
    """Change a conversation's folder beside the loop.

    Raises:
        GitFailed: the disk refuses; the same again may work where it is full.
    """
    with on_disk(f"the conversation's folder can't be {done}"):
        await asyncio.to_thread(change, folder, *given)


def _make_private(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def _make_folders(folder: Path) -> None:
    """Make a conversation's folders; what a daemon that died had begun is made anew."""
    _remove(folder)
    _make_private(folder.parent)
    for place in (folder, folder / "clone", folder / "home", folder / "session"):
        place.mkdir(mode=0o700)


def _unused(home: Path) -> Path:
    """Find a place in *home* for what was written before there was a clone; an agent may have made anything there."""
    places = (home / f"earlier-{number}" for number in itertools.count(1))
    return next(place for place in places if not os.path.lexists(place))


def _exchange(clone: Path, fresh: Path, earlier: Path) -> None:
    """Put *fresh* where *clone* is, and that to *earlier*, if anything is in it."""
    if clone.exists():
        clone.rename(earlier) if any(clone.iterdir()) else clone.rmdir()
    fresh.rename(clone)


def _read_record(folder: Path) -> _Record | None:
    with on_disk("what is known of the conversation's clone can't be read"), contextlib.suppress(FileNotFoundError):
        return _Record(**json.loads((folder / RECORD_FILE).read_text()))
    return None


def _write_record(folder: Path, record: _Record) -> None:
    fresh = folder / f"{RECORD_FILE}.new"
    fresh.write_text(json.dumps(asdict(record)))
    fresh.replace(folder / RECORD_FILE)


def _remove(folder: Path) -> None:
    """Remove *folder*, also where an agent's tools have made parts of it read-only, or another removes it too."""

    def open_up(retry: Callable[..., Any], path: str, _: object) -> None:
        with contextlib.suppress(FileNotFoundError):
            Path(path).parent.chmod(stat.S_IRWXU)
            retry(path)

    if folder.exists():
        shutil.rmtree(folder, onerror=open_up)
