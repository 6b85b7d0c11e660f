"""How a command gets its application: settings from file, environment and flags, opened for one coroutine, closed."""

from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import typer

if TYPE_CHECKING:
    from jirabot.app import App
    from jirabot.config import Settings
    from jirabot.core.ports import Events

T = TypeVar("T")


def settings_of(context: typer.Context, **flags: Any) -> "Settings":
    """Load the settings for a command; *flags* are the command's own, by section."""
    from jirabot.config import load

    given: Path | None = context.find_root().params.get("config")
    data_dir: Path | None = context.find_root().params.get("data_dir")
    return load(given, data_dir=data_dir, **flags)


def run(context: typer.Context, work: "Callable[[App], Awaitable[T]]", *, writes: bool = True) -> T:
    """Open the application with the command's settings, do *work* with it, and close it."""
    return run_with(settings_of(context), work, writes=writes)


def run_with(
    settings: "Settings",
    work: "Callable[[App], Awaitable[T]]",
    *,
    writes: bool = True,
    log: "Events | None" = None,
) -> T:
    """Open the application, do *work* with it, and close it.

    *writes*: the database is made, or brought up to date, where that is needed; a command that only reads does neither.
    """
    from jirabot.app import open_app

    async def main() -> T:
        async with open_app(settings, writes=writes, log=log) as app:
            return await work(app)

    return finish(main())


def finish(work: Coroutine[Any, Any, T]) -> T:
    """Do *work* in a loop of its own; Ctrl-C cancels it, a second one doesn't wait for its end.

    `asyncio.run` alone loses a Ctrl-C that comes just as its loop goes to sleep, or to another thread: it is heard when
    the loop next wakes, which may be never. A signal handler of the loop wakes it.

    Raises:
        KeyboardInterrupt: it was Ctrl-C that ended it.
    """
    import asyncio
    import gc
    import signal

    if not gc.isenabled():
        # What was imported is passed over for good: the first search would else go through all of it.
        gc.freeze()
        gc.enable()
    interrupted = False

    async def listening() -> T:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()

        def interrupt() -> None:
            nonlocal interrupted
            interrupted = True
            loop.remove_signal_handler(signal.SIGINT)
            if task is not None:
                task.cancel()

        loop.add_signal_handler(signal.SIGINT, interrupt)
        return await work

    try:
        return asyncio.run(listening())
    except asyncio.CancelledError:
        if interrupted:
            raise KeyboardInterrupt from None
        raise
