"""The events routes: reads at most the limit, hands bytes and headers to the intake, answers. Knows HTTP, no more."""

import asyncio

import orjson
from aiohttp import web

from jirabot.app import App
from jirabot.core.deliveries import RawDelivery
from jirabot.core.ids import WorkspaceId
from jirabot.core.managers.directory import Served
from jirabot.core.managers.intake import Accepted
from jirabot.core.people import DAEMON
from jirabot.daemon.access import client_address
from jirabot.daemon.precedence import Precedence
from jirabot.errors import InvalidInput, TooLarge, TooSlow, UnsupportedEncoding

CHUNK_BYTES = 256 * 1024

BODY_SECONDS = 60.0
"""How long a body may take: Jira itself gives up after 20 s (source: its webhook library's defaults)."""


def routes(app: App, precedence: Precedence) -> list[web.RouteDef]:
    """List the addresses that Jira sends events to, for both deployments."""
    found: list[web.RouteDef] = []
    for deployment in app.deployments.values():
        door = Door(app, precedence, deployment.name)
        base = f"/integration/{deployment.route}"
        found += [
            web.post(f"{base}/events/{{workspace_id}}", door.of_workspace),
            web.post(f"{base}/events/{{workspace_id}}/{{token}}", door.of_workspace),
            web.post(f"{base}/connections/{{workspace_id}}/events", door.of_workspace),
            web.post(f"{base}/events", door.of_any),
        ]
    return found


class Door:
    """Receives the events of one deployment."""

    def __init__(self, app: App, precedence: Precedence, deployment: str) -> None:
        self._app, self._precedence, self._deployment = app, precedence, deployment
        self._max_bytes = app.settings.server.max_body
        self._trusted = app.settings.server.trusted_proxies

    async def of_workspace(self, request: web.Request) -> web.Response:
        """Receive an event for the workspace of the address."""
        workspace_id = WorkspaceId(request.match_info["workspace_id"])
        served = await self._app.intake.workspace(self._deployment, workspace_id, by=DAEMON)
        return await self._accept(served, request, await self._body(request))

    async def of_any(self, request: web.Request) -> web.Response:
        """Receive an event for the workspace whose Jira the body names."""
        body = await self._body(request)
        served = await self._app.intake.workspace_named_in(self._deployment, body, by=DAEMON)
        return await self._accept(served, request, body)

    async def _accept(self, served: Served, request: web.Request, body: bytes) -> web.Response:
        raw = RawDelivery(
            headers=_headers(request),
            body=body,
            remote=self._remote(request),
            received_at=self._app.clock.now(),
            token=request.match_info.get("token", ""),
        )
        with self._precedence:
            return _answer(await self._app.intake.accept(served, raw, by=DAEMON))

    def _remote(self, request: web.Request) -> str:
        # An address is looked through only where there are proxies: that takes longer than all else that is done here.
        return str(client_address(request, self._trusted) or "") if self._trusted else request.remote or ""

    async def _body(self, request: web.Request) -> bytes:
        """Read the body up to the limit.

        Raises:
            UnsupportedEncoding: it is compressed; nothing is inflated.
            TooLarge: it is over the limit, told or found.
            TooSlow: it takes too long.
            InvalidInput: it breaks off, or is framed wrongly.
        """
        encoding = request.headers.get("Content-Encoding", "identity")
        if encoding.lower() != "identity":
            raise UnsupportedEncoding("a body with a Content-Encoding is not read", hint="send it as it is")
        if (request.content_length or 0) > self._max_bytes:
            raise _too_large(self._max_bytes)
        try:
            if request.content.is_eof():
                # It has come with the head, as small ones do: nothing is waited for.
                return self._at_most(request.content.read_nowait())
            async with asyncio.timeout(BODY_SECONDS):
                return await self._read(request)
        except TimeoutError as error:
            raise TooSlow(f"the body did not come within {BODY_SECONDS:.0f} s") from error
        except web.RequestPayloadError as error:
            raise InvalidInput("the body can't be read to its end") from error

    async def _read(self, request: web.Request) -> bytes:
        chunks: list[bytes] = []
        total = 0
        async for chunk in request.content.iter_chunked(CHUNK_BYTES):
            chunks.append(chunk)
            total += len(chunk)
            if total > self._max_bytes:
                raise _too_large(self._max_bytes)
        return b"".join(chunks)

    def _at_most(self, body: bytes) -> bytes:
        if len(body) > self._max_bytes:
            raise _too_large(self._max_bytes)
        return body


def _too_large(most: int) -> TooLarge:
    return TooLarge(f"the body is over {most} bytes", hint="`[server] max_body` is the limit; Jira's own is 25 MB")


def _headers(request: web.Request) -> dict[str, str]:
    """Give the headers with lower-case names; a doubled one is joined, so that neither half can stand for it."""
    given = request.headers
    found = {name.lower(): value for name, value in given.items()}
    return found if len(found) == len(given) else {name: ", ".join(given.getall(name)) for name in found}


def _answer(accepted: Accepted) -> web.Response:
    body = {"success": True, "status": accepted.status, "delivery": accepted.delivery_id}
    return web.Response(body=orjson.dumps(body), content_type="application/json")
