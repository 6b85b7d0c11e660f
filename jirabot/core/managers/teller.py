"""Tells administrators of troubles, of each begin and each end once: in the log at once, then by their webhook.

What was told is written down, so that a restart repeats nothing; only a daemon that dies between post and record posts
again, since an alert too many is better than one too few. A webhook that fails is waited for, and nobody else waits
with it; only what it has not taken within a day is no longer sent.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from jirabot.core.managers import troubles
from jirabot.core.managers.jitter import jitter
from jirabot.core.people import Principal
from jirabot.core.ports import Alerts, Clock, Events, Storage, Transaction
from jirabot.core.retry import spread
from jirabot.core.troubles import Alert, Placed, alerts
from jirabot.errors import Unreachable

FIRST_DELAY = timedelta(seconds=10)
LONGEST_DELAY = timedelta(minutes=15)

SENT_FOR = timedelta(days=1)
"""How long an alert is tried: a day later it is in the log and `status` for whoever looks, and news to nobody."""


class Teller:
    """Tells administrators; one at a time a daemon."""

    def __init__(self, *, storage: Storage, alerts: Alerts | None, clock: Clock, log: Events) -> None:
        self._storage, self._alerts, self._clock, self._log = storage, alerts, clock, log
        self._logged: set[tuple[str, bool]] = set()
        self._failures_count = 0
        self._again_at: datetime | None = None

    async def tell_once(self, *, by: Principal) -> int:
        """Tell what was not told yet, as far as the webhook takes it now; count what was told."""
        told = 0
        for placed in await self._storage.read(_untold):
            for alert in alerts(placed):
                self._write_log(alert)
                if not await self._send(alert):
                    # The end is not told before the begin.
                    break
                await self._record(alert)
                told += 1
        return told

    async def _record(self, alert: Alert) -> None:
        now = self._clock.now()
        await self._storage.write(lambda tx: tx.troubles.told(alert.told, now=now))
        self._logged.discard(_key(alert))

    def _write_log(self, alert: Alert) -> None:
        """Write the one line of it, however often the webhook is tried."""
        if _key(alert) in self._logged:
            return
        self._logged.add(_key(alert))
        placed, trouble = alert.placed, alert.placed.trouble
        self._log.tell(
            alert.event,
            level="info" if alert.ended else "error",
            trouble_id=trouble.id,
            workspace=placed.workspace,
            agent=placed.agent,
            reason=trouble.reason.value,
            cause=trouble.text,
            hint=trouble.fix,
        )

    async def _send(self, alert: Alert) -> bool:
        """Say whether it was sent, or need not be any more."""
        if self._alerts is None:
            return True
        if self._again_at is not None and self._clock.now() < self._again_at:
            return False
        try:
            await self._alerts.send(alert)
        except Unreachable as error:
            return self._not_sent(alert, error)
        self._failures_count, self._again_at = 0, None
        return True

    def _not_sent(self, alert: Alert, error: Unreachable) -> bool:
        """Wait before the next one is tried. Only the first failure of several is logged."""
        now = self._clock.now()
        if self._failures_count == 0:
            self._log.tell("alert.failed", level="warning", cause=error.message, hint=error.hint)
        delay = min(FIRST_DELAY * 2 ** min(self._failures_count, 10), LONGEST_DELAY)
        self._failures_count += 1
        self._again_at = now + spread(delay, jitter())
        if now - alert.at < SENT_FOR:
            return False
        self._log.tell("alert.dropped", level="warning", trouble_id=alert.placed.trouble.id, cause=error.message)
        return True


def _untold(tx: Transaction) -> Sequence[Placed]:
    return [troubles.placed(tx, each) for each in tx.troubles.untold()]


def _key(alert: Alert) -> tuple[str, bool]:
    return alert.placed.trouble.id, alert.ended
