"""The outbox's side of the promise: each effect stands in Jira once.

The intent is committed before the request, with a mark that the comment carries. An answer settles it. Where none
came (lost connection, time-out, 5xx, a crash) the fate is unknown, and the issue's comments are read back for the mark:
found, it is sent; not found, it is sent again, but only once the grace has passed in which the first request could
still land.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from jirabot.config import LimitsSettings
from jirabot.core.budgets import Urgency
from jirabot.core.effects import AddComment, EditComment, EffectKind, EffectState, OwedEffect
from jirabot.core.ids import CommentId, IssueId
from jirabot.core.managers import refusals
from jirabot.core.managers.comment_marks import CommentMarks, words_of
from jirabot.core.managers.directory import Directory, Served
from jirabot.core.managers.jitter import jitter
from jirabot.core.managers.throttling import Throttling
from jirabot.core.people import Principal
from jirabot.core.ports import Clock, Events, Ids, JiraSite, Storage, Transaction
from jirabot.core.retry import (
    DELIVERY_ATTEMPTS,
    EFFECT_REFUSALS,
    LEAST_WAIT,
    LONGEST_DELAY,
    LONGEST_WAIT_ASKED,
    GiveUp,
    RetryAt,
    next_attempt,
    while_away,
)
from jirabot.core.workspaces import Workspace
from jirabot.errors import (
    JirabotError,
    JiraBroken,
    JiraGone,
    JiraRefused,
    JiraSilent,
    JiraUnreachable,
    RateLimited,
    SecretSealed,
    fault_of,
    kind_and_place,
)

IN_FLIGHT = timedelta(seconds=60)
"""How long a write, or a read-back, is left alone: longer than either may take (`WRITING_SECONDS` and
`LOOKING_SECONDS` of `jirabot.jira.client`)."""

FIRST_READ_BACK = timedelta(seconds=2)
"""How long after a lost answer the first read-back comes: most requests have landed by then."""

READ_BACK_EVERY = timedelta(seconds=15)
"""How often it is looked within the grace; where that fails, ever less often."""


Claimed = tuple[OwedEffect, bool]
"""An effect that is in flight from now on, and whether its fate was unknown before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Settled:
    """What became of an attempt."""

    state: EffectState
    comment_id: CommentId | None = None
    error: str = ""
    due_in: timedelta = timedelta()
    stands_not: bool = False
    """Jira is known not to have taken it: sent again, it need not be looked for."""
    refusal: JirabotError | None = None
    """Why it is dead, where that was not our own doing."""
    asked_to_wait: RateLimited | None = None
    """Nothing was sent, and no attempt is counted."""


class Delivery:
    """Delivers effects, one in flight an issue."""

    def __init__(
        self,
        *,
        storage: Storage,
        directory: Directory,
        throttling: Throttling,
        marks: CommentMarks,
        clock: Clock,
        ids: Ids,
        log: Events,
        grace: timedelta,
        limits: LimitsSettings,
    ) -> None:
        self._storage, self._directory, self._clock, self._log = storage, directory, clock, log
        self._throttling, self._marks, self._grace = throttling, marks, grace
        self._ids, self._limits = ids, limits

    async def deliver_once(self, *, by: Principal, only: IssueId | None = None) -> bool:
        """Deliver the next effect that is due (of the issue *only*, if given); False where there is none."""
        claimed = await self.claim(by=by, only=only)
        if claimed is None:
            return False
        await self.deliver(claimed, by=by)
        return True

    async def claim(self, *, by: Principal, only: IssueId | None = None) -> Claimed | None:
        """Take the next effect that is due (of the issue *only*, if given); None where there is none."""
        return await self._storage.write(lambda tx: self._claim(tx, only))

    async def deliver(self, claimed: Claimed, *, by: Principal) -> None:
        """Send an effect that was taken, or settle what became of it; records what is known then."""
        effect, fate_unknown = claimed
        settled = await self._deliver(effect, fate_unknown=fate_unknown)
        await self._settle(effect, settled)
        await self._prove_marks(effect, settled)

    async def _prove_marks(self, effect: OwedEffect, settled: _Settled) -> None:
        """Look after a comment whether Jira keeps its mark, once it is settled: nobody waits for that."""
        served = await self._directory.find(effect.workspace_id)
        if served is not None and settled.state is EffectState.SENT and settled.comment_id is not None:
            await self._marks.prove(served, self._directory.site(served), effect, settled.comment_id)

    def times(self, tx: Transaction, now: datetime) -> Sequence[datetime]:
        """Tell when the next effect is due; nothing where none is owed."""
        next_at = tx.outbox.next_due_at()
        return [] if next_at is None else [next_at]

    async def is_due(self) -> bool:
        """Say whether an effect could be sent now."""
        now = self._clock.now()
        return any(at <= now for at in await self._storage.read(lambda tx: self.times(tx, now)))

    def _claim(self, tx: Transaction, only: IssueId | None) -> Claimed | None:
        """Take the next effect and commit the intent to send it; one that is `sending` already is looked for first."""
        now = self._clock.now()
        effect = tx.outbox.find_due(now=now, only=only)
        if effect is None:
            return None
        taken = tx.outbox.begin(effect, now=now, until=now + IN_FLIGHT)
        return taken, effect.state is EffectState.SENDING

    async def _deliver(self, effect: OwedEffect, *, fate_unknown: bool) -> _Settled:
        try:
            served = await self._directory.get(effect.workspace_id)
            site = self._directory.site(served, urgency=_urgency(effect))
            if fate_unknown:
                return await self._look_for(site, effect, words_of(served.workspace, effect))
            return await self._send(served, site, effect)
        except JirabotError as error:
            return await self._not_sent(effect, error, fate_unknown=fate_unknown)
        except Exception as error:  # noqa: BLE001 - one effect never takes the daemon down
            self._log.tell("effect.broken", level="error", effect_id=effect.id, error=kind_and_place(error))
            fault = fault_of(error)
            return _Settled(state=EffectState.DEAD, error=fault.message, refusal=fault)

    async def _send(self, served: Served, site: JiraSite, effect: OwedEffect) -> _Settled:
        match effect.effect:
            case AddComment(text=text, visibility=visibility):
                footer = self._marks.footer(served, effect.id)
                posted = await site.post_comment(
                    effect.issue_id, text, visibility=visibility, mark=effect.id, footer=footer
                )
                return _Settled(state=EffectState.SENT, comment_id=posted)
            case EditComment(target=target, text=text, visibility=visibility):
                first = await self._storage.read(lambda tx: tx.outbox.find(target))
                if first is None or first.comment_id is None:
                    return _Settled(state=EffectState.DEAD, error="the comment that it edits was never posted")
                footer = self._marks.footer(served, target)
                await site.edit_comment(effect.issue_id, first.comment_id, text, visibility=visibility, footer=footer)
                return _Settled(state=EffectState.SENT, comment_id=first.comment_id)

    async def _look_for(self, site: JiraSite, effect: OwedEffect, words: str) -> _Settled:
        """Settle an effect of unknown fate. An edit may be sent twice: it comes to the same."""
        since = effect.sent_at or self._clock.now()
        if isinstance(effect.effect, EditComment):
            return _Settled(state=EffectState.PENDING)
        found = await site.find_marked(effect.issue_id, effect.id, since=since, words=words)
        if found is not None:
            return _Settled(state=EffectState.SENT, comment_id=found)
        age = self._clock.now() - since
        if age < self._grace:
            return _Settled(state=EffectState.SENDING, due_in=min(READ_BACK_EVERY, self._grace - age))
        return _Settled(state=EffectState.PENDING)

    async def _not_sent(self, effect: OwedEffect, error: JirabotError, *, fate_unknown: bool) -> _Settled:
        if isinstance(error, RateLimited):
            return self._postponed(effect, error, fate_unknown=fate_unknown)
        self._log.tell(
            "effect.failed",
            level="warning",
            effect_id=effect.id,
            cause=error.message,
            hint=error.hint,
            attempts=effect.attempts,
        )
        if fate_unknown:
            return self._not_found_out(effect, error)
        if isinstance(error, JiraSilent | JiraBroken):
            due_in = max(min(FIRST_READ_BACK, self._grace), _asked(error))
            return _Settled(state=EffectState.SENDING, error=error.message, due_in=due_in)
        now = self._clock.now()
        chosen = await self._next_attempt(effect, error, now)
        if isinstance(chosen, RetryAt):
            return _Settled(state=EffectState.PENDING, error=error.message, due_in=chosen.at - now, stands_not=True)
        return _Settled(state=EffectState.DEAD, error=error.message, refusal=error, stands_not=True)

    async def _next_attempt(self, effect: OwedEffect, error: JirabotError, now: datetime) -> RetryAt | GiveUp:
        """Decide what comes after a failure. Refusals count for themselves: how else it failed before is no sign."""
        failures, most = effect.attempts, DELIVERY_ATTEMPTS
        if isinstance(error, JiraRefused):
            failures = await self._storage.write(lambda tx: refusals.count(tx, effect, now=now))
            most = EFFECT_REFUSALS
        # Where nothing is sent, as often as it takes: somebody waits for what it says.
        is_kept = isinstance(error, JiraUnreachable | SecretSealed)
        return next_attempt(error, failures, now, jitter=jitter(), most=None if is_kept else most)

    def _not_found_out(self, effect: OwedEffect, error: JirabotError) -> _Settled:
        """Decide where the read-back itself failed: nothing is known, so nothing may be sent.

        It is looked for ever less often, for as long as it takes; but of an issue that is gone nothing is ever known.
        """
        if isinstance(error, JiraGone):
            told = f"{error.message}, and whether the comment stands there is not known"
            gone = JiraGone(told, status=error.status, hint="let the service account see the issue, if it is there")
            return _Settled(state=EffectState.DEAD, error=told, refusal=gone)
        now = self._clock.now()
        again = while_away(now, since=effect.sent_at or now, jitter=jitter(), longest=LONGEST_DELAY)
        due_in = max(READ_BACK_EVERY, _asked(error), again.at - now)
        return _Settled(state=EffectState.SENDING, error=error.message, due_in=due_in)

    def _postponed(self, effect: OwedEffect, error: RateLimited, *, fate_unknown: bool) -> _Settled:
        """Wait for as long as Jira asks, or for our own budget: it was not sent, and is not given up."""
        due_in = timedelta(seconds=max(error.retry_after_seconds, LEAST_WAIT.total_seconds()))
        self._log.tell("effect.postponed", level="warning", effect_id=effect.id, cause=error.message, hint=error.hint)
        return _Settled(
            state=EffectState.SENDING if fate_unknown else EffectState.PENDING,
            error=error.message,
            due_in=due_in,
            asked_to_wait=error,
        )

    async def _settle(self, effect: OwedEffect, settled: _Settled) -> None:
        now = self._clock.now()
        uncounted = settled.asked_to_wait is not None and settled.state is EffectState.PENDING
        after = replace(
            effect,
            state=settled.state,
            attempts=effect.attempts - uncounted,
            comment_id=settled.comment_id,
            error=settled.error,
            due_at=now + settled.due_in,
            sent_at=None if settled.stands_not else effect.sent_at,
        )
        if await self._storage.write(lambda tx: self._write(tx, after, settled.refusal)):
            self._directory.forget()
        if settled.asked_to_wait is not None:
            await self._throttling.refused(effect.workspace_id, settled.asked_to_wait)
        if settled.state is EffectState.SENT:
            await self._throttling.accepted(effect.workspace_id)
            await self._tell(after, "effect.delivered", comment_id=settled.comment_id)
        elif settled.state is EffectState.DEAD:
            hint = "the comment could not be written: check the service account's rights on the project"
            await self._tell(after, "effect.dead", level="error", cause=settled.error, hint=hint)

    def _write(self, tx: Transaction, after: OwedEffect, refusal: JirabotError | None) -> bool:
        """Write what became of an attempt; True where the workspace's row has changed with it."""
        if not tx.outbox.settle(after) or refusal is None:
            return False
        return refusals.record(tx, after, refusal, self._ids, now=self._clock.now())

    async def _tell(self, effect: OwedEffect, event: str, **fields: object) -> None:
        known = next((s.workspace for s in await self._directory.all() if s.workspace.id == effect.workspace_id), None)
        if known is not None:
            fields |= {"workspace": known.name, **self._waited(effect, known)}
        self._log.tell(event, effect_id=effect.id, kind=effect.effect.kind.value, **fields)

    def _waited(self, effect: OwedEffect, workspace: Workspace) -> dict[str, object]:
        """Say how long a first answer took, and whether that is too long; one that can't be given always is."""
        if effect.asked_at is None:
            return {}
        limit = self._limits.of(workspace.deployment).first_answer
        waited = self._clock.now() - effect.asked_at
        late = bool(limit) and (waited > limit or effect.state is EffectState.DEAD)
        return {"waited_seconds": round(waited.total_seconds(), 3), "late": late}


def _urgency(effect: OwedEffect) -> Urgency:
    """Progress may wait for the budget; everything else is what people wait for."""
    return Urgency.ROUTINE if effect.effect.kind is EffectKind.PROGRESS else Urgency.KEPT


def _asked(error: JirabotError) -> timedelta:
    """Tell how long a Jira that fails asks to wait, as far as we do."""
    seconds = error.retry_after_seconds if isinstance(error, JiraBroken) else 0.0
    return min(timedelta(seconds=seconds), LONGEST_WAIT_ASKED)
