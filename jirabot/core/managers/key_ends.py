"""Warns ahead of the end of what signs a workspace in: one trouble, told anew at each threshold (`core.key_ends`)."""

from functools import partial

from jirabot.core import key_ends
from jirabot.core.managers import troubles
from jirabot.core.managers.directory import Directory
from jirabot.core.managers.troubles import Found
from jirabot.core.people import Principal
from jirabot.core.ports import Clock, Ids, Storage, Transaction
from jirabot.core.scopes import of_workspace
from jirabot.core.troubles import Reason
from jirabot.core.workspaces import Workspace


class KeyEnds:
    """Looks at the workspaces' keys. Where nothing has changed it asks no database."""

    def __init__(self, *, storage: Storage, directory: Directory, clock: Clock, ids: Ids) -> None:
        self._storage, self._directory, self._clock, self._ids = storage, directory, clock, ids
        self._said: dict[str, str] = {}

    async def warn_once(self, *, by: Principal) -> int:
        """Begin, renew or end the warnings that are due; count them."""
        changed = 0
        for served in await self._directory.all():
            workspace, now = served.workspace, self._clock.now()
            text = key_ends.warning(workspace, now)
            stands = Reason.TOKEN_EXPIRES.value in workspace.degraded
            if text == self._said.get(workspace.id, "") and stands == bool(text):
                continue
            changed += await self._storage.write(partial(self._warn, workspace))
            self._said[workspace.id] = text
        if changed:
            self._directory.forget()
        return changed

    def _warn(self, workspace: Workspace, tx: Transaction) -> bool:
        present, now, scope = tx.workspaces.find(workspace.id), self._clock.now(), of_workspace(workspace.id)
        if present is None:
            return False
        text = key_ends.warning(present, now)
        if not text:
            return troubles.mend(tx, scope, [Reason.TOKEN_EXPIRES], now=now)
        found = Found(scope=scope, reason=Reason.TOKEN_EXPIRES, text=text, fix=key_ends.fix(present))
        return troubles.degrade(tx, found, new_id=self._ids.sortable(), now=now) or troubles.restate(tx, found)
