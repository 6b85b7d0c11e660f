"""Gives a delivery up: administrators are told, and on the issue whoever asked the bot for something.

What is written stands in the caller's transaction.
"""

from dataclasses import dataclass
from datetime import datetime

from jirabot.core import given_up, views
from jirabot.core.decisions import Reason, decide
from jirabot.core.deliveries import Delivery, DeliveryState, Lease, Outcome, Step
from jirabot.core.effects import AddComment, EffectKind
from jirabot.core.managers import dead_letters, troubles
from jirabot.core.managers.conclusions import LeaseLost
from jirabot.core.managers.directory import Served
from jirabot.core.managers.examiner import Examiner, Occasion
from jirabot.core.openings import Circumstances
from jirabot.core.outcomes import Reading
from jirabot.core.permissions import UNASKED
from jirabot.core.ports import Clock, Ids, Transaction
from jirabot.core.texts import Texts
from jirabot.core.triggers import Remark, Trigger
from jirabot.core.workspaces import WorkspaceState
from jirabot.errors import InvalidPayload, JirabotError


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a delivery asked by itself, and of which workspace. `again`: it acts on what was acted on already."""

    served: Served
    reading: Reading
    again: bool


class GivingUp:
    """Gives deliveries up."""

    def __init__(self, *, examiner: Examiner, texts: Texts, clock: Clock, ids: Ids) -> None:
        self._examiner, self._texts, self._clock, self._ids = examiner, texts, clock, ids

    def write(
        self, tx: Transaction, lease: Lease, delivery: Delivery, error: JirabotError, asked: Asked | None
    ) -> Outcome:
        """Keep a delivery as dead, with all that this owes. *asked* is None where it could not even be read.

        Raises:
            LeaseLost: another worker has the lane; the caller's transaction must be given up.
        """
        now = self._clock.now()
        steps = [self._failed_step(delivery, error)]
        if asked is not None and self._tell(tx, delivery, error, asked, now):
            steps.append(Step(step="effects", outcome="told", text=self._texts.say("step.told-given-up")))
        outcome = Outcome(
            state=DeliveryState.DEAD,
            decision="give-up",
            reason=steps[0].reason,
            text=steps[0].text,
            steps=tuple(steps),
        )
        if not tx.deliveries.conclude(lease, delivery.id, outcome, now=now):
            raise LeaseLost("another worker has the lane")
        troubles.begin(tx, dead_letters.given_up(delivery, error), new_id=self._ids.sortable(), now=now)
        return outcome

    def _failed_step(self, delivery: Delivery, error: JirabotError) -> Step:
        unreadable = isinstance(error, InvalidPayload)
        reason = Reason.INVALID_PAYLOAD if unreadable else Reason.GIVEN_UP
        text = self._texts.say(f"reason.{reason.value}", attempts=delivery.attempts + 1, cause=error.message)
        return Step(step="parsed" if unreadable else "decision", outcome="failed", reason=reason.value, text=text)

    def _tell(self, tx: Transaction, delivery: Delivery, error: JirabotError, asked: Asked, now: datetime) -> bool:
        """Owe the issue a comment where it is to have one; say whether."""
        served = asked.served
        workspace = tx.workspaces.find(served.workspace.id)
        if workspace is None or workspace.state is not WorkspaceState.ACTIVE:
            return False
        notice = self._notice(tx, delivery, asked, now)
        if notice is None or not tx.deliveries.record_action(workspace.id, notice.once, delivery.id, now=now):
            return False
        text = views.given_up(self._texts, given_up.cause_of(error), served.bot, delivery.id)
        comment = AddComment(kind=EffectKind.ANSWER, text=text, visibility=notice.visibility)
        around = Circumstances(
            workspace_id=workspace.id, texts=self._texts, cause=notice.once, now=now, new_id=self._ids.sortable
        )
        tx.outbox.owe([around.owe(comment, notice.issue_id, seq=0)])
        return True

    def _notice(self, tx: Transaction, delivery: Delivery, asked: Asked, now: datetime) -> given_up.Notice | None:
        served, found = asked.served, asked.reading.found
        if not isinstance(found, Trigger | Remark):
            return None
        occasion = Occasion(
            own=self._examiner.may_be_own(tx, served, asked.reading.event),
            standing=UNASKED,
            again=asked.again,
            received_at=delivery.received_at,
        )
        decision = decide(found, self._examiner.facts(tx, served, found, occasion))
        settings = served.settings
        return given_up.notice(
            decision, mode=settings.mode, projects=settings.projects, service_desk=settings.service_desk, now=now
        )
