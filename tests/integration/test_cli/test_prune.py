"""`db prune`: says how much of what is forgotten, asks first, and leaves alone what is open."""

from functools import partial

import pytest

from jirabot.core.deliveries import DeliveryState

from .conftest import Cli
from .states import add_delivery, served, write

NOTHING = {
    "bodies": 0,
    "dead_bodies": 0,
    "reports": 0,
    "rejections": 0,
    "troubles": 0,
    "checkouts": 0,
    "leftovers": 0,
}
FINISHED = [DeliveryState.DONE, DeliveryState.IGNORED, DeliveryState.REFUSED, DeliveryState.DISCARDED]


@pytest.fixture
def furnished(cli: Cli) -> Cli:
    """A data folder with an event in each state, an hour old, and the folder of a conversation that is gone."""
    workspace_id = served(cli)
    for state in DeliveryState:
        write(cli, partial(add_delivery, workspace_id=workspace_id, state=state))
    return cli


def _kept(cli: Cli) -> set[str]:
    """The events whose body is kept."""
    return {state.value for state in DeliveryState if cli("event", "show", state.value, "--raw").code == 0}


def test_without_a_terminal_it_is_refused_naming_how_much(furnished: Cli) -> None:
    ran = furnished("db", "prune", "--older-than", "30m")

    assert (ran.code, ran.out) == (4, "")
    what = "bodies of finished events: 4, bodies of events that were given up: 1"
    assert ran.error == f"nobody is there to ask: forget what is old ({what})?"
    assert _kept(furnished) == {state.value for state in DeliveryState}


def test_what_is_older_is_forgotten_and_what_is_open_is_not(furnished: Cli) -> None:
    ran = furnished.done("db", "prune", "--older-than", "30m", "--yes", "--json")

    assert ran.object == {**NOTHING, "bodies": 4, "dead_bodies": 1, "dry_run": False}
    assert _kept(furnished) == {"received", "waiting", "paused"}
    assert furnished.done("event", "show", "done", "--json").object["text"] == "Any."
    assert furnished.done("db", "prune", "--older-than", "30m", "--yes", "--json").object["bodies"] == 0


def test_by_the_settings_each_has_its_own_age(furnished: Cli) -> None:
    furnished.file("jirabot.toml", '[retention]\ndeliveries = "30m"\n')

    ran = furnished.done("db", "prune", "--yes", "--json")

    assert ran.object == {**NOTHING, "bodies": 4, "dry_run": False}
    assert _kept(furnished) == {"received", "waiting", "paused", "dead"}


def test_a_dry_run_needs_no_yes_and_changes_nothing(furnished: Cli) -> None:
    ran = furnished.done("db", "prune", "--older-than", "30m", "--dry-run", "--json")

    assert ran.object == {**NOTHING, "bodies": 4, "dead_bodies": 1, "dry_run": True}
    assert _kept(furnished) == {state.value for state in DeliveryState}


@pytest.mark.parametrize(
    ("age", "says"),
    [("long", "a duration is a number with its unit"), ("9999999d", "a duration is at most 36500 days")],
)
def test_an_age_that_is_none_is_told(cli: Cli, age: str, says: str) -> None:
    ran = cli("db", "prune", "--older-than", age, "--yes")

    assert ran.code == 2
    assert ran.error.startswith(f"`--older-than {age}`: {says}")
