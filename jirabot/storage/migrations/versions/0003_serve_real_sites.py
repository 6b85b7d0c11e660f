"""Add what real Jira sites need, and leave deliveries that have no outcome yet out of two indexes.

The release before can run on it: what is new in its tables has a default, it finds the same rows, some of them more
slowly, and the new tables it does not know.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

SETTLED = sa.text("state IN ('paused', 'done', 'ignored', 'refused', 'dead', 'discarded')")


def upgrade() -> None:
    """Take one part after the other; none needs another."""
    _spare_new_deliveries_indexes()
    _add_sign_in()
    _add_origin_of_links()
    _add_catch_up()
    _add_webhooks()


def _spare_new_deliveries_indexes() -> None:
    """Make each index anew, of fewer rows: a delivery's sender waits while it is written."""
    for name, columns in (
        ("deliveries_issue", ["issue_key", "no"]),
        ("deliveries_state", ["workspace_id", "state", "no"]),
    ):
        op.drop_index(name, "deliveries")
        op.create_index(name, "deliveries", columns, sqlite_where=SETTLED, postgresql_where=SETTLED)


def _add_sign_in() -> None:
    """Keep by what a Cloud site is called where its own host refuses the token, and when a token ends."""
    op.add_column("workspaces", sa.Column("cloud_id", sa.Text, nullable=False, server_default=""))
    op.add_column("workspaces", sa.Column("key_expires_at", sa.BigInteger))


def _add_origin_of_links() -> None:
    """Keep who made a link, by hand all there are, and find an account's ended ones."""
    op.add_column("links", sa.Column("origin", sa.Text, nullable=False, server_default="hand"))
    op.create_index("links_of_account", "links", ["workspace_id", "account_id", "created_at"])


def _add_catch_up() -> None:
    """Keep how far each Jira was looked through, and how an event came to be known."""
    op.add_column("deliveries", sa.Column("origin", sa.Text, nullable=False, server_default="webhook"))
    op.create_index(
        "deliveries_trigger",
        "deliveries",
        ["workspace_id", "trigger_key"],
        sqlite_where=sa.text("trigger_key IS NOT NULL"),
        postgresql_where=sa.text("trigger_key IS NOT NULL"),
    )
    op.create_table(
        "checkpoints",
        sa.Column("workspace_id", sa.Text, nullable=False),
        sa.Column("begun_at", sa.BigInteger, nullable=False),
        sa.Column("seen_until", sa.BigInteger, nullable=False),
        sa.Column("looked_at", sa.BigInteger),
        sa.Column("calls_count", sa.Integer, nullable=False),
        sa.Column("calls_since", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", name="checkpoints_pk"),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.id"],
            name="checkpoints_workspace_id_fk",
            deferrable=True,
            initially="DEFERRED",
        ),
    )


def _add_webhooks() -> None:
    """Keep which webhooks jirabot has made in Jira."""
    op.create_table(
        "webhooks",
        sa.Column("workspace_id", sa.Text, nullable=False),
        sa.Column("webhook_id", sa.Text, nullable=False),
        sa.Column("dynamic", sa.Boolean, nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("jql", sa.Text, nullable=False),
        sa.Column("registered_at", sa.BigInteger, nullable=False),
        sa.Column("refreshed_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("workspace_id", "webhook_id", name="webhooks_pk"),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.id"],
            name="webhooks_workspace_id_fk",
            deferrable=True,
            initially="DEFERRED",
        ),
    )
