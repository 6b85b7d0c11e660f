"""What every store counts for `status`."""

from collections.abc import Mapping
from typing import Any

from jirabot.core.conversations import State
from jirabot.core.deliveries import DeliveryState
from jirabot.core.effects import EffectState
from jirabot.core.ids import DeliveryId
from jirabot.core.ports import Storage, Transaction
from tests.contract.test_stores.values import OTHER, WS, at, conversation, delivery, effect


def counted(tx: Transaction) -> list[Mapping[Any, int]]:
    return [dict(tx.deliveries.counts()), dict(tx.conversations.counts()), dict(tx.outbox.counts())]


async def test_an_empty_store_counts_nothing(storage: Storage):
    assert await storage.read(counted) == [{}, {}, {}]


async def test_each_state_of_each_workspace_is_counted(storage: Storage):
    def change(tx: Transaction) -> None:
        tx.deliveries.record([delivery("d1"), delivery("d2"), delivery("d3", workspace_id=OTHER)])
        tx.deliveries.record([delivery("d4", state=DeliveryState.PAUSED)])
        tx.conversations.add(conversation("c1", state=State.COMPLETED))
        tx.conversations.add(conversation("c2", state=State.ACTIVE))
        tx.outbox.owe([effect("e1"), effect("e2", seq=1)])

    await storage.write(change)

    assert await storage.read(counted) == [
        {(WS, DeliveryState.RECEIVED): 2, (OTHER, DeliveryState.RECEIVED): 1, (WS, DeliveryState.PAUSED): 1},
        {(WS, State.COMPLETED): 1, (WS, State.ACTIVE): 1},
        {(WS, EffectState.PENDING): 2},
    ]


async def test_a_backlog_is_what_has_no_outcome_yet_and_is_counted_only_so_far(storage: Storage):
    def change(tx: Transaction) -> None:
        tx.deliveries.record([delivery("d1"), delivery("d2", due_at=at(60)), delivery("d3", workspace_id=OTHER)])
        tx.deliveries.record([delivery("d4", state=DeliveryState.PAUSED), delivery("d5", issue="2")])
        lease = tx.deliveries.claim_lane(owner="me", now=at(0), until=at(9), only=delivery(issue="2").lane_id)
        assert lease is not None
        tx.deliveries.postpone(lease, DeliveryId("d5"), due_at=at(60), reason="", text="")

    await storage.write(change)

    assert await storage.read(lambda tx: tx.deliveries.backlog(WS, most=9)) == 3
    assert await storage.read(lambda tx: tx.deliveries.backlog(WS, most=2)) == 2
    assert await storage.read(lambda tx: tx.deliveries.backlog(OTHER, most=9)) == 1
