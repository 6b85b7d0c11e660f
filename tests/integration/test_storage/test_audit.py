"""The audit in a SQLite file: nothing of it is changed or removed, two processes write it, and a backup has it."""

import multiprocessing
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from jirabot.core.audit import Act, Broken, How, examine
from jirabot.core.ports import Transaction
from jirabot.storage import audit, backups
from jirabot.storage.engine import Database
from jirabot.storage.spool import Spool
from tests.contract.test_stores.values import NOW, entry, seed
from tests.templates import copy_database

FORK = multiprocessing.get_context("spawn")


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    """A database with five rows of audit."""
    path = tmp_path / "jirabot.db"
    copy_database(path)
    async with Database.open(path) as database:
        await database.write(seed)
        for _ in range(5):
            await database.write(lambda tx: tx.audit.append(entry()))
    return path


def broken(tx: Transaction) -> tuple[Broken, ...]:
    return examine(tx.audit.rows(limit=999), tx.audit.head()).broken


@pytest.mark.parametrize("statement", ["UPDATE audit SET subject = 'x' WHERE no = 3", "DELETE FROM audit WHERE no = 3"])
def test_the_schema_refuses_to_change_and_to_remove(path: Path, statement):
    with closing(sqlite3.connect(path)) as connection:
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            connection.execute(statement)
        assert connection.execute("SELECT count(*) FROM audit").fetchone() == (5,)


@pytest.mark.parametrize(
    ("statement", "how"),
    [
        pytest.param("UPDATE audit SET facts = 'no JSON' WHERE no = 3", How.CHANGED, id="changed"),
        pytest.param("UPDATE audit SET at = 'yesterday' WHERE no = 3", How.CHANGED, id="of another type"),
        pytest.param("DELETE FROM audit WHERE no = 3", How.REMOVED, id="removed"),
        pytest.param("DELETE FROM audit WHERE no >= 3", How.CUT_OFF, id="cut off"),
    ],
)
async def test_what_was_done_past_the_schema_is_named(path: Path, statement, how):
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DROP TRIGGER audit_no_update")
        connection.execute("DROP TRIGGER audit_no_delete")
        connection.execute(statement)
    async with Database.open(path) as database:
        assert [(each.no, each.how) for each in await database.read(broken)] == [(3, how)]


def _append(path: Path) -> None:
    for _ in range(50):
        audit.append_to(path, entry(Act.RUN_STARTED))


async def test_processes_beside_each_other_write_one_chain(path: Path):
    """Whoever reads the head holds the lock already, so that no number is given twice."""
    others = [FORK.Process(target=_append, args=(path,)) for _ in range(2)]
    for other in others:
        other.start()
    async with Database.open(path) as database:
        for _ in range(50):
            await database.write(lambda tx: tx.audit.append(entry()))
        for other in others:
            other.join(60)
        assert [other.exitcode for other in others] == [0, 0]
        assert await database.read(broken) == ()
        head = await database.read(lambda tx: tx.audit.head())
    assert head is not None
    assert head.no == 155


async def test_a_backup_has_the_chain_and_its_restore_goes_on_with_it(path: Path, tmp_path: Path):
    spool, file, place = Spool(tmp_path / "spool"), tmp_path / "kept.db", tmp_path / "new" / "jirabot.db"
    place.parent.mkdir()
    backups.make(path, file, spool=spool, now=NOW)
    backups.restore(file, place, spool=spool, entry=entry(Act.DATABASE_RESTORED, subject=file.name))
    async with Database.open(place) as database:
        assert await database.read(broken) == ()
        rows = await database.read(lambda tx: tx.audit.rows(limit=99))
    assert [row.act for row in rows] == ["user.linked"] * 5 + ["database.restored"]
