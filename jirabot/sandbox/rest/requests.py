"""What all resources read from a request, and how they answer."""

import json
from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any

from aiohttp import web

from jirabot.sandbox.issues import Grant, JsonObject, Person
from jirabot.sandbox.refusals import Refusal

ACTOR: ContextVar[Person | None] = ContextVar("actor", default=None)
"""Who asks, in the task that serves the request."""


GRANT: ContextVar[Grant | None] = ContextVar("grant", default=None)
"""The app that asks as that person, where it is one."""


def actor_of() -> Person | None:
    """Give the person who asks; None for the anonymous."""
    return ACTOR.get()


async def read_json(request: web.Request) -> Any:
    """Read a request's body.

    Raises:
        Refusal: 415, it is not called JSON; 400, it is none.
    """
    if request.content_type != "application/json":
        raise Refusal(415, "Unsupported Media Type")
    try:
        return json.loads(await request.read())
    except (ValueError, RecursionError) as error:
        raise Refusal(400, "There was an error parsing JSON. Check that your request body is valid.") from error


async def read_object(request: web.Request) -> JsonObject:
    """Read a request's body that has to be an object.

    Raises:
        Refusal: 415 or 400.
    """
    body = await read_json(request)
    if not isinstance(body, dict):
        raise Refusal(400, "Can not deserialize instance out of START_ARRAY token")
    return body


def number(query: Mapping[str, str], name: str, default: int) -> int:
    """Read a number of a query.

    Raises:
        Refusal: 400, it is none, or negative.
    """
    try:
        value = int(query.get(name, default))
    except ValueError:
        value = -1
    if value < 0:
        raise Refusal(400, f"'{name}' must be a non-negative integer.")
    return value


def words(value: str | None) -> list[str]:
    """Split a comma list."""
    return [word.strip() for word in (value or "").split(",") if word.strip()]


def answer(body: Any, status: int = 200) -> web.Response:
    """Answer with JSON."""
    return web.json_response(body, status=status, dumps=lambda value: json.dumps(value, ensure_ascii=False))


def done() -> web.Response:
    """Answer that it is done, with nothing to tell."""
    return web.Response(status=204)
