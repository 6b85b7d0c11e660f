"""The daemon dies, or is stopped, at any time: the answer comes, once. The daemon is a process of its own here."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from jirabot.core.managers.replays import ReplayWishes
from jirabot.core.managers.tokens import NewToken
from jirabot.core.people import SHELL, Role
from jirabot.sandbox.server import Sandbox

from .daemons import PROGRAM, UNWALLED_PROGRAM, Scene, processes_of, scene_in
from .stage import FILES, GATED, WITHIN_SECONDS, free_port, git

pytestmark = pytest.mark.alike


@pytest.fixture
async def scene(jira: Sandbox, tmp_path: Path) -> AsyncIterator[Scene]:
    """A workspace, an issue, and a daemon that runs."""
    async with scene_in(jira, tmp_path) as opened:
        await opened.daemon.start()
        yield opened


async def test_killed_between_acknowledgement_and_answer_the_answer_comes_once(scene: Scene) -> None:
    """The delivery is on disk: the next daemon handles it."""
    fault = scene.jira.faults.add("hang", method="GET", path="/rest/api/2/issue/", times=None)
    await scene.jira.comment(scene.issue.key, "@openhands fix login.py")
    await scene.jira.settled(WITHIN_SECONDS)
    await scene.jira.until(lambda: fault.hits, WITHIN_SECONDS)

    assert await scene.daemon.end(signal.SIGKILL) == -signal.SIGKILL
    scene.jira.faults.clear()
    assert scene.jira.unread(scene.issue.key) == []
    await scene.daemon.start()

    assert "I am on it" in await scene.says()
    assert "Done. 1 commit" in await scene.says()
    await scene.at_rest()
    assert scene.jira.unread(scene.issue.key) == []


async def test_killed_after_jira_took_the_comment_it_stands_once(scene: Scene) -> None:
    """The answer to the POST never came: the next daemon finds the mark."""
    fault = scene.jira.faults.add("commit-then-hang", method="POST", path="/comment$")
    await scene.jira.comment(scene.issue.key, "@openhands fix login.py")
    await scene.jira.until(lambda: fault.hits, WITHIN_SECONDS)
    assert "I am on it" in await scene.says()

    await scene.daemon.end(signal.SIGKILL)
    scene.jira.faults.clear()
    await scene.daemon.start()

    assert "Done. 1 commit" in await scene.says()
    await scene.at_rest()
    assert scene.jira.unread(scene.issue.key) == []


async def test_killed_while_the_agent_works_the_turn_begins_again_once(scene: Scene) -> None:
    """Nothing of the old agent is left, and the issue is told of the restart."""
    await scene.jira.comment(scene.issue.key, "@openhands stall")
    first = await scene.jira.next_comment(scene.issue.key, by=scene.jira.bot, within=WITHIN_SECONDS)
    await scene.running()

    await scene.daemon.end(signal.SIGKILL)
    await scene.daemon.start()
    await scene.jira.until(lambda: "jirabot was restarted" in first.text, WITHIN_SECONDS)
    await scene.jira.comment(scene.issue.key, "@openhands stop")

    assert "Stopped, as Ada Lovelace asked." in await scene.says()
    await scene.at_rest()
    assert processes_of(scene.app.settings.data_dir) == []


async def test_a_daemon_that_is_stopped_ends_its_agents_and_exits_0(scene: Scene) -> None:
    """SIGTERM twice: at once; the run goes on at the next start, and what was refused last is written down."""
    await scene.jira.comment(scene.issue.key, "@openhands stall")
    await scene.says()
    await scene.running()
    assert scene.daemon.process is not None

    scene.daemon.process.send_signal(signal.SIGTERM)
    await scene.draining()
    (workspace,) = await scene.app.workspaces.list(by=SHELL)
    url = scene.app.workspaces.events_url(workspace)
    async with aiohttp.ClientSession() as session, session.post(url, data=b"{}") as refused:
        assert refused.status == 403
    assert await scene.daemon.end(signal.SIGTERM) == 0
    assert processes_of(scene.app.settings.data_dir) == []
    (last, *_) = await scene.app.audit.list(by=SHELL)
    assert last.act == "request.unproved"

    await scene.daemon.start()
    await scene.jira.comment(scene.issue.key, "@openhands stop")
    assert "Stopped" in await scene.says()


async def test_a_second_daemon_is_refused(scene: Scene) -> None:
    """One daemon holds the data folder."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        PROGRAM,
        "--data-dir",
        str(scene.app.settings.data_dir),
        "serve",
        "--port",
        str(free_port()),
        env={"PATH": os.environ["PATH"]},
        stderr=asyncio.subprocess.PIPE,
    )
    _, told = await process.communicate()

    assert process.returncode == 1
    assert b"holds the data folder" in told
    assert b"Traceback" not in told


async def test_a_link_that_a_command_makes_is_heard_by_the_daemon(scene: Scene) -> None:
    """Another process writes; the daemon sees it within a second."""
    grace = scene.jira.grace
    account = grace.account_id if scene.jira.deployment == "cloud" else grace.name
    await scene.jira.comment(scene.issue.key, "@openhands fix login.py", author=grace)
    assert "not linked" in await scene.says()

    await scene.app.users.link("acme", account, by=SHELL)
    await scene.jira.comment(scene.issue.key, "@openhands fix login.py now", author=grace)

    assert "I am on it" in await scene.says()
    assert "Done." in await scene.says()
    assert FILES["login.py"] in git(scene.repository, "show", f"{_branch(scene.repository)}:login.py")


async def test_a_replay_beside_a_daemon_is_carried_out_by_it(scene: Scene) -> None:
    """The command writes a row, the daemon does the work, the command tells what came of it."""
    hold = scene.jira.faults.add("lose", event="comment_created|jira:issue_updated", times=None)
    await scene.jira.comment(scene.issue.key, "@openhands fix login.py")
    await scene.jira.until(lambda: hold.hits, WITHIN_SECONDS)
    lost = next(d for d in scene.jira.deliveries if d.event == "comment_created")
    scene.jira.faults.clear()

    done = await scene.app.replay(lost.raw, ReplayWishes(), by=SHELL)

    assert (done.decision, done.failed) == ("start", False)
    assert [step.step for step in done.steps] == [
        "signature",
        "duplicate",
        "parsed",
        "permission",
        "decision",
        "effects",
    ]
    assert "I am on it" in await scene.says()
    assert "Done." in await scene.says()


def _branch(repository: Path) -> str:
    branches = git(repository, "for-each-ref", "--format=%(refname:short)", "refs/heads").split()
    return next(branch for branch in branches if branch.startswith("jirabot/"))


GATED_AGENT = f'type = "command"\ncommand = {json.dumps(GATED["gated"].command)}'


async def begin(scene: Scene, text: str = "@openhands stall") -> Path:
    """Ask for work, wait until the agent is at it, and give its session's folder."""
    await scene.daemon.start()
    await scene.jira.comment(scene.issue.key, text)
    assert "I am on it" in await scene.says()
    await scene.running()
    (conversation,) = await scene.app.storage.read(lambda tx: tx.conversations.list())
    return Path(conversation.session["session_dir"])


walled_or_not = pytest.mark.parametrize("program", [PROGRAM, UNWALLED_PROGRAM], ids=["bubblewrap", "mark"])


@pytest.mark.parametrize("jira", ["cloud"], indirect=True)
@walled_or_not
async def test_killed_while_the_agent_works_it_is_reported_where_that_is_set(
    jira: Sandbox, tmp_path: Path, program: str
) -> None:
    """`on_restart = "report"`: nothing begins again by itself, and nothing of the old agent is left, wall or not."""
    async with scene_in(jira, tmp_path, runs='on_restart = "report"') as scene:
        scene.daemon.program = program
        await begin(scene)
        await scene.daemon.end(signal.SIGKILL)

        await scene.daemon.start()

        told = await scene.says()
        assert "jirabot was restarted while the agent worked, and the agent was ended with it." in told
        assert processes_of(scene.app.settings.data_dir) == []
        await scene.at_rest()
        (conversation,) = await scene.app.storage.read(lambda tx: tx.conversations.list())
        assert conversation.state.value == "failed"


@pytest.mark.parametrize("jira", ["cloud"], indirect=True)
@walled_or_not
async def test_killed_twice_while_the_agent_works_it_is_reported(jira: Sandbox, tmp_path: Path, program: str) -> None:
    """A turn begins again once, not each time; no agent works on unseen."""
    async with scene_in(jira, tmp_path, agent=GATED_AGENT) as scene:
        scene.daemon.program = program
        session = await begin(scene)
        await scene.prompted(session, 1)
        await scene.daemon.end(signal.SIGKILL)
        await scene.daemon.start()
        await scene.prompted(session, 2)
        await scene.daemon.end(signal.SIGKILL)

        await scene.daemon.start()

        assert "jirabot was restarted while the agent worked" in await scene.says()
        assert processes_of(scene.app.settings.data_dir) == []
        assert len(list(session.glob("prompt-*"))) == 2


@pytest.mark.parametrize("jira", ["cloud"], indirect=True)
async def test_a_turn_that_ends_within_the_drain_is_not_had_again(jira: Sandbox, tmp_path: Path) -> None:
    """SIGTERM: no new work is taken, the turn comes to its end, and its issue is told before the daemon has ended."""
    async with scene_in(jira, tmp_path, agent=GATED_AGENT) as scene:
        session = await begin(scene)
        await scene.prompted(session, 1)
        assert scene.daemon.process is not None
        scene.daemon.process.send_signal(signal.SIGTERM)
        await scene.draining()

        (session / "go").touch()

        assert await scene.daemon.ended() == 0
        await scene.at_rest()
        assert "I was let go." in await scene.says()
        await scene.daemon.start()
        await scene.at_rest()
        assert len(list(session.glob("prompt-*"))) == 1


@pytest.mark.parametrize("jira", ["cloud"], indirect=True)
async def test_nobody_waits_for_a_webhook_that_can_not_come_any_more(jira: Sandbox, tmp_path: Path) -> None:
    """Who tests it is told to come again, and its comment does not stay."""
    async with scene_in(jira, tmp_path) as scene:
        scene.jira.jira.webhooks.clear()
        await scene.daemon.start()
        made = await scene.app.tokens.create(NewToken(name="ci", role=Role.ADMIN), by=SHELL)
        address = f"{scene.app.settings.server.reached_at()}/api/v1/workspaces/acme/webhook/test"
        headers = {"Authorization": f"Bearer {made.secret}"}

        async def end() -> int:
            await scene.jira.until(lambda: bool(scene.jira.comments(scene.issue.key)), WITHIN_SECONDS)
            return await scene.daemon.end(signal.SIGTERM)

        async def ask() -> tuple[int, str]:
            asked = {"issue": scene.issue.key}
            async with (
                aiohttp.ClientSession(headers=headers) as session,
                session.post(address, json=asked) as answer,
            ):
                assert "Retry-After" in answer.headers
                return answer.status, (await answer.json(content_type=None))["code"]

        answered, ended = await asyncio.gather(ask(), end())
        assert (answered, ended) == ((503, "daemon-ending"), 0)
        assert scene.jira.comments(scene.issue.key) == []


@pytest.mark.parametrize("jira", ["cloud"], indirect=True)
@walled_or_not
async def test_a_turn_that_outlasts_the_drain_is_ended_and_goes_on_at_the_next_start(
    jira: Sandbox, tmp_path: Path, program: str
) -> None:
    """The daemon exits 0, nothing of the agent is left, and the turn begins again."""
    async with scene_in(jira, tmp_path, agent=GATED_AGENT, runs='drain = "1s"') as scene:
        scene.daemon.program = program
        session = await begin(scene)
        await scene.prompted(session, 1)
        assert await scene.daemon.end(signal.SIGTERM) == 0
        assert processes_of(scene.app.settings.data_dir) == []

        await scene.daemon.start()
        await scene.prompted(session, 2)
        (session / "go").touch()

        assert "I was let go." in await scene.says()
