"""A database that refuses is told once, looked at until it is well, and told once more; flapping is told rarely."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest

from jirabot.core.troubles import Reason
from jirabot.daemon.database import DatabaseWatch
from jirabot.errors import Conflict, DatabaseUnusable, JirabotError, StorageUnavailable
from jirabot.machine import RandomIds
from jirabot.storage.memory import MemoryStorage
from tests.contract.test_stores.values import NOW
from tests.e2e.stage import Log

FULL = StorageUnavailable("the disk is full", hint="make room")
DAMAGED = DatabaseUnusable("the file is damaged", hint="restore")


class Hurrying:
    """A clock that is where a sleep would end at once, and remembers how long each was."""

    def __init__(self) -> None:
        self.at, self.slept = NOW, list[float]()

    def now(self) -> datetime:
        return self.at

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.at += timedelta(seconds=seconds)
        await asyncio.sleep(0)


class Refusing(MemoryStorage):
    """A storage that refuses the next looks, each with its error."""

    def __init__(self) -> None:
        super().__init__()
        self.refusals: list[JirabotError] = []
        self.looks: list[bool] = []

    async def probe(self, *, writes: bool = True, thorough: bool = False) -> None:
        self.looks.append(thorough)
        if self.refusals:
            raise self.refusals.pop(0)


class Play:
    """A watch with all that it is given."""

    def __init__(self) -> None:
        self.storage, self.clock, self.log = Refusing(), Hurrying(), Log()
        self.watch = DatabaseWatch(storage=self.storage, clock=self.clock, ids=RandomIds(), log=self.log)

    async def fails(self, error: JirabotError, *, then: int = 0) -> None:
        """Let something fail, and so many looks after it; wait until all is well."""
        self.storage.refusals = [error] * then
        self.watch.failed(error)
        await self.watch.until_well()


@pytest.fixture
async def play() -> AsyncIterator[Play]:
    made = Play()
    async with asyncio.TaskGroup() as tasks:
        mending = tasks.create_task(made.watch.mend())
        yield made
        mending.cancel()


async def test_a_fault_is_told_once_at_its_begin_and_once_at_its_end(play: Play) -> None:
    play.watch.failed(FULL)
    play.watch.failed(FULL)
    await play.fails(FULL, then=3)

    assert [event for event, _ in play.log.told] == ["database.refused", "database.recovered"]
    assert play.log.told[0][1] == {"level": "error", "cause": "the disk is full", "hint": "make room"}
    assert play.watch.fault is None


async def test_it_is_looked_at_every_second_with_a_write(play: Play) -> None:
    await play.fails(FULL, then=3)

    assert play.clock.slept == [1.0] * 4
    assert play.storage.looks == [False] * 4


async def test_a_damaged_file_is_read_whole_and_ever_more_rarely(play: Play) -> None:
    await play.fails(DAMAGED, then=7)

    assert play.clock.slept == [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0]
    assert play.storage.looks == [True] * 8


async def test_damage_stays_the_fault_whatever_else_fails(play: Play) -> None:
    play.watch.failed(DAMAGED)
    play.watch.failed(FULL)

    assert play.watch.fault is DAMAGED
    await play.watch.until_well()


async def test_what_does_not_stay_well_is_told_ever_more_rarely(play: Play) -> None:
    for _ in range(4):
        await play.fails(FULL)
    assert play.clock.slept == [1.0, 2.0, 4.0, 8.0]

    play.clock.at += timedelta(minutes=2)
    await play.fails(FULL)
    assert play.clock.slept[-1] == 1.0


async def test_the_trouble_is_written_down_once_it_can_be(play: Play) -> None:
    await play.fails(FULL, then=3)

    (trouble,) = await play.storage.read(lambda tx: tx.troubles.list())
    assert (trouble.reason, trouble.text, trouble.fix) == (Reason.DATABASE, "the disk is full", "make room")
    assert (trouble.begun_at, trouble.ended_at) == (NOW, NOW + timedelta(seconds=4))


async def test_an_error_of_somebody_else_is_no_fault(play: Play) -> None:
    play.watch.failed(Conflict("that is there already"))

    assert play.watch.fault is None
    assert play.log.told == []


async def test_a_probe_finds_the_fault_itself(play: Play) -> None:
    play.storage.refusals = [FULL]

    assert await play.watch.probe() is FULL
    await play.watch.until_well()
    assert await play.watch.probe() is None
