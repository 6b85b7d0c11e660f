"""The way of every call to a workspace's servers: TLS, authorities, proxy, client certificate, time-outs."""

import os
import ssl
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import DefaultResolver
from yarl import URL

from jirabot import __version__
from jirabot.core.network import Network
from jirabot.errors import Forbidden, JirabotError, JiraBroken, JiraSilent, JiraUnreachable
from jirabot.jira import addresses, bases
from jirabot.jira.answers import Answer

_ON = "on `jirabot init`, `workspace create` or `workspace update`"
"""Where a workspace's network is set: one that is not reached yet may not be there to be changed."""

LARGEST_ANSWER_BYTES = 32 * 1024 * 1024
"""More than any answer of Jira's has that we ask for, once it is inflated."""

LARGEST_UNPROVED_BYTES = 1024 * 1024
"""Where anybody may have named the server: who it is, and what people are found there, takes far less."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """How long Jira may take, in seconds. `[outbox] grace` has to be longer than `total` by a minute."""

    connect: float = 10.0
    total: float = 30.0


class Connections:
    """Opens sessions, and keeps them. Closed by `aclose`."""

    def __init__(self, timeouts: Timeouts | None = None) -> None:
        self._timeouts = timeouts or Timeouts()
        self._contexts: dict[Network, ssl.SSLContext] = {}
        self._sessions: dict[_Way, aiohttp.ClientSession] = {}

    def __len__(self) -> int:
        """Count the sessions that are open."""
        return len(self._sessions)

    def to(self, owner: str, base_url: str, network: Network, *, keep: bool, public: bool = False) -> "Connection":
        """Give the connection of an owner to a base; its sessions are shared with nobody else.

        *keep*: its sockets are kept, and used again. *public*: it refuses to go to an address that is not public, and
        through a proxy at such a one.
        """
        way = _Way(owner=owner, base_url=base_url, network=network, keep=keep, public=public)
        return Connection(partial(self._session, way), way)

    async def drop(self, owner: str) -> None:
        """Close all of an owner's; who asks for it again has new ones."""
        for way in [way for way in self._sessions if way.owner == owner]:
            await self._sessions.pop(way).close()

    async def aclose(self) -> None:
        """Close all."""
        for session in self._sessions.values():
            await session.close()
        self._sessions.clear()

    def _session(self, way: "_Way") -> aiohttp.ClientSession:
        """Give the session of a way, opened with its first request.

        Raises:
            JiraUnreachable: a file that the network names can't be used.
        """
        if way not in self._sessions:
            self._sessions[way] = self._opened(way)
        return self._sessions[way]

    def _opened(self, way: "_Way") -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(
            ssl=self._tls(way.network) if way.base_url.startswith("https:") else True,
            force_close=not way.keep,
            resolver=PublicResolver() if way.public else None,
        )
        return aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=way.is_as_the_machine,
            timeout=aiohttp.ClientTimeout(total=self._timeouts.total, sock_connect=self._timeouts.connect),
            headers={"User-Agent": f"jirabot/{__version__}", "Accept": "application/json"},
        )

    def _tls(self, network: Network) -> ssl.SSLContext:
        if network not in self._contexts:
            self._contexts[network] = tls_of(network)
        return self._contexts[network]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Way:
    owner: str
    base_url: str
    network: Network
    keep: bool
    public: bool

    @property
    def is_as_the_machine(self) -> bool:
        """Whether it takes the proxy that the environment names."""
        return not self.network.proxy and not bases.is_loopback(self.base_url)

    def proxy_to(self, url: URL) -> str:
        """Give the proxy that a request goes to; empty where it goes to the host itself."""
        if not self.is_as_the_machine:
            return self.network.proxy
        host = url.host or ""
        return "" if urllib.request.proxy_bypass(host) else urllib.request.getproxies().get(url.scheme, "")


class Connection:
    """Sends requests, one at a time or many. Redirects are not followed: credentials go where they were sent."""

    def __init__(self, session: Callable[[], aiohttp.ClientSession], way: _Way) -> None:
        """*session* gives the open session of *way*."""
        self._session, self._way = session, way

    async def ask(
        self,
        method: str,
        url: URL,
        *,
        headers: Mapping[str, str],
        body: bytes | None,
        whom: str,
        most_bytes: int = LARGEST_ANSWER_BYTES,
    ) -> Answer:
        """Send a request and read all of its answer; *whom*: who is asked, for messages.

        Raises:
            JiraUnreachable: there was no connection. JiraSilent: there was one, and no answer.
            JiraBroken: the answer has more than *most_bytes*, inflated.
            Forbidden: it would go to an address that is not public, and may not.
        """
        if self._way.public:
            await self._check_proxy(url)
        proxy = self._way.network.proxy or None
        try:
            async with self._session().request(
                method, url, headers=headers, data=body, allow_redirects=False, proxy=proxy
            ) as response:
                told = await _body(response, whom, most_bytes)
                return Answer(status=response.status, headers=response.headers, body=told)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.ClientHttpProxyError) as error:
            raise _unreachable(whom, error) from error
        except (aiohttp.ClientError, OSError) as error:  # a time-out is an OSError
            raise JiraSilent(f"{whom} did not answer: {cause(error)}") from error
        except (ValueError, AssertionError) as error:
            # The library's ways to say that a proxy of the environment, or a host's name, is none: nothing was sent.
            raise JiraUnreachable(f"no connection to {whom}: its address or a proxy's is none", hint=_LOOK) from error

    async def _check_proxy(self, url: URL) -> None:
        """Refuse a proxy within a private network: it may lead there, whatever a host's name leads to here.

        Raises:
            Forbidden: there is one.
        """
        proxy = self._way.proxy_to(url)
        if proxy and not await addresses.leads_out(proxy):
            raise Forbidden(
                f"`{url.host}` would be asked through a proxy that is not public, and may be within its network",
                hint=f"whoever runs jirabot can name `{url.host}` in `[api] claim_hosts`, or vouch for the workspace: "
                "`jirabot workspace activate NAME --trust`",
            )


async def _body(response: aiohttp.ClientResponse, whom: str, most_bytes: int) -> bytes:
    """Read an answer piece by piece, each of which is inflated by itself: a small one may become a huge one."""
    body = bytearray()
    async for piece in response.content.iter_any():
        body += piece
        if len(body) > most_bytes:
            raise JiraBroken(f"{whom} answered more than {most_bytes:,} bytes", hint="check the base URL: is it Jira?")
    return bytes(body)


def tls_of(network: Network) -> ssl.SSLContext:
    """Make what proves servers by the system's authorities and the network's, and us by its certificate.

    Raises:
        JiraUnreachable: a file can't be used.
    """
    context = ssl.create_default_context()
    if ca := network.ca_file:
        _take("ca_file", ca, lambda: context.load_verify_locations(ca))
    if certificate := network.client_cert_file:
        # Without a password given, OpenSSL would ask for one on the terminal.
        _take("client_cert_file", certificate, lambda: context.load_cert_chain(certificate, password=""))
    return context


def _take(setting: str, file: str, load: Callable[[], None]) -> None:
    try:
        load()
    except (OSError, ValueError) as error:  # an SSLError is an OSError
        is_there = isinstance(error, ssl.SSLError | ValueError)
        words = "it is no PEM file, or wants a password" if is_there else cause(error)
        raise JiraUnreachable(
            f"the `{setting}` of the workspace, `{file}`, can't be used: {words}",
            hint=f"name a PEM file that jirabot may read: `--set {setting}=/PATH`, {_ON}",
        ) from error


_LOOK = "check the base URL, the network and the proxy of the machine that runs jirabot"


class NotPublic(OSError):
    """A name leads to an address that is not public."""


class PublicResolver(AbstractResolver):
    """Resolves names as usual, and refuses those that lead into a private network, or to this machine."""

    def __init__(self) -> None:
        self._resolver = DefaultResolver()

    async def resolve(self, host: str, port: int = 0, family: int = 0) -> list[ResolveResult]:
        found = await self._resolver.resolve(host, port, family)  # type: ignore[arg-type]  # aiohttp's own types differ
        if not all(addresses.is_public(each["host"]) for each in found):
            raise NotPublic(f"`{host}` leads to an address that is not public")
        return found

    async def close(self) -> None:
        await self._resolver.close()


def _unreachable(whom: str, error: aiohttp.ClientError) -> JirabotError:
    if isinstance(error, aiohttp.ClientConnectorError) and isinstance(error.os_error, NotPublic):
        return Forbidden(str(error.os_error), hint="whoever runs jirabot can name its host in `[api] claim_hosts`")
    hint = _LOOK
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        hint = f"if your own authority signs it: `--set ca_file=/PATH/ca.pem`, {_ON}"
    return JiraUnreachable(f"no connection to {whom}: {cause(error)}", hint=hint)


def cause(error: BaseException) -> str:
    """Say in the system's own words what went wrong; the library's name the address again, and the proxy's secrets."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return f"its certificate is not trusted ({error.certificate_error})"
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "its name is not known"
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return f"the proxy refuses ({error.status})"
    if isinstance(error, aiohttp.ClientProxyConnectionError):
        return "the proxy does not answer"
    if isinstance(error, TimeoutError):
        return "time-out"
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno)
    return str(error) or type(error).__name__
