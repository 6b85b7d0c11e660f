"""A time in which nobody listened, and too long to be made good unasked: an event that waits for a person."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from jirabot.core.catching_up import Span
from jirabot.core.decisions import Reason
from jirabot.core.deliveries import (
    Delivery,
    DeliveryState,
    Lease,
    NewDelivery,
    Origin,
    Outcome,
    Step,
    fingerprint,
    lane_of,
)
from jirabot.core.ids import DeliveryId
from jirabot.core.managers import troubles
from jirabot.core.managers.conclusions import LeaseLost
from jirabot.core.managers.directory import Served
from jirabot.core.managers.finds import Find, Finds
from jirabot.core.managers.lanes import holding
from jirabot.core.managers.troubles import Found
from jirabot.core.ports import Clock, Ids, Storage, Transaction
from jirabot.core.scopes import of_workspace
from jirabot.core.texts import Texts
from jirabot.core.troubles import Reason as Trouble
from jirabot.errors import InvalidPayload

KIND = "jirabot:gap"

PORTION = 200
"""So many finds are written in one transaction: each is looked up twice, and others write in between."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A time in which nobody listened, and how far it is filled.

    What happened then on issues that changed last until `read_until` is written down; it has brought so many events.
    """

    missed: Span
    read_until: datetime | None = None
    count: int = 0

    def read(self, until: datetime) -> "Gap":
        """Give the gap once the issues that changed last until then were read; it never goes back."""
        return replace(self, read_until=max(until, self.read_until or until))


class Gaps:
    """Records gaps, and fills those that a person wants filled."""

    def __init__(self, *, storage: Storage, finds: Finds, texts: Texts, clock: Clock, ids: Ids) -> None:
        self._storage, self._finds, self._texts = storage, finds, texts
        self._clock, self._ids = clock, ids

    def record(self, tx: Transaction, served: Served, missed: Span) -> None:
        """Write down, in the caller's transaction, that nobody listened then, and tell administrators."""
        workspace, now = served.workspace, self._clock.now()
        delivery_id = DeliveryId(self._ids.sortable())
        body, times = _written(Gap(missed=missed)), _times(missed)
        text = self._texts.say("reason.gap", id=delivery_id, **times)
        gap = NewDelivery(
            id=delivery_id,
            workspace_id=workspace.id,
            lane_id=lane_of(workspace.id, None),
            fingerprint=fingerprint(workspace.id, body, salt=Origin.GAP.value),
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
        """Find what happened then, write it down in portions, and conclude the gap.

        How far that has come is written with each portion, so that one who is interrupted goes on there.

        Raises:
            LeaseLost: another worker has the lane; the portion at hand was not written.
            InvalidPayload: it can't be read which time it was.
            JirabotError: Jira did not answer.
        """
        work = self._catch_up(lease, served, delivery, _read(body))
        gap = await holding(lease, work, storage=self._storage, clock=self._clock)

        def change(tx: Transaction) -> Outcome:
            text = self._texts.say("reason.caught-up", count=f"{gap.count}", **_times(gap.missed))
            step = Step(step="decision", outcome="catch-up", reason=Reason.CAUGHT_UP.value, text=text)
            outcome = Outcome(
                state=DeliveryState.DONE, decision="catch-up", reason=step.reason, text=text, steps=(step,)
            )
            if not tx.deliveries.conclude(lease, delivery.id, outcome, now=self._clock.now()):
                raise LeaseLost("another worker has the lane")
            return outcome

        return await self._storage.write(change)

    async def _catch_up(self, lease: Lease, served: Served, delivery: Delivery, gap: Gap) -> Gap:
        site, now = await self._finds.open(served)
        projects = served.settings.projects
        found = site.iter_changes(gap.missed, now=now, projects=projects, updated_since=gap.read_until)
        async for issues in found:
            finds = await asyncio.to_thread(self._finds.detect, served, issues)
            *others, last = portions(finds)
            for portion in others:
                gap = await self._storage.write(partial(self._take, lease, served, delivery, gap, portion))
            # These issues are read with the last of what they tell; others come after them, for they changed later.
            gap = gap.read(max(issue.updated_at for issue in issues))
            gap = await self._storage.write(partial(self._take, lease, served, delivery, gap, last))
        return gap

    def _take(
        self, lease: Lease, served: Served, delivery: Delivery, gap: Gap, finds: Sequence[Find], tx: Transaction
    ) -> Gap:
        """Write down some finds, and how far the gap is filled with them."""
        filled = replace(gap, count=gap.count + self._finds.record(tx, served, finds))
        if not tx.deliveries.rewrite(lease, delivery.id, _written(filled)):
            raise LeaseLost("another worker has the lane")
        return filled


def portions(finds: Sequence[Find]) -> Sequence[Sequence[Find]]:
    """Cut finds into what one transaction takes; of none there is one portion, which is empty."""
    return [finds[first : first + PORTION] for first in range(0, len(finds), PORTION)] or [()]


def _written(gap: Gap) -> bytes:
    missed = gap.missed
    told = {"since": missed.since, "until": missed.until, "read_until": gap.read_until}
    times = {name: at.isoformat() for name, at in told.items() if at is not None}
    return json.dumps({**times, **({"count": gap.count} if gap.count else {})}).encode()


def _read(body: bytes) -> Gap:
    try:
        told = json.loads(body)
        since, until = (datetime.fromisoformat(told[name]) for name in ("since", "until"))
        read_until = datetime.fromisoformat(told["read_until"]) if "read_until" in told else None
        return Gap(missed=Span(since=since, until=until), read_until=read_until, count=int(told.get("count", 0)))
    except (ValueError, TypeError, KeyError) as error:
        raise InvalidPayload("the event does not say which time it is about") from error


def _times(missed: Span) -> dict[str, str]:
    until = f"{missed.until:%Y-%m-%d %H:%M} UTC" if missed.until else ""
    return {"since": f"{missed.since:%Y-%m-%d %H:%M} UTC", "until": until}
