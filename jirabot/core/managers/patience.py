"""A storage that is waited for: what an agent has done is not given up because a disk is full for a while."""

from collections.abc import Callable
from typing import Any, TypeVar

from jirabot.core.ports import Clock, Storage, Transaction
from jirabot.errors import DatabaseUnusable, StorageUnavailable

T = TypeVar("T")

AGAIN_SECONDS = 1.0


class Patient:
    """Reads and writes as `Storage` does, again and again for as long as the database refuses."""

    def __init__(self, storage: Storage, clock: Clock) -> None:
        self._storage, self._clock = storage, clock

    def __getattr__(self, name: str) -> Any:
        return getattr(self._storage, name)

    async def read(self, query: Callable[[Transaction], T]) -> T:
        while True:
            try:
                return await self._storage.read(query)
            except (StorageUnavailable, DatabaseUnusable):
                await self._clock.sleep(AGAIN_SECONDS)

    async def write(self, change: Callable[[Transaction], T]) -> T:
        while True:
            try:
                return await self._storage.write(change)
            except (StorageUnavailable, DatabaseUnusable):
                await self._clock.sleep(AGAIN_SECONDS)
