"""`token create|list|revoke`: shown once, kept as a hash."""

import hashlib
import sqlite3
from contextlib import closing
from datetime import datetime, timedelta

import pytest

from .conftest import Cli, Jira

A_DURATION = "a duration is a number with its unit, such as `90s`, `10m`, `24h` or `14d`"
FIELDS = ["id", "name", "role", "user", "workspace", "state", "created_at", "expires_at"]


def test_a_token_is_shown_once_and_kept_as_its_hash(cli: Cli) -> None:
    ran = cli.done("token", "create", "ci", "--json")

    made = ran.object
    assert list(made) == [*FIELDS, "token"]
    assert made["token"].startswith("jbt_")
    assert len(made["token"]) == 31
    assert ran.err == "keep the token: it is not shown again\n"
    with closing(sqlite3.connect(cli.data / "jirabot.db")) as database:
        kept = database.execute("SELECT hash FROM tokens").fetchall()
    assert kept == [(hashlib.sha256(made["token"].encode()).hexdigest(),)]
    listed = cli.done("token", "list", "--json")
    assert list(listed.object) == FIELDS
    assert made["token"] not in listed.out + cli.done("token", "list").out
    for file in cli.data.glob("jirabot.db*"):
        assert made["token"].encode() not in file.read_bytes()


def test_without_more_it_is_a_user_of_its_own_name_everywhere_and_for_ever(cli: Cli) -> None:
    made = cli.done("token", "create", "ci", "--json").object

    assert (made["role"], made["user"], made["workspace"], made["state"]) == ("user", "ci", None, "active")
    assert made["expires_at"] is None


def test_role_user_workspace_and_end_are_as_given(cli: Cli, cloud: Jira) -> None:
    cli.done(*cloud.creation(), typed=cloud.token)
    how = ["--role", "admin", "--user", "ada", "--workspace", "ACME", "--expires", "90d"]

    made = cli.done("token", "create", "ops", *how, "--json").object

    assert (made["role"], made["user"], made["workspace"]) == ("admin", "ada", "acme")
    lasts = datetime.fromisoformat(made["expires_at"]) - datetime.fromisoformat(made["created_at"])
    assert lasts == timedelta(days=90)


def test_no_two_tokens_are_alike(cli: Cli) -> None:
    made = {cli.done("token", "create", name, "--json").object["token"] for name in ("a", "b")}

    assert len(made) == 2


def test_a_name_is_taken_for_ever(cli: Cli) -> None:
    cli.done("token", "create", "ci")
    cli.done("token", "revoke", "ci")

    ran = cli("token", "create", "ci")

    assert (ran.code, ran.out, ran.error) == (1, "", "the name `ci` is taken by another token")


def test_a_revoked_token_is_listed_as_such(cli: Cli) -> None:
    cli.done("token", "create", "first")
    cli.done("token", "create", "second")

    done = cli.done("token", "revoke", "first", "--json").object

    assert (done["name"], done["state"]) == ("first", "revoked")
    assert cli.done("token", "revoke", "first", "--json").object == done
    listed = cli.done("token", "list", "--json").objects
    assert [(each["name"], each["state"]) for each in listed] == [("second", "active"), ("first", "revoked")]


def test_a_token_whose_time_is_over_is_listed_as_expired(cli: Cli) -> None:
    cli.done("token", "create", "short", "--expires", "1d")
    with closing(sqlite3.connect(cli.data / "jirabot.db")) as database, database:
        database.execute("UPDATE tokens SET expires_at = created_at")

    assert cli.done("token", "list", "--json").object["state"] == "expired"


def test_without_tokens_how_to_make_one_is_told(cli: Cli) -> None:
    ran = cli.done("token", "list")

    assert (ran.out, ran.err) == ("", "no token yet: `jirabot token create NAME` makes one\n")


def test_an_unknown_token_is_told_with_the_nearest(cli: Cli) -> None:
    cli.done("token", "create", "pipeline")

    ran = cli("token", "revoke", "pipelin")

    assert ran.code == 3
    assert ran.err == "error: there is no token `pipelin`\n\nhint: did you mean `pipeline`?\n"


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["a b"], 2, "`a b` is no name for a token"),
        (["ci", "--user", "a b"], 2, "`a b` is no name for a user"),
        (["ci", "--expires", "soon"], 2, f"`--expires soon`: {A_DURATION}"),
        (["ci", "--expires", "0d"], 2, "a token lasts more than nothing, and at most ten years"),
        (["ci", "--expires", "3651d"], 2, "a token lasts more than nothing, and at most ten years"),
        (["ci", "--expires", "99999999999999d"], 2, "`--expires 99999999999999d`: a duration is at most 36500 days"),
        (["ci", "--workspace", "nobody"], 3, "there is no workspace `nobody`"),
    ],
)  # fmt: skip
def test_what_can_not_be_used_is_told_and_nothing_is_made(
    cli: Cli, arguments: list[str], code: int, sentence: str
) -> None:
    ran = cli("token", "create", *arguments)

    assert (ran.code, ran.error) == (code, sentence)
    assert cli.done("token", "list", "--json").objects == []
