"""Carries one delivery from the inbox to its one recorded outcome: examined, concluded, tried again or given up."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import NamedTuple

from jirabot.core import troubles
from jirabot.core.decisions import Reason
from jirabot.core.deliveries import Delivery, DeliveryState, Lease, Origin, Outcome, SavedDelivery, late_seconds
from jirabot.core.ids import LaneId
from jirabot.core.managers.conclusions import Conclusions, LeaseLost
from jirabot.core.managers.directory import Directory
from jirabot.core.managers.examiner import Examiner
from jirabot.core.managers.gaps import Gaps
from jirabot.core.managers.giving_up import Asked, GivingUp
from jirabot.core.managers.jitter import jitter
from jirabot.core.managers.lanes import LANE_LEASE, holding
from jirabot.core.managers.throttling import Throttling
from jirabot.core.people import Principal
from jirabot.core.ports import Clock, Events, Ids, Storage, Transaction
from jirabot.core.retry import GiveUp, RetryAt, next_attempt, while_away
from jirabot.core.texts import Texts
from jirabot.core.workspaces import WorkspaceState
from jirabot.errors import (
    BodyUnreadable,
    DatabaseUnusable,
    DeliveryNotFound,
    JirabotError,
    RateLimited,
    StorageUnavailable,
    fault_of,
    kind_and_place,
)


class Head(NamedTuple):
    """The oldest delivery of a lane that we hold: it is due, and to be handled next."""

    lease: Lease
    delivery: Delivery


class Unreadable(NamedTuple):
    """What is next in a lane that we hold can't be read: the row is damaged, or a newer release has written it.

    That is this lane's trouble alone. It stays held, and is looked at again when its lease has run out.
    """

    lease: Lease
    cause: Exception


Next = Head | Unreadable
"""What is next in a lane that we hold."""


class Pipeline:
    """Handles deliveries.

    The transaction that ends one delivery also takes the next of its lane, or gives the lane back: webhooks wait for
    whatever is written while they come.
    """

    def __init__(
        self,
        *,
        storage: Storage,
        directory: Directory,
        examiner: Examiner,
        throttling: Throttling,
        gaps: Gaps,
        texts: Texts,
        clock: Clock,
        ids: Ids,
        log: Events,
        owner: str,
    ) -> None:
        self._storage, self._directory, self._examiner, self._throttling = storage, directory, examiner, throttling
        self._gaps = gaps
        self._conclusions = Conclusions(examiner=examiner, texts=texts, clock=clock, ids=ids)
        self._giving_up = GivingUp(examiner=examiner, texts=texts, clock=clock, ids=ids)
        self._texts, self._clock, self._log, self._owner = texts, clock, log, owner
        self._interrupted: set[Lease] = set()

    async def work_once(self, *, by: Principal, only: LaneId | None = None) -> bool:
        """Handle the next lane's deliveries until it is empty or must wait; False where no lane was ready.

        *only*: no other lane than that.
        """
        following = first = await self.claim(by=by, only=only)
        while following is not None:
            following = await self.handle(following, by=by)
        return first is not None

    async def claim(self, *, by: Principal, only: LaneId | None = None) -> Next | None:
        """Lease the next lane that is ready (no other than *only*, if given), for its oldest; None where none is."""
        interrupted = list(self._interrupted)
        claimed = await self._storage.write(lambda tx: self._claim(tx, interrupted, only))
        self._interrupted.difference_update(interrupted)
        return claimed

    def _claim(self, tx: Transaction, interrupted: Sequence[Lease], only: LaneId | None) -> Next | None:
        """Give back the lanes on which the database has interrupted us, and take the next that holds something."""
        for lost in interrupted:
            tx.deliveries.release_lane(lost)
        now = self._clock.now()
        until = now + LANE_LEASE
        while lease := tx.deliveries.claim_lane(owner=self._owner, now=now, until=until, only=only):
            if claimed := _next_of(tx, lease, now):
                return claimed
        return None

    @contextmanager
    def _noting_interruption(self, lease: Lease) -> Iterator[None]:
        try:
            yield
        except (StorageUnavailable, DatabaseUnusable):
            self._interrupted.add(lease)
            raise

    def times(self, tx: Transaction, now: datetime) -> Sequence[datetime]:
        """Tell when the next lane can be claimed, and now, where one is to be given back; nothing where none waits."""
        next_at = tx.deliveries.next_due_at()
        return [at for at in (next_at, now if self._interrupted else None) if at is not None]

    async def handle(self, head: Next, *, by: Principal) -> Next | None:
        """Bring a delivery to its outcome; gives what is next in its lane.

        None where nothing is, or it must wait, and the lane is given back; or the lease was lost. Whatever goes wrong
        with one delivery is recorded with it: tried again later, or kept as dead. What can't even be read raises why.
        """
        if isinstance(head, Unreadable):
            raise head.cause
        with self._noting_interruption(head.lease):
            try:
                return await self._handle(head, by=by)
            except LeaseLost:
                # Or the lane is ours, and somebody has discarded the delivery meanwhile.
                return await self._next(head.lease)

    async def _handle(self, head: Head, *, by: Principal) -> Next | None:
        delivery = head.delivery
        # Not read with the head: a file that can't be would undo what ends the delivery before it.
        request = await self._storage.read(lambda tx: _request_of(tx, delivery))
        if isinstance(request, JirabotError):
            return await self._failed(head, request)
        asked: Asked | None = None
        following: Next | None = None
        try:
            served = await self._directory.get(delivery.workspace_id)
            if served.workspace.state is not WorkspaceState.ACTIVE:
                return await self._keep(head)
            if delivery.origin is Origin.GAP:
                outcome, asked_jira = await self._gaps.fill(head.lease, served, delivery, request.body), True
            else:
                reading = await self._examiner.read(served, request.body)
                asked = Asked(served=served, reading=reading, again=request.acts_again)
                outcome, following, asked_jira = await self._examine(head, asked, by=by)
        except (LeaseLost, StorageUnavailable, DatabaseUnusable):
            # No fault of this delivery: it is handled by whoever has the lane, or when the database can be used again.
            raise
        except JirabotError as error:
            return await self._failed(head, error, asked)
        except Exception as error:  # noqa: BLE001 - one delivery never takes the daemon down
            self._log.tell("delivery.broken", level="error", delivery_id=delivery.id, error=kind_and_place(error))
            return await self._failed(head, fault_of(error), asked)
        if asked_jira:
            await self._throttling.accepted(delivery.workspace_id)
        self._log.tell(
            "decision.made",
            workspace=served.workspace.name,
            delivery_id=delivery.id,
            issue_key=outcome.issue_key or "",
            decision=outcome.decision,
            reason=outcome.reason,
            conversation_id=outcome.conversation_id or "",
            late_seconds=late_seconds(outcome.steps),
        )
        return await self._next(head.lease) if delivery.origin is Origin.GAP else following

    async def _next(self, lease: Lease) -> Next | None:
        return await self._storage.write(lambda tx: self._go_on(tx, lease))

    def _go_on(self, tx: Transaction, lease: Lease) -> Next | None:
        """Take what is next in a lane, or give the lane back; None, too, where the lease was lost."""
        now = self._clock.now()
        return _next_of(tx, lease, now) if tx.deliveries.renew_lane(lease, until=now + LANE_LEASE) else None

    async def _examine(self, head: Head, asked: Asked, *, by: Principal) -> tuple[Outcome, Next | None, bool]:
        """Write what an event leads to, and go on; says also whether Jira was asked about it, and answered."""
        (lease, delivery), served, again = head, asked.served, asked.again
        judging = self._examiner.judge(served, asked.reading, by=by, again=again, received_at=delivery.received_at)
        examination = await holding(lease, judging, storage=self._storage, clock=self._clock)

        def change(tx: Transaction) -> tuple[Outcome, Next | None]:
            outcome = self._conclusions.write(tx, lease, delivery, served, examination, again=again)
            return outcome, self._go_on(tx, lease)

        outcome, following = await self._storage.write(change)
        return outcome, following, examination.issue is not None

    async def _keep(self, head: Head) -> Next | None:
        """Keep what came before its workspace was paused, as what comes while it is; gives what is next."""
        lease, delivery = head
        kept = Outcome(
            state=DeliveryState.PAUSED,
            decision="keep",
            reason=Reason.PAUSED.value,
            text=self._texts.say("reason.paused"),
        )

        def change(tx: Transaction) -> tuple[bool, Next | None]:
            workspace = tx.workspaces.find(delivery.workspace_id)
            is_active = workspace is not None and workspace.state is WorkspaceState.ACTIVE
            if not is_active and not tx.deliveries.conclude(lease, delivery.id, kept, now=self._clock.now()):
                raise LeaseLost("another worker has the lane")
            return is_active, self._go_on(tx, lease)

        is_active, following = await self._storage.write(change)
        if is_active:
            # It was activated before we noticed: the next look at the same delivery handles it.
            self._directory.forget()
        return following

    async def _failed(self, head: Head, error: JirabotError, asked: Asked | None = None) -> Next | None:
        """Record why a delivery could not be handled, to be tried again then, or kept as dead; gives what is next.

        *asked* is None where it could not be read what it asks.
        """
        delivery = head.delivery
        now, served = self._clock.now(), await self._directory.find(delivery.workspace_id)
        is_away = served is not None and troubles.is_away(error, served.workspace.degraded)
        if is_away:
            chosen: RetryAt | GiveUp = while_away(now, since=delivery.received_at, jitter=jitter())
        else:
            chosen = next_attempt(error, delivery.attempts + 1, now, jitter=jitter())
        if isinstance(chosen, RetryAt):
            counted = not (is_away or isinstance(error, RateLimited))
            return await self._put_off(head, error, chosen.at, counted=counted)
        outcome, name, following = await self._give_up(head, error, asked)
        self._log.tell(
            "delivery.dead",
            level="error",
            workspace=name,
            delivery_id=delivery.id,
            decision=outcome.decision,
            reason=outcome.reason,
            cause=error.message,
            hint=error.hint,
        )
        return following

    async def _put_off(self, head: Head, error: JirabotError, due_at: datetime, *, counted: bool) -> Next | None:
        """Put a delivery back to be tried again, before what is behind it."""
        lease, delivery = head
        text = self._texts.say("reason.try-again", due_at=f"{due_at:%H:%M:%S} UTC", cause=error.message)

        def change(tx: Transaction) -> Next | None:
            reason = Reason.TRY_AGAIN.value
            if not tx.deliveries.postpone(lease, delivery.id, due_at=due_at, reason=reason, text=text, counted=counted):
                raise LeaseLost("another worker has the lane")
            return self._go_on(tx, lease)

        if isinstance(error, RateLimited):
            await self._throttling.refused(delivery.workspace_id, error)
        following = await self._storage.write(change)
        told = {"delivery_id": delivery.id, "cause": error.message, "hint": error.hint}
        self._log.tell("delivery.postponed", level="warning", **told)
        return following

    async def _give_up(self, head: Head, error: JirabotError, asked: Asked | None) -> tuple[Outcome, str, Next | None]:
        """Keep a delivery as dead, and go on; gives its workspace's name, too."""
        lease, delivery = head

        def change(tx: Transaction, asked: Asked | None) -> tuple[Outcome, str, Next | None]:
            workspace = tx.workspaces.find(delivery.workspace_id)
            outcome = self._giving_up.write(tx, lease, delivery, error, asked)
            return outcome, workspace.name if workspace else "", self._go_on(tx, lease)

        try:
            return await self._storage.write(lambda tx: change(tx, asked))
        except (LeaseLost, StorageUnavailable, DatabaseUnusable):
            raise
        except Exception as fault:  # noqa: BLE001 - what broke the delivery may break the telling of it, too
            self._log.tell("delivery.broken", level="error", delivery_id=delivery.id, error=kind_and_place(fault))
            return await self._storage.write(lambda tx: change(tx, None))


def _next_of(tx: Transaction, lease: Lease, now: datetime) -> Next | None:
    """Find what is due in a lane; with nothing there it is given back."""
    try:
        delivery = tx.deliveries.head_of(lease, now=now)
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        # Raised here it would undo what ends the delivery before it, or the lease, and be met again at once.
        return Unreadable(lease, error)
    if delivery is None:
        tx.deliveries.release_lane(lease)
        return None
    return Head(lease, delivery)


def _request_of(tx: Transaction, delivery: Delivery) -> SavedDelivery | JirabotError:
    """Read the request of a delivery, or say why that can't be done: it is this delivery's trouble alone."""
    try:
        return tx.deliveries.request_of(delivery.id) or DeliveryNotFound("its body is no longer kept")
    except BodyUnreadable as error:
        return error
