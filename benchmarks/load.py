"""Signed webhooks as fast as they are taken, over connections that stay open; a process of its own, without a loop.

Reads an `Order` as JSON on standard input, writes a `Measured` on standard output. Each body is another one, so that
none is a duplicate, and each tells of another issue in turn. An HMAC is made anew only for a body's end: a request
costs this process some microseconds, far less than it costs the server.
"""

import hashlib
import hmac
import json
import selectors
import socket
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

ISSUES = 500


@dataclass(frozen=True, kw_only=True)
class Order:
    """What to send, where to, how long, over how many connections."""

    url: str
    secret: str
    base_url: str
    """The Jira that the bodies say they are from."""
    connections: int
    seconds: float
    body_bytes: int = 4096
    first: int = 0
    """The number of the first body."""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """How many were taken, how long each took, and what was answered that was no 200."""

    count: int
    seconds: float
    milliseconds: list[float] = field(repr=False)
    refused: list[str]

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.count / self.seconds

    @property
    def p99(self) -> float:
        """Milliseconds that one in a hundred took longer than."""
        return sorted(self.milliseconds)[int(self.count * 0.99)]


def measure(order: Order) -> Measured:
    """Send from a process of its own."""
    command = [sys.executable, str(Path(__file__))]
    done = subprocess.run(command, input=json.dumps(asdict(order)), capture_output=True, text=True, check=True)
    return Measured(**json.loads(done.stdout))


class Requests:
    """Makes the requests, each another one."""

    def __init__(self, order: Order) -> None:
        address = urlsplit(order.url)
        self._number = order.first
        fields = {"summary": "Pay by card", "updated": "2026-03-02T10:00:00.000+0000"}
        event = {"webhookEvent": "jira:issue_updated", "fields": fields}
        opened = json.dumps({**event, "padding": ""})[:-2].encode()
        self._site = order.base_url
        size = order.body_bytes - len(opened) - len(self._end(order.first))
        self._start = opened + b"x" * size
        self._signed = hmac.new(order.secret.encode(), self._start, hashlib.sha256)
        self._head = (
            f"POST {address.path} HTTP/1.1\r\nHost: {address.netloc}\r\nUser-Agent: Atlassian Webhook HTTP Client\r\n"
            f"Content-Type: application/json; charset=UTF-8\r\nContent-Length: {order.body_bytes}\r\n"
            "X-Hub-Signature: sha256="
        ).encode()

    def next(self) -> bytes:
        """Make one."""
        end = self._end(self._number)
        self._number += 1
        signed = self._signed.copy()
        signed.update(end)
        return b"".join((self._head, signed.hexdigest().encode(), b"\r\n\r\n", self._start, end))

    def _end(self, number: int) -> bytes:
        issue = 10000 + number % ISSUES
        address = f"{self._site}/rest/api/2/issue/{issue}"
        told = f'"timestamp":{time.time_ns() // 1_000_000},"number":"{number:012d}"'
        text = f'","issue":{{"id":"{issue}","key":"LOAD-{issue}","self":"{address}"}},{told}}}'
        return text.encode()


def send(order: Order) -> Measured:
    """Send for so long, one request after the other on each connection."""
    requests, address = Requests(order), urlsplit(order.url)
    selector, taken, refused = selectors.DefaultSelector(), [], []
    began: dict[int, float] = {}

    def next_on(connection: socket.socket) -> None:
        request = requests.next()
        began[connection.fileno()] = time.perf_counter()
        connection.sendall(request)

    for _ in range(order.connections):
        connection = socket.create_connection((address.hostname or "", address.port or 80))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        selector.register(connection, selectors.EVENT_READ)
        next_on(connection)
    start = time.perf_counter()
    until = start + order.seconds
    while (now := time.perf_counter()) < until:
        for key, _ in selector.select(timeout=until - now):
            connection = key.fileobj  # type: ignore[assignment]  # only sockets were registered
            # An answer is a few hundred bytes, written at once.
            answer = connection.recv(65536)
            taken.append((time.perf_counter() - began[key.fd]) * 1000)
            if not answer.startswith(b"HTTP/1.1 200"):
                refused.append(answer[:200].decode(errors="replace"))
                if not answer:
                    selector.unregister(connection)
                    continue
            next_on(connection)
    return Measured(count=len(taken), seconds=time.perf_counter() - start, milliseconds=taken, refused=refused[:5])


if __name__ == "__main__":
    json.dump(asdict(send(Order(**json.load(sys.stdin)))), sys.stdout)
