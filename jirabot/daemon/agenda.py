"""What there is to do: looked for after a change once for all kinds of work, and only what is due is then asked for."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from jirabot.core.ports import Clock, Storage, Transaction

SWEEP_SECONDS = 5.0
"""How long nobody looks at most, should a wake-up be lost."""

Times = Callable[[Transaction, datetime], Sequence[datetime]]
"""Tells of one kind of work when there is something to do, by what time it is now: what has passed is due."""


class Agenda:
    """Knows which kinds of work are due. To ask for a next piece takes the writer; this is one read for all kinds."""

    def __init__(self, kinds: Mapping[str, Times], *, storage: Storage, clock: Clock) -> None:
        self._kinds, self._storage, self._clock = kinds, storage, clock
        self._due = {kind: asyncio.Event() for kind in kinds}
        self._looks = 0
        self._due_by_look = dict.fromkeys(kinds, 0)

    async def look(self) -> None:
        """Look what is due, then wait until that may have changed."""
        self._looks += 1
        look, seen, now = self._looks, self._storage.generation(), self._clock.now()
        found = await self._storage.read(lambda tx: {kind: times(tx, now) for kind, times in self._kinds.items()})
        for kind, times in found.items():
            if any(at <= now for at in times):
                self._due_by_look[kind] = look
                self._due[kind].set()
        later = [(at - now).total_seconds() for times in found.values() for at in times if at > now]
        await self._storage.changed(seen, within_seconds=min([SWEEP_SECONDS, *later]))

    async def until_due(self, kind: str) -> int:
        """Wait until there is something of a kind to do; gives what `nothing_found` is told."""
        await self._due[kind].wait()
        return self._looks

    def nothing_found(self, kind: str, asked_after: int) -> None:
        """Take note that who asked for the next piece of a kind has got none: it is due again by the next look.

        A look that had begun before they asked counts no more: what was committed after it began is seen by the next,
        which then begins at once. What stays due, since a limit or a pause holds it back, is asked for again after the
        next change, or sweep.
        """
        if self._due_by_look[kind] <= asked_after:
            self._due[kind].clear()
