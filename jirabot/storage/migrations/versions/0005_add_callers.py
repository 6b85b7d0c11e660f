"""Add what the management API knows: claims, pending links, who takes part in a conversation.

The release before can run on it: what is new in its tables has a default, and the new table it does not know. What it
writes meanwhile lacks its participants, who then see that conversation only where Jira lets them see its issue.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_PEOPLE = """
INSERT INTO participants (workspace_id, account_id, conversation_id)
SELECT workspace_id, account_id, conversation_id FROM (
    SELECT workspace_id, json_extract(asker, '$.id') AS account_id, id AS conversation_id FROM conversations
    UNION
    SELECT workspace_id, json_extract(author, '$.id'), conversation_id FROM messages
) WHERE account_id <> '' AND account_id NOT LIKE 'jirabot:%'
"""
"""Who asked, and who wrote, each once; principals of our own are nobody in Jira."""


def upgrade() -> None:
    """Add columns with defaults, then a table, filled from what is there."""
    op.add_column("workspaces", sa.Column("claimed_by", sa.Text, nullable=False, server_default=""))
    op.add_column("links", sa.Column("ended_by", sa.Text, nullable=False, server_default=""))
    op.create_index(
        "links_one_pending_key",
        "links",
        ["workspace_id", "user_id"],
        unique=True,
        sqlite_where=sa.text("state IN ('pending')"),
        postgresql_where=sa.text("state IN ('pending')"),
    )
    op.create_index("links_user", "links", ["user_id"])
    _create_participants()
    op.execute(_PEOPLE)


def _create_participants() -> None:
    op.create_table(
        "participants",
        sa.Column("workspace_id", sa.Text, nullable=False),
        sa.Column("account_id", sa.Text, nullable=False),
        sa.Column("conversation_id", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "account_id", "conversation_id", name="participants_pk"),
        *(
            sa.ForeignKeyConstraint(
                [column],
                [f"{table}.id"],
                name=f"participants_{column}_fk",
                deferrable=True,
                initially="DEFERRED",
            )
            for column, table in (("workspace_id", "workspaces"), ("conversation_id", "conversations"))
        ),
    )
    op.create_index("participants_conversation", "participants", ["conversation_id"])
