"""What every `Storage` promises: all of a change or nothing of it, and news of what was committed."""

import asyncio

import pytest

from jirabot.core.deliveries import Recorded
from jirabot.core.ids import ConversationId, DeliveryId, WorkspaceId
from jirabot.core.ports import Storage, Transaction
from jirabot.errors import Conflict
from tests.contract.test_stores.lanes import claim
from tests.contract.test_stores.values import (
    NOW,
    WS,
    conversation,
    delivery,
    effect,
    entry,
    link,
    message,
    rejection,
    repository,
    run,
    run_event,
    sealed,
    workspace,
)

TOO_LONG = 60.0
"""Seconds: nobody waits so long, a test that does fails by its own time-out before."""


def fill(tx: Transaction) -> None:
    """Add something to every store, which ends with all of them holding more than before."""
    tx.workspaces.add(workspace("third"))
    tx.secrets.put(WS, "api-key", sealed(), now=NOW)
    tx.secrets.record_key_identity("key-1", "the system keyring")
    tx.users.user_named("ada", new_id=link().user_id, now=NOW)
    tx.users.add_link(link())
    tx.repositories.add(repository())
    tx.deliveries.record([delivery()])
    tx.conversations.add(conversation())
    tx.conversations.add_message(message())
    tx.conversations.add_run(run())
    tx.conversations.record_event(run_event("On it."))
    tx.outbox.owe([effect()])
    tx.rejections.add([rejection()])
    tx.audit.append(entry())


def contents(tx: Transaction) -> list[bool]:
    """Say of each store whether it holds what `fill` adds."""
    c1 = ConversationId("c1")
    return [
        tx.workspaces.find(WorkspaceId("third")) is not None,
        tx.secrets.has_any(),
        tx.secrets.key_identity() is not None,
        bool(tx.users.list_links(None)),
        bool(tx.repositories.list(WS)),
        bool(tx.deliveries.list()),
        tx.deliveries.next_due_at() is not None,
        tx.conversations.find(c1) is not None,
        bool(tx.conversations.messages(c1)),
        bool(tx.conversations.runs(c1)),
        bool(tx.conversations.events(c1)),
        tx.outbox.next_due_at() is not None,
        bool(tx.rejections.list(WS)),
    ]


class TestWriting:
    async def test_all_of_a_change_stands_when_it_returns(self, storage: Storage):
        await storage.write(fill)
        assert await storage.read(contents) == [True] * 13

    async def test_a_change_that_raises_leaves_nothing(self, storage: Storage):
        def change(tx: Transaction) -> None:
            fill(tx)
            raise LookupError("on purpose")

        with pytest.raises(LookupError, match="on purpose"):
            await storage.write(change)
        assert await storage.read(contents) == [False] * 13

    async def test_what_a_store_refuses_takes_the_whole_change_down(self, storage: Storage):
        def change(tx: Transaction) -> None:
            fill(tx)
            tx.workspaces.add(workspace("third"))

        with pytest.raises(Conflict):
            await storage.write(change)
        assert await storage.read(contents) == [False] * 13

    async def test_a_change_sees_what_it_has_written(self, storage: Storage):
        def change(tx: Transaction) -> list[bool]:
            fill(tx)
            return contents(tx)

        assert await storage.write(change) == [True] * 13

    async def test_after_one_that_raised_the_next_stands(self, storage: Storage):
        def change(tx: Transaction) -> None:
            raise LookupError

        with pytest.raises(LookupError):
            await storage.write(change)
        await storage.write(fill)
        assert await storage.read(contents) == [True] * 13

    async def test_changes_at_the_same_time_come_one_after_the_other(self, storage: Storage):
        def count(tx: Transaction) -> int:
            tx.repositories.add(repository(f"r{len(tx.repositories.list(WS))}"))
            return len(tx.repositories.list(WS))

        assert await asyncio.gather(*(storage.write(count) for _ in range(10))) == [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]


class TestRecording:
    async def test_a_delivery_is_there_when_it_returns(self, storage: Storage):
        assert await storage.record(delivery()) == Recorded(id=DeliveryId("d1"), duplicate=False)
        assert await storage.read(lambda tx: tx.deliveries.request_of(DeliveryId("d1"))) is not None
        assert await claim(storage) is not None

    async def test_many_that_come_at_the_same_time_are_all_there_in_order(self, storage: Storage):
        ids = [f"d{number}" for number in range(600)]
        told = await asyncio.gather(*(storage.record(delivery(each, issue=each)) for each in ids))
        assert [each.id for each in told] == ids
        assert not any(each.duplicate for each in told)
        listed = await storage.read(lambda tx: tx.deliveries.list(limit=1000))
        assert [each.id for each in reversed(listed)] == ids

    async def test_of_many_with_one_fingerprint_the_first_is_recorded(self, storage: Storage):
        same = [delivery(f"d{number}", fingerprint="same") for number in range(20)]
        told = await asyncio.gather(*(storage.record(each) for each in same))
        assert told == [Recorded(id=DeliveryId("d0"), duplicate=number > 0) for number in range(20)]
        assert len(await storage.read(lambda tx: tx.deliveries.list())) == 1

    async def test_large_and_small_ones_come_together(self, storage: Storage):
        bodies = {f"d{number}": bytes([number]) * (300_000 if number % 3 else 10) for number in range(9)}
        await asyncio.gather(*(storage.record(delivery(each, body=body)) for each, body in bodies.items()))
        found = await storage.read(lambda tx: {each: tx.deliveries.request_of(DeliveryId(each)) for each in bodies})
        assert {each: request.body for each, request in found.items() if request} == bodies


class TestReading:
    async def test_what_the_query_returns_is_returned(self, storage: Storage):
        assert await storage.read(lambda tx: [each.id for each in tx.workspaces.list()]) == ["ws", "other-ws"]

    async def test_what_the_query_raises_is_raised(self, storage: Storage):
        def query(tx: Transaction) -> None:
            raise LookupError("on purpose")

        with pytest.raises(LookupError, match="on purpose"):
            await storage.read(query)

    async def test_many_at_the_same_time_are_all_answered(self, storage: Storage):
        await storage.write(fill)
        assert await asyncio.gather(*(storage.read(contents) for _ in range(20))) == [[True] * 13] * 20


class TestNews:
    """`generation` counts commits; who waits for the next is woken by it."""

    @pytest.mark.parametrize("way", ["write", "record"])
    async def test_a_commit_is_counted(self, storage: Storage, way):
        before = storage.generation()
        await (storage.write(fill) if way == "write" else storage.record(delivery()))
        assert storage.generation() == before + 1

    async def test_what_commits_nothing_is_not_counted(self, storage: Storage):
        def change(tx: Transaction) -> None:
            fill(tx)
            raise LookupError

        await storage.record(delivery())
        before = storage.generation()
        with pytest.raises(LookupError):
            await storage.write(change)
        await storage.write(contents)
        await storage.read(contents)
        await storage.record(delivery())
        assert storage.generation() == before

    async def test_without_others_none_are_foreign(self, storage: Storage):
        await storage.write(fill)
        assert storage.foreign_generation() == 0

    @pytest.mark.parametrize("way", ["write", "record"])
    async def test_everybody_who_waits_for_the_next_is_woken_by_it(self, storage: Storage, way):
        seen = storage.generation()
        async with asyncio.timeout(TOO_LONG / 6), asyncio.TaskGroup() as tasks:
            for _ in range(3):
                tasks.create_task(storage.changed(seen, within_seconds=TOO_LONG))
            await asyncio.sleep(0)
            await (storage.write(fill) if way == "write" else storage.record(delivery()))

    async def test_who_has_missed_one_does_not_wait(self, storage: Storage):
        seen = storage.generation()
        await storage.write(fill)
        async with asyncio.timeout(TOO_LONG / 6):
            await storage.changed(seen, within_seconds=TOO_LONG)

    async def test_watching_goes_on_until_it_is_cancelled(self, storage: Storage):
        async with asyncio.TaskGroup() as tasks:
            watching = tasks.create_task(storage.watch())
            await storage.write(fill)
            await storage.record(delivery("another"))
            assert not watching.done()
            watching.cancel()

    async def test_without_news_one_waits_no_longer_than_asked(self, storage: Storage):
        async with asyncio.timeout(TOO_LONG / 6):
            await storage.changed(storage.generation(), within_seconds=0.001)
