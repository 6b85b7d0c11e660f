"""The aiohttp application, and `serve`: the daemon from its lock to its drain."""

import asyncio
import contextlib
import errno
import signal
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from typing import Any

from aiohttp import web

from jirabot.app import App
from jirabot.daemon import health, management, problems, scrapes, webhooks
from jirabot.daemon.logs import connection_log
from jirabot.daemon.metrics import Metrics
from jirabot.daemon.workers import Workers
from jirabot.errors import CommandFailed
from jirabot.machine import why_not_bound

SHUTDOWN_SECONDS = 5.0
"""How long open requests may take to end once no new ones are taken."""

IDLE_SECONDS = 75.0
"""How long a connection may say nothing, or no whole head of a request: longer than proxies keep theirs."""

LINGER_SECONDS = 5.0
"""How long what is left of a refused body is read, so that its sender sees the answer."""


def make_application(app: App, workers: Workers, metrics: Metrics) -> web.Application:
    """Make the application with its routes; every error on the way becomes a problem object.

    All but of what names no path at all (`OPTIONS *`, `CONNECT`): that the library answers itself, 404 in plain text.
    """
    application = web.Application()
    routes = [
        *webhooks.routes(app, workers.precedence),
        *health.routes(app, workers),
        *scrapes.routes(app, workers, metrics),
    ]
    # What no route takes is taken too: the library's own answers are no problem objects.
    methods: dict[str, list[str]] = {}
    for route in routes:
        methods.setdefault(route.path, []).append(route.method)
    others = [web.route("*", path, problems.only(allowed)) for path, allowed in methods.items()]
    every = [*routes, *others, *management.routes(app), web.route("*", "/{path:(?s:.*)}", problems.nowhere)]
    application.add_routes(
        web.RouteDef(
            each.method,
            each.path,
            problems.telling(each.handler, app.log, failed=workers.database.failed),
            {**each.kwargs, "expect_handler": problems.expected},
        )
        for each in every
    )
    return application


@contextlib.asynccontextmanager
async def listening(app: App, workers: Workers, metrics: Metrics) -> AsyncIterator[int]:
    """Listen while the context is open; gives the port.

    Raises:
        CommandFailed: the port is taken, the address is not ours, or is a name that can't be looked up.
    """
    runner = web.AppRunner(
        make_application(app, workers, metrics),
        access_log=None,
        logger=connection_log(app.log),
        shutdown_timeout=SHUTDOWN_SECONDS,
        keepalive_timeout=IDLE_SECONDS,
        lingering_time=LINGER_SECONDS,
        auto_decompress=False,
    )
    await runner.setup()
    server = app.settings.server
    try:
        site = web.TCPSite(runner, server.host, server.port)
        try:
            await site.start()
        except (OSError, UnicodeError) as error:
            why = why_not_bound(error)
            raise CommandFailed(f"can't listen on `{server.host}:{server.port}`: {why}", hint=_cure(error)) from error
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()


async def serve(app: App, *, ready: Callable[[int], None], stop: asyncio.Event | None = None) -> None:
    """Run the daemon until SIGTERM or SIGINT (or *stop*); the second signal ends it at once.

    *ready* is called with the port as soon as a delivery would be accepted.

    Raises:
        DaemonRunning: another daemon has the data folder.
        CommandFailed: the port is taken.
        KeyboardInterrupt: it was SIGINT that ended it, once all is in order.
    """
    stopping, at_once = stop or asyncio.Event(), asyncio.Event()
    workers, metrics = Workers(app), Metrics()
    async with app.daemon(), listening(app, workers, metrics) as port:
        with app.log.heard_by(metrics), _signals(stopping, at_once) as received:
            async with asyncio.TaskGroup() as tasks:
                working = tasks.create_task(workers.work())
                app.log.tell("daemon.started", port=port)
                ready(port)
                await stopping.wait()
                await _unless(at_once, workers.drain())
                working.cancel()
    app.log.tell("daemon.stopped")
    if signal.SIGINT in received:
        raise KeyboardInterrupt


async def _unless(at_once: asyncio.Event, drain: Coroutine[Any, Any, None]) -> None:
    """Drain, unless it is to end at once."""
    async with asyncio.TaskGroup() as tasks:
        draining = tasks.create_task(drain)
        waiting = tasks.create_task(at_once.wait())
        await asyncio.wait([draining, waiting], return_when=asyncio.FIRST_COMPLETED)
        draining.cancel()
        waiting.cancel()


@contextlib.contextmanager
def _signals(stopping: asyncio.Event, at_once: asyncio.Event) -> Iterator[Sequence[int]]:
    """Set the first event with the first SIGTERM or SIGINT, the other with the next; gives those that came."""
    received: list[int] = []

    def take(number: int) -> None:
        received.append(number)
        (at_once if stopping.is_set() else stopping).set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, take, number)
    try:
        yield received
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)


def _cure(error: OSError | UnicodeError) -> str:
    number = getattr(error, "errno", None)
    if number == errno.EADDRINUSE:
        return "another program has the port: give `--port`, or 0 for a free one"
    if number == errno.EACCES:
        return "a port below 1024 takes rights that jirabot should not have: give `--port`"
    return "give `--host` an address of this machine"
