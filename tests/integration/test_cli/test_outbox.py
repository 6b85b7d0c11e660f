"""`outbox`: what is listed and shown, and over every state of an effect what is owed again, given up, or refused."""

import shutil
from functools import partial
from pathlib import Path

import pytest

from jirabot.core.effects import EffectState
from jirabot.core.ids import WorkspaceId
from jirabot.core.ports import Transaction
from tests.contract.test_stores.values import edit

from .conftest import Cli, at_home
from .states import LATER, add_effect, served, write

FIELDS = [
    "id",
    "workspace",
    "issue_id",
    "conversation",
    "kind",
    "state",
    "attempts",
    "due_at",
    "comment_id",
    "text",
    "error",
]


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with an effect in each state, named after it, and two edits of a comment that Jira refused."""
    with at_home(tmp_path_factory.mktemp("kept")) as cli:
        workspace_id = served(cli)
        for state in EffectState:
            write(cli, partial(add_effect, workspace_id=workspace_id, name=state.value, state=state, does=None))
        for name in ("old-edit", "new-edit"):
            refused = partial(add_effect, workspace_id=workspace_id, name=name, state=EffectState.DEAD)
            write(cli, partial(refused, does=edit("sent")))
        return cli.data


@pytest.fixture
def furnished(cli: Cli, kept: Path) -> Cli:
    shutil.copytree(kept, cli.data)
    return cli


def _state(cli: Cli, id_: str) -> str:
    shown: str = cli.done("outbox", "show", id_, "--json").object["state"]
    return shown


def _counts(cli: Cli) -> dict[str, int | None]:
    """Tell how many effects each act was done to, by the audit."""
    rows = cli.done("audit", "list", "--json").objects
    return {row["act"]: row["facts"].get("count") for row in rows if row["act"].startswith("effect.")}


def test_effects_are_listed_newest_first(furnished: Cli) -> None:
    listed = furnished.done("outbox", "list", "--json").objects

    names = ["new-edit", "old-edit", "discarded", "dead", "sent", "sending", "pending"]
    assert [each["id"] for each in listed] == names
    assert {tuple(each) for each in listed} == {tuple(FIELDS)}
    assert {each["workspace"] for each in listed} == {"acme"}


def test_effects_are_listed_by_state_workspace_and_at_most_so_many(furnished: Cli) -> None:
    dead = furnished.done("outbox", "list", "--state", "dead", "--workspace", "acme", "--json").objects

    assert [each["id"] for each in dead] == ["new-edit", "old-edit", "dead"]
    assert [each["error"] for each in dead] == ["Jira refuses"] * 3
    assert len(furnished.done("outbox", "list", "--limit", "1", "--json").objects) == 1


def test_where_nothing_was_ever_owed_a_sentence_says_so(cli: Cli) -> None:
    ran = cli("outbox", "list")

    assert (ran.code, ran.out, ran.err) == (0, "", "nothing is owed, or was\n")


def test_an_effect_is_shown_as_the_object_that_is_listed(furnished: Cli) -> None:
    shown = furnished.done("outbox", "show", "dead", "--json").object

    assert shown in furnished.done("outbox", "list", "--json").objects
    assert (shown["kind"], shown["text"]) == ("first-answer", "On it.")


@pytest.mark.parametrize(("id_", "state"), [("dead", "sending"), ("new-edit", "pending")])
def test_a_dead_one_is_owed_again(furnished: Cli, id_: str, state: str) -> None:
    ran = furnished("outbox", "retry", id_, "--json")

    assert (ran.code, ran.object["state"], ran.object["error"]) == (0, state, None)
    assert ran.err == f"no daemon runs: effect {id_} waits until `jirabot serve` does\n"


def test_all_dead_ones_of_a_workspace_are_owed_again_but_an_edit_that_was_overtaken(furnished: Cli) -> None:
    ran = furnished("outbox", "retry", "--workspace", "acme", "--json")

    states = {"new-edit": "pending", "old-edit": "discarded", "dead": "sending"}
    assert {each["id"]: each["state"] for each in ran.objects} == states
    assert ran.err == (
        "discarded 1 edit, overtaken by a newer one of the same comment\n"
        "no daemon runs: what is owed again waits until `jirabot serve` does\n"
    )
    assert _counts(furnished) == {"effect.retried": 2, "effect.discarded": 1}
    assert (_state(furnished, "old-edit"), _state(furnished, "sent")) == ("discarded", "sent")
    again = furnished("outbox", "retry", "--workspace", "acme")
    assert (again.code, again.out, again.err) == (0, "", "nothing of it is dead\n")


def test_where_all_dead_ones_were_overtaken_that_is_told_and_written_down(furnished: Cli) -> None:
    for id_ in ("dead", "new-edit"):
        furnished.done("outbox", "retry", id_)
    before = _counts(furnished)

    ran = furnished("outbox", "retry", "--workspace", "acme", "--json")

    assert [(each["id"], each["state"]) for each in ran.objects] == [("old-edit", "discarded")]
    assert ran.err == "discarded 1 edit, overtaken by a newer one of the same comment\n"
    assert _counts(furnished) == {**before, "effect.discarded": 1}


def test_an_edit_that_was_given_up_takes_no_place(furnished: Cli) -> None:
    furnished.done("outbox", "discard", "new-edit")

    assert furnished.done("outbox", "retry", "old-edit", "--json").object["state"] == "pending"


@pytest.mark.parametrize("id_", ["pending", "sending", "sent", "discarded"])
def test_no_other_is_owed_again(furnished: Cli, id_: str) -> None:
    ran = furnished("outbox", "retry", id_)

    assert (ran.code, ran.out) == (1, "")
    assert ran.err == (
        f"error: effect `{id_}` is {id_}: only a dead one is owed again\n\n"
        "hint: run `jirabot outbox list --state dead` to see those\n"
    )


def test_an_edit_does_not_take_the_place_of_a_newer_one(furnished: Cli) -> None:
    ran = furnished("outbox", "retry", "old-edit")

    told = "effect `old-edit` is an edit, and a newer one of the same comment takes its place"
    assert (ran.code, ran.error) == (1, told)


@pytest.mark.parametrize("id_", ["pending", "dead"])
def test_what_was_not_sent_is_discarded(furnished: Cli, id_: str) -> None:
    ran = furnished("outbox", "discard", id_)

    assert (ran.code, ran.out, ran.err) == (0, "", "discarded 1 effect\n")
    assert _state(furnished, id_) == "discarded"


def test_one_whose_fate_is_unknown_is_discarded_and_that_it_may_stand_is_told(furnished: Cli) -> None:
    ran = furnished("outbox", "discard", "sending")

    told = "effect sending had been sent, and Jira's answer never came: it may stand on its issue"
    assert (ran.code, ran.out, ran.err) == (0, "", f"discarded 1 effect\n{told}\n")
    assert _state(furnished, "sending") == "discarded"


def test_what_is_discarded_is_not_discarded_again(furnished: Cli) -> None:
    ran = furnished("outbox", "discard", "discarded")

    assert (ran.code, ran.err) == (1, "error: effect `discarded` is discarded already\n")


@pytest.mark.parametrize("id_", ["in-flight", "sent"])
def test_what_stands_or_may_still_land_is_not_discarded(furnished: Cli, id_: str) -> None:
    state = "sending" if id_ == "in-flight" else id_

    def send(tx: Transaction) -> None:
        add_effect(tx, WorkspaceId(workspace_id), "in-flight", EffectState.SENDING, None, now=LATER)

    workspace_id = furnished.done("workspace", "show", "acme", "--json").object["id"]
    write(furnished, send)

    ran = furnished("outbox", "discard", id_)

    assert ran.code == 1
    assert ran.err == (
        f"error: effect `{id_}` is {state}, and is not discarded\n\n"
        "hint: only these are: dead, pending, and sending for more than 90 s\n"
    )


def test_of_several_all_are_discarded_or_none_and_they_are_asked_about(furnished: Cli) -> None:
    unasked = furnished("outbox", "discard", "dead", "pending")
    assert (unasked.code, _state(furnished, "dead")) == (4, "dead")
    assert unasked.error == "nobody is there to ask: discard 2 effects, which are then never sent?"

    assert furnished("outbox", "discard", "dead", "sent", "--yes").code == 1
    assert _state(furnished, "dead") == "dead"

    assert furnished("outbox", "discard", "dead", "pending", "--yes").err == "discarded 2 effects\n"
    assert (_state(furnished, "dead"), _state(furnished, "pending")) == ("discarded", "discarded")


@pytest.mark.parametrize(
    ("command", "code", "sentence"),
    [
        ("list --state lost", 2, "`lost` is no state of an effect"),
        ("list --workspace nobody", 3, "there is no workspace `nobody`"),
        ("show", 2, "`ID` is missing"),
        ("show none", 3, "there is no effect `none`"),
        ("retry", 2, "which effects?"),
        ("retry dead --workspace acme", 2, "which effects?"),
        ("retry --workspace nobody", 3, "there is no workspace `nobody`"),
        ("retry none", 3, "there is no effect `none`"),
        ("discard", 2, "which effects?"),
        ("discard none", 3, "there is no effect `none`"),
    ],
)
def test_what_is_not_understood_is_told(furnished: Cli, command: str, code: int, sentence: str) -> None:
    ran = furnished("outbox", *command.split())

    assert (ran.code, ran.out, ran.error) == (code, "", sentence)
