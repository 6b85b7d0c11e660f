"""`conversation tail` as a process: events come out as they are reported, and Ctrl-C ends it."""

import signal
from collections.abc import Callable
from dataclasses import replace

import pytest

from jirabot.core.conversations import RunEvent, RunState, State
from jirabot.core.ids import WorkspaceId
from jirabot.core.ports import Transaction
from tests.contract.test_stores.values import run_event

from .conftest import Cli
from .states import LATER, NOW, add_conversation, served, write
from .test_processes import environment, started

__all__ = ["environment"]


def _at_work(workspace_id: WorkspaceId) -> Callable[[Transaction], None]:
    def change(tx: Transaction) -> None:
        add_conversation(tx, workspace_id, "working", State.ACTIVE, RunState.WAITING)
        run = tx.conversations.claim_run(owner="another process", now=NOW, until=LATER, limits={})
        assert run is not None
        tx.conversations.record_event(_event(workspace_id, "The first"))

    return change


def _event(workspace_id: WorkspaceId, text: str) -> RunEvent:
    return replace(run_event(text, run_id="run-working", of="working"), workspace_id=workspace_id)


@pytest.fixture
def workspace_id(cli: Cli) -> WorkspaceId:
    """A workspace with a conversation whose agent another process has at work."""
    made = served(cli)
    write(cli, _at_work(made))
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
