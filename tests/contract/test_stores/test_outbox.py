"""What every `OutboxStore` promises of what it owes and takes: per issue in order, each taking with its own epoch."""

from dataclasses import replace

import pytest

from jirabot.core.effects import EffectState
from jirabot.core.ids import CommentId, ConversationId, EffectId
from jirabot.core.ports import Storage
from jirabot.errors import Conflict
from tests.contract.test_stores.owed import begin, due, find, finish, owe, settle
from tests.contract.test_stores.values import NOW, OTHER, VISIBILITIES, WS, at, comment, edit, effect

E1 = EffectId("e1")


class TestOwing:
    @pytest.mark.parametrize(
        "does", [pytest.param(comment("Hi 🤖"), id="comment"), pytest.param(edit("e0"), id="edit")]
    )
    async def test_what_is_owed_is_found_equal(self, storage: Storage, does):
        owed = effect(does=does, conversation_id=ConversationId("c1"), seq=3, due_at=at(5))
        await owe(storage, owed)
        assert await find(storage) == owed

    @pytest.mark.parametrize("visibility", VISIBILITIES.values(), ids=VISIBILITIES)
    async def test_its_visibility_is_kept(self, storage: Storage, visibility):
        await owe(storage, effect(does=comment(visibility=visibility)))
        assert (await find(storage)).effect.visibility == visibility

    async def test_a_step_done_again_leaves_what_it_owes_as_it_is(self, storage: Storage):
        first = effect("first", cause="run:1", seq=2)
        await owe(storage, first)
        await owe(storage, effect("second", cause="run:1", seq=2, does=comment("another text")))
        assert await storage.read(lambda tx: tx.outbox.of_cause(WS, "run:1")) == [first]
        assert await storage.read(lambda tx: tx.outbox.find(EffectId("second"))) is None

    @pytest.mark.parametrize(
        "own", [{"seq": 1}, {"cause": "run:2"}, {"workspace_id": OTHER}], ids=["seq", "cause", "workspace"]
    )
    async def test_another_step_owes_its_own(self, storage: Storage, own):
        await owe(storage, effect("first", cause="run:1"), effect("second", **{"cause": "run:1", **own}))
        assert (await find(storage, "second")).id == "second"

    async def test_an_id_is_taken_once(self, storage: Storage):
        await owe(storage, effect())
        with pytest.raises(Conflict):
            await owe(storage, effect(cause="another"))
        assert await find(storage) == effect()

    async def test_what_is_not_there_is_none(self, storage: Storage):
        assert await storage.read(lambda tx: tx.outbox.find(E1)) is None


class TestFindingTheNext:
    async def test_nothing_is_owed_at_first(self, storage: Storage):
        assert await due(storage) is None

    async def test_one_that_is_due_is_found_as_it_is(self, storage: Storage):
        await owe(storage, effect())
        assert await storage.read(lambda tx: tx.outbox.find_due(now=NOW)) == effect()

    async def test_one_that_is_not_due_waits(self, storage: Storage):
        await owe(storage, effect(due_at=at(60)))
        assert await due(storage, now=at(59)) is None
        assert await due(storage, now=at(60)) == "e1"

    async def test_of_those_that_are_due_the_one_owed_first_comes_first(self, storage: Storage):
        await owe(storage, effect("b", issue="2", due_at=at(5)), effect("a", issue="1", due_at=at(1)))
        assert await due(storage, now=at(9)) == "b"

    async def test_of_an_issue_the_oldest_comes_first_whenever_it_is_due(self, storage: Storage):
        await owe(storage, effect("a", due_at=at(60)), effect("b", due_at=NOW))
        assert await due(storage, now=at(59)) is None
        assert await due(storage, now=at(60)) == "a"

    @pytest.mark.parametrize("end", [EffectState.SENT, EffectState.DEAD])
    async def test_the_next_of_an_issue_comes_when_the_oldest_has_its_end(self, storage: Storage, end):
        await owe(storage, effect("a"), effect("b"))
        await finish(storage, "a", end)
        assert await due(storage) == "b"

    async def test_one_that_is_to_be_tried_again_keeps_its_turn(self, storage: Storage):
        await owe(storage, effect("a"), effect("b"))
        await finish(storage, "a", EffectState.PENDING, due_at=at(30))
        assert await due(storage, now=at(29)) is None
        assert await due(storage, now=at(30)) == "a"

    async def test_one_that_is_taken_is_nobody_elses_until_its_time(self, storage: Storage):
        await owe(storage, effect("a"), effect("b"))
        await begin(storage, "a", until=at(10))
        assert await due(storage, now=at(9.999999)) is None
        assert await due(storage, now=at(10)) == "a"

    async def test_issues_do_not_wait_for_each_other(self, storage: Storage):
        await owe(storage, effect("a", issue="1", due_at=at(60)), effect("b", issue="2"))
        assert await due(storage) == "b"

    async def test_the_same_issue_id_in_another_workspace_is_another_issue(self, storage: Storage):
        await owe(storage, effect("a", due_at=at(60)), effect("b", workspace_id=OTHER))
        assert await due(storage) == "b"

    async def test_only_finds_none_of_another_issue(self, storage: Storage):
        await owe(storage, effect("a", issue="1"), effect("b", issue="2"))
        assert await due(storage, only="2") == "b"
        assert await due(storage, only="3") is None

    async def test_only_finds_none_that_is_not_its_issues_oldest(self, storage: Storage):
        await owe(storage, effect("a", issue="1"), effect("b", issue="2", due_at=at(60)), effect("c", issue="2"))
        assert await due(storage, only="2") is None


class TestProgressThatWaits:
    async def test_it_holds_nothing_back(self, storage: Storage):
        await owe(storage, effect("progress", does=edit("e1"), due_at=at(60)), effect("result"), effect("next"))
        assert await due(storage) == "result"
        assert await storage.read(lambda tx: tx.outbox.next_due_at()) == NOW

    async def test_it_comes_first_once_it_is_due(self, storage: Storage):
        await owe(storage, effect("progress", does=edit("e1"), due_at=at(60)), effect("result", due_at=at(60)))
        assert await due(storage, now=at(60)) == "progress"

    async def test_while_it_is_sent_nothing_else_is(self, storage: Storage):
        await owe(storage, effect("progress", does=edit("e1")), effect("result"))
        await begin(storage, "progress")
        assert await due(storage) is None
        assert await due(storage, now=at(10)) == "progress"

    async def test_it_waits_while_what_came_after_it_is_sent(self, storage: Storage):
        await owe(storage, effect("progress", does=edit("e1"), due_at=at(1)), effect("result"))
        await begin(storage, "result")
        assert await due(storage, now=at(9)) is None
        assert await due(storage, now=at(10)) == "result"
        await finish(storage, "result")
        assert await due(storage, now=at(10)) == "progress"

    async def test_a_comment_before_it_holds_it_back(self, storage: Storage):
        await owe(storage, effect("first", due_at=at(60)), effect("progress", does=edit("first")), effect("result"))
        assert await due(storage) is None


class TestBeginning:
    async def test_a_pending_one_is_sent_from_now_on_and_the_attempt_counts(self, storage: Storage):
        await owe(storage, effect())
        begun = await begin(storage, now=at(3), until=at(13))
        assert begun == effect(state=EffectState.SENDING, sent_at=at(3), attempts=1, epoch=1, due_at=at(13))
        assert await find(storage) == begun

    async def test_one_whose_fate_is_unknown_is_taken_as_it_is(self, storage: Storage):
        await owe(storage, effect())
        await begin(storage, now=at(3), until=at(13))
        taken = await begin(storage, now=at(13), until=at(23))
        assert taken == effect(state=EffectState.SENDING, sent_at=at(3), attempts=1, epoch=2, due_at=at(23))
        assert await find(storage) == taken

    async def test_one_that_is_tried_again_counts_again(self, storage: Storage):
        await owe(storage, effect())
        await finish(storage, "e1", EffectState.PENDING)
        begun = await begin(storage, now=at(60))
        assert (begun.state, begun.sent_at, begun.attempts, begun.epoch) == (EffectState.SENDING, at(60), 2, 2)

    async def test_one_that_another_has_taken_is_not_taken(self, storage: Storage):
        await owe(storage, effect())
        begun = await begin(storage)
        with pytest.raises(Conflict, match="the effect `e1` has been begun or settled since"):
            await storage.write(lambda tx: tx.outbox.begin(effect(), now=at(9), until=at(19)))
        assert await find(storage) == begun

    @pytest.mark.parametrize("end", [EffectState.SENT, EffectState.DEAD])
    async def test_one_that_has_its_end_is_not_taken(self, storage: Storage, end):
        await owe(storage, effect())
        await finish(storage, "e1", end)
        with pytest.raises(Conflict, match="the effect `e1` has been begun or settled since"):
            await begin(storage)
        assert (await find(storage)).state is end

    async def test_what_is_not_there_is_not_taken(self, storage: Storage):
        with pytest.raises(Conflict, match="the effect `e1` has been begun or settled since"):
            await storage.write(lambda tx: tx.outbox.begin(effect(), now=NOW, until=at(10)))

    async def test_its_text_is_the_one_of_now(self, storage: Storage):
        await owe(storage, effect(does=comment("old")))
        await storage.write(lambda tx: tx.outbox.replace_text(E1, "new"))
        begun = await storage.write(lambda tx: tx.outbox.begin(effect(does=comment("old")), now=NOW, until=at(10)))
        assert begun.effect.text == "new"


class TestSettling:
    async def test_state_attempts_comment_error_and_due_time_are_saved(self, storage: Storage):
        await owe(storage, effect())
        begun = await begin(storage, now=at(1))
        sent = CommentId("20001")
        ended = replace(begun, state=EffectState.SENT, attempts=0, comment_id=sent, error="at last", due_at=at(2))
        assert await settle(storage, ended) is True
        assert await find(storage) == ended

    async def test_nothing_else_is_saved(self, storage: Storage):
        await owe(storage, effect())
        begun = await begin(storage, now=at(1))
        await settle(storage, replace(begun, effect=comment("another"), cause="another"))
        assert await find(storage) == begun

    async def test_what_is_known_not_to_stand_has_not_been_sent(self, storage: Storage):
        """Owed again it is sent at once; what may stand is looked for first."""
        await owe(storage, effect())
        begun = await begin(storage, now=at(1))
        await settle(storage, replace(begun, state=EffectState.DEAD, sent_at=None))
        assert await storage.write(lambda tx: tx.outbox.retry(begun.id, now=at(2))) is True
        found = await find(storage)
        assert found is not None
        assert (found.state, found.sent_at) == (EffectState.PENDING, None)

    async def test_what_another_has_begun_since_is_not_settled(self, storage: Storage):
        await owe(storage, effect())
        first = await begin(storage)
        second = await begin(storage, now=at(10), until=at(20))
        assert await settle(storage, replace(first, state=EffectState.DEAD)) is False
        assert await find(storage) == second

    async def test_what_is_not_there_is_not_settled(self, storage: Storage):
        assert await settle(storage, effect(state=EffectState.SENT)) is False


class TestTakingOver:
    """What a daemon that is gone was sending is looked for at once."""

    async def test_it_is_due_now_and_else_as_it_was(self, storage: Storage):
        await owe(storage, effect("a", issue="1"), effect("b", issue="2", workspace_id=OTHER))
        begun = [await begin(storage, each, until=at(60)) for each in ("a", "b")]
        assert await storage.write(lambda tx: tx.outbox.release_sending(now=at(2))) == 2
        assert [await find(storage, each) for each in ("a", "b")] == [replace(each, due_at=at(2)) for each in begun]
        assert await due(storage, now=at(2)) == "a"

    @pytest.mark.parametrize("state", [EffectState.PENDING, EffectState.SENT, EffectState.DEAD])
    async def test_what_was_not_being_sent_keeps_its_time(self, storage: Storage, state):
        await owe(storage, effect())
        await finish(storage, "e1", state, due_at=at(60))
        assert await storage.write(lambda tx: tx.outbox.release_sending(now=at(2))) == 0
        assert (await find(storage)).due_at == at(60)


class TestReplacingTheText:
    @pytest.mark.parametrize("does", [pytest.param(comment("old"), id="comment"), pytest.param(edit(), id="edit")])
    async def test_of_a_pending_effect(self, storage: Storage, does):
        await owe(storage, effect("mine", does=does), effect("other"))
        assert await storage.write(lambda tx: tx.outbox.replace_text(EffectId("mine"), "new")) is True
        assert await find(storage, "mine") == effect("mine", does=replace(does, text="new"))
        assert await find(storage, "other") == effect("other")

    @pytest.mark.parametrize("state", [EffectState.SENDING, EffectState.SENT, EffectState.DEAD])
    async def test_of_no_other(self, storage: Storage, state):
        await owe(storage, effect(does=comment("old")))
        await finish(storage, "e1", state)
        assert await storage.write(lambda tx: tx.outbox.replace_text(E1, "new")) is False
        assert (await find(storage)).effect.text == "old"

    async def test_of_none_that_is_not_there(self, storage: Storage):
        assert await storage.write(lambda tx: tx.outbox.replace_text(E1, "new")) is False
