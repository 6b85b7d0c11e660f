"""Every difference between Jira Cloud and Jira Data Center is a member of its deployment."""

import base64
import json
from typing import Any

import pytest

from jirabot.core.ids import AccountId, IssueId
from jirabot.core.people import Account
from jirabot.core.visibility import Restricted
from jirabot.jira.deployments import DEPLOYMENTS, Cloud, DataCenter, Deployment, tell

pytestmark = pytest.mark.fast

CLOUD, DC = Cloud(), DataCenter()


@pytest.mark.parametrize(
    ("member", "of_cloud", "of_dc"),
    [
        ("name", "cloud", "dc"),
        ("route", "jira", "jira-dc"),
        ("auth_methods", ("api-token", "scoped-token", "oauth"), ("pat", "dc-oauth")),
        ("oauth_methods", ("oauth",), ("dc-oauth",)),
        ("keys_path", "", "/rest/pat/latest/tokens"),
        ("write_api", "/rest/api/3", "/rest/api/2"),
        ("edit_query", {"notifyUsers": "false"}, {}),
    ],
)
def test_members(member, of_cloud, of_dc):
    assert (getattr(CLOUD, member), getattr(DC, member)) == (of_cloud, of_dc)


def test_both_are_known_by_their_names():
    assert {name: type(deployment) for name, deployment in DEPLOYMENTS.items()} == {"cloud": Cloud, "dc": DataCenter}


@pytest.mark.parametrize(
    ("deployment", "user", "account"),
    [
        pytest.param(
            CLOUD,
            {"accountId": "712020:ada", "displayName": "Ada", "emailAddress": "ada@acme.example"},
            Account(id=AccountId("712020:ada"), display_name="Ada", email="ada@acme.example"),
            id="Cloud knows people by account id",
        ),
        pytest.param(
            CLOUD,
            {"accountId": "712020:ada", "key": "ada-key", "name": "ada"},
            Account(id=AccountId("712020:ada")),
            id="Cloud's account id goes before the names of old",
        ),
        pytest.param(CLOUD, {"key": "k", "name": "n"}, Account(id=AccountId("k")), id="Cloud of old knew by key"),
        pytest.param(CLOUD, {"name": "n"}, Account(id=AccountId("n")), id="Cloud of old, only a name"),
        pytest.param(
            CLOUD, {"accountId": "a", "accountType": "app"}, Account(id=AccountId("a"), app=True), id="an app"
        ),
        pytest.param(CLOUD, {"accountId": "a", "accountType": "customer"}, Account(id=AccountId("a")), id="a customer"),
        pytest.param(
            CLOUD, {"accountId": "a", "emailAddress": "?"}, Account(id=AccountId("a"), email="?"), id="as found"
        ),
        pytest.param(
            DC,
            {"key": "JIRAUSER10100", "name": "ada", "displayName": "Ada", "emailAddress": "ada@acme.example"},
            Account(id=AccountId("JIRAUSER10100"), name="ada", display_name="Ada", email="ada@acme.example"),
            id="Data Center knows people by key",
        ),
        pytest.param(DC, {"name": "ada"}, Account(id=AccountId("ada"), name="ada"), id="Data Center, only a name"),
        pytest.param(DC, {"accountId": "712020:ada"}, Account(id=AccountId("")), id="Data Center has no account ids"),
        pytest.param(CLOUD, {}, Account(id=AccountId("")), id="Cloud's nobody"),
        pytest.param(DC, {}, Account(id=AccountId("")), id="Data Center's nobody"),
        pytest.param(CLOUD, {"accountId": None, "displayName": None}, Account(id=AccountId("")), id="nulls"),
    ],
)
def test_account(deployment, user, account):
    assert deployment.account(user) == account


def test_cloud_signs_in_with_e_mail_and_token():
    """RFC 7617: the pair in UTF-8, in base64."""
    header = CLOUD.authorization("api-token", "t0ken:x", email="zoë@acme.example")

    assert header == "Basic em/Dq0BhY21lLmV4YW1wbGU6dDBrZW46eA=="
    assert base64.b64decode(header.removeprefix("Basic ")).decode() == "zoë@acme.example:t0ken:x"


def test_data_center_signs_in_with_a_personal_access_token():
    assert DC.authorization("pat", "NjQ3", email="") == "Bearer NjQ3"


@pytest.mark.parametrize(
    ("auth", "email", "header"),
    [
        pytest.param("scoped-token", "bot@acme.example", "Basic ", id="a person's scoped token"),
        pytest.param("scoped-token", "", "Bearer t0ken", id="a service account's token alone"),
        pytest.param("oauth", "bot@acme.example", "Bearer t0ken", id="OAuth, whatever the e-mail"),
    ],
)
def test_cloud_signs_in_with_tokens_that_have_scopes(auth, email, header):
    assert CLOUD.authorization(auth, "t0ken", email=email).startswith(header)


def test_cloud_writes_adf_and_in_the_second_place_one_block_of_code():
    best, plain = CLOUD.comment_bodies("Done in **two** steps.")

    assert best == {
        "type": "doc",
        "version": 1,
        "content": [
            {
                "type": "paragraph",
                "content": [
                    {"type": "text", "text": "Done in "},
                    {"type": "text", "text": "two", "marks": [{"type": "strong"}]},
                    {"type": "text", "text": " steps."},
                ],
            }
        ],
    }
    assert plain == {
        "type": "doc",
        "version": 1,
        "content": [{"type": "codeBlock", "content": [{"type": "text", "text": "Done in two steps."}]}],
    }


def test_data_center_writes_wiki_markup():
    assert DC.comment_bodies("Done in **two** steps.") == ["Done in *two* steps."]


@pytest.mark.parametrize("text", ["", " \n", "| |\n|---|", "```\n```"])
def test_a_text_that_shows_nothing_is_still_a_comment(text):
    """Jira refuses an empty one, and an answer would be lost."""
    dots = {"type": "paragraph", "content": [{"type": "text", "text": "…"}]}

    assert CLOUD.comment_bodies(text)[0] == {"type": "doc", "version": 1, "content": [dots]}
    assert DC.comment_bodies(text) == ["…"]


@pytest.mark.parametrize("deployment", [CLOUD, DC], ids=["cloud", "dc"])
def test_what_is_too_long_is_cut_in_every_form_and_says_so(deployment: Deployment):
    for form in deployment.comment_bodies(("word " * 200 + "\n\n") * 40):
        written = form if isinstance(form, str) else json.dumps(form, ensure_ascii=False, separators=(",", ":"))
        assert 28_000 < len(written) < 30_000
        assert "The rest was cut: Jira takes no longer comment." in written


@pytest.mark.parametrize("deployment", [CLOUD, DC], ids=["cloud", "dc"])
@pytest.mark.parametrize("length", [1, 40])
def test_a_footer_is_the_last_line_however_long_the_text_is(deployment: Deployment, length: int):
    for form in deployment.comment_bodies(("word " * 200 + "\n\n") * length, "jirabot 0198c0de"):
        written = form if isinstance(form, str) else json.dumps(form, ensure_ascii=False, separators=(",", ":"))
        assert len(written) < 30_000
        assert deployment.read_body(form).markdown.endswith("\njirabot 0198c0de")


@pytest.mark.parametrize(
    ("deployment", "restricted", "written"),
    [
        pytest.param(
            CLOUD,
            Restricted(type="role", value="Developers", identifier="10001"),
            {"type": "role", "value": "Developers"},
            id="Cloud names a role",
        ),
        pytest.param(
            CLOUD,
            Restricted(type="group", value="staff", identifier="276f955c-63d7-42c8-9520-92d01dca0625"),
            {"type": "group", "identifier": "276f955c-63d7-42c8-9520-92d01dca0625"},
            id="Cloud gives a group's id, since its name may change",
        ),
        pytest.param(
            CLOUD, Restricted(type="group", value="staff"), {"type": "group", "value": "staff"}, id="Cloud, only a name"
        ),
        pytest.param(
            CLOUD,
            Restricted(type="role", value="", identifier="5"),
            {"type": "role", "identifier": "5"},
            id="Cloud, an id",
        ),
        pytest.param(
            DC,
            Restricted(type="group", value="staff", identifier="staff-id"),
            {"type": "group", "value": "staff"},
            id="Data Center takes names only",
        ),
        pytest.param(
            DC,
            Restricted(type="role", value="Developers"),
            {"type": "role", "value": "Developers"},
            id="Data Center, a role",
        ),
    ],
)
def test_restriction(deployment, restricted, written):
    assert deployment.restriction(restricted) == written


@pytest.mark.parametrize(
    ("deployment", "queries", "search"),
    [
        pytest.param(CLOUD, [{"accountId": "ada"}], {"query": "ada"}, id="cloud"),
        pytest.param(DC, [{"username": "ada"}, {"key": "ada"}], {"username": "ada"}, id="dc"),
    ],
)
def test_how_people_are_found(deployment, queries, search):
    assert deployment.user_queries("ada") == queries
    assert deployment.search_query("ada") == search


def test_cloud_gives_the_changelog_in_pages():
    assert CLOUD.changelog_request(IssueId("10007"), 100) == (
        "/rest/api/2/issue/10007/changelog",
        {"startAt": "100", "maxResults": "100"},
    )


def test_data_center_gives_the_changelog_with_the_issue():
    assert DC.changelog_request(IssueId("10007"), 0) == (
        "/rest/api/2/issue/10007",
        {"fields": "summary", "expand": "changelog"},
    )


ENTRY = {"id": "301", "items": []}


@pytest.mark.parametrize(
    ("deployment", "answer", "entries", "total"),
    [
        pytest.param(CLOUD, {"values": [ENTRY], "total": 250}, [ENTRY], 250, id="a page of Cloud"),
        pytest.param(CLOUD, {"values": [ENTRY, None, 5]}, [ENTRY], 0, id="Cloud without a total"),
        pytest.param(CLOUD, {}, [], 0, id="Cloud, nothing"),
        pytest.param(DC, {"changelog": {"histories": [ENTRY, ENTRY]}}, [ENTRY, ENTRY], 2, id="all of Data Center"),
        pytest.param(DC, {"changelog": None}, [], 0, id="Data Center, null"),
        pytest.param(DC, {"changelog": [ENTRY]}, [], 0, id="Data Center, another shape"),
        pytest.param(DC, {}, [], 0, id="Data Center, nothing"),
    ],
)
def test_changelog(deployment, answer, entries, total):
    found, count = deployment.changelog(answer)

    assert (list(found), count) == (entries, total)


BY_ID, BY_NAME = {"accountId": "712020:ada"}, {"name": "ada", "key": "JIRAUSER10100"}


def deep(user: dict[str, str], levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {"author": user}
    for _ in range(levels):
        value = {"issue": [value]}
    return value


@pytest.mark.parametrize(
    ("payload", "told"),
    [
        pytest.param({"user": BY_ID}, "cloud", id="a user with an account id"),
        pytest.param({"comment": {"author": BY_ID}}, "cloud", id="an author with an account id"),
        pytest.param({"user": {**BY_NAME, **BY_ID}}, "cloud", id="both, as Cloud of 2018 sent"),
        pytest.param(
            {"user": BY_NAME, "comment": {"author": BY_ID}}, "cloud", id="one with an account id among others"
        ),
        pytest.param({"issue": {"fields": {"customfield_1": [BY_ID]}}}, "cloud", id="a person in a custom field"),
        pytest.param({"accountId": "712020:ada"}, "cloud", id="an account id at the top"),
        pytest.param({"user": BY_NAME}, "dc", id="a user with a key"),
        pytest.param({"user": {"name": "ada"}}, "dc", id="a user with a name"),
        pytest.param({"issue": {"fields": {"reporter": BY_NAME}}}, "dc", id="a reporter with a key"),
        pytest.param({"issue": {"fields": {"assignee": BY_NAME, "creator": None}}}, "dc", id="an assignee with a key"),
        pytest.param({"comment": {"updateAuthor": BY_NAME}}, "dc", id="an editor with a key"),
        pytest.param(deep(BY_NAME, 10_000), "dc", id="however deep"),
        pytest.param({"issue": {"fields": {"status": {"name": "Done"}}}}, None, id="a status' name is nobody's"),
        pytest.param({"issue": {"key": "PAY-7", "name": "x"}}, None, id="an issue's key is nobody's"),
        pytest.param({"user": {"accountId": "", "name": None}}, None, id="empty names are nobody's"),
        pytest.param({"user": "ada"}, None, id="a user that is no object"),
        pytest.param({}, None, id="nobody"),
    ],
)
def test_tell(payload, told):
    assert tell(payload) == told


@pytest.mark.parametrize(
    ("deployment", "user", "customer"),
    [
        (Cloud(), {"accountId": "a", "accountType": "customer"}, True),
        (Cloud(), {"accountId": "a", "accountType": "atlassian"}, False),
        (Cloud(), {"accountId": "a", "accountType": "app"}, False),
        (Cloud(), {"accountId": "a"}, None),
        (DataCenter(), {"key": "k", "name": "n", "accountType": "customer"}, None),
    ],
)
def test_whether_somebody_is_a_customer_is_known_where_it_is_told(deployment, user, customer):
    assert deployment.account(user).customer is customer


@pytest.mark.parametrize(
    ("deployment", "user", "customer"),
    [
        (Cloud(), {"accountType": "customer"}, True),
        (Cloud(), {"accountType": "atlassian"}, False),
        (Cloud(), {"accountType": "unknown"}, True),
        (Cloud(), {}, True),
        (DataCenter(), {"applicationRoles": {"size": 1, "items": [{"key": "jira-software"}]}}, False),
        (DataCenter(), {"applicationRoles": {"size": 0, "items": []}}, True),
        (DataCenter(), {}, True),
    ],
)
def test_whoever_is_not_told_to_be_more_is_a_customer(deployment, user, customer):
    assert deployment.is_customer(user) is customer
