"""Runs Alembic's steps on a file, in one transaction."""

import sqlite3
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, NullPool, create_engine, event

from jirabot.errors import DatabaseUnusable
from jirabot.storage.faults import file_fault, translated
from jirabot.storage.migrations import FOLDER


def take(path: Path, *, steps: Path = FOLDER) -> None:
    """Take every step that is missing, up to the newest; all of them stand when this returns, or none.

    Raises:
        StorageUnavailable: the folder or disk refuses.
        DatabaseUnusable: rows would be left that refer to nothing.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)
    except OSError as error:
        raise file_fault(path.parent, error) from error
    with translated(path), _engine(path).connect() as connection, connection.begin():
        configuration = _configuration(steps)
        configuration.attributes["connection"] = connection
        command.upgrade(configuration, "head")
        if connection.exec_driver_sql("PRAGMA foreign_key_check").first():
            raise DatabaseUnusable(f"the steps would leave rows in `{path}` that refer to nothing")


def revisions(*, steps: Path = FOLDER) -> list[str]:
    """List the revisions that Alembic finds, the oldest first."""
    script = ScriptDirectory.from_config(_configuration(steps))
    return [revision.revision for revision in script.walk_revisions()][::-1]


def _configuration(steps: Path) -> Config:
    configuration = Config()
    configuration.set_main_option("script_location", str(steps).replace("%", "%%"))
    return configuration


def _engine(path: Path) -> Engine:
    def connect() -> sqlite3.Connection:
        driver = sqlite3.connect(path, isolation_level=None)
        # WAL is a property of the file: set outside of transactions, once. Foreign keys stay unchecked while tables
        # are made anew, and are checked as a whole before the commit.
        for pragma in ("PRAGMA busy_timeout = 5000", "PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL"):
            driver.execute(pragma)
        return driver

    engine = create_engine("sqlite://", creator=connect, poolclass=NullPool, hide_parameters=True)

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine
