"""The rows of webhooks that jirabot has made."""

from collections.abc import Sequence

from sqlalchemy import Connection, bindparam, delete, select
from sqlalchemy.dialects.sqlite import insert

from jirabot.core.ids import WorkspaceId
from jirabot.core.webhooks import Registration
from jirabot.storage.columns import columns_of, row_of
from jirabot.storage.schema import webhooks

_added = insert(webhooks)
_SAVE = _added.on_conflict_do_update(
    index_elements=[webhooks.c.workspace_id, webhooks.c.webhook_id],
    set_={
        name: _added.excluded[name] for name in ("dynamic", "url", "jql", "registered_at", "refreshed_at", "expires_at")
    },
)
_LIST = select(*columns_of(webhooks, Registration)).order_by(
    webhooks.c.registered_at.desc(), webhooks.c.workspace_id, webhooks.c.webhook_id
)
_LIST_OF = _LIST.where(webhooks.c.workspace_id == bindparam("of_workspace"))
_REMOVE = delete(webhooks).where(
    webhooks.c.workspace_id == bindparam("of_workspace"), webhooks.c.webhook_id == bindparam("of_webhook")
)


class Registrations:
    """Fulfils `RegistrationStore`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def save(self, registration: Registration) -> None:
        self._connection.execute(_SAVE, row_of(registration))

    def list(self, workspace_id: WorkspaceId | None = None) -> Sequence[Registration]:
        found = self._connection.execute(_LIST_OF if workspace_id else _LIST, {"of_workspace": workspace_id})
        return [Registration(**row) for row in found.mappings()]

    def remove(self, workspace_id: WorkspaceId, webhook_id: str) -> None:
        self._connection.execute(_REMOVE, {"of_workspace": workspace_id, "of_webhook": webhook_id})
