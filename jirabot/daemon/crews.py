"""A crew does one kind of work: one of it looks what there is to do, for all, and what it finds goes on side by side.

Did each look for itself, every commit would wake all of them, and all but one would find nothing.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from jirabot.core.ports import Storage

T = TypeVar("T")

LOOK_SECONDS = 5.0
"""How long at most until it is looked again whether something is due."""


class Crew(Generic[T]):
    """Claims work and carries it out, so much at once.

    Args:
        tasks: owns what goes on.
        claim: takes the next piece of work; None where there is none.
        carry: brings it to its end. It may fail: its lease runs out, and it is claimed again.
        at_once: how many pieces go on side by side.
        failed: is told of failures, of ours and of what nobody foresaw.
    """

    def __init__(
        self,
        tasks: asyncio.TaskGroup,
        *,
        claim: Callable[[], Awaitable[T | None]],
        carry: Callable[[T], Awaitable[None]],
        at_once: int,
        failed: Callable[[Exception], object],
    ) -> None:
        self._tasks, self._claim, self._carry, self._failed = tasks, claim, carry, failed
        self._places = asyncio.Semaphore(at_once)
        self._going = 0
        self._at_rest = asyncio.Event()
        self._at_rest.set()

    @property
    def is_at_rest(self) -> bool:
        """Say whether nothing of it goes on."""
        return not self._going

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
        except Exception as error:  # noqa: BLE001 - one piece of work never takes the daemon down
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


async def until_idle(crew: Crew[T], *, is_due: Callable[[], Awaitable[bool]], storage: Storage) -> None:
    """Wait until nothing of a crew goes on and nothing of its work is due.

    What is claimed is no longer due, and may have been claimed while that was looked up. So the answer counts only
    where nothing was committed meanwhile.
    """
    while True:
        await crew.until_at_rest()
        seen = storage.generation()
        if await is_due():
            await storage.changed(seen, within_seconds=LOOK_SECONDS)
        elif crew.is_at_rest and storage.generation() == seen:
            return
