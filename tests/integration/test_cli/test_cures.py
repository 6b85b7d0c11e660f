"""What `event explain` tells to do about an event that came to nothing, done as it is told."""

import json
import re
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from jirabot.sandbox.issues import Person

from .conftest import SCRIPTED, Cli, Jira, at_home, make_repository


@dataclass
class World:
    """A workspace in which Ada is linked and Grace is not."""

    cli: Cli
    jira: Jira

    def asks(self, author: Person, text: str = "@openhands help") -> Path:
        """Let somebody ask on a new issue; gives the delivery that tells of it, saved."""
        sandbox = self.jira.sandbox
        issue = self.jira.do(sandbox.create_issue(summary="The greeting is misspelt"))
        self.jira.do(sandbox.comment(issue.key, text, author=author))
        self.jira.do(sandbox.settled())
        return self.cli.file("asked.json", json.dumps(sandbox.deliveries[-1].to_saved()))

    def explained(self, delivery: str) -> dict[str, Any]:
        return self.cli.done("event", "explain", delivery, "--json").object

    def does(self, hint: str) -> list[Any]:
        """Type each command that a hint names, but for those with something to be filled in."""
        typed = [words for words in re.findall(r"`jirabot ([^`]+)`", hint) if "…" not in words]
        return [self.cli.done(*shlex.split(words.replace("NAME", "scripted"))) for words in typed]


def _served(cli: Cli, jira: Jira) -> World:
    cli.config.write_text(SCRIPTED)
    secret = cli.done(*jira.creation(), "--json", typed=jira.token).object["webhook_secret"]
    cli.done("user", "link", "acme", jira.account(jira.sandbox.ada))
    jira.sandbox.add_webhook("http://127.0.0.1:1/", secret=secret, events=["comment_created"])
    return World(cli, jira)


@pytest.fixture(scope="module", params=["cloud", "dc"])
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    jira = Jira(request.param)
    with at_home(tmp_path_factory.mktemp("world")) as cli:
        served = _served(cli, jira)
        cli.done("repo", "add", "acme", "acme/shop", "--url", make_repository(cli.folder), "--default")
        yield served
    jira.close()


def _of_another_project(world: World) -> None:
    world.cli.done("workspace", "update", "acme", "--set", "projects=WEB")


def _observed(world: World) -> None:
    world.cli.done("workspace", "update", "acme", "--set", "mode=observe")


def _unlinked(world: World) -> None:
    world.cli.done("workspace", "update", "acme", "--set", "who_may=linked")
    world.cli("user", "unlink", "acme", world.jira.account(world.jira.sandbox.grace))


def _link_ended(world: World) -> None:
    world.cli.done("user", "link", "acme", world.jira.account(world.jira.sandbox.grace))
    _unlinked(world)
    world.cli.done("workspace", "update", "acme", "--set", "who_may=anyone")


def _one_of_two_agents(world: World) -> None:
    world.cli.config.write_text(f'{SCRIPTED}[agents.other]\ntype = "scripted"\n')


@pytest.mark.parametrize(
    ("wrong", "by", "reason"),
    [
        pytest.param(_unlinked, "grace", "not-linked", id="who asks is not linked"),
        pytest.param(_unlinked, "bot", "own-account", id="who asks uses the service account"),
        pytest.param(_link_ended, "grace", "link-ended", id="the link of who asks was ended"),
        pytest.param(_one_of_two_agents, "ada", "no-agent", id="no agent is chosen"),
        pytest.param(_observed, "ada", "observed", id="the workspace observes"),
        pytest.param(_of_another_project, "ada", "other-project", id="of another project"),
    ],
)
def test_done_as_it_is_told_it_helps(world: World, wrong: Callable[[World], None], by: str, reason: str) -> None:
    wrong(world)
    asked = world.asks(getattr(world.jira.sandbox, by), "@openhands edit it")
    delivery = world.cli.done("replay", asked, "--json").object["delivery"]
    explained = world.explained(delivery)
    assert explained["reason"] == reason

    *_, replayed = world.does(explained["hint"])

    assert "decision    start: " in replayed.out


def test_what_was_acted_on_already_is_acted_on_once_more(world: World) -> None:
    asked = world.asks(world.jira.sandbox.ada)
    world.cli.done("replay", asked)
    explained = world.explained(world.cli.done("replay", asked, "--json").object["delivery"])

    (replayed,) = world.does(explained["hint"])

    assert explained["reason"] == "already-acted"
    assert "decision    answer: " in replayed.out


def test_what_was_kept_is_taken_up_or_put_away_and_then_taken_up_after_all(world: World) -> None:
    world.cli.done("workspace", "deactivate", "acme")
    asked = world.asks(world.jira.sandbox.ada)
    kept, other = (world.cli.done("replay", asked, "--json").object["delivery"] for _ in range(2))
    world.cli.done("event", "discard", other)
    explained, discarded = world.explained(kept), world.explained(other)
    assert (explained["reason"], discarded["reason"]) == ("paused", "discarded")

    world.does(explained["hint"])
    (replayed,) = world.does(discarded["hint"])

    assert world.explained(kept)["state"] != "paused"
    assert "decision    answer: " in replayed.out


def test_the_cure_is_told_wherever_the_event_is(world: World) -> None:
    _unlinked(world)
    grace = world.jira.sandbox.grace
    asked = world.asks(grace)
    tried = world.cli.done("replay", asked, "--dry-run")
    replay = world.cli.done("replay", asked, "--json").object
    delivery = replay["delivery"]
    hint = (
        f"run `jirabot user link acme {world.jira.account(grace)}`; "
        f"then `jirabot event replay {delivery} --again` takes this up"
    )

    told = world.cli.done("event", "explain", delivery).out.splitlines()

    assert told[-1] == f"hint: {hint}"
    assert f"  account     not linked: {world.jira.account(grace)}" in told
    assert tried.out.splitlines()[-1] == f"hint: run `jirabot user link acme {world.jira.account(grace)}`"
    assert replay["hint"] == hint
    assert world.cli.done("event", "show", delivery, "--json").object["hint"] == hint
    assert world.cli.done("event", "list", "--limit", "1", "--json").object["hint"] == hint


def test_of_what_went_as_it_should_nothing_is_told_to_do(world: World) -> None:
    delivery = world.cli.done("replay", world.asks(world.jira.sandbox.ada), "--json").object["delivery"]

    assert world.explained(delivery)["hint"] is None
    assert "hint" not in world.cli.done("event", "explain", delivery).out


@pytest.fixture
def bare(cli: Cli) -> Iterator[World]:
    """A workspace without a repository."""
    jira = Jira("cloud")
    yield _served(cli, jira)
    jira.close()


def _started(world: World) -> dict[str, Any]:
    """Let Ada ask for work, and explain what became of that."""
    asked = world.asks(world.jira.sandbox.ada, "@openhands edit it")
    explained = world.explained(world.cli("replay", asked, "--json").object["delivery"])
    assert explained["reason"] == "started"
    return explained


def test_what_was_started_tells_that_it_lacks_a_repository_until_there_is_one(bare: World) -> None:
    explained = _started(bare)

    (check,) = explained["held_back"]
    assert check["text"] == "the work could not begin: no repository is set up"
    assert check["fix"] == (
        "`jirabot repo add acme NAME --url GIT_URL`; then `jirabot conversation retry "
        f"{explained['conversation']}` begins it"
    )
    assert bare.cli.done("event", "explain", explained["id"]).out.splitlines()[-3:] == [
        "Held back:",
        f"  acme: {check['text']}",
        f"    {check['fix']}",
    ]

    bare.cli.done("repo", "add", "acme", "shop", "--url", make_repository(bare.cli.folder), "--default")
    assert bare.explained(explained["id"])["held_back"] == []


def test_what_was_started_tells_that_runs_are_paused_until_they_are_resumed(bare: World) -> None:
    bare.cli.done("pause", "acme")
    explained = _started(bare)

    (check,) = explained["held_back"]
    assert check["text"].startswith("no new run begins: the workspace is paused, by shell since ")
    assert check["fix"] == "`jirabot resume acme` lets them begin"

    bare.cli.done("resume", "acme")
    assert bare.explained(explained["id"])["held_back"] == []


def test_where_work_needs_no_repository_none_is_missed(bare: World) -> None:
    bare.cli.done("workspace", "update", "acme", "--set", "no_repository=empty")

    assert _started(bare)["held_back"] == []
