"""`/metrics`: what Prometheus asks for."""

import contextlib

from aiohttp import web

from jirabot.app import App
from jirabot.core.people import DAEMON
from jirabot.daemon import access
from jirabot.daemon.metrics import Metrics
from jirabot.daemon.workers import Workers
from jirabot.errors import JirabotError


def routes(app: App, workers: Workers, metrics: Metrics) -> list[web.RouteDef]:
    """List the one address."""

    async def scrape(request: web.Request) -> web.Response:
        await access.check_operator(app, request)
        standing = None
        fault = await workers.database.probe()
        # What was counted is told all the same: it is when the database fails that somebody looks.
        with contextlib.suppress(JirabotError):
            standing = await app.overview.standing(by=DAEMON)
        accept = request.headers.get("Accept", "")
        body, content_type = metrics.write(standing, database_up=fault is None, accept=accept)
        return web.Response(body=body, headers={"Content-Type": content_type, "Cache-Control": "no-store"})

    return [web.get("/metrics", scrape)]
