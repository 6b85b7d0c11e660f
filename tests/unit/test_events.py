"""What each payload reports, and what it asks of the bot. The payloads are in tests/data, each told of in INDEX.md."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jirabot.core.commands import Address, Command, Task
from jirabot.core.events import (
    CommentCreated,
    CommentDeleted,
    CommentEdited,
    Event,
    Incomplete,
    IssueCreated,
    IssueUpdated,
    Lack,
    Unrecognised,
    parse,
)
from jirabot.core.triggers import Bot, Remark, Trigger, TriggerKind, TriggerRemoved, detect
from jirabot.core.visibility import Internal, Public, Restricted
from jirabot.jira import envelope
from jirabot.jira.deployments import DEPLOYMENTS, tell

pytestmark = pytest.mark.fast

DATA = Path(__file__).resolve().parents[1] / "data"
FILES = sorted(path.relative_to(DATA).with_suffix("").as_posix() for path in DATA.glob("*/*.json"))

BOT = Bot(
    address=Address(words=("@openhands",), accounts=frozenset({"712020:bot", "openhands", "JIRAUSER10099"})),
    label="openhands",
    kinds=frozenset(TriggerKind),
)
ADA, GRACE, APP = "712020:ada", "712020:grace", "557058:app"
DC_ADA, DC_GRACE = "JIRAUSER10100", "JIRAUSER10101"
ASKED = "@openhands fix the login page"
DEVELOPERS = Restricted(type="role", value="Developers", identifier="10001")
STAFF = Restricted(type="group", value="staff")


def event_of(file: str) -> Event:
    return parse(envelope.decode((DATA / f"{file}.json").read_bytes()), DEPLOYMENTS[file.partition("/")[0]])


EVENTS: Mapping[str, tuple[type[Event], tuple[str, str | None] | None, str | None, str]] = {
    "cloud/comment_created-mention": (CommentCreated, ("10007", "PAY-7"), ADA, "comment.author"),
    "cloud/comment_created-picker": (CommentCreated, ("10007", "PAY-7"), ADA, "comment.author"),
    "cloud/comment_created-adf": (CommentCreated, ("10007", "PAY-7"), ADA, "comment.author"),
    "cloud/comment_created-restricted": (CommentCreated, ("10007", "PAY-7"), ADA, "comment.author"),
    "cloud/comment_created-internal": (CommentCreated, ("10007", "HELP-7"), ADA, "comment.author"),
    "cloud/comment_created-by_app": (CommentCreated, ("10007", "PAY-7"), APP, "comment.author"),
    "cloud/comment_updated-by_another": (CommentEdited, ("10007", "PAY-7"), GRACE, "comment.updateAuthor"),
    "cloud/comment_deleted": (CommentDeleted, ("10007", "PAY-7"), None, ""),
    "cloud/issue_created-label": (IssueCreated, ("10007", "PAY-7"), ADA, "user"),
    "cloud/issue_created-adf_description": (IssueCreated, ("10007", "PAY-7"), ADA, "user"),
    "cloud/issue_updated-label_added": (IssueUpdated, ("10007", "PAY-7"), GRACE, "user"),
    "cloud/issue_updated-label_removed": (IssueUpdated, ("10007", "PAY-7"), GRACE, "user"),
    "cloud/issue_updated-custom_field": (IssueUpdated, ("10007", "PAY-7"), GRACE, "user"),
    "cloud/issue_updated-transition": (IssueUpdated, ("10007", "PAY-7"), GRACE, "user"),
    "cloud/issue_deleted": (Unrecognised, ("10007", "PAY-7"), ADA, "user"),
    "cloud/worklog_created": (Unrecognised, ("10007", None), ADA, "worklog.author"),
    "cloud/automation-custom": (Unrecognised, None, ADA, "user"),
    "dc/comment_created-without_issue": (CommentCreated, ("10007", None), DC_ADA, "comment.author"),
    "dc/comment_created-with_issue": (CommentCreated, ("10007", "PAY-7"), DC_ADA, "comment.author"),
    "dc/comment_created-restricted": (CommentCreated, ("10007", None), DC_ADA, "comment.author"),
    "dc/comment_updated-by_another": (CommentEdited, ("10007", None), DC_GRACE, "user"),
    "dc/comment_deleted": (CommentDeleted, ("10007", None), DC_GRACE, "user"),
    "dc/issue_updated-commented": (CommentCreated, ("10007", "PAY-7"), DC_ADA, "user"),
    "dc/issue_updated-commented_internal": (CommentCreated, ("10007", "PAY-7"), DC_ADA, "user"),
    "dc/issue_updated-comment_edited": (CommentEdited, ("10007", "PAY-7"), DC_ADA, "user"),
    "dc/issue_updated-comment_deleted": (IssueUpdated, ("10007", "PAY-7"), DC_ADA, "user"),
    "dc/issue_updated-transition_commented": (IssueUpdated, ("10007", "PAY-7"), DC_ADA, "user"),
    "dc/issue_updated-label_added": (IssueUpdated, ("10007", "PAY-7"), DC_GRACE, "user"),
    "dc/issue_updated-label_removed": (IssueUpdated, ("10007", "PAY-7"), DC_GRACE, "user"),
    "dc/issue_updated-custom_field": (IssueUpdated, ("10007", "PAY-7"), DC_GRACE, "user"),
    "dc/issue_updated-assigned_without_items": (IssueUpdated, ("10007", "PAY-7"), DC_GRACE, "user"),
    "dc/issue_created-label": (IssueCreated, ("10007", "PAY-7"), DC_ADA, "user"),
    "dc/issue_created-mention": (IssueCreated, ("10007", "PAY-7"), DC_ADA, "user"),
    "dc/issuelink_created": (Unrecognised, None, None, ""),
}
"""Event, issue, actor and where the actor was found, of each file."""


def test_every_file_is_in_the_index_and_in_the_table():
    index = (DATA / "INDEX.md").read_text("utf-8")
    told: list[str] = []
    for section in re.split(r"^## ", index, flags=re.MULTILINE)[1:]:
        deployment = section.partition("\n")[0]
        told += [f"{deployment}/{name}" for name in re.findall(r"^\| `([^`]+)` \|", section, re.MULTILINE)]

    assert sorted(told) == FILES == sorted(EVENTS)


@pytest.mark.parametrize("file", FILES)
def test_event_issue_and_actor(file):
    event = event_of(file)
    source = event.source
    issue = (source.issue.id, source.issue.key) if source.issue else None

    assert (type(event), issue, source.actor.id if source.actor else None, source.actor_from) == EVENTS[file]


@pytest.mark.parametrize("file", FILES)
def test_the_deployment_is_told_by_the_payload(file):
    """But where it names no person at all."""
    payload = json.loads((DATA / f"{file}.json").read_bytes())

    assert tell(payload) == {"dc/issuelink_created": None}.get(file, file.partition("/")[0])


@pytest.mark.parametrize("file", FILES)
def test_the_envelope_names_the_same_kind_issue_and_base(file):
    source, read = event_of(file).source, envelope.read((DATA / f"{file}.json").read_bytes())
    base = {"cloud": "https://acme.atlassian.net", "dc": "https://jira.acme.example/jira"}[file.partition("/")[0]]
    bases = () if file in ("cloud/automation-custom", "dc/issuelink_created") else (base,)

    assert (read.kind, read.issue_id, read.issue_key) == (
        source.kind,
        source.issue.id if source.issue else None,
        source.issue.key if source.issue else None,
    )
    assert read.bases == bases
    assert source.base_url == "".join(bases)


ADF_SAYS = "[~712020:bot] fix the login page\n\n```\n@openhands stop\n```"


@pytest.mark.parametrize(
    ("file", "markdown", "author", "writer", "visibility"),
    [
        ("cloud/comment_created-mention", ASKED, ADA, ADA, Public()),
        ("cloud/comment_created-adf", ADF_SAYS, ADA, ADA, Public()),
        ("cloud/comment_created-restricted", ASKED, ADA, ADA, DEVELOPERS),
        ("cloud/comment_created-internal", ASKED, ADA, ADA, Internal()),
        ("cloud/comment_updated-by_another", ASKED, ADA, GRACE, Public()),
        ("cloud/comment_deleted", ASKED, ADA, ADA, Public()),
        ("dc/comment_created-without_issue", ASKED, DC_ADA, DC_ADA, Public()),
        ("dc/comment_created-restricted", ASKED, DC_ADA, DC_ADA, STAFF),
        ("dc/comment_updated-by_another", ASKED, DC_ADA, DC_GRACE, Public()),
        ("dc/comment_deleted", ASKED, DC_ADA, DC_ADA, Public()),
        ("dc/issue_updated-commented", ASKED, DC_ADA, DC_ADA, Public()),
        ("dc/issue_updated-commented_internal", ASKED, DC_ADA, DC_ADA, Internal()),
        ("dc/issue_updated-comment_edited", ASKED, DC_ADA, DC_ADA, Public()),
        ("dc/issue_updated-transition_commented", "I take this one.", DC_ADA, DC_ADA, Public()),
    ],
)
def test_comment(file, markdown, author, writer, visibility):
    event = event_of(file)

    assert isinstance(event, CommentCreated | CommentEdited | CommentDeleted | IssueUpdated)
    comment = event.comment
    assert comment is not None
    assert (comment.id, comment.body.markdown, comment.author.id, comment.writer.id, comment.visibility) == (
        "20001",
        markdown,
        author,
        writer,
        visibility,
    )


def test_an_app_is_known_as_one():
    event = event_of("cloud/comment_created-by_app")

    assert isinstance(event, CommentCreated)
    assert event.comment.author.app


@pytest.mark.parametrize(
    ("file", "changelog_id", "added", "removed"),
    [
        ("cloud/issue_updated-label_added", "301", ("openhands", "urgent"), ("old",)),
        ("cloud/issue_updated-label_removed", "302", (), ("openhands",)),
        ("cloud/issue_updated-custom_field", "303", (), ()),
        ("cloud/issue_updated-transition", "304", (), ()),
        ("dc/issue_updated-label_added", "301", ("openhands",), ()),
        ("dc/issue_updated-label_removed", "302", (), ("bug",)),
        ("dc/issue_updated-custom_field", "303", (), ()),
        ("dc/issue_updated-assigned_without_items", "306", (), ()),
        ("dc/issue_updated-transition_commented", "305", ("openhands",), ()),
        ("dc/issue_updated-comment_deleted", "", (), ()),
    ],
)
def test_change(file, changelog_id, added, removed):
    event = event_of(file)

    assert isinstance(event, IssueUpdated)
    assert (event.changelog_id, event.labels_added, event.labels_removed) == (changelog_id, added, removed)


@pytest.mark.parametrize(
    ("file", "labels", "markdown"),
    [
        ("cloud/issue_created-label", ("bug", "openhands"), ""),
        ("cloud/issue_created-adf_description", (), ADF_SAYS),
        ("dc/issue_created-label", ("openhands",), "It shows nothing."),
        ("dc/issue_created-mention", (), "> @openhands look here\n\n[~openhands] please"),
    ],
)
def test_creation(file, labels, markdown):
    event = event_of(file)

    assert isinstance(event, IssueCreated)
    assert (event.labels, event.description.markdown) == (labels, markdown)


FIX = Task(text="fix the login page")
TRIGGERS: Mapping[str, tuple[str, str, str, Task | Command, Any]] = {
    "cloud/comment_created-mention": ("comment:20001", "mention", ADA, FIX, Public()),
    "cloud/comment_created-picker": ("comment:20001", "mention", ADA, Command.STOP, Public()),
    "cloud/comment_created-adf": (
        "comment:20001",
        "mention",
        ADA,
        Task(text="fix the login page\n\n```\n@openhands stop\n```"),
        Public(),
    ),
    "cloud/comment_created-restricted": ("comment:20001", "mention", ADA, FIX, DEVELOPERS),
    "cloud/comment_created-internal": ("comment:20001", "mention", ADA, FIX, Internal()),
    "cloud/comment_updated-by_another": ("comment:20001", "mention", GRACE, FIX, Public()),
    "cloud/issue_created-label": ("created:10007", "label", ADA, Task(text=""), Public()),
    "cloud/issue_created-adf_description": ("created:10007", "mention", ADA, Task(text=""), Public()),
    "cloud/issue_updated-label_added": ("changelog:301", "label", GRACE, Task(text=""), Public()),
    "dc/comment_created-without_issue": ("comment:20001", "mention", DC_ADA, FIX, Public()),
    "dc/comment_created-with_issue": ("comment:20001", "mention", DC_ADA, Command.STOP, Public()),
    "dc/comment_created-restricted": ("comment:20001", "mention", DC_ADA, FIX, STAFF),
    "dc/comment_updated-by_another": ("comment:20001", "mention", DC_GRACE, FIX, Public()),
    "dc/issue_updated-commented": ("comment:20001", "mention", DC_ADA, FIX, Public()),
    "dc/issue_updated-commented_internal": ("comment:20001", "mention", DC_ADA, FIX, Internal()),
    "dc/issue_updated-comment_edited": ("comment:20001", "mention", DC_ADA, FIX, Public()),
    "dc/issue_updated-transition_commented": ("changelog:305", "label", DC_ADA, Task(text=""), Public()),
    "dc/issue_updated-label_added": ("changelog:301", "label", DC_GRACE, Task(text=""), Public()),
    "dc/issue_created-label": ("created:10007", "label", DC_ADA, Task(text=""), Public()),
    "dc/issue_created-mention": ("created:10007", "mention", DC_ADA, Task(text=""), Public()),
}
"""Key, kind, actor, request and visibility of what the files ask."""


@pytest.mark.parametrize("file", TRIGGERS)
def test_trigger(file):
    found = detect(event_of(file), BOT)

    assert isinstance(found, Trigger)
    assert (found.key, found.kind, found.actor.id, found.request, found.visibility) == TRIGGERS[file]


@pytest.mark.parametrize(
    ("file", "found"),
    [
        ("cloud/comment_created-by_app", Remark),
        ("cloud/issue_updated-label_removed", TriggerRemoved),
        ("cloud/comment_deleted", type(None)),
        ("cloud/issue_updated-custom_field", type(None)),
        ("cloud/issue_updated-transition", type(None)),
        ("cloud/issue_deleted", type(None)),
        ("cloud/worklog_created", type(None)),
        ("cloud/automation-custom", type(None)),
        ("dc/comment_deleted", type(None)),
        ("dc/issue_updated-comment_deleted", type(None)),
        ("dc/issue_updated-label_removed", type(None)),
        ("dc/issue_updated-custom_field", type(None)),
        ("dc/issue_updated-assigned_without_items", type(None)),
        ("dc/issuelink_created", type(None)),
    ],
)
def test_no_trigger(file, found):
    assert file not in TRIGGERS
    assert type(detect(event_of(file), BOT)) is found


def test_both_deliveries_of_a_comment_on_data_center_ask_the_same():
    """Webhook twice, one key: it acts once."""
    alone, with_issue = (detect(event_of(f"dc/{name}"), BOT) for name in TWICE)

    assert isinstance(alone, Trigger)
    assert isinstance(with_issue, Trigger)
    assert (alone.key, alone.actor, alone.request) == (with_issue.key, with_issue.actor, with_issue.request)


TWICE = ("comment_created-without_issue", "issue_updated-commented")


@pytest.mark.parametrize(
    ("changes", "event"),
    [
        pytest.param({"issue_event_type_name": "issue_commented"}, CommentCreated, id="it says so"),
        pytest.param({"issue_event_type_name": "issue_comment_edited"}, CommentEdited, id="it says that it is an edit"),
        pytest.param({"issue_event_type_name": None}, CommentCreated, id="old servers do not say: by the times"),
        pytest.param({"issue_event_type_name": "workflow_own"}, CommentCreated, id="workflows may say anything"),
        pytest.param({"changelog": {"id": "5", "items": []}}, CommentCreated, id="an empty changelog beside"),
    ],
)
def test_a_comment_in_an_update_without_changes(changes, event):
    payload = json.loads((DATA / "dc/issue_updated-commented.json").read_bytes())

    assert type(parse({**payload, **changes}, DEPLOYMENTS["dc"])) is event


def test_an_old_server_tells_an_edit_by_its_times_only():
    payload = json.loads((DATA / "dc/issue_updated-comment_edited.json").read_bytes())
    del payload["issue_event_type_name"]

    assert type(parse(payload, DEPLOYMENTS["dc"])) is CommentEdited


@pytest.mark.parametrize("kind", [None, "", "comment_liked", ["comment_created"]])
def test_a_kind_that_there_is_not_is_unrecognised(kind):
    payload = json.loads((DATA / "cloud/comment_created-mention.json").read_bytes())

    assert type(parse({**payload, "webhookEvent": kind}, DEPLOYMENTS["cloud"])) is Unrecognised


WRITTEN = {"id": "20001", "author": {"accountId": ADA}, "body": "@openhands go"}


@pytest.mark.parametrize("kind", ["comment_created", "comment_updated", "comment_deleted"])
@pytest.mark.parametrize(
    ("changes", "lack"),
    [
        pytest.param({"comment": None}, Lack.COMMENT, id="no comment"),
        pytest.param({"comment": "20001"}, Lack.COMMENT, id="a comment that is no object"),
        pytest.param({"comment": None, "issue": None}, Lack.COMMENT, id="neither comment nor issue"),
        pytest.param({"comment": {**WRITTEN, "id": None}}, Lack.COMMENT_ID, id="no id"),
        pytest.param({"comment": {**WRITTEN, "id": "../7"}}, Lack.COMMENT_ID, id="an id that is none"),
        pytest.param({"comment": {**WRITTEN, "author": None}}, Lack.COMMENT_AUTHOR, id="nobody wrote it"),
        pytest.param({"comment": {**WRITTEN, "author": {}}}, Lack.COMMENT_AUTHOR, id="an author without a name"),
        pytest.param({"comment": WRITTEN, "issue": None}, Lack.ISSUE, id="no issue"),
    ],
)
def test_a_comment_event_without_what_it_needs_says_what_that_is(kind, changes, lack):
    payload = json.loads((DATA / "cloud/comment_created-mention.json").read_bytes())

    event = parse({**payload, "webhookEvent": kind, **changes}, DEPLOYMENTS["cloud"])

    assert isinstance(event, Incomplete)
    assert (event.source.kind, event.lack) == (kind, lack)


@pytest.mark.parametrize("file", ["cloud/issue_created-label", "cloud/issue_updated-label_added"])
def test_an_issue_event_without_an_issue_says_so(file):
    payload = json.loads((DATA / f"{file}.json").read_bytes())

    event = parse({**payload, "issue": {"key": "PAY-7"}}, DEPLOYMENTS["cloud"])

    assert isinstance(event, Incomplete)
    assert event.lack is Lack.ISSUE


WORDS = (
    "webhookEvent", "issue_event_type_name", "issue", "comment", "user", "changelog", "worklog", "attachment", "items",
    "id", "key", "self", "fields", "labels", "description", "author", "updateAuthor", "accountId", "name", "body",
    "created", "updated", "visibility", "jsdPublic", "field", "fieldtype", "toString", "fromString", "type", "value",
)  # fmt: skip
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(0, 10**6)
    | st.sampled_from([*EVENTS, "comment_created", "jira:issue_created", "jira:issue_updated", "labels", "1", ASKED])
    | st.text(max_size=5)
)
OBJECTS = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=6),
    max_leaves=15,
)


@pytest.mark.parametrize(
    ("stamp", "tells"),
    [
        pytest.param(1_798_113_600_250, datetime(2026, 12, 24, 12, 0, 0, 250_000, tzinfo=UTC), id="milliseconds"),
        pytest.param(1_798_113_600, None, id="seconds"),
        pytest.param("1798113600250", None, id="text"),
        pytest.param(True, None, id="a word"),
        pytest.param(10**30, None, id="no time that there is"),
        pytest.param(None, None, id="nothing"),
    ],
)
def test_when_it_happened(stamp: object, tells: datetime | None) -> None:
    event = parse({"webhookEvent": "jira:issue_deleted", "timestamp": stamp}, DEPLOYMENTS["cloud"])
    assert event.source.happened_at == tells


@given(st.dictionaries(st.sampled_from(WORDS), OBJECTS, max_size=8), st.sampled_from(["cloud", "dc"]))
def test_every_object_is_an_event(payload, deployment):
    event = parse(payload, DEPLOYMENTS[deployment])

    assert isinstance(event, Event)
    detect(event, BOT)


@given(st.sampled_from(FILES), st.data())
def test_a_payload_with_anything_else_in_one_place_is_an_event(file, data):
    payload = json.loads((DATA / f"{file}.json").read_bytes())
    places = [(holder, name) for holder in _objects(payload) for name in holder]
    holder, name = data.draw(st.sampled_from(places))
    holder[name] = data.draw(OBJECTS)
    event = parse(payload, DEPLOYMENTS[file.partition("/")[0]])

    assert isinstance(event, Event)
    detect(event, BOT)


def _objects(value: object) -> list[dict[str, Any]]:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    found = [value] if isinstance(value, dict) else []
    return found + [deeper for item in inner for deeper in _objects(item)]
