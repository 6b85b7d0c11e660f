"""A time in which nobody listened, and too long to be made good unasked: an event that waits for a person."""

import asyncio
import json
from datetime import datetime, timedelta

from jirabot.core.catching_up import Span
from jirabot.core.decisions import Reason
from jirabot.core.deliveries import Delivery, DeliveryState, Lease, NewDelivery, Origin, Outcome, Step, lane_of
from jirabot.core.ids import DeliveryId
from jirabot.core.managers import troubles
from jirabot.core.managers.conclusions import LeaseLost
from jirabot.core.managers.directory import Served
from jirabot.core.managers.finds import Find, Finds
from jirabot.core.managers.intake import fingerprint
from jirabot.core.managers.troubles import Found
from jirabot.core.ports import Clock, Ids, Storage, Transaction
from jirabot.core.scopes import of_workspace
from jirabot.core.texts import Texts
from jirabot.core.troubles import Reason as Trouble
from jirabot.errors import InvalidPayload

KIND = "jirabot:gap"

LEASE = timedelta(seconds=60)
RENEW_EVERY_SECONDS = 15.0


class Gaps:
    """Records gaps, and fills those that a person wants filled."""

    def __init__(self, *, storage: Storage, finds: Finds, texts: Texts, clock: Clock, ids: Ids) -> None:
        self._storage, self._finds, self._texts = storage, finds, texts
        self._clock, self._ids = clock, ids

    def record(self, tx: Transaction, served: Served, missed: Span) -> None:
        """Write down, in the caller's transaction, that nobody listened then, and tell administrators."""
        workspace, now = served.workspace, self._clock.now()
        delivery_id = DeliveryId(self._ids.sortable())
        body, times = _written(missed), _times(missed)
        text = self._texts.say("reason.gap", id=delivery_id, **times)
        gap = NewDelivery(
            id=delivery_id,
            workspace_id=workspace.id,
            lane_id=lane_of(workspace.id, None),
            fingerprint=fingerprint(workspace.id, body, Origin.GAP.value),
            kind=KIND,
            issue_id=None,
            issue_key=None,
            state=DeliveryState.DEAD,
            headers={},
            body=body,
            received_at=now,
            decision="wait",
            reason=Reason.GAP.value,
            text=text,
            origin=Origin.GAP,
        )
        tx.deliveries.record([gap])
        found = Found(
            scope=of_workspace(workspace.id),
            reason=Trouble.EVENTS_MISSED,
            text=f"nobody listened to the Jira of `{workspace.name}` from {times['since']} to {times['until']}",
            fix=f"`jirabot event retry {delivery_id}` catches up on that time, and `event discard` leaves it",
        )
        troubles.begin(tx, found, new_id=self._ids.sortable(), now=now)

    async def fill(self, lease: Lease, served: Served, delivery: Delivery, body: bytes) -> Outcome:
        """Find what happened then, and conclude the gap with what it brings, in one transaction.

        Raises:
            LeaseLost: another worker has the lane; nothing was written.
            InvalidPayload: it can't be read which time it was.
            JirabotError: Jira did not answer.
        """
        missed = _read(body)
        finds = await self._holding(lease, served, missed)

        def change(tx: Transaction) -> Outcome:
            count = self._finds.record(tx, served, finds)
            text = self._texts.say("reason.caught-up", count=f"{count}", **_times(missed))
            step = Step(step="decision", outcome="catch-up", reason=Reason.CAUGHT_UP.value, text=text)
            outcome = Outcome(
                state=DeliveryState.DONE, decision="catch-up", reason=step.reason, text=text, steps=(step,)
            )
            if not tx.deliveries.conclude(lease, delivery.id, outcome, now=self._clock.now()):
                raise LeaseLost("another worker has the lane")
            return outcome

        return await self._storage.write(change)

    async def _holding(self, lease: Lease, served: Served, missed: Span) -> list[Find]:
        """Look through the gap, and prolong the lease meanwhile: that may take longer than it lasts."""
        try:
            async with asyncio.TaskGroup() as tasks:
                renewing = tasks.create_task(self._renew(lease))
                site, now = await self._finds.open(served)
                found = site.iter_changes(missed, now=now, projects=served.settings.projects)
                issues = [issue async for some in found for issue in some]
                finds = await asyncio.to_thread(self._finds.detect, served, issues)
                renewing.cancel()
        except ExceptionGroup as group:
            raise group.exceptions[0] from None
        return list(finds)

    async def _renew(self, lease: Lease) -> None:
        while True:
            await self._clock.sleep(RENEW_EVERY_SECONDS)
            await self._storage.write(lambda tx: tx.deliveries.renew_lane(lease, until=self._clock.now() + LEASE))


def _written(missed: Span) -> bytes:
    until = missed.until.isoformat() if missed.until else None
    return json.dumps({"since": missed.since.isoformat(), "until": until}).encode()


def _read(body: bytes) -> Span:
    try:
        told = json.loads(body)
        return Span(since=datetime.fromisoformat(told["since"]), until=datetime.fromisoformat(told["until"]))
    except (ValueError, TypeError, KeyError) as error:
        raise InvalidPayload("the event does not say which time it is about") from error


def _times(missed: Span) -> dict[str, str]:
    until = f"{missed.until:%Y-%m-%d %H:%M} UTC" if missed.until else ""
    return {"since": f"{missed.since:%Y-%m-%d %H:%M} UTC", "until": until}
