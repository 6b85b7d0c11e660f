"""A sandbox of each kind, somebody who asks it over HTTP, and somebody who receives its webhooks."""

import base64
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from jirabot.sandbox.issues import Person
from jirabot.sandbox.server import Sandbox

SECRET = "a secret of sufficient length"


@dataclass
class Answer:
    status: int
    json: Any
    text: str
    headers: dict[str, str]


class Client:
    """Asks a sandbox as one person, or as nobody."""

    def __init__(self, sandbox: Sandbox, session: aiohttp.ClientSession, person: Person | None) -> None:
        self._sandbox, self._session = sandbox, session
        self.headers: dict[str, str] = {}
        if person is not None and sandbox.deployment == "dc":
            self.headers["Authorization"] = f"Bearer {person.token}"
        elif person is not None:
            encoded = base64.b64encode(f"{person.email}:{person.token}".encode()).decode()
            self.headers["Authorization"] = f"Basic {encoded}"

    async def __call__(
        self, method: str, path: str, body: Any = None, *, headers: dict[str, str] | None = None, **options: Any
    ) -> Answer:
        """Ask; a *path* under `/sandbox/` is the site's, any other one Jira's."""
        base = self._sandbox.base_url
        if path.startswith("/sandbox/"):
            base = base.removesuffix(self._sandbox.context_path)
        sent = {**self.headers, **(headers or {})}
        if body is not None:
            options["json"] = body
        async with self._session.request(method, base + path, headers=sent, allow_redirects=False, **options) as got:
            text = await got.text()
            parsed = await got.json() if got.content_type == "application/json" and text else None
            return Answer(got.status, parsed, text, {k.lower(): v for k, v in got.headers.items()})


@dataclass
class Receiver:
    """Takes webhooks; answers with the next of *statuses*, then 200."""

    url: str = ""
    statuses: list[int] = field(default_factory=list)
    requests: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.requests.append((headers, await request.read()))
        return web.Response(status=self.statuses.pop(0) if self.statuses else 200)


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as opened:
        yield opened


@pytest.fixture
async def cloud() -> AsyncIterator[Sandbox]:
    async with Sandbox(deployment="cloud", retry_delays=[0, 0, 0, 0, 0]) as sandbox:
        yield sandbox


@pytest.fixture
async def data_center() -> AsyncIterator[Sandbox]:
    async with Sandbox(deployment="dc") as sandbox:
        yield sandbox


@pytest.fixture(params=["cloud", "dc"])
async def jira(request: pytest.FixtureRequest) -> AsyncIterator[Sandbox]:
    async with Sandbox(deployment=request.param, retry_delays=[0, 0, 0, 0, 0]) as sandbox:
        yield sandbox


@pytest.fixture
def as_person(session: aiohttp.ClientSession) -> Callable[[Sandbox, Person | None], Client]:
    return lambda sandbox, person: Client(sandbox, session, person)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    application = web.Application()
    application.router.add_post("/{tail:.*}", receiver.handle)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    yield receiver
    await runner.cleanup()
