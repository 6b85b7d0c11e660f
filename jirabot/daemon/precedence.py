"""Webhooks go first: who works behind the door waits while any is being answered, though never for long.

What has come is on disk and runs away no more; a sender that gets no answer gives up.
"""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Iterator

GIVE_WAY_SECONDS = 0.05
"""How long the next step of each kind of work waits at most: in a flood that does not end, twenty a second are done,
more than the webhooks that one workspace may send."""

QUIET_SECONDS = 0.001
"""How long nothing must have come: between its requests a busy sender is silent for a fraction of that."""


class Precedence:
    """Knows whether webhooks are being answered."""

    def __init__(self) -> None:
        self._answering = 0
        self._answered_at = 0.0
        self._answered = asyncio.Event()
        self._turns: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    @contextlib.contextmanager
    def answering(self) -> Iterator[None]:
        """Tell that one is being answered, while the context is open."""
        self._answering += 1
        self._answered.clear()
        try:
            yield
        finally:
            self._answering -= 1
            if not self._answering:
                self._answered_at = asyncio.get_running_loop().time()
                self._answered.set()

    async def give_way(self, kind: str) -> None:
        """Wait until none is being answered, at most for `GIVE_WAY_SECONDS`; of one *kind* one after the other."""
        async with self._turns[kind]:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(GIVE_WAY_SECONDS):
                    while self._is_busy():
                        await self._answered.wait()
                        await asyncio.sleep(QUIET_SECONDS)

    def _is_busy(self) -> bool:
        return self._answering > 0 or asyncio.get_running_loop().time() - self._answered_at < QUIET_SECONDS
