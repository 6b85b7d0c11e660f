"""What every storage promises where a conversation is removed: its rows are gone, its comments stay known."""

from dataclasses import replace

from jirabot.core.effects import EffectState
from jirabot.core.ids import CommentId, ConversationId
from jirabot.core.ports import Storage, Transaction
from tests.contract.test_stores.owed import begin, due, find, finish, owe
from tests.contract.test_stores.values import WS, comment, conversation, effect, message, run, run_event

C1, C2 = ConversationId("c1"), ConversationId("c2")


def _two_conversations(tx: Transaction) -> None:
    for number, id_ in enumerate((C1, C2), start=1):
        tx.conversations.add(conversation(id_, issue=f"{number}"))
        tx.conversations.add_message(message(f"m{number}", of=id_))
        tx.conversations.add_run(run(f"r{number}", of=id_))
        tx.conversations.record_event(run_event(f"event {number}", run_id=f"r{number}", of=id_))


async def test_a_conversation_is_removed_with_all_that_is_in_it(storage: Storage):
    await storage.write(_two_conversations)
    await storage.write(lambda tx: tx.conversations.delete(C1))
    assert [each.id for each in await storage.read(lambda tx: tx.conversations.list())] == [C2]
    assert await storage.read(lambda tx: tx.conversations.messages(C1)) == []
    assert await storage.read(lambda tx: tx.conversations.runs(C1)) == []
    assert await storage.read(lambda tx: tx.conversations.events(C1)) == []


async def test_the_other_conversation_stays_whole(storage: Storage):
    await storage.write(_two_conversations)
    await storage.write(lambda tx: tx.conversations.delete(C1))
    assert [each.id for each in await storage.read(lambda tx: tx.conversations.messages(C2))] == ["m2"]
    assert [each.id for each in await storage.read(lambda tx: tx.conversations.runs(C2))] == ["r2"]
    assert [each.text for each in await storage.read(lambda tx: tx.conversations.events(C2))] == ["event 2"]


async def test_what_is_reported_afterwards_comes_after_what_is_there(storage: Storage):
    await storage.write(_two_conversations)
    await storage.write(lambda tx: tx.conversations.delete(C1))
    await storage.write(lambda tx: tx.conversations.record_event(run_event("event 3", run_id="r2", of=C2)))
    texts = [each.text for each in await storage.read(lambda tx: tx.conversations.events(C2))]
    assert texts == ["event 2", "event 3"]


async def test_removing_what_is_not_there_is_nothing(storage: Storage):
    await storage.write(lambda tx: tx.conversations.delete(C1))


async def _forget(storage: Storage) -> None:
    await storage.write(lambda tx: tx.outbox.forget_conversation(C1))


async def test_what_it_owed_and_never_sent_is_gone(storage: Storage):
    await owe(storage, effect("dead", conversation_id=C1), effect("pending", conversation_id=C1))
    await finish(storage, "dead", EffectState.DEAD, error="refused")
    await _forget(storage)
    assert await due(storage) is None
    assert await storage.read(lambda tx: tx.outbox.of_conversation(C1)) == []
    assert await storage.read(lambda tx: tx.outbox.of_cause(WS, "cause of dead")) == []


async def test_a_comment_that_was_sent_stays_known_without_its_text(storage: Storage):
    await owe(storage, effect(conversation_id=C1))
    await finish(storage, "e1", comment_id=CommentId("10100"))
    await _forget(storage)
    known = await storage.read(lambda tx: tx.outbox.find_by_comment(WS, CommentId("10100")))
    assert known is not None
    assert (known.id, known.conversation_id, known.effect) == ("e1", None, comment(""))


async def test_one_that_is_being_sent_keeps_its_text(storage: Storage):
    await owe(storage, effect(conversation_id=C1))
    begun = await begin(storage)
    await _forget(storage)
    assert await find(storage) == replace(begun, conversation_id=None)


async def test_what_another_conversation_owes_stays(storage: Storage):
    await owe(storage, effect(conversation_id=C2))
    await _forget(storage)
    assert await find(storage) == effect(conversation_id=C2)
