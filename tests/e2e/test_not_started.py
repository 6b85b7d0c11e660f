"""A conversation that can't be begun leaves nothing but what says so, on its issue and to administrators."""

import errno
import itertools
from pathlib import Path
from typing import Any

import pytest

from jirabot.agents import checkout
from jirabot.agents.checkout import GitCheckouts
from jirabot.agents.command import CommandBackend
from jirabot.agents.containment import Containment
from jirabot.core import prompts, repositories
from jirabot.core.conversations import RunState, State
from jirabot.core.scopes import of_workspace
from jirabot.core.troubles import Reason
from jirabot.errors import AgentUnavailable, GitFailed, JirabotError, JiraRefused
from jirabot.jira.client import Client
from jirabot.storage.conversations import Conversations

from .daemons import processes_of
from .stage import GATED, Stage

pytestmark = pytest.mark.alike

FAULT = RuntimeError("a fault")
REFUSED = JiraRefused("Jira refuses")
GIT = GitFailed("git says no")
DENIED = OSError(errno.EACCES, "Permission denied")

STEPS = [
    pytest.param(Client, "get_issue", 2, REFUSED, id="the issue is read"),
    pytest.param(Client, "list_web_links", 1, REFUSED, id="its links are read"),
    pytest.param(repositories, "resolve", 1, FAULT, id="its repository is found"),
    pytest.param(GitCheckouts, "has_branch", 1, GIT, id="the branch is looked up"),
    pytest.param(checkout, "_make_folders", 1, DENIED, id="home and session folder are made"),
    pytest.param(GitCheckouts, "_mirror", 1, GIT, id="the mirror is made"),
    pytest.param(GitCheckouts, "_fetch", 1, GIT, id="the mirror is fetched"),
    pytest.param(GitCheckouts, "_in_new_clone", 2, GIT, id="the clone is made"),
    pytest.param(checkout, "_write_record", 1, DENIED, id="the checkout is recorded"),
    pytest.param(GitCheckouts, "_sign", 1, GIT, id="the clone is signed"),
    pytest.param(Client, "list_comments", 1, REFUSED, id="the comments are read"),
    pytest.param(Conversations, "give_messages", 1, FAULT, id="the run is written down"),
    pytest.param(prompts, "new_conversation", 1, FAULT, id="the prompt is made"),
    pytest.param(CommandBackend, "new_session", 1, FAULT, id="the session's handle is made"),
    pytest.param(CommandBackend, "_prepare", 1, AgentUnavailable("it is gone"), id="the prompt is written to disk"),
    pytest.param(Containment, "begin", 2, AgentUnavailable("it is gone"), id="the process is started"),
]


def fail_at(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, number: int, error: Exception) -> None:
    """Let the *number*-th call of a function of *owner* fail; before and after it does what it is for."""
    works, calls = getattr(owner, name), itertools.count(1)

    def fails(*given: Any, **named: Any) -> Any:
        if next(calls) == number:
            raise error
        return works(*given, **named)

    monkeypatch.setattr(owner, name, fails)


@pytest.mark.parametrize(("owner", "name", "number", "error"), STEPS)
async def test_nothing_is_left(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, number: int, error: Exception
) -> None:
    """No folder, no process, no half a row; the issue is told once, administrators are told until it works again."""
    fail_at(monkeypatch, owner, name, number, error)
    is_foreseen = isinstance(error, JirabotError | OSError)
    stage.expected_errors = {"trouble.begun"} if is_foreseen else {"trouble.begun", "run.broken"}

    await stage.comment("@openhands fix login.py on branch:main")

    first = await stage.says()
    assert "Ada Lovelace, this did not work out." in (await stage.says()).text
    await stage.rest()
    assert first.text.endswith("what happened is in a comment of its own.")
    await _check_nothing_is_left(stage)
    (trouble,) = await stage.app.storage.read(lambda tx: tx.troubles.standing(of_workspace(stage.workspace.id)))
    assert (trouble.reason, stage.issue.key in trouble.text) == (Reason.NOT_STARTED, True)

    await stage.comment("@openhands try again")
    assert "I go on" in (await stage.says()).text
    assert "Done. 1 commit" in (await stage.says()).text
    assert await stage.app.storage.read(lambda tx: tx.troubles.standing()) == []
    assert [fields["workspace"] for event, fields in stage.log.told if event == "conversation.not_started"] == ["acme"]


async def _check_nothing_is_left(stage: Stage) -> None:
    whole = await stage.whole()
    conversation, (run,) = whole.conversation, whole.runs
    assert (conversation.state, run.state) == (State.FAILED, RunState.FAILED)
    assert (conversation.session, conversation.branch, conversation.repository_id) == ({}, "", None)
    assert (run.owner, run.lease_until) == ("", None)
    assert [message.given_to for message in whole.messages] == [run.id]
    data = stage.app.settings.data_dir
    assert _folders(data / "conversations") == []
    assert processes_of(data) == []


def _folders(parent: Path) -> list[str]:
    return [path.name for path in parent.iterdir()] if parent.is_dir() else []


@pytest.mark.stage(settings={"agents": GATED})
async def test_the_agent_is_given_what_was_asked_when_nothing_could_begin(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who mentions the bot again need not say it again."""
    stage.expected_errors = {"trouble.begun"}
    fail_at(monkeypatch, GitCheckouts, "_fetch", 1, GIT)
    await stage.comment("@openhands mend the greeting")
    await stage.says()
    assert "this did not work out" in (await stage.says()).text

    await stage.comment("@openhands now, please")

    await stage.says()
    await stage.until_running(2)
    await stage.let_go()
    assert "Done." in (await stage.says()).text
    (prompt,) = await stage.prompts()
    assert prompt.index("mend the greeting") < prompt.index("now, please")


async def test_a_later_run_that_can_not_begin_leaves_what_is_there(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The checkout holds work that was done."""
    await stage.comment("@openhands fix login.py")
    await stage.says()
    await stage.says()
    fail_at(monkeypatch, CommandBackend, "start", 1, AgentUnavailable("it is gone"))

    await stage.comment("@openhands and README.md")

    await stage.says()
    assert "this did not work out" in (await stage.says()).text
    assert stage.app.checkouts.has_checkout((await stage.conversation()).id)
    await stage.comment("@openhands again")
    await stage.says()
    assert "Done. 2 commits" in (await stage.says()).text
