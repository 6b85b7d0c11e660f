"""The rows of workspaces."""

from collections.abc import Sequence

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from jirabot.core.ids import WorkspaceId, WorkspaceName
from jirabot.core.scopes import of_workspace
from jirabot.core.workspaces import Workspace
from jirabot.errors import WorkspaceNotFound
from jirabot.storage.columns import columns_of, row_of
from jirabot.storage.schema import deliveries, metadata, pauses, strikes, troubles, workspaces
from jirabot.storage.spool import Spool

_SELECT = select(*columns_of(workspaces, Workspace))
_FIND = _SELECT.where(workspaces.c.id == bindparam("workspace_id"))
_FIND_BY_NAME = _SELECT.where(workspaces.c.name == bindparam("workspace_name"))
_LIST = _SELECT.order_by(workspaces.c.created_at.desc(), workspaces.c.id.desc())
_SPOOLED = select(deliveries.c.spool).where(
    deliveries.c.workspace_id == bindparam("of_workspace"), deliveries.c.spool.is_not(None)
)
_REMOVE = [
    *(
        delete(table).where(table.c.workspace_id == bindparam("of_workspace"))
        for table in metadata.sorted_tables
        if "workspace_id" in table.c
    ),
    delete(workspaces).where(workspaces.c.id == bindparam("of_workspace")),
]
"""Every table of a tenant's rows, so that a later one is not forgotten."""
_REMOVE_SCOPE = [delete(table).where(table.c.scope == bindparam("of_scope")) for table in (pauses, troubles, strikes)]


class Workspaces:
    """Fulfils `WorkspaceStore`."""

    def __init__(self, connection: Connection, spool: Spool) -> None:
        self._connection, self._spool = connection, spool

    def add(self, workspace: Workspace) -> None:
        self._connection.execute(insert(workspaces), row_of(workspace))

    def save(self, workspace: Workspace) -> None:
        change = update(workspaces).where(workspaces.c.id == workspace.id).values(row_of(workspace, without=["id"]))
        if not self._connection.execute(change).rowcount:
            raise WorkspaceNotFound(f"there is no workspace `{workspace.name}`", hint="it was deleted meanwhile")

    def remove(self, workspace_id: WorkspaceId) -> None:
        asked = {"of_workspace": workspace_id}
        spooled = self._connection.execute(_SPOOLED, asked).scalars().all()
        for statement in _REMOVE:
            self._connection.execute(statement, asked)
        for statement in _REMOVE_SCOPE:
            self._connection.execute(statement, {"of_scope": of_workspace(workspace_id)})
        for name in spooled:
            self._spool.forget(name)

    def find(self, workspace_id: WorkspaceId) -> Workspace | None:
        row = self._connection.execute(_FIND, {"workspace_id": workspace_id}).mappings().one_or_none()
        return Workspace(**row) if row else None

    def find_by_name(self, name: WorkspaceName) -> Workspace | None:
        row = self._connection.execute(_FIND_BY_NAME, {"workspace_name": name}).mappings().one_or_none()
        return Workspace(**row) if row else None

    def list(self) -> Sequence[Workspace]:
        return [Workspace(**row) for row in self._connection.execute(_LIST).mappings()]
