"""`jirabot status`: one screen of what goes on."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from jirabot.core.budgets import Bucket
from jirabot.core.conversations import RunState, State
from jirabot.core.deliveries import DeliveryState
from jirabot.core.ids import WorkspaceId
from jirabot.core.managers import troubles
from jirabot.core.managers.budgets import API_CALLS
from jirabot.core.managers.troubles import Found
from jirabot.core.scopes import of_agent, of_workspace
from jirabot.core.troubles import Reason

from .conftest import SCRIPTED, Cli, Jira
from .states import NOW, add_conversation, add_delivery, served, write


def test_with_nothing_set_up_it_says_what_to_do_first(cli: Cli) -> None:
    ran = cli("status")

    assert (ran.code, ran.out) == (0, "Daemon: does not run (`jirabot serve` starts it)\n\n")
    assert ran.err == "no workspace yet: `jirabot workspace create NAME` makes one\n"


def test_it_opens_with_what_is_missing(cli: Cli, jira: Jira) -> None:
    cli.file("jirabot.toml", SCRIPTED)
    cli.done(*jira.creation(), typed=f"{jira.token}\n")
    ran = cli("status")

    lines = ran.out.splitlines()
    assert lines[0] == "Missing for a first answer:"
    assert lines[1] == "  acme: nobody may trigger the bot yet: jirabot user link acme ACCOUNT"
    assert any(line.split()[:4] == ["acme", "active", "0", "0"] for line in lines)


def test_its_object_has_these_fields(cli: Cli, jira: Jira) -> None:
    cli.file("jirabot.toml", SCRIPTED)
    cli.done(*jira.creation(), typed=f"{jira.token}\n")
    shown = cli("status", "--json").object

    assert set(shown) == {"daemon", "database", "troubles", "held_back", "workspaces", "failures"}
    assert shown["database"] is None
    (workspace,) = shown["workspaces"]
    assert {name: workspace[name] for name in ("name", "state", "backlog", "dead", "running", "owed")} == {
        "name": "acme",
        "state": "active",
        "backlog": 0,
        "dead": 0,
        "running": 0,
        "owed": 0,
    }
    assert [item["what"] for item in workspace["missing"]] == ["person", "repository", "webhook"]


def test_a_database_that_can_not_be_written_is_told_first(cli: Cli) -> None:
    cli.done("db", "upgrade")
    with closing(sqlite3.connect(cli.data / "jirabot.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        ran = cli.done("status")

    assert ran.out.splitlines()[0] == (
        f"Nothing can be written: the database is held by another process: `{cli.data / 'jirabot.db'}`: "
        "try again; if it stays so, look for a process that keeps the database open"
    )


def test_it_writes_nothing_itself(cli: Cli) -> None:
    cli.done("db", "upgrade")
    before = (cli.data / "jirabot.db").read_bytes()
    cli.done("status")

    assert (cli.data / "jirabot.db").read_bytes() == before


def _troubled(cli: Cli) -> WorkspaceId:
    """Make a workspace whose token is refused, and an agent that fails."""
    workspace_id = served(cli)
    refused = Found(
        scope=of_workspace(workspace_id), reason=Reason.TOKEN_REFUSED, text="Jira says no", fix="give a new token"
    )
    fails = Found(scope=of_agent("local"), reason=Reason.AGENT_FAILING, text="no key", fix="give it a key")
    write(cli, lambda tx: troubles.degrade(tx, refused, new_id="t1", now=NOW))
    write(cli, lambda tx: troubles.begin(tx, fails, new_id="t2", now=NOW))
    return workspace_id


def test_it_opens_with_the_troubles_that_stand(cli: Cli) -> None:
    _troubled(cli)
    ran = cli("status")

    since = f"{NOW:%Y-%m-%dT%H:%M:%S}"
    lines = ran.out.splitlines()
    assert lines[0] == "Troubles:"
    assert lines[1].startswith(f"  local: agent-failing since {since}")
    assert lines[2] == "    fix: give it a key"
    assert lines[3].startswith(f"  acme: token-refused since {since}")
    assert lines[3].endswith("Z: Jira says no")
    assert lines[4] == "    fix: give a new token"


def test_its_object_has_the_troubles_and_what_they_degrade(cli: Cli) -> None:
    _troubled(cli)
    shown = cli("status", "--json").object

    assert shown["workspaces"][0]["degraded"] == ["token-refused"]
    told = [(each["workspace"], each["agent"], each["reason"], each["fix"]) for each in shown["troubles"]]
    assert told == [
        (None, "local", "agent-failing", "give it a key"),
        ("acme", None, "token-refused", "give a new token"),
    ]
    assert cli("workspace", "show", "acme", "--json").object["degraded"] == ["token-refused"]


def test_what_was_mended_stands_no_longer(cli: Cli) -> None:
    scope = of_workspace(_troubled(cli))
    write(cli, lambda tx: troubles.mend(tx, scope, {Reason.TOKEN_REFUSED}, now=NOW))

    assert cli("workspace", "show", "acme", "--json").object["degraded"] == []
    assert [each["agent"] for each in cli("status", "--json").object["troubles"]] == ["local"]


def test_doctor_fails_while_a_trouble_stands(cli: Cli) -> None:
    _troubled(cli)
    told = [each for each in cli("doctor", "--json").objects if each["check"] == "trouble"]

    assert [(each["workspace"], each["level"], each["fix"]) for each in told] == [
        (None, "failed", "give it a key"),
        ("acme", "failed", "give a new token"),
    ]
    assert told[0]["text"].startswith("agent `local`: agent-failing since ")


def test_it_tells_what_is_left_of_the_hours_calls(cli: Cli) -> None:
    """What the daemon wrote down, filled since; a workspace without a limit has none."""
    workspace_id = served(cli)
    assert cli("status", "--json").object["workspaces"][0]["calls_left"] == 500

    spent = Bucket(level=0.0, at=datetime.now(UTC) - timedelta(minutes=30))  # noqa: TID251 - the command's own clock
    write(cli, lambda tx: tx.budgets.put(workspace_id, API_CALLS, spent))
    assert 250 <= cli("status", "--json").object["workspaces"][0]["calls_left"] <= 260

    cli.done("workspace", "update", "acme", "--set", "api_calls_per_hour=0")
    assert cli("status", "--json").object["workspaces"][0]["calls_left"] is None


@pytest.mark.parametrize(
    ("typed", "what"),
    [(["--all"], "everything"), (["acme"], "the workspace"), (["--agent", "scripted"], "the agent `scripted`")],
)
def test_a_pause_is_told_with_what_waits_for_it(cli: Cli, typed: list[str], what: str) -> None:
    cli.file("jirabot.toml", SCRIPTED)
    workspace_id = served(cli)
    cli.done("pause", *typed)
    write(cli, lambda tx: add_conversation(tx, workspace_id, "held", State.ACTIVE, RunState.WAITING))

    ran = cli.done("status")
    opening, told, fix, _ = ran.out.partition("Missing")[0].splitlines()
    assert opening == "Held back:"
    assert told.removeprefix("  ").removeprefix("acme: ").startswith(f"no new run begins: {what} is paused, by ")
    assert fix == f"    `jirabot resume {' '.join(typed)}` lets them begin"
    titles, row = ran.out.splitlines()[-2:]
    assert row[titles.index("waiting")] == "1"

    (warned,) = [each for each in cli("doctor", "--json").objects if each["check"] == "pause"]
    assert (warned["level"], warned["fix"]) == ("warning", fix.strip())


def test_webhooks_that_are_switched_off_are_told_with_what_was_kept(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JIRA_WEBHOOKS_ENABLED", "false")
    monkeypatch.setenv("JIRA_DC_WEBHOOKS_ENABLED", "false")
    workspace_id = served(cli)
    write(cli, lambda tx: add_delivery(tx, workspace_id, DeliveryState.PAUSED))

    ran = cli.done("status")
    lines, (titles, row) = ran.out.splitlines(), ran.out.splitlines()[-2:]
    told = "webhooks of `dc` are switched off by `JIRA_DC_WEBHOOKS_ENABLED`: what comes is kept"
    assert lines[:2] == ["Held back:", f"  {told}"]
    assert row[titles.index("kept")] == "1"

    (warned,) = [each for each in cli("doctor", "--json").objects if each["check"] == "webhooks"]
    assert (warned["level"], warned["text"]) == ("warning", told)
