"""The rows of budgets: what was left of each, and when."""

from collections.abc import Mapping

from sqlalchemy import Connection, bindparam, select
from sqlalchemy.dialects.sqlite import insert

from jirabot.core.budgets import Bucket
from jirabot.core.ids import WorkspaceId
from jirabot.storage.schema import budgets

_insert = insert(budgets)
_PUT = _insert.on_conflict_do_update(
    index_elements=[budgets.c.workspace_id, budgets.c.name],
    set_={"level": _insert.excluded.level, "at": _insert.excluded.at},
)
_LIST = select(budgets.c.workspace_id, budgets.c.level, budgets.c.at).where(budgets.c.name == bindparam("of_name"))


class Budgets:
    """Fulfils `BudgetStore`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def put(self, workspace_id: WorkspaceId, name: str, left: Bucket) -> None:
        row = {"workspace_id": workspace_id, "name": name, "level": left.level, "at": left.at}
        self._connection.execute(_PUT, row)

    def list(self, name: str) -> Mapping[WorkspaceId, Bucket]:
        rows = self._connection.execute(_LIST, {"of_name": name})
        return {WorkspaceId(row.workspace_id): Bucket(level=row.level, at=row.at) for row in rows}
