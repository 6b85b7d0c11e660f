"""The management API over HTTP: counts who asks, finds out who it is, reads what is asked, and answers.

Who asks too often is told so before anything else is looked at; who is nobody, before anything of theirs is read.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from aiohttp import web
from aiohttp.typedefs import Handler
from pydantic import BaseModel, ValidationError

from jirabot.app import App
from jirabot.core.managers.callers import API
from jirabot.daemon import access, problems
from jirabot.daemon.api import bodies
from jirabot.daemon.api.endpoints import Endpoint, endpoints
from jirabot.daemon.api.handlers import Call
from jirabot.errors import FieldsInvalid, InvalidInput, NoJson, TooLarge, TooSlow, UnsupportedEncoding

MOST_BYTES = 64 * 1024
"""Of a body: all fields together are far shorter."""

BODY_SECONDS = 10.0


def routes(app: App) -> list[web.RouteDef]:
    """List the endpoints, what describes them, and for each address below theirs that nothing else is there."""
    declared = endpoints(app.deployments.values())
    found = [web.route(each.method, each.path, limited(app, each.counts, _handler(app, each))) for each in declared]
    described = Description(app, declared)
    found.append(web.route("GET", "/api/openapi.json", limited(app, API, described.show)))
    methods: dict[str, list[str]] = {"/api/openapi.json": ["GET"]}
    for each in declared:
        methods.setdefault(each.path, []).append(each.method)
    counts = {each.path: each.counts for each in declared}
    found += [
        web.route("*", path, limited(app, counts.get(path, API), problems.only(allowed)))
        for path, allowed in methods.items()
    ]
    below = {f"/integration/{each.route}": each.name for each in app.deployments.values()} | {"/api": API}
    found += [
        web.route("*", f"{path}/{{path:.*}}", limited(app, name, problems.nowhere)) for path, name in below.items()
    ]
    return found


class Description:
    """Shows the OpenAPI document, which is made when it is first asked for."""

    def __init__(self, app: App, declared: Sequence[Endpoint]) -> None:
        self._app, self._declared = app, declared
        self._document = b""

    async def show(self, request: web.Request) -> web.Response:
        """Answer with the document."""
        await access.principal(self._app, request)
        if not self._document:
            from jirabot.daemon.api.openapi import document

            server = self._app.settings.server.reached_at()
            self._document = orjson.dumps(document(self._declared, server=server))
        return web.Response(body=self._document, content_type="application/json")


def limited(app: App, counts: str, handler: Handler) -> Handler:
    """Let each client address have *handler* so often in an hour; *counts* is a deployment's name, or the API's."""
    trusted = app.settings.server.trusted_proxies

    async def count_first(request: web.Request) -> web.StreamResponse:
        address = access.client_address(request, trusted)
        if address is not None:
            app.callers.count(counts, address)
        return await handler(request)

    return count_first


def _handler(app: App, endpoint: Endpoint) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        by = await access.principal(app, request)
        call = Call(
            app=app,
            by=by,
            deployment=endpoint.deployment,
            path=_path(request),
            query=_query(request, endpoint.query),
            given=await _body(request, endpoint) if endpoint.body is not None else None,
        )
        answer = await endpoint.does(call)
        headers = {"Cache-Control": "no-store"}
        return web.Response(body=orjson.dumps(answer), content_type="application/json", headers=headers)

    return handle


def _path(request: web.Request) -> Mapping[str, str]:
    """Give the variable parts of the address; what is no text names nothing.

    Raises:
        NoRoute: one is none.
    """
    try:
        for part in request.match_info.values():
            part.encode()
    except UnicodeEncodeError as error:
        raise problems.NoRoute("there is no such address here") from error
    return request.match_info


def _query(request: web.Request, model: type[BaseModel]) -> BaseModel:
    names = list(request.query.keys())
    if twice := {name for name in names if names.count(name) > 1}:
        raise FieldsInvalid(dict.fromkeys(sorted(twice), "it is given more than once"))
    return _read(model, dict(request.query))


async def _body(request: web.Request, endpoint: Endpoint) -> BaseModel:
    """Read the body as the endpoint declares it.

    Raises:
        UnsupportedEncoding, NoJson, TooLarge, TooSlow, InvalidInput: it is no such body.
        FieldsInvalid: its fields are not what they may be.
    """
    assert endpoint.body is not None
    body = await _bytes(request)
    if not body and not endpoint.body_needed:
        return _read(endpoint.body, {})
    if request.content_type != "application/json":
        raise NoJson("a body is sent as JSON", hint="send `Content-Type: application/json`")
    try:
        given = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InvalidInput("the body is not JSON") from error
    if not isinstance(given, dict):
        raise InvalidInput("the body is no JSON object")
    return _read(endpoint.body, given)


async def _bytes(request: web.Request) -> bytes:
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise UnsupportedEncoding("a body with a Content-Encoding is not read", hint="send it as it is")
    if (request.content_length or 0) > MOST_BYTES:
        raise _too_large()
    body = b""
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in request.content.iter_chunked(MOST_BYTES):
                body += chunk
                if len(body) > MOST_BYTES:
                    raise _too_large()
    except TimeoutError as error:
        raise TooSlow(f"the body did not come within {BODY_SECONDS:.0f} s") from error
    except web.RequestPayloadError as error:
        raise InvalidInput("the body can't be read to its end") from error
    return body


def _read(model: type[BaseModel], given: Mapping[str, Any]) -> BaseModel:
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise bodies.invalid(error, model) from None  # the cause quotes what was given


def _too_large() -> TooLarge:
    return TooLarge(f"the body is over {MOST_BYTES} bytes")
