"""`key check|rotate`: that every secret opens, and a new master key for all of them."""

import sqlite3
from contextlib import closing

import keyring
import pytest
from keyring.backends import null

from .conftest import MASTER_KEY, Cli, Jira


@pytest.fixture(autouse=True)
def _no_keyring() -> None:
    """No keyring of this machine is asked, where no key is given."""
    keyring.set_keyring(null.Keyring())


@pytest.fixture
def kept(cli: Cli, cloud: Jira, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """The program with a workspace and a repository, whose secrets are sealed with a key of the data folder."""
    monkeypatch.delenv("JIRABOT_MASTER_KEY")
    cli.done("db", "upgrade")
    cli.data.joinpath("master.key").write_text(MASTER_KEY)
    cli.done(*cloud.creation(), typed=cloud.token)
    address = "https://git.acme.example/shop.git"
    cli.done("repo", "add", "acme", "shop", "--url", address, "--token", "-", typed="git-token")
    return cli


def test_the_key_its_source_and_the_secrets_are_told(kept: Cli) -> None:
    shown = kept.done("key", "check", "--json").object

    assert shown == {"key": "64e28ec0a4f548ee", "source": "`master.key` in the data folder", "secrets": 3}


def test_without_a_secret_there_is_no_key(cli: Cli) -> None:
    ran = cli.done("key", "check", "--json")

    assert ran.object == {"key": None, "source": None, "secrets": 0}
    assert ran.err == "there is no master key yet: it is made when the first secret is stored\n"
    assert not cli.data.exists()


def test_each_secret_that_does_not_open_is_named(kept: Cli) -> None:
    with closing(sqlite3.connect(kept.data / "jirabot.db")) as database, database:
        database.execute("UPDATE secrets SET ciphertext = x'00' WHERE place IN ('api-key', 'webhook-secret')")

    ran = kept("key", "check", "--json")

    assert (ran.code, ran.out) == (6, "")
    key = "with the master key `64e28ec0a4f548ee` from `master.key` in the data folder"
    assert ran.problem["problems"] == [
        f"the secret `api-key` of `acme` does not open {key}",
        f"the secret `webhook-secret` of `acme` does not open {key}",
    ]


@pytest.mark.parametrize("command", ["check", "rotate"])
def test_a_key_that_is_gone_is_told(kept: Cli, command: str) -> None:
    kept.data.joinpath("master.key").unlink()

    ran = kept("key", command)

    assert ran.code == 6
    assert ran.error == (
        "the stored secrets are sealed with the master key `64e28ec0a4f548ee` from `master.key` in the data folder; "
        "found: none"
    )
    assert not kept.data.joinpath("master.key").exists()


def test_a_new_key_takes_the_old_ones_place_and_opens_all(kept: Cli) -> None:
    ran = kept.done("key", "rotate", "--json")

    done = ran.object
    assert (done["before"], done["secrets"]) == ("64e28ec0a4f548ee", 3)
    assert done["key"] != done["before"]
    assert ran.err == "copies of the database from before can only be opened with the old key `64e28ec0a4f548ee`\n"
    checked = kept.done("key", "check", "--json").object
    assert checked == {"key": done["key"], "source": "`master.key` in the data folder", "secrets": 3}
    assert MASTER_KEY not in kept.data.joinpath("master.key").read_text()
    assert sorted(path.name for path in kept.data.glob("*key*")) == ["master.key"]


def test_what_a_rotation_leaves_can_be_rotated_again(kept: Cli) -> None:
    keys = {kept.done("key", "rotate", "--json").object["key"] for _ in range(3)}

    assert len(keys) == 3
    assert kept.done("key", "check", "--json").object["key"] in keys


def test_a_key_that_is_given_is_not_changed_and_how_to_is_told(cli: Cli, cloud: Jira) -> None:
    cli.done(*cloud.creation(), typed=cloud.token)

    ran = cli("key", "rotate")

    assert (ran.code, ran.out) == (6, "")
    assert ran.error == "the master key comes from JIRABOT_MASTER_KEY, which jirabot can't change"
    assert cli.done("key", "check", "--json").object["source"] == "JIRABOT_MASTER_KEY"


def test_what_is_told_of_a_given_key_works(cli: Cli, cloud: Jira, monkeypatch: pytest.MonkeyPatch) -> None:
    cli.done(*cloud.creation(), typed=cloud.token)
    cli.data.joinpath("master.key").write_text(MASTER_KEY)
    monkeypatch.delenv("JIRABOT_MASTER_KEY")

    done = cli.done("key", "rotate", "--json").object

    monkeypatch.setenv("JIRABOT_MASTER_KEY", cli.data.joinpath("master.key").read_text().strip())
    assert cli.done("key", "check", "--json").object["key"] == done["key"]


def test_without_a_secret_nothing_is_rotated(cli: Cli) -> None:
    ran = cli("key", "rotate")

    assert (ran.code, ran.error) == (1, "there is no master key yet")
