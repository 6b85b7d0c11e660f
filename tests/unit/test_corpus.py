"""Payloads that Jira really sent, of many years and versions, mean what the table beside them says."""

import csv
import functools
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from jirabot.core.deliveries import Envelope
from jirabot.core.events import CommentCreated, CommentDeleted, CommentEdited, Event, IssueUpdated, parse
from jirabot.core.triggers import Remark, detect
from jirabot.jira import envelope
from jirabot.jira.deployments import DEPLOYMENTS, tell

from .values import BOT_HERE

pytestmark = pytest.mark.fast

PAYLOADS = 98
NOT_THERE = "-"

FOUND_IN_THE_COMMENT = {
    "mattermost-plugin-jira/webhook-server-comment-created.json": "10013",
    "mattermost-plugin-jira/webhook-server-comment-deleted.json": "10013",
    "mattermost-plugin-jira/webhook-server-comment-updated.json": "10013",
    "skyhook/jira-comment-only.json": "17334",
    "zulip/comment-created-no-issue-details.json": "10000",
}
"""Payloads without `issue`: the table has no id for them, but the comment's `self` has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """A payload as it was read, and the table's row for it."""

    payload: Mapping[str, Any]
    deployment: str | None
    event: Event
    envelope: Envelope
    row: Mapping[str, str]


@functools.cache
def read_all(folder: Path) -> Mapping[str, Read]:
    with (folder / "expected.tsv").open(encoding="utf-8", newline="") as table:
        rows = list(csv.DictReader(table, delimiter="\t", quoting=csv.QUOTE_NONE))
    return {row["file"]: read(folder, row) for row in rows}


def read(folder: Path, row: Mapping[str, str]) -> Read:
    body = (folder / row["file"]).read_bytes()
    payload = envelope.decode(body)
    deployment = tell(payload)
    event = parse(payload, DEPLOYMENTS[deployment or "cloud"])
    return Read(payload=payload, deployment=deployment, event=event, envelope=envelope.read(body), row=row)


@pytest.fixture
def corpus(shared: Path) -> Mapping[str, Read]:
    return read_all(shared / "webhooks")


def _comment_id(read: Read) -> str:
    comment = _comment(read.event)
    return comment.id if comment else ""


def _body_sha1(read: Read) -> str:
    comment = _comment(read.event)
    return hashlib.sha1(comment.body.raw.encode()).hexdigest() if comment else ""


def _comment(event: Event) -> Any:
    return event.comment if isinstance(event, CommentCreated | CommentEdited | CommentDeleted | IssueUpdated) else None


def _labels(read: Read, name: str) -> str:
    return ",".join(getattr(read.event, name)) if isinstance(read.event, IssueUpdated) else ""


def _issue(read: Read, name: str) -> str:
    return getattr(read.event.source.issue, name) or "" if read.event.source.issue else ""


def _actor(read: Read, name: str) -> str:
    return getattr(read.event.source.actor, name) if read.event.source.actor else ""


def _actor_kind(read: Read) -> str:
    """Find under which name the actor's id stands where the actor was found."""
    actor, value = read.event.source.actor, read.payload
    if actor is None:
        return ""
    for name in read.event.source.actor_from.split("."):
        value = value[name]
    return next(kind for kind in ("accountId", "key", "name") if value.get(kind) == actor.id)


COLUMNS: Mapping[str, Callable[[Read], str]] = {
    "event": lambda read: read.event.source.kind,
    "deployment": lambda read: read.deployment or "unknown",
    "issue_key": lambda read: _issue(read, "key"),
    "issue_id": lambda read: _issue(read, "id"),
    "actor_kind": _actor_kind,
    "actor_id": lambda read: _actor(read, "id"),
    "actor_email": lambda read: _actor(read, "email"),
    "comment_id": _comment_id,
    "comment_body_sha1": _body_sha1,
    "labels_added": lambda read: _labels(read, "labels_added"),
    "labels_removed": lambda read: _labels(read, "labels_removed"),
    "base_url": lambda read: read.event.source.base_url,
    "actor_source": lambda read: read.event.source.actor_from,
}


def test_every_column_of_the_table_is_tested(corpus):
    assert len(corpus) == PAYLOADS
    assert {"file", *COLUMNS} == {name for read in corpus.values() for name in read.row}


@pytest.mark.parametrize("column", COLUMNS)
def test_every_payload_has_what_the_table_says(corpus, column):
    found = {file: COLUMNS[column](read) or NOT_THERE for file, read in corpus.items()}
    expected = {file: read.row[column] for file, read in corpus.items()}
    if column == "issue_id":
        expected |= FOUND_IN_THE_COMMENT

    assert found == expected


@pytest.mark.parametrize("name", ["kind", "issue_id", "issue_key"])
def test_the_envelope_agrees_with_the_table(corpus, name):
    column = {"kind": "event"}.get(name, name)
    found = {file: getattr(read.envelope, name) or NOT_THERE for file, read in corpus.items()}
    expected = {file: read.row[column] for file, read in corpus.items()}
    if column == "issue_id":
        expected |= FOUND_IN_THE_COMMENT

    assert found == expected


def test_the_envelope_names_the_one_base_of_each_payload(corpus):
    """None where no subject has a `self`; no capture is refused for naming two Jiras."""
    found = {file: read.envelope.bases for file, read in corpus.items()}
    expected = {
        file: () if read.row["base_url"] == NOT_THERE else (read.row["base_url"],) for file, read in corpus.items()
    }

    assert found == expected


def test_all_but_five_payloads_tell_when_they_happened(corpus):
    """Two tell only when their issue was made, as an Automation rule's body tells each time alike."""
    assert {file for file, read in corpus.items() if not read.envelope.has_time} == {
        "ocean/issue-created.json",
        "ocean/issue-created-2.json",
        "ocean/project-created.json",
        "ocean/user-created.json",
        "zulip/example-anomalous-payload.json",
    }


def test_no_capture_names_another_editor_than_its_author(corpus):
    """So nobody's words are taken for another's where nobody changed them."""
    assert [file for file, read in corpus.items() if (comment := _comment(read.event)) and comment.editor] == []


def test_every_comment_that_is_new_is_a_remark_and_nothing_else_asks_the_bot(corpus):
    found = {file: type(detect(read.event, BOT_HERE)) for file, read in corpus.items()}
    comments = {file for file, read in corpus.items() if read.row["comment_id"] != NOT_THERE}

    assert set(found.values()) == {Remark, type(None)}
    assert comments - {file for file, kind in found.items() if kind is Remark} == {
        "mattermost-plugin-jira/webhook-cloud-comment-deleted.json",
        "mattermost-plugin-jira/webhook-cloud-comment-updated.json",
        "mattermost-plugin-jira/webhook-server-comment-deleted.json",
        "mattermost-plugin-jira/webhook-server-comment-updated.json",
        "mattermost-plugin-jira/webhook-server-issue-updated-comment-edited.json",
        "mattermost-plugin-jira/webhook-server-old-issue-updated-no-event-type-comment-edited.json",
    }
