"""The rows of requests that did not prove themselves: few, and nothing of what they carried."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, insert, select

from jirabot.core.ids import WorkspaceId
from jirabot.core.ports import Rejection
from jirabot.storage.columns import columns_of, row_of
from jirabot.storage.schema import rejections

KEPT = 50
"""How many of a workspace are kept: enough to see what is wrong with a door, too few to fill a disk."""

_LIST = (
    select(*columns_of(rejections, Rejection))
    .where(rejections.c.workspace_id == bindparam("of_workspace"))
    .order_by(rejections.c.no.desc())
    .limit(KEPT)
)
_newest = (
    select(rejections.c.no)
    .where(rejections.c.workspace_id == bindparam("of_workspace"))
    .order_by(rejections.c.no.desc())
    .limit(KEPT)
)
_FORGET = delete(rejections).where(
    rejections.c.workspace_id == bindparam("of_workspace"), rejections.c.no.not_in(_newest)
)
_FORGET_OLD = delete(rejections).where(rejections.c.at < bindparam("before"))


class Rejections:
    """Fulfils `RejectionStore`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, added: Sequence[Rejection]) -> None:
        if not added:
            return
        self._connection.execute(insert(rejections), [row_of(rejection) for rejection in added])
        for workspace_id in {rejection.workspace_id for rejection in added}:
            self._connection.execute(_FORGET, {"of_workspace": workspace_id})

    def list(self, workspace_id: WorkspaceId) -> Sequence[Rejection]:
        rows = self._connection.execute(_LIST, {"of_workspace": workspace_id})
        return [Rejection(**row) for row in rows.mappings()]

    def forget(self, *, before: datetime) -> int:
        return self._connection.execute(_FORGET_OLD, {"before": before}).rowcount
