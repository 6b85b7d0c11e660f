"""The agenda: what is due is asked for, nothing is overlooked, and who has found nothing waits for another look."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta

import pytest

from jirabot.core.ports import Transaction
from jirabot.daemon.agenda import Agenda
from jirabot.machine import SystemClock
from jirabot.storage.memory import MemoryStorage
from tests.contract.test_stores.values import NOW, delivery

pytestmark = pytest.mark.fast

INBOX, OTHER = "inbox", "other"
TURNS = 20
"""Of the loop: more than a look takes in memory."""


class StandingClock(SystemClock):
    """Stands still until it is set."""

    def __init__(self) -> None:
        self.at = NOW

    def now(self) -> datetime:
        return self.at


class Day:
    """An agenda of deliveries, and of another kind of work for which there is never anything to do."""

    def __init__(self) -> None:
        self.storage, self.clock, self.looks = MemoryStorage(), StandingClock(), 0
        self.agenda = Agenda({INBOX: self._inbox, OTHER: lambda tx, now: []}, storage=self.storage, clock=self.clock)

    def _inbox(self, tx: Transaction, now: datetime) -> Sequence[datetime]:
        self.looks += 1
        next_at = tx.deliveries.next_due_at()
        return [] if next_at is None else [next_at]

    @contextlib.asynccontextmanager
    async def begun(self) -> AsyncIterator[None]:
        """Look after every change while the context is open."""

        async def look() -> None:
            while True:
                await self.agenda.look()

        async with asyncio.TaskGroup() as tasks:
            looking = tasks.create_task(look())
            yield
            looking.cancel()

    async def is_due(self, kind: str = INBOX) -> bool:
        """Say whether there is something to do, once what was begun has had its turns."""
        async with asyncio.TaskGroup() as tasks:
            waiting = tasks.create_task(self.agenda.until_due(kind))
            for _ in range(TURNS):
                await asyncio.sleep(0)
            is_due = waiting.done()
            waiting.cancel()
        return is_due


async def test_what_comes_is_due_and_nothing_else() -> None:
    """One look for all kinds, and none without a change."""
    day = Day()
    async with day.begun():
        assert not await day.is_due()
        await day.storage.record(delivery("d1"))
        assert await day.is_due()
        assert not await day.is_due(OTHER)
        assert day.looks == 2


async def test_who_found_nothing_waits_for_the_next_change() -> None:
    """What is held back stays due; it is not asked for in a circle."""
    day = Day()
    async with day.begun():
        await day.storage.record(delivery("d1"))
        day.agenda.nothing_found(INBOX, await day.agenda.until_due(INBOX))
        assert not await day.is_due()
        await day.storage.record(delivery("d2"))
        assert await day.is_due()


async def test_a_look_that_began_while_somebody_asked_counts() -> None:
    """What came after they asked, they can not have found."""
    day = Day()
    async with day.begun():
        await day.storage.record(delivery("d1"))
        asked_after = await day.agenda.until_due(INBOX)
        await day.storage.record(delivery("d2"))
        assert await day.is_due()
        day.agenda.nothing_found(INBOX, asked_after)
        assert await day.is_due()


async def test_what_has_a_time_is_due_when_it_has_come() -> None:
    """Without a change."""
    day = Day()
    soon = timedelta(milliseconds=20)
    async with day.begun():
        await day.storage.record(delivery("d1", due_at=NOW + soon))
        assert not await day.is_due()
        day.clock.at += soon
        async with asyncio.timeout(2):
            await day.agenda.until_due(INBOX)
