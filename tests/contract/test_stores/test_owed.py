"""What every `OutboxStore` promises of finding what is owed, and when the next of it is due."""

from datetime import datetime

import pytest

from jirabot.core.effects import EditComment, EffectState
from jirabot.core.ids import CommentId, ConversationId, EffectId, IssueId
from jirabot.core.ports import Storage
from tests.contract.test_stores.owed import begin, find, finish, owe
from tests.contract.test_stores.values import OTHER, WS, at, comment, edit, effect


class TestLookingUp:
    async def test_by_its_comment_in_its_workspace(self, storage: Storage):
        await owe(storage, effect("mine", does=comment()), effect("theirs", workspace_id=OTHER))
        await finish(storage, "mine", comment_id=CommentId("20001"))
        found = await storage.read(lambda tx: tx.outbox.find_by_comment(WS, CommentId("20001")))
        assert found == await find(storage, "mine")
        assert await storage.read(lambda tx: tx.outbox.find_by_comment(OTHER, CommentId("20001"))) is None
        assert await storage.read(lambda tx: tx.outbox.find_by_comment(WS, CommentId("20002"))) is None

    async def test_by_a_comment_that_was_edited_since_it_is_the_one_that_made_it(self, storage: Storage):
        await owe(storage, effect("made"), effect("edit", does=edit("made")))
        for each in ("made", "edit"):
            await finish(storage, each, comment_id=CommentId("20001"))
        found = await storage.read(lambda tx: tx.outbox.find_by_comment(WS, CommentId("20001")))
        assert found is not None
        assert found.id == "made"

    async def test_those_whose_fate_is_unknown_on_an_issue(self, storage: Storage):
        await owe(storage, effect("sent"), effect("sending"), effect("pending"))
        await owe(storage, effect("elsewhere", issue="2"), effect("theirs", workspace_id=OTHER))
        await finish(storage, "sent")
        for each in ("sending", "elsewhere", "theirs"):
            await begin(storage, each)
        found = await storage.read(lambda tx: tx.outbox.sending_on(WS, IssueId("1")))
        assert [each.id for each in found] == ["sending"]

    async def test_those_of_a_conversation_in_the_order_in_which_they_were_owed(self, storage: Storage):
        c1, c2 = ConversationId("c1"), ConversationId("c2")
        await owe(storage, effect("b", conversation_id=c1), effect("x", conversation_id=c2), effect("none"))
        await owe(storage, effect("a", conversation_id=c1))
        found = await storage.read(lambda tx: tx.outbox.of_conversation(c1))
        assert [each.id for each in found] == ["b", "a"]

    async def test_those_of_a_cause_by_seq(self, storage: Storage):
        await owe(storage, effect("c", cause="run:1", seq=2), effect("a", cause="run:1", seq=0))
        await owe(storage, effect("b", cause="run:1", seq=1), effect("other", cause="run:2"))
        await owe(storage, effect("theirs", cause="run:1", workspace_id=OTHER))
        found = await storage.read(lambda tx: tx.outbox.of_cause(WS, "run:1"))
        assert [each.id for each in found] == ["a", "b", "c"]

    async def test_the_pending_edit_of_a_comment(self, storage: Storage):
        await owe(storage, effect("first", does=comment()), effect("old", does=edit("first")))
        await owe(storage, effect("new", does=edit("first")), effect("other", does=edit("another")))
        await finish(storage, "old")
        found = await storage.read(lambda tx: tx.outbox.pending_edit(EffectId("first")))
        assert found is not None
        assert found.id == "new"
        assert isinstance(found.effect, EditComment)

    @pytest.mark.parametrize("state", [EffectState.SENDING, EffectState.SENT, EffectState.DEAD])
    async def test_an_edit_that_was_begun_is_pending_no_more(self, storage: Storage, state):
        await owe(storage, effect("edit", does=edit("first")))
        await finish(storage, "edit", state)
        assert await storage.read(lambda tx: tx.outbox.pending_edit(EffectId("first"))) is None


class TestNextDue:
    async def next_due_at(self, storage: Storage) -> datetime | None:
        return await storage.read(lambda tx: tx.outbox.next_due_at())

    async def test_with_nothing_owed_it_is_never(self, storage: Storage):
        await owe(storage, effect("sent"), effect("dead"))
        await finish(storage, "sent")
        await finish(storage, "dead", EffectState.DEAD)
        assert await self.next_due_at(storage) is None

    async def test_it_is_the_earliest_of_the_oldest_of_each_issue(self, storage: Storage):
        await owe(storage, effect("a", issue="1", due_at=at(60)), effect("b", issue="2", due_at=at(40)))
        assert await self.next_due_at(storage) == at(40)

    async def test_one_that_must_wait_its_turn_does_not_count(self, storage: Storage):
        await owe(storage, effect("a", due_at=at(60)), effect("b", due_at=at(5)))
        assert await self.next_due_at(storage) == at(60)

    async def test_one_whose_fate_is_unknown_counts(self, storage: Storage):
        await owe(storage, effect())
        await finish(storage, "e1", EffectState.SENDING, due_at=at(15))
        assert await self.next_due_at(storage) == at(15)
