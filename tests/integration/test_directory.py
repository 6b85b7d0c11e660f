"""What is known of the workspaces is never older than what this process has changed."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

import pytest

from jirabot.config import Settings
from jirabot.core.budgets import HOUR, Limit
from jirabot.core.credentials import Credentials
from jirabot.core.ids import IssueId
from jirabot.core.managers.directory import Directory
from jirabot.core.managers.grants import Grants
from jirabot.core.ports import Storage, Transaction
from jirabot.jira import bases
from jirabot.jira.authenticity import scheme_of
from jirabot.jira.authorities import Authorities
from jirabot.jira.client import Clients
from jirabot.jira.connections import Connections
from jirabot.jira.deployments import DEPLOYMENTS
from jirabot.machine import QuietLog, RandomIds, SystemClock
from jirabot.sandbox.server import Sandbox
from jirabot.storage.master_key import MasterKeys, NoKeyring
from jirabot.storage.memory import MemoryStorage
from jirabot.storage.secrets import EnvelopeVault
from tests.contract.test_stores.values import OTHER, WS, seed, workspace

T = TypeVar("T")


class SharedStorage(MemoryStorage):
    """Counts what another process commits."""

    foreign = 0

    def foreign_generation(self) -> int:
        return self.foreign


@dataclass
class Gate:
    """Holds up what was read until it is opened."""

    reached: asyncio.Event = field(default_factory=asyncio.Event)
    opened: asyncio.Event = field(default_factory=asyncio.Event)


class SlowStorage(MemoryStorage):
    """Gives what it has read only when the gate is open."""

    def __init__(self, gate: Gate) -> None:
        super().__init__()
        self._gate = gate

    async def read(self, query: Callable[[Transaction], T]) -> T:
        value = await super().read(query)
        self._gate.reached.set()
        await self._gate.opened.wait()
        return value


@dataclass
class Scene:
    """A directory over a storage, and the clients of the Jiras that it knows."""

    directory: Directory
    clients: Clients
    connections: Connections


@contextlib.asynccontextmanager
async def over(storage: Storage, folder: Path) -> AsyncIterator[Scene]:
    settings, clock, log, connections = Settings(), SystemClock(), QuietLog(), Connections()
    vault = EnvelopeVault(MasterKeys(folder, value=None, file=None, keyring=NoKeyring()))
    clients = Clients(
        DEPLOYMENTS,
        connections=connections,
        api_url=settings.oauth.cloud_api_url,
        clock=clock,
        log=log,
        defaults=settings.workspace,
    )
    grants = Grants(
        storage=storage,
        vault=vault,
        oauth=Authorities(DEPLOYMENTS, connections=connections, settings=settings.oauth, clock=clock),
        deployments=DEPLOYMENTS,
        apps={},
        usual_bases={},
        normal_base=bases.normal,
        defaults=settings.workspace,
        clock=clock,
        ids=RandomIds(),
        log=log,
    )
    directory = Directory(
        storage=storage,
        vault=vault,
        grants=grants,
        sites=clients,
        deployments=DEPLOYMENTS,
        schemes=scheme_of,
        defaults=settings.workspace,
        limits=settings.limits,
        agent=None,
        api_url="https://api.atlassian.com",
    )
    yield Scene(directory, clients, connections)
    await connections.aclose()


async def test_what_was_read_before_a_change_is_not_kept_after_it(tmp_path: Path) -> None:
    gate = Gate()
    storage = SlowStorage(gate)
    async with over(storage, tmp_path) as scene, asyncio.TaskGroup() as tasks:
        looking = tasks.create_task(scene.directory.all())
        await gate.reached.wait()
        await storage.write(lambda tx: tx.workspaces.add(workspace()))
        scene.directory.forget()
        gate.opened.set()

        assert [served.workspace for served in await scene.directory.all()] == [workspace()]
        assert [served.workspace for served in await looking] == [workspace()]


async def test_what_jira_said_is_asked_anew_once_another_process_has_written(tmp_path: Path) -> None:
    """F60. A command that changes a workspace, and whoever waits for it, is not answered by what was kept before."""
    storage = SharedStorage()
    async with Sandbox(deployment="dc") as jira, over(storage, tmp_path) as scene:
        of = replace(workspace(), deployment="dc", auth="pat", base_url=jira.base_url)
        site = scene.clients.site(of, Credentials(api_key=jira.bot.token))
        issue = await jira.create_issue(summary="Before")
        await scene.directory.all()
        await site.get_issue(IssueId(issue.id))
        jira.jira.edit_issue(issue, summary="After", actor=jira.ada)
        await scene.directory.all()
        assert (await site.get_issue(IssueId(issue.id))).summary == "Before"

        storage.foreign += 1
        await scene.directory.all()
        assert (await site.get_issue(IssueId(issue.id))).summary == "After"


@pytest.mark.parametrize("beside_us", [False, True], ids=["by this process", "by another"])
async def test_of_a_workspace_that_is_gone_nothing_stays_open(tmp_path: Path, beside_us: bool) -> None:
    storage = SharedStorage()
    async with Sandbox(deployment="dc") as jira, over(storage, tmp_path) as scene:
        await storage.write(seed)
        for of in (workspace(WS), workspace(OTHER)):
            at_jira = replace(of, deployment="dc", auth="pat", base_url=jira.base_url)
            budget = Limit(count=100, per=HOUR)
            await scene.clients.site(at_jira, Credentials(api_key=jira.bot.token), calls=budget).myself()
        await scene.directory.all()
        assert (len(scene.connections), len(scene.clients.budgets())) == (2, 2)

        await storage.write(lambda tx: tx.workspaces.remove(OTHER))
        if beside_us:
            storage.foreign += 1
        else:
            scene.directory.forget()
        await scene.directory.all()

        assert (len(scene.connections), list(scene.clients.budgets())) == (1, [WS])
