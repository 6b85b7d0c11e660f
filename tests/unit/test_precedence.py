"""Webhooks go first, and what waits for them is not forgotten."""

import asyncio

import pytest

from jirabot.daemon.precedence import GIVE_WAY_SECONDS, Precedence


@pytest.fixture
def passed() -> list[str]:
    return []


async def _wait(precedence: Precedence, kind: str, passed: list[str]) -> None:
    await precedence.give_way(kind)
    passed.append(kind)


async def test_with_nothing_to_answer_nobody_waits() -> None:
    """The work behind begins in the same turn of the loop."""
    waiting = Precedence().give_way("inbox")
    with pytest.raises(StopIteration):
        waiting.send(None)


async def test_who_gives_way_goes_on_when_the_last_is_answered(passed: list[str]) -> None:
    """Not with the first of two."""
    precedence = Precedence()
    async with asyncio.TaskGroup() as tasks:
        with precedence.answering():
            with precedence.answering():
                tasks.create_task(_wait(precedence, "inbox", passed))
                await asyncio.sleep(0)
            await asyncio.sleep(0)
            assert passed == []
    assert passed == ["inbox"]


async def test_a_flood_holds_each_kind_up_for_a_moment_only(passed: list[str]) -> None:
    """One step of a kind is let through after the other, each after its own wait; other kinds don't stand in line."""
    precedence = Precedence()
    loop = asyncio.get_running_loop()
    began = loop.time()
    with precedence.answering():
        async with asyncio.TaskGroup() as tasks:
            for kind in ("inbox", "inbox", "outbox"):
                tasks.create_task(_wait(precedence, kind, passed))
    assert sorted(passed[:2]) == ["inbox", "outbox"]
    assert passed[2] == "inbox"
    assert loop.time() - began >= 2 * GIVE_WAY_SECONDS


async def test_a_failed_answer_is_answered_too() -> None:
    """A refusal ends the wait like any other answer."""
    precedence = Precedence()
    with pytest.raises(ValueError, match="refused"), precedence.answering():
        raise ValueError("refused")
    async with asyncio.timeout(10 * GIVE_WAY_SECONDS):
        await precedence.give_way("inbox")
