"""The rows of pauses, and the question whether a run may begin, which the claim asks in its own statement."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, bindparam, delete, select
from sqlalchemy.dialects.sqlite import insert

from jirabot.core import scopes
from jirabot.core.ids import WorkspaceId
from jirabot.core.pauses import Pause
from jirabot.storage.columns import columns_of, row_of
from jirabot.storage.schema import conversations, pauses, runs

_ADD = insert(pauses).on_conflict_do_nothing(index_elements=[pauses.c.scope])
_REMOVE = delete(pauses).where(pauses.c.scope == bindparam("of_scope"))
_LIST = select(*columns_of(pauses, Pause)).order_by(pauses.c.paused_at.desc(), pauses.c.scope)

AGENT_OF_RUN = (
    select(conversations.c.agent)
    .where(conversations.c.id == runs.c.conversation_id)
    .correlate(runs)  # two levels out, which SQLAlchemy does not see by itself
    .scalar_subquery()
)
RUN_IS_PAUSED: ColumnElement[bool] = (
    select(pauses.c.scope)
    .where(
        pauses.c.scope.in_(
            [
                scopes.EVERYWHERE,
                scopes.of_workspace(WorkspaceId("")) + runs.c.workspace_id,
                scopes.of_agent("") + AGENT_OF_RUN,
            ]
        )
    )
    .correlate(runs)
    .exists()
)
"""Of a row of `runs`: a pause keeps it from being begun."""


class Pauses:
    """Fulfils `PauseStore`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, pause: Pause) -> bool:
        return self._connection.execute(_ADD, row_of(pause)).rowcount == 1

    def remove(self, scope: str) -> bool:
        return self._connection.execute(_REMOVE, {"of_scope": scope}).rowcount == 1

    def list(self) -> Sequence[Pause]:
        return [Pause(**row) for row in self._connection.execute(_LIST).mappings()]
