"""What every `RepositoryStore` promises."""

import pytest

from jirabot.core.ids import RepositoryId
from jirabot.core.ports import Storage, Transaction
from jirabot.errors import Conflict
from tests.contract.test_stores.values import OTHER, WS, at, repository

FULL = repository(
    base="develop",
    projects=("PAY", "SHOP"),
    components=("Web, old",),
    labels=("frontend",),
    is_default=True,
    user="x-token-auth",
    has_token=True,
)


@pytest.mark.parametrize("added", [pytest.param(FULL, id="every field set"), pytest.param(repository(), id="defaults")])
async def test_what_was_added_is_found_equal(storage: Storage, added):
    await storage.write(lambda tx: tx.repositories.add(added))
    assert await storage.read(lambda tx: tx.repositories.find(WS, added.id)) == added


async def test_it_is_found_in_its_own_workspace_only(storage: Storage):
    await storage.write(lambda tx: tx.repositories.add(repository()))
    assert await storage.read(lambda tx: tx.repositories.find(OTHER, repository().id)) is None
    assert await storage.read(lambda tx: tx.repositories.list(OTHER)) == []


async def test_a_name_belongs_to_one_of_a_workspace(storage: Storage):
    await storage.write(lambda tx: tx.repositories.add(repository()))
    second = repository(id=RepositoryId("second"))
    with pytest.raises(Conflict, match="the workspace has a repository of that name already"):
        await storage.write(lambda tx: tx.repositories.add(second))
    assert await storage.read(lambda tx: tx.repositories.list(WS)) == [repository()]


async def test_another_workspace_may_use_the_name(storage: Storage):
    there = repository(id=RepositoryId("there"), workspace_id=OTHER)

    def change(tx: Transaction) -> None:
        tx.repositories.add(repository())
        tx.repositories.add(there)

    await storage.write(change)
    assert await storage.read(lambda tx: tx.repositories.list(OTHER)) == [there]


async def test_an_id_is_taken_once(storage: Storage):
    await storage.write(lambda tx: tx.repositories.add(repository()))
    with pytest.raises(Conflict):
        await storage.write(lambda tx: tx.repositories.add(repository("another", id=repository().id)))
    assert await storage.read(lambda tx: tx.repositories.list(WS)) == [repository()]


async def defaults(storage: Storage) -> list[str]:
    listed = await storage.read(lambda tx: [*tx.repositories.list(WS), *tx.repositories.list(OTHER)])
    return [each.name for each in listed if each.is_default]


async def test_a_new_default_takes_the_place_of_the_old_in_its_workspace(storage: Storage):
    def change(tx: Transaction) -> None:
        tx.repositories.add(repository("old", is_default=True))
        tx.repositories.add(repository("elsewhere", workspace_id=OTHER, is_default=True))
        tx.repositories.add(repository("new", is_default=True))

    await storage.write(change)
    assert await defaults(storage) == ["new", "elsewhere"]


async def test_one_that_is_no_default_leaves_the_default(storage: Storage):
    def change(tx: Transaction) -> None:
        tx.repositories.add(repository("default", is_default=True))
        tx.repositories.add(repository("plain"))

    await storage.write(change)
    assert await defaults(storage) == ["default"]


async def test_a_default_whose_name_is_taken_leaves_the_old_default(storage: Storage):
    def change(tx: Transaction) -> None:
        tx.repositories.add(repository("old", is_default=True))
        tx.repositories.add(repository("plain"))
        with pytest.raises(Conflict):
            tx.repositories.add(repository("plain", id=RepositoryId("another"), is_default=True))

    await storage.write(change)
    assert await defaults(storage) == ["old"]


async def test_list_has_the_oldest_first(storage: Storage):
    def change(tx: Transaction) -> None:
        for name, seconds in (("middle", 2), ("newest", 3), ("oldest", 1)):
            tx.repositories.add(repository(name, created_at=at(seconds)))

    await storage.write(change)
    listed = await storage.read(lambda tx: tx.repositories.list(WS))
    assert [each.name for each in listed] == ["oldest", "middle", "newest"]


async def test_a_removed_repository_is_gone_from_its_workspace_only(storage: Storage):
    def change(tx: Transaction) -> None:
        tx.repositories.add(repository("mine"))
        tx.repositories.add(repository("other", workspace_id=OTHER))
        tx.repositories.remove(WS, RepositoryId("id-of-mine"))
        tx.repositories.remove(WS, RepositoryId("id-of-other"))

    await storage.write(change)

    assert await storage.read(lambda tx: list(tx.repositories.list(WS))) == []
    assert [each.id for each in await storage.read(lambda tx: tx.repositories.list(OTHER))] == ["id-of-other"]
