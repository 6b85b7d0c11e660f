"""The management API's place among the addresses: counts who asks, then hands over to what answers.

Who asks too often is told so before anything else is looked at. What declares the endpoints takes a tenth of the
daemon's start and memory, and many an installation asks none of them: it is loaded with the first request.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from aiohttp import web
from aiohttp.typedefs import Handler

from jirabot.app import App
from jirabot.core.managers.callers import API
from jirabot.daemon import access, problems

Answers = Callable[[web.Request, Mapping[str, str]], Awaitable[web.StreamResponse]]
"""Answers a request, given the variable parts of its address."""


def routes(app: App) -> list[web.RouteDef]:
    """List the addresses that endpoints are below."""
    below = {f"/integration/{each.route}": each.name for each in app.deployments.values()} | {"/api": API}
    endpoints = Endpoints(app)
    return [
        web.route("*", f"{base}/{{path:(?s:.*)}}", limited(app, name, endpoints.answer)) for base, name in below.items()
    ]


class Endpoints:
    """Answers what is asked below the API's addresses."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._table: _Table | None = None
        self._loading = asyncio.Lock()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Hand a request to the endpoint that it is for.

        Raises:
            NoRoute, MethodNotAllowed: there is none; it takes other methods.
        """
        table = await self._loaded()
        match = await table.router.resolve(request)
        refused = match.http_exception
        if isinstance(refused, web.HTTPMethodNotAllowed):
            return await problems.only(sorted(refused.allowed_methods))(request)
        if refused is not None:
            return await problems.nowhere(request)
        return await table.answers[match.route](request, match)

    async def _loaded(self) -> "_Table":
        """Load the endpoints, once, beside the loop: webhooks are answered meanwhile."""
        async with self._loading:
            if self._table is None:
                self._table = await asyncio.to_thread(_load, self._app)
            return self._table


@dataclass(frozen=True, slots=True)
class _Table:
    """The endpoints by their addresses; the router finds a route, and what answers there is looked up by that."""

    router: web.UrlDispatcher
    answers: Mapping[web.AbstractRoute, "Answers"]


def _load(app: App) -> _Table:
    from jirabot.daemon.api import serving

    router, answers = web.UrlDispatcher(), dict[web.AbstractRoute, Answers]()
    for method, path, does in serving.endpoints_of(app):
        answers[router.add_route(method, path, problems.nowhere)] = does
    return _Table(router, answers)


def limited(app: App, counts: str, handler: Handler) -> Handler:
    """Let each client address have *handler* so often in an hour; *counts* is a deployment's name, or the API's."""
    trusted = app.settings.server.trusted_proxies

    async def count_first(request: web.Request) -> web.StreamResponse:
        address = access.client_address(request, trusted)
        if address is not None:
            app.callers.count(counts, address)
        return await handler(request)

    return count_first
