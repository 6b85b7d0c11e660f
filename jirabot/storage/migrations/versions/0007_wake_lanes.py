"""Let a delivery that comes make its lane ready by itself: what a webhook waits for is one statement.

The release before can run on it: it makes the lane ready once more, which changes nothing.
"""

from alembic import op

revision = "0007"
down_revision = "0006"

_TRIGGER = """
    CREATE TRIGGER deliveries_lane AFTER INSERT ON deliveries
    WHEN NEW.state = 'received'
    BEGIN
        INSERT INTO lanes (id, workspace_id, issue_id, state, ready_at, owner, epoch)
        VALUES (NEW.lane_id, NEW.workspace_id, NEW.issue_id, 'ready', NEW.due_at, '', 0)
        ON CONFLICT (id) DO UPDATE SET state = 'ready', ready_at = excluded.ready_at WHERE lanes.state = 'idle';
    END
"""


def upgrade() -> None:
    """Add the trigger."""
    op.get_bind().exec_driver_sql(_TRIGGER)
