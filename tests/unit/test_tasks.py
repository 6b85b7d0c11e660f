"""Tasks that stand and fall together."""

import asyncio
from collections.abc import Callable, Coroutine

import pytest

from jirabot.core.tasks import together

pytestmark = pytest.mark.fast


async def _fail(error: Exception) -> None:
    raise error


async def _wait_beside(failing: Coroutine[None, None, None]) -> None:
    async with together() as tasks:
        tasks.create_task(failing)
        await asyncio.Event().wait()


async def _fail_beside(waiting: Coroutine[None, None, object]) -> None:
    async with together() as tasks:
        tasks.create_task(waiting)
        await _fail(KeyError("lost"))


@pytest.mark.parametrize(
    "failing",
    [
        pytest.param(lambda: _wait_beside(_fail(KeyError("lost"))), id="of a task"),
        pytest.param(lambda: _fail_beside(asyncio.Event().wait()), id="of who opened them"),
    ],
)
async def test_an_error_is_raised_as_itself(failing: Callable[[], Coroutine[None, None, None]]) -> None:
    """What waits beside it is ended."""
    async with asyncio.timeout(5):
        with pytest.raises(KeyError, match="lost"):
            await failing()
