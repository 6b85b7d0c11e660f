"""Webhooks go first: who works behind the door waits while any is being answered, though never for long.

What has come is on disk and runs away no more; a sender that gets no answer gives up.
"""

import asyncio
import contextlib
import time
from collections import defaultdict

GIVE_WAY_SECONDS = 0.25
"""How long the next step of each kind of work waits at most, in a flood that does not end."""

INBOX, AGENDA = "inbox", "agenda"
INBOX_GIVES_WAY_SECONDS = 0.05
"""How long what was accepted waits at most, and before it the look that finds it: twenty a second are decided about,
more than one workspace may send."""

QUIET_SECONDS = 0.001
"""How long nothing must have come: between its requests a busy sender is silent for a fraction of that."""


class Precedence:
    """Knows whether webhooks are being answered: while its context is open, one is."""

    def __init__(self) -> None:
        self._answering = 0
        self._answered_at = 0.0
        self._answered = asyncio.Event()
        self._turns: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    def __enter__(self) -> None:
        self._answering += 1
        if self._answering == 1:
            self._answered.clear()

    def __exit__(self, *error: object) -> None:
        self._answering -= 1
        if not self._answering:
            self._answered_at = time.monotonic()
            self._answered.set()

    async def give_way(self, kind: str) -> None:
        """Wait until none is being answered, though not for long; of one *kind* one after the other."""
        most = INBOX_GIVES_WAY_SECONDS if kind in (INBOX, AGENDA) else GIVE_WAY_SECONDS
        async with self._turns[kind]:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(most):
                    while self._is_busy():
                        await self._answered.wait()
                        await asyncio.sleep(QUIET_SECONDS)

    def _is_busy(self) -> bool:
        return self._answering > 0 or time.monotonic() - self._answered_at < QUIET_SECONDS
