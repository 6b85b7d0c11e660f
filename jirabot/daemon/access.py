"""Who asks, and who is an operator: a program on this machine, an administrator, or a token of the whole instance."""

from collections.abc import Collection
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from aiohttp import web

from jirabot.app import App
from jirabot.core.people import STRANGER, Principal
from jirabot.errors import Forbidden, JirabotError, TokenInvalid

FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Real-IP", "Via")
"""What a proxy on this machine adds: behind one, everybody comes from loopback."""


async def check_operator(app: App, request: web.Request) -> None:
    """Let an operator's program in.

    Raises:
        TokenInvalid: it is elsewhere and brings no token, or one that does not count.
        Forbidden: its token is good for one workspace only, or a person's who administers not everything.
    """
    if _is_here(request):
        return
    by = await principal(app, request)
    if by.kind != "token" and not by.is_operator:
        raise Forbidden("this is for administrators of this jirabot", hint="use a token of `jirabot token create`")
    if by.workspace_id is not None:
        raise Forbidden("this is about all workspaces, and the token is of one", hint="make one without `--workspace`")


async def is_operator(app: App, request: web.Request) -> bool:
    """Say whether an operator asks, where others are answered too; who brings no token is not counted as refused."""
    if "Authorization" not in request.headers and not _is_here(request):
        return False
    try:
        await check_operator(app, request)
    except JirabotError:
        return False
    return True


async def principal(app: App, request: web.Request) -> Principal:
    """Find out who asks, and from where; who can't say it is counted for the audit.

    Raises:
        TokenInvalid: it brings no token, or one that does not count.
        IssuerUnreachable: it can't be found out now.
    """
    address = str(client_address(request, app.settings.server.trusted_proxies) or "")
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    try:
        if scheme.lower() != "bearer":
            hint = "send `Authorization: Bearer TOKEN`; see `jirabot token create`"
            raise TokenInvalid("this takes a token", hint=hint)
        if not secret.isascii():
            raise TokenInvalid("no token holds what is not ASCII")
        return replace(await app.principals.holder(secret.strip()), address=address)
    except TokenInvalid:
        app.intake.refuse_call(replace(STRANGER, address=address))
        raise


def client_address(
    request: web.Request, trusted: Collection[IPv4Network | IPv6Network]
) -> IPv4Address | IPv6Address | None:
    """Give the address that a request comes from, seen through *trusted* proxies; None where there is none.

    Each proxy adds to `X-Forwarded-For` whom it had the request from, so that it is read from its end: what stands
    before the first address that is no trusted proxy may be anybody's invention.
    """
    address = _address(request.remote or "")
    hops = [hop.strip() for line in request.headers.getall("X-Forwarded-For", []) for hop in line.split(",")]
    while address is not None and hops and any(address in network for network in trusted):
        before = _address(hops.pop())
        if before is None:
            break
        address = before
    return address


def _is_here(request: web.Request) -> bool:
    if any(name in request.headers for name in FORWARDED):
        return False
    address = _address(request.remote or "")
    return address is not None and address.is_loopback


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
