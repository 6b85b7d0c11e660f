"""The aiohttp application: who may come in, the log of REST requests, faults, and errors in Jira's shape."""

import base64
import json
import re
import socket
import struct
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from aiohttp import web

from jirabot.sandbox.consent import needed_scope, scope_mismatch
from jirabot.sandbox.faces import Face
from jirabot.sandbox.faults import Does, Fault, Faults
from jirabot.sandbox.issues import Grant, Person
from jirabot.sandbox.jira import Jira
from jirabot.sandbox.oauth import OAuth
from jirabot.sandbox.refusals import Refusal
from jirabot.sandbox.rest.requests import ACTOR, GRANT
from jirabot.sandbox.senders import SentDelivery
from jirabot.sandbox.signals import Signal

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

BODY_LIMIT_BYTES = 25 * 1024 * 1024
"""What Jira takes at most of an attachment by default is less; no request that we know comes near."""

_REST = re.compile(r"/(rest|_edge)/")
_OPEN = re.compile(r"/rest/api/\w+/serverInfo$|/_edge/|/rest/oauth2/")
_WRITES = frozenset({"POST", "PUT", "DELETE"})
_LINGER_NOT = struct.pack("ii", 1, 0)
"""The socket option that makes a close a reset."""


@dataclass(slots=True, kw_only=True)
class ReceivedRequest:
    """A REST request, for those who count them."""

    method: str
    path: str
    """Without the context path, or what the gateway has before it."""
    query: dict[str, str]
    actor: Person | None
    status: int | None = None
    """None while it is worked on, and where the connection was dropped without an answer."""
    gateway: bool = False
    """Whether it came through Atlassian's gateway, and not to the site's own host."""


class Gate:
    """What each request passes through: host, log, credentials, faults."""

    def __init__(
        self,
        *,
        jira: Jira,
        face: Face,
        faults: Faults,
        signal: Signal,
        requests: list[ReceivedRequest],
        deliveries: list[SentDelivery],
        oauth: OAuth,
        context_path: str,
        host: str,
        gateway: str,
    ) -> None:
        """*gateway*: the path under which this site is called with tokens that have scopes; empty where it is not."""
        self._jira, self._face, self._faults, self._signal = jira, face, faults, signal
        self._requests, self._deliveries = requests, deliveries
        self._oauth, self._context, self._host, self._gateway = oauth, context_path, host, gateway

    def application(self, routes: Iterable[web.RouteDef]) -> web.Application:
        """Make the application that serves *routes* behind this gate."""

        @web.middleware
        async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
            return await self._guard(request, handler)

        @web.middleware
        async def serve(request: web.Request, handler: Handler) -> web.StreamResponse:
            return await self._serve(request, handler)

        application = web.Application(middlewares=[guard, serve], client_max_size=BODY_LIMIT_BYTES)
        application.add_routes(routes)
        return application

    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Refuse what a page of another origin makes a browser send: by a name that points here, or by a form."""
        if not _is_own_host(request.host, self._host):
            return web.Response(status=421, text="This sandbox answers only to its own address.\n")
        if request.path.startswith("/sandbox/") and request.method in _WRITES and not _is_own_origin(request):
            return web.Response(status=403, text="This form was sent from another origin.\n")
        return await handler(request)

    async def _serve(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        by_gateway = bool(self._gateway) and request.path.startswith(f"{self._gateway}/")
        root = self._gateway if by_gateway else self._context
        path = request.path.removeprefix(root)
        if not request.path.startswith(root) or not _REST.match(path):
            return await self._carry_out(request, handler)
        received = ReceivedRequest(
            method=request.method, path=path, query=dict(request.query), actor=None, gateway=by_gateway
        )
        self._requests.append(received)
        refused = self._admit(request, received)
        fault = self._faults.strike(method=request.method, path=path, actor=received.actor)
        response = await self._misbehave(request, handler, fault, refused)
        if response is None:
            _drop(request, is_reset=fault is not None and fault.does is Does.RESET)
            response = web.Response()
        else:
            received.status = response.status
            response.headers.update(self._face.about(received.actor))
        self._signal.notify()
        return response

    def _admit(self, request: web.Request, received: ReceivedRequest) -> Refusal | None:
        """Find out who asks; gives the refusal where he may not."""
        ACTOR.set(None)
        GRANT.set(None)
        authorization = request.headers.get("Authorization", "")
        try:
            find = self._by_gateway if received.gateway else self._at_home
            person = find(authorization, received)
        except Refusal as refusal:
            return refusal
        ACTOR.set(person)
        received.actor = person
        if person is None and not self._face.opens_to_anonymous() and not _OPEN.search(received.path):
            return self._face.unauthorized()
        is_browser = request.headers.get("User-Agent", "").startswith("Mozilla")
        if request.method in _WRITES and is_browser and request.headers.get("X-Atlassian-Token") != "no-check":
            return Refusal(403, "XSRF check failed")
        return None

    def _at_home(self, authorization: str, received: ReceivedRequest) -> Person | None:
        """Find who asks the site itself; Cloud's refuses tokens that have scopes, whoever has them."""
        scheme, token = _token_of(authorization)
        if self._gateway and (scheme == "bearer" or self._oauth.knows(token)):
            if _OPEN.search(received.path):
                return None
            raise self._face.unauthorized()
        if scheme == "bearer" and (access := self._oauth.find(token)):
            return access.person
        person = self._face.authenticate(authorization, self._jira.people)
        return person if person is not None and self._jira.key_counts(person) else None

    def _by_gateway(self, authorization: str, received: ReceivedRequest) -> Person | None:
        """Find who asks through the gateway, which takes no other tokens, and each only for what its scopes say."""
        needed = needed_scope(received.method, received.path)
        _, token = _token_of(authorization)
        access = self._oauth.find(token)
        if access is None:
            raise Refusal(401, "Unauthorized", body={"code": 401, "message": "Unauthorized"})
        if needed and needed not in access.scopes:
            raise scope_mismatch()
        if access.app is not None:
            GRANT.set(Grant(person=access.person, client_secret=access.app.client_secret))
        return access.person

    async def _misbehave(
        self, request: web.Request, handler: Handler, fault: Fault | None, refused: Refusal | None
    ) -> web.StreamResponse | None:
        """Carry the request out as the fault has it; None where nothing is to be answered."""
        does = fault.does if fault else None
        if fault is not None and does is Does.ANSWER:
            return _ordered(fault)
        if fault is not None and does in (Does.DELAY, Does.HANG):
            await fault.released()
        if does in (Does.HANG, Does.RESET):
            return None
        sent = len(self._deliveries)
        response = to_response(refused) if refused else await self._carry_out(request, handler)
        if does is Does.WEBHOOKS_FIRST:
            mine = self._deliveries[sent:]
            await self._signal.until(lambda: all(delivery.done for delivery in mine))
        if fault is not None and does is Does.COMMIT_THEN_ANSWER:
            return _ordered(fault)
        if fault is not None and does is Does.COMMIT_THEN_HANG:
            await fault.released()
        return None if does in (Does.COMMIT_THEN_DROP, Does.COMMIT_THEN_HANG) else response

    async def _carry_out(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except Refusal as refusal:
            return to_response(refusal)
        except web.HTTPClientError as error:
            return to_response(Refusal(error.status, error.reason))


def _token_of(authorization: str) -> tuple[str, str]:
    """Read scheme and token; of Basic what stands after the e-mail."""
    scheme, _, text = authorization.partition(" ")
    if scheme.lower() != "basic":
        return scheme.lower(), text.strip()
    try:
        return "basic", base64.b64decode(text, validate=True).decode().partition(":")[2]
    except ValueError:  # no base64, or no UTF-8
        return "basic", ""


def to_response(refusal: Refusal) -> web.Response:
    """Answer with an error as Jira writes it."""
    return web.json_response(refusal.body, status=refusal.status, headers=refusal.headers)


def _ordered(fault: Fault) -> web.Response:
    if isinstance(fault.body, str):
        return web.Response(status=fault.status, text=fault.body, headers=fault.headers)
    return web.Response(
        status=fault.status,
        text=json.dumps({"errorMessages": [], "errors": {}} if fault.body is None else fault.body),
        content_type="application/json",
        headers=fault.headers,
    )


def _drop(request: web.Request, *, is_reset: bool) -> None:
    transport = request.transport
    if transport is None:
        return
    connection = transport.get_extra_info("socket")
    if is_reset and connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
    transport.abort()


def _is_own_host(host: str, own: str) -> bool:
    """Say whether a Host header names this server: rebinding needs a name, so each IP address is taken."""
    name = urlsplit(f"//{host}").hostname or ""
    if name in ("localhost", own.strip("[]").lower()):
        return True
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _is_own_origin(request: web.Request) -> bool:
    origin = request.headers.get("Origin")
    if origin is not None:
        return origin == f"http://{request.host}"
    return request.headers.get("Sec-Fetch-Site", "none") in ("same-origin", "none")
