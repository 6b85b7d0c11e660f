"""An upgrade takes all steps that are missing or none, after a copy of what was there."""

import re
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from jirabot.core.ids import ConversationId
from jirabot.core.ports import Transaction
from jirabot.errors import DatabaseUnusable, StorageUnavailable
from jirabot.storage import migrations
from jirabot.storage.engine import Database
from jirabot.storage.migrations import steps
from tests.contract.test_stores.test_storage import contents, fill
from tests.contract.test_stores.values import seed

NEXT = """
import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = "{head}"


def upgrade() -> None:
    op.add_column("workspaces", sa.Column("colour", sa.Text, nullable=False, server_default="blue"))
    op.execute("UPDATE workspaces SET colour = 'red' WHERE id = 'ws'")
    {rest}
"""
"""A step that a later release might have."""

LATER = "next"
KNOWN = (*migrations.REVISIONS, LATER)
COPY = f"jirabot.db.{migrations.HEAD}.backup"
SCHEMAS = Path(__file__).parent.parent / "data" / "schemas"
"""Of each schema that a release had: a database with something in every table, as statements."""


def next_step(rest: str) -> str:
    return NEXT.format(revision=LATER, head=migrations.HEAD, rest=rest)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A database of this version that holds nothing."""
    path = tmp_path / "jirabot.db"
    migrations.upgrade(path)
    return path


@pytest.fixture
async def filled(path: Path) -> Path:
    """The same with something in every store."""

    def change(tx: Transaction) -> None:
        seed(tx)
        fill(tx)

    async with Database.open(path) as database:
        await database.write(change)
    return path


@pytest.fixture
def ladder(tmp_path: Path) -> Callable[[str], Path]:
    """Make a folder that has our steps and one more, which ends with a line of its own."""

    def make(rest: str = "pass") -> Path:
        folder = tmp_path / "ladder"
        shutil.copytree(migrations.FOLDER, folder, ignore=shutil.ignore_patterns("__pycache__"))
        (folder / "versions" / "next_add_colour.py").write_text(next_step(rest))
        return folder

    return make


def dump(path: Path) -> list[str]:
    """All that a database holds, as statements."""
    with closing(sqlite3.connect(path)) as connection:
        return list(connection.iterdump())


def ask(path: Path, query: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchall()


def rights(path: Path) -> int:
    return path.stat().st_mode & 0o777


def put_back(copy: Path, path: Path) -> None:
    copy.replace(path)


def clutter(path: Path) -> None:
    path.write_text("something else")


class TestMaking:
    def test_where_there_is_none_it_is_made(self, tmp_path: Path):
        path = tmp_path / "data" / "deep" / "jirabot.db"
        assert migrations.current(path) is None
        assert migrations.upgrade(path) is None
        assert migrations.current(path) == migrations.HEAD

    def test_folder_and_file_are_their_owners_alone(self, tmp_path: Path):
        path = tmp_path / "data" / "jirabot.db"
        migrations.upgrade(path)
        assert (path.parent.stat().st_mode & 0o777, path.stat().st_mode & 0o777) == (0o700, 0o600)

    def test_an_empty_file_is_taken_for_none(self, tmp_path: Path):
        path = tmp_path / "jirabot.db"
        path.touch()
        assert migrations.upgrade(path) is None
        assert migrations.current(path) == migrations.HEAD

    def test_it_leaves_nothing_beside(self, path: Path):
        assert [each.name for each in path.parent.iterdir()] == ["jirabot.db"]

    def test_readers_and_the_writer_will_not_wait_for_each_other(self, path: Path):
        assert ask(path, "PRAGMA journal_mode") == [("wal",)]

    def test_at_the_newest_revision_nothing_is_done(self, path: Path):
        before = dump(path)
        assert migrations.upgrade(path) is None
        assert dump(path) == before
        assert [each.name for each in path.parent.iterdir()] == ["jirabot.db"]


class TestUpgrading:
    async def test_rows_of_before_are_kept_and_changed_as_the_step_says(self, filled: Path, ladder):
        migrations.upgrade(filled, known=KNOWN, steps=ladder())
        assert migrations.current(filled, known=KNOWN) == LATER
        colours = ask(filled, "SELECT id, colour FROM workspaces ORDER BY id")
        assert colours == [("other-ws", "blue"), ("third", "blue"), ("ws", "red")]
        assert ask(filled, "SELECT count(*) FROM outbox") == [(1,)]

    async def test_what_was_there_is_copied_beside_it_first(self, filled: Path, ladder):
        before = dump(filled)
        copy = migrations.upgrade(filled, known=KNOWN, steps=ladder())
        assert copy == filled.with_name(COPY)
        assert dump(copy) == before
        assert rights(copy) == 0o600

    async def test_the_copy_can_be_put_back(self, filled: Path, ladder):
        copy = migrations.upgrade(filled, known=KNOWN, steps=ladder())
        assert copy is not None
        put_back(copy, filled)
        async with Database.open(filled) as database:
            assert await database.read(contents) == [True] * 13

    async def test_the_copy_has_what_was_not_yet_in_the_file_itself(self, path: Path, ladder):
        with closing(sqlite3.connect(path)) as other:
            other.execute("INSERT INTO users VALUES ('u', 'ada', 0)")
            other.commit()  # it stands in the log as long as this connection is open
            copy = migrations.upgrade(path, known=KNOWN, steps=ladder())
        assert copy is not None
        assert ask(copy, "SELECT name FROM users") == [("ada",)]

    async def test_an_older_copy_or_a_half_one_is_no_hindrance(self, filled: Path, ladder):
        clutter(filled.with_name(COPY))
        clutter(filled.with_name(f"{COPY}.part"))
        copy = migrations.upgrade(filled, known=KNOWN, steps=ladder())
        assert copy is not None
        assert ask(copy, "SELECT count(*) FROM workspaces") == [(3,)]
        assert not any(each.name.endswith(".part") for each in filled.parent.iterdir())

    async def test_where_no_copy_can_be_made_nothing_is_done(self, filled: Path, ladder):
        before = dump(filled)
        filled.with_name(COPY).mkdir()
        with pytest.raises(StorageUnavailable, match=rf"{re.escape(COPY)}` can't be used: Is a directory"):
            migrations.upgrade(filled, known=KNOWN, steps=ladder())
        assert dump(filled) == before

    def test_two_steps_are_taken_at_once_where_there_is_no_database(self, tmp_path: Path, ladder):
        path = tmp_path / "new" / "jirabot.db"
        assert migrations.upgrade(path, known=KNOWN, steps=ladder()) is None
        assert migrations.current(path, known=KNOWN) == LATER


class TestFailing:
    @pytest.mark.parametrize(
        ("rest", "error"),
        [
            pytest.param('raise LookupError("on purpose")', LookupError, id="raises"),
            pytest.param('op.execute("SELECT nothing FROM nowhere")', StorageUnavailable, id="asks for nonsense"),
            pytest.param("op.execute(\"DELETE FROM workspaces WHERE id = 'ws'\")", DatabaseUnusable, id="orphans rows"),
        ],
    )
    async def test_a_step_that_fails_leaves_everything_as_it_was(self, filled: Path, ladder, rest, error):
        before = dump(filled)
        with pytest.raises(error):
            migrations.upgrade(filled, known=KNOWN, steps=ladder(rest))
        assert dump(filled) == before
        async with Database.open(filled) as database:
            assert await database.read(contents) == [True] * 13

    async def test_it_can_be_taken_again_once_it_is_mended(self, filled: Path, ladder):
        folder = ladder("raise LookupError")
        with pytest.raises(LookupError):
            steps.take(filled, steps=folder)
        (step,) = folder.glob("versions/next*")
        step.write_text(next_step("pass"))
        steps.take(filled, steps=folder)
        assert migrations.current(filled, known=KNOWN) == LATER

    def test_where_the_first_fails_there_is_no_database(self, tmp_path: Path, ladder):
        path = tmp_path / "new" / "jirabot.db"
        with pytest.raises(LookupError):
            migrations.upgrade(path, known=KNOWN, steps=ladder("raise LookupError"))
        assert migrations.current(path, known=KNOWN) is None
        assert migrations.upgrade(path) is None


class TestRefusing:
    """What is not an earlier version of ours is left alone."""

    async def test_a_newer_one(self, filled: Path, ladder):
        migrations.upgrade(filled, known=KNOWN, steps=ladder())
        before = dump(filled)
        with pytest.raises(DatabaseUnusable) as told:
            migrations.upgrade(filled)
        assert told.value.message == (
            f"the database `{filled}` is of a newer version (`{LATER}`) than this jirabot knows (`{migrations.HEAD}`)"
        )
        assert dump(filled) == before

    def test_anothers(self, tmp_path: Path):
        path = tmp_path / "recipes.db"
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("CREATE TABLE recipes (name TEXT)")
        before = dump(path)
        with pytest.raises(DatabaseUnusable, match="is not jirabot's"):
            migrations.upgrade(path)
        assert dump(path) == before

    def test_no_database(self, tmp_path: Path):
        path = tmp_path / "notes.txt"
        path.write_text("These are the notes of a meeting. " * 100)
        with pytest.raises(DatabaseUnusable, match="is not a database"):
            migrations.upgrade(path)
        assert path.read_text() == "These are the notes of a meeting. " * 100


class TestFromEverySchema:
    """Each step is taken over rows that the release before has written."""

    @pytest.mark.parametrize("revision", migrations.REVISIONS[:-1])
    async def test_what_was_written_then_is_read_now(self, tmp_path: Path, revision):
        path = tmp_path / "jirabot.db"
        with closing(sqlite3.connect(path)) as connection:
            connection.executescript((SCHEMAS / f"{revision}.sql").read_text())

        assert migrations.upgrade(path) == path.with_name(f"jirabot.db.{revision}.backup")

        async with Database.open(path) as database:
            assert await database.read(contents) == [True] * 13
            runs = await database.read(lambda tx: tx.conversations.runs(ConversationId("c1")))
        assert ask(path, "PRAGMA integrity_check") == [("ok",)]
        assert ask(path, "PRAGMA foreign_key_check") == []
        assert [run.id for run in runs] == ["r1"]

    @pytest.mark.parametrize("revision", [each for each in migrations.REVISIONS if each < "0005"])
    async def test_who_took_part_in_conversations_then_still_does(self, tmp_path: Path, revision):
        path = tmp_path / "jirabot.db"
        with closing(sqlite3.connect(path)) as connection:
            connection.executescript((SCHEMAS / f"{revision}.sql").read_text())
            connection.execute("""UPDATE messages SET author = '{"id": "writer"}'""")
            connection.commit()

        migrations.upgrade(path)

        found = ask(path, "SELECT workspace_id, account_id, conversation_id FROM participants ORDER BY account_id")
        assert found == [("ws", "ada-id", "c1"), ("ws", "writer", "c1")]

    def test_rows_are_kept_of_every_schema_before_this(self):
        assert sorted(each.stem for each in SCHEMAS.glob("*.sql")) == list(migrations.REVISIONS[:-1])
