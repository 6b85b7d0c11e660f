"""Twenty thousand requests that hypothesis thinks up, against a daemon that is a process of its own."""

import asyncio
import contextlib
import json
import re
import socket
import tempfile
import threading
from collections import Counter
from collections.abc import Awaitable, Iterator
from dataclasses import dataclass
from pathlib import Path
from signal import SIGTERM
from typing import TypeVar
from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jirabot.app import open_app
from jirabot.core.managers.workspaces import NewWorkspace
from jirabot.core.people import SHELL
from jirabot.jira.signatures import sign

from .daemons import Daemon
from .stage import WITHIN_SECONDS, settings_for

pytestmark = pytest.mark.slow

T = TypeVar("T")

REQUESTS = 20_500
WARM_UP_REQUESTS = 2_000
"""Of the same kinds: what the daemon loads when it is first needed, such as the API's endpoints, is not a leak."""
PATIENCE_SECONDS = 0.2
"""How long an answer is waited for before the daemon is told that nothing more will come."""
BASE = "https://jira.acme.example"
ASKED_WITH_A_TOKEN = ["/metrics", "/readyz", "/api/v1/status", "/integration/jira-dc/workspaces/link"]
SECRET = "a webhook secret of some length".replace(" ", "-")


@dataclass
class Target:
    """A daemon that serves one workspace, whose Jira nobody can reach."""

    path: str
    port: int
    pid: int

    def memory_bytes(self) -> int:
        """What the process holds in memory."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        found = re.search(r"VmRSS:\s+(\d+) kB", status)
        assert found is not None
        return int(found[1]) * 1024

    def send(self, request: bytes) -> int:
        """Send bytes and give the status of the answer; 0 where none came.

        Where the daemon waits for more, it is told that there is no more.
        """
        answer = b""
        with (
            socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_SECONDS) as connection,
            contextlib.suppress(ConnectionError),
        ):
            connection.sendall(request)
            while _status(answer) is None:
                try:
                    piece = connection.recv(65_536)
                except TimeoutError:
                    connection.settimeout(WITHIN_SECONDS)
                    connection.shutdown(socket.SHUT_WR)
                    continue
                if not piece:
                    break
                answer += piece
        assert b"Traceback" not in answer
        return _status(answer) or 0


def _status(answer: bytes) -> int | None:
    """Find the status of an answer that is more than "go on"; None while there is none."""
    found = [int(status) for status in re.findall(rb"HTTP/1\.[01] (\d{3}) ", answer)]
    return next((status for status in found if status >= 200), None)


@pytest.fixture(scope="module")
def target() -> Iterator[Target]:
    """Start the daemon in a loop of its own, since hypothesis calls plain functions."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    def do(work: Awaitable[T]) -> T:
        async def done() -> T:
            return await work

        return asyncio.run_coroutine_threadsafe(done(), loop).result(2 * WITHIN_SECONDS)

    with tempfile.TemporaryDirectory() as name:
        daemon = Daemon(Path(name), settings_for(Path(name)))
        path = do(_started(daemon))
        assert daemon.process is not None
        yield Target(path, daemon.settings.server.port, daemon.process.pid)
        assert do(daemon.end(SIGTERM)) == 0
        assert b"Traceback" not in daemon.log
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


async def _started(daemon: Daemon) -> str:
    """Make a workspace and start the daemon; gives the path of its events address."""
    wanted = NewWorkspace(
        name="acme", deployment="dc", base_url=BASE, api_key="x", webhook_secret=SECRET, validate=False
    )
    async with open_app(daemon.settings) as app:
        made = await app.workspaces.create(wanted, by=SHELL)
        url = app.workspaces.events_url(made.workspace)
    await daemon.start()
    return urlsplit(url).path


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)
payloads = st.fixed_dictionaries(
    {},
    optional={
        "webhookEvent": st.sampled_from(["comment_created", "jira:issue_updated", "", "x"]) | json_values,
        "timestamp": json_values,
        "issue": st.fixed_dictionaries({}, optional={"id": json_values, "key": json_values, "self": json_values})
        | json_values,
        "comment": st.fixed_dictionaries({}, optional={"id": json_values, "self": json_values, "body": json_values})
        | json_values,
        "user": st.fixed_dictionaries({"self": st.sampled_from([BASE + "/rest/x", "http://evil/rest/x", "rest"])})
        | json_values,
        "changelog": json_values,
    },
)
bodies = st.one_of(
    payloads.map(lambda value: json.dumps(value).encode()),
    payloads.map(lambda value: json.dumps(value, ensure_ascii=False).encode("utf-16", "surrogatepass")),
    st.binary(max_size=200),
    st.sampled_from(
        [
            b"",
            b"{",
            b"[]",
            b'{"a":NaN}',
            b'{"a":1e999}',
            b'{"a":"\\ud800"}',
            b"\xef\xbb\xbf{}",
            b'{"a":' * 70 + b"1" + b"}" * 70,
            b"[" * 5000,
            b'{"a":1,"a":2}',
            b'{"a":"\x00"}',
            b"null",
        ]
    ),
)
odd = st.text(st.characters(codec="latin-1", exclude_characters="\r\n"), max_size=30)


@st.composite
def requests(draw: st.DrawFn, path: str) -> bytes:
    """A request that is wrong in some way, and now and then right."""
    body = draw(bodies)
    right = sign(body, SECRET.encode())
    signature = draw(st.sampled_from([right, right, right[:-1], right.upper(), "sha256=", "sha1=" + right[7:]]) | odd)
    method = draw(st.sampled_from(["POST"] * 8 + ["GET", "PUT", "BREW"]))
    single, _, _ = path.rpartition("/")
    where = draw(
        st.sampled_from(
            [path, path, path, single, path + "x", f"{path}/{SECRET}", f"{path}/x/y", "/healthz", "//", "/%zz"]
        )
        | st.sampled_from(ASKED_WITH_A_TOKEN)
        | odd.map("/".__add__)
        | odd.map(f"{path}/".__add__)
    )
    length = draw(st.sampled_from([len(body)] * 6 + [len(body) + 5, max(0, len(body) - 3), "x", -1, 30_000_000]))
    names = st.sampled_from(
        [
            "X-Hub-Signature",
            "Authorization",
            "Content-Encoding",
            "Transfer-Encoding",
            "Expect",
            "Host",
            "Content-Length",
        ]
    )
    more = draw(
        st.lists(st.tuples(names, st.sampled_from(["gzip", "chunked", "100-continue", "5", ""]) | odd), max_size=2)
    )
    more += draw(st.lists(st.tuples(st.just("Authorization"), odd.map("Bearer ".__add__)), max_size=1))
    headers = [("Host", "localhost"), ("X-Hub-Signature", signature), ("Content-Length", str(length)), *more]
    headers = headers if draw(st.integers(0, 9)) else []
    head = f"{method} {where} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in headers) + "\r\n"
    return head.encode("latin-1", "replace") + body


def test_no_request_breaks_the_daemon(target: Target, capsys: pytest.CaptureFixture[str]) -> None:
    """Never 5xx, never a traceback, and as much memory after as before."""
    statuses: Counter[int] = Counter()

    def send(request: bytes) -> None:
        status = target.send(request)
        statuses[status] += 1
        assert status < 500

    def play(count: int) -> None:
        configured = settings(
            max_examples=count,
            deadline=None,
            database=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        )
        configured(given(request=requests(target.path))(send))()

    play(WARM_UP_REQUESTS)
    before = target.memory_bytes()
    statuses.clear()
    play(REQUESTS)
    after = target.memory_bytes()

    with capsys.disabled():
        print(f"\n{statuses.total():,} requests: {dict(sorted(statuses.items()))}; {before:,} -> {after:,} bytes")
    assert statuses.total() >= 20_000
    assert after < before * 1.1
