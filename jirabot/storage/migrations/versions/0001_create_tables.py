"""Create the tables.

The first step: there is no release before it. No step leads back; a copy of the file is made before each upgrade.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create every table with its constraints and indexes."""
    _create_meta()
    _create_workspaces()
    _create_secrets()
    _create_users()
    _create_links()
    _create_repositories()
    _create_deliveries()
    _create_lanes()
    _create_actions()
    _create_conversations()
    _create_messages()
    _create_runs()
    _create_run_events()
    _create_outbox()
    _create_rejections()
    _create_tokens()
    _create_pauses()


def _create_meta() -> None:
    op.create_table(
        "meta",
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("key", name="meta_pk"),
    )


def _create_workspaces() -> None:
    op.create_table(
        "workspaces",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("deployment", sa.Text, nullable=False),
        sa.Column("base_url", sa.Text, nullable=False),
        sa.Column("also_known_as", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("degraded", sa.Text, nullable=False),
        sa.Column("auth", sa.Text, nullable=False),
        sa.Column("authenticity", sa.Text, nullable=False),
        sa.Column("service_account", sa.Text, nullable=False),
        sa.Column("service_account_email", sa.Text, nullable=False),
        sa.Column("agent", sa.Text),
        sa.Column("settings", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="workspaces_pk"),
        sa.UniqueConstraint("base_url", name="workspaces_base_url_key"),
        sa.UniqueConstraint("name", name="workspaces_name_key"),
    )


def _create_secrets() -> None:
    op.create_table(
        "secrets",
        sa.Column("workspace_id", sa.Text, nullable=False),
        sa.Column("place", sa.Text, nullable=False),
        sa.Column("key_id", sa.Text, nullable=False),
        sa.Column("nonce", sa.LargeBinary, nullable=False),
        sa.Column("ciphertext", sa.LargeBinary, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name="secrets_workspace_id_fk", initially="DEFERRED", deferrable=True
        ),
        sa.PrimaryKeyConstraint("workspace_id", "place", name="secrets_pk"),
    )


def _create_users() -> None:
    op.create_table(
        "users",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="users_pk"),
        sa.UniqueConstraint("name", name="users_name_key"),
    )


def _create_links() -> None:
    op.create_table(
        "links",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("workspace_id", sa.Text, nullable=False),
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("account_id", sa.Text, nullable=False),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="links_user_id_fk", initially="DEFERRED", deferrable=True
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name="links_workspace_id_fk", initially="DEFERRED", deferrable=True
        ),
        sa.PrimaryKeyConstraint("id", name="links_pk"),
    )
    op.create_index(
        "links_one_active_key",
        "links",
        ["workspace_id", "account_id"],
        unique=True,
        sqlite_where=sa.text("state IN ('active')"),
        postgresql_where=sa.text("state IN ('active')"),
    )


def _create_repositories() -> None:
    op.create_table(
        "repositories",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("workspace_id", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("base", sa.Text, nullable=False),
        sa.Column("projects", sa.Text, nullable=False),
        sa.Column("components", sa.Text, nullable=False),
        sa.Column("labels", sa.Text, nullable=False),
        sa.Column("is_default", sa.Boolean, nullable=False),
        sa.Column("user", sa.Text, nullable=False),
        sa.Column("has_token", sa.Boolean, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.id"],
            name="repositories_workspace_id_fk",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("id", name="repositories_pk"),
        sa.UniqueConstraint("workspace_id", "name", name="repositories_name_key"),
    )


def _create_deliveries() -> None:
    op.create_table(
        "deliveries",
        sa.Column("no", sa.Integer, autoincrement=True, nullable=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("workspace_id", sa.Text, nullable=False),
        sa.Column("lane_id", sa.Text, nullable=False),
        sa.Column("fingerprint", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("issue_id", sa.Text),
        sa.Column("issue_key", sa.Text),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("decision", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("steps", sa.Text, nullable=False),
        sa.Column("trigger_key", sa.Text),
        sa.Column("conversation_id", sa.Text),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("due_at", sa.BigInteger, nullable=False),
        sa.Column("received_at", sa.BigInteger, nullable=False),
        sa.Column("handled_at", sa.BigInteger),
        sa.Column("replay_of", sa.Text),
        sa.Column("headers", sa.Text, nullable=False),
        sa.Column("body", sa.LargeBinary),
        sa.Column("spool", sa.Text),
        sa.PrimaryKeyConstraint("no", name="deliveries_pk"),
        sa.UniqueConstraint("id", name="deliveries_id_key"),
        sa.UniqueConstraint("workspace_id", "fingerprint", name="deliveries_fingerprint_key"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "deliveries_head",
        "deliveries",
        ["lane_id", "no"],
        sqlite_where=sa.text("state IN ('received', 'waiting')"),
        postgresql_where=sa.text("state IN ('received', 'waiting')"),
    )
    op.create_index("deliveries_issue", "deliveries", ["issue_key", "no"])
    op.create_index("deliveries_state", "deliveries", ["workspace_id", "state", "no"])


def _create_lanes() -> None:
    op.create_table(
        "lanes",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("workspace_id", sa.Text, nullable=False),
        sa.Column("issue_id", sa.Text),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("ready_at", sa.BigInteger, nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("epoch", sa.BigInteger, nullable=False),
        sa.Column("lease_until", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name="lanes_pk"),
    )
    op.create_index("lanes_leased", "lanes", ["state", "lease_until"])
    op.create_index("lanes_ready", "lanes", ["state", "ready_at"])


def _create_actions() -> None:
    op.create_table(
        "actions",
        sa.Column("workspace_id", sa.Text, nullable=False),
        sa.Column("trigger_key", sa.Text, nullable=False),
        sa.Column("delivery_id", sa.Text, nullable=False),
        sa.Column("acted_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "trigger_key", name="actions_pk"),
    )


def _create_conversations() -> None:
    op.create_table(
        "conversations",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("workspace_id", sa.Text, nullable=False),
        sa.Column("issue_id", sa.Text, nullable=False),
        sa.Column("issue_key", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("agent", sa.Text, nullable=False),
        sa.Column("asker", sa.Text, nullable=False),
        sa.Column("visibility", sa.Text, nullable=False),
        sa.Column("asked", sa.Text),
        sa.Column("repository_id", sa.Text),
        sa.Column("repository_name", sa.Text, nullable=False),
        sa.Column("branch", sa.Text, nullable=False),
        sa.Column("base", sa.Text, nullable=False),
        sa.Column("session", sa.Text, nullable=False),
        sa.Column("first_answer", sa.Text),
        sa.Column("result", sa.Text, nullable=False),
        sa.Column("context_until", sa.BigInteger),
        sa.Column("previous_id", sa.Text),
        sa.Column("runs_count", sa.Integer, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.id"],
            name="conversations_workspace_id_fk",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("id", name="conversations_pk"),
    )
    op.create_index("conversations_issue", "conversations", ["workspace_id", "issue_id", "created_at"])
    op.create_index("conversations_issue_key", "conversations", ["issue_key", "created_at"])
    op.create_index("conversations_newest", "conversations", ["workspace_id", "created_at"])
    op.create_index(
        "conversations_one_open_key",
        "conversations",
        ["workspace_id", "issue_id"],
        unique=True,
        sqlite_where=sa.text("state IN ('created', 'active', 'in_progress', 'awaiting_input')"),
        postgresql_where=sa.text("state IN ('created', 'active', 'in_progress', 'awaiting_input')"),
    )


def _create_messages() -> None:
    op.create_table(
        "messages",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("workspace_id", sa.Text, nullable=False),
        sa.Column("conversation_id", sa.Text, nullable=False),
        sa.Column("seq", sa.Integer, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("visibility", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("cause", sa.Text, nullable=False),
        sa.Column("given_to", sa.Text),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.ForeignKeyConstraint(
            ["conversation_id"],
            ["conversations.id"],
            name="messages_conversation_id_fk",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name="messages_workspace_id_fk", initially="DEFERRED", deferrable=True
        ),
        sa.PrimaryKeyConstraint("id", name="messages_pk"),
        sa.UniqueConstraint("conversation_id", "seq", name="messages_seq_key"),
        sa.UniqueConstraint("workspace_id", "conversation_id", "cause", name="messages_cause_key"),
    )


def _create_runs() -> None:
    op.create_table(
        "runs",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("workspace_id", sa.Text, nullable=False),
        sa.Column("conversation_id", sa.Text, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("stop_requested", sa.Boolean, nullable=False),
        sa.Column("stop_cause", sa.Text, nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("epoch", sa.BigInteger, nullable=False),
        sa.Column("lease_until", sa.BigInteger),
        sa.Column("summary", sa.Text, nullable=False),
        sa.Column("failure", sa.Text, nullable=False),
        sa.Column("due_at", sa.BigInteger, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("started_at", sa.BigInteger),
        sa.Column("ended_at", sa.BigInteger),
        sa.ForeignKeyConstraint(
            ["conversation_id"],
            ["conversations.id"],
            name="runs_conversation_id_fk",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name="runs_workspace_id_fk", initially="DEFERRED", deferrable=True
        ),
        sa.PrimaryKeyConstraint("id", name="runs_pk"),
        sa.UniqueConstraint("conversation_id", "number", name="runs_number_key"),
    )
    op.create_index("runs_due", "runs", ["state", "due_at"])


def _create_run_events() -> None:
    op.create_table(
        "run_events",
        sa.Column("no", sa.Integer, autoincrement=True, nullable=False),
        sa.Column("workspace_id", sa.Text, nullable=False),
        sa.Column("conversation_id", sa.Text, nullable=False),
        sa.Column("run_id", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.ForeignKeyConstraint(
            ["run_id"], ["runs.id"], name="run_events_run_id_fk", initially="DEFERRED", deferrable=True
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.id"],
            name="run_events_workspace_id_fk",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("no", name="run_events_pk"),
        sqlite_autoincrement=True,
    )
    op.create_index("run_events_conversation", "run_events", ["conversation_id", "no"])


def _create_outbox() -> None:
    op.create_table(
        "outbox",
        sa.Column("no", sa.Integer, autoincrement=True, nullable=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("workspace_id", sa.Text, nullable=False),
        sa.Column("issue_id", sa.Text, nullable=False),
        sa.Column("conversation_id", sa.Text),
        sa.Column("cause", sa.Text, nullable=False),
        sa.Column("seq", sa.Integer, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("target", sa.Text),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("visibility", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("due_at", sa.BigInteger, nullable=False),
        sa.Column("sent_at", sa.BigInteger),
        sa.Column("comment_id", sa.Text),
        sa.Column("error", sa.Text, nullable=False),
        sa.Column("epoch", sa.BigInteger, nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name="outbox_workspace_id_fk", initially="DEFERRED", deferrable=True
        ),
        sa.PrimaryKeyConstraint("no", name="outbox_pk"),
        sa.UniqueConstraint("id", name="outbox_id_key"),
        sa.UniqueConstraint("workspace_id", "cause", "seq", name="outbox_cause_key"),
        sqlite_autoincrement=True,
    )
    op.create_index("outbox_comment", "outbox", ["workspace_id", "comment_id"])
    op.create_index("outbox_conversation", "outbox", ["conversation_id", "no"])
    op.create_index(
        "outbox_owed",
        "outbox",
        ["no"],
        sqlite_where=sa.text("state IN ('pending', 'sending')"),
        postgresql_where=sa.text("state IN ('pending', 'sending')"),
    )
    op.create_index(
        "outbox_owed_issue",
        "outbox",
        ["workspace_id", "issue_id", "no"],
        sqlite_where=sa.text("state IN ('pending', 'sending')"),
        postgresql_where=sa.text("state IN ('pending', 'sending')"),
    )
    op.create_index("outbox_target", "outbox", ["target"])


def _create_rejections() -> None:
    op.create_table(
        "rejections",
        sa.Column("no", sa.Integer, autoincrement=True, nullable=False),
        sa.Column("workspace_id", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("remote", sa.Text, nullable=False),
        sa.Column("header_names", sa.Text, nullable=False),
        sa.Column("cause", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("no", name="rejections_pk"),
        sqlite_autoincrement=True,
    )
    op.create_index("rejections_newest", "rejections", ["workspace_id", "no"])


def _create_tokens() -> None:
    op.create_table(
        "tokens",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("user", sa.Text, nullable=False),
        sa.Column("workspace_id", sa.Text),
        sa.Column("hash", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger),
        sa.Column("revoked_at", sa.BigInteger),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name="tokens_workspace_id_fk", initially="DEFERRED", deferrable=True
        ),
        sa.PrimaryKeyConstraint("id", name="tokens_pk"),
        sa.UniqueConstraint("name", name="tokens_name_key"),
        sa.UniqueConstraint("hash", name="tokens_hash_key"),
    )


def _create_pauses() -> None:
    op.create_table(
        "pauses",
        sa.Column("scope", sa.Text, nullable=False),
        sa.Column("paused_by", sa.Text, nullable=False),
        sa.Column("paused_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("scope", name="pauses_pk"),
    )
