"""A sweep leaves nothing in the files of what was removed, however the library was built."""

import sqlite3
from contextlib import closing
from pathlib import Path

from jirabot.storage.engine import Database
from tests.templates import copy_database

CANARY = b"canary-of-a-person"


def holding(folder: Path) -> list[str]:
    return [file.name for file in folder.iterdir() if file.is_file() and CANARY in file.read_bytes()]


async def test_what_was_removed_is_in_no_page_and_not_in_the_log(tmp_path: Path) -> None:
    path = tmp_path / "jirabot.db"
    copy_database(path)
    with closing(sqlite3.connect(path)) as other, other:
        other.execute("PRAGMA secure_delete = OFF")
        rows = [(str(number), CANARY.decode() * 50) for number in range(100)]
        other.executemany("INSERT INTO meta (key, value) VALUES (?, ?)", rows)
        other.commit()
        other.execute("DELETE FROM meta WHERE length(value) > 500")
    assert CANARY in path.read_bytes()

    async with Database.open(path) as database:
        assert await database.sweep()
        assert holding(tmp_path) == []
