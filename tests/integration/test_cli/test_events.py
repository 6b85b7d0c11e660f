"""`replay`, `event` and `conversation`: what came, what it led to, and why, told after one real loop."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from .conftest import SCRIPTED, Cli, Jira, Ran, at_home, make_repository

DELIVERY_FIELDS = [
    "id",
    "workspace",
    "event",
    "issue_key",
    "issue_id",
    "state",
    "decision",
    "reason",
    "text",
    "hint",
    "conversation",
    "attempts",
    "received_at",
    "handled_at",
    "late_seconds",
    "origin",
    "replayed",
    "replay_of",
]
CONVERSATION_FIELDS = [
    "id",
    "workspace",
    "issue_key",
    "issue_id",
    "state",
    "interrupted",
    "agent",
    "repository",
    "branch",
    "base",
    "asker",
    "runs",
    "created_at",
    "updated_at",
]


@dataclass
class World:
    """A loop that was played: three comments on an issue, saved as Jira sent them, and replayed without a daemon."""

    cli: Cli
    jira: Jira
    asked: Path
    remark: Path
    stranger: Path
    replays: list[Ran]

    def saved(self, path: Path) -> dict[str, Any]:
        saved: dict[str, Any] = json.loads(path.read_text())
        return saved


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    jira = Jira("cloud")
    with at_home(tmp_path_factory.mktemp("world")) as cli:
        cli.config.write_text(SCRIPTED)
        secret = cli.done(*jira.creation(), "--json", typed=jira.token).object["webhook_secret"]
        cli.done("user", "link", "acme", jira.sandbox.ada.account_id)
        cli.done("repo", "add", "acme", "acme/shop", "--url", make_repository(cli.folder), "--default")
        asked, remark, stranger = _saved(cli, jira, secret)
        replays = [cli.done("replay", path, "--json") for path in (asked, remark, stranger)]
        yield World(cli, jira, asked, remark, stranger, replays)
    jira.close()


def _saved(cli: Cli, jira: Jira, secret: str) -> list[Path]:
    """Comment three times on an issue, and save the deliveries of it; nobody takes them."""
    sandbox = jira.sandbox
    issue = jira.do(sandbox.create_issue(summary="The greeting is misspelt", description="It says Hullo."))
    sandbox.add_webhook("http://127.0.0.1:1/", secret=secret, events=["comment_created"])
    for text, author in (
        ("@openhands edit the greeting", sandbox.ada),
        ("I have seen it, too", sandbox.ada),
        ("@openhands edit it for me", sandbox.grace),
    ):
        jira.do(sandbox.comment(issue.key, text, author=author))
    jira.do(sandbox.settled())
    names = ("asked.json", "remark.json", "stranger.json")
    return [
        cli.file(name, json.dumps(delivery.to_saved()))
        for name, delivery in zip(names, sandbox.deliveries, strict=True)
    ]


def test_a_replay_tells_each_step_and_the_comments_on_the_issue(world: World) -> None:
    replay = world.replays[0].object

    assert list(replay) == ["delivery", "dry_run", "steps", "decision", "hint", "effects"]
    assert (replay["dry_run"], replay["decision"]) == (False, "start")
    assert [(step["step"], step["outcome"]) for step in replay["steps"]] == [
        ("signature", "right"),
        ("duplicate", "no"),
        ("parsed", "CommentCreated"),
        ("permission", "allowed"),
        ("decision", "start"),
        ("effects", "3 on the issue"),
    ]
    assert [(effect["kind"], effect["state"]) for effect in replay["effects"]] == [
        ("first-answer", "sent"),
        ("progress", "sent"),
        ("result", "sent"),
    ]
    assert list(replay["steps"][0]) == ["step", "outcome", "reason", "text"]


def test_a_replay_of_what_was_ignored_or_refused_is_no_failure(world: World) -> None:
    assert [ran.object["decision"] for ran in world.replays] == ["start", "ignore", "refuse"]


def test_events_are_listed_newest_first(world: World) -> None:
    listed = world.cli.done("event", "list", "--json").objects

    newest = [each for each in listed if each["id"] in {ran.object["delivery"] for ran in world.replays}]
    assert [(each["state"], each["decision"], each["reason"]) for each in newest] == [
        ("refused", "refuse", "not-linked"),
        ("ignored", "ignore", "not-asked"),
        ("done", "start", "started"),
    ]
    assert {tuple(each) for each in listed} == {tuple(DELIVERY_FIELDS)}


def test_events_are_listed_by_state_and_at_most_so_many(world: World) -> None:
    ignored = world.cli.done("event", "list", "--state", "ignored", "--json").objects

    assert {each["state"] for each in ignored} == {"ignored"}
    assert len(world.cli.done("event", "list", "--limit", "1", "--json").objects) == 1
    assert world.cli.done("event", "list", "--workspace", "acme", "--json").objects


def test_an_event_is_shown_by_its_id(world: World) -> None:
    id_ = world.replays[0].object["delivery"]

    shown = world.cli.done("event", "show", id_, "--json").object

    assert list(shown) == DELIVERY_FIELDS
    assert (shown["id"], shown["workspace"], shown["event"]) == (id_, "acme", "comment_created")
    assert (shown["issue_key"], shown["issue_id"], shown["state"]) == ("DEMO-1", "10000", "done")
    assert (shown["replayed"], shown["replay_of"]) == (True, None)


def test_the_request_as_it_came_can_be_replayed_by_its_own_signature(world: World) -> None:
    raw = world.cli.done("event", "show", world.replays[1].object["delivery"], "--raw")

    assert raw.object["body"] == world.saved(world.remark)["body"]
    again = world.cli.done("replay", "-", "--dry-run", "--json", typed=raw.out).object
    assert again["steps"][0] == {"step": "signature", "outcome": "right", "reason": None, "text": None}


@pytest.mark.parametrize(
    ("number", "state", "sentence", "also"),
    [
        (0, "done", "Ada Lovelace asked for work: a conversation with the agent `scripted` begins", []),
        (
            1,
            "ignored",
            "A comment without a mention, and no question from before it waits for this person's answer",
            [],
        ),
        (2, "refused", "Grace Hopper is not linked to a jirabot user; told so on the issue, once a day", ["account"]),
    ],
)
def test_explain_says_why(world: World, number: int, state: str, sentence: str, also: list[str]) -> None:
    """F70. Why nothing happened is told of each event, also where nobody was told on the issue."""
    id_ = world.replays[number].object["delivery"]

    told = world.cli.done("event", "explain", id_)
    as_json = world.cli.done("event", "explain", id_, "--json").object

    lines, steps = told.out.splitlines(), ["parsed", "permission", *also, "decision"]
    assert lines[0].startswith(f"Event {id_}: comment_created on DEMO-1 in acme, ")
    assert lines[1] == f"{state}: {sentence}"
    assert [line.split()[0] for line in lines[2:]] == [*steps, *(["hint:"] if as_json["hint"] else [])]
    assert [step["step"] for step in as_json["steps"]] == steps
    assert (as_json["state"], as_json["text"]) == (state, sentence)


def test_explain_names_the_conversation_that_came_of_it(world: World) -> None:
    explained = world.cli.done("event", "explain", world.replays[0].object["delivery"])
    (conversation,) = world.cli.done("conversation", "list", "--json").objects

    assert explained.err == f"\nwhat came of it: jirabot conversation show {conversation['id']}\n"


def test_the_newest_event_on_an_issue_is_found_by_its_key_in_any_case(world: World) -> None:
    newest = world.cli.done("event", "list", "--limit", "1", "--json").object

    assert world.cli.done("event", "show", "--issue", "demo-1", "--json").object["id"] == newest["id"]


def test_a_conversation_is_listed_and_shown_as_the_same_object(world: World) -> None:
    (listed,) = world.cli.done("conversation", "list", "--workspace", "acme", "--json").objects

    shown = world.cli.done("conversation", "show", "--issue", "DEMO-1", "--json").object

    assert list(listed) == CONVERSATION_FIELDS
    assert {name: shown[name] for name in CONVERSATION_FIELDS} == listed
    assert list(shown) == [*CONVERSATION_FIELDS, "messages", "run_list", "events", "effects"]
    assert (listed["state"], listed["agent"], listed["repository"]) == ("completed", "scripted", "acme/shop")
    assert listed["branch"].startswith("jirabot/DEMO-1-")
    assert (listed["base"], listed["asker"], listed["runs"]) == ("main", "Ada Lovelace", 1)


def test_a_conversation_shows_what_was_asked_done_and_answered(world: World) -> None:
    shown = world.cli.done("conversation", "show", "--issue", "DEMO-1", "--json").object
    told = world.cli.done("conversation", "show", shown["id"]).out.splitlines()

    assert [(m["author"], m["text"]) for m in shown["messages"]] == [("Ada Lovelace", "edit the greeting")]
    assert [run["state"] for run in shown["run_list"]] == ["finished"]
    assert [event["kind"] for event in shown["events"]] == ["progress", "progress", "progress", "finished"]
    assert [effect["kind"] for effect in shown["effects"]] == ["first-answer", "progress", "result"]
    assert "Ada Lovelace: edit the greeting" in told
    assert "  comment, first-answer (sent): **Ada Lovelace**, I am on it: “edit the greeting”." in told


def test_a_dry_run_touches_nothing(world: World) -> None:
    before = len(world.cli.done("event", "list", "--json").objects)
    comments = len(world.jira.sandbox.comments("DEMO-1"))

    replay = world.cli.done("replay", world.asked, "--dry-run", "--json").object

    assert (replay["delivery"], replay["dry_run"]) == (None, True)
    assert len(world.cli.done("event", "list", "--json").objects) == before
    assert len(world.jira.sandbox.comments("DEMO-1")) == comments


def test_what_was_acted_on_is_not_acted_on_again(world: World) -> None:
    replay = world.cli.done("replay", world.asked, "--dry-run", "--json").object

    assert replay["decision"] == "ignore"
    assert replay["steps"][-2]["reason"] == "already-acted"


def test_a_raw_payload_has_no_signature_to_check(world: World) -> None:
    payload = world.saved(world.remark)["body"]

    replay = world.cli.done("replay", "-", "--dry-run", "--json", typed=payload).object

    assert replay["steps"][0]["outcome"] == "not checked (raw payload)"


@pytest.mark.parametrize("also", [[], ["--dry-run"]], ids=["for real", "dry run"])
def test_a_wrong_signature_ends_it(world: World, also: list[str]) -> None:
    saved = world.saved(world.asked)
    forged = world.cli.file("forged.json", json.dumps({**saved, "body": saved["body"].replace("greeting", "secrets")}))
    before = len(world.cli.done("event", "list", "--json").objects)

    ran = world.cli("replay", forged, *also)

    assert (ran.code, ran.error) == (4, "the delivery does not prove that it comes from the workspace's Jira")
    assert len(world.cli.done("event", "list", "--json").objects) == before


def test_a_payload_of_a_jira_that_is_not_served_is_tried_without_one(cli: Cli, world: World) -> None:
    ran = cli.done("replay", world.asked, "--json")

    assert (ran.object["dry_run"], ran.object["decision"]) == (True, "start")
    assert ran.object["steps"][0]["outcome"] == "not checked (no workspace)"
    assert [(effect["kind"], effect["state"]) for effect in ran.object["effects"]] == [("first-answer", "not owed")]


def test_for_people_each_step_is_a_line(world: World) -> None:
    told = world.cli.done("replay", world.remark, "--dry-run").out.splitlines()

    assert [line.split()[0] for line in told] == [
        "signature",
        "duplicate",
        "parsed",
        "permission",
        "decision",
        "effects",
    ]


def test_what_people_wrote_does_not_move_the_terminal(world: World) -> None:
    payload = json.loads(world.saved(world.remark)["body"])
    payload["comment"]["author"]["displayName"] = "Ada\x1b[2J\x07Lovelace"
    payload["comment"]["body"] = "@openhands help"
    stranger = world.cli.file("stranger.json", json.dumps(payload))

    told = world.cli.done("replay", stranger, "--dry-run").out

    assert "\x1b" not in told
    assert "\x07" not in told
