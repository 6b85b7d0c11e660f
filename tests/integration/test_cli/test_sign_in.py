"""`workspace create` and `update` for the ways to sign in that are not the default."""

import pytest

from tests.integration.test_cli.conftest import Cli, Jira


def test_an_oauth_workspace_is_made_without_a_key_and_says_that_a_consent_is_missing(cli: Cli, data_center: Jira):
    create = ["workspace", "create", "acme", "--deployment", "dc", "--base-url", data_center.base_url]
    oauth = ["--auth", "dc-oauth", "--oauth-client-id", "an-id", "--oauth-client-secret", "-"]

    made = cli(*create, *oauth, "--json", typed="a-client-secret\n")

    assert made.code == 0
    assert (made.object["auth"], made.object["key_expires_at"]) == ("dc-oauth", None)
    assert made.object["missing"][0]["what"] == "consent"
    assert "stand under the name of who consents" in made.err
    assert "a-client-secret" not in made.out + made.err
    assert cli("workspace", "validate", "acme").code == 4


def test_without_an_app_an_oauth_workspace_names_what_is_missing(cli: Cli, monkeypatch: pytest.MonkeyPatch):
    create = ["workspace", "create", "acme", "--deployment", "dc", "--base-url", "http://127.0.0.1:9"]
    create += ["--auth", "dc-oauth", "--no-validate"]
    ran = cli(*create)
    assert ran.code == 2
    assert "`--oauth-client-id` is missing" in ran.error
    assert "--svc-acc-api-key" not in ran.error

    monkeypatch.setenv("JIRA_DC_CLIENT_ID", "an-id")
    monkeypatch.setenv("JIRA_DC_CLIENT_SECRET", "a-secret")
    monkeypatch.setenv("JIRA_DC_BASE_URL", "http://127.0.0.1:10")
    assert cli(*create).code == 2
    monkeypatch.setenv("JIRA_DC_BASE_URL", "http://127.0.0.1:9/")
    assert cli(*create).code == 0


def test_the_end_of_a_token_is_shown(cli: Cli, jira: Jira):
    cli.done(*jira.creation(), "--svc-acc-expires", "2999-11-26", typed=jira.token)

    shown = cli.done("workspace", "show", "acme", "--json").object
    validated = cli.done("workspace", "validate", "acme", "--json").object
    status = cli.done("status", "--json").object

    end = "2999-11-26T00:00:00.000Z"
    assert (shown["key_expires_at"], validated["key_expires_at"]) == (end, end)
    assert status["workspaces"][0]["key_expires_at"] == end


@pytest.mark.parametrize(
    ("given", "says"), [("soon", "is no date"), ("9999-12-31T23:59-14:00", "is no date"), ("2020-01-01", "is past")]
)
def test_a_wrong_end_is_told(cli: Cli, jira: Jira, given: str, says: str):
    ran = cli(*jira.creation(), "--svc-acc-expires", given, typed=jira.token)

    assert (ran.code, says in ran.error) == (2, True)


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ("proxy=http://ada:hunter2@proxy.example:3128", "belong in `HTTPS_PROXY`"),
        ("proxy=socks5://proxy.example", "an HTTP proxy"),
        ("ca_file=ca.pem", "the whole path of a file"),
    ],
)
def test_a_network_that_can_not_be_used_is_told(cli: Cli, jira: Jira, setting: str, says: str):
    ran = cli(*jira.creation(), "--set", setting, typed=jira.token)

    assert (ran.code, says in ran.error) == (2, True)
