"""`event retry` and `event discard` over every state of an event: what is done, what is refused, with which words."""

import json
import shutil
from functools import partial
from pathlib import Path

import pytest

from jirabot.app import open_app
from jirabot.config import load
from jirabot.core.deliveries import DeliveryState
from jirabot.core.ids import WorkspaceId
from jirabot.core.people import SHELL
from jirabot.errors import Conflict
from tests.contract.test_stores.values import delivery

from .conftest import Cli, at_home
from .states import add_delivery, served, write


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with an event in each state, each with the state's name as id, and two that are dead."""
    with at_home(tmp_path_factory.mktemp("kept")) as cli:
        workspace_id = served(cli)
        for state in DeliveryState:
            write(cli, partial(add_delivery, workspace_id=workspace_id, state=state))
        write(cli, partial(add_delivery, workspace_id=workspace_id, state=DeliveryState.DEAD, id="dead-2"))
        return cli.data


@pytest.fixture
def furnished(cli: Cli, kept: Path) -> Cli:
    shutil.copytree(kept, cli.data)
    return cli


def _state(cli: Cli, id_: str) -> str:
    shown: str = cli.done("event", "show", id_, "--json").object["state"]
    return shown


@pytest.mark.parametrize("id_", ["dead", "waiting"])
def test_a_dead_or_waiting_event_is_received_anew(furnished: Cli, id_: str) -> None:
    ran = furnished("event", "retry", id_, "--json")

    assert (ran.code, ran.object["state"], ran.object["attempts"]) == (0, "received", 0)
    assert ran.err == f"no daemon runs: event {id_} waits until `jirabot serve` does\n"


def test_an_event_is_tried_again_by_its_issue(furnished: Cli) -> None:
    assert furnished.done("event", "retry", "--issue", "pay-dead-2", "--json").object["id"] == "dead-2"


@pytest.mark.parametrize(
    ("id_", "hint"),
    [
        ("received", "it waits for its turn already"),
        ("paused", "it goes on when its workspace is active again: `jirabot workspace activate NAME`"),
        ("done", "`jirabot event replay done` takes it through once more"),
        ("ignored", "`jirabot event replay ignored` takes it through once more"),
        ("refused", "`jirabot event replay refused` takes it through once more"),
        ("discarded", "`jirabot event replay discarded` takes it through once more"),
    ],
)
def test_no_other_event_is_tried_again(furnished: Cli, id_: str, hint: str) -> None:
    ran = furnished("event", "retry", id_)

    assert (ran.code, ran.out) == (1, "")
    assert ran.err == (f"error: event `{id_}` is {id_}: only a dead or waiting one is tried again\n\nhint: {hint}\n")
    assert _state(furnished, id_) == id_


@pytest.mark.parametrize("id_", ["received", "waiting", "paused", "dead"])
def test_an_event_that_has_led_to_nothing_is_discarded(furnished: Cli, id_: str) -> None:
    ran = furnished("event", "discard", id_)

    assert (ran.code, ran.out, ran.err) == (0, "", "discarded 1 event\n")
    explained = furnished.done("event", "explain", id_).out.splitlines()
    assert explained[1] == f"discarded: Discarded by shell, and not acted on; it was {id_}"


@pytest.mark.parametrize("id_", ["done", "ignored", "refused"])
def test_an_event_that_has_led_to_something_is_not_discarded(furnished: Cli, id_: str) -> None:
    ran = furnished("event", "discard", id_)

    assert ran.code == 1
    assert ran.err == (
        f"error: event `{id_}` is {id_}, and is not discarded\n\n"
        "hint: only these are: dead, paused, received, waiting\n"
    )


def test_what_is_discarded_is_not_discarded_again(furnished: Cli) -> None:
    ran = furnished("event", "discard", "discarded")

    assert (ran.code, ran.err) == (1, "error: event `discarded` is discarded already\n")


def test_of_several_all_are_discarded_or_none(furnished: Cli) -> None:
    assert furnished("event", "discard", "dead", "done", "--yes").code == 1
    assert furnished("event", "discard", "dead", "nobody", "--yes").code == 3
    assert _state(furnished, "dead") == "dead"

    assert furnished("event", "discard", "dead", "waiting", "--yes").err == "discarded 2 events\n"
    assert (_state(furnished, "dead"), _state(furnished, "waiting")) == ("discarded", "discarded")


def test_more_than_one_is_asked_about(furnished: Cli) -> None:
    ran = furnished("event", "discard", "--state", "dead")

    assert ran.code == 4
    assert ran.error == "nobody is there to ask: discard 2 events, which are then never acted on?"
    assert _state(furnished, "dead") == "dead"


def test_one_named_twice_is_one(furnished: Cli) -> None:
    assert furnished("event", "discard", "dead", "dead").err == "discarded 1 event\n"


def test_all_in_a_state_are_discarded(furnished: Cli) -> None:
    assert furnished("event", "discard", "--state", "dead", "--workspace", "acme", "--yes").code == 0

    assert furnished.done("event", "list", "--state", "dead").err == "none fits what was asked for\n"
    assert furnished("event", "discard", "--state", "dead").err == "there is none to discard\n"


@pytest.fixture
def workspace_id(cli: Cli) -> WorkspaceId:
    return served(cli)


async def test_of_many_a_hundred_are_discarded_at_a_time(cli: Cli, workspace_id: WorkspaceId) -> None:
    """What is written in between does not wait for all of them; where one can't be, what was before it is told."""
    async with open_app(load(None, data_dir=cli.data)) as app:
        new = [delivery(f"{number:03}", workspace_id=workspace_id, state=DeliveryState.DEAD) for number in range(250)]
        await app.storage.write(lambda tx: tx.deliveries.record(new))
        found = sorted(
            await app.deliveries.discardable([], state=DeliveryState.DEAD, by=SHELL), key=lambda each: each.no
        )
        await app.deliveries.discard(found[120:121], by=SHELL)
        before = app.storage.generation()

        with pytest.raises(Conflict, match="event `120` is discarded") as told:
            await app.deliveries.discard(found, by=SHELL)
        assert told.value.hint.startswith("100 that come before it were discarded; ")

        others = [each for each in found if each.id != "120"][100:]
        assert await app.deliveries.discard(others, by=SHELL) == 149
        assert app.storage.generation() == before + 3
        left = await app.storage.read(lambda tx: tx.deliveries.list(state=DeliveryState.DEAD))
    assert left == []


@pytest.mark.parametrize(
    ("command", "code", "sentence"),
    [
        ("retry", 2, "which event?"),
        ("retry dead --issue PAY-1", 2, "an event is named by its id or by its issue, not by both"),
        ("retry nobody", 3, "there is no event `nobody`"),
        ("retry --issue PAY-0", 3, "there is no event on issue `PAY-0`"),
        ("discard", 2, "which events?"),
        ("discard dead --state dead", 2, "events are named by their ids or by their state, not by both"),
        ("discard dead --workspace acme", 2, "events are named by their ids or by their state, not by both"),
        ("discard --state done", 2, "an event that is done is not discarded"),
        ("discard --state lost", 2, "`lost` is no state of an event"),
        ("discard --state dead --workspace acm", 3, "there is no workspace `acm`"),
        ("discard nobody", 3, "there is no event `nobody`"),
        ("replay", 2, "which event?"),
        ("replay nobody", 3, "there is no event `nobody`"),
    ],
)
def test_what_is_not_understood_is_told(furnished: Cli, command: str, code: int, sentence: str) -> None:
    ran = furnished("event", *command.split(), "--json" if command.startswith("r") else "--yes")

    told = json.loads(ran.err)["detail"] if command.startswith("r") else ran.error
    assert (ran.code, ran.out, told) == (code, "", sentence)
