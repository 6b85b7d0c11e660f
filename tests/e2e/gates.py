"""Where a play stops what the daemon does, to have something else happen first."""

import asyncio
from typing import Any

import pytest


class Gate:
    """Holds up the first call of a function, and tells that it has come; the play says whether it fails then."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, owner: Any, name: str) -> None:
        self.come, self.opened = asyncio.Event(), asyncio.Event()
        self.error: Exception | None = None
        self.was_cancelled = False
        works = getattr(owner, name)

        async def held_up(*given: Any, **named: Any) -> Any:
            if not self.come.is_set():
                await self._wait()
                if self.error is not None:
                    raise self.error
            return await works(*given, **named)

        monkeypatch.setattr(owner, name, held_up)

    async def _wait(self) -> None:
        self.come.set()
        try:
            await self.opened.wait()
        except asyncio.CancelledError:
            self.was_cancelled = True
            raise

    def open(self, error: Exception | None = None) -> None:
        """Let the call go on, or fail."""
        self.error = error
        self.opened.set()
