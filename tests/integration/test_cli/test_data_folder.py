"""What is wrong with the data folder or its database is told, whichever command meets it, and left as it is."""

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from jirabot.storage import migrations

from .conftest import Cli

READS = [
    "db current",
    "token list",
    "key check",
    "workspace list",
    "workspace show acme",
    "event list",
    "conversation list",
    "user list",
    "repo list acme",
]
WRITES = ["db upgrade", "serve --port 0", "user link acme ada --no-validate", "repo add acme r --url file:///srv/r.git"]


def _not_a_database(database: Path) -> None:
    database.write_bytes(b"not a database" * 1000)


def _damaged(database: Path) -> None:
    content = bytearray(database.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    database.write_bytes(content)


def _newer(database: Path) -> None:
    with closing(sqlite3.connect(database)) as driver:
        driver.execute("UPDATE alembic_version SET version_num = '9999'")
        driver.commit()


def _of_another_program(database: Path) -> None:
    database.unlink()
    with closing(sqlite3.connect(database)) as driver:
        driver.execute("CREATE TABLE notes (text)")
        driver.commit()


@pytest.mark.parametrize("command", [*READS, *WRITES])
@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (_not_a_database, "is not a database"),
        (_damaged, "is damaged"),
        (_newer, "is of a newer version (`9999`) than this jirabot knows"),
        (_of_another_program, "is not jirabot's"),
    ],
)
def test_a_database_that_can_not_be_used_is_told_and_left_as_it_is(
    cli: Cli, command: str, spoil: Callable[[Path], None], says: str
) -> None:
    cli.done("db", "upgrade")
    database = cli.data / "jirabot.db"
    spoil(database)
    before = database.read_bytes()

    ran = cli(*command.split())

    assert (ran.code, ran.out) == (1, "")
    assert says in ran.error
    assert "hint: " in ran.err
    assert database.read_bytes() == before


@pytest.mark.parametrize("command", WRITES)
def test_a_data_folder_that_can_not_be_made_is_told(cli: Cli, command: str) -> None:
    cli.data = cli.file("a-file", "") / "data"

    ran = cli(*command.split())

    assert (ran.code, ran.error) == (1, f"`{cli.data}` can't be used: Not a directory")


@pytest.mark.parametrize("command", READS)
def test_a_data_folder_that_can_not_be_looked_into_is_told(cli: Cli, command: str) -> None:
    cli.data = cli.folder / ("x" * 300)

    ran = cli(*command.split())

    assert (ran.code, ran.error) == (1, f"`{cli.data / 'jirabot.db'}` can't be used: File name too long")


def test_those_who_look_at_the_data_folder_tell_that_they_can_not(cli: Cli) -> None:
    cli.data = cli.folder / ("x" * 300)

    check, doctor = cli("db", "check", "--json"), cli("doctor", "--json")

    assert (check.code, check.object["fault"]) == (1, "unusable")
    assert [each["check"] for each in doctor.objects if each["level"] == "failed"] == ["daemon", "database"]


def test_an_upgrade_tells_the_schema_before_and_now(cli: Cli) -> None:
    assert cli.done("db", "upgrade", "--json").object == {"before": None, "now": migrations.HEAD, "copy": None}
    assert cli.done("db", "upgrade", "--json").object == {
        "before": migrations.HEAD,
        "now": migrations.HEAD,
        "copy": None,
    }


def test_the_schema_is_told_and_nothing_is_made(cli: Cli) -> None:
    before = cli.done("db", "current", "--json")
    assert not cli.data.exists()
    cli.done("db", "upgrade")
    after = cli.done("db", "current", "--json")

    told = {"database": str(cli.data / "jirabot.db"), "newest": migrations.HEAD}
    assert before.object == {**told, "schema": None, "up_to_date": False}
    assert before.err == (
        "there is no database yet: `jirabot db upgrade` makes it, as does the first command that writes\n"
    )
    assert (after.object, after.err) == ({**told, "schema": migrations.HEAD, "up_to_date": True}, "")


def test_the_data_folder_is_its_owners_alone(cli: Cli) -> None:
    cli.done("db", "upgrade")

    assert cli.data.stat().st_mode & 0o777 == 0o700
    assert (cli.data / "jirabot.db").stat().st_mode & 0o777 == 0o600


def test_an_empty_database_file_is_made_by_an_upgrade(cli: Cli) -> None:
    cli.data.mkdir()
    (cli.data / "jirabot.db").touch()

    assert cli("workspace", "list").error == f"there is no database at `{cli.data / 'jirabot.db'}`"
    assert cli.done("db", "upgrade", "--json").object["before"] is None
    assert json.loads(cli.done("db", "upgrade", "--json").out)["before"] == migrations.HEAD
