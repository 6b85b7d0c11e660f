"""Jira's JSON is read into values; what is missing or of another type is tolerated, and never widens who may read."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jirabot.core.bodies import EMPTY, Body, PickerMention
from jirabot.core.ids import AccountId, CommentId, IssueId, IssueKey
from jirabot.core.issues import ChangelogEntry, Issue, IssueComment, ServerInfo
from jirabot.core.people import Account
from jirabot.core.visibility import Internal, Public, Restricted
from jirabot.jira import shapes
from jirabot.jira.deployments import Cloud, DataCenter

pytestmark = pytest.mark.fast

read_account = Cloud().account
ADA = Account(id=AccountId("712020:ada"), display_name="Ada")
GRACE = Account(id=AccountId("712020:grace"), display_name="Grace")
ADA_JSON = {"accountId": "712020:ada", "displayName": "Ada"}
GRACE_JSON = {"accountId": "712020:grace", "displayName": "Grace"}
AT, LATER = "2026-01-31T12:00:00.000+0000", "2026-01-31T12:05:00.000+0000"


@pytest.mark.parametrize(
    ("text", "at"),
    [
        pytest.param(AT, datetime(2026, 1, 31, 12, 0, tzinfo=UTC), id="Jira's form"),
        pytest.param("2026-01-31T14:00:00.250+0200", datetime(2026, 1, 31, 12, 0, 0, 250_000, UTC), id="another zone"),
        pytest.param("2026-01-31T12:00:00Z", datetime(2026, 1, 31, 12, 0, tzinfo=UTC), id="RFC 3339"),
        pytest.param("2026-01-31T12:00:00", None, id="no zone"),
        pytest.param("2026-01-31", None, id="a date"),
        pytest.param("0001-01-01T00:00:00.000+1400", None, id="before all time"),
        pytest.param("9999-12-31T23:59:59.000-1400", None, id="after all time"),
        pytest.param("yesterday", None, id="a word"),
        pytest.param("", None, id="empty"),
        pytest.param(None, None, id="null"),
        pytest.param(1706692865788, None, id="a number"),
    ],
)
def test_instant(text, at):
    assert shapes.instant(text) == at


SPOKEN = ((PickerMention("712020:bot"), " fix it"),)


@pytest.mark.parametrize(
    ("value", "raw", "lines"),
    [
        pytest.param("[~accountid:712020:bot] fix *it*", "[~accountid:712020:bot] fix *it*", SPOKEN, id="wiki markup"),
        pytest.param(
            {
                "version": 1,
                "type": "doc",
                "content": [
                    {
                        "type": "paragraph",
                        "content": [
                            {"type": "mention", "attrs": {"id": "712020:bot", "text": "@OpenHands"}},
                            {"type": "text", "text": " fix it"},
                        ],
                    }
                ],
            },
            '{"content":[{"content":[{"attrs":{"id":"712020:bot","text":"@OpenHands"},"type":"mention"},'
            '{"text":" fix it","type":"text"}],"type":"paragraph"}],"type":"doc","version":1}',
            SPOKEN,
            id="ADF, kept as canonical JSON",
        ),
        pytest.param("a\r\nb", "a\r\nb", (("a",), ("b",)), id="line ends are kept as they are"),
        pytest.param("{code}@openhands x{code}", "{code}@openhands x{code}", (), id="code is not said"),
        pytest.param({"x": 1}, '{"x":1}', (), id="a document of another kind says nothing"),
    ],
)
def test_read_body(value, raw, lines):
    body = shapes.read_body(value)

    assert (body.raw, body.lines) == (raw, lines)


@pytest.mark.parametrize("value", ["", None, {}])
def test_no_text_is_the_empty_body(value):
    assert shapes.read_body(value) == EMPTY


def comment(**changes: Any) -> dict[str, Any]:
    given = {"id": "20001", "author": ADA_JSON, "updateAuthor": ADA_JSON, "body": "hi", "created": AT, "updated": AT}
    return {**given, **changes}


def test_comment():
    assert shapes.comment(comment(jsdPublic=True), read_account) == IssueComment(
        id=CommentId("20001"),
        author=ADA,
        body=Body(raw="hi", markdown="hi", lines=(("hi",),)),
        editor=None,
        created_at=datetime(2026, 1, 31, 12, 0, tzinfo=UTC),
        updated_at=datetime(2026, 1, 31, 12, 0, tzinfo=UTC),
        visibility=Public(),
    )


def test_a_comment_of_which_nothing_is_told_is_empty():
    assert shapes.comment({}, read_account) == IssueComment(
        id=CommentId(""), author=Account(id=AccountId("")), body=EMPTY
    )


@pytest.mark.parametrize(
    ("changes", "editor"),
    [
        pytest.param({}, None, id="nobody, where nothing was changed"),
        pytest.param({"updated": LATER}, None, id="nobody, where the author changed it"),
        pytest.param({"updateAuthor": GRACE_JSON, "updated": LATER}, GRACE, id="who changed another's words"),
        pytest.param({"updateAuthor": GRACE_JSON}, GRACE, id="who changed them, even where the times are equal"),
        pytest.param(
            {"updateAuthor": GRACE_JSON, "created": None, "updated": None}, GRACE, id="who changed them, without times"
        ),
        pytest.param({"updateAuthor": None, "updated": LATER}, None, id="nobody, where none is told"),
    ],
)
def test_editor(changes, editor):
    assert shapes.comment(comment(**changes), read_account).editor == editor


@pytest.mark.parametrize(
    ("value", "visibility"),
    [
        pytest.param({}, Public(), id="nothing is told"),
        pytest.param({"jsdPublic": True}, Public(), id="a service desk's customers may read"),
        pytest.param({"jsdPublic": False}, Internal(), id="a service desk's customers may not read"),
        pytest.param({"visibility": None}, Public(), id="no restriction"),
        pytest.param({"visibility": {}}, Public(), id="an empty restriction"),
        pytest.param({"visibility": {"type": None, "value": None}}, Public(), id="a restriction of nulls"),
        pytest.param(
            {"visibility": {"type": "role", "value": "Developers", "identifier": "10001"}},
            Restricted(type="role", value="Developers", identifier="10001"),
            id="a role",
        ),
        pytest.param(
            {"visibility": {"type": "group", "value": "staff"}}, Restricted(type="group", value="staff"), id="a group"
        ),
        pytest.param(
            {"visibility": {"type": "group", "identifier": "276f955c"}},
            Restricted(type="group", value="", identifier="276f955c"),
            id="a group by its id",
        ),
        pytest.param(
            {"visibility": {"type": "role", "value": "Developers"}, "jsdPublic": False},
            Restricted(type="role", value="Developers"),
            id="a role on a service desk, which is narrower than internal",
        ),
        pytest.param(
            {"visibility": {"type": "role", "value": ""}},
            Restricted(type="role", value=""),
            id="a role without name is not public",
        ),
        pytest.param(
            {"visibility": {"value": "Developers"}},
            Restricted(type="", value="Developers"),
            id="a restriction of no known type is not public",
        ),
    ],
)
def test_visibility(value, visibility):
    assert shapes.visibility(value) == visibility


FIELDS = {
    "summary": "The login page is broken",
    "description": "It shows nothing.",
    "project": {"id": "10000", "key": "PAY", "projectTypeKey": "software"},
    "labels": ["bug", "openhands"],
    "components": [{"name": "web"}, {"id": "5"}, None],
    "status": {"name": "To Do"},
    "creator": ADA_JSON,
    "reporter": GRACE_JSON,
    "assignee": None,
    "issuetype": {"name": "Bug"},
}


def test_issue():
    assert shapes.issue({"id": "10007", "key": "PAY-7", "fields": FIELDS}, read_account) == Issue(
        id=IssueId("10007"),
        key=IssueKey("PAY-7"),
        summary="The login page is broken",
        description=Body(raw="It shows nothing.", markdown="It shows nothing.", lines=(("It shows nothing.",),)),
        project_key="PAY",
        is_service_desk=False,
        labels=("bug", "openhands"),
        components=("web",),
        status="To Do",
        creator=ADA,
        assignee=None,
        reporter=GRACE,
        issue_type="Bug",
    )


def test_all_fields_that_an_issue_is_read_from_are_asked_for():
    assert set(shapes.ISSUE_FIELDS) == set(FIELDS)


@pytest.mark.parametrize("fields", [None, {}, dict.fromkeys(FIELDS), {name: 5 for name in FIELDS if name != "summary"}])
def test_an_issue_may_lack_its_fields(fields):
    found = shapes.issue({"id": "10007", "key": "PAY-7", "fields": fields}, read_account)

    assert (found.id, found.key, found.summary, found.description, found.labels) == ("10007", "PAY-7", "", EMPTY, ())


@pytest.mark.parametrize(
    ("kind", "is_service_desk"),
    [("service_desk", True), ("software", False), ("business", False), (None, False)],
)
def test_service_desk(kind, is_service_desk):
    fields = {"project": {"key": "HELP", "projectTypeKey": kind}}

    assert shapes.issue({"id": "1", "fields": fields}, read_account).is_service_desk is is_service_desk


@pytest.mark.parametrize(
    ("value", "entry"),
    [
        pytest.param(
            {
                "id": "301",
                "author": ADA_JSON,
                "items": [
                    {"field": "status", "fieldtype": "jira", "fromString": "To Do", "toString": "Done"},
                    {"field": "labels", "fieldtype": "jira", "fromString": "bug old", "toString": "bug openhands"},
                ],
            },
            ChangelogEntry(id="301", author=ADA, labels_added=("openhands",), labels_removed=("old",)),
            id="labels among others",
        ),
        pytest.param(
            {"id": 301}, ChangelogEntry(id="301", author=None, labels_added=(), labels_removed=()), id="by nobody known"
        ),
    ],
)
def test_change(value, entry):
    assert shapes.change(value, read_account) == entry


@pytest.mark.parametrize(
    ("value", "info"),
    [
        pytest.param(
            {
                "baseUrl": "https://acme.atlassian.net",
                "version": "1001.0.0-SNAPSHOT",
                "versionNumbers": [1001, 0, 0],
                "deploymentType": "Cloud",
                "serverTitle": "Jira",
            },
            ServerInfo(
                deployment="cloud",
                base_url="https://acme.atlassian.net",
                version=0,
                version_name="1001.0.0-SNAPSHOT",
                title="Jira",
            ),
            id="Cloud, whose version is above every other",
        ),
        pytest.param(
            {
                "baseUrl": "https://j.example/jira",
                "version": "9.12.15",
                "versionNumbers": [9, 12, 15],
                "deploymentType": "Server",
            },
            ServerInfo(deployment="dc", base_url="https://j.example/jira", version=9, version_name="9.12.15"),
            id="Data Center that says Server",
        ),
        pytest.param(
            {"version": "10.3.5", "versionNumbers": [10, 3, 5], "deploymentType": "DataCenter"},
            ServerInfo(deployment="dc", base_url="", version=10, version_name="10.3.5"),
            id="Data Center that says DataCenter",
        ),
        pytest.param(
            {"version": "11.3.0", "versionNumbers": []},
            ServerInfo(deployment="dc", base_url="", version=0, version_name="11.3.0"),
            id="no type and no numbers",
        ),
    ],
)
def test_server_info(value, info):
    assert shapes.server_info(value) == info


@pytest.mark.parametrize(
    ("value", "found"),
    [([{"a": 1}, None, "x", {}], [{"a": 1}, {}]), ({"a": 1}, []), (None, []), ("ab", [])],
)
def test_objects(value, found):
    assert shapes.objects(value) == found


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
COMMENT_FIELDS = ("id", "author", "updateAuthor", "body", "created", "updated", "visibility", "jsdPublic")


@given(st.dictionaries(st.sampled_from([*COMMENT_FIELDS, "key", "fields", *FIELDS, "items", "version"]), JSON))
def test_every_object_is_read(value):
    for account in (Cloud().account, DataCenter().account):
        assert isinstance(shapes.comment(value, account), IssueComment)
        assert isinstance(shapes.issue({"fields": value}, account), Issue)
        assert isinstance(shapes.change(value, account), ChangelogEntry)
    assert isinstance(shapes.server_info(value), ServerInfo)
