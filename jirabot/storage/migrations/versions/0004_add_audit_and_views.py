"""Add the audit, the numbers of workspaces, people and conversations, and the views that show them.

The release before can run on it: what is new in its tables may be empty, and the triggers work on what it writes.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_TRIGGERS = (
    """
    CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit
    BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END
    """,
    """
    CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit
    BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END
    """,
    """
    CREATE TRIGGER workspaces_number AFTER INSERT ON workspaces
    BEGIN
        INSERT OR IGNORE INTO numbers (workspace_id, kind, id) VALUES (NEW.id, 'workspace', NEW.id);
    END
    """,
    """
    CREATE TRIGGER links_number AFTER INSERT ON links
    BEGIN
        INSERT OR IGNORE INTO numbers (workspace_id, kind, id) VALUES (NEW.workspace_id, 'person', NEW.account_id);
    END
    """,
    """
    CREATE TRIGGER conversations_number AFTER INSERT ON conversations
    BEGIN
        INSERT OR IGNORE INTO numbers (workspace_id, kind, id)
        VALUES (NEW.workspace_id, 'person', json_extract(NEW.asker, '$.id')),
               (NEW.workspace_id, 'conversation', NEW.id);
    END
    """,
    """
    CREATE TRIGGER conversations_asker_number AFTER UPDATE OF asker ON conversations
    WHEN NEW.asker IS NOT OLD.asker
    BEGIN
        INSERT OR IGNORE INTO numbers (workspace_id, kind, id)
        VALUES (NEW.workspace_id, 'person', json_extract(NEW.asker, '$.id'));
    END
    """,
)

_VIEWS = (
    """
    CREATE VIEW jira_workspaces AS
    SELECT numbers.no AS id, workspaces.name AS name, workspaces.cloud_id AS jira_cloud_id,
           coalesce((SELECT users.name FROM links JOIN users ON users.id = links.user_id
                     WHERE links.workspace_id = workspaces.id AND links.role = 'admin' AND links.state = 'active'
                     ORDER BY links.created_at, links.id LIMIT 1), '') AS admin_user_id,
           '***' AS webhook_secret, workspaces.service_account_email AS svc_acc_email, '***' AS svc_acc_api_key,
           CASE workspaces.state WHEN 'active' THEN 'active' ELSE 'inactive' END AS status,
           strftime('%Y-%m-%d %H:%M:%S', workspaces.created_at / 1000000, 'unixepoch')
               || printf('.%06d', workspaces.created_at % 1000000) AS created_at,
           strftime('%Y-%m-%d %H:%M:%S', workspaces.updated_at / 1000000, 'unixepoch')
               || printf('.%06d', workspaces.updated_at % 1000000) AS updated_at,
           NULL AS org_id
    FROM workspaces
    JOIN numbers ON numbers.workspace_id = workspaces.id AND numbers.kind = 'workspace'
    WHERE workspaces.deployment = 'cloud'
    """,
    """
    CREATE VIEW jira_users AS
    SELECT numbers.no AS id, users.name AS keycloak_user_id, links.account_id AS jira_user_id,
           places.no AS jira_workspace_id,
           CASE links.state WHEN 'active' THEN 'active' ELSE 'inactive' END AS status,
           strftime('%Y-%m-%d %H:%M:%S', links.created_at / 1000000, 'unixepoch')
               || printf('.%06d', links.created_at % 1000000) AS created_at,
           strftime('%Y-%m-%d %H:%M:%S', coalesce(links.updated_at, links.created_at) / 1000000, 'unixepoch')
               || printf('.%06d', coalesce(links.updated_at, links.created_at) % 1000000) AS updated_at
    FROM links
    JOIN users ON users.id = links.user_id
    JOIN workspaces ON workspaces.id = links.workspace_id
    JOIN numbers ON numbers.workspace_id = links.workspace_id AND numbers.kind = 'person'
                AND numbers.id = links.account_id
    JOIN numbers AS places ON places.workspace_id = links.workspace_id AND places.kind = 'workspace'
    WHERE workspaces.deployment = 'cloud'
      AND NOT EXISTS (SELECT 1 FROM links AS newer
                      WHERE newer.workspace_id = links.workspace_id AND newer.account_id = links.account_id
                        AND (newer.created_at, newer.id) > (links.created_at, links.id))
    """,
    """
    CREATE VIEW jira_conversations AS
    SELECT numbers.no AS id, conversations.id AS conversation_id, conversations.issue_id AS issue_id,
           conversations.issue_key AS issue_key, NULL AS parent_id, people.no AS jira_user_id,
           strftime('%Y-%m-%d %H:%M:%S', conversations.created_at / 1000000, 'unixepoch')
               || printf('.%06d', conversations.created_at % 1000000) AS created_at,
           strftime('%Y-%m-%d %H:%M:%S', conversations.updated_at / 1000000, 'unixepoch')
               || printf('.%06d', conversations.updated_at % 1000000) AS updated_at
    FROM conversations
    JOIN workspaces ON workspaces.id = conversations.workspace_id
    JOIN numbers ON numbers.workspace_id = conversations.workspace_id AND numbers.kind = 'conversation'
                AND numbers.id = conversations.id
    JOIN numbers AS people ON people.workspace_id = conversations.workspace_id AND people.kind = 'person'
                AND people.id = json_extract(conversations.asker, '$.id')
    WHERE workspaces.deployment = 'cloud'
    """,
    """
    CREATE VIEW jira_dc_workspaces AS
    SELECT numbers.no AS id, workspaces.name AS name,
           coalesce((SELECT users.name FROM links JOIN users ON users.id = links.user_id
                     WHERE links.workspace_id = workspaces.id AND links.role = 'admin' AND links.state = 'active'
                     ORDER BY links.created_at, links.id LIMIT 1), '') AS admin_user_id,
           '***' AS webhook_secret, workspaces.service_account_email AS svc_acc_email, '***' AS svc_acc_api_key,
           CASE workspaces.state WHEN 'active' THEN 'active' ELSE 'inactive' END AS status,
           strftime('%Y-%m-%d %H:%M:%S', workspaces.created_at / 1000000, 'unixepoch')
               || printf('.%06d', workspaces.created_at % 1000000) AS created_at,
           strftime('%Y-%m-%d %H:%M:%S', workspaces.updated_at / 1000000, 'unixepoch')
               || printf('.%06d', workspaces.updated_at % 1000000) AS updated_at,
           NULL AS org_id
    FROM workspaces
    JOIN numbers ON numbers.workspace_id = workspaces.id AND numbers.kind = 'workspace'
    WHERE workspaces.deployment = 'dc'
    """,
    """
    CREATE VIEW jira_dc_users AS
    SELECT numbers.no AS id, users.name AS keycloak_user_id, links.account_id AS jira_dc_user_id,
           places.no AS jira_dc_workspace_id,
           CASE links.state WHEN 'active' THEN 'active' ELSE 'inactive' END AS status,
           strftime('%Y-%m-%d %H:%M:%S', links.created_at / 1000000, 'unixepoch')
               || printf('.%06d', links.created_at % 1000000) AS created_at,
           strftime('%Y-%m-%d %H:%M:%S', coalesce(links.updated_at, links.created_at) / 1000000, 'unixepoch')
               || printf('.%06d', coalesce(links.updated_at, links.created_at) % 1000000) AS updated_at ,
           NULL AS oauth_access_token_encrypted, NULL AS oauth_refresh_token_encrypted,
           NULL AS oauth_access_token_expires_at, NULL AS oauth_refresh_token_expires_at
    FROM links
    JOIN users ON users.id = links.user_id
    JOIN workspaces ON workspaces.id = links.workspace_id
    JOIN numbers ON numbers.workspace_id = links.workspace_id AND numbers.kind = 'person'
                AND numbers.id = links.account_id
    JOIN numbers AS places ON places.workspace_id = links.workspace_id AND places.kind = 'workspace'
    WHERE workspaces.deployment = 'dc'
      AND NOT EXISTS (SELECT 1 FROM links AS newer
                      WHERE newer.workspace_id = links.workspace_id AND newer.account_id = links.account_id
                        AND (newer.created_at, newer.id) > (links.created_at, links.id))
    """,
    """
    CREATE VIEW jira_dc_conversations AS
    SELECT numbers.no AS id, conversations.id AS conversation_id, conversations.issue_id AS issue_id,
           conversations.issue_key AS issue_key, NULL AS parent_id, people.no AS jira_dc_user_id,
           strftime('%Y-%m-%d %H:%M:%S', conversations.created_at / 1000000, 'unixepoch')
               || printf('.%06d', conversations.created_at % 1000000) AS created_at,
           strftime('%Y-%m-%d %H:%M:%S', conversations.updated_at / 1000000, 'unixepoch')
               || printf('.%06d', conversations.updated_at % 1000000) AS updated_at
    FROM conversations
    JOIN workspaces ON workspaces.id = conversations.workspace_id
    JOIN numbers ON numbers.workspace_id = conversations.workspace_id AND numbers.kind = 'conversation'
                AND numbers.id = conversations.id
    JOIN numbers AS people ON people.workspace_id = conversations.workspace_id AND people.kind = 'person'
                AND people.id = json_extract(conversations.asker, '$.id')
    WHERE workspaces.deployment = 'dc'
    """,
)

_NUMBER_WHAT_IS_THERE = (
    """
    INSERT OR IGNORE INTO numbers (workspace_id, kind, id)
    SELECT id, 'workspace', id FROM workspaces ORDER BY created_at, id
    """,
    """
    INSERT OR IGNORE INTO numbers (workspace_id, kind, id)
    SELECT workspace_id, 'person', account_id FROM links ORDER BY created_at, id
    """,
    """
    INSERT OR IGNORE INTO numbers (workspace_id, kind, id)
    SELECT workspace_id, 'person', json_extract(asker, '$.id') FROM conversations ORDER BY created_at, id
    """,
    """
    INSERT OR IGNORE INTO numbers (workspace_id, kind, id)
    SELECT workspace_id, 'conversation', id FROM conversations ORDER BY created_at, id
    """,
)
"""In the order in which it was made."""


def upgrade() -> None:
    """Add a column and tables, number what is there, and let triggers number what comes."""
    op.add_column("links", sa.Column("updated_at", sa.BigInteger))
    _create_numbers()
    _create_audit()
    for statement in (*_NUMBER_WHAT_IS_THERE, *_TRIGGERS, *_VIEWS):
        op.get_bind().exec_driver_sql(statement)


def _create_numbers() -> None:
    op.create_table(
        "numbers",
        sa.Column("no", sa.Integer, nullable=False),
        sa.Column("workspace_id", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("no", name="numbers_pk"),
        sa.UniqueConstraint("workspace_id", "kind", "id", name="numbers_id_key"),
        sqlite_autoincrement=True,
    )


def _create_audit() -> None:
    op.create_table(
        "audit",
        sa.Column("no", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("by_kind", sa.Text, nullable=False),
        sa.Column("by_name", sa.Text, nullable=False),
        sa.Column("origin", sa.Text, nullable=False),
        sa.Column("act", sa.Text, nullable=False),
        sa.Column("workspace", sa.Text, nullable=False),
        sa.Column("workspace_name", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("facts", sa.Text, nullable=False),
        sa.Column("previous", sa.Text, nullable=False),
        sa.Column("hash", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("no", name="audit_pk"),
    )
