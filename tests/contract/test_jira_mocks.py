"""The client's calls are valid by Jira Cloud's own OpenAPI descriptions, as a mock made of them judges.

The descriptions hold no `issue/{}/changelog`: whether `find_change` asks rightly is the matter of the sandbox alone.
"""

import asyncio
import contextlib
import json
import os
import shutil
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web

from jirabot.core.credentials import Credentials
from jirabot.core.ids import CommentId, IssueId
from jirabot.core.ports import JiraSite
from jirabot.core.visibility import Internal, Restricted
from jirabot.jira.connections import Connections
from tests.contract.test_jira_client import (
    ASKING,
    EFFECT,
    READING,
    WRITING,
    HandClock,
    Method,
    clients_of,
    workspace,
)
from tests.e2e.stage import free_port

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("prism")]

PRISM = "@stoplight/prism-cli@5.14.2"
STARTS_WITHIN_SECONDS = 120.0
VERSIONS = ("2", "3")

SAID: dict[str, Method] = {
    "server_info": lambda site, _: site.server_info(),
    "permissions": lambda site, issue: site.permissions(("ADD_COMMENTS", "BROWSE_PROJECTS"), on=issue),
    "is_marked": lambda site, _: site.is_marked(CommentId("10000"), EFFECT),
    "post_comment to a role": lambda site, issue: site.post_comment(
        issue, "**x**\n\n- y\n\n```python\nz\n```", visibility=Restricted(type="role", value="Developers"), mark=EFFECT
    ),
    "post_comment to a group": lambda site, issue: site.post_comment(
        issue, "x", visibility=Restricted(type="group", value="g", identifier="276f955c"), mark=EFFECT, footer="end"
    ),
    "post_comment to agents": lambda site, issue: site.post_comment(issue, "x", visibility=Internal(), mark=EFFECT),
}
METHODS = {**READING, **WRITING, **ASKING, **SAID}
NOT_DESCRIBED = {"find_change"}


@dataclass
class Mock:
    """Passes each request on to the mock of its version, and keeps what that said of it."""

    ports: dict[str, int]
    url: str = ""
    answers: list[tuple[str, int, str]] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.Response:
        version = request.path.split("/")[3]
        address = f"http://127.0.0.1:{self.ports[version]}{request.raw_path}"
        headers = {name: value for name, value in request.headers.items() if name != "Host"}
        async with (
            aiohttp.ClientSession(auto_decompress=False) as session,
            session.request(request.method, address, headers=headers, data=await request.read()) as got,
        ):
            body = await got.read()
            violations = got.headers.get("sl-violations", "")
            wrong = [each for each in json.loads(violations or "[]") if each["location"][0] == "request"]
            said = json.dumps(wrong) if wrong else (body.decode() if got.status >= 400 else "")
            self.answers.append((f"{request.method} {request.path}", got.status, said))
            return web.Response(status=got.status, body=body, headers={"Content-Type": got.content_type})


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def mock() -> AsyncIterator[Mock]:
    from tests.conftest import SHARED

    descriptions = {version: SHARED / "openapi" / f"cloud-v{version}.json" for version in VERSIONS}
    if not all(file.is_file() for file in descriptions.values()):
        pytest.skip("../shared/data/openapi is not here")
    if shutil.which("npx") is None:
        pytest.skip("there is no npx, which runs the mock")
    async with contextlib.AsyncExitStack() as stack:
        ports = {version: await stack.enter_async_context(prism(file)) for version, file in descriptions.items()}
        mock = Mock(ports)
        application = web.Application()
        application.router.add_route("*", "/{tail:.*}", mock.handle)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.5)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        mock.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield mock


@contextlib.asynccontextmanager
async def prism(description: Path) -> AsyncIterator[int]:
    """Run a mock of a description; gives its port.

    Not with `--errors`: the examples of some answers are not valid either, and would be 500. What a request violates
    is told in a header, and makes the answer one of the description's 4xx.
    """
    port = free_port()
    command = ("npx", "--yes", PRISM, "mock", "-h", "127.0.0.1", "-p", str(port), str(description))
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, start_new_session=True
    )
    assert process.stdout is not None
    said: list[str] = []
    try:
        async with asyncio.timeout(STARTS_WITHIN_SECONDS):
            while line := await process.stdout.readline():
                said.append(line.decode(errors="replace"))
                if "is listening on" in said[-1]:
                    break
        if not said or "is listening on" not in said[-1]:
            pytest.skip(f"the mock does not start: {''.join(said)[-300:]}")
        reading = asyncio.create_task(process.stdout.read())  # noqa: TID251 - ended below
        yield port
        reading.cancel()
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


@pytest_asyncio.fixture(loop_scope="module")
async def site(mock: Mock) -> AsyncIterator[JiraSite]:
    connections = Connections()
    clients = clients_of(connections, HandClock())
    yield clients.site(workspace("cloud", mock.url, "bot@acme.example"), Credentials(api_key="t0ken"))
    await connections.aclose()


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("name", sorted(set(METHODS) - NOT_DESCRIBED))
async def test_every_call_is_valid(mock, site, name):
    mock.answers.clear()
    await METHODS[name](site, IssueId("10001"))

    assert mock.answers
    assert [each for each in mock.answers if each[1] >= 400 or each[2]] == []


@pytest.mark.asyncio(loop_scope="module")
async def test_the_mock_refuses_what_is_not_valid(mock):
    """Else the test above could not fail: no such visibility, a number too many, and no credentials."""
    mock.answers.clear()
    address = f"{mock.url}/rest/api/3/issue/1/comment"
    async with aiohttp.ClientSession() as session:
        async with session.post(address, json={"visibility": 5}, headers={"Authorization": "Basic eDp5"}):
            pass
        basic = {"Authorization": "Basic eDp5"}
        async with session.get(f"{mock.url}/rest/api/2/issue/1/comment?maxResults=many", headers=basic):
            pass
        async with session.get(f"{mock.url}/rest/api/2/myself"):
            pass

    assert [status for _, status, _ in mock.answers] == [400, 400, 401]
    assert all(said for _, _, said in mock.answers)
