"""The rows of repositories."""

from collections.abc import Sequence

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from jirabot.core.ids import RepositoryId, WorkspaceId
from jirabot.core.repositories import Repository
from jirabot.storage.columns import columns_of, row_of
from jirabot.storage.schema import repositories

_SELECT = select(*columns_of(repositories, Repository)).where(repositories.c.workspace_id == bindparam("workspace_id"))
_FIND = _SELECT.where(repositories.c.id == bindparam("repository_id"))
_LIST = _SELECT.order_by(repositories.c.created_at, repositories.c.id)
_REMOVE = delete(repositories).where(
    repositories.c.workspace_id == bindparam("of_workspace"), repositories.c.id == bindparam("repository_id")
)
_NO_DEFAULT = (
    update(repositories)
    .where(
        repositories.c.workspace_id == bindparam("of_workspace"),
        repositories.c.is_default,
        repositories.c.id != bindparam("but_for"),
    )
    .values(is_default=False)
)


class Repositories:
    """Fulfils `RepositoryStore`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, repository: Repository) -> None:
        self._connection.execute(insert(repositories), row_of(repository))
        if repository.is_default:
            asked = {"of_workspace": repository.workspace_id, "but_for": repository.id}
            self._connection.execute(_NO_DEFAULT, asked)

    def find(self, workspace_id: WorkspaceId, repository_id: RepositoryId) -> Repository | None:
        asked = {"workspace_id": workspace_id, "repository_id": repository_id}
        row = self._connection.execute(_FIND, asked).mappings().one_or_none()
        return Repository(**row) if row else None

    def remove(self, workspace_id: WorkspaceId, repository_id: RepositoryId) -> None:
        self._connection.execute(_REMOVE, {"of_workspace": workspace_id, "repository_id": repository_id})

    def list(self, workspace_id: WorkspaceId) -> Sequence[Repository]:
        rows = self._connection.execute(_LIST, {"workspace_id": workspace_id})
        return [Repository(**row) for row in rows.mappings()]
