"""Whether the database does what is asked of it: told once when it does not any more, and once when it does again."""

import asyncio
import contextlib
from datetime import datetime, timedelta

from jirabot.core.managers import troubles
from jirabot.core.ports import Clock, Events, Ids, Storage, Transaction
from jirabot.core.scopes import EVERYWHERE
from jirabot.core.troubles import Reason
from jirabot.errors import DatabaseUnusable, JirabotError, Kind

FIRST_LOOK_SECONDS = 1.0
LONGEST_LOOK_SECONDS = 30.0
"""It is looked ever more rarely at a damaged file, of which everything is read, and at what does not stay well."""

STEADY = timedelta(minutes=1)
"""What was well for that long was well."""


class DatabaseWatch:
    """Knows the fault that stands, and looks until it is over."""

    def __init__(self, *, storage: Storage, clock: Clock, ids: Ids, log: Events) -> None:
        self._storage, self._clock, self._ids, self._log = storage, clock, ids, log
        self.fault: JirabotError | None = None
        self._since: datetime | None = None
        self._is_well, self._is_refused = asyncio.Event(), asyncio.Event()
        self._is_well.set()
        self._looks_after_seconds, self._well_since = FIRST_LOOK_SECONDS, clock.now()

    def failed(self, error: JirabotError) -> None:
        """Take note of an error; one that is not the database's is nobody's here."""
        if error.kind is not Kind.UNAVAILABLE:
            return
        if self.fault is None:
            self._since = self._clock.now()
            self._log.tell("database.refused", level="error", cause=error.message, hint=error.hint)
        # Damage is the worst: it stays the fault until everything was read.
        if not isinstance(self.fault, DatabaseUnusable):
            self.fault = error
        self._is_well.clear()
        self._is_refused.set()

    async def until_well(self) -> None:
        """Wait as long as a fault stands."""
        await self._is_well.wait()

    async def probe(self) -> JirabotError | None:
        """Look now; gives the fault, if there is one."""
        if self.fault is None:
            try:
                await self._storage.probe()
            except JirabotError as error:
                self.failed(error)
        return self.fault

    async def mend(self) -> None:
        """While a fault stands, look whether it is over. Runs until cancelled."""
        while True:
            await self._is_refused.wait()
            was_steady = self._clock.now() - self._well_since > STEADY
            wait = FIRST_LOOK_SECONDS if was_steady else self._looks_after_seconds
            while self.fault is not None:
                await self._clock.sleep(wait)
                self._looks_after_seconds = min(2 * wait, LONGEST_LOOK_SECONDS)
                is_damaged = isinstance(self.fault, DatabaseUnusable)
                wait = self._looks_after_seconds if is_damaged else wait
                try:
                    await self._storage.probe(thorough=is_damaged)
                except JirabotError as error:
                    self.failed(error)
                else:
                    await self._recover(self.fault)

    async def _recover(self, fault: JirabotError) -> None:
        """Tell that it is over, in the log and, now that a row can be written, as the trouble that it was."""
        since, now = self._since or self._clock.now(), self._clock.now()
        found = troubles.Found(scope=EVERYWHERE, reason=Reason.DATABASE, text=fault.message, fix=fault.hint)

        def change(tx: Transaction) -> None:
            troubles.begin(tx, found, new_id=self._ids.sortable(), now=since)
            tx.troubles.end(EVERYWHERE, Reason.DATABASE, now=now)

        with contextlib.suppress(JirabotError):
            await self._storage.write(change)
        self.fault, self._well_since = None, now
        self._is_refused.clear()
        self._is_well.set()
        self._log.tell("database.recovered", seconds=round((now - since).total_seconds(), 1))
