"""What every store of many rows promises of lists: only what is seen, page by page."""

import pytest

from jirabot.core.access import EVERYTHING, Sight
from jirabot.core.ids import AccountId, ConversationId, WorkspaceId
from jirabot.core.people import PRINCIPALS, Account
from jirabot.core.ports import Storage, Transaction
from jirabot.core.visibility import Restricted
from tests.contract.test_stores.values import (
    ADA,
    GRACE,
    OTHER,
    VISIBILITIES,
    WS,
    at,
    conversation,
    delivery,
    effect,
    message,
)

NOTHING = Sight(workspaces=frozenset())
SHELL = Account(id=AccountId(f"{PRINCIPALS}shell"))


def of(account: Account, workspace_id: WorkspaceId = WS) -> Sight:
    return Sight(workspaces=frozenset(), accounts=frozenset({(workspace_id, account.id)}))


@pytest.fixture
async def talked(storage: Storage) -> Storage:
    """Ada asked in `a` and `c`, Grace in `b` and `d`; Ada wrote in `b`; `d` is elsewhere."""

    def change(tx: Transaction) -> None:
        tx.conversations.add(conversation("a", issue="1", asker=ADA, created_at=at(1)))
        tx.conversations.add(conversation("b", issue="2", asker=GRACE, created_at=at(2)))
        tx.conversations.add(conversation("c", issue="3", asker=ADA, created_at=at(3)))
        tx.conversations.add(conversation("d", issue="4", asker=GRACE, workspace_id=OTHER, created_at=at(4)))
        tx.conversations.add_message(message("m1", of="b", author=GRACE))
        tx.conversations.add_message(message("m2", of="b", author=ADA))
        tx.conversations.add_message(message("m3", of="c", author=SHELL))

    await storage.write(change)
    return storage


@pytest.mark.parametrize(
    ("seen", "listed"),
    [
        pytest.param(EVERYTHING, ["d", "c", "b", "a"], id="everything"),
        pytest.param(NOTHING, [], id="nothing"),
        pytest.param(Sight(workspaces=frozenset({OTHER})), ["d"], id="one workspace"),
        pytest.param(Sight(workspaces=frozenset({WS, OTHER})), ["d", "c", "b", "a"], id="two workspaces"),
        pytest.param(of(ADA), ["c", "b", "a"], id="asked, or written in"),
        pytest.param(of(GRACE), ["b"], id="of the account there, not elsewhere"),
        pytest.param(of(ADA, OTHER), [], id="the same account elsewhere"),
        pytest.param(of(SHELL), [], id="a principal of our own takes no part"),
        pytest.param(
            Sight(workspaces=frozenset({OTHER}), accounts=frozenset({(WS, GRACE.id)})), ["d", "b"], id="both together"
        ),
    ],
)
async def test_conversations_are_listed_as_they_are_seen(talked: Storage, seen, listed):
    found = await talked.read(lambda tx: tx.conversations.list(seen=seen))
    assert [each.id for each in found] == listed


@pytest.mark.parametrize(
    ("readers", "listed_to"),
    [("public", ["ada", "grace"]), ("role", ["grace"]), ("internal", [])],
)
async def test_a_conversation_is_listed_to_who_may_read_all_of_it(storage: Storage, readers: str, listed_to: list[str]):
    """Ada asked in public, Grace wrote to fewer; of what is internal nobody knows here if they are a customer."""

    def change(tx: Transaction) -> None:
        tx.conversations.add(conversation("c1", asker=ADA, visibility=VISIBILITIES[readers]))
        tx.conversations.add_message(message("m1", author=ADA))
        tx.conversations.add_message(message("m2", author=GRACE, visibility=VISIBILITIES[readers]))
        tx.conversations.add_message(message("m3", author=ADA, visibility=Restricted(type="group", value="all")))

    await storage.write(change)

    async def is_listed(seen: Sight) -> bool:
        return bool(await storage.read(lambda tx: tx.conversations.list(seen=seen)))

    assert [name for name, who in (("ada", ADA), ("grace", GRACE)) if await is_listed(of(who))] == listed_to
    assert await is_listed(Sight(workspaces=frozenset({WS}), accounts=of(ADA).accounts))
    assert not await is_listed(of(GRACE, OTHER))


async def test_who_asked_or_wrote_takes_part(talked: Storage):
    async def of_(id: str) -> frozenset[AccountId]:
        return await talked.read(lambda tx: tx.conversations.participants(ConversationId(id)))

    assert await of_("b") == {GRACE.id, ADA.id}
    assert await of_("c") == {ADA.id}
    assert await of_("none") == frozenset()


async def test_nobody_takes_part_in_what_is_deleted(talked: Storage):
    await talked.write(lambda tx: tx.conversations.delete(ConversationId("b")))
    assert await talked.read(lambda tx: tx.conversations.participants(ConversationId("b"))) == frozenset()


async def test_conversations_come_page_by_page(talked: Storage):
    async def page(before: str | None) -> list[str]:
        found = await talked.read(lambda tx: tx.conversations.list(limit=2, before=before, seen=of(ADA)))
        return [each.id for each in found]

    assert [await page(None), await page("b"), await page("a"), await page("gone")] == [["c", "b"], ["a"], [], []]


async def test_deliveries_come_page_by_page_as_they_are_seen(storage: Storage):
    rows = [delivery("d1"), delivery("d2", workspace_id=OTHER), delivery("d3"), delivery("d4")]
    await storage.write(lambda tx: tx.deliveries.record(rows))

    async def page(before: str | None, seen: Sight) -> list[str]:
        return [e.id for e in await storage.read(lambda tx: tx.deliveries.list(limit=2, before=before, seen=seen))]

    here = Sight(workspaces=frozenset({WS}))
    assert [await page(None, here), await page("d3", here), await page("d1", here)] == [["d4", "d3"], ["d1"], []]
    assert await page("d3", EVERYTHING) == ["d2", "d1"]
    assert await page("gone", EVERYTHING) == []
    assert await page(None, NOTHING) == []


async def test_effects_come_page_by_page_as_they_are_seen(storage: Storage):
    def change(tx: Transaction) -> None:
        tx.outbox.owe([effect("e1"), effect("e2", workspace_id=OTHER), effect("e3"), effect("e4")])

    await storage.write(change)

    async def page(before: str | None, seen: Sight) -> list[str]:
        return [e.id for e in await storage.read(lambda tx: tx.outbox.list(limit=2, before=before, seen=seen))]

    here = Sight(workspaces=frozenset({WS}))
    assert [await page(None, here), await page("e3", here), await page("e1", here)] == [["e4", "e3"], ["e1"], []]
    assert await page("e3", EVERYTHING) == ["e2", "e1"]
    assert await page(None, NOTHING) == []
