"""What is wrong with file, folder or disk is told as an error of ours, and mended it is gone on with."""

import errno
import os
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from jirabot.core.ports import Transaction
from jirabot.errors import DatabaseUnusable, StorageUnavailable
from jirabot.storage import migrations
from jirabot.storage.engine import Database
from jirabot.storage.faults import file_fault
from tests.contract.test_stores.values import delivery, workspace
from tests.integration.test_storage.processes import run
from tests.integration.test_storage.test_database import connection_of, ids_in


def damage(path: Path) -> None:
    """Overwrite all but the head of the file."""
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(100)
        file.write(b"\xa5" * (size - 100))


def strip(path: Path) -> None:
    path.unlink()


def hollow(path: Path) -> None:
    path.write_bytes(b"")


def garble(path: Path) -> None:
    path.write_bytes(b"These are the notes of a meeting. " * 100)


def change(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def another(path: Path) -> None:
    path.unlink()
    change(path, "CREATE TABLE recipes (name TEXT)")


def newer(path: Path) -> None:
    change(path, "UPDATE alembic_version SET version_num = '9999'")


def unmarked(path: Path) -> None:
    change(path, "DELETE FROM alembic_version")


@pytest.mark.parametrize(
    ("spoil", "sentence", "hint"),
    [
        pytest.param(strip, "there is no database at `{}`", "run `jirabot db upgrade` to make it", id="no file"),
        pytest.param(hollow, "there is no database at `{}`", "run `jirabot db upgrade` to make it", id="empty file"),
        pytest.param(
            garble,
            "the file `{}` is not a database",
            "put a backup in its place with `jirabot db restore`, or choose another data folder",
            id="not a database",
        ),
        pytest.param(
            damage,
            "the file `{}` is damaged",
            "put a backup in its place with `jirabot db restore`, or choose another data folder",
            id="damaged",
        ),
        pytest.param(another, "the database `{}` is not jirabot's", "choose another data folder", id="another's"),
        pytest.param(unmarked, "the database `{}` is not jirabot's", "choose another data folder", id="of no revision"),
        pytest.param(
            newer,
            f"the database `{{}}` is of a newer version (`9999`) than this jirabot knows (`{migrations.HEAD}`)",
            "install the newer jirabot again, or restore a backup with `jirabot db restore`",
            id="newer",
        ),
    ],
)
def test_opening_tells_what_is_wrong_and_what_to_do(path: Path, spoil, sentence, hint):
    spoil(path)
    with pytest.raises(DatabaseUnusable) as told:
        Database.open(path)
    assert (told.value.message, told.value.hint) == (sentence.format(path), hint)


def test_opening_makes_nothing(tmp_path: Path):
    with pytest.raises(DatabaseUnusable):
        Database.open(tmp_path / "jirabot.db")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_in_its_place_is_told(tmp_path: Path):
    (tmp_path / "jirabot.db").mkdir()
    with pytest.raises(StorageUnavailable, match="the database can't be opened"):
        Database.open(tmp_path / "jirabot.db")


class TestGone:
    """What goes wrong once it is open."""

    async def test_a_file_that_vanished_is_told_and_not_made_anew(self, path: Path):
        async with Database.open(path) as database:
            strip(path)
            with pytest.raises(StorageUnavailable, match="the database can't be opened"):
                await database.record(delivery())
            with pytest.raises(StorageUnavailable, match="the database can't be opened"):
                await database.read(lambda tx: tx.workspaces.list())
        with pytest.raises(DatabaseUnusable, match="there is no database at"):
            Database.open(path)

    async def test_a_read_that_cannot_open_it_leaves_no_thread(self, path: Path):
        before = set(threading.enumerate())
        async with Database.open(path) as database:
            strip(path)
            with pytest.raises(StorageUnavailable):
                await database.read(lambda tx: tx.workspaces.list())
        left = set(threading.enumerate()) - before
        assert [thread.name for thread in left if not thread.name.startswith("asyncio_")] == []

    async def test_a_damaged_file_is_told(self, path: Path):
        async with Database.open(path) as database:
            damage(path)
            with pytest.raises(DatabaseUnusable, match="is damaged"):
                await database.record(delivery())
            with pytest.raises(DatabaseUnusable, match="is damaged"):
                await database.read(lambda tx: tx.workspaces.list())


class TestDiskFull:
    @pytest.fixture
    async def full(self, database: Database) -> Database:
        """A database that may not grow, as if the disk were full."""

        def stop_growing(tx: Transaction) -> None:
            connection = connection_of(tx)
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
            connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")

        await database.write(stop_growing)
        return database

    async def test_it_is_told_to_who_records(self, full: Database, path: Path):
        with pytest.raises(StorageUnavailable, match="the disk is full") as told:
            await full.record(delivery(body=bytes(200_000)))
        assert told.value.hint == "make room on that disk; nothing that was acknowledged is lost"
        assert ids_in(path) == []

    async def test_it_is_told_to_who_writes_and_nothing_of_the_change_stands(self, full: Database):
        def write(tx: Transaction) -> None:
            tx.workspaces.add(workspace("third"))
            tx.deliveries.record([delivery(body=bytes(200_000))])

        with pytest.raises(StorageUnavailable, match="the disk is full"):
            await full.write(write)
        assert [each.id for each in await full.read(lambda tx: tx.workspaces.list())] == ["ws", "other-ws"]

    async def test_what_is_stored_can_be_read(self, full: Database):
        with pytest.raises(StorageUnavailable):
            await full.record(delivery(body=bytes(200_000)))
        assert len(await full.read(lambda tx: tx.workspaces.list())) == 2

    async def test_with_room_again_it_goes_on(self, full: Database, path: Path):
        with pytest.raises(StorageUnavailable):
            await full.record(delivery("before", body=bytes(200_000)))
        await full.write(lambda tx: connection_of(tx).exec_driver_sql("PRAGMA max_page_count = 1000000"))
        await full.record(delivery("after", body=bytes(200_000)))
        assert ids_in(path) == ["after"]


TRIES = """
import asyncio, pathlib, sys
from jirabot.errors import JirabotError
from jirabot.storage import migrations
from jirabot.storage.engine import Database
from tests.contract.test_stores.values import delivery, workspace

async def main(path, what):
    if what == "make":
        migrations.upgrade(path)
        return
    async with Database.open(path) as database:
        if what == "record":
            await database.record(delivery(body=bytes(300_000)))
        else:
            await database.write(lambda tx: tx.workspaces.add(workspace()))

try:
    asyncio.run(main(pathlib.Path(sys.argv[1]), sys.argv[2]))
    print("done")
except JirabotError as error:
    print(error.code, error.message, sep=": ")
"""


class TestReadOnly:
    """Rights that are not given."""

    @pytest.mark.parametrize("what", ["record", "write"])
    def test_a_folder_that_cannot_be_written_is_told(self, path: Path, what):
        path.parent.chmod(0o500)
        told = run(TRIES, path, what, obedient=True)
        assert told == f"storage-unavailable: the database can't be written: `{path}`"

    def test_a_folder_that_cannot_be_written_gets_no_database(self, path: Path):
        path.unlink()
        path.parent.chmod(0o500)
        told = run(TRIES, path, "make", obedient=True)
        assert told == f"storage-unavailable: `{path.parent}` can't be used: Permission denied"

    @pytest.mark.parametrize("what", ["record", "write"])
    def test_a_file_that_cannot_be_written_is_told(self, path: Path, what):
        path.chmod(0o400)
        told = run(TRIES, path, what, obedient=True)
        assert told == f"storage-unavailable: the database can't be written: `{path}`"

    def test_a_spool_that_cannot_be_written_is_told(self, path: Path):
        path.with_name("spool").mkdir(mode=0o500)
        told = run(TRIES, path, "record", obedient=True)
        assert told == f"storage-unavailable: `{path.parent}/spool/d1.body` can't be used: Permission denied"
        assert ids_in(path) == []


@pytest.mark.parametrize(
    ("number", "cure"),
    [
        (errno.EACCES, "give the user that runs jirabot the right"),
        (errno.ENOENT, "make the folder"),
        (errno.EISDIR, "choose another place"),
        (errno.ENOSPC, "make room on that disk"),
        (errno.EROFS, "that disk can only be read"),
    ],
)
def test_what_cannot_be_used_has_its_cure(number: int, cure: str):
    told = file_fault(Path("/data/x"), OSError(number, os.strerror(number)))
    assert told.message == f"`/data/x` can't be used: {os.strerror(number)}"
    assert told.hint.startswith(cure)
