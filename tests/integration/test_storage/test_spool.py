"""Bodies that are too large for a row: a file each, on the disk before the row is, gone with what names them."""

import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest

from jirabot.core.ids import DeliveryId
from jirabot.errors import StorageUnavailable
from jirabot.storage.engine import Database
from tests.contract.test_stores.values import OTHER, WS, delivery
from tests.integration.test_storage.test_database import names

LARGE = bytes(range(256)) * 1024 + b"."
"""One byte more than a row holds."""


@pytest.fixture
def spool(path: Path) -> Path:
    """The folder of large bodies, which is not there before the first."""
    return path.with_name("spool")


def rows(path: Path) -> list[tuple[str, int | None, str | None]]:
    """Of each delivery its id, the size of the body in its row, and the file it names."""
    with closing(sqlite3.connect(path)) as other:
        return other.execute("SELECT id, length(body), spool FROM deliveries ORDER BY no").fetchall()


def rights(path: Path) -> int:
    return path.stat().st_mode & 0o777


async def body_of(database: Database, id: str = "d1") -> bytes | None:
    found = await database.read(lambda tx: tx.deliveries.request_of(DeliveryId(id)))
    return None if found is None else found.body


@pytest.mark.parametrize("way", ["record", "write"])
async def test_a_large_body_is_a_file_that_the_row_names(database: Database, path: Path, spool: Path, way):
    new = delivery(body=LARGE)
    await (database.record(new) if way == "record" else database.write(lambda tx: tx.deliveries.record([new])))
    assert rows(path) == [("d1", None, "d1.body")]
    assert (spool / "d1.body").read_bytes() == LARGE
    assert await body_of(database) == LARGE


async def test_a_body_of_256_kb_is_in_its_row(database: Database, path: Path, spool: Path):
    await database.record(delivery(body=LARGE[:-1]))
    assert rows(path) == [("d1", 262_144, None)]
    assert names(spool.parent) == ["jirabot.db", "jirabot.db-shm", "jirabot.db-wal"]


async def test_folder_and_file_are_their_owners_alone(database: Database, spool: Path):
    await database.record(delivery(body=LARGE))
    assert [rights(spool), rights(spool / "d1.body")] == [0o700, 0o600]


async def test_the_file_of_a_duplicate_is_removed(database: Database, spool: Path):
    await database.record(delivery("first", fingerprint="same", body=LARGE))
    told = await database.record(delivery("second", fingerprint="same", body=LARGE))
    assert (told.id, told.duplicate) == ("first", True)
    assert names(spool) == ["first.body"]


async def test_the_file_of_one_that_is_recorded_twice_stays(database: Database):
    for _ in range(2):
        await database.record(delivery(body=LARGE))
    assert await body_of(database) == LARGE


async def test_a_body_that_is_pruned_is_none(database: Database, spool: Path):
    await database.record(delivery(body=LARGE))
    (spool / "d1.body").unlink()
    assert await body_of(database) is None


async def test_it_may_be_another_folder(path: Path, tmp_path: Path):
    async with Database.open(path, spool=tmp_path / "large") as database:
        await database.record(delivery(body=LARGE))
    assert (tmp_path / "large" / "d1.body").read_bytes() == LARGE


@pytest.fixture
def refusing(spool: Path) -> Path:
    """A file where the folder should be."""
    spool.write_text("")
    return spool


async def test_where_the_folder_refuses_nothing_is_recorded(database: Database, path: Path, refusing: Path):
    with pytest.raises(StorageUnavailable, match=r"spool.* can't be used: File exists"):
        await database.record(delivery(body=LARGE))
    assert rows(path) == []
    await database.record(delivery("small"))
    assert rows(path) == [("small", 2, None)]


@pytest.fixture
def full(spool: Path) -> Path:
    """A folder on whose disk there is no room for the body of `d1`."""
    if sys.platform != "linux":
        pytest.skip("only Linux has /dev/full")
    spool.mkdir()
    (spool / "d1.body").symlink_to("/dev/full")
    return spool


async def test_where_the_disk_is_full_nothing_is_recorded_and_nothing_is_left(
    database: Database, path: Path, full: Path
):
    with pytest.raises(StorageUnavailable, match="No space left on device"):
        await database.record(delivery(body=LARGE))
    assert rows(path) == []
    assert names(full) == []


async def test_where_a_body_cannot_be_read_it_is_told(database: Database, spool: Path):
    await database.record(delivery(body=LARGE))
    (spool / "d1.body").unlink()
    (spool / "d1.body").mkdir()
    with pytest.raises(StorageUnavailable, match=r"d1\.body` can't be used: Is a directory"):
        await body_of(database)


async def test_with_a_workspace_go_the_files_of_its_bodies_and_no_others(database: Database, path: Path, spool: Path):
    await database.record(delivery("d1", body=LARGE))
    await database.record(delivery("d2", body=LARGE, workspace_id=OTHER))

    await database.write(lambda tx: tx.workspaces.remove(WS))

    assert rows(path) == [("d2", None, "d2.body")]
    assert names(spool) == ["d2.body"]


async def test_a_delivery_that_can_not_be_recorded_leaves_no_file(database: Database, path: Path, spool: Path):
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StorageUnavailable, match="is held by another process"):
            await database.record(delivery(body=LARGE))
    assert names(spool) == []
    await database.record(delivery(body=LARGE))
    assert names(spool) == ["d1.body"]
