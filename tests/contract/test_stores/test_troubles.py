"""What every `TroubleStore` promises: one stands a scope and reason, and each is told twice, no more."""

from datetime import timedelta
from functools import partial

import pytest

from jirabot.core.ids import WorkspaceId
from jirabot.core.managers import troubles
from jirabot.core.managers.troubles import Found
from jirabot.core.ports import Storage, Transaction
from jirabot.core.scopes import of_agent, of_workspace
from jirabot.core.troubles import Reason, Strike, Trouble
from tests.contract.test_stores.values import NOW, WS, at

SCOPE = of_workspace(WS)


def trouble(
    id_: str = "t1", *, scope: str = SCOPE, reason: Reason = Reason.JIRA_FAILING, seconds: float = 0
) -> Trouble:
    return Trouble(id=id_, scope=scope, reason=reason, text="It fails.", fix="look", begun_at=at(seconds))


async def begin(storage: Storage, begun: Trouble) -> bool:
    return await storage.write(lambda tx: tx.troubles.begin(begun))


async def standing(storage: Storage, scope: str | None = None) -> list[str]:
    return [each.id for each in await storage.read(lambda tx: tx.troubles.standing(scope))]


async def test_a_trouble_stands_as_it_began_until_it_ends(storage: Storage):
    assert await begin(storage, trouble())
    assert await storage.read(lambda tx: tx.troubles.standing()) == [trouble()]

    assert await storage.write(lambda tx: tx.troubles.end(SCOPE, Reason.JIRA_FAILING, now=at(9)))
    assert await standing(storage) == []
    (listed,) = await storage.read(lambda tx: tx.troubles.list())
    assert (listed.begun_at, listed.ended_at) == (at(0), at(9))


async def test_one_of_a_scope_and_reason_stands(storage: Storage):
    await begin(storage, trouble())
    assert not await begin(storage, trouble("again", seconds=1))
    assert await begin(storage, trouble("elsewhere", scope=of_agent("local"), seconds=2))
    assert await begin(storage, trouble("another", reason=Reason.TOKEN_REFUSED, seconds=3))

    assert await standing(storage) == ["another", "elsewhere", "t1"]
    assert await standing(storage, SCOPE) == ["another", "t1"]


async def restate(storage: Storage, text: str) -> bool:
    return await storage.write(lambda tx: tx.troubles.restate(SCOPE, Reason.JIRA_FAILING, text=text, fix="look again"))


async def test_what_stands_is_told_anew_where_it_says_something_else(storage: Storage):
    await begin(storage, trouble())
    await storage.write(lambda tx: tx.troubles.told(trouble(), now=at(1)))

    assert not await restate(storage, "It fails.")
    assert await storage.read(lambda tx: tx.troubles.untold()) == []
    assert await restate(storage, "It fails still.")
    (untold,) = await storage.read(lambda tx: tx.troubles.untold())
    assert (untold.id, untold.text, untold.fix, untold.begun_at) == ("t1", "It fails still.", "look again", at(0))


async def test_what_has_ended_is_not_told_anew(storage: Storage):
    await begin(storage, trouble())
    await storage.write(lambda tx: tx.troubles.end(SCOPE, Reason.JIRA_FAILING, now=at(1)))

    assert not await restate(storage, "It fails still.")


async def test_after_its_end_it_may_begin_anew(storage: Storage):
    await begin(storage, trouble())
    await storage.write(lambda tx: tx.troubles.end(SCOPE, Reason.JIRA_FAILING, now=at(1)))
    assert not await storage.write(lambda tx: tx.troubles.end(SCOPE, Reason.JIRA_FAILING, now=at(2)))
    assert await begin(storage, trouble("anew", seconds=3))
    assert [each.id for each in await storage.read(lambda tx: tx.troubles.list())] == ["anew", "t1"]
    assert [each.id for each in await storage.read(lambda tx: tx.troubles.list(limit=1))] == ["anew"]


async def test_begin_and_end_are_untold_until_they_are_told(storage: Storage):
    async def untold() -> list[Trouble]:
        return list(await storage.read(lambda tx: tx.troubles.untold()))

    await begin(storage, trouble("later", reason=Reason.DATABASE, seconds=5))
    await begin(storage, trouble())
    assert [each.id for each in await untold()] == ["t1", "later"]

    for each in await untold():
        await storage.write(partial(_told, each, 6))
    assert await untold() == []

    await storage.write(lambda tx: tx.troubles.end(SCOPE, Reason.JIRA_FAILING, now=at(7)))
    (ended,) = await untold()
    assert (ended.id, ended.begin_told_at, ended.end_told_at) == ("t1", at(6), None)
    await storage.write(partial(_told, ended, 8))
    assert await untold() == []
    (_, told) = await storage.read(lambda tx: tx.troubles.list())
    assert (told.begin_told_at, told.end_told_at) == (at(6), at(8))


async def test_an_end_that_came_while_its_begin_was_told_is_still_to_be_told(storage: Storage):
    await begin(storage, trouble())
    (seen,) = await storage.read(lambda tx: tx.troubles.untold())
    await storage.write(lambda tx: tx.troubles.end(SCOPE, Reason.JIRA_FAILING, now=at(1)))
    await storage.write(partial(_told, seen, 2))
    (left,) = await storage.read(lambda tx: tx.troubles.untold())
    assert (left.begin_told_at, left.end_told_at) == (at(2), None)


def _told(trouble: Trouble, seconds: float, tx: Transaction) -> None:
    tx.troubles.told(trouble, now=at(seconds))


async def test_failures_are_counted_by_scope_and_kind_within_a_time(storage: Storage):
    def change(tx: Transaction) -> None:
        for seconds in (0, 10, 20):
            tx.troubles.strike(SCOPE, Strike.PROBE_FAILED, at=at(seconds))
        tx.troubles.strike(SCOPE, Strike.EFFECT_REFUSED, at=at(20))
        tx.troubles.strike(of_agent("local"), Strike.PROBE_FAILED, at=at(20))

    await storage.write(change)
    assert await storage.read(lambda tx: tx.troubles.strikes(SCOPE, Strike.PROBE_FAILED, since=at(0))) == 2
    await storage.write(lambda tx: tx.troubles.forgive(SCOPE, Strike.PROBE_FAILED))
    assert await storage.read(lambda tx: tx.troubles.strikes(SCOPE, Strike.PROBE_FAILED, since=at(-1))) == 0
    assert await storage.read(lambda tx: tx.troubles.strikes(SCOPE, Strike.EFFECT_REFUSED, since=at(-1))) == 1


@pytest.mark.parametrize(
    ("kind", "apart", "enough"),
    [
        pytest.param(Strike.EFFECT_REFUSED, 100, [False, False, True], id="three refused within the window"),
        pytest.param(Strike.EFFECT_REFUSED, 160, [False, False, False], id="three refused too far apart"),
        pytest.param(Strike.PROBE_FAILED, 200, [False, True, True], id="two probes"),
        pytest.param(Strike.AGENT_FAILED, 1, [False, False, True], id="three of an agent"),
    ],
)
async def test_enough_failures_are_a_trouble(storage: Storage, kind, apart, enough):
    def struck(number: int, tx: Transaction) -> bool:
        return troubles.strike(tx, SCOPE, kind, now=NOW + timedelta(seconds=apart * number))

    assert [await storage.write(partial(struck, number)) for number in range(3)] == enough


async def test_what_is_over_and_told_is_forgotten(storage: Storage):
    def change(tx: Transaction) -> None:
        for name, reason in [("told", Reason.DATABASE), ("untold", Reason.THROTTLED), ("new", Reason.MISMATCH)]:
            troubles.begin(tx, Found(scope=SCOPE, reason=reason, text="", fix=""), new_id=name, now=at(0))
            tx.troubles.end(SCOPE, reason, now=at(50 if name == "new" else 1))
        troubles.begin(tx, Found(scope=SCOPE, reason=Reason.DATABASE, text="", fix=""), new_id="stands", now=at(0))
        for each in tx.troubles.untold():
            if each.id in ("told", "new"):
                tx.troubles.told(each, now=at(2))
        tx.troubles.strike(SCOPE, Strike.PROBE_FAILED, at=at(1))
        tx.troubles.strike(SCOPE, Strike.PROBE_FAILED, at=at(50))

    await storage.write(change)
    assert await storage.write(lambda tx: tx.troubles.forget(before=at(40))) == 2
    assert sorted(each.id for each in await storage.read(lambda tx: tx.troubles.list())) == ["new", "stands", "untold"]
    assert await storage.read(lambda tx: tx.troubles.strikes(SCOPE, Strike.PROBE_FAILED, since=at(0))) == 1


async def test_with_a_workspace_its_troubles_go(storage: Storage):
    def change(tx: Transaction) -> None:
        tx.troubles.begin(trouble())
        tx.troubles.begin(trouble("other", scope=of_workspace(WorkspaceId("other-ws"))))
        tx.troubles.strike(SCOPE, Strike.PROBE_FAILED, at=at(0))
        tx.workspaces.remove(WS)

    await storage.write(change)
    assert await standing(storage) == ["other"]
    assert await storage.read(lambda tx: tx.troubles.strikes(SCOPE, Strike.PROBE_FAILED, since=at(-1))) == 0
