"""Git checkouts against real git: local repositories, and one behind a smart-HTTP server that wants a password."""

import asyncio
import base64
import errno
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from jirabot.agents.checkout import GitCheckouts
from jirabot.agents.containment import Bubblewrap, Containment, Marked
from jirabot.agents.git import MARK as GIT_MARK
from jirabot.agents.git import Git, complaint
from jirabot.agents.processes import find_marked
from jirabot.core.checkouts import Checkout, Published, Remote, Signature
from jirabot.core.ids import ConversationId, IssueKey
from jirabot.errors import GitFailed, GitUnreachable, InvalidInput

SIGNATURE = Signature(name="jirabot", email="bot@example.org", issue_key=IssueKey("PAY-7"), requested_by="Ada Lovelace")
BRANCH = "jirabot/PAY-7-ab12"
TOKEN = "tok-5ecret-value"
USER = "x-access-token"
"""What a host is told beside a token where the repository names no user."""
CLEAN = {
    "PATH": os.environ["PATH"],
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    "HOME": "/nonexistent",
}
AUTHOR = ("-c", "user.name=Someone", "-c", "user.email=someone@example.org")


def git(folder: Path, *arguments: str, author: tuple[str, ...] = AUTHOR) -> str:
    """Run git as a person would, or with no author as the clone's configuration has it."""
    command = ["git", *author, *arguments]
    return subprocess.run(command, cwd=folder, env=CLEAN, capture_output=True, text=True, check=True).stdout.strip()


def commit(folder: Path, name: str, content: str) -> None:
    (folder / name).write_text(content)
    git(folder, "add", name)
    git(folder, "commit", "--quiet", "--message", f"Write {name}")


@dataclass(frozen=True)
class Stage:
    """A repository at a host, and our checkouts."""

    root: Path
    upstream: Path
    remote: Remote
    checkouts: GitCheckouts

    async def prepare(self, conversation: str = "c1", *, base: str = "", branch: str = BRANCH) -> Checkout:
        return await self.checkouts.prepare(
            ConversationId(conversation), self.remote, base=base, branch=branch, signature=SIGNATURE
        )

    async def publish(self, checkout: Checkout) -> Published:
        return await self.checkouts.publish(
            checkout, self.remote, signature=SIGNATURE, message="PAY-7: work in progress"
        )


@pytest.fixture(params=["mark", "bubblewrap"])
async def containment(request: pytest.FixtureRequest, tmp_path: Path) -> Containment:
    if request.param == "mark":
        return Containment(Marked())
    wall = Bubblewrap(hidden=[tmp_path])
    if not await wall.works():
        pytest.skip("bubblewrap does not work here")
    return Containment(wall)


def make_upstream(folder: Path) -> Path:
    """Make a repository with the branches `main` (its HEAD) and `release/1.0`."""
    work = folder / "work"
    work.mkdir(parents=True)
    git(work, "init", "--quiet", "--initial-branch=main")
    commit(work, "README.md", "hello\n")
    git(work, "branch", "release/1.0")
    commit(work, "app.py", "print('hello')\n")
    upstream = folder / "shop.git"
    git(folder, "clone", "--quiet", "--bare", str(work), str(upstream))
    return upstream


@pytest.fixture
def make_checkouts(tmp_path: Path, containment: Containment) -> Callable[[], GitCheckouts]:
    def make() -> GitCheckouts:
        return GitCheckouts(
            mirrors=tmp_path / "data" / "mirrors",
            conversations=tmp_path / "data" / "conversations",
            environment={"PATH": os.environ["PATH"], "SECRET": "of the daemon"},
            containment=containment,
        )

    return make


@pytest.fixture
def stage(tmp_path: Path, make_checkouts: Callable[[], GitCheckouts]) -> Stage:
    upstream = make_upstream(tmp_path)
    remote = Remote(name="acme/shop", url=f"file://{upstream}")
    return Stage(root=tmp_path, upstream=upstream, remote=remote, checkouts=make_checkouts())


async def test_a_turn_is_published_to_its_own_branch(stage: Stage) -> None:
    """What was committed and what was left stands on the branch, with trailers, and the base is untouched."""
    checkout = await stage.prepare()
    assert (checkout.branch, checkout.base) == (BRANCH, "main")
    assert git(checkout.clone, "remote") == ""
    assert git(checkout.clone, "symbolic-ref", "--short", "HEAD") == BRANCH
    (checkout.clone / "fix.py").write_text("fixed = True\n")
    git(checkout.clone, "add", "fix.py")
    git(checkout.clone, "commit", "--quiet", "-m", "Fix it", author=())
    (checkout.clone / "left.txt").write_text("left over\n")

    published = await stage.publish(checkout)

    assert (published.commits_count, published.pushed, published.base) == (2, True, "main")
    assert "2 files changed" in published.diff_stat
    log = git(stage.upstream, "log", "--format=%an <%ae>|%s|%(trailers:unfold,separator=%x2c)", f"main..{BRANCH}")
    trailers = "Jira: PAY-7,Requested-by: Ada Lovelace"
    assert log.splitlines() == [
        f"jirabot <bot@example.org>|PAY-7: work in progress|{trailers}",
        f"jirabot <bot@example.org>|Fix it|{trailers}",
    ]
    assert git(stage.upstream, "rev-list", "--count", "main") == "2"


async def test_a_follow_up_finds_the_clone_as_it_was(stage: Stage, make_checkouts: Callable[[], GitCheckouts]) -> None:
    """A second turn, also of a new daemon, works in the same clone and pushes on top; its asker is on its commits."""
    first = await stage.prepare()
    (first.clone / "one").write_text("1")
    await stage.publish(first)
    checkouts = make_checkouts()
    grace = replace(SIGNATURE, requested_by="Grace\nHopper")

    again = await checkouts.prepare(ConversationId("c1"), stage.remote, base="", branch=BRANCH, signature=grace)
    assert again == first
    commit(again.clone, "two", "2")
    published = await checkouts.publish(again, stage.remote, signature=grace, message="more")

    assert published.commits_count == 2
    assert git(stage.upstream, "log", "-1", "--format=%(trailers:key=Requested-by,valueonly)", BRANCH) == "Grace Hopper"


async def test_no_change_pushes_nothing(stage: Stage) -> None:
    """A turn without a commit leaves no branch at the host."""
    published = await stage.publish(await stage.prepare())
    assert published == Published(branch=BRANCH, base="main", commits_count=0, pushed=False)
    assert git(stage.upstream, "branch", "--list", BRANCH) == ""


async def test_the_base_can_be_named(stage: Stage) -> None:
    """Another base than HEAD is what the branch is made from, and the agent finds it by its name."""
    checkout = await stage.prepare(base="release/1.0")
    assert checkout.base == "release/1.0"
    assert not (checkout.clone / "app.py").exists()
    assert git(checkout.clone, "rev-parse", "release/1.0") == git(checkout.clone, "rev-parse", "HEAD")


async def test_an_unknown_base_is_answered_with_near_ones(stage: Stage) -> None:
    """A mistyped base branch is an error that names the nearest, and leaves nothing that looks prepared."""
    with pytest.raises(GitFailed) as failed:
        await stage.prepare(base="release/1.1")
    assert failed.value.message == "the repository `acme/shop` has no branch `release/1.1`"
    assert "`release/1.0`" in failed.value.hint
    assert not failed.value.retryable
    assert not stage.checkouts.has_checkout(ConversationId("c1"))


@pytest.mark.parametrize(
    ("branch", "there"),
    [
        pytest.param("release/1.0", True, id="an existing branch is there"),
        pytest.param("1.0", False, id="the end of a branch's name is no branch"),
        pytest.param("release/*", False, id="a pattern is no branch"),
        pytest.param("--upload-pack=touch x", False, id="an option is no branch"),
    ],
)
async def test_branches_are_looked_up_exactly(stage: Stage, branch: str, there: bool) -> None:
    assert await stage.checkouts.has_branch(stage.remote, branch) is there


async def test_an_empty_repository_is_told(stage: Stage, tmp_path: Path) -> None:
    """A repository without a commit can't be worked on, and the sentence says what to do."""
    git(tmp_path, "init", "--quiet", "--bare", "empty.git")
    remote = Remote(name="acme/new", url=f"file://{tmp_path / 'empty.git'}")
    with pytest.raises(GitFailed, match="the repository `acme/new` has no commit yet"):
        await stage.checkouts.prepare(ConversationId("c1"), remote, base="", branch=BRANCH, signature=SIGNATURE)


async def test_without_a_repository_there_is_an_empty_folder(stage: Stage) -> None:
    """A conversation without repository has its folders, no branch, and publishes nothing."""
    checkout = await stage.checkouts.prepare(ConversationId("c9"), None, base="", branch="", signature=SIGNATURE)
    assert checkout.branch == ""
    assert [list(place.iterdir()) for place in (checkout.clone, checkout.home, checkout.session)] == [[], [], []]
    assert not (await stage.checkouts.publish(checkout, None, signature=SIGNATURE, message="m")).pushed


async def test_conversations_on_one_repository_do_not_wait_for_each_other(stage: Stage) -> None:
    """Two conversations are prepared and published at the same time, each on its own branch."""
    async with asyncio.TaskGroup() as tasks:
        made = [tasks.create_task(stage.prepare(f"c{n}", branch=f"jirabot/PAY-{n}-0000")) for n in (1, 2, 3)]
    for task in made:
        (task.result().clone / "note").write_text(task.result().branch)
    async with asyncio.TaskGroup() as tasks:
        done = [tasks.create_task(stage.publish(task.result())) for task in made]
    assert [task.result().commits_count for task in done] == [1, 1, 1]
    assert git(stage.upstream, "show", "jirabot/PAY-2-0000:note") == "jirabot/PAY-2-0000"


async def test_an_agent_that_switched_the_branch_does_not_confuse_us(stage: Stage) -> None:
    """Only what stands on the conversation's branch is published; a detached HEAD is no trouble."""
    checkout = await stage.prepare()
    commit(checkout.clone, "ours", "1")
    git(checkout.clone, "checkout", "--quiet", "--detach", "main")
    commit(checkout.clone, "theirs", "2")
    published = await stage.publish(checkout)
    assert published.commits_count == 1
    assert git(stage.upstream, "show", f"{BRANCH}:ours") == "1"


async def test_a_deleted_branch_is_told(stage: Stage) -> None:
    """An agent that deleted its branch has published nothing, and the sentence says so."""
    checkout = await stage.prepare()
    git(checkout.clone, "checkout", "--quiet", "-b", "other")
    git(checkout.clone, "branch", "-D", BRANCH)
    with pytest.raises(GitFailed, match="is not in the agent's clone any more"):
        await stage.publish(checkout)


async def test_a_destroyed_clone_is_told(stage: Stage) -> None:
    """An agent that removed its `.git` does not make us use another repository above it."""
    git(stage.root, "init", "--quiet")
    checkout = await stage.prepare()
    shutil.rmtree(checkout.clone / ".git")
    with pytest.raises(GitFailed, match="what the agent left in its clone can't be used"):
        await stage.publish(checkout)


async def test_a_lock_left_by_a_killed_git_loses_no_work(stage: Stage) -> None:
    """What an agent left is committed although its own git was killed while it held the index."""
    checkout = await stage.prepare()
    (checkout.clone / "kept").write_text("kept")
    (checkout.clone / ".git" / "index.lock").write_text("")
    assert (await stage.publish(checkout)).commits_count == 1


async def test_locks_left_by_a_killed_git_are_in_nobodys_way_at_the_next_turn(stage: Stage) -> None:
    """Whoever takes the run up again commits as ever."""
    locked = (await stage.prepare()).clone / ".git"
    for name in ("index.lock", "HEAD.lock", "config.lock", f"refs/heads/{BRANCH}.lock"):
        (locked / name).parent.mkdir(parents=True, exist_ok=True)
        (locked / name).write_text("")
    checkout = await stage.prepare()
    commit(checkout.clone, "mine", "1")
    assert (await stage.publish(checkout)).commits_count == 1


async def test_a_branch_that_moved_at_the_host_is_never_overwritten(stage: Stage) -> None:
    """A push that is no fast-forward is refused with a sentence, and the host keeps what it has."""
    checkout = await stage.prepare()
    commit(checkout.clone, "mine", "1")
    git(stage.upstream, "branch", BRANCH, "main")
    theirs = stage.root / "theirs"
    git(stage.root, "clone", "--quiet", "--branch", BRANCH, str(stage.upstream), str(theirs))
    commit(theirs, "other", "2")
    git(theirs, "push", "--quiet", "origin", BRANCH)
    with pytest.raises(GitFailed) as failed:
        await stage.publish(checkout)
    assert failed.value.message == "the branch at `acme/shop` has commits that this clone does not have"
    assert not failed.value.retryable
    assert git(stage.upstream, "show", f"{BRANCH}:other") == "2"


async def test_a_refusing_hook_of_the_host_is_quoted(stage: Stage) -> None:
    """A host's rule that refuses the push is told in its words."""
    hook = stage.upstream / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    checkout = await stage.prepare()
    commit(checkout.clone, "mine", "1")
    with pytest.raises(GitFailed, match=r"`acme/shop` refuses the branch: .*pre-receive hook declined"):
        await stage.publish(checkout)


async def test_planted_hooks_and_configuration_reach_nobody(stage: Stage) -> None:
    """Programs and addresses that an agent writes into its clone's configuration are used by no git of ours."""
    checkout = await stage.prepare()
    commit(checkout.clone, "mine", "1")
    trap, elsewhere = stage.root / "trap", stage.root / "elsewhere.git"
    git(stage.root, "init", "--quiet", "--bare", str(elsewhere))
    program = checkout.clone / ".git" / "trap.sh"
    program.write_text(f'#!/bin/sh\necho "$0 ${{JIRABOT_SESSION_DIR-outside}}" >> {trap}\n')
    program.chmod(0o755)
    for name in ("pre-push", "post-checkout", "reference-transaction", "post-commit", "pre-commit"):
        hook = checkout.clone / ".git" / "hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.symlink_to(program)
    for setting, value in (
        ("core.fsmonitor", str(program)),
        ("uploadpack.packObjectsHook", str(program)),
        (f"url.file://{elsewhere}.insteadOf", stage.remote.url),
        ("core.sshCommand", str(program)),
        ("credential.helper", str(program)),
        ("diff.external", str(program)),
    ):
        git(checkout.clone, "config", setting, value)

    published = await stage.publish(checkout)

    assert published.pushed
    assert git(stage.upstream, "show", f"{BRANCH}:mine") == "1"
    assert git(elsewhere, "for-each-ref") == ""
    ran = trap.read_text() if trap.exists() else ""
    assert "outside" not in ran


async def test_the_clone_shares_no_file_with_the_mirror(stage: Stage) -> None:
    """An agent that overwrites objects in its clone changes the mirror's not: nothing is a hard link."""
    checkout = await stage.prepare()
    objects = [path for path in (checkout.clone / ".git" / "objects").rglob("*") if path.is_file()]
    assert objects
    assert {path.stat().st_nlink for path in objects} == {1}


async def test_removal_leaves_nothing(stage: Stage) -> None:
    """A conversation's folder goes as a whole, read-only parts included; removing it twice is no error."""
    checkout = await stage.prepare()
    locked = checkout.home / "cache"
    locked.mkdir()
    (locked / "file").write_text("x")
    locked.chmod(0o500)
    assert stage.checkouts.has_checkout(ConversationId("c1"))
    await stage.checkouts.remove(ConversationId("c1"))
    await stage.checkouts.remove(ConversationId("c1"))
    assert not checkout.folder.exists()
    assert not stage.checkouts.has_checkout(ConversationId("c1"))


async def test_an_empty_folder_becomes_a_clone_once_a_repository_is_known(stage: Stage) -> None:
    """What was written there before is kept in the agent's HOME, and published no more than before."""
    conversation = ConversationId("c1")
    empty = await stage.checkouts.prepare(conversation, None, base="", branch="", signature=SIGNATURE)
    (empty.clone / "haiku.txt").write_text("old pond")
    (empty.home / "earlier-1").symlink_to(stage.root)

    made = await stage.prepare()

    assert (made.branch, made.base, made.earlier) == (BRANCH, "main", "earlier-2")
    assert (made.home / "earlier-2" / "haiku.txt").read_text() == "old pond"
    assert (made.clone / "app.py").exists()
    assert not (made.clone / "haiku.txt").exists()
    assert await stage.prepare() == made
    (made.clone / "new").write_text("1")
    assert (await stage.publish(made)).commits_count == 1


async def test_an_empty_folder_that_stayed_empty_leaves_nothing(stage: Stage) -> None:
    await stage.checkouts.prepare(ConversationId("c1"), None, base="", branch="", signature=SIGNATURE)

    made = await stage.prepare()

    assert (made.branch, made.earlier) == (BRANCH, "")
    assert list(made.home.glob("earlier*")) == []
    assert sorted(path.name for path in made.folder.iterdir()) == ["checkout.json", "clone", "home", "session"]


async def test_a_half_made_checkout_is_made_anew(stage: Stage) -> None:
    """What a daemon left that died while it cloned is replaced."""
    checkout = await stage.prepare()
    (checkout.folder / "checkout.json").unlink()
    (checkout.clone / "half").write_text("x")
    again = await stage.prepare()
    assert not (again.clone / "half").exists()
    assert (again.clone / "app.py").exists()


async def test_a_mirror_of_a_killed_daemon_is_taken_over(
    stage: Stage, make_checkouts: Callable[[], GitCheckouts]
) -> None:
    """Locks that a killed daemon's git has left in a mirror keep nobody from working there."""
    await stage.prepare()
    (mirror,) = (stage.root / "data" / "mirrors").glob("*.git")
    for name in ("packed-refs.lock", "refs/remotes/origin/main.lock"):
        (mirror / name).parent.mkdir(parents=True, exist_ok=True)
        (mirror / name).write_text("")
    commit(stage.root / "work", "new", "1")
    git(stage.root / "work", "push", "--quiet", str(stage.upstream), "main")
    again = await replace(stage, checkouts=make_checkouts()).prepare("c2")
    assert (again.clone / "new").exists()


async def test_a_mirror_whose_git_was_ended_is_taken_over(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fetch that a stop ended leaves its locks; they keep no later one from working there."""
    await stage.prepare()
    (mirror,) = (stage.root / "data" / "mirrors").glob("*.git")
    is_locked, fetch = asyncio.Event(), GitCheckouts._fetch

    async def hang(*_: object) -> None:
        (mirror / "packed-refs.lock").write_text("")
        lock = mirror / "refs" / "remotes" / "origin" / "main.lock"
        lock.parent.mkdir(parents=True, exist_ok=True)
        lock.write_text("")
        is_locked.set()
        await asyncio.Event().wait()

    commit(stage.root / "work", "new", "1")
    git(stage.root / "work", "push", "--quiet", str(stage.upstream), "main")
    monkeypatch.setattr(GitCheckouts, "_fetch", hang)
    async with asyncio.TaskGroup() as tasks:
        preparing = tasks.create_task(stage.prepare("c2"))
        await is_locked.wait()
        preparing.cancel()
    monkeypatch.setattr(GitCheckouts, "_fetch", fetch)

    assert ((await stage.prepare("c2")).clone / "new").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="processes are found by /proc")
async def test_a_git_that_is_given_up_is_ended(tmp_path: Path) -> None:
    """With what it has started: a stop waits for no host."""
    program = tmp_path / "git-that-hangs"
    program.write_text("#!/bin/sh\nsleep 300\n")
    program.chmod(0o755)
    git_, mark = Git(folder=tmp_path, environment=CLEAN, program=str(program)), f"{GIT_MARK}={tmp_path}"

    async with asyncio.TaskGroup() as tasks:
        fetching = tasks.create_task(git_.ask("fetch", cwd=tmp_path, name="acme/shop"))
        async with asyncio.timeout(20):
            while len(await asyncio.to_thread(find_marked, mark)) < 2:  # noqa: ASYNC110 - the kernel tells nobody
                await asyncio.sleep(0.005)
        fetching.cancel()

    assert fetching.cancelled()
    async with asyncio.timeout(20):
        while await asyncio.to_thread(find_marked, mark):  # noqa: ASYNC110 - the kernel tells nobody
            await asyncio.sleep(0.005)


async def test_an_id_that_is_a_path_is_refused(stage: Stage) -> None:
    """No conversation's id leads out of the folder."""
    with pytest.raises(InvalidInput):
        await stage.prepare("../c1")


async def test_a_missing_git_is_told(tmp_path: Path) -> None:
    """Without git the error says what to install."""
    checkouts = GitCheckouts(
        mirrors=tmp_path / "m",
        conversations=tmp_path / "c",
        environment={"PATH": str(tmp_path)},
        containment=Containment(Marked()),
        program="no-such-git",
    )
    with pytest.raises(GitFailed, match="git is not installed") as failed:
        await checkouts.check_git()
    assert failed.value.hint


async def test_a_folder_that_is_gone_is_no_missing_git(tmp_path: Path) -> None:
    """Where git can't work in its folder nobody is told to install it."""
    (tmp_path / "file").write_text("")
    git_ = Git(folder=tmp_path, environment={"PATH": os.environ["PATH"]})
    for cwd, words in (("gone", "the folder is gone in which git works for `acme/shop`"), ("file", "Not a directory")):
        with pytest.raises(GitFailed, match=words) as failed:
            await git_.run("--version", cwd=tmp_path / cwd, name="acme/shop")
        assert failed.value.retryable


@pytest.mark.parametrize(
    ("step", "told"),
    [
        pytest.param("pathlib.Path.mkdir", "the folder of mirrors can't be made", id="the folder of mirrors"),
        pytest.param("tempfile.mkstemp", "what git needs can't be written", id="what answers for credentials"),
        pytest.param("pathlib.Path.unlink", "what an ended git has left can't be removed", id="a lock"),
    ],
)
@pytest.mark.parametrize(("number", "retryable"), [(errno.ENOSPC, True), (errno.EROFS, False)])
async def test_a_disk_that_refuses_is_told_and_tried_again_where_it_is_full(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, step: str, told: str, number: int, retryable: bool
) -> None:
    """It is no fault of ours, as what leaves our family of errors would be."""
    remote = replace(stage.remote, token=TOKEN)
    mirror = await stage.checkouts._mirror(remote)
    (mirror / "packed-refs.lock").write_text("")
    stage.checkouts._ours.clear()

    def refuse(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(step, refuse)
    with pytest.raises(GitFailed) as failed:
        await stage.checkouts._clone(stage.root / "clone", remote, base="main", branch=BRANCH)
    assert failed.value.message == f"{told}: {os.strerror(number)}"
    assert failed.value.retryable is retryable


async def test_git_tells_its_version(stage: Stage) -> None:
    """The version is the number alone."""
    assert (await stage.checkouts.check_git())[0].isdigit()


@pytest.mark.parametrize(
    ("url", "retryable", "words"),
    [
        pytest.param("http://127.0.0.1:9/shop.git", True, "can't be reached", id="a closed port is worth a retry"),
        pytest.param("file:///no/such/repository", False, "there is no repository", id="a wrong path is not"),
        pytest.param("ext::sh -c true", False, "a protocol that jirabot does not use", id="ext runs no program"),
        pytest.param("https://ada:pw12@host/r.git", False, "has a password in it", id="a password in it is refused"),
    ],
)
async def test_an_address_that_does_not_work_is_told(stage: Stage, url: str, retryable: bool, words: str) -> None:
    remote = Remote(name="acme/shop", url=url)
    with pytest.raises(GitFailed, match=words) as failed:
        await stage.checkouts.prepare(ConversationId("c1"), remote, base="main", branch=BRANCH, signature=SIGNATURE)
    assert failed.value.retryable is retryable


@pytest.mark.parametrize(
    ("said", "is_away"),
    [
        ("fatal: unable to access 'https://git.example/r/': Could not resolve host: git.example", True),
        ("fatal: unable to access 'https://git.example/r/': Could not resolve proxy: proxy.example", True),
        ("fatal: unable to access 'https://git.example/r/': The requested URL returned error: 503", True),
        (
            "ssh: Could not resolve hostname git.example: Name or service not known\nfatal: Could not read from remote",
            True,
        ),
        ("ssh: connect to host git.example port 22: No route to host\nfatal: Could not read from remote", True),
        ("remote: Repository not found.\nfatal: Authentication failed for 'https://git.example/r/'", False),
        ("fatal: unable to access 'https://git.example/r/': SSL certificate problem: self-signed certificate", False),
        ("fatal: write error: No space left on device", False),
    ],
)
def test_a_host_that_is_out_of_reach_is_told_from_one_that_refuses(said: str, is_away: bool) -> None:
    assert isinstance(complaint(said, name="acme/shop"), GitUnreachable) is is_away


def test_of_what_ssh_and_git_say_the_cause_is_told() -> None:
    said = (
        "ssh: connect to host git.example port 22: Connection refused\r\nfatal: Could not read from remote repository."
    )

    told = complaint(said, name="acme/shop").message

    cause = "ssh: connect to host git.example port 22: Connection refused"
    assert told == f"the host of `acme/shop` can't be reached: {cause}"


class _SmartHttp(BaseHTTPRequestHandler):
    """`git http-backend` behind Basic authentication."""

    root: Path
    user: str
    seen_command_lines: list[str]

    def do_GET(self) -> None:
        self._serve(b"")

    def do_POST(self) -> None:
        self._serve(self.rfile.read(int(self.headers.get("Content-Length") or 0)))

    def _serve(self, body: bytes) -> None:
        self.seen_command_lines += _command_lines()
        given = self.headers.get("Authorization", "").removeprefix("Basic ")
        if base64.b64decode(given).decode() != f"{self.user}:{TOKEN}":
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="git"')
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        path, _, query = self.path.partition("?")
        environment = {
            **CLEAN,
            "GIT_PROJECT_ROOT": str(self.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "REMOTE_USER": "bot",
            "REQUEST_METHOD": self.command,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
        }
        done = subprocess.run(["git", "http-backend"], input=body, env=environment, capture_output=True, check=True)
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        fields = [line.split(": ", 1) for line in head.decode().split("\r\n")]
        status = next((value for name, value in fields if name == "Status"), "200")
        self.send_response(int(status.split()[0]))
        for name, value in fields:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        pass


def _command_lines() -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.append(path.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        except OSError:
            continue
    return found


@pytest.fixture
def served(stage: Stage, request: pytest.FixtureRequest) -> Iterator[tuple[str, list[str]]]:
    """The repository over HTTP, for the user of the parameter; its address, and the command lines seen meanwhile."""
    seen: list[str] = []
    own = {"root": stage.root, "user": getattr(request, "param", USER), "seen_command_lines": seen}
    handler = type("Handler", (_SmartHttp,), own)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/shop.git", seen
        server.shutdown()
        thread.join()


@pytest.mark.skipif(sys.platform != "linux", reason="command lines are read from /proc")
async def test_a_token_opens_the_host_and_is_written_nowhere(stage: Stage, served: tuple[str, list[str]]) -> None:
    """Fetching and pushing with a token works; the token stands in no file and in no command line."""
    git(stage.upstream, "config", "http.receivepack", "true")
    url, seen = served
    remote = Remote(name="acme/shop", url=url, token=TOKEN)
    checkout = await stage.checkouts.prepare(ConversationId("c1"), remote, base="", branch=BRANCH, signature=SIGNATURE)
    commit(checkout.clone, "mine", "1")

    published = await stage.checkouts.publish(checkout, remote, signature=SIGNATURE, message="m")

    assert published.pushed
    assert git(stage.upstream, "show", f"{BRANCH}:mine") == "1"
    assert any("git-remote-http" in line for line in seen)
    assert not [line for line in seen if TOKEN in line]
    assert not [path for path in stage.root.rglob("*") if path.is_file() and TOKEN.encode() in path.read_bytes()]


@pytest.mark.parametrize("served", ["svc-jirabot"], indirect=True)
async def test_a_host_that_wants_a_user_beside_the_token_is_told_it(
    stage: Stage, served: tuple[str, list[str]]
) -> None:
    remote = Remote(name="acme/shop", url=served[0], user="svc-jirabot", token=TOKEN)
    assert await stage.checkouts.default_branch(remote) == "main"
    with pytest.raises(GitFailed, match="refuses our credentials"):
        await stage.checkouts.default_branch(replace(remote, user=""))


@pytest.mark.parametrize(
    "token", [pytest.param("wrong-token", id="a wrong token"), pytest.param("", id="no token where one is needed")]
)
async def test_a_refused_token_is_not_retried(stage: Stage, served: tuple[str, list[str]], token: str) -> None:
    """A host that refuses our credentials is told as such, with what to do."""
    remote = Remote(name="acme/shop", url=served[0], token=token)
    with pytest.raises(GitFailed) as failed:
        await stage.checkouts.prepare(ConversationId("c1"), remote, base="", branch=BRANCH, signature=SIGNATURE)
    assert failed.value.message == "the host of `acme/shop` refuses our credentials"
    assert not failed.value.retryable
    assert "token" in failed.value.hint
