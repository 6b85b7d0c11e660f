"""`db backup|restore`: one file with everything that is needed, put back whole, and what was there is kept."""

import asyncio
import contextlib
import shutil
import sqlite3
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from jirabot.core.deliveries import DeliveryState
from jirabot.core.effects import EffectState
from jirabot.core.ids import WorkspaceId
from jirabot.core.ports import Transaction
from jirabot.storage import migrations
from jirabot.storage.engine import Database
from jirabot.storage.lock import DataFolderLock
from tests.contract.test_stores.values import delivery
from tests.integration.test_storage.processes import line_of, start

from .conftest import Cli
from .states import add_delivery, add_effect, served, write

LARGE = b'{"of": "' + b"x" * 300_000 + b'"}'
SCHEMAS = Path(__file__).parents[2] / "data" / "schemas"


def add_large(tx: Transaction, workspace_id: WorkspaceId) -> None:
    """Add an event whose body is too large for its row."""
    tx.deliveries.record([delivery("large", workspace_id=workspace_id, body=LARGE)])


@pytest.fixture
def furnished(cli: Cli) -> Cli:
    """A data folder with an event in each state, one of them with a file for its body."""
    workspace_id = served(cli)

    def change(tx: Transaction) -> None:
        for state in DeliveryState:
            add_delivery(tx, workspace_id, state)
        add_large(tx, workspace_id)

    write(cli, change)
    return cli


def listed(cli: Cli) -> dict[str, str]:
    """The events and their states."""
    return {each["id"]: each["state"] for each in cli.done("event", "list", "--json").objects}


def raw(cli: Cli, id_: str) -> str:
    body: str = cli.done("event", "show", id_, "--raw").object["body"]
    return body


def rows(path: Path, question: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as driver:
        return driver.execute(question).fetchall()


class TestBackup:
    def test_it_is_one_file_for_its_owner_alone(self, furnished: Cli) -> None:
        file = furnished.folder / "kept.db"
        ran = furnished.done("db", "backup", file, "--json")

        shown = ran.object
        assert (shown["file"], shown["schema"], shown["bytes"]) == (str(file), migrations.HEAD, file.stat().st_size)
        assert file.stat().st_mode & 0o777 == 0o600
        assert sorted(path.name for path in furnished.folder.glob("kept*")) == ["kept.db"]
        assert rows(file, "PRAGMA journal_mode") == [("delete",)]

    def test_it_says_that_the_master_key_is_not_in_it(self, furnished: Cli) -> None:
        ran = furnished.done("db", "backup", "--json")

        assert (ran.object["key"], ran.object["key_source"]) == ("64e28ec0a4f548ee", "JIRABOT_MASTER_KEY")
        assert ran.err == (
            "the master key `64e28ec0a4f548ee` is not in it: it comes from JIRABOT_MASTER_KEY; keep a copy of it, and "
            "not beside the backup: its secrets open with nothing else\n"
        )

    def test_without_a_name_it_is_named_by_the_time(self, furnished: Cli) -> None:
        made = Path(furnished.done("db", "backup", "--json").object["file"])

        assert made.parent == furnished.folder
        assert made.name.startswith(f"jirabot-{datetime.now(UTC):%Y%m%d}-")  # noqa: TID251 - commands run by it

    def test_nothing_is_overwritten(self, furnished: Cli) -> None:
        file = furnished.file("kept.db", "dear to somebody")
        ran = furnished("db", "backup", file)

        assert (ran.code, ran.error) == (1, f"there is a file `{file}` already")
        assert file.read_text() == "dear to somebody"
        assert not furnished.folder.joinpath("kept.db.part").exists()

    def test_without_a_database_there_is_none(self, cli: Cli) -> None:
        ran = cli("db", "backup", "kept.db")

        assert (ran.code, ran.error) == (1, f"there is no database at `{cli.data / 'jirabot.db'}`")
        assert not cli.data.exists()

    def test_of_a_damaged_database_there_is_none(self, furnished: Cli) -> None:
        damage(furnished.data / "jirabot.db")
        ran = furnished("db", "backup", "kept.db")

        assert ran.code == 1
        assert "is damaged" in ran.error
        assert list(furnished.folder.glob("kept*")) == []

    def test_a_body_that_is_missing_and_needed_is_told(self, furnished: Cli) -> None:
        furnished.data.joinpath("spool", "large.body").unlink()
        ran = furnished.done("db", "backup", "kept.db")

        assert "the bodies of 1 events are missing" in ran.err

    def test_while_others_write_it_holds_one_moment(self, furnished: Cli) -> None:
        with writing(furnished.data / "jirabot.db") as recorded:
            before = len(recorded)
            furnished.done("db", "backup", "kept.db")
            after = len(recorded)

        file = furnished.folder / "kept.db"
        numbers = [
            int(str(id_).removeprefix("written-"))
            for (id_,) in rows(file, "SELECT id FROM deliveries WHERE id LIKE 'written-%' ORDER BY no")
        ]
        assert numbers == list(range(len(numbers)))
        assert before <= len(numbers) <= after + 1
        assert rows(file, "PRAGMA integrity_check") == [("ok",)]


def damage(database: Path) -> None:
    """Overwrite all but the first page."""
    with closing(sqlite3.connect(database)) as driver:
        driver.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content = database.read_bytes()
    database.write_bytes(content[:4096] + b"\xa5" * (len(content) - 4096))


@contextmanager
def writing(path: Path) -> Iterator[list[str]]:
    """Record one delivery after the other, as a daemon does; gives what is recorded."""
    recorded: list[str] = []
    ending, begun = threading.Event(), threading.Event()

    async def main() -> None:
        async with Database.open(path) as database:
            while not ending.is_set():
                new = delivery(f"written-{len(recorded)}", body=bytes(20_000))
                recorded.append((await database.record(new)).id)
                begun.set()

    thread = threading.Thread(target=lambda: asyncio.run(main()))
    thread.start()
    assert begun.wait(10)
    try:
        yield recorded
    finally:
        ending.set()
        thread.join(10)


@pytest.fixture
def backup(furnished: Cli) -> Path:
    """A backup; since then an event was discarded and a workspace added."""
    file = furnished.folder / "kept.db"
    furnished.done("db", "backup", file)
    furnished.done("event", "discard", "dead")
    return file


class TestRestore:
    def test_all_is_as_it_was_bodies_included(self, furnished: Cli, backup: Path) -> None:
        furnished.data.joinpath("spool", "large.body").unlink()
        ran = furnished.done("db", "restore", backup, "--yes", "--json")

        assert (ran.object["before"], ran.object["now"]) == (migrations.HEAD, migrations.HEAD)
        assert listed(furnished) == {**{state.value: state.value for state in DeliveryState}, "large": "received"}
        assert raw(furnished, "large") == LARGE.decode()
        assert furnished.done("key", "check", "--json").object["secrets"] == 2
        assert rows(furnished.data / "jirabot.db", "SELECT * FROM meta WHERE key LIKE 'backup%'") == []

    def test_what_was_there_is_kept_and_can_be_put_back(self, furnished: Cli, backup: Path) -> None:
        kept = furnished.done("db", "restore", backup, "--yes", "--json").object["kept"]
        assert Path(kept).parent == furnished.data
        furnished.data.joinpath("spool", "large.body").unlink()

        furnished.done("db", "restore", kept, "--yes")

        assert listed(furnished)["dead"] == "discarded"
        assert raw(furnished, "large") == LARGE.decode()

    def test_into_an_empty_folder(self, furnished: Cli, backup: Path) -> None:
        furnished.data = furnished.folder / "other"
        ran = furnished.done("db", "restore", backup, "--yes", "--json")

        assert ran.object["kept"] is None
        assert listed(furnished)["dead"] == "dead"
        assert furnished.data.joinpath("jirabot.db").stat().st_mode & 0o777 == 0o600

    def test_a_damaged_database_makes_room_too_and_is_kept(self, furnished: Cli, backup: Path) -> None:
        database = furnished.data / "jirabot.db"
        damage(database)
        spoilt = database.read_bytes()

        kept = furnished.done("db", "restore", backup, "--yes", "--json").object["kept"]

        assert listed(furnished)["dead"] == "dead"
        assert Path(kept).read_bytes() == spoilt

    def test_one_of_an_earlier_schema_is_brought_up(self, cli: Cli) -> None:
        file = cli.folder / "old.db"
        with closing(sqlite3.connect(file)) as driver:
            driver.executescript(SCHEMAS.joinpath("0001.sql").read_text())
        before = file.read_bytes()

        ran = cli.done("db", "restore", file, "--yes", "--json")

        assert (ran.object["before"], ran.object["now"]) == ("0001", migrations.HEAD)
        assert cli.done("db", "current", "--json").object["up_to_date"] is True
        assert file.read_bytes() == before

    def test_without_a_terminal_it_is_refused(self, furnished: Cli, backup: Path) -> None:
        ran = furnished("db", "restore", backup)

        assert (ran.code, ran.out) == (4, "")
        assert listed(furnished)["dead"] == "discarded"

    def test_while_a_daemon_holds_the_folder_it_is_refused(self, furnished: Cli, backup: Path) -> None:
        with DataFolderLock(furnished.data):
            ran = furnished("db", "restore", backup, "--yes")

        assert ran.code == 1
        assert "holds the data folder" in ran.error
        assert listed(furnished)["dead"] == "discarded"

    def test_while_another_process_uses_the_database_it_is_refused(self, furnished: Cli, backup: Path) -> None:
        with start(READS, furnished.data / "jirabot.db") as process:
            assert line_of(process) == "reads"
            ran = furnished("db", "restore", backup, "--yes")
            process.communicate("", timeout=30)

        assert (ran.code, "is held by another process" in ran.error) == (1, True)
        assert listed(furnished)["dead"] == "discarded"
        assert list(furnished.data.glob("*restor*")) == []

    def test_what_was_owed_is_looked_for_before_it_is_posted(self, furnished: Cli, backup: Path) -> None:
        ((workspace_id,),) = rows(furnished.data / "jirabot.db", "SELECT id FROM workspaces")
        owed = partial(add_effect, workspace_id=WorkspaceId(str(workspace_id)), name="owed", does=None)
        write(furnished, partial(owed, state=EffectState.PENDING))
        file = furnished.folder / "owed.db"
        furnished.done("db", "backup", file)

        furnished.done("db", "restore", file, "--yes")

        ((state, sent_at),) = rows(furnished.data / "jirabot.db", "SELECT state, sent_at FROM outbox")
        assert state == "sending"
        age = datetime.now(UTC) - datetime.fromtimestamp(int(str(sent_at)) / 1e6, UTC)  # noqa: TID251
        assert timedelta() < age < timedelta(minutes=1), "it is looked for among the comments made since"


READS = """
import sqlite3, sys
driver = sqlite3.connect(sys.argv[1], isolation_level=None)
driver.execute("BEGIN")
driver.execute("SELECT count(*) FROM deliveries").fetchone()
print("reads", flush=True)
sys.stdin.read()
"""


def _nothing(file: Path) -> None:
    file.write_bytes(b"")


def _text(file: Path) -> None:
    file.write_text("These are the notes of a meeting. " * 100)


def _of_another(file: Path) -> None:
    file.unlink()
    with closing(sqlite3.connect(file)) as driver:
        driver.execute("CREATE TABLE recipes (name)")
        driver.commit()


def _newer(file: Path) -> None:
    with closing(sqlite3.connect(file)) as driver:
        driver.execute("UPDATE alembic_version SET version_num = '9999'")
        driver.commit()


def _dangling(file: Path) -> None:
    with closing(sqlite3.connect(file)) as driver:
        driver.execute("DELETE FROM workspaces")
        driver.commit()


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        pytest.param(_nothing, "holds no database", id="empty"),
        pytest.param(_text, "is not a database", id="text"),
        pytest.param(damage, "is damaged", id="damaged"),
        pytest.param(_of_another, "is not jirabot's", id="another's"),
        pytest.param(_newer, "is of a newer version (`9999`)", id="newer"),
        pytest.param(_dangling, "has rows that refer to nothing", id="dangling"),
    ],
)
def test_a_file_that_can_not_be_used_is_told_and_nothing_is_changed(
    furnished: Cli, backup: Path, spoil: Callable[[Path], None], says: str
) -> None:
    spoil(backup)
    before = furnished.data.joinpath("jirabot.db").read_bytes()
    names = sorted(path.name for path in furnished.data.iterdir())

    ran = furnished("db", "restore", backup, "--yes")

    assert (ran.code, ran.out) == (1, "")
    assert f"`{backup}` {says}" in ran.error
    assert ".restoring" not in ran.err
    assert furnished.data.joinpath("jirabot.db").read_bytes() == before
    assert {*names, "daemon.lock"} == {path.name for path in furnished.data.iterdir()} | {"daemon.lock"}


def test_a_file_that_is_not_there_is_told(furnished: Cli) -> None:
    ran = furnished("db", "restore", "none.db", "--yes")

    assert (ran.code, ran.error) == (2, f"there is no file `{furnished.folder / 'none.db'}`")


def test_on_a_disk_that_is_too_small_nothing_is_changed(furnished: Cli, backup: Path) -> None:
    small = furnished.folder / "small"
    small.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(small)]
    if shutil.which("mount") is None or subprocess.run(mount, check=False).returncode:
        pytest.skip("no small disk can be mounted here")
    try:
        furnished.data = small / "data"
        furnished.done("db", "upgrade")
        before = sorted(path.name for path in furnished.data.iterdir())

        ran = furnished("db", "restore", backup, "--yes")

        assert ran.code == 1
        assert "No space left on device" in ran.error or "the disk is full" in ran.error
        assert sorted(path.name for path in furnished.data.iterdir()) == before
        assert furnished("db", "check").code == 0
        assert "Nothing can be written: the disk is full" in furnished.done("status").out
    finally:
        subprocess.run(["umount", "--lazy", str(small)], check=True)


RESTORES = """
import sys
from jirabot.cli.main import main
print("begins", flush=True)
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.slow
def test_killed_at_any_moment_the_database_is_the_old_or_the_new(furnished: Cli, backup: Path) -> None:
    seen: list[str] = []
    while seen.count("dead") < 3:
        with start(RESTORES, "--data-dir", furnished.data, "db", "restore", backup, "--yes") as process:
            assert line_of(process) == "begins"
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(0.08 * len(seen))
            process.kill()

        found = listed(furnished)
        assert set(found) == {*(state.value for state in DeliveryState), "large"}
        seen.append(found["dead"])
        assert furnished("db", "check").code == 0
        furnished("event", "discard", "dead")
    assert seen[0] == "discarded", "the first was killed before it had begun"
