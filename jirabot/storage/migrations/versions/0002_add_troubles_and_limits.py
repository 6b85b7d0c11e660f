"""Add what the daemon remembers of troubles, breakers and budgets.

The release before can run on it: what is new in its tables has a default, and the new tables it does not know.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add columns with defaults, then tables and indexes."""
    op.add_column("workspaces", sa.Column("comment_mark", sa.Text, nullable=False, server_default="unproved"))
    op.add_column("runs", sa.Column("asker_id", sa.Text, nullable=False, server_default=""))
    op.add_column("outbox", sa.Column("asked_at", sa.BigInteger))
    op.create_index(
        "conversations_idle",
        "conversations",
        ["workspace_id", "updated_at"],
        sqlite_where=sa.text("state IN ('created', 'active', 'in_progress', 'awaiting_input')"),
        postgresql_where=sa.text("state IN ('created', 'active', 'in_progress', 'awaiting_input')"),
    )
    _create_troubles()
    _create_strikes()
    _create_breakers()
    _create_budgets()


def _create_troubles() -> None:
    op.create_table(
        "troubles",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("scope", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("fix", sa.Text, nullable=False),
        sa.Column("begun_at", sa.BigInteger, nullable=False),
        sa.Column("ended_at", sa.BigInteger),
        sa.Column("begin_told_at", sa.BigInteger),
        sa.Column("end_told_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name="troubles_pk"),
    )
    op.create_index(
        "troubles_standing_key",
        "troubles",
        ["scope", "reason"],
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_index("troubles_newest", "troubles", ["begun_at"])


def _create_strikes() -> None:
    op.create_table(
        "strikes",
        sa.Column("no", sa.Integer, nullable=False),
        sa.Column("scope", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("no", name="strikes_pk"),
        sqlite_autoincrement=True,
    )
    op.create_index("strikes_counted", "strikes", ["scope", "kind", "at"])


def _create_breakers() -> None:
    op.create_table(
        "breakers",
        sa.Column("agent", sa.Text, nullable=False),
        sa.Column("opened_at", sa.BigInteger, nullable=False),
        sa.Column("due_at", sa.BigInteger, nullable=False),
        sa.Column("probe_run_id", sa.Text),
        sa.PrimaryKeyConstraint("agent", name="breakers_pk"),
    )


def _create_budgets() -> None:
    op.create_table(
        "budgets",
        sa.Column("workspace_id", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("level", sa.Float, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "name", name="budgets_pk"),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.id"],
            name="budgets_workspace_id_fk",
            deferrable=True,
            initially="DEFERRED",
        ),
    )
