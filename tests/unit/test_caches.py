"""What is kept of Jira's answers, for how long, and what is not."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest

from jirabot.jira.caches import Cache

from .values import NOW

pytestmark = pytest.mark.fast


@dataclass
class Clock:
    at: datetime = NOW

    def now(self) -> datetime:
        return self.at

    async def sleep(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


class Jira:
    """Answers how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0

    async def __call__(self) -> int:
        self.asked += 1
        return self.asked


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def cache(clock: Clock) -> Cache:
    return Cache(clock=clock, age=timedelta(minutes=5), most=3)


@pytest.mark.parametrize(
    ("after", "answer"),
    [
        pytest.param(0, 1, id="at once"),
        pytest.param(299, 1, id="before its age"),
        pytest.param(300, 2, id="at its age"),
        pytest.param(-1, 2, id="after the clock was set back"),
    ],
)
async def test_an_answer_is_kept_for_its_age(cache: Cache, clock: Clock, after, answer):
    jira = Jira()
    await cache.get("k", jira)
    await clock.sleep(after)

    assert await cache.get("k", jira) == answer


async def test_its_age_is_counted_from_the_question(cache: Cache, clock: Clock):
    async def slowly() -> str:
        await clock.sleep(200)
        return "old"

    await cache.get("k", slowly)
    await clock.sleep(100)

    assert await cache.get("k", Jira()) == 1


async def test_each_key_has_its_own(cache: Cache):
    jira = Jira()

    assert [await cache.get(key, jira) for key in ("a", "b", "a")] == [1, 2, 1]


async def test_what_was_dropped_is_asked_anew(cache: Cache):
    jira = Jira()
    for key in ("a", "b"):
        await cache.get(key, jira)
    cache.drop("a")

    assert [await cache.get(key, jira) for key in ("a", "b")] == [3, 2]
    cache.clear()
    assert [await cache.get(key, jira) for key in ("a", "b")] == [4, 5]


@pytest.mark.parametrize("forget", [lambda cache: cache.drop("k"), lambda cache: cache.clear()], ids=["drop", "clear"])
async def test_what_is_dropped_while_it_is_asked_is_not_kept(cache: Cache, forget):
    """An answer that was on its way may be of before the change."""
    asked, go = asyncio.Event(), asyncio.Event()

    async def slowly() -> str:
        asked.set()
        await go.wait()
        return "of before"

    async with asyncio.TaskGroup() as tasks:
        first = tasks.create_task(cache.get("k", slowly))
        await asked.wait()
        forget(cache)
        go.set()

    assert first.result() == "of before"
    assert await cache.get("k", Jira()) == 1


async def test_a_failure_is_not_kept(cache: Cache):
    async def fails() -> None:
        raise ValueError

    for _ in range(2):
        with pytest.raises(ValueError):
            await cache.get("k", fails)
    assert len(cache) == 0


async def test_an_answer_that_is_nothing_is_kept_too(cache: Cache):
    asked = []

    async def nothing() -> None:
        asked.append(1)

    for _ in range(2):
        await cache.get("k", nothing)
    assert len(asked) == 1


async def test_it_holds_so_many_those_asked_for_last(cache: Cache):
    jira = Jira()
    for key in ("a", "b", "c", "a", "d"):
        await cache.get(key, jira)

    assert len(cache) == 3
    assert [await cache.get(key, jira) for key in ("a", "c", "d")] == [1, 3, 4]
    assert await cache.get("b", jira) == 5


async def test_an_age_of_nothing_keeps_nothing(clock: Clock):
    cache, jira = Cache(clock=clock, age=timedelta(0)), Jira()

    assert [await cache.get("k", jira) for _ in range(2)] == [1, 2]
    assert len(cache) == 0
