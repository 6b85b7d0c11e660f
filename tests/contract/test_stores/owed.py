"""Short ways to work on the outbox, each call a transaction of its own."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from jirabot.core.effects import EffectState, OwedEffect
from jirabot.core.ids import EffectId, IssueId
from jirabot.core.ports import Storage
from tests.contract.test_stores.values import NOW, at


async def owe(storage: Storage, *effects: OwedEffect) -> None:
    await storage.write(lambda tx: tx.outbox.owe(effects))


async def find(storage: Storage, id: str = "e1") -> OwedEffect:
    found = await storage.read(lambda tx: tx.outbox.find(EffectId(id)))
    assert found is not None
    return found


async def due(storage: Storage, *, now: datetime = NOW, only: str | None = None) -> str | None:
    only_issue = None if only is None else IssueId(only)
    found = await storage.read(lambda tx: tx.outbox.find_due(now=now, only=only_issue))
    return None if found is None else found.id


async def begin(storage: Storage, id: str = "e1", *, now: datetime = NOW, until: datetime = at(10)) -> OwedEffect:
    known = await find(storage, id)
    return await storage.write(lambda tx: tx.outbox.begin(known, now=now, until=until))


async def settle(storage: Storage, effect: OwedEffect) -> bool:
    return await storage.write(lambda tx: tx.outbox.settle(effect))


async def finish(storage: Storage, id: str, state: EffectState = EffectState.SENT, **changes: Any) -> None:
    begun = await begin(storage, id)
    assert await settle(storage, replace(begun, state=state, **changes))
