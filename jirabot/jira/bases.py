"""A Jira's base URL in its one form: scheme, host, port and context path. It is a workspace's identity. Pure."""

import re
from functools import lru_cache
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from jirabot.errors import InvalidInput

SITES_KNOWN = 1024
"""How many bases are kept in their normal form: each delivery names the same one several times."""

_HOST = re.compile(r"[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?\.?", re.IGNORECASE)
_DEFAULT_PORTS = {"http": 80, "https": 443}


def normal(url: str) -> str:
    """Bring a base URL into its one form: lower-case scheme and host, no default port, no final slash.

    A host with other letters than ASCII's is written as the network knows it (`xn--`, RFC 3490).

    Raises:
        InvalidInput: it is no web address, or holds a user, a query or a fragment.
    """
    parts = _split(url.strip())
    if parts.username is not None or parts.query or parts.fragment:
        raise InvalidInput(f"the base URL `{parts.hostname}` holds a user, a query or a fragment", hint="leave it out")
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
        raise _no_base(url)
    host = f"[{parts.hostname}]" if ":" in parts.hostname else _host(parts.hostname, url)
    port = "" if parts.port in (None, _DEFAULT_PORTS[parts.scheme]) else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}{parts.path.rstrip('/')}"


def safe(url: str) -> str:
    """Bring a base URL that credentials are sent to into its one form: only loopback may do without TLS.

    Raises:
        InvalidInput: it is none, or would send credentials in the clear.
    """
    base = normal(url)
    if base.startswith("http://") and not is_loopback(base):
        raise InvalidInput(
            f"`{base}` would carry the service account's credentials in the clear",
            hint="give the `https://` address; what Jira writes into its webhooks goes to `--also-known-as`",
        )
    return base


def is_loopback(url: str) -> bool:
    """Say whether an address is on this machine."""
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def of_self(address: object) -> str | None:
    """Cut a `self` address at `/rest/`, in normal form; one that has none stays as it is. None: there is no address.

    Never by the index of a path segment: with a context path it shifts.
    """
    if not isinstance(address, str) or not address:
        return None
    base, found, _ = address.partition("/rest/")
    return _known(base) if found else address


@lru_cache(maxsize=SITES_KNOWN)
def _known(base: str) -> str:
    """Bring a base into normal form; what is none stays as it is."""
    try:
        return normal(base)
    except InvalidInput:
        return base


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - reading it checks it
    except ValueError:
        raise _no_base(url) from None  # the cause may quote a password
    if any(character.isspace() for character in url):
        raise _no_base(url)
    return parts


def _host(name: str, url: str) -> str:
    """Write a host's name as it is looked up: what can't be is refused here, not when it is first asked for."""
    try:
        host = name.encode("idna").decode()
    except UnicodeError:
        raise _no_base(url) from None  # the cause may quote a password
    if not _HOST.fullmatch(host):
        raise _no_base(url)
    return host


def _no_base(url: str) -> InvalidInput:
    """Say that it is none, without what may be a user and password."""
    return InvalidInput(
        f"`{url.rpartition('@')[2]}` is no base URL", hint="give it as `https://jira.example.com/context`"
    )
