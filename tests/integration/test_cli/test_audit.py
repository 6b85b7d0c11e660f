"""`audit list|verify`: every act of a command is there, and what was done past jirabot is named."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from .conftest import Cli, Jira, make_repository

FIELDS = ["id", "at", "by", "kind", "from", "act", "workspace", "workspace_id", "subject", "outcome", "facts", "hash"]


@pytest.fixture
def served(cli: Cli, cloud: Jira) -> Cli:
    """The program with a workspace and a person."""
    cli.done(*cloud.creation(), typed=cloud.token)
    cli.done("user", "link", "acme", "ada-id", "--no-validate", "--role", "admin")
    return cli


def acts(cli: Cli, *arguments: str) -> list[tuple[str, str | None]]:
    """What was done to what, the oldest first."""
    listed = cli.done("audit", "list", "--json", *arguments).objects
    return [(each["act"], each["subject"]) for each in reversed(listed)]


def test_what_commands_do_is_listed_with_who_and_from_where(served: Cli) -> None:
    link, made = served.done("audit", "list", "--json").objects

    assert list(link) == FIELDS
    assert (made["act"], made["workspace"], made["outcome"]) == ("workspace.created", "acme", "done")
    assert (link["id"], link["by"], link["kind"], link["from"]) == (2, "shell", "shell", "shell")
    assert (link["act"], link["subject"], link["facts"]) == ("user.linked", "ada-id", {"role": "admin"})
    told = served.done("audit", "list").out
    assert "user.linked" in told


def test_every_command_that_changes_something_is_written_down(served: Cli, tmp_path: Path) -> None:
    add = ["repo", "add", "acme", "shop", "--url", make_repository(tmp_path), "--default"]
    for command in (
        add,
        ["workspace", "update", "acme", "--set", "progress_every=2m", "--agent", ""],
        ["workspace", "deactivate", "acme"],
        ["workspace", "activate", "acme"],
        ["workspace", "rotate-secret", "acme"],
        ["pause", "acme"],
        ["resume", "acme"],
        ["token", "create", "ci"],
        ["token", "revoke", "ci"],
        ["user", "unlink", "acme", "ada-id"],
        ["repo", "remove", "acme", "shop"],
        ["key", "check"],
        ["db", "prune", "--yes"],
        ["db", "backup", "kept.db"],
        ["workspace", "delete", "acme", "--yes"],
    ):
        served.done(*command)

    assert [act for act, _ in acts(served)] == [
        "workspace.created",
        "user.linked",
        "repository.added",
        "workspace.updated",
        "workspace.deactivated",
        "workspace.activated",
        "secret.rotated",
        "runs.paused",
        "runs.resumed",
        "token.created",
        "token.revoked",
        "user.unlinked",
        "repository.removed",
        "database.backed-up",
        "workspace.deactivated",
        "workspace.deleted",
    ]
    assert acts(served, "--workspace", "acme")[-1] == ("workspace.deleted", None)
    changed = [each["facts"] for each in served.done("audit", "list", "--json").objects]
    assert {"changed": ["progress_every"]} in changed


def test_who_belongs_to_a_deleted_workspace_is_a_number(served: Cli) -> None:
    served.done("workspace", "delete", "acme", "--yes")

    (link,) = [each for each in served.done("audit", "list", "--json").objects if each["act"] == "user.linked"]
    assert link["subject"].startswith("person-")


def test_a_restore_goes_on_with_the_chain_of_its_backup(served: Cli) -> None:
    served.done("db", "backup", "kept.db")
    served.done("token", "create", "ci")
    served.done("db", "restore", "kept.db", "--yes")

    assert [act for act, _ in acts(served)] == ["workspace.created", "user.linked", "database.restored"]
    assert served.done("audit", "verify", "--json").object["rows"] == 3


@pytest.mark.parametrize(
    ("since", "count"), [("1h", 2), ("2026-11-24", 2), ("2999-01-01", 0), ("2999-01-01T00:00:00+02:00", 0)]
)
def test_what_is_older_is_left_out(served: Cli, since: str, count: int) -> None:
    assert len(acts(served, "--since", since)) == count


def test_a_time_before_all_time_is_told(cli: Cli) -> None:
    ran = cli("audit", "list", "--since", "9999999d")

    assert (ran.code, ran.error) == (2, "`--since 9999999d`: a duration is at most 36500 days")


def test_a_date_that_there_is_not_is_told(cli: Cli) -> None:
    ran = cli("audit", "list", "--since", "2026-13-40")

    assert (ran.code, ran.error) == (2, "`--since 2026-13-40` is no date")


def test_a_whole_chain_is_told_with_its_head(served: Cli) -> None:
    newest, *_ = served.done("audit", "list", "--json").objects

    ran = served.done("audit", "verify", "--json")

    assert ran.object == {"rows": 2, "head": newest["hash"], "broken": []}
    assert ran.err == "all is well\n"


def test_a_changed_row_and_a_removed_one_are_named(served: Cli) -> None:
    served.done("token", "create", "ci")
    served.done("token", "create", "ops")
    with closing(sqlite3.connect(served.data / "jirabot.db")) as driver, driver:
        driver.execute("DROP TRIGGER audit_no_update")
        driver.execute("DROP TRIGGER audit_no_delete")
        driver.execute("UPDATE audit SET by_name = 'mallory' WHERE no = 2")
        driver.execute("DELETE FROM audit WHERE no = 3")

    ran = served("audit", "verify")

    assert ran.code == 1
    assert ran.out.splitlines()[-2:] == ["row 2 was changed", "row 3 was removed"]
    told = served("audit", "verify", "--json").object["broken"]
    assert [(each["id"], each["how"]) for each in told] == [(2, "changed"), (3, "removed")]
    assert served("db", "check").code == 1


def test_a_cut_off_end_is_named(served: Cli) -> None:
    with closing(sqlite3.connect(served.data / "jirabot.db")) as driver, driver:
        driver.execute("DROP TRIGGER audit_no_delete")
        driver.execute("DELETE FROM audit WHERE no = 2")

    ran = served("audit", "verify")

    assert (ran.code, ran.out.splitlines()[-1]) == (1, "row 2 was cut off at the end")


def test_no_secret_and_no_name_of_a_person_is_in_it(cli: Cli, cloud: Jira) -> None:
    cli.done(*cloud.creation(), typed=cloud.token)
    cli.done("user", "link", "acme", cloud.sandbox.ada.account_id)
    cli.done("workspace", "rotate-secret", "acme", "--webhook-secret", "-", typed="a-secret-of-the-webhook\n")

    with closing(sqlite3.connect(cli.data / "jirabot.db")) as driver:
        kept = repr(driver.execute("SELECT * FROM audit").fetchall())
    ada = cloud.sandbox.ada
    told = (cloud.token, "a-secret-of-the-webhook", ada.account_id, ada.display_name, ada.email)
    assert [each for each in told if each in kept] == []
    assert "person-" in kept
