"""Everything in memory, behind the same ports: for tests, and for what is thrown away. Held to the same contract.

What a value refers to is not looked for; all other promises of the tables are kept. A transaction that raises leaves
everything as it was.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from jirabot.core.deliveries import NewDelivery, Recorded
from jirabot.core.ports import Transaction
from jirabot.storage.memory.audit import Audit, People
from jirabot.storage.memory.conversations import Conversations
from jirabot.storage.memory.deliveries import Deliveries
from jirabot.storage.memory.directory import OAuthStates, Repositories, Secrets, Tokens, Users, Workspaces
from jirabot.storage.memory.forgetting import Forgetting
from jirabot.storage.memory.holds import Breakers, Pauses
from jirabot.storage.memory.outbox import Outbox
from jirabot.storage.memory.tables import Tables
from jirabot.storage.memory.upkeep import (
    Budgets,
    Checkpoints,
    Registrations,
    Rejections,
    Retention,
    Soundness,
    Troubles,
)

T = TypeVar("T")


class MemoryStorage:
    """Fulfils `Storage`."""

    def __init__(self) -> None:
        self._state = Tables()
        self._commits = 0
        self._wake = asyncio.Event()

    async def read(self, query: Callable[[Transaction], T]) -> T:
        return query(_Unit(self._state.copy()))

    async def write(self, change: Callable[[Transaction], T]) -> T:
        state = self._state.copy()
        value = change(_Unit(state))
        if state != self._state:
            self._state = state
            self._commits += 1
            woken, self._wake = self._wake, asyncio.Event()
            woken.set()
        return value

    async def record(self, delivery: NewDelivery) -> Recorded:
        return await self.write(lambda tx: tx.deliveries.record([delivery])[0])

    async def probe(self, *, writes: bool = True, thorough: bool = False) -> None:
        """Do nothing: memory does not refuse."""

    async def sweep(self) -> bool:
        return True

    def size_bytes(self) -> int:
        return 0

    async def changed(self, seen: int, *, within_seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(within_seconds):
                while self.generation() == seen:
                    await self._wake.wait()

    def generation(self) -> int:
        return self._commits

    def foreign_generation(self) -> int:
        return 0

    async def watch(self) -> None:
        await asyncio.Event().wait()


class _Unit:
    """Fulfils `Transaction`."""

    def __init__(self, state: Tables) -> None:
        self.workspaces = Workspaces(state)
        self.secrets = Secrets(state)
        self.users = Users(state)
        self.tokens = Tokens(state)
        self.oauth_states = OAuthStates(state)
        self.repositories = Repositories(state)
        self.deliveries = Deliveries(state)
        self.conversations = Conversations(state)
        self.outbox = Outbox(state)
        self.registrations = Registrations(state)
        self.rejections = Rejections(state)
        self.pauses = Pauses(state)
        self.troubles = Troubles(state)
        self.breakers = Breakers(state)
        self.retention = Retention(state)
        self.soundness = Soundness(state)
        self.budgets = Budgets(state)
        self.checkpoints = Checkpoints(state)
        self.audit = Audit(state)
        self.people = People(state)
        self.forgetting = Forgetting(state)
