"""`jirabot webhook`: set up, listed, removed, in objects and for people; what it needs and what it says without."""

import pytest

from .conftest import Cli, Jira


@pytest.fixture
def served(cli: Cli, jira: Jira) -> Cli:
    """A workspace whose Jira has no webhook."""
    jira.sandbox.jira.webhooks.clear()
    jira.sandbox.jira.grant(jira.sandbox.bot, "ADMINISTER")
    cli.done(*jira.creation(), typed=jira.token)
    return cli


def test_registered_twice_it_is_one_and_listed_with_what_is_remembered(served: Cli, jira: Jira) -> None:
    """F58."""
    first = served.done("webhook", "register", "acme", "--json").object
    again = served.done("webhook", "register", "acme", "--jql", "project = DEMO", "--json").object
    listed = served.done("webhook", "list", "acme", "--json").object

    signed = True
    assert (first["created"], again["created"], first["warnings"], again["warnings"]) == (True, False, [], [])
    assert len(jira.sandbox.jira.webhooks) == 1
    assert {**listed, "registered_at": ""} == {
        "kind": "webhook",
        "id": first["id"],
        "workspace": "acme",
        "url": served.done("workspace", "show", "acme", "--json").object["events_url"],
        "events": ["jira:issue_created", "jira:issue_updated", "comment_created", "comment_updated"],
        "jql": "project = DEMO",
        "enabled": True,
        "signed": signed,
        "dynamic": False,
        "made_by_jirabot": True,
        "registered_at": "",
        "expires_at": None,
        "last_delivery_at": None,
    }
    assert "The last delivery never came" in served.done("webhook", "list", "acme").err


def test_of_none_nothing_is_written(served: Cli) -> None:
    ran = served.done("webhook", "list", "acme", "--json")
    assert ran.out == ""
    assert "no webhook in Jira sends to this workspace" in served.done("webhook", "list", "acme").err


def test_without_the_right_it_says_what_to_click_and_lists_what_is_known(served: Cli, jira: Jira) -> None:
    served.done("webhook", "register", "acme")
    jira.sandbox.jira.deny(jira.sandbox.bot, "ADMINISTER")

    refused = served("webhook", "register", "acme")
    listed = served.done("webhook", "list", "acme", "--json")

    assert refused.code == 4
    assert "hint: 1. sign in to Jira as an administrator" in refused.err
    assert f"{jira.base_url}/plugins/servlet/webhooks" in refused.err
    assert listed.object["kind"] == "remembered"
    assert "warning: Jira does not show its webhooks" in listed.err


def test_a_token_that_counts_no_more_is_no_matter_of_rights(served: Cli, jira: Jira) -> None:
    jira.sandbox.faults.add("answer", status=401, path="/webhooks?$|/myself$", times=2)
    refused = served("webhook", "register", "acme")
    assert refused.code == 4
    assert "make a new one" in refused.err
    assert "plugins/servlet" not in refused.err


def test_only_what_was_made_is_removed(served: Cli, jira: Jira) -> None:
    served.done("webhook", "register", "acme")
    theirs = jira.sandbox.add_webhook("https://elsewhere.example/hook", secret=None)

    assert served("webhook", "delete", "acme").code == 4
    assert served.done("webhook", "delete", "acme", "--yes", "--json").object["workspace"] == "acme"
    assert list(jira.sandbox.jira.webhooks.values()) == [theirs]
    assert served("webhook", "delete", "acme", "--yes").code == 3


@pytest.mark.parametrize(("options", "left"), [([], 0), (["--keep-webhooks"], 1)])
def test_with_its_workspace_it_goes_unless_it_is_to_stay(
    served: Cli, jira: Jira, options: list[str], left: int
) -> None:
    served.done("webhook", "register", "acme")
    deleted = served.done("workspace", "delete", "acme", "--yes", *options, "--json").object
    assert len(jira.sandbox.jira.webhooks) == left
    assert bool(deleted["webhook"]) is bool(left)


def test_an_address_that_jira_can_not_reach_is_not_given_to_it(cli: Cli) -> None:
    """Whether Jira would take it or not: nothing would ever come."""
    create = ["workspace", "create", "acme.atlassian.net", "--svc-acc-email", "bot@acme.example", "--no-validate"]
    cli.done(*create, "--svc-acc-api-key", "-", typed="an-api-key")

    refused = cli("webhook", "register", "acme.atlassian.net")

    assert refused.code == 6
    assert "`[server] public_url` is on this machine" in refused.err


def test_one_that_is_permanent_is_not_refreshed(served: Cli) -> None:
    served.done("webhook", "register", "acme")
    ran = served.done("webhook", "refresh", "acme", "--json")
    assert (ran.out, ran.err) == ("", "the webhook is permanent: there is nothing to refresh\n")


def test_a_workspace_that_is_not_proved_is_activated_only_by_who_trusts_it(served: Cli) -> None:
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(served.data / "jirabot.db")) as database, database:
        database.execute("UPDATE workspaces SET state = 'unproved'")

    refused = served("workspace", "activate", "acme")
    assert refused.code == 4
    assert "`jirabot webhook test acme --issue KEY` proves it" in refused.err
    assert served.done("workspace", "activate", "acme", "--trust", "--json").object["state"] == "active"
