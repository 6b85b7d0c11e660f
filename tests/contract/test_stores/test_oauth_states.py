"""What every `OAuthStateStore` promises."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from jirabot.core.ids import WorkspaceId
from jirabot.core.oauth_states import OAuthState, Purpose
from jirabot.core.people import Role
from jirabot.core.ports import Storage
from tests.contract.test_stores.values import ADA, NOW, OTHER, WS, at


def visit(hash_: str = "one", **changes: Any) -> OAuthState:
    given: dict[str, Any] = {
        "hash": hash_,
        "workspace_id": WS,
        "purpose": Purpose.LINK,
        "user_name": "ada",
        "role": Role.USER,
        "created_at": NOW,
        "expires_at": at(600),
    }
    return OAuthState(**{**given, **changes})


PROVED: dict[str, Any] = {"account": ADA, "code_hash": "of a code", "attempts": 3, "used_at": at(9)}
WHOLE = visit(purpose=Purpose.BOT, role=Role.ADMIN, browser_hash="of a cookie", wanted="ada-id", **PROVED)


@pytest.mark.parametrize("kept", [visit(), WHOLE], ids=["least", "all"])
async def test_what_was_added_is_found_equal(storage: Storage, kept: OAuthState):
    await storage.write(lambda tx: tx.oauth_states.add(kept))
    assert await storage.read(lambda tx: tx.oauth_states.find("one")) == kept
    assert await storage.read(lambda tx: tx.oauth_states.find("two")) is None


async def test_what_was_saved_takes_its_place(storage: Storage):
    await storage.write(lambda tx: tx.oauth_states.add(visit()))
    await storage.write(lambda tx: tx.oauth_states.save(replace(visit(), **PROVED)))
    await storage.write(lambda tx: tx.oauth_states.save(visit("never added")))
    assert await storage.read(lambda tx: tx.oauth_states.list()) == [replace(visit(), **PROVED)]


async def test_it_is_used_once_whoever_comes(storage: Storage):
    await storage.write(lambda tx: tx.oauth_states.add(visit()))
    found = await asyncio.gather(*(storage.write(lambda tx: tx.oauth_states.use("one", now=at(1))) for _ in range(5)))
    assert sorted(found, key=lambda each: each is None) == [replace(visit(), used_at=at(1)), None, None, None, None]
    assert await storage.read(lambda tx: tx.oauth_states.find("one")) == replace(visit(), used_at=at(1))


@pytest.mark.parametrize(("hash_", "seconds"), [("two", 1.0), ("one", 600.0)], ids=["unknown", "too late"])
async def test_what_does_not_count_is_not_used(storage: Storage, hash_: str, seconds: float):
    await storage.write(lambda tx: tx.oauth_states.add(visit()))
    assert await storage.write(lambda tx: tx.oauth_states.use(hash_, now=at(seconds))) is None
    assert await storage.read(lambda tx: tx.oauth_states.find("one")) == visit()


async def test_they_are_listed_newest_first_and_go_with_their_workspace(storage: Storage):
    first, second, other = visit(), visit("two", created_at=at(1)), visit("three", workspace_id=OTHER)
    for each in (first, second, other):
        await storage.write(lambda tx, each=each: tx.oauth_states.add(each))  # type: ignore[misc]  # bound at once
    assert [each.hash for each in await storage.read(lambda tx: tx.oauth_states.list())] == ["two", "one", "three"]
    await storage.write(lambda tx: tx.oauth_states.remove("two"))
    await storage.write(lambda tx: tx.workspaces.remove(WorkspaceId(WS)))
    assert await storage.read(lambda tx: tx.oauth_states.list()) == [other]
