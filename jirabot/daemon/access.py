"""Who may ask what an operator asks: a program on this machine, or one with a token of the whole instance."""

from ipaddress import IPv6Address, ip_address

from aiohttp import web

from jirabot.app import App
from jirabot.errors import Forbidden, TokenInvalid

FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Real-IP", "Via")
"""What a proxy on this machine adds: behind one, everybody comes from loopback."""


async def check_operator(app: App, request: web.Request) -> None:
    """Let an operator's program in.

    Raises:
        TokenInvalid: it is elsewhere and brings no token, or one that does not count.
        Forbidden: its token is good for one workspace only.
    """
    if _is_here(request):
        return
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise TokenInvalid("this takes a token", hint="send `Authorization: Bearer TOKEN`; see `jirabot token create`")
    token = await app.tokens.holder(secret.strip())
    if token.workspace_id is not None:
        raise Forbidden("this is about all workspaces, and the token is of one", hint="make one without `--workspace`")


def _is_here(request: web.Request) -> bool:
    if any(name in request.headers for name in FORWARDED):
        return False
    try:
        address = ip_address((request.remote or "").partition("%")[0])
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return (mapped or address).is_loopback
