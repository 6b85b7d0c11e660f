"""`db check`: each fault is found, with its cause and what to do; of a sound database nothing is said."""

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from jirabot.core.conversations import RunState, State
from jirabot.core.deliveries import DeliveryState
from jirabot.core.effects import EffectState
from jirabot.core.ids import WorkspaceId
from jirabot.core.ports import Transaction
from jirabot.storage.lock import DataFolderLock
from tests.contract.test_stores.values import delivery

from .conftest import Cli
from .states import add_conversation, add_delivery, add_effect, served, write

LARGE = b"{" + b" " * 300_000 + b"}"
LONG_AGO = 1_600_000_000
GONE = f"{2**22 + 1}-0abc"
"""The owner that a process would be whose number the system gives to none."""


def furnish(tx: Transaction, workspace_id: WorkspaceId) -> None:
    """Add one of everything in each state, and an event with a file for its body."""
    for state in DeliveryState:
        add_delivery(tx, workspace_id, state)
    for talk in State:
        add_conversation(tx, workspace_id, talk.value, talk, RunState.WAITING if talk is State.ACTIVE else None)
    for owed in EffectState:
        add_effect(tx, workspace_id, owed.value, owed, None)
    tx.deliveries.record([delivery("large", workspace_id=workspace_id, body=LARGE)])


@pytest.fixture
def furnished(cli: Cli) -> Cli:
    write(cli, partial(furnish, workspace_id=served(cli)))
    return cli


def change(cli: Cli, *statements: str, foreign_keys: bool = False) -> None:
    """Change the database behind the program's back."""
    with closing(sqlite3.connect(cli.data / "jirabot.db")) as driver, driver:
        driver.execute(f"PRAGMA foreign_keys = {foreign_keys}")
        for statement in statements:
            driver.execute(statement)


def old(path: Path) -> None:
    """Let a file or folder be from long ago."""
    os.utime(path, (LONG_AGO, LONG_AGO))


def test_of_a_sound_database_nothing_is_said(furnished: Cli) -> None:
    ran = furnished("db", "check", "--json")

    assert (ran.code, ran.out, ran.err) == (0, "", "all is well\n")


def test_without_a_database_there_is_no_fault_and_nothing_is_made(cli: Cli) -> None:
    ran = cli("db", "check")

    assert (ran.code, ran.out) == (0, "")
    assert ran.err == "there is no database yet: `jirabot db upgrade` makes it, as does the first command that writes\n"
    assert not cli.data.exists()


def of_an_index(cli: Cli) -> None:
    """Overwrite a page that an index begins with."""
    with closing(sqlite3.connect(cli.data / "jirabot.db")) as driver:
        (page,) = driver.execute("SELECT rootpage FROM sqlite_master WHERE name = 'outbox_conversation'").fetchone()
        driver.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with (cli.data / "jirabot.db").open("r+b") as file:
        file.seek((page - 1) * 4096)
        file.write(b"\xa5" * 4096)


def of_a_foreign_key(cli: Cli) -> None:
    change(cli, "DELETE FROM conversations WHERE id = 'completed'")


def of_no_foreign_key(cli: Cli) -> None:
    change(cli, "UPDATE deliveries SET workspace_id = 'nobody' WHERE id IN ('done', 'dead')")


def of_a_body(cli: Cli) -> None:
    cli.data.joinpath("spool", "large.body").unlink()


def of_a_file(cli: Cli) -> None:
    file = cli.data / "spool" / "nobody.body"
    file.write_bytes(LARGE)
    old(file)


def of_a_folder(cli: Cli) -> None:
    folder = cli.data / "conversations" / "nobody"
    folder.mkdir(parents=True)
    old(folder)


def of_a_secret(cli: Cli) -> None:
    change(cli, "UPDATE secrets SET ciphertext = x'00' WHERE place = 'api-key'")


def of_an_idle_lane(cli: Cli) -> None:
    change(cli, "UPDATE lanes SET state = 'idle' WHERE issue_id = 'RECEIVED'")


def of_a_missing_lane(cli: Cli) -> None:
    change(cli, "DELETE FROM lanes WHERE issue_id = 'WAITING'")


def of_a_lane_of_nobody(cli: Cli) -> None:
    until = "(SELECT max(received_at) FROM deliveries) + 86400000000"
    change(cli, f"UPDATE lanes SET state = 'leased', owner = '{GONE}', lease_until = {until} WHERE issue_id = '1'")


def of_a_run_of_nobody(cli: Cli) -> None:
    change(cli, f"UPDATE runs SET state = 'running', owner = '{GONE}', lease_until = 1 WHERE id = 'run-active'")


def of_a_setting(cli: Cli) -> None:
    change(cli, """UPDATE workspaces SET settings = '{"mode": "dry"}'""")


def of_an_audited_row(cli: Cli) -> None:
    change(cli, "DROP TRIGGER audit_no_update", "UPDATE audit SET by_name = 'nobody' WHERE no = 1")


@dataclass(frozen=True)
class Planted:
    """A fault, and what is said of it."""

    plant: Callable[[Cli], None]
    kind: str
    says: str
    fix: str


RESTORE = "`jirabot db restore"
PRUNE = "run `jirabot db prune`, which removes it"
SERVE = "run `jirabot serve`: it takes over what others have left"
WAKE = "stop and start the daemon: it wakes such lanes as it starts"
FAULTS = [
    Planted(of_an_index, "damaged", "is damaged", RESTORE),
    Planted(of_a_foreign_key, "dangling", "1 rows of `messages` name rows of `conversations` that are gone", RESTORE),
    Planted(of_no_foreign_key, "dangling", "2 rows of `deliveries` name rows of `workspaces` that are gone", RESTORE),
    Planted(of_a_body, "body-missing", "the body of event `large` is missing", "put it back into the folder `spool`"),
    Planted(of_a_file, "file-unnamed", "no event names the file `nobody.body` of a body", PRUNE),
    Planted(of_a_folder, "folder-unnamed", "the folder `conversations/nobody` is of no conversation", PRUNE),
    Planted(of_a_secret, "secret-sealed", "the secret `api-key` of `acme` does not open", "set each of them again"),
    Planted(of_an_idle_lane, "event-stranded", "event `received` waits, and nobody comes by", WAKE),
    Planted(of_a_missing_lane, "event-stranded", "event `waiting` waits, and nobody comes by", WAKE),
    Planted(of_a_lane_of_nobody, "lease-lost", f"the lane of issue `1` is held by the process `{GONE}`", SERVE),
    Planted(
        of_a_setting, "setting-refused", "does not take the value of its setting `mode`", "update acme --unset mode"
    ),
    Planted(of_an_audited_row, "audit-broken", "the audit: row 1 was changed", "compare it with a backup"),
    Planted(of_a_run_of_nobody, "lease-lost", f"the run `run-active` is held by the process `{GONE}`", SERVE),
]


@pytest.mark.parametrize("planted", [pytest.param(each, id=each.plant.__name__) for each in FAULTS])
def test_a_fault_is_found_with_its_cause_and_what_to_do(furnished: Cli, planted: Planted) -> None:
    planted.plant(furnished)

    ran = furnished("db", "check", "--json")

    assert ran.code == 1
    found = [each for each in ran.objects if planted.says in each["text"]]
    assert [each["fault"] for each in found[:1]] == [planted.kind]
    assert planted.fix in found[0]["fix"]
    assert {each["fault"] for each in ran.objects} == {planted.kind}


def test_all_faults_at_once_are_found(furnished: Cli) -> None:
    # Of a damaged file other questions may have no answer, so that it stands in no way of the others here.
    others = [each for each in FAULTS if each.kind != "damaged"]
    for each in others:
        each.plant(furnished)

    told = furnished("db", "check").out

    assert [each.says for each in others if each.says not in told] == []


def test_a_comment_that_is_stuck_beside_a_daemon_is_found(furnished: Cli) -> None:
    """One that nobody sends, and one of which it is not known for an hour whether it stands."""
    change(furnished, "UPDATE outbox SET due_at = 1 WHERE id = 'pending'")

    without = furnished("db", "check")
    with DataFolderLock(furnished.data):
        ran = furnished("db", "check", "--json")

    assert without.code == 0, "it waits for a daemon"
    assert ran.code == 1
    assert [each["fault"] for each in ran.objects] == ["comment-stuck"] * 2
    assert ["`pending`" in ran.objects[0]["text"], "`sending`" in ran.objects[1]["text"]] == [True, True]


def test_a_master_key_that_is_another_is_a_fault(furnished: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JIRABOT_MASTER_KEY", "YW5vdGhlci1rZXktZm9yLXRlc3RzLW9ubHktMzJieXQ=")

    ran = furnished("db", "check", "--json")

    assert (ran.code, [each["fault"] for each in ran.objects]) == (1, ["secret-sealed"])


def test_what_prune_can_mend_it_mends(furnished: Cli) -> None:
    of_a_file(furnished)
    of_a_folder(furnished)

    furnished.done("db", "prune", "--yes")

    assert furnished("db", "check").code == 0


def test_a_lane_that_slept_is_woken_by_the_next_daemon(furnished: Cli) -> None:
    of_an_idle_lane(furnished)
    of_a_missing_lane(furnished)

    write(furnished, lambda tx: tx.soundness.wake_stranded())

    assert furnished("db", "check").code == 0


def test_a_file_that_is_no_database_is_a_fault(furnished: Cli) -> None:
    furnished.data.joinpath("jirabot.db").write_text("These are the notes of a meeting. " * 100)

    ran = furnished("db", "check", "--json")

    assert (ran.code, ran.object["fault"]) == (1, "damaged")
    assert "is not a database" in ran.object["text"]


@pytest.mark.parametrize(
    ("version", "says", "fix"),
    [
        ("0006", "is of an earlier version (`0006`)", "run `jirabot db upgrade`"),
        ("9999", "is of a newer version (`9999`) than this jirabot knows", "install the newer jirabot again"),
    ],
)
def test_a_database_of_another_version_is_not_called_damaged(furnished: Cli, version: str, says: str, fix: str) -> None:
    change(furnished, f"UPDATE alembic_version SET version_num = '{version}'")

    ran = furnished("db", "check", "--json")

    assert (ran.code, ran.object["fault"]) == (1, "other-version")
    assert says in ran.object["text"]
    assert fix in ran.object["fix"]


def test_an_empty_file_is_no_damaged_database(cli: Cli) -> None:
    cli.data.mkdir()
    cli.data.joinpath("jirabot.db").touch()

    ran = cli("db", "check", "--json")

    assert (ran.code, ran.object["fault"]) == (1, "missing")
    assert ran.object["fix"] == "run `jirabot db upgrade` to make it"
