"""`/healthz`: the process lives. `/readyz`: a delivery could be accepted now; 503 only where it could not."""

import orjson
from aiohttp import web

from jirabot.app import App
from jirabot.daemon.workers import Workers
from jirabot.errors import JirabotError


def routes(app: App, workers: Workers) -> list[web.RouteDef]:
    """List the addresses that an operator's probes ask."""

    async def alive(request: web.Request) -> web.Response:
        return _answer(200, {"alive": True})

    async def ready(request: web.Request) -> web.Response:
        database = "ok"
        workspaces: list[dict[str, object]] = []
        try:
            if fault := await workers.database.probe():
                raise fault
            workspaces = [
                {
                    "name": s.workspace.name,
                    "state": s.workspace.state.value,
                    "degraded": list(s.workspace.degraded),
                    "base_url": s.workspace.base_url,
                }
                for s in await app.directory.all()
            ]
        except JirabotError as error:
            database = error.message
        is_ready = database == "ok" and not workers.is_draining
        body = {
            "ready": is_ready,
            "database": database,
            "draining": workers.is_draining,
            "workers": workers.counts(),
            "workspaces": workspaces,
        }
        return _answer(200 if is_ready else 503, body)

    return [web.get("/healthz", alive), web.get("/readyz", ready)]


def _answer(status: int, body: object) -> web.Response:
    headers = {"Cache-Control": "no-store"} | ({"Retry-After": "30"} if status == 503 else {})
    return web.Response(status=status, body=orjson.dumps(body), content_type="application/json", headers=headers)
