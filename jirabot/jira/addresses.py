"""Which addresses are public: a Jira that somebody claims over HTTP is looked for nowhere else.

Else who may claim could have the daemon look into its own network, or at what the machine tells only to itself.
"""

import asyncio
import socket
from collections.abc import Collection
from ipaddress import ip_address
from urllib.parse import urlsplit

RESOLVED_WITHIN_SECONDS = 5.0


def is_public(address: str) -> bool:
    """Say whether an IP address is one of the public internet."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(found, "ipv4_mapped", None) or found
    return mapped.is_global and not mapped.is_multicast


async def leads_out(base_url: str) -> bool:
    """Say whether all addresses that the host of a base URL has are public; it may have others soon."""
    host = urlsplit(base_url).hostname or ""
    try:
        async with asyncio.timeout(RESOLVED_WITHIN_SECONDS):
            found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, TimeoutError, UnicodeError):
        return False
    return bool(found) and all(is_public(str(sockaddr[0])) for *_, sockaddr in found)


def is_among(base_url: str, hosts: Collection[str]) -> bool:
    """Say whether the host of a base URL is one of *hosts*; `*.` before a domain stands for all within it."""
    host = (urlsplit(base_url).hostname or "").lower()
    return any(
        host.endswith(each[1:].lower()) if each.startswith("*.") else host == each.lower().strip("[]") for each in hosts
    )
