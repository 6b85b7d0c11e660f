"""The steps, all of them, lead from nothing to exactly the tables that the code declares."""

import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, Inspector, create_engine, inspect

from jirabot.storage import migrations
from jirabot.storage.migrations import steps
from jirabot.storage.schema import metadata

TABLES = [
    "actions",
    "audit",
    "breakers",
    "budgets",
    "checkpoints",
    "conversations",
    "deliveries",
    "lanes",
    "links",
    "messages",
    "meta",
    "numbers",
    "oauth_states",
    "outbox",
    "participants",
    "pauses",
    "rejections",
    "repositories",
    "run_events",
    "runs",
    "secrets",
    "strikes",
    "tokens",
    "troubles",
    "users",
    "webhooks",
    "workspaces",
]


@pytest.fixture(scope="module")
def stepped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database made by the steps."""
    path = tmp_path_factory.mktemp("stepped") / "jirabot.db"
    migrations.upgrade(path)
    return path


@pytest.fixture(scope="module")
def declared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database made of what the code declares."""
    path = tmp_path_factory.mktemp("declared") / "jirabot.db"
    engine = engine_on(path)
    metadata.create_all(engine)
    engine.dispose()
    return path


_ADDED = re.compile(r"\n|, (?=\w+ [A-Z])")


def engine_on(path: Path) -> Engine:
    return create_engine(f"sqlite:///{path}")


def described(path: Path, table: str) -> dict[str, Any]:
    """What SQLAlchemy finds of a table: its columns in order, and its constraints by name."""
    engine = engine_on(path)
    try:
        inspector: Inspector = inspect(engine)
        return {
            "columns": [{**column, "type": str(column["type"])} for column in inspector.get_columns(table)],
            "primary key": inspector.get_pk_constraint(table),
            "unique": sorted(inspector.get_unique_constraints(table), key=lambda each: str(each["name"])),
            "foreign keys": sorted(inspector.get_foreign_keys(table), key=lambda each: str(each["name"])),
            "checks": inspector.get_check_constraints(table),
        }
    finally:
        engine.dispose()


def texts(path: Path, kind: str) -> dict[str, list[str]]:
    """The statements that made the tables or indexes, their lines sorted, without brackets and commas.

    Constraints may come in any order, and SQLite writes a column that is added behind all of them.
    """
    asked = "SELECT name, sql FROM sqlite_master WHERE type = ? AND sql IS NOT NULL AND name NOT LIKE 'sqlite%'"
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute(asked, (kind,)).fetchall()
    return {name: sorted(line.strip(" ,\t)") for line in _ADDED.split(text) if line.strip()) for name, text in rows}


def test_there_are_tables_of_these_names(stepped: Path):
    assert sorted(texts(stepped, "table")) == sorted(["alembic_version", *TABLES])


@pytest.mark.parametrize("table", TABLES)
def test_a_table_made_by_the_steps_is_the_one_declared(stepped: Path, declared: Path, table):
    assert described(stepped, table) == described(declared, table)


@pytest.mark.parametrize("table", TABLES)
def test_its_statement_is_the_same(stepped: Path, declared: Path, table):
    assert texts(stepped, "table")[table] == texts(declared, "table")[table]


def test_the_indexes_are_those_declared(stepped: Path, declared: Path):
    made = texts(stepped, "index")
    assert len(made) == 27
    assert made == texts(declared, "index")


def statements(path: Path, kind: str) -> dict[str, str]:
    """The statements that made the triggers or views, each on one line."""
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = ?", (kind,)).fetchall()
    return {name: " ".join(text.split()) for name, text in rows}


@pytest.mark.parametrize(("kind", "count"), [("trigger", 7), ("view", 6)])
def test_the_triggers_and_views_are_those_declared(stepped: Path, declared: Path, kind, count):
    made = statements(stepped, kind)
    assert len(made) == count
    assert made == statements(declared, kind)


def test_nothing_else_is_made(stepped: Path):
    with closing(sqlite3.connect(stepped)) as connection:
        kinds = {kind for (kind,) in connection.execute("SELECT type FROM sqlite_master")}
    assert kinds == {"table", "index", "trigger", "view"}


def test_every_constraint_and_index_has_a_name_of_its_own():
    constraints = [each.name for table in metadata.tables.values() for each in table.constraints]
    indexes = [each.name for table in metadata.tables.values() for each in table.indexes]
    assert None not in constraints
    assert len({*constraints, *indexes}) == len(constraints) + len(indexes)


_LINK = "INSERT INTO links (id, workspace_id, user_id, account_id, account, role, state, created_at) VALUES "


@pytest.mark.parametrize(
    ("workspace", "account", "state", "stands"),
    [
        pytest.param("ws", "ada", "active", False, id="the same account"),
        pytest.param("ws", "ada", "ended", True, id="the same account, ended"),
        pytest.param("ws", "ada", "pending", True, id="the same account, pending"),
        pytest.param("ws", "grace", "active", True, id="another account"),
        pytest.param("other", "ada", "active", True, id="another workspace"),
    ],
)
def test_an_account_has_one_active_link_in_a_workspace(stepped: Path, workspace, account, state, stands):
    """Whatever the store looks up before it adds one: `links_one_active_key`."""
    with closing(sqlite3.connect(stepped)) as connection:
        connection.execute(f"{_LINK} ('1', 'ws', 'u1', 'ada', '{{}}', 'user', 'active', 0)")
        second = f"{_LINK} ('2', '{workspace}', 'u2', '{account}', '{{}}', 'user', '{state}', 0)"
        if stands:
            connection.execute(second)
        else:
            with pytest.raises(sqlite3.IntegrityError, match=r"links\.workspace_id, links\.account_id"):
                connection.execute(second)
        connection.rollback()


OF_THE_INSTANCE = {"audit", "breakers", "meta", "pauses", "strikes", "tokens", "troubles", "users", "workspaces"}


@pytest.mark.parametrize("table", sorted(set(TABLES) - OF_THE_INSTANCE))
def test_every_row_of_a_tenant_names_its_workspace(table):
    assert metadata.tables[table].c.workspace_id.nullable is False


def test_the_revisions_known_are_alembics():
    assert list(migrations.REVISIONS) == steps.revisions()


def test_the_newest_is_the_head():
    assert steps.revisions()[-1] == migrations.HEAD
