"""Writes what an examined delivery leads to: its outcome with everything that it owes, in the caller's transaction."""

from datetime import datetime
from typing import assert_never

from jirabot.core import openings, outcomes, views
from jirabot.core.audit import Act
from jirabot.core.audit import Facts as Told
from jirabot.core.audit import Outcome as Ended
from jirabot.core.decisions import (
    UNPERMITTED,
    Acting,
    Answer,
    Continue,
    Distrust,
    Ignore,
    Reason,
    Refuse,
    Start,
    Stop,
    decide,
)
from jirabot.core.deliveries import Delivery, Lease, Outcome, lateness
from jirabot.core.effects import AddComment, EffectKind
from jirabot.core.ids import ConversationId, DeliveryId, TriggerKey
from jirabot.core.managers import audit, dead_letters, orders, troubles
from jirabot.core.managers.directory import Served
from jirabot.core.managers.examiner import Examiner, Occasion
from jirabot.core.managers.users import add_link
from jirabot.core.openings import Circumstances
from jirabot.core.outcomes import Examination
from jirabot.core.people import DAEMON, STRANGER, Account, Origin, Role
from jirabot.core.permissions import UNKNOWN, Standing, Verdict
from jirabot.core.ports import Clock, Ids, Transaction
from jirabot.core.scopes import of_workspace
from jirabot.core.texts import Texts
from jirabot.core.triggers import Remark, Trigger
from jirabot.core.troubles import Reason as Trouble
from jirabot.core.visibility import Visibility, readers
from jirabot.errors import Conflict


class LeaseLost(Conflict):
    """Another worker has the lane: what was prepared is given up, and nothing of it is written."""

    code = "lease-lost"


class Conclusions:
    """Concludes deliveries."""

    def __init__(self, *, examiner: Examiner, texts: Texts, clock: Clock, ids: Ids) -> None:
        self._examiner, self._texts, self._clock, self._ids = examiner, texts, clock, ids

    def write(
        self,
        tx: Transaction,
        lease: Lease,
        delivery: Delivery,
        served: Served,
        examination: Examination,
        *,
        again: bool,
    ) -> Outcome:
        """Write all that a delivery leads to. The facts of the database are looked up once more, in the transaction.

        Raises:
            LeaseLost: another worker has the lane; the caller's transaction must be given up.
        """
        now = self._clock.now()
        found, decision = examination.found, examination.decision
        occasion = Occasion(
            own=examination.own,
            standing=examination.standing or UNKNOWN,
            again=again,
            received_at=delivery.received_at,
        )
        conversation_id: ConversationId | None = None
        if examination.standing is not None:
            self._note_standing(tx, served, examination.standing)
        if isinstance(found, Remark) and decision.reason is Reason.NOT_ASKED:
            self._hear(tx, served, found)
        if isinstance(found, Trigger | Remark) and not isinstance(decision, Ignore | Distrust):
            facts = self._examiner.facts(tx, served, found, occasion)
            decision = decide(found, facts)
            if facts.link is None and isinstance(decision, Acting) and decision.reason not in UNPERMITTED:
                self._enrol(tx, served, found.actor)
            if not isinstance(decision, Ignore | Distrust):
                conversation_id = self._act(tx, served, decision, found.key, delivery, again=again)
        if isinstance(found, Trigger | Remark) and decision.reason is Reason.OBSERVED and not again:
            # Told of once more, as by a poll after the workspace acts, it acts as little as now.
            tx.deliveries.record_action(served.workspace.id, found.key, delivery.id, now=now)
        outcome = outcomes.outcome(
            self._texts,
            examination,
            decision,
            label=served.bot.label,
            agent=served.agent,
            conversation_id=conversation_id,
            late=lateness(delivery, examination.event.source.happened_at),
            replayed=delivery.replay_of is not None,
        )
        if not tx.deliveries.conclude(lease, delivery.id, outcome, now=now):
            raise LeaseLost("another worker has the lane")
        if isinstance(decision, Refuse | Distrust):
            self._report(tx, served, delivery, found, decision, outcome)
        return outcome

    def _act(
        self,
        tx: Transaction,
        served: Served,
        decision: Acting,
        key: TriggerKey,
        delivery: Delivery,
        *,
        again: bool,
    ) -> ConversationId | None:
        """Do what was decided, once for a trigger key unless it is to be done *again*."""
        if not again:
            tx.deliveries.record_action(served.workspace.id, key, delivery.id, now=self._clock.now())
        return self._apply(tx, served, decision, f"{key}#{delivery.id}" if again else str(key), delivery)

    def _report(
        self,
        tx: Transaction,
        served: Served,
        delivery: Delivery,
        found: object,
        decision: Refuse | Distrust,
        outcome: Outcome,
    ) -> None:
        """Tell administrators of what is not to be trusted, and the audit of what somebody may not."""
        if isinstance(decision, Distrust):
            unconfirmed = dead_letters.unconfirmed(delivery, outcome, served.workspace.name)
            troubles.begin(tx, unconfirmed, new_id=self._ids.sortable(), now=self._clock.now())
        if decision.reason not in _NOT_FORBIDDEN:
            self._audit(tx, served, delivery, found, decision.reason)

    def _enrol(self, tx: Transaction, served: Served, actor: Account) -> None:
        """Link who may trigger the bot by what Jira says."""
        add_link(
            tx,
            served.workspace,
            actor,
            user="",
            role=Role.USER,
            ids=self._ids,
            now=self._clock.now(),
            by=DAEMON,
            origin=Origin.AUTO,
        )

    def _note_standing(self, tx: Transaction, served: Served, standing: Standing) -> None:
        """Begin or end the trouble that Jira does not let us know who may trigger the bot."""
        scope, now = of_workspace(served.workspace.id), self._clock.now()
        if standing.verdict is not Verdict.UNREADABLE:
            tx.troubles.end(scope, Trouble.PERMISSION_UNREADABLE, now=now)
            return
        unreadable = troubles.Found(
            scope=scope,
            reason=Trouble.PERMISSION_UNREADABLE,
            text=f"whether somebody may trigger the bot in `{served.workspace.name}` can't be asked of its Jira, so "
            f"nobody may: {standing.cause}",
            fix=standing.fix,
        )
        troubles.begin(tx, unreadable, new_id=self._ids.sortable(), now=now)

    def _audit(self, tx: Transaction, served: Served, delivery: Delivery, found: object, reason: Reason) -> None:
        """Write down that somebody may not have what they asked, or that nobody asked what a delivery said."""
        workspace, by, key = served.workspace, STRANGER, str(delivery.issue_key or "")
        if isinstance(found, Trigger | Remark):
            by, key = audit.principal(tx, workspace.id, found.actor.id), str(found.issue.key or "")
        act = Act.TRIGGER_DISTRUSTED if reason is Reason.MISMATCH else Act.TRIGGER_REFUSED
        told: Told = {"reason": reason.value, "delivery": delivery.id}
        now, outcome = self._clock.now(), Ended.REFUSED
        audit.record(tx, act, by=by, now=now, workspace=workspace, subject=key, outcome=outcome, **told)

    def _hear(self, tx: Transaction, served: Served, remark: Remark) -> None:
        """Let a comment that speaks to nobody keep the issue's conversation awake."""
        newest = tx.conversations.newest_of(served.workspace.id, remark.issue.id)
        if newest is not None:
            tx.conversations.touch(newest.id, now=self._clock.now())

    def _apply(
        self,
        tx: Transaction,
        served: Served,
        decision: Start | Continue | Stop | Answer | Refuse,
        cause: str,
        delivery: Delivery,
    ) -> ConversationId | None:
        around = Circumstances(
            workspace_id=served.workspace.id,
            texts=self._texts,
            cause=cause,
            now=self._clock.now(),
            new_id=self._ids.sortable,
            asked_at=delivery.received_at,
        )
        match decision:
            case Start():
                opening = openings.start(decision, around)
                tx.conversations.add(opening.conversation)
                orders.write(tx, opening)
                return opening.conversation.id
            case Continue():
                return orders.go_on(tx, decision, around)
            case Stop():
                return orders.stop(tx, decision, around)
            case Answer() | Refuse():
                self._say(tx, served, decision, around, delivery.id)
                return None
            case _:
                assert_never(decision)

    def _say(
        self,
        tx: Transaction,
        served: Served,
        decision: Answer | Refuse,
        around: Circumstances,
        delivery_id: DeliveryId,
    ) -> None:
        trigger = decision.trigger
        once = _told_once(decision, trigger.visibility, around.now)
        if once and not tx.deliveries.record_action(served.workspace.id, once, delivery_id, now=around.now):
            return
        text = views.decided(self._texts, decision.reason, trigger, served.workspace, served.bot, served.who_may)
        comment = AddComment(kind=EffectKind.ANSWER, text=text, visibility=trigger.visibility)
        tx.outbox.owe([around.owe(comment, trigger.issue.id, seq=0)])


_NOT_FORBIDDEN = frozenset({Reason.NO_AGENT, Reason.TOO_OLD})
"""Why something is refused that is no lack of permission or proof."""


def _told_once(decision: Answer | Refuse, visibility: Visibility, now: datetime) -> TriggerKey | None:
    """Name what is told once a day: whoever may comment could else make the bot write without end."""
    trigger = decision.trigger
    match decision.reason:
        case reason if reason in UNPERMITTED:
            return TriggerKey(f"hint:{trigger.actor.id}:{trigger.issue.id}:{now:%Y-%m-%d}")
        case Reason.TOO_OLD:
            return TriggerKey(f"too-old:{trigger.issue.id}:{readers(visibility)}:{now:%Y-%m-%d}")
        case _:
            return None
