"""What every `ConversationStore` promises of messages and of what agents reported."""

from dataclasses import replace

import pytest

from jirabot.core.conversations import MessageKind
from jirabot.core.ids import ConversationId, MessageId, RunId, TriggerKey
from jirabot.core.ports import Storage, Transaction
from jirabot.errors import Conflict
from tests.contract.test_stores.values import GRACE, VISIBILITIES, at, conversation, message, run, run_event

C1, C2, R1, R2 = ConversationId("c1"), ConversationId("c2"), RunId("r1"), RunId("r2")


@pytest.fixture
async def talking(storage: Storage) -> Storage:
    """Two conversations, the first with two runs, the second with one."""

    def change(tx: Transaction) -> None:
        tx.conversations.add(conversation("c1", issue="1"))
        tx.conversations.add(conversation("c2", issue="2"))
        tx.conversations.add_run(run("r1", of="c1"))
        tx.conversations.add_run(run("r2", of="c1", number=2))
        tx.conversations.add_run(run("r3", of="c2"))

    await storage.write(change)
    return storage


async def add(storage: Storage, *ids: str, of: str = "c1") -> None:
    def change(tx: Transaction) -> None:
        for each in ids:
            tx.conversations.add_message(message(each, of=of))

    await storage.write(change)


async def test_what_was_added_is_listed_equal_but_for_its_seq(talking: Storage):
    added = message(
        kind=MessageKind.ANSWER,
        author=GRACE,
        visibility=VISIBILITIES["role"],
        text="Yes 🤖\n",
        seq=99,
        created_at=at(3),
    )
    await talking.write(lambda tx: tx.conversations.add_message(added))
    assert await talking.read(lambda tx: tx.conversations.messages(C1)) == [replace(added, seq=1)]


async def test_a_message_has_the_next_seq_of_its_conversation(talking: Storage):
    await add(talking, "a", of="c1")
    await add(talking, "x", of="c2")
    await add(talking, "b", "c", of="c1")
    listed = await talking.read(lambda tx: [*tx.conversations.messages(C1), *tx.conversations.messages(C2)])
    assert [(each.id, each.seq) for each in listed] == [("a", 1), ("b", 2), ("c", 3), ("x", 1)]


async def test_a_conversation_is_given_what_one_trigger_asked_once(talking: Storage):
    await add(talking, "a")
    with pytest.raises(Conflict, match="the conversation has been given that message already"):
        await talking.write(lambda tx: tx.conversations.add_message(message("b", cause=TriggerKey("comment:a"))))
    assert [each.id for each in await talking.read(lambda tx: tx.conversations.messages(C1))] == ["a"]


async def test_another_conversation_may_be_given_what_the_trigger_asked(talking: Storage):
    await add(talking, "a")
    await talking.write(lambda tx: tx.conversations.add_message(message("b", of="c2", cause=TriggerKey("comment:a"))))
    assert [each.id for each in await talking.read(lambda tx: tx.conversations.messages(C2))] == ["b"]


async def test_an_id_is_taken_once(talking: Storage):
    await add(talking, "a")
    with pytest.raises(Conflict):
        await talking.write(lambda tx: tx.conversations.add_message(replace(message("b"), id=MessageId("a"))))
    assert len(await talking.read(lambda tx: tx.conversations.messages(C1))) == 1


async def give(storage: Storage, run_id: RunId) -> list[str]:
    return [each.id for each in await storage.write(lambda tx: tx.conversations.give_messages(C1, run_id))]


async def waiting(storage: Storage) -> list[str]:
    return [each.id for each in await storage.read(lambda tx: tx.conversations.waiting_messages(C1))]


async def test_messages_wait_until_a_run_is_given_them(talking: Storage):
    await add(talking, "a", "b")
    assert await waiting(talking) == ["a", "b"]
    await give(talking, R1)
    assert await waiting(talking) == []


async def test_a_run_is_given_every_waiting_message_in_order(talking: Storage):
    await add(talking, "b", "a", "c")
    assert await give(talking, R1) == ["b", "a", "c"]


async def test_a_message_is_given_to_one_run(talking: Storage):
    await add(talking, "a")
    await give(talking, R1)
    await add(talking, "b")
    assert await give(talking, R2) == ["b"]
    listed = await talking.read(lambda tx: tx.conversations.messages(C1))
    assert [(each.id, each.given_to) for each in listed] == [("a", "r1"), ("b", "r2")]


async def test_a_run_that_asks_again_gets_all_that_it_has(talking: Storage):
    await add(talking, "a")
    await give(talking, R1)
    await add(talking, "b")
    assert await give(talking, R1) == ["a", "b"]


async def test_messages_that_are_taken_back_wait_again_in_order(talking: Storage):
    await add(talking, "a")
    await give(talking, R1)
    await add(talking, "b")
    await add(talking, "x", of="c2")
    await talking.write(lambda tx: tx.conversations.give_messages(C2, RunId("r3")))
    await talking.write(lambda tx: tx.conversations.take_messages_back(C1))
    assert await give(talking, R2) == ["a", "b"]
    assert await talking.read(lambda tx: tx.conversations.waiting_messages(C2)) == []


async def test_messages_of_another_conversation_stay(talking: Storage):
    await add(talking, "a")
    await add(talking, "x", of="c2")
    assert await give(talking, R1) == ["a"]
    assert [each.id for each in await talking.read(lambda tx: tx.conversations.waiting_messages(C2))] == ["x"]


class TestEvents:
    """What agents reported is listed in the order in which it was recorded."""

    @pytest.fixture
    async def reported(self, talking: Storage) -> Storage:
        def change(tx: Transaction) -> None:
            for text, run_id, of in (("1", "r1", "c1"), ("x", "r3", "c2"), ("2", "r1", "c1"), ("3", "r2", "c1")):
                tx.conversations.record_event(run_event(text, run_id=run_id, of=of, no=77))

        await talking.write(change)
        return talking

    async def test_of_all_runs_of_a_conversation(self, reported: Storage):
        listed = await reported.read(lambda tx: tx.conversations.events(C1))
        assert [(each.text, each.run_id) for each in listed] == [("1", "r1"), ("2", "r1"), ("3", "r2")]

    async def test_equal_but_for_its_no(self, reported: Storage):
        listed = await reported.read(lambda tx: tx.conversations.events(C2))
        assert [replace(each, no=0) for each in listed] == [run_event("x", run_id="r3", of="c2")]

    async def test_from_beyond_a_no(self, reported: Storage):
        first, second, third = await reported.read(lambda tx: tx.conversations.events(C1))
        assert first.no < second.no < third.no
        beyond = await reported.read(lambda tx: tx.conversations.events(C1, after=first.no))
        assert [each.text for each in beyond] == ["2", "3"]
        assert await reported.read(lambda tx: tx.conversations.events(C1, after=third.no)) == []
