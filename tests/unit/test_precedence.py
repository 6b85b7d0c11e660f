"""Webhooks go first, and what waits for them is not forgotten."""

import asyncio

import pytest

from jirabot.daemon.precedence import GIVE_WAY_SECONDS, INBOX, INBOX_GIVES_WAY_SECONDS, Precedence


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
        with precedence:
            with precedence:
                tasks.create_task(_wait(precedence, "inbox", passed))
                await asyncio.sleep(0)
            await asyncio.sleep(0)
            assert passed == []
    assert passed == ["inbox"]


@pytest.mark.parametrize(
    ("kinds", "seconds"),
    [
        pytest.param([INBOX], INBOX_GIVES_WAY_SECONDS, id="the inbox for a moment"),
        pytest.param([INBOX, INBOX], 2 * INBOX_GIVES_WAY_SECONDS, id="one of a kind after the other"),
        pytest.param(["outbox"], GIVE_WAY_SECONDS, id="all else for longer"),
    ],
)
async def test_a_flood_holds_work_up_and_lets_it_through(passed: list[str], kinds: list[str], seconds: float) -> None:
    """Each step waits its time, and no flood stops it."""
    precedence = Precedence()
    loop = asyncio.get_running_loop()
    began = loop.time()
    with precedence:
        async with asyncio.TaskGroup() as tasks:
            for kind in kinds:
                tasks.create_task(_wait(precedence, kind, passed))
    assert passed == kinds
    assert loop.time() - began >= seconds


async def test_another_kind_does_not_stand_in_line(passed: list[str]) -> None:
    """Who waits for the inbox's turn holds up nobody else."""
    precedence = Precedence()
    async with asyncio.TaskGroup() as tasks:
        with precedence:
            for kind in (INBOX, INBOX, "outbox"):
                tasks.create_task(_wait(precedence, kind, passed))
            await asyncio.sleep(0)
            assert passed == []
    assert sorted(passed) == [INBOX, INBOX, "outbox"]


async def test_a_failed_answer_is_answered_too() -> None:
    """A refusal ends the wait like any other answer."""
    precedence = Precedence()
    with pytest.raises(ValueError, match="refused"), precedence:
        raise ValueError("refused")
    async with asyncio.timeout(10 * GIVE_WAY_SECONDS):
        await precedence.give_way("inbox")
