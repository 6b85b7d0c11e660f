"""The rows of checkpoints: how far each workspace's Jira was looked through."""

from collections.abc import Mapping

from sqlalchemy import Connection, bindparam, select
from sqlalchemy.dialects.sqlite import insert

from jirabot.core.catching_up import Checkpoint
from jirabot.core.ids import WorkspaceId
from jirabot.storage.columns import columns_of, row_of
from jirabot.storage.schema import checkpoints

_insert = insert(checkpoints)
_SAVE = _insert.on_conflict_do_update(
    index_elements=[checkpoints.c.workspace_id],
    set_={column.name: column for column in _insert.excluded if column.name != "workspace_id"},
)
_LIST = select(*columns_of(checkpoints, Checkpoint))
_FIND = _LIST.where(checkpoints.c.workspace_id == bindparam("of_workspace"))


class Checkpoints:
    """Fulfils `CheckpointStore`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def save(self, checkpoint: Checkpoint) -> None:
        self._connection.execute(_SAVE, row_of(checkpoint))

    def find(self, workspace_id: WorkspaceId) -> Checkpoint | None:
        row = self._connection.execute(_FIND, {"of_workspace": workspace_id}).mappings().one_or_none()
        return Checkpoint(**row) if row else None

    def list(self) -> Mapping[WorkspaceId, Checkpoint]:
        return {row["workspace_id"]: Checkpoint(**row) for row in self._connection.execute(_LIST).mappings()}
