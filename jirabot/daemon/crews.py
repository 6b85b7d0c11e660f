"""A crew does one kind of work: one of it looks what there is to do, for all, and what it finds goes on side by side.

Did each look for itself, every commit would wake all of them, and all but one would find nothing.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from jirabot.errors import JirabotError

T = TypeVar("T")


class Crew(Generic[T]):
    """Claims work and carries it out, so much at once.

    Args:
        tasks: owns what goes on.
        claim: takes the next piece of work; None where there is none.
        carry: brings it to its end. It may fail: its lease runs out, and it is claimed again.
        at_once: how many pieces go on side by side.
        failed: is told of failures.
    """

    def __init__(
        self,
        tasks: asyncio.TaskGroup,
        *,
        claim: Callable[[], Awaitable[T | None]],
        carry: Callable[[T], Awaitable[None]],
        at_once: int,
        failed: Callable[[JirabotError], None],
    ) -> None:
        self._tasks, self._claim, self._carry, self._failed = tasks, claim, carry, failed
        self._places = asyncio.Semaphore(at_once)
        self._going = 0
        self._at_rest = asyncio.Event()
        self._at_rest.set()

    async def until_at_rest(self) -> None:
        """Wait until nothing of it goes on."""
        await self._at_rest.wait()

    async def begin_next(self) -> bool:
        """Wait for a free place, and begin the next piece of work; False where there is none."""
        await self._places.acquire()
        # What is being claimed goes on already: nobody else finds it.
        self._begin()
        work = None
        try:
            work = await self._claim()
        finally:
            if work is None:
                self._end()
        if work is None:
            return False
        self._tasks.create_task(self._carry_out(work))
        return True

    async def _carry_out(self, work: T) -> None:
        try:
            await self._carry(work)
        except JirabotError as error:
            self._failed(error)
        finally:
            self._end()

    def _begin(self) -> None:
        self._going += 1
        self._at_rest.clear()

    def _end(self) -> None:
        self._places.release()
        self._going -= 1
        if not self._going:
            self._at_rest.set()
