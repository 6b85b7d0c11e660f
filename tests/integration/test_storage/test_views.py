"""The six views: the names and columns that users of the reference query, of both deployments; read-only."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from jirabot.core.ids import AccountId, ConversationId, WorkspaceName
from jirabot.core.people import Account, Role
from jirabot.core.ports import Transaction
from jirabot.core.workspaces import WorkspaceState
from jirabot.storage import migrations
from jirabot.storage.engine import Database
from tests.contract.test_stores.values import ADA, GRACE, at, conversation, link, workspace
from tests.migrations.test_upgrade import SCHEMAS
from tests.templates import copy_database

CLOUD, DC = "c-ws", "d-ws"
WORKSPACE = ["id", "name", "jira_cloud_id", "admin_user_id", "webhook_secret", "svc_acc_email", "svc_acc_api_key",
             "status", "created_at", "updated_at", "org_id"]  # fmt: skip
USER = ["id", "keycloak_user_id", "jira_user_id", "jira_workspace_id", "status", "created_at", "updated_at"]
CONVERSATION = ["id", "conversation_id", "issue_id", "issue_key", "parent_id", "jira_user_id", "created_at",
                "updated_at"]  # fmt: skip
TOKENS = ["oauth_access_token_encrypted", "oauth_refresh_token_encrypted", "oauth_access_token_expires_at",
          "oauth_refresh_token_expires_at"]  # fmt: skip

COLUMNS = {
    "jira_workspaces": WORKSPACE,
    "jira_users": USER,
    "jira_conversations": CONVERSATION,
    "jira_dc_workspaces": [name for name in WORKSPACE if name != "jira_cloud_id"],
    "jira_dc_users": [name.replace("jira_", "jira_dc_") for name in USER] + TOKENS,
    "jira_dc_conversations": [name.replace("jira_", "jira_dc_") for name in CONVERSATION],
}


def rows(path: Path, view: str) -> list[dict[str, Any]]:
    with closing(sqlite3.connect(path)) as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute(f"SELECT * FROM {view} ORDER BY id")]


def ids(path: Path) -> dict[str, list[int]]:
    return {view: [row["id"] for row in rows(path, view)] for view in COLUMNS}


def fill(tx: Transaction) -> None:
    """In each of two deployments Ada is linked as administrator, Grace was linked, and both have asked."""
    for id_, deployment in ((CLOUD, "cloud"), (DC, "dc")):
        of = workspace(id_, deployment=deployment, name=WorkspaceName(id_), service_account_email="bot@example.org")
        tx.workspaces.add(of)
        for account, name in ((ADA, "ada"), (GRACE, "grace")):
            user_id = tx.users.user_named(name, new_id=link(user_id=f"user-{name}").user_id, now=at(0))
            role = Role.ADMIN if account is ADA else Role.USER
            tx.users.add_link(
                link(account, id=f"{id_}-{name}", user_id=user_id, workspace_id=of.id, role=role, created_at=at(1))
            )
        found = tx.users.find_link(of.id, GRACE.id)
        assert found is not None
        tx.users.end_link(found.id, now=at(90))
        for number, asker in enumerate((ADA, GRACE), start=1):
            tx.conversations.add(
                conversation(f"{id_}-{number}", issue=str(number), workspace_id=of.id, asker=asker, created_at=at(2))
            )


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    path = tmp_path / "jirabot.db"
    copy_database(path)
    async with Database.open(path) as database:
        await database.write(fill)
    return path


@pytest.mark.parametrize(("view", "columns"), COLUMNS.items())
def test_each_has_the_references_columns_in_their_order(path: Path, view, columns):
    with closing(sqlite3.connect(path)) as connection:
        told = connection.execute(f"SELECT * FROM {view}").description
    assert [column[0] for column in told] == columns


def test_what_a_row_says_on_cloud(path: Path):
    (site,) = rows(path, "jira_workspaces")
    assert site == {
        "id": site["id"],
        "name": "c-ws",
        "jira_cloud_id": "",
        "admin_user_id": "ada",
        "webhook_secret": "***",
        "svc_acc_email": "bot@example.org",
        "svc_acc_api_key": "***",
        "status": "active",
        "created_at": "2026-11-24 12:00:00.123456",
        "updated_at": "2026-11-24 12:00:00.123456",
        "org_id": None,
    }
    ada, grace = rows(path, "jira_users")
    assert ada == {
        "id": ada["id"],
        "keycloak_user_id": "ada",
        "jira_user_id": "ada-id",
        "jira_workspace_id": site["id"],
        "status": "active",
        "created_at": "2026-11-24 12:00:01.123456",
        "updated_at": "2026-11-24 12:00:01.123456",
    }
    assert (grace["status"], grace["updated_at"]) == ("inactive", "2026-11-24 12:01:30.123456")
    first, second = rows(path, "jira_conversations")
    assert first == {
        "id": first["id"],
        "conversation_id": "c-ws-1",
        "issue_id": "1",
        "issue_key": "PAY-1",
        "parent_id": None,
        "jira_user_id": ada["id"],
        "created_at": "2026-11-24 12:00:02.123456",
        "updated_at": first["updated_at"],
    }
    assert second["jira_user_id"] == grace["id"]


def test_what_a_row_says_on_data_center(path: Path):
    (site,) = rows(path, "jira_dc_workspaces")
    ada, _ = rows(path, "jira_dc_users")
    first, _ = rows(path, "jira_dc_conversations")
    assert (site["name"], site["status"], site["webhook_secret"]) == ("d-ws", "active", "***")
    assert (ada["jira_dc_user_id"], ada["jira_dc_workspace_id"]) == ("ada-id", site["id"])
    assert {ada[name] for name in TOKENS} == {None}
    assert (first["conversation_id"], first["jira_dc_user_id"]) == ("d-ws-1", ada["id"])


async def test_a_workspace_that_is_not_active_is_inactive(path: Path):
    async with Database.open(path) as database:
        paused = workspace(CLOUD, name=WorkspaceName(CLOUD), state=WorkspaceState.PAUSED)
        await database.write(lambda tx: tx.workspaces.save(paused))
    assert [row["status"] for row in rows(path, "jira_workspaces")] == ["inactive"]


async def test_who_is_linked_again_is_one_row_with_the_same_id(path: Path):
    before = ids(path)
    async with Database.open(path) as database:
        again = link(GRACE, id="again", user_id="user-grace", workspace_id=workspace(CLOUD).id, created_at=at(100))
        await database.write(lambda tx: tx.users.add_link(again))
    assert ids(path) == before
    assert [row["status"] for row in rows(path, "jira_users")] == ["active", "active"]


async def test_ids_stay_when_others_go_and_the_file_is_rebuilt(path: Path):
    before = ids(path)
    async with Database.open(path) as database:
        await database.write(lambda tx: tx.conversations.delete(ConversationId("c-ws-1")))
        await database.write(lambda tx: tx.workspaces.remove(workspace(DC).id))
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("VACUUM")
    after = ids(path)
    assert after["jira_workspaces"] == before["jira_workspaces"]
    assert after["jira_users"] == before["jira_users"]
    assert after["jira_conversations"] == before["jira_conversations"][1:]
    assert [after[view] for view in COLUMNS if view.startswith("jira_dc")] == [[], [], []]


async def test_an_id_is_never_anothers(path: Path):
    gone = max(number for numbers in ids(path).values() for number in numbers)
    async with Database.open(path) as database:
        await database.write(lambda tx: tx.workspaces.remove(workspace(DC).id))
        await database.write(lambda tx: tx.conversations.delete(ConversationId("c-ws-2")))
        new = conversation("new", issue="9", workspace_id=workspace(CLOUD).id, asker=Account(id=AccountId("new")))
        await database.write(lambda tx: tx.conversations.add(new))
    assert rows(path, "jira_conversations")[-1]["id"] > gone


async def test_a_conversation_names_who_asked_last(path: Path):
    _, grace = rows(path, "jira_users")
    async with Database.open(path) as database:
        taken = conversation("c-ws-1", issue="1", workspace_id=workspace(CLOUD).id, asker=GRACE)
        await database.write(lambda tx: tx.conversations.save(taken))
    assert [row["jira_user_id"] for row in rows(path, "jira_conversations")] == [grace["id"]] * 2


@pytest.mark.parametrize("view", COLUMNS)
def test_nothing_is_written_through_a_view(path: Path, view):
    with closing(sqlite3.connect(path)) as connection:
        for statement in (f"INSERT INTO {view} (id) VALUES (7)", f"UPDATE {view} SET id = 7", f"DELETE FROM {view}"):
            with pytest.raises(sqlite3.OperationalError, match="because it is a view"):
                connection.execute(statement)


@pytest.mark.parametrize("revision", migrations.REVISIONS[:-1])
def test_what_an_earlier_schema_held_is_shown(tmp_path: Path, revision):
    path = tmp_path / "jirabot.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript((SCHEMAS / f"{revision}.sql").read_text())
    migrations.upgrade(path)
    names = {row["name"] for row in rows(path, "jira_workspaces")}
    assert names == {"other-ws.example.org", "third.example.org", "ws.example.org"}
    (ada,) = rows(path, "jira_users")
    (talk,) = rows(path, "jira_conversations")
    assert (ada["keycloak_user_id"], ada["status"], ada["updated_at"]) == ("ada", "active", ada["created_at"])
    assert (talk["conversation_id"], talk["jira_user_id"]) == ("c1", ada["id"])
