"""The addresses of the management API: who asks too often is told so before anything else is looked at."""

from aiohttp import web
from aiohttp.typedefs import Handler

from jirabot.app import App
from jirabot.daemon import access, problems


def routes(app: App) -> list[web.RouteDef]:
    """List what is below each deployment's address and takes no events: nothing is there yet but the limit."""
    return [
        web.route("*", f"/integration/{each.route}/{{path:.*}}", limited(app, each.name, problems.nowhere))
        for each in app.deployments.values()
    ]


def limited(app: App, deployment: str, handler: Handler) -> Handler:
    """Let each client address have *handler* so often in an hour."""
    trusted = app.settings.server.trusted_proxies

    async def count_first(request: web.Request) -> web.StreamResponse:
        address = access.client_address(request, trusted)
        if address is not None:
            app.callers.count(deployment, address)
        return await handler(request)

    return count_first
