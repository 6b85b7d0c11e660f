"""What every `RejectionStore` promises."""

from functools import partial

from jirabot.core.ports import Rejection, Storage, Transaction
from tests.contract.test_stores.values import OTHER, WS, rejection


def add(one: Rejection, tx: Transaction) -> None:
    tx.rejections.add([one])


async def test_they_are_listed_newest_first(storage: Storage):
    await storage.write(lambda tx: tx.rejections.add([rejection("first"), rejection("second")]))
    await storage.write(lambda tx: tx.rejections.add([rejection("third")]))
    listed = await storage.read(lambda tx: tx.rejections.list(WS))
    assert list(listed) == [rejection("third"), rejection("second"), rejection("first")]


async def test_each_workspace_has_its_own(storage: Storage):
    await storage.write(lambda tx: tx.rejections.add([rejection("here"), rejection("there", OTHER)]))
    assert list(await storage.read(lambda tx: tx.rejections.list(OTHER))) == [rejection("there", OTHER)]
    assert list(await storage.read(lambda tx: tx.rejections.list(WS))) == [rejection("here")]


async def test_a_workspace_without_any_has_none(storage: Storage):
    assert list(await storage.read(lambda tx: tx.rejections.list(WS))) == []


async def test_adding_none_changes_nothing(storage: Storage):
    await storage.write(lambda tx: tx.rejections.add([]))
    assert list(await storage.read(lambda tx: tx.rejections.list(WS))) == []


async def test_the_last_50_of_a_workspace_are_kept_when_they_come_one_by_one(storage: Storage):
    await storage.write(lambda tx: tx.rejections.add([rejection("quiet", OTHER)]))
    for number in range(53):
        await storage.write(partial(add, rejection(str(number))))
    listed = await storage.read(lambda tx: tx.rejections.list(WS))
    assert [each.cause for each in listed] == [str(number) for number in range(52, 2, -1)]
    assert len(await storage.read(lambda tx: tx.rejections.list(OTHER))) == 1


async def test_the_last_50_of_a_workspace_are_kept_of_many_at_once(storage: Storage):
    await storage.write(lambda tx: tx.rejections.add([rejection(str(number)) for number in range(70)]))
    listed = await storage.read(lambda tx: tx.rejections.list(WS))
    assert [each.cause for each in listed] == [str(number) for number in range(69, 19, -1)]
