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
    _add_cloud_id()
    _add_origin_of_links()


def _spare_new_deliveries_indexes() -> None:
    """Make each index anew, of fewer rows: a delivery's sender waits while it is written."""
    for name, columns in (
        ("deliveries_issue", ["issue_key", "no"]),
        ("deliveries_state", ["workspace_id", "state", "no"]),
    ):
        op.drop_index(name, "deliveries")
        op.create_index(name, "deliveries", columns, sqlite_where=SETTLED, postgresql_where=SETTLED)


def _add_cloud_id() -> None:
    """Keep by what a Cloud site is called where its own host refuses the token."""
    op.add_column("workspaces", sa.Column("cloud_id", sa.Text, nullable=False, server_default=""))


def _add_origin_of_links() -> None:
    """Keep who made a link, by hand all there are, and find an account's ended ones."""
    op.add_column("links", sa.Column("origin", sa.Text, nullable=False, server_default="hand"))
    op.create_index("links_of_account", "links", ["workspace_id", "account_id"])
