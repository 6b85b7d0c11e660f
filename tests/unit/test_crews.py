"""A crew looks once for all, works side by side, and outlives what fails."""

import asyncio
from collections import deque

import pytest

from jirabot.daemon.crews import Crew, until_idle
from jirabot.errors import StorageUnavailable
from jirabot.storage.memory import MemoryStorage


class Work:
    """Pieces of work that end when they are let go."""

    def __init__(self, *names: str) -> None:
        self.left = deque(names)
        self.looks = 0
        self.going: dict[str, asyncio.Future[None]] = {}

    async def claim(self) -> str | None:
        self.looks += 1
        return self.left.popleft() if self.left else None

    async def carry(self, name: str) -> None:
        self.going[name] = asyncio.get_running_loop().create_future()
        try:
            await self.going[name]
        finally:
            del self.going[name]

    def crew(self, tasks: asyncio.TaskGroup, failed: list[Exception], *, at_once: int) -> Crew[str]:
        return Crew(tasks, claim=self.claim, carry=self.carry, at_once=at_once, failed=failed.append)


async def _turn() -> None:
    for _ in range(3):
        await asyncio.sleep(0)


async def test_what_is_claimed_goes_on_side_by_side() -> None:
    """The next is begun before the first has ended; with none left it says so."""
    work = Work("a", "b")
    async with asyncio.TaskGroup() as tasks:
        crew = work.crew(tasks, [], at_once=4)
        assert [await crew.begin_next() for _ in range(3)] == [True, True, False]
        await _turn()
        assert sorted(work.going) == ["a", "b"]
        for ended in work.going.values():
            ended.set_result(None)
    assert work.looks == 3


async def test_no_more_is_claimed_than_there_are_places() -> None:
    """What can't be begun stays where others may claim it."""
    work = Work("a", "b")
    async with asyncio.TaskGroup() as tasks:
        crew = work.crew(tasks, [], at_once=1)
        await crew.begin_next()
        second = tasks.create_task(crew.begin_next())
        await _turn()
        assert (list(work.going), work.looks) == (["a"], 1)
        work.going["a"].set_result(None)
        assert await second
        await _turn()
        assert list(work.going) == ["b"]
        work.going["b"].set_result(None)


@pytest.mark.parametrize(
    "refusal",
    [
        pytest.param(StorageUnavailable("the disk refuses"), id="of ours"),
        pytest.param(OverflowError("date value out of range"), id="that nobody foresaw"),
        pytest.param(ExceptionGroup("of tasks", [KeyError("id")]), id="of a group of tasks"),
    ],
)
async def test_a_failure_is_told_and_gives_its_place_back(refusal: Exception) -> None:
    """The rest goes on."""
    work = Work("a", "b")
    failures: list[Exception] = []
    async with asyncio.TaskGroup() as tasks:
        crew = work.crew(tasks, failures, at_once=1)
        await crew.begin_next()
        await _turn()
        work.going["a"].set_exception(refusal)
        assert await crew.begin_next()
        await _turn()
        work.going["b"].set_result(None)
    assert failures == [refusal]


async def test_a_look_that_fails_takes_no_place() -> None:
    """The database may refuse: the crew is as large as before."""
    work = Work("a")
    refusals = deque([StorageUnavailable("the disk refuses")])

    async def claim() -> str | None:
        if refusals:
            raise refusals.popleft()
        return await work.claim()

    async with asyncio.TaskGroup() as tasks:
        crew = Crew(tasks, claim=claim, carry=work.carry, at_once=1, failed=lambda error: None)
        for _ in range(2):
            try:
                await crew.begin_next()
            except StorageUnavailable:
                continue
        await _turn()
        work.going["a"].set_result(None)


async def test_it_is_at_rest_when_the_last_piece_has_ended() -> None:
    """Before it began anything, too."""
    work = Work("a", "b")
    async with asyncio.TaskGroup() as tasks:
        crew = work.crew(tasks, [], at_once=2)
        await crew.until_at_rest()
        for _ in range(2):
            await crew.begin_next()
        await _turn()
        resting = tasks.create_task(crew.until_at_rest())
        work.going["a"].set_result(None)
        await _turn()
        assert not resting.done()
        work.going["b"].set_result(None)
        await resting


async def test_what_was_claimed_while_it_was_looked_up_is_waited_for() -> None:
    """A claimed piece of work is due no more, and goes on all the same."""
    work = Work("a")
    async with asyncio.TaskGroup() as tasks:
        crew = work.crew(tasks, [], at_once=1)

        async def is_due() -> bool:
            """Find nothing: the last of it was claimed since it was asked."""
            await crew.begin_next()
            return False

        waiting = tasks.create_task(until_idle(crew, is_due=is_due, storage=MemoryStorage()))
        await _turn()
        assert (list(work.going), waiting.done()) == (["a"], False)
        work.going["a"].set_result(None)


async def test_what_became_due_while_it_was_looked_up_is_seen() -> None:
    """Something was committed meanwhile: the answer is asked for again."""
    work, storage, committed = Work(), MemoryStorage(), deque([True, False])
    async with asyncio.TaskGroup() as tasks:

        async def is_due() -> bool:
            if committed.popleft():
                await storage.write(lambda tx: tx.secrets.record_key_identity("1", "file"))
            return False

        await until_idle(work.crew(tasks, [], at_once=1), is_due=is_due, storage=storage)
    assert not committed
