"""`replay` and `event replay` with their options: what is signed, acted on again, posted, and refused."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from .conftest import SCRIPTED, Cli, Jira, at_home

PAYLOAD = {"webhookEvent": "comment_created", "timestamp": 1, "issue": {"id": "10000", "key": "PAY-7"}}


@dataclass
class World:
    """A workspace whose issue has a comment that asks for help, and the payload that told of it."""

    cli: Cli
    jira: Jira
    saved: dict[str, Any]
    first: str


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    jira = Jira("dc")
    with at_home(tmp_path_factory.mktemp("world")) as cli:
        cli.config.write_text(SCRIPTED)
        secret = cli.done(*jira.creation(), "--json", typed=jira.token).object["webhook_secret"]
        cli.done("user", "link", "acme", jira.sandbox.ada.name)
        issue = jira.do(jira.sandbox.create_issue(summary="The greeting is misspelt"))
        jira.sandbox.add_webhook("http://127.0.0.1:1/", secret=secret, events=["comment_created"])
        jira.do(jira.sandbox.comment(issue.key, "@openhands help", author=jira.sandbox.ada))
        jira.do(jira.sandbox.settled())
        saved = jira.sandbox.deliveries[0].to_saved()
        first = cli.done("replay", cli.file("asked.json", json.dumps(saved)), "--json").object["delivery"]
        yield World(cli, jira, saved, first)
    jira.close()


def _helps(world: World) -> int:
    comments = world.jira.sandbox.comments("DEMO-1")
    return sum("this is what you can ask of me" in comment.text for comment in comments)


def test_what_was_acted_on_is_acted_on_again_with_again(world: World) -> None:
    before = _helps(world)

    plain = world.cli.done("replay", "asked.json", "--json").object
    again = world.cli.done("replay", "asked.json", "--again", "--json").object

    assert (plain["decision"], again["decision"]) == ("ignore", "answer")
    assert plain["effects"] == []
    assert [effect["state"] for effect in again["effects"]] == ["sent"]
    assert _helps(world) == before + 1


def test_no_sender_can_have_it_acted_on_again(world: World) -> None:
    """The header that tells the daemon to act again is the replay's own, whatever stands in a request."""
    headers = {**world.saved["headers"], "Jirabot-Again": "yes"}
    world.cli.file("again.json", json.dumps({**world.saved, "headers": headers}))

    assert world.cli.done("replay", "again.json", "--json").object["decision"] == "ignore"


def test_a_dry_run_says_what_acting_again_would_do(world: World) -> None:
    before = _helps(world)

    again = world.cli.done("replay", "asked.json", "--again", "--dry-run", "--json").object

    assert (again["delivery"], again["decision"]) == (None, "answer")
    assert _helps(world) == before


def test_a_raw_payload_can_be_signed(world: World) -> None:
    replay = world.cli.done("replay", "-", "--sign", "--dry-run", "--json", typed=world.saved["body"]).object

    assert replay["steps"][0] == {
        "step": "signature",
        "outcome": "right",
        "reason": None,
        "text": "Made anew, with the workspace's secret",
    }


def test_a_wrong_signature_is_replaced_by_a_right_one(world: World) -> None:
    forged = {"headers": {"X-Hub-Signature": "sha256=00"}, "body": world.saved["body"]}
    world.cli.file("forged.json", json.dumps(forged))

    assert world.cli("replay", "forged.json", "--dry-run").code == 4
    assert world.cli("replay", "forged.json", "--dry-run", "--sign").code == 0


def test_what_no_workspace_serves_can_not_be_signed(world: World) -> None:
    ran = world.cli("replay", "-", "--sign", typed=json.dumps(PAYLOAD))

    assert (ran.code, ran.error) == (3, "no workspace here has a secret to sign it with")
    assert "hint: give `--workspace NAME`, or leave `--sign` out" in ran.err


def test_without_waiting_it_is_written_down_and_no_more(world: World) -> None:
    ran = world.cli.done("replay", "asked.json", "--no-wait", "--json")

    assert (ran.object["decision"], ran.object["effects"]) == (None, [])
    assert [step["step"] for step in ran.object["steps"]] == ["signature", "duplicate"]
    delivery = ran.object["delivery"]
    assert ran.err == (
        f"written down; `jirabot event explain {delivery}` says what became of it\n"
        f"no daemon runs: event {delivery} waits until `jirabot serve` does\n"
    )
    assert world.cli.done("event", "show", delivery, "--json").object["state"] == "received"


def _told_of(world: World, text: str) -> tuple[str, str, dict[str, Any]]:
    """Comment on a new issue; gives the issue's key, the comment's id, and the payload that tells of it."""
    sandbox = world.jira.sandbox
    issue = world.jira.do(sandbox.create_issue(summary="The greeting is misspelt"))
    comment = world.jira.do(sandbox.comment(issue.key, text, author=sandbox.ada))
    world.jira.do(sandbox.settled())
    return issue.key, comment.id, json.loads(sandbox.deliveries[-1].body)


def test_of_an_old_file_the_present_text_is_judged(world: World) -> None:
    key, comment_id, payload = _told_of(world, "@openhands edit it")
    world.jira.do(world.jira.sandbox.edit_comment(key, comment_id, "@openhands help"))
    world.cli.file("old.json", json.dumps(payload))

    assert world.cli.done("replay", "old.json", "--json").object["decision"] == "answer"


def test_a_file_that_jira_does_not_confirm_is_told_as_out_of_date(world: World) -> None:
    """Nobody has sent it: that somebody else holds the secret is told of webhooks alone."""
    _, _, payload = _told_of(world, "Ada says nothing of note")
    world.cli.file("changed.json", json.dumps({**payload, "comment": {**payload["comment"], "body": "@openhands go"}}))

    dry = world.cli.done("replay", "changed.json", "--dry-run", "--json").object
    ran = world.cli("replay", "changed.json", "--json")

    delivery = ran.object["delivery"]
    told = world.cli.done("event", "show", delivery, "--json").object
    status = world.cli.done("status").out
    sentence = (
        "Jira itself says otherwise (author or text differ): what was replayed is out of date, or was changed, and is "
        "not acted on"
    )
    newer = "`jirabot event list` has what Jira told of it last, to be replayed by its id"
    assert (ran.code, told["state"], told["reason"], told["text"]) == (1, "dead", "mismatch", sentence)
    assert told["hint"] == f"{newer}; `jirabot event discard {delivery}` puts this away"
    assert [step["text"] for step in dry["steps"] if step["step"] == "decision"] == [sentence]
    assert (dry["decision"], dry["hint"]) == ("distrust", newer)
    assert "acme: event-dead since " in status
    assert "mismatch since" not in status
    assert "rotate-secret" not in status
    world.cli.done("event", "discard", delivery)
    assert "event-dead" not in world.cli.done("status").out


@pytest.mark.parametrize(
    ("missing", "told"),
    [
        pytest.param(["comment"], "a comment", id="no comment"),
        pytest.param(["comment", "id"], "the comment's id", id="no id of the comment"),
        pytest.param(["comment", "author"], "the comment's author", id="nobody wrote the comment"),
        pytest.param(["comment", "self"], "an issue", id="no issue"),
    ],
)
def test_a_comment_without_what_it_needs_is_told_as_that(world: World, missing: list[str], told: str) -> None:
    payload = json.loads(world.saved["body"])
    *outer, name = missing
    del (payload[outer[0]] if outer else payload)[name]
    world.cli.file("incomplete.json", json.dumps(payload))

    ran = world.cli.done("replay", "incomplete.json", "--workspace", "acme")

    sentence = f"`comment_created` came without {told}: what it asks can't be told, and nothing is done"
    assert f"decision    ignore: {sentence}" in ran.out.splitlines()


def test_an_event_is_replayed_as_it_is_kept(world: World) -> None:
    replay = world.cli.done("event", "replay", world.first, "--json").object

    assert replay["steps"][0]["outcome"] == "not checked (kept event)"
    assert replay["steps"][1] == {"step": "duplicate", "outcome": "no", "reason": None, "text": None}
    assert replay["decision"] == "ignore"
    assert replay["delivery"] != world.first


def test_an_event_is_replayed_dry_and_again(world: World) -> None:
    replay = world.cli.done("event", "replay", "--issue", "demo-1", "--again", "--dry-run", "--json").object

    assert (replay["delivery"], replay["dry_run"], replay["decision"]) == (None, True, "answer")


@pytest.mark.parametrize(
    ("to", "code", "sentence"),
    [
        pytest.param("http://127.0.0.1:1", 5, "nobody answers at `http://127.0.0.1:1`"),
        pytest.param("http://127.0.0.1:1/integration/jira/events", 5, None),
        pytest.param("here", 2, "`here/integration/jira-dc/events` is no address of a daemon"),
        pytest.param("ftp://127.0.0.1", 2, "`ftp://127.0.0.1/integration/jira-dc/events` is no address of a daemon"),
        pytest.param("http://127.0.0.1:port", 2, None),
    ],
)
def test_where_nobody_answers_the_address_is_told(world: World, to: str, code: int, sentence: str | None) -> None:
    ran = world.cli("replay", "asked.json", "--to", to)

    assert (ran.code, ran.out) == (code, "")
    assert ran.error == (sentence or ran.error)


@pytest.mark.parametrize("option", ["--dry-run", "--again", "--no-wait"])
def test_a_daemon_elsewhere_is_told_nothing_but_the_event(world: World, option: str) -> None:
    ran = world.cli("replay", "asked.json", "--to", "http://127.0.0.1:1", option)

    assert (ran.code, ran.error) == (2, "`--to` posts it, and the daemon there decides")


def test_what_a_daemon_answers_is_told_and_decides_the_exit_code(world: World) -> None:
    """The sandbox Jira stands in for a daemon that knows no such address."""
    address = f"{world.jira.base_url}/integration/jira-dc/events"

    ran = world.cli("replay", "asked.json", "--to", address, "--json")

    assert (ran.code, ran.object["address"], ran.object["status"]) == (3, address, 404)
