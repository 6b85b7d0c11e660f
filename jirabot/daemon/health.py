"""`/healthz`: the process lives. `/readyz`: a delivery could be accepted now; 503 only where it could not.

Anybody may ask: they are told numbers. Whose Jiras these are, and what is wrong, is told to operators alone.
"""

from collections.abc import Sequence

import orjson
from aiohttp import web

from jirabot.app import App
from jirabot.core.workspaces import Workspace
from jirabot.daemon import access
from jirabot.daemon.workers import Workers
from jirabot.errors import JirabotError


def routes(app: App, workers: Workers) -> list[web.RouteDef]:
    """List the addresses that an operator's probes ask."""

    async def alive(request: web.Request) -> web.Response:
        return _answer(200, {"alive": True})

    async def ready(request: web.Request) -> web.Response:
        fault, workspaces = "", list[Workspace]()
        try:
            if failed := await workers.database.probe():
                raise failed
            workspaces = [each.workspace for each in await app.directory.all()]
        except JirabotError as error:
            fault = error.message
        told = _told(workspaces)
        if await access.is_operator(app, request):
            database = fault or "ok"
            told = [{**each, **_named(workspace)} for each, workspace in zip(told, _in_order(workspaces), strict=True)]
        else:
            database = "failing" if fault else "ok"
        is_ready = not fault and not workers.is_draining
        well = sum(not each.degraded for each in workspaces)
        body = {
            "ready": is_ready,
            "database": database,
            "draining": workers.is_draining,
            "workers": workers.counts(),
            "jiras": {"well": well, "not_well": len(workspaces) - well},
            "workspaces": told,
        }
        return _answer(200 if is_ready else 503, body)

    return [web.get("/healthz", alive), web.get("/readyz", ready)]


def _in_order(workspaces: Sequence[Workspace]) -> Sequence[Workspace]:
    """Put workspaces in the order in which they were made."""
    return sorted(workspaces, key=lambda each: (each.created_at, each.id))


def _told(workspaces: Sequence[Workspace]) -> list[dict[str, object]]:
    """Say of each workspace's Jira whether it is well, by a number that tells nobody whose it is."""
    numbered = enumerate(_in_order(workspaces), start=1)
    return [{"number": number, "well": not each.degraded} for number, each in numbered]


def _named(workspace: Workspace) -> dict[str, object]:
    return {
        "name": workspace.name,
        "state": workspace.state.value,
        "degraded": list(workspace.degraded),
        "base_url": workspace.base_url,
    }


def _answer(status: int, body: object) -> web.Response:
    headers = {"Cache-Control": "no-store"} | ({"Retry-After": "30"} if status == 503 else {})
    return web.Response(status=status, body=orjson.dumps(body), content_type="application/json", headers=headers)
