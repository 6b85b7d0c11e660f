"""`conversation tail` as a process: events come out as they are reported, and Ctrl-C ends it."""

import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from jirabot.core.conversations import Conversation, RunEvent, RunState, State
from jirabot.core.ids import ConversationId, WorkspaceId
from jirabot.core.ports import Transaction
from jirabot.storage.lock import DataFolderLock
from tests.contract.test_stores.values import run_event

from .conftest import Cli
from .states import LATER, NOW, add_conversation, served, write
from .test_processes import environment, started

__all__ = ["environment"]


THIS_PROCESS, NO_PROCESS = f"{os.getpid()}-test", "none-test"
"""Who may have a run, as a process names itself."""


def _at_work(workspace_id: WorkspaceId, owner: str) -> Callable[[Transaction], None]:
    def change(tx: Transaction) -> None:
        add_conversation(tx, workspace_id, "working", State.ACTIVE, RunState.WAITING)
        run = tx.conversations.claim_run(owner=owner, now=NOW, until=LATER, limits={})
        assert run is not None
        tx.conversations.record_event(_event(workspace_id, "The first"))

    return change


def _event(workspace_id: WorkspaceId, text: str) -> RunEvent:
    return replace(run_event(text, run_id="run-working", of="working"), workspace_id=workspace_id)


@pytest.fixture
def workspace_id(cli: Cli) -> WorkspaceId:
    """A workspace with a conversation whose agent another process has at work."""
    made = served(cli)
    write(cli, _at_work(made, THIS_PROCESS))
    return made


def test_what_is_reported_comes_out_at_once_and_ctrl_c_ends_it(
    environment: dict[str, str], cli: Cli, workspace_id: WorkspaceId
) -> None:
    command = ["--data-dir", str(cli.data), "conversation", "tail", "working", "--json"]
    with started(command, environment, cli.folder) as tail:
        assert tail.object()["text"] == "The first"
        write(cli, lambda tx: tx.conversations.record_event(_event(workspace_id, "The second")))
        assert tail.object()["text"] == "The second"

        code, said = tail.end(signal.SIGINT)

    assert (code, said) == (130, "")


def test_what_holds_the_run_back_is_told(cli: Cli) -> None:
    """No daemon runs, so that it ends at once; what it waits for is told before that."""
    workspace_id = served(cli)
    write(cli, lambda tx: add_conversation(tx, workspace_id, "held", State.ACTIVE, RunState.WAITING))
    assert "paused" not in cli("conversation", "tail", "held").err

    cli.done("pause", "acme")
    assert "acme: no new run begins: the workspace is paused, by " in cli("conversation", "tail", "held").err


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_a_daemon_that_is_gone_is_told_once_and_that_it_is_back(
    environment: dict[str, str], cli: Cli, options: list[str]
) -> None:
    """The lease of its run lasts for another hour: nobody waits for that to run out."""
    workspace_id = served(cli)
    write(cli, _at_work(workspace_id, NO_PROCESS))
    command = ["--data-dir", str(cli.data), "conversation", "tail", "working", *options]
    lock = DataFolderLock(cli.data)
    lock.acquire()
    with started(command, environment, cli.folder) as tail:
        said = tail.out if options else tail.line
        assert "The first" in tail.out("The first")
        write(cli, lambda tx: tx.conversations.record_event(_event(workspace_id, "The second")))
        # With this one it has seen the daemon: it looks for that between the two.
        assert "The second" in tail.out("The second")

        lock.release()
        gone = said("no daemon works on it now: `jirabot serve` goes on with it")
        lock.acquire()
        back = said("a daemon is there again, and goes on with it")
        write(cli, lambda tx: tx.conversations.record_event(_event(workspace_id, "The third")))
        assert "The third" in tail.out("The third")
        code, left = tail.end(signal.SIGINT)

    assert (code, left) == (130, "")
    if options:
        told = [json.loads(line) for line in (gone, back)]
        assert [(each["no"], each["run"], each["kind"]) for each in told] == [
            (None, "run-working", "daemon-gone"),
            (None, "run-working", "daemon-back"),
        ]
    lock.release()


@pytest.fixture(params=["nobody", "a process that nobody has taken note of that it ended"])
def gone(request: pytest.FixtureRequest) -> Iterator[str]:
    """Who has a run, and is there no more."""
    if request.param == "nobody":
        yield NO_PROCESS
        return
    with subprocess.Popen(["true"]) as ended:
        os.waitid(os.P_PID, ended.pid, os.WEXITED | os.WNOWAIT)
        yield f"{ended.pid}-test"


def test_what_a_daemon_that_is_gone_has_left_is_told_as_that(cli: Cli, gone: str) -> None:
    """`kill -9` leaves the run as it was, with a lease that has not run out."""
    workspace_id = served(cli)
    write(cli, lambda tx: add_conversation(tx, workspace_id, "left", State.IN_PROGRESS, RunState.WAITING))
    write(cli, lambda tx: tx.conversations.claim_run(owner=gone, now=NOW, until=LATER, limits={}))
    waits = "no daemon runs: what was interrupted waits until `jirabot serve` does\n"

    listed, shown = cli.done("conversation", "list"), cli.done("conversation", "show", "left")
    assert ["in_progress, interrupted" in each.out for each in (listed, shown)] == [True, True]
    assert (listed.err, shown.err) == (waits, waits)
    for command in (["list"], ["show", "left"]):
        ran = cli.done("conversation", *command, "--json")
        assert (ran.object["state"], ran.object["interrupted"], ran.err) == ("in_progress", True, "")

    status = cli.done("status", "--json").object
    (counted,) = status["workspaces"]
    assert (status["daemon"], counted["running"], counted["interrupted"]) == (False, 0, 1)
    titles, row = cli.done("status").out.splitlines()[-2:]
    assert row[titles.index("interrupted")] == "1"
    assert cli("conversation", "tail", "left").error == "no daemon runs, so nothing more comes"


def test_what_is_worked_on_is_told_as_that(cli: Cli, workspace_id: WorkspaceId) -> None:
    """No daemon runs; a command has it, as a replay does."""
    write(cli, lambda tx: tx.conversations.save(replace(_found(tx), state=State.IN_PROGRESS)))

    ran = cli.done("conversation", "list")
    assert ("interrupted" in ran.out, ran.err) == (False, "")
    assert cli.done("conversation", "list", "--json").object["interrupted"] is False
    (counted,) = cli.done("status", "--json").object["workspaces"]
    assert (counted["running"], counted["interrupted"]) == (1, 0)


def _found(tx: Transaction) -> Conversation:
    found = tx.conversations.find(ConversationId("working"))
    assert found is not None
    return found
