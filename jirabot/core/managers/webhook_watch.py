"""Watches webhooks: asks Jira whether one that is silent should have spoken, and refreshes what expires."""

from collections.abc import Callable, Collection
from datetime import datetime, timedelta

from jirabot.core.ids import WorkspaceId
from jirabot.core.managers import troubles
from jirabot.core.managers.directory import Directory, Served
from jirabot.core.managers.troubles import Found
from jirabot.core.managers.webhooks import Webhooks, newest_delivery
from jirabot.core.people import Principal
from jirabot.core.ports import Clock, Events, Ids, Storage, Transaction
from jirabot.core.scopes import of_workspace
from jirabot.core.troubles import Reason
from jirabot.core.webhooks import Registration
from jirabot.core.workspaces import WorkspaceState
from jirabot.errors import JirabotError

ASKED_AGAIN = 4
"""A Jira that has nothing to tell is asked again after a quarter of the time that it may be silent."""

ON_ITS_WAY = timedelta(minutes=15)
"""A webhook may be that late. Source: "Webhooks", developer.atlassian.com, flow `Secondary`."""

OVERLAP = timedelta(minutes=5)
"""So long after the last webhook a change may be the one that it told of: the clocks differ."""

ISSUES_ASKED_FOR = 5

REFRESHED_EVERY = timedelta(days=7)
"""Four times in the 30 days that a dynamic webhook lives."""

REFRESHED_AGAIN = timedelta(hours=1)
"""When a refresh that failed is tried again."""


class WebhookWatch:
    """Watches the webhooks of the workspaces that are served."""

    def __init__(
        self,
        *,
        storage: Storage,
        directory: Directory,
        webhooks: Webhooks,
        clock: Clock,
        ids: Ids,
        log: Events,
        switched_off: Collection[str],
    ) -> None:
        """*switched_off*: the deployments whose webhooks are not awaited."""
        self._storage, self._directory, self._webhooks = storage, directory, webhooks
        self._clock, self._ids, self._log, self._switched_off = clock, ids, log, switched_off
        self._met: dict[WorkspaceId, datetime] = {}
        self._asked: dict[WorkspaceId, datetime] = {}
        self._failed: dict[WorkspaceId, datetime] = {}

    async def look_once(self, *, by: Principal) -> None:
        """Look after each workspace that is active: ask its Jira where that is due, and refresh what expires."""
        for served in await self._directory.all():
            workspace = served.workspace
            if workspace.state is WorkspaceState.ACTIVE and workspace.deployment not in self._switched_off:
                if served.settings.events != "poll":
                    await self._listen(served)
                await self._refresh(served)

    async def _listen(self, served: Served) -> None:
        """Begin or end the trouble that a workspace hears nothing."""
        of, now = served.workspace.id, self._clock.now()
        # While no daemon ran, nothing could be heard.
        met = self._met.setdefault(of, now)
        newest = await self._storage.read(lambda tx: newest_delivery(tx, of))
        heard = newest.received_at if newest else None
        if Reason.WEBHOOK_SILENT in served.workspace.degraded:
            if heard is not None:
                await self._change(lambda tx: self._heard(tx, of, heard, now))
            return
        since = max(filter(None, (heard, met)))
        if self._is_due(served, since, now):
            self._asked[of] = now
            await self._ask(served, since, now)

    def _is_due(self, served: Served, since: datetime, now: datetime) -> bool:
        patience = served.settings.silent_after
        if not patience or now - since < patience:
            return False
        asked = self._asked.get(served.workspace.id)
        return asked is None or asked < since or now - asked >= patience / ASKED_AGAIN

    async def _ask(self, served: Served, since: datetime, now: datetime) -> None:
        """Ask Jira whether issues changed that a webhook tells of; a Jira that fails is the probes' matter."""
        workspace = served.workspace
        made = await self._storage.read(lambda tx: tx.registrations.list(workspace.id))
        since_minutes, until_minutes = _minutes(now - since - OVERLAP), _minutes(ON_ITS_WAY)
        if since_minutes <= until_minutes:
            return
        try:
            changed = await self._directory.site(served).search_updated(
                since_minutes=since_minutes,
                until_minutes=until_minutes,
                jql=made[0].jql if made else "",
                most=ISSUES_ASKED_FOR,
            )
        except JirabotError as error:
            self._log.tell("webhook.unasked", level="warning", workspace=workspace.name, cause=error.message)
            return
        if changed:
            await self._change(lambda tx: self._silent(tx, served, since, len(changed), now))

    def _silent(self, tx: Transaction, served: Served, since: datetime, count: int, now: datetime) -> bool:
        workspace = served.workspace
        rejected = next((each for each in tx.rejections.list(workspace.id) if each.at > since), None)
        many = f"{count} issues or more" if count >= ISSUES_ASKED_FOR else f"{count} issue{'s' * (count > 1)}"
        why = f"; what came did not prove itself: {rejected.cause}" if rejected else ""
        found = Found(
            scope=of_workspace(workspace.id),
            reason=Reason.WEBHOOK_SILENT,
            text=f"no webhook has come since {since:%Y-%m-%d %H:%M} UTC, though {many} changed in Jira{why}",
            fix=f"`jirabot webhook list {workspace.name}` shows what Jira has; `jirabot webhook register "
            f"{workspace.name}` sets it up anew, and `jirabot webhook test {workspace.name} --issue KEY` proves it",
        )
        return troubles.degrade(tx, found, new_id=self._ids.sortable(), now=now)

    def _heard(self, tx: Transaction, of: WorkspaceId, heard: datetime, now: datetime) -> bool:
        scope = of_workspace(of)
        standing = [each for each in tx.troubles.standing(scope) if each.reason is Reason.WEBHOOK_SILENT]
        if any(heard <= each.begun_at for each in standing):
            return False
        return troubles.mend(tx, scope, [Reason.WEBHOOK_SILENT], now=now)

    async def _refresh(self, served: Served) -> None:
        """Refresh a workspace's dynamic webhooks once a week; what fails is told, and tried again soon."""
        of, now = served.workspace.id, self._clock.now()
        made = await self._storage.read(lambda tx: tx.registrations.list(of))
        due = [each for each in made if each.dynamic and now - each.refreshed_at >= REFRESHED_EVERY]
        failed = self._failed.get(of)
        if not due or (failed is not None and now - failed < REFRESHED_AGAIN):
            return
        try:
            await self._webhooks.refreshed(served, due)
        except JirabotError as error:
            self._failed[of] = now
            cause = error.message
            await self._change(lambda tx: self._expiring(tx, served, due, cause, now))
            return
        self._failed.pop(of, None)
        self._log.tell("webhook.refreshed", workspace=served.workspace.name)

    def _expiring(
        self, tx: Transaction, served: Served, due: Collection[Registration], cause: str, now: datetime
    ) -> bool:
        name = served.workspace.name
        ends = min((each.expires_at for each in due if each.expires_at), default=None)
        when = f"; it expires {ends:%Y-%m-%d %H:%M} UTC" if ends else ""
        found = Found(
            scope=of_workspace(served.workspace.id),
            reason=Reason.WEBHOOK_EXPIRING,
            text=f"the webhook could not be refreshed: {cause}{when}",
            fix=f"`jirabot webhook refresh {name}`; where it is gone, `jirabot webhook register {name}` makes another",
        )
        return troubles.degrade(tx, found, new_id=self._ids.sortable(), now=now)

    async def _change(self, change: Callable[[Transaction], bool]) -> None:
        if await self._storage.write(change):
            self._directory.forget()


def _minutes(span: timedelta) -> int:
    return int(span.total_seconds() // 60)
