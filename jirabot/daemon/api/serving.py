"""The management API over HTTP: finds out who asks, before anything of theirs is read, reads what is asked, answers."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from aiohttp import web
from pydantic import BaseModel, ValidationError

from jirabot.app import App
from jirabot.daemon import access, problems
from jirabot.daemon.api import bodies
from jirabot.daemon.api.callback import callbacks, path_of, remember
from jirabot.daemon.api.endpoints import Endpoint, endpoints
from jirabot.daemon.api.handlers import Call, SentAway
from jirabot.daemon.management import Answers
from jirabot.errors import (
    FieldsInvalid,
    Forbidden,
    InvalidInput,
    JiraRefused,
    NoJson,
    TooLarge,
    TooSlow,
    UnsupportedEncoding,
)

MOST_BYTES = 64 * 1024
"""Of a body: all fields together are far shorter."""

BODY_SECONDS = 10.0


def endpoints_of(app: App) -> Sequence[tuple[str, str, Answers]]:
    """List method and address of each endpoint with what answers there, of the callbacks, and of what describes it."""
    declared = endpoints(app.deployments.values())
    found = [(each.method, each.path, _answering(app, each)) for each in declared]
    return [*found, *callbacks(app), ("GET", "/api/openapi.json", Description(app, declared).show)]


class Description:
    """Shows the OpenAPI document, which is made when it is first asked for."""

    def __init__(self, app: App, declared: Sequence[Endpoint]) -> None:
        self._app, self._declared = app, declared
        self._document = b""

    async def show(self, request: web.Request, path: Mapping[str, str]) -> web.Response:
        """Answer with the document."""
        await access.principal(self._app, request)
        if not self._document:
            from jirabot.daemon.api.openapi import document

            server = self._app.settings.server.reached_at()
            returned_to = {each.name: path_of(each.route) for each in self._app.deployments.values()}
            self._document = orjson.dumps(document(self._declared, callbacks=returned_to, server=server))
        return web.Response(body=self._document, content_type="application/json")


def _answering(app: App, endpoint: Endpoint) -> Answers:
    async def answer_to(request: web.Request, path: Mapping[str, str]) -> web.StreamResponse:
        by = await access.principal(app, request)
        call = Call(
            app=app,
            by=by,
            deployment=endpoint.deployment,
            path=_texts(path),
            query=_query(request, endpoint.query),
            given=await _body(request, endpoint) if endpoint.body is not None else None,
        )
        try:
            answer = await endpoint.does(call)
        except JiraRefused:
            # Jira refused the service account, not we the caller.
            raise
        except Forbidden:
            app.intake.refuse_call(by)
            raise
        sent_away = answer if isinstance(answer, SentAway) else None
        body = orjson.dumps(sent_away.answer if sent_away else answer)
        response = web.Response(body=body, content_type="application/json", headers={"Cache-Control": "no-store"})
        if sent_away is not None:
            remember(response, app, endpoint.deployment, sent_away.cookie)
        return response

    return answer_to


def _texts(path: Mapping[str, str]) -> Mapping[str, str]:
    """Give the variable parts of the address; what is no text names nothing.

    Raises:
        NoRoute: one is none.
    """
    try:
        for part in path.values():
            part.encode()
    except UnicodeEncodeError as error:
        raise problems.NoRoute("there is no such address here") from error
    return path


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
