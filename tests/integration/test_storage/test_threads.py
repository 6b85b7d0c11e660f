"""Threads that do what they are given: in order, to its end, and whoever waits hears of it."""

import asyncio
import threading
from functools import partial

import pytest

from jirabot.storage.threads import Threads

PROMPT = 10.0


async def test_one_thread_does_all_in_order() -> None:
    done: list[int] = []
    threads = Threads(1, name="one")
    async with asyncio.timeout(PROMPT):
        await asyncio.gather(*(threads.do(partial(done.append, number)) for number in range(100)))
        await threads.aclose()
    assert done == list(range(100))


async def test_what_is_urgent_goes_before_what_waits_in_turn_with_it() -> None:
    done: list[str] = []
    began, go = threading.Event(), threading.Event()

    def first() -> None:
        began.set()
        go.wait(PROMPT)
        done.append("first")

    threads = Threads(1, name="one")
    async with asyncio.timeout(PROMPT):
        given = [threads.do(first)]
        await asyncio.to_thread(began.wait, PROMPT)
        given += [threads.do(partial(done.append, "second")), threads.do(partial(done.append, "third"))]
        given += [threads.do(partial(done.append, name), urgent=True) for name in ("urgent", "as urgent")]
        go.set()
        await asyncio.gather(*given)
        await threads.aclose()
    assert done == ["first", "urgent", "second", "as urgent", "third"]


async def test_as_many_go_on_at_once_as_there_may_be_and_no_more() -> None:
    threads, together = Threads(3, name="some"), threading.Barrier(3)
    async with asyncio.timeout(PROMPT):
        # Each waits for the other two: fewer threads would never end, and a fourth is not there.
        await asyncio.gather(*(threads.do(together.wait) for _ in range(9)))
        names = {each.name for each in threading.enumerate() if each.name.startswith("some-")}
        await threads.aclose()
    assert names == {"some-0", "some-1", "some-2"}


async def test_none_is_started_for_work_that_a_free_one_can_do() -> None:
    threads = Threads(3, name="few")
    async with asyncio.timeout(PROMPT):
        used = {await threads.do(lambda: threading.current_thread().name) for _ in range(20)}
        started = {each.name for each in threading.enumerate() if each.name.startswith("few-")}
        await threads.aclose()
    assert used == started == {"few-0"}


@pytest.mark.parametrize(
    ("raised", "told"),
    [
        pytest.param(ValueError("no"), ValueError, id="an error"),
        pytest.param(StopIteration(), RuntimeError, id="one that no future takes"),
    ],
)
async def test_what_it_raises_is_raised_where_it_is_waited_for(raised: Exception, told: type[Exception]) -> None:
    def work() -> None:
        raise raised

    threads = Threads(1, name="one")
    async with asyncio.timeout(PROMPT):
        with pytest.raises(told):
            await threads.do(work)
        assert await threads.do(lambda: "goes on") == "goes on"
        await threads.aclose()


async def test_what_nobody_waits_for_any_more_is_not_begun_and_what_was_begun_is_ended() -> None:
    begun, go, ended = threading.Event(), threading.Event(), threading.Event()
    noticed: list[None] = []

    def long() -> None:
        begun.set()
        go.wait(PROMPT)
        ended.set()

    threads = Threads(1, name="one", done=lambda: noticed.append(None))
    async with asyncio.timeout(PROMPT):
        first = threads.do(long)
        second = threads.do(lambda: pytest.fail("nobody waits for it"))
        await asyncio.to_thread(begun.wait, PROMPT)
        first.cancel()
        second.cancel()
        go.set()
        await threads.aclose()
        await asyncio.sleep(0)
    assert ended.is_set()
    assert len(noticed) == 2


async def test_closing_waits_for_what_was_given_and_leaves_no_thread() -> None:
    done: list[int] = []
    threads = Threads(2, name="gone")
    async with asyncio.timeout(PROMPT):
        given = [threads.do(partial(done.append, number)) for number in range(50)]
        await threads.aclose()
        await asyncio.gather(*given)
    assert sorted(done) == list(range(50))
    assert not any(each.name.startswith("gone-") for each in threading.enumerate())
