"""`--issue KEY`: the newest on the issue, of one workspace, that tells more than that the bot has said something."""

import shutil
from functools import partial
from pathlib import Path

import pytest

from jirabot.core.conversations import State
from jirabot.core.deliveries import DeliveryState, Outcome
from jirabot.core.ids import DeliveryId, WorkspaceId
from jirabot.core.ports import Transaction
from tests.contract.test_stores.values import delivery

from .conftest import Cli, at_home
from .states import LATER, NOW, add_conversation, served, write

EVENTS = {
    "asked": ("7", "started"),
    "own": ("7", "own-comment"),
    "twin": ("7", "already-acted"),
    "account": ("7", "own-account"),
    "remark": ("8", "not-asked"),
    "alone": ("9", "own-comment"),
}
"""What came, in this order: its issue, and the reason of its outcome."""


def _add_event(tx: Transaction, workspace_id: WorkspaceId, id: str, issue: str, reason: str) -> None:
    tx.deliveries.record([delivery(id, issue=issue, workspace_id=workspace_id, received_at=NOW)])
    lease = tx.deliveries.claim_lane(owner="me", now=NOW, until=LATER)
    assert lease is not None
    outcome = Outcome(state=DeliveryState.DEAD, decision="any", reason=reason, text=f"{id}.")
    tx.deliveries.conclude(lease, DeliveryId(id), outcome, now=NOW)
    tx.deliveries.release_lane(lease)


def _add_all(tx: Transaction, first: WorkspaceId, second: WorkspaceId) -> None:
    for id_, (issue, reason) in EVENTS.items():
        _add_event(tx, first, id_, issue, reason)
    _add_event(tx, second, "there", "8", "not-asked")
    _add_event(tx, second, "there-too", "7", "own-comment")


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two workspaces, each with issues of the same keys: PAY-7 and PAY-8 in both, PAY-9 in the first."""
    with at_home(tmp_path_factory.mktemp("kept")) as cli:
        first, second = served(cli), served(cli, "second")
        write(cli, partial(_add_all, first=first, second=second))
        for id_, name in ((first, "here"), (second, "newer")):
            write(cli, partial(add_conversation, workspace_id=id_, name=name, issue="7", state=State.AWAITING_INPUT))
        return cli.data


@pytest.fixture
def furnished(cli: Cli, kept: Path) -> Cli:
    shutil.copytree(kept, cli.data)
    return cli


@pytest.mark.parametrize(
    ("asked", "id_", "passed_over"),
    [
        pytest.param(["PAY-7", "--workspace", "acme"], "asked", True, id="older than what the bot did"),
        pytest.param(["PAY-8", "--workspace", "acme"], "remark", False, id="the newest"),
        pytest.param(["pay-9"], "alone", False, id="what the bot did, where there is nothing else"),
        pytest.param(["PAY-7", "--workspace", "second"], "there-too", False, id="nothing else there"),
    ],
)
@pytest.mark.parametrize("command", ["show", "explain", "retry"])
def test_of_an_issue_the_newest_event_that_tells_something_is_meant(
    furnished: Cli, command: str, asked: list[str], id_: str, passed_over: bool
) -> None:
    ran = furnished.done("event", command, "--issue", *asked, "--json")

    assert ran.object["id"] == id_
    says = "newer events on PAY-7 are passed over: the bot's own comments, and what was acted on before"
    assert ran.err.startswith(says) == passed_over


def test_an_explanation_names_the_workspace(furnished: Cli) -> None:
    told = furnished.done("event", "explain", "--issue", "PAY-8", "--workspace", "second").out

    assert told.startswith("Event there: comment_created on PAY-8 in second, ")


@pytest.mark.parametrize(
    "command",
    ["event show", "event explain", "event retry", "event replay"]
    + [f"conversation {each}" for each in ("show", "tail", "stop", "retry", "close", "delete")],
)
def test_a_key_that_is_in_two_workspaces_is_not_guessed(furnished: Cli, command: str) -> None:
    ran = furnished(*command.split(), "--issue", "pay-7")

    assert (ran.code, ran.out) == (1, "")
    assert ran.err == (
        "error: an issue `PAY-7` is in more than one workspace: `acme`, `second`\n\n"
        "hint: name the one that is meant with `--workspace NAME`\n"
    )


def test_the_workspace_says_whose_conversation_is_meant(furnished: Cli) -> None:
    asked = ["--issue", "PAY-7", "--workspace", "acme", "--json"]

    sent = furnished.done("conversation", "send", "and this", *asked)
    stopped = furnished.done("conversation", "stop", *asked)

    assert (sent.object["id"], stopped.object["id"]) == ("here", "here")
    other = furnished.done("conversation", "show", "--issue", "PAY-7", "--workspace", "second", "--json")
    assert (other.object["id"], other.object["state"]) == ("newer", "awaiting_input")


@pytest.mark.parametrize(
    ("command", "code", "sentence"),
    [
        ("event show --issue PAY-9 --workspace second", 3, "there is no event on issue `PAY-9` in `second`"),
        ("event show --issue PAY-9 --workspace secnd", 3, "there is no workspace `secnd`"),
        ("event show alone --workspace acme", 2, "an event is named by its id alone: a workspace goes with an issue"),
        ("conversation show --issue PAY-9 --workspace acme", 3, "there is no conversation on `PAY-9` in `acme`"),
        ("conversation stop here --workspace acme", 2,
         "a conversation is named by its id alone: a workspace goes with an issue"),
    ],
)  # fmt: skip
def test_what_is_not_there_or_named_too_often_is_told(furnished: Cli, command: str, code: int, sentence: str) -> None:
    ran = furnished(*command.split())

    assert (ran.code, ran.error) == (code, sentence)
