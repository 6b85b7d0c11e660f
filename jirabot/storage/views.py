"""What stands in the schema beside tables: triggers that number, refuse and wake, and the views that others query.

The views have the names and columns that users of the reference integration know; its two deployments are two sets of
tables there. Times are those of a datetime without a zone, in UTC. Nothing can be written through a view.
"""

from string import Template

TRIGGERS = (
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
    # A lane that waits for its head, or is worked on, stays as it is: its head comes first, its release looks again.
    """
    CREATE TRIGGER deliveries_lane AFTER INSERT ON deliveries
    WHEN NEW.state = 'received'
    BEGIN
        INSERT INTO lanes (id, workspace_id, issue_id, state, ready_at, owner, epoch)
        VALUES (NEW.lane_id, NEW.workspace_id, NEW.issue_id, 'ready', NEW.due_at, '', 0)
        ON CONFLICT (id) DO UPDATE SET state = 'ready', ready_at = excluded.ready_at WHERE lanes.state = 'idle';
    END
    """,
)

_WORKSPACES = Template("""
    CREATE VIEW ${prefix}_workspaces AS
    SELECT numbers.no AS id, workspaces.name AS name, ${cloud_id}
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
    WHERE workspaces.deployment = '${deployment}'
    """)

_USERS = Template("""
    CREATE VIEW ${prefix}_users AS
    SELECT numbers.no AS id, users.name AS keycloak_user_id, links.account_id AS ${prefix}_user_id,
           places.no AS ${prefix}_workspace_id,
           CASE links.state WHEN 'active' THEN 'active' ELSE 'inactive' END AS status,
           strftime('%Y-%m-%d %H:%M:%S', links.created_at / 1000000, 'unixepoch')
               || printf('.%06d', links.created_at % 1000000) AS created_at,
           strftime('%Y-%m-%d %H:%M:%S', coalesce(links.updated_at, links.created_at) / 1000000, 'unixepoch')
               || printf('.%06d', coalesce(links.updated_at, links.created_at) % 1000000) AS updated_at ${tokens}
    FROM links
    JOIN users ON users.id = links.user_id
    JOIN workspaces ON workspaces.id = links.workspace_id
    JOIN numbers ON numbers.workspace_id = links.workspace_id AND numbers.kind = 'person'
                AND numbers.id = links.account_id
    JOIN numbers AS places ON places.workspace_id = links.workspace_id AND places.kind = 'workspace'
    WHERE workspaces.deployment = '${deployment}'
      AND NOT EXISTS (SELECT 1 FROM links AS newer
                      WHERE newer.workspace_id = links.workspace_id AND newer.account_id = links.account_id
                        AND (newer.created_at, newer.id) > (links.created_at, links.id))
    """)
"""Each person once, by the newest of their links: it is the one that counts, or the last that did."""

_CONVERSATIONS = Template("""
    CREATE VIEW ${prefix}_conversations AS
    SELECT numbers.no AS id, conversations.id AS conversation_id, conversations.issue_id AS issue_id,
           conversations.issue_key AS issue_key, NULL AS parent_id, people.no AS ${prefix}_user_id,
           strftime('%Y-%m-%d %H:%M:%S', conversations.created_at / 1000000, 'unixepoch')
               || printf('.%06d', conversations.created_at % 1000000) AS created_at,
           strftime('%Y-%m-%d %H:%M:%S', conversations.updated_at / 1000000, 'unixepoch')
               || printf('.%06d', conversations.updated_at % 1000000) AS updated_at
    FROM conversations
    JOIN workspaces ON workspaces.id = conversations.workspace_id
    JOIN numbers ON numbers.workspace_id = conversations.workspace_id AND numbers.kind = 'conversation'
                AND numbers.id = conversations.id
    JOIN numbers AS people ON people.workspace_id = conversations.workspace_id AND people.kind = 'person'
                AND people.id = json_extract(conversations.asker, '$$.id')
    WHERE workspaces.deployment = '${deployment}'
    """)

_TOKENS = """,
           NULL AS oauth_access_token_encrypted, NULL AS oauth_refresh_token_encrypted,
           NULL AS oauth_access_token_expires_at, NULL AS oauth_refresh_token_expires_at"""
"""No token of a person is ever kept: the bot speaks as its service account."""

_CLOUD = {"prefix": "jira", "deployment": "cloud", "cloud_id": "workspaces.cloud_id AS jira_cloud_id,", "tokens": ""}
_DC = {"prefix": "jira_dc", "deployment": "dc", "cloud_id": "", "tokens": _TOKENS}

VIEWS = tuple(view.substitute(words) for words in (_CLOUD, _DC) for view in (_WORKSPACES, _USERS, _CONVERSATIONS))
