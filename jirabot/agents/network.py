"""A workspace's network as programs know it: variables that name authorities, proxy and client certificate."""

import base64
import ssl
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import unquote

from jirabot.core.network import Network
from jirabot.errors import ConfigurationInvalid

PROXY_VARIABLES = frozenset(
    name for proxy in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY") for name in (proxy, proxy.lower())
)
"""Where programs look for a proxy's address, which may hold a password."""

_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy")
_AUTHORITIES = ("GIT_SSL_CAINFO", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")

_OF_SYSTEMS = (
    Path("/etc/ssl/certs/ca-certificates.crt"),
    Path("/etc/pki/tls/certs/ca-bundle.crt"),
    Path("/etc/ssl/ca-bundle.pem"),
    Path("/etc/ssl/cert.pem"),
)
"""Where Debian, Red Hat, SUSE, and Alpine and BSD keep all authorities in one file."""


def variables(network: Network, *, authorities: Path) -> dict[str, str]:
    """Give what agents and git get of a network; *authorities*: the file that holds what `authorities_of` gave."""
    proxy = dict.fromkeys(_PROXIES, network.proxy) if network.proxy else {}
    trusted = dict.fromkeys(_AUTHORITIES, str(authorities)) if network.ca_file else {}
    return {**proxy, **trusted}


def secrets_of_proxies(environment: Mapping[str, str]) -> list[str]:
    """List what must not be repeated of the proxies that *environment* names, in each form that programs print.

    That is an address with a user in it, and the password: as it is written, as it is meant, and as it is sent.
    """
    found: list[str] = []
    for address in (environment[name] for name in PROXY_VARIABLES & environment.keys()):
        written = address.rpartition("@")[0].rpartition("://")[2]
        if written:
            found.append(address)
        if ":" in written:
            password, meant = written.partition(":")[2], unquote(written)
            sent = base64.b64encode(meant.encode(errors="surrogateescape")).decode()
            found += [written, meant, sent, password, unquote(password)]
    return found


def of_git_alone(network: Network) -> dict[str, str]:
    """Give what git gets beside: the client certificate, which holds a key, and so is no agent's."""
    certificate = network.client_cert_file
    return {"GIT_SSL_CERT": certificate, "GIT_SSL_KEY": certificate} if certificate else {}


def authorities_of(network: Network, inherited: Mapping[str, str]) -> bytes:
    """Join the system's authorities and the network's: programs know but one file. Empty where it names none.

    Raises:
        ConfigurationInvalid: they can't be read.
    """
    if not network.ca_file:
        return b""
    try:
        return _of_the_system(inherited) + b"\n" + Path(network.ca_file).read_bytes()
    except OSError as error:
        raise ConfigurationInvalid(
            [f"the workspace's `ca_file`, `{network.ca_file}`, can't be read: {error.strerror}"],
            hint="give its rights to the user that runs jirabot",
        ) from error


def _of_the_system(inherited: Mapping[str, str]) -> bytes:
    named = inherited.get("SSL_CERT_FILE") or ssl.get_default_verify_paths().cafile
    places: Sequence[Path] = (*([Path(named)] if named else []), *_OF_SYSTEMS)
    return next((place.read_bytes() for place in places if place.is_file()), b"")
