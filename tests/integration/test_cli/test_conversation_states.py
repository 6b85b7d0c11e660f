"""`conversation stop|send|retry|close|delete|tail` over every state of a conversation, where no daemon runs."""

import shutil
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from jirabot.agents.checkout import RECORD_FILE
from jirabot.core.conversations import RunState, State
from jirabot.core.ids import ConversationId
from jirabot.core.ports import Transaction

from .conftest import Cli, at_home
from .states import add_conversation, read, served, write

CONVERSATIONS = {
    "created": (State.CREATED, RunState.HELD),
    "active": (State.ACTIVE, RunState.WAITING),
    "working": (State.IN_PROGRESS, RunState.RUNNING),
    "asking": (State.AWAITING_INPUT, None),
    "completed": (State.COMPLETED, None),
    "failed": (State.FAILED, None),
    "stopped": (State.STOPPED, None),
    "expired": (State.EXPIRED, None),
    "stopping": (State.STOPPED, RunState.RUNNING),
}
CLOSED = ["completed", "failed", "stopped", "expired"]


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with a conversation in each state, and one whose agent is being ended."""
    with at_home(tmp_path_factory.mktemp("kept")) as cli:
        workspace_id = served(cli)
        for name, (state, live) in CONVERSATIONS.items():
            write(cli, partial(add_conversation, workspace_id=workspace_id, name=name, state=state, live=live))
        return cli.data


@pytest.fixture
def furnished(cli: Cli, kept: Path) -> Cli:
    shutil.copytree(kept, cli.data)
    return cli


def _shown(cli: Cli, name: str) -> dict[str, object]:
    return cli.done("conversation", "show", name, "--json").object


def _with_checkout(cli: Cli, name: str) -> None:
    folder = cli.data / "conversations" / name
    folder.mkdir(parents=True)
    (folder / RECORD_FILE).write_text("{}")


def test_the_logs_of_runs_are_told_while_they_are_kept(furnished: Cli) -> None:
    assert "log of run" not in furnished.done("conversation", "show", "asking").out

    log = furnished.data / "conversations/asking/session/run-run-asking-1.log"
    log.parent.mkdir(parents=True)
    log.touch()
    (line,) = [each for each in furnished.done("conversation", "show", "asking").out.splitlines() if "log of" in each]
    assert line == f"  log of run 1: {log}"
    (run,) = furnished.done("conversation", "show", "asking", "--json").object["run_list"]
    assert run["logs"] == [str(log)]


@pytest.mark.parametrize("name", ["created", "active", "asking"])
@pytest.mark.parametrize(
    ("command", "state", "said"),
    [
        ("stop", "stopped", "**Stopped**, as jirabot's shell asked."),
        ("close", "completed", "**Closed**, as jirabot's shell asked. Mention me to take it up again."),
    ],
)
def test_one_whose_agent_does_not_work_is_ended_at_once(
    furnished: Cli, name: str, command: str, state: str, said: str
) -> None:
    ran = furnished("conversation", command, name, "--json")

    assert (ran.code, ran.object["state"]) == (0, state)
    assert ran.err == "no daemon runs: what is to be said on the issue waits until `jirabot serve` does\n"
    shown = furnished.done("conversation", "show", name, "--json").object
    assert [(effect["state"], effect["text"]) for effect in shown["effects"]] == [("pending", said)]
    assert shown["run_list"][0]["state"] in ("stopped", "finished")


def test_a_stop_of_an_agent_whose_daemon_is_gone_is_written_down(furnished: Cli) -> None:
    ran = furnished("conversation", "stop", "working")

    assert ran.code == 5
    assert ran.err == (
        "error: no daemon runs, to wait for the agent to stop\n\n"
        "hint: it is written down: `jirabot serve` carries it out\n"
    )
    assert _shown(furnished, "working")["state"] == "stopped"


def test_a_stop_that_does_not_wait_is_written_down_and_no_more(furnished: Cli) -> None:
    assert furnished("conversation", "stop", "working", "--no-wait", "--json").object["state"] == "stopped"


def test_an_agent_that_is_being_stopped_is_waited_for_once_more(furnished: Cli) -> None:
    assert furnished("conversation", "stop", "stopping").error == "no daemon runs, to wait for the agent to stop"


@pytest.mark.parametrize("name", CLOSED)
def test_what_is_closed_can_not_be_stopped_or_closed(furnished: Cli, name: str) -> None:
    stop, close = furnished("conversation", "stop", name), furnished("conversation", "close", name)

    assert (stop.code, stop.error) == (1, f"conversation `{name}` is {name}: there is nothing to stop")
    assert f"hint: `jirabot conversation retry {name}` takes it up again" in stop.err
    assert (close.code, close.error) == (1, f"conversation `{name}` is {name} already")


@pytest.mark.parametrize("command", ["close working", "close stopping", "delete working --yes"])
def test_what_ends_it_for_good_waits_for_the_agent_to_be_stopped(furnished: Cli, command: str) -> None:
    ran = furnished("conversation", *command.split())

    name = command.split()[1]
    assert (ran.code, ran.error) == (1, f"the agent of conversation `{name}` works")
    assert f"hint: `jirabot conversation stop {name}` ends it" in ran.err


@pytest.mark.parametrize(
    ("name", "state"), [("created", "created"), ("active", "active"), ("asking", "active"), ("failed", "active")]
)
def test_what_is_sent_waits_for_a_run(furnished: Cli, name: str, state: str) -> None:
    _with_checkout(furnished, name)

    ran = furnished("conversation", "send", name, "also this", "--json")

    assert (ran.code, ran.object["state"]) == (0, state)
    assert ran.err == "no daemon runs: the agent's work waits until `jirabot serve` does\n"
    shown = furnished.done("conversation", "show", name, "--json").object
    assert [(each["author"], each["text"]) for each in shown["messages"]][1:] == [("jirabot's shell", "also this")]
    assert shown["run_list"][-1]["state"] == "waiting"


@pytest.mark.parametrize(("command", "name"), [("send", "active"), ("retry", "failed")])
def test_what_holds_it_back_is_told(furnished: Cli, command: str, name: str) -> None:
    _with_checkout(furnished, name)
    furnished.done("pause", "--all")

    ran = furnished("conversation", command, name, *(["this"] if command == "send" else []), "--json")

    assert (ran.code, ran.object["state"]) == (0, "active")
    told, fix, unserved = ran.err.splitlines()
    assert told.startswith("  no new run begins: everything is paused, by ")
    assert fix == "    `jirabot resume --all` lets them begin"
    assert unserved == "no daemon runs: the agent's work waits until `jirabot serve` does"


def test_what_is_sent_to_an_agent_whose_daemon_is_gone_is_written_down(furnished: Cli) -> None:
    ran = furnished("conversation", "send", "working", "also this")

    assert (ran.code, ran.error) == (5, "no daemon runs, to wait for the agent's turn to end")
    shown = furnished.done("conversation", "show", "working", "--json").object
    assert shown["messages"][-1]["text"] == "also this"


def test_a_text_is_read_from_standard_input(furnished: Cli) -> None:
    furnished.done("conversation", "send", "--issue", "pay-active", "-", typed="one line\nand another\n")

    shown = furnished.done("conversation", "show", "active", "--json").object
    assert shown["messages"][-1]["text"] == "one line\nand another"


@pytest.mark.parametrize("name", CLOSED)
def test_a_closed_one_tries_again_what_was_asked_last(furnished: Cli, name: str) -> None:
    _with_checkout(furnished, name)

    ran = furnished("conversation", "retry", name, "--json")

    assert (ran.code, ran.object["state"], ran.object["runs"]) == (0, "active", 2)
    shown = furnished.done("conversation", "show", name, "--json").object
    assert [each["text"] for each in shown["messages"]] == [f"text of message-{name}"] * 2


@pytest.mark.parametrize("name", ["failed", "expired"])
def test_where_no_agent_has_begun_what_was_asked_is_asked_once(furnished: Cli, name: str) -> None:
    """It waits for the next run by itself, in the name of who asked."""

    def never_begun(tx: Transaction) -> None:
        known = tx.conversations.find(ConversationId(name))
        assert known is not None
        tx.conversations.save(replace(known, session={}))

    write(furnished, never_begun)

    ran = furnished("conversation", "retry", name, "--json")

    assert (ran.code, ran.object["state"], ran.object["runs"]) == (0, "active", 2)
    waiting = read(furnished, lambda tx: tx.conversations.waiting_messages(ConversationId(name)))
    assert [(each.author.label, each.text) for each in waiting] == [("Ada Lovelace", f"text of message-{name}")]


@pytest.mark.parametrize("name", ["created", "active", "working", "asking"])
def test_an_open_one_is_not_tried_again(furnished: Cli, name: str) -> None:
    ran = furnished("conversation", "retry", name)

    state = CONVERSATIONS[name][0]
    assert (ran.code, ran.error) == (1, f"conversation `{name}` is {state}: only a closed one is tried again")


@pytest.mark.parametrize("command", [["retry", "failed"], ["send", "failed", "also this"]])
def test_without_its_checkout_a_closed_one_does_not_go_on(furnished: Cli, command: list[str]) -> None:
    ran = furnished("conversation", *command)

    assert (ran.code, ran.error) == (1, "the checkout of conversation `failed` is no longer kept")
    assert _shown(furnished, "failed")["state"] == "failed"


@pytest.mark.parametrize("name", [name for name in CONVERSATIONS if name not in ("working", "stopping")])
def test_one_whose_agent_does_not_work_is_deleted(furnished: Cli, name: str) -> None:
    _with_checkout(furnished, name)

    ran = furnished("conversation", "delete", name, "--yes")

    told = f"deleted conversation {name}; what stands on PAY-{name.upper()} and at the git host stays there\n"
    assert (ran.code, ran.out, ran.err) == (0, "", told)
    assert furnished("conversation", "show", name).code == 3
    assert not (furnished.data / "conversations" / name).exists()


def test_one_whose_agent_can_not_be_used_any_more_is_deleted_too(furnished: Cli) -> None:
    def with_session(tx: Transaction) -> None:
        known = tx.conversations.find(ConversationId("failed"))
        assert known is not None
        tx.conversations.save(replace(known, session={"session_dir": "/nowhere"}))

    write(furnished, with_session)
    furnished.config.write_text('[agents.local]\ntype = "command"\ncommand = []\n')
    _with_checkout(furnished, "failed")

    assert furnished("conversation", "delete", "failed", "--yes").code == 0
    assert not (furnished.data / "conversations" / "failed").exists()


def test_nothing_is_deleted_unasked(furnished: Cli) -> None:
    ran = furnished("conversation", "delete", "failed")

    asked = "delete conversation failed on PAY-FAILED, its 1 messages, 1 runs and its checkout?"
    assert (ran.code, ran.error) == (4, f"nobody is there to ask: {asked}")
    assert _shown(furnished, "failed")["state"] == "failed"


@pytest.mark.parametrize("name", ["created", "asking", *CLOSED])
def test_what_rests_is_followed_to_its_end_at_once(furnished: Cli, name: str) -> None:
    ran = furnished("conversation", "tail", name, "--json")

    assert (ran.code, ran.out, ran.err) == (0, "", "")


@pytest.mark.parametrize("name", ["active", "working", "stopping"])
def test_what_nobody_carries_on_is_not_followed(furnished: Cli, name: str) -> None:
    ran = furnished("conversation", "tail", name)

    assert (ran.code, ran.error) == (5, "no daemon runs, so nothing more comes")


@pytest.mark.parametrize(
    ("command", "code", "sentence"),
    [
        *((f"{verb}", 2, "which conversation?") for verb in ("stop", "retry", "close", "delete", "tail")),
        *((f"{verb} none", 3, "there is no conversation `none`") for verb in ("stop", "retry", "close", "tail")),
        ("delete none --yes", 3, "there is no conversation `none`"),
        ("stop active --issue PAY-7", 2, "a conversation is named by its id or by its issue, not by both"),
        ("stop --issue PAY-0", 3, "there is no conversation on `PAY-0`"),
        ("send", 2, "a conversation and one text are needed"),
        ("send active", 2, "a conversation and one text are needed"),
        ("send active also this", 2, "a conversation and one text are needed"),
        ("send none this", 3, "there is no conversation `none`"),
        ("send active -", 2, "there is nothing to send"),
    ],
)
def test_what_is_not_understood_is_told(furnished: Cli, command: str, code: int, sentence: str) -> None:
    ran = furnished("conversation", *command.split())

    assert (ran.code, ran.out, ran.error) == (code, "", sentence)
