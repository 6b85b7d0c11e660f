"""What every `TokenStore` promises."""

from dataclasses import replace
from typing import Any

import pytest

from jirabot.core.ids import TokenId
from jirabot.core.people import Role
from jirabot.core.ports import Storage, Transaction
from jirabot.core.tokens import Token
from jirabot.errors import Conflict
from tests.contract.test_stores.values import NOW, WS, at


def token(name: str = "ci", **changes: Any) -> Token:
    given: dict[str, Any] = {
        "id": TokenId(f"token-{name}"),
        "name": name,
        "role": Role.USER,
        "user": "ada",
        "workspace_id": None,
        "hash": f"hash of {name}",
        "created_at": NOW,
        "expires_at": None,
    }
    return Token(**{**given, **changes})


@pytest.mark.parametrize(
    "kept",
    [token(), token(role=Role.ADMIN, workspace_id=WS, expires_at=at(9), revoked_at=at(8))],
    ids=["least", "all"],
)
async def test_what_was_added_is_found_equal(storage: Storage, kept: Token):
    await storage.write(lambda tx: tx.tokens.add(kept))
    assert await storage.read(lambda tx: tx.tokens.find_by_name("ci")) == kept


async def test_no_other_name_finds_it(storage: Storage):
    await storage.write(lambda tx: tx.tokens.add(token()))
    assert await storage.read(lambda tx: tx.tokens.find_by_name("CI")) is None


async def test_they_are_listed_newest_first(storage: Storage):
    def change(tx: Transaction) -> None:
        for name, seconds in (("b", 2), ("c", 3), ("a", 1)):
            tx.tokens.add(token(name, created_at=at(seconds)))

    await storage.write(change)
    assert [each.name for each in await storage.read(lambda tx: tx.tokens.list())] == ["c", "b", "a"]


async def test_a_name_is_taken_even_by_one_that_was_revoked(storage: Storage):
    await storage.write(lambda tx: tx.tokens.add(token(revoked_at=NOW)))
    with pytest.raises(Conflict, match="the name `ci` is taken by another token"):
        await storage.write(lambda tx: tx.tokens.add(token(id="another", hash="another")))


async def test_those_of_a_workspace_go_with_it(storage: Storage):
    def change(tx: Transaction) -> None:
        tx.tokens.add(token("of the workspace", workspace_id=WS))
        tx.tokens.add(token("of all"))
        tx.workspaces.remove(WS)

    await storage.write(change)
    assert [each.name for each in await storage.read(lambda tx: tx.tokens.list())] == ["of all"]


async def test_when_it_was_revoked_first_stays(storage: Storage):
    await storage.write(lambda tx: tx.tokens.add(token()))
    await storage.write(lambda tx: tx.tokens.add(token("other")))
    for seconds in (1, 2):
        await storage.write(lambda tx, now=at(seconds): tx.tokens.revoke(TokenId("token-ci"), now=now))  # type: ignore[misc]
    assert await storage.read(lambda tx: tx.tokens.find_by_name("ci")) == replace(token(), revoked_at=at(1))
    assert await storage.read(lambda tx: tx.tokens.find_by_name("other")) == token("other")


async def test_it_is_found_by_its_hash_alone(storage: Storage):
    await storage.write(lambda tx: tx.tokens.add(token()))
    assert await storage.read(lambda tx: tx.tokens.find_by_hash("hash of ci")) == token()
    assert await storage.read(lambda tx: tx.tokens.find_by_hash("ci")) is None
