"""`jirabot` that kills itself at a step: before a function, after it, or after it has found something.

The process is gone as by `kill -9`: nothing is closed, nothing is cleaned up. Run as a program with the function, the
moment and the number of the call before jirabot's own arguments.
"""

import asyncio
import functools
import importlib
import itertools
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

PROGRAM = "from tests.e2e.killing import main; main()"


def main() -> None:
    """Make the function deadly, and do what is asked for."""
    _, function, moment, number, *arguments = sys.argv
    _make_deadly(function, moment, int(number))
    from jirabot.cli.main import main as jirabot

    sys.exit(jirabot(arguments))


def _make_deadly(function: str, moment: str, number: int) -> None:
    """Put a function that kills in the place of `module:name`, `module:Class.name`; only its *number*-th call does."""
    module, _, path = function.partition(":")
    owner: Any = importlib.import_module(module)
    *inside, name = path.split(".")
    for each in inside:
        owner = getattr(owner, each)
    setattr(owner, name, _deadly(getattr(owner, name), moment, number))


def _deadly(step: Callable[..., Any], moment: str, number: int) -> Callable[..., Any]:
    calls = itertools.count(1)

    def strike() -> None:
        if next(calls) == number:
            os.kill(os.getpid(), signal.SIGKILL)

    def begin() -> None:
        if moment == "before":
            strike()

    def end(found: object) -> None:
        if moment == "after" or (moment == "found" and found is not None):
            strike()

    @functools.wraps(step)
    async def waits(*given: Any, **named: Any) -> Any:
        begin()
        found = await step(*given, **named)
        end(found)
        return found

    @functools.wraps(step)
    def acts(*given: Any, **named: Any) -> Any:
        begin()
        found = step(*given, **named)
        end(found)
        return found

    return waits if asyncio.iscoroutinefunction(step) else acts
