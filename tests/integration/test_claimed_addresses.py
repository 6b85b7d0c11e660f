"""A Jira that was claimed is reached at public addresses only, whatever its name has come to lead to (F79).

And whatever is there fills no memory.
"""

import gzip
import json
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from jirabot.config import WorkspaceDefaults
from jirabot.core.credentials import Credentials
from jirabot.core.people import Account
from jirabot.core.ports import JiraSite
from jirabot.core.workspaces import Workspace, WorkspaceState
from jirabot.errors import Forbidden, JiraBroken
from jirabot.jira.client import Clients
from jirabot.jira.connections import Connections, Timeouts
from jirabot.jira.deployments import DEPLOYMENTS
from jirabot.machine import QuietLog, SystemClock
from jirabot.sandbox.server import Sandbox
from tests import proxy
from tests.contract.test_stores.values import workspace


@pytest.fixture
async def jira() -> AsyncIterator[Sandbox]:
    async with Sandbox(deployment="cloud") as sandbox:
        yield sandbox


@pytest.fixture
async def connections() -> AsyncIterator[Connections]:
    opened = Connections(Timeouts(connect=2.0, total=10.0))
    yield opened
    await opened.aclose()


def site(clients: Clients, jira: Sandbox, claimed_by: str, **settings: str) -> JiraSite:
    """The sandbox by a name, which leads to this machine."""
    base_url = jira.base_url.replace("127.0.0.1", "localhost")
    named: Workspace = workspace(base_url=base_url, claimed_by=claimed_by, settings=settings)
    of = replace(named, service_account_email=jira.bot.email)
    return clients.site(of, Credentials(api_key=jira.bot.token))


def clients(connections: Connections, *private_hosts: str) -> Clients:
    return Clients(
        DEPLOYMENTS,
        connections=connections,
        api_url="https://api.atlassian.com",
        clock=SystemClock(),
        log=QuietLog(),
        defaults=WorkspaceDefaults(),
        private_hosts=private_hosts,
    )


WHO = [
    pytest.param("carol", (), False, id="claimed"),
    pytest.param("carol", ("localhost",), True, id="claimed, and on the list"),
    pytest.param("", (), True, id="made by an administrator"),
]


@pytest.mark.parametrize(("claimed_by", "private_hosts", "reached"), WHO)
async def test_who_is_reached(
    connections: Connections, jira: Sandbox, claimed_by: str, private_hosts: tuple[str, ...], reached: bool
) -> None:
    asked = site(clients(connections, *private_hosts), jira, claimed_by)
    if reached:
        assert isinstance(await asked.myself(), Account)
    else:
        with pytest.raises(Forbidden, match="not public"):
            await asked.myself()


@pytest.mark.parametrize(("claimed_by", "private_hosts", "reached"), WHO)
async def test_who_is_reached_through_a_proxy_within_a_private_network(
    connections: Connections, jira: Sandbox, claimed_by: str, private_hosts: tuple[str, ...], reached: bool
) -> None:
    """It could lead into that network: what a name leads to here says nothing of it (decision 0023)."""
    async with proxy.running() as tunnel:
        asked = site(clients(connections, *private_hosts), jira, claimed_by, proxy=tunnel.url)
        if reached:
            assert isinstance(await asked.myself(), Account)
        else:
            with pytest.raises(Forbidden, match="through a proxy that is not public") as caught:
                await asked.myself()
            assert "can name `localhost` in `[api] claim_hosts`" in caught.value.hint
            assert "--trust" in caught.value.hint
        assert bool(tunnel.asked) is reached


@pytest.mark.parametrize(
    ("state", "size_bytes", "taken"),
    [
        pytest.param(WorkspaceState.UNPROVED, 900_000, True, id="unproved"),
        pytest.param(WorkspaceState.UNPROVED, 2_000_000, False, id="unproved, and large"),
        pytest.param(WorkspaceState.ACTIVE, 2_000_000, True, id="proved, and large"),
        pytest.param(WorkspaceState.ACTIVE, 40_000_000, False, id="proved, and larger than any answer"),
    ],
)
async def test_an_answer_is_read_up_to_a_size(
    connections: Connections, state: WorkspaceState, size_bytes: int, taken: bool
) -> None:
    """Of what it inflates to: on the way it is a thousandth."""
    told = gzip.compress(json.dumps({"version": "10.3.0", "x": " " * size_bytes}).encode())

    async def answer(request: web.Request) -> web.Response:
        return web.Response(body=told, headers={"Content-Encoding": "gzip"}, content_type="application/json")

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    async with TestServer(app) as server:
        of = workspace(base_url=f"http://127.0.0.1:{server.port}", claimed_by="carol", state=state)
        asked = clients(connections, "127.0.0.1").site(of, Credentials(api_key="x"))
        if taken:
            assert (await asked.server_info()).version_name == "10.3.0"
        else:
            with pytest.raises(JiraBroken, match="answered more than"):
                await asked.server_info()
