"""Errors on the wire: `application/problem+json` (RFC 9457). The one table from an error's kind to its status."""

import math
import secrets
from collections.abc import Callable, Mapping, Sequence

import orjson
from aiohttp import HttpVersion11, web
from aiohttp.typedefs import Handler

from jirabot.core import objects
from jirabot.core.ports import Events
from jirabot.errors import (
    DaemonEnding,
    FieldsInvalid,
    HostMismatch,
    IssuerUnreachable,
    JirabotError,
    JiraRefused,
    JiraSilent,
    Kind,
    NoJson,
    RateLimited,
    SecretSealed,
    SettingsOutdated,
    TooLarge,
    TooSlow,
    UnsupportedEncoding,
    kind_and_place,
)

STATUS: Mapping[Kind, int] = {
    Kind.INVALID: 400,
    Kind.NOT_FOUND: 404,
    Kind.CONFLICT: 409,
    Kind.UNAUTHENTICATED: 401,
    Kind.FORBIDDEN: 403,
    Kind.LIMITED: 429,
    Kind.UNREACHABLE: 502,
    Kind.REJECTED: 502,
    Kind.UNAVAILABLE: 503,
    Kind.CONFIGURATION: 500,
    Kind.FAILED: 500,
    Kind.INTERNAL: 500,
}


RETRY_AFTER_SECONDS = 30
"""What a sender is told where our database or disk refuses: Jira Cloud comes again by its own clock anyway."""


def status_of(error: JirabotError) -> int:
    """Give the HTTP status of an error."""
    return next((NARROWER[each] for each in type(error).__mro__ if each in NARROWER), STATUS[error.kind])


def response(error: JirabotError) -> web.Response:
    """Make the answer that tells an error."""
    status = status_of(error)
    headers = {}
    if isinstance(error, RateLimited):
        headers["Retry-After"] = str(math.ceil(error.retry_after_seconds))
    elif status == 503:
        headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    elif error.kind is Kind.UNAUTHENTICATED:
        headers["WWW-Authenticate"] = "Bearer"
    elif isinstance(error, MethodNotAllowed):
        headers["Allow"] = ", ".join(sorted(error.allowed))
    return web.Response(
        status=status,
        body=orjson.dumps(objects.problem(error, status=status)),
        content_type="application/problem+json",
        headers=headers,
    )


def telling(handler: Handler, log: Events, *, failed: Callable[[JirabotError], None]) -> Handler:
    """Turn whatever *handler* raises into an answer; what nobody foresaw gets an incident id, and no more is told.

    *failed* is told of each error of ours. It is no middleware of the library's: each request takes longer through one.
    """

    async def handle(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except SettingsOutdated as error:
            # Whoever asks may be a stranger: whose settings these are, and which, is told to operators alone.
            return broken(request, error.message)
        except JirabotError as error:
            failed(error)
            log.tell("request.refused", status=status_of(error), code=error.code, route=_route(request))
            return response(error)
        except web.HTTPException as error:
            if error.status < 400:
                raise
            return response(_of_http(error))
        except ConnectionError:
            # Whoever asked has gone: there is nobody to answer, and nothing to tell.
            raise
        except Exception as error:  # noqa: BLE001 - one request never takes the daemon down
            return broken(request, kind_and_place(error))

    def broken(request: web.Request, told: str) -> web.Response:
        incident = secrets.token_hex(4)
        log.tell("request.broken", level="error", incident=incident, error=told, route=_route(request))
        return response(JirabotError(f"a fault in jirabot; its log has it as incident `{incident}`"))

    return handle


class NoRoute(JirabotError):
    """No such address here."""

    kind = Kind.NOT_FOUND
    code = "no-route"


class MethodNotAllowed(JirabotError):
    """The address is known, but not with this method."""

    kind = Kind.INVALID
    code = "method-not-allowed"

    def __init__(self, message: str, *, allowed: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.allowed = allowed


class ExpectationFailed(JirabotError):
    """Something else than `100-continue` is expected."""

    kind = Kind.INVALID
    code = "expectation-failed"


async def nowhere(request: web.Request) -> web.Response:
    """Answer where there is no such address.

    Raises:
        NoRoute: always.
    """
    raise NoRoute("there is no such address here")


def only(methods: Sequence[str]) -> Handler:
    """Make what answers where an address takes other methods, and says which (RFC 9110, section 15.5.6)."""

    async def other_method(request: web.Request) -> web.StreamResponse:
        raise MethodNotAllowed("this address takes another method", allowed=methods)

    return other_method


async def expected(request: web.Request) -> web.Response | None:
    """Tell a client that waits to be asked to go on; nothing else can be expected here.

    Called outside of `telling`, so that it may not raise.
    """
    if request.headers.get("Expect", "").lower() != "100-continue":
        return response(ExpectationFailed("only `100-continue` may be expected"))
    if request.version == HttpVersion11:
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        # Not counted as a part of the answer.
        request.writer.output_size = 0
    return None


def _of_http(error: web.HTTPException) -> JirabotError:
    told: Mapping[int, type[JirabotError]] = {404: NoRoute, 405: MethodNotAllowed}
    return told.get(error.status, JirabotError)(error.reason.lower())


def _route(request: web.Request) -> str:
    resource = request.match_info.route.resource
    return resource.canonical if resource else ""


NARROWER: Mapping[type, int] = {
    TooLarge: 413,
    TooSlow: 408,
    UnsupportedEncoding: 415,
    HostMismatch: 422,
    FieldsInvalid: 422,
    NoJson: 415,
    JiraRefused: 502,
    JiraSilent: 504,
    IssuerUnreachable: 503,
    SecretSealed: 503,
    DaemonEnding: 503,
    MethodNotAllowed: 405,
    ExpectationFailed: 417,
}
"""Errors whose status, and that of what is derived from them, says more than their kind's."""
