"""Waiting for a condition on what changes, without polling."""

import asyncio
from collections.abc import Callable


class Signal:
    """Wakes all who wait, each time something changed."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def notify(self) -> None:
        """Wake all who wait now."""
        self._event.set()
        self._event = asyncio.Event()

    async def until(self, predicate: Callable[[], object]) -> None:
        """Wait until *predicate* holds; it is asked at once, and after each change."""
        while not predicate():
            await self._event.wait()
