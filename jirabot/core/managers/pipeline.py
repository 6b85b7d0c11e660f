"""Carries one delivery from the inbox to its one recorded outcome: examined, concluded, tried again or given up."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

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


class Pipeline:
    """Handles deliveries."""

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
        lease = await self.claim(by=by, only=only)
        if lease is None:
            return False
        while await self.handle_next(lease, by=by):
            pass
        await self.release(lease, by=by)
        return True

    async def claim(self, *, by: Principal, only: LaneId | None = None) -> Lease | None:
        """Lease the next lane that is ready (no other than *only*, if given); None where none is."""
        interrupted = list(self._interrupted)
        lease = await self._storage.write(lambda tx: self._claim(tx, interrupted, only))
        self._interrupted.difference_update(interrupted)
        return lease

    def _claim(self, tx: Transaction, interrupted: Sequence[Lease], only: LaneId | None) -> Lease | None:
        """Give back the lanes on which the database has interrupted us, and take the next."""
        for lease in interrupted:
            tx.deliveries.release_lane(lease)
        now = self._clock.now()
        return tx.deliveries.claim_lane(owner=self._owner, now=now, until=now + LANE_LEASE, only=only)

    async def release(self, lease: Lease, *, by: Principal) -> None:
        """Give a lane back; nothing where the lease was lost."""
        with self._noting_interruption(lease):
            await self._storage.write(lambda tx: tx.deliveries.release_lane(lease))

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

    async def handle_next(self, lease: Lease, *, by: Principal) -> bool:
        """Handle the oldest delivery of a leased lane; False where it is empty or must wait, or the lease was lost."""
        with self._noting_interruption(lease):
            return await self._handle_head(lease, by=by)

    async def _handle_head(self, lease: Lease, *, by: Principal) -> bool:
        def head(tx: Transaction) -> tuple[Delivery, SavedDelivery | JirabotError] | None:
            now = self._clock.now()
            if not tx.deliveries.renew_lane(lease, until=now + LANE_LEASE):
                return None
            delivery = tx.deliveries.head_of(lease, now=now)
            return (delivery, _request_of(tx, delivery)) if delivery else None

        found = await self._storage.write(head)
        if found is None:
            return False
        delivery, request = found
        if isinstance(request, JirabotError):
            return await self._failed(lease, delivery, request)
        return await self.handle(lease, delivery, request.body, by=by, again=request.acts_again)

    async def handle(
        self, lease: Lease, delivery: Delivery, body: bytes, *, by: Principal, again: bool = False
    ) -> bool:
        """Bring *delivery* to its outcome; False where it must wait, or the lease was lost.

        Whatever goes wrong with one delivery is recorded with it: tried again later, or kept as dead. *again* acts
        on what was acted on already.
        """
        asked: Asked | None = None
        try:
            served = await self._directory.get(delivery.workspace_id)
            if served.workspace.state is not WorkspaceState.ACTIVE:
                return await self._keep(lease, delivery)
            if delivery.origin is Origin.GAP:
                outcome, asked_jira = await self._gaps.fill(lease, served, delivery, body), True
            else:
                reading = await self._examiner.read(served, body)
                asked = Asked(served=served, reading=reading, again=again)
                outcome, asked_jira = await self._examine(lease, delivery, asked, by=by)
        except LeaseLost:
            return False
        except (StorageUnavailable, DatabaseUnusable):
            # No fault of this delivery: it is handled when the database can be used again.
            raise
        except JirabotError as error:
            return await self._failed(lease, delivery, error, asked)
        except Exception as error:  # noqa: BLE001 - one delivery never takes the daemon down
            self._log.tell("delivery.broken", level="error", delivery_id=delivery.id, error=kind_and_place(error))
            fault = fault_of(error)
            return await self._failed(lease, delivery, fault, asked)
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
        return True

    async def _examine(self, lease: Lease, delivery: Delivery, asked: Asked, *, by: Principal) -> tuple[Outcome, bool]:
        """Write what an event leads to; says also whether Jira was asked about it, and answered."""
        served, again = asked.served, asked.again
        judging = self._examiner.judge(served, asked.reading, by=by, again=again, received_at=delivery.received_at)
        examination = await holding(lease, judging, storage=self._storage, clock=self._clock)
        outcome = await self._storage.write(
            lambda tx: self._conclusions.write(tx, lease, delivery, served, examination, again=again)
        )
        return outcome, examination.issue is not None

    async def _keep(self, lease: Lease, delivery: Delivery) -> bool:
        """Keep what came before its workspace was paused, as what comes while it is."""
        kept = Outcome(
            state=DeliveryState.PAUSED,
            decision="keep",
            reason=Reason.PAUSED.value,
            text=self._texts.say("reason.paused"),
        )
        now = self._clock.now()

        def change(tx: Transaction) -> bool | None:
            workspace = tx.workspaces.find(delivery.workspace_id)
            if workspace is not None and workspace.state is WorkspaceState.ACTIVE:
                return None
            return tx.deliveries.conclude(lease, delivery.id, kept, now=now)

        concluded = await self._storage.write(change)
        if concluded is None:
            # It was activated before we noticed: the next look at the same delivery handles it.
            self._directory.forget()
        return concluded is not False

    async def _failed(self, lease: Lease, delivery: Delivery, error: JirabotError, asked: Asked | None = None) -> bool:
        """Record why a delivery could not be handled: to be tried again then, or kept as dead.

        *asked* is None where it could not be read what it asks.
        """
        now, served = self._clock.now(), await self._directory.find(delivery.workspace_id)
        is_away = served is not None and troubles.is_away(error, served.workspace.degraded)
        if is_away:
            chosen: RetryAt | GiveUp = while_away(now, since=delivery.received_at, jitter=jitter())
        else:
            chosen = next_attempt(error, delivery.attempts + 1, now, jitter=jitter())
        if isinstance(chosen, RetryAt):
            text = self._texts.say("reason.try-again", due_at=f"{chosen.at:%H:%M:%S} UTC", cause=error.message)
            is_ours = await self._storage.write(
                lambda tx: tx.deliveries.postpone(
                    lease,
                    delivery.id,
                    due_at=chosen.at,
                    reason=Reason.TRY_AGAIN.value,
                    text=text,
                    counted=not (is_away or isinstance(error, RateLimited)),
                )
            )
            if isinstance(error, RateLimited):
                await self._throttling.refused(delivery.workspace_id, error)
            if is_ours:
                told = {"delivery_id": delivery.id, "cause": error.message, "hint": error.hint}
                self._log.tell("delivery.postponed", level="warning", **told)
            return False
        try:
            outcome, name = await self._give_up(lease, delivery, error, asked)
        except LeaseLost:
            return False
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
        return True

    async def _give_up(
        self, lease: Lease, delivery: Delivery, error: JirabotError, asked: Asked | None
    ) -> tuple[Outcome, str]:
        """Keep a delivery as dead; give its workspace's name, too."""

        def change(tx: Transaction, asked: Asked | None) -> tuple[Outcome, str]:
            workspace = tx.workspaces.find(delivery.workspace_id)
            return self._giving_up.write(tx, lease, delivery, error, asked), workspace.name if workspace else ""

        try:
            return await self._storage.write(lambda tx: change(tx, asked))
        except (LeaseLost, StorageUnavailable, DatabaseUnusable):
            raise
        except Exception as fault:  # noqa: BLE001 - what broke the delivery may break the telling of it, too
            self._log.tell("delivery.broken", level="error", delivery_id=delivery.id, error=kind_and_place(fault))
            return await self._storage.write(lambda tx: change(tx, None))


def _request_of(tx: Transaction, delivery: Delivery) -> SavedDelivery | JirabotError:
    """Read the request of a delivery, or say why that can't be done: it is this delivery's trouble alone."""
    try:
        return tx.deliveries.request_of(delivery.id) or DeliveryNotFound("its body is no longer kept")
    except BodyUnreadable as error:
        return error
