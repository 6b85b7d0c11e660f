"""What every `OutboxStore` promises of effects that people look at, owe again, or give up."""

from dataclasses import replace

import pytest

from jirabot.core.effects import EffectKind, EffectState
from jirabot.core.ids import EffectId
from jirabot.core.ports import Storage
from jirabot.errors import Conflict
from tests.contract.test_stores.owed import begin, due, find, finish, owe, settle
from tests.contract.test_stores.values import NOW, OTHER, WS, at, comment, edit, effect


async def listed(storage: Storage, **asked) -> list[str]:
    return [each.id for each in await storage.read(lambda tx: tx.outbox.list(**asked))]


async def retry(storage: Storage, id: str = "e1") -> bool:
    return await storage.write(lambda tx: tx.outbox.retry(EffectId(id), now=at(30)))


async def discard(storage: Storage, id: str = "e1") -> bool:
    return await storage.write(lambda tx: tx.outbox.discard(EffectId(id)))


async def in_state(storage: Storage, state: EffectState) -> None:
    await owe(storage, effect())
    if state is EffectState.SENDING:
        await begin(storage)
    elif state is not EffectState.PENDING:
        await finish(storage, "e1", state, error="refused")


class TestListing:
    async def test_the_newest_is_first(self, storage: Storage):
        await owe(storage, effect("a"), effect("b"), effect("c"))
        assert await listed(storage) == ["c", "b", "a"]
        assert await listed(storage, limit=2) == ["c", "b"]

    async def test_of_one_workspace_or_state(self, storage: Storage):
        await owe(storage, effect("a"), effect("b", workspace_id=OTHER), effect("c", issue="2"))
        await finish(storage, "c", EffectState.DEAD)
        assert await listed(storage, workspace_id=WS) == ["c", "a"]
        assert await listed(storage, state=EffectState.DEAD) == ["c"]
        assert await listed(storage, workspace_id=OTHER, state=EffectState.DEAD) == []

    async def test_edits_of_a_comment_are_listed_oldest_first(self, storage: Storage):
        edits = [effect("b", does=edit("a")), effect("c", does=edit("a"))]
        await owe(storage, effect("a"), *edits, effect("d", does=edit("another")))
        assert await storage.read(lambda tx: tx.outbox.edits_of(EffectId("a"))) == edits


class TestOwingAgain:
    @pytest.mark.parametrize(
        ("does", "state"),
        [
            pytest.param(comment(), EffectState.SENDING, id="a comment is looked for first, as it may stand"),
            pytest.param(edit("e0"), EffectState.PENDING, id="an edit may be sent twice"),
        ],
    )
    async def test_a_dead_one_is_owed_anew_and_due_now(self, storage: Storage, does, state: EffectState):
        await owe(storage, effect(does=does))
        await finish(storage, "e1", EffectState.DEAD, error="refused")
        assert await retry(storage) is True
        known = await find(storage)
        told = (known.state, known.attempts, known.error, known.sent_at, known.due_at)
        assert told == (state, 0, "", NOW, at(30))
        assert await due(storage, now=at(29)) is None
        assert await due(storage, now=at(30)) == "e1"

    async def test_what_is_in_flight_is_settled_before_one_that_is_owed_again(self, storage: Storage):
        await owe(storage, effect("e1", does=replace(edit("e0"), kind=EffectKind.ANSWER)), effect("e2"))
        await finish(storage, "e1", EffectState.DEAD)
        await begin(storage, "e2", until=at(60))
        await retry(storage)
        assert await due(storage, now=at(59)) is None
        assert await due(storage, now=at(60)) == "e2"
        await finish(storage, "e2")
        assert await due(storage, now=at(60)) == "e1"

    @pytest.mark.parametrize("state", sorted(set(EffectState) - {EffectState.DEAD}))
    async def test_no_other_is(self, storage: Storage, state: EffectState):
        await in_state(storage, state)
        before = await find(storage)
        assert await retry(storage) is False
        assert await find(storage) == before

    async def test_what_is_not_there_is_not(self, storage: Storage):
        assert await retry(storage, "nobody") is False


class TestGivingUp:
    @pytest.mark.parametrize("state", [EffectState.PENDING, EffectState.SENDING, EffectState.DEAD])
    async def test_what_is_not_known_to_stand_is_never_due(self, storage: Storage, state: EffectState):
        await in_state(storage, state)
        assert await discard(storage) is True
        assert (await find(storage)).state is EffectState.DISCARDED
        assert await due(storage, now=at(1000)) is None

    @pytest.mark.parametrize("state", [EffectState.SENT, EffectState.DISCARDED])
    async def test_what_stands_or_is_given_up_is_not(self, storage: Storage, state: EffectState):
        await in_state(storage, state)
        before = await find(storage)
        assert await discard(storage) is False
        assert await find(storage) == before

    async def test_what_waited_behind_it_is_due(self, storage: Storage):
        await owe(storage, effect("e1"), effect("e2"))
        await discard(storage)
        assert await due(storage, now=NOW) == "e2"

    async def test_who_looks_for_it_can_not_settle_it(self, storage: Storage):
        await owe(storage, effect())
        begun = await begin(storage)
        await discard(storage)
        assert await settle(storage, begun) is False

    async def test_who_was_about_to_send_it_can_not(self, storage: Storage):
        await owe(storage, effect())
        seen = await find(storage)
        await discard(storage)
        with pytest.raises(Conflict):
            await storage.write(lambda tx: tx.outbox.begin(seen, now=NOW, until=at(10)))
        assert await settle(storage, seen) is False
