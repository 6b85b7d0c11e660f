"""Threads that do what they are given, beside the loop."""

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from threading import Thread
from typing import Any, NamedTuple, TypeVar

T = TypeVar("T")


class _Given(NamedTuple):
    work: Callable[[], Any]
    future: asyncio.Future[Any]
    loop: asyncio.AbstractEventLoop


class Threads:
    """Some threads with one queue; one thread does what it is given in order, what is urgent sooner. Owned by one loop.

    `ThreadPoolExecutor` does the same with locks and a second future for each piece, which the loop's thread pays for,
    and every webhook waits for that one (docs/decisions/0016).
    """

    def __init__(self, most: int, *, name: str, done: Callable[[], None] = lambda: None) -> None:
        """Start none yet, and never more than *most*; *done* is called in the loop after each piece of work."""
        self._most, self._name, self._done = most, name, done
        self._urgent: deque[_Given] = deque()
        self._others: deque[_Given] = deque()
        self._was_urgent = False
        self._waiting: SimpleQueue[bool] = SimpleQueue()
        """One for each that is given; false once none is any more."""
        self._threads: list[Thread] = []
        self._going = 0

    def do(self, work: Callable[[], T], *, urgent: bool = False) -> asyncio.Future[T]:
        """Have *work* done by the next thread that is free; what nobody waits for any more when it is reached is not.

        What is *urgent* goes before what is not, in turn with it: one of each, while some of both waits. The future has
        what it returns or raises.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._going += 1
        if len(self._threads) < min(self._going, self._most):
            # A daemon, so that one whose owner was not closed does not keep the process: SQLite survives that.
            thread = Thread(target=self._work, name=f"{self._name}-{len(self._threads)}", daemon=True)
            self._threads.append(thread)
            thread.start()
        (self._urgent if urgent else self._others).append(_Given(work, future, loop))
        self._waiting.put(True)
        return future

    @property
    def is_pressed(self) -> bool:
        """Whether something urgent waits. May be asked in any thread."""
        return bool(self._urgent)

    async def aclose(self) -> None:
        """End the threads, once what was given is done. Nothing may be given any more."""
        threads, self._threads = self._threads, []
        for _ in threads:
            self._waiting.put(False)
        for thread in threads:
            await asyncio.to_thread(thread.join)

    def _work(self) -> None:
        while self._waiting.get():
            given = self._next()
            result: Any = None
            error: BaseException | None = None
            if not given.future.cancelled():
                try:
                    result = given.work()
                except BaseException as raised:  # noqa: BLE001 - it is raised where the work is waited for
                    error = raised
            # A loop that is closed has nobody left who waits.
            with suppress(RuntimeError):
                given.loop.call_soon_threadsafe(self._finish, given.future, result, error)
            # Held by nobody while the thread waits for more.
            del given, result, error

    def _next(self) -> _Given:
        turn = (self._others, self._urgent) if self._was_urgent else (self._urgent, self._others)
        while True:  # between the looks another thread may take what is in one, and more come into the other
            for queue in turn:
                with suppress(IndexError):
                    given = queue.popleft()
                    self._was_urgent = queue is self._urgent
                    return given

    def _finish(self, future: asyncio.Future[Any], result: object, error: BaseException | None) -> None:
        self._going -= 1
        self._done()
        settle(future, result, error)


def settle(future: asyncio.Future[Any], result: object, error: BaseException | None) -> None:
    """Tell who waits what came of it; nobody, where they do so no more. In the loop."""
    if future.done():
        return
    if isinstance(error, StopIteration):
        # No future takes it, and whoever waits would wait for ever.
        told = RuntimeError("the work raised StopIteration")
        told.__cause__ = error
        error = told
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(result)
