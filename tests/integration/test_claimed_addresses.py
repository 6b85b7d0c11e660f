"""A Jira that was claimed is reached at public addresses only, whatever its name has come to lead to (F79)."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from jirabot.config import WorkspaceDefaults
from jirabot.core.credentials import Credentials
from jirabot.core.people import Account
from jirabot.core.ports import JiraSite
from jirabot.core.workspaces import Workspace
from jirabot.errors import Forbidden
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
async def test_who_is_reached(jira: Sandbox, claimed_by: str, private_hosts: tuple[str, ...], reached: bool) -> None:
    connections = Connections(Timeouts(connect=2.0, total=2.0))
    try:
        asked = site(clients(connections, *private_hosts), jira, claimed_by)
        if reached:
            assert isinstance(await asked.myself(), Account)
        else:
            with pytest.raises(Forbidden, match="not public"):
                await asked.myself()
    finally:
        await connections.aclose()


@pytest.mark.parametrize(("claimed_by", "private_hosts", "reached"), WHO)
async def test_who_is_reached_through_a_proxy_within_a_private_network(
    jira: Sandbox, claimed_by: str, private_hosts: tuple[str, ...], reached: bool
) -> None:
    """It could lead into that network: what a name leads to here says nothing of it (decision 0023)."""
    connections = Connections(Timeouts(connect=2.0, total=2.0))
    try:
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
    finally:
        await connections.aclose()
