"""What is known of the workspaces is never older than what this process has changed."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from jirabot.config import Settings
from jirabot.core.managers.directory import Directory
from jirabot.core.managers.grants import Grants
from jirabot.core.ports import Transaction
from jirabot.jira.authorities import Authorities
from jirabot.jira.client import Clients
from jirabot.jira.connections import Connections
from jirabot.jira.deployments import DEPLOYMENTS
from jirabot.machine import QuietLog, RandomIds, SystemClock
from jirabot.storage.master_key import MasterKeys, NoKeyring
from jirabot.storage.memory import MemoryStorage
from jirabot.storage.secrets import EnvelopeVault
from tests.contract.test_stores.values import workspace

T = TypeVar("T")


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


async def test_what_was_read_before_a_change_is_not_kept_after_it(tmp_path: Path) -> None:
    gate = Gate()
    storage = SlowStorage(gate)
    settings = Settings()
    vault = EnvelopeVault(MasterKeys(tmp_path, value=None, file=None, keyring=NoKeyring()))
    clock, log, connections = SystemClock(), QuietLog(), Connections()
    grants = Grants(
        storage=storage,
        vault=vault,
        oauth=Authorities(DEPLOYMENTS, connections=connections, settings=settings.oauth, clock=clock),
        deployments=DEPLOYMENTS,
        apps={},
        defaults=settings.workspace,
        clock=clock,
        ids=RandomIds(),
        log=log,
    )
    directory = Directory(
        storage=storage,
        vault=vault,
        grants=grants,
        sites=Clients(
            DEPLOYMENTS,
            connections=connections,
            api_url=settings.oauth.cloud_api_url,
            clock=clock,
            log=log,
            defaults=settings.workspace,
        ),
        deployments=DEPLOYMENTS,
        defaults=settings.workspace,
        limits=settings.limits,
        agent=None,
    )
    async with asyncio.TaskGroup() as tasks:
        looking = tasks.create_task(directory.all())
        await gate.reached.wait()
        await storage.write(lambda tx: tx.workspaces.add(workspace()))
        directory.forget()
        gate.opened.set()

    assert [served.workspace for served in await directory.all()] == [workspace()]
    assert [served.workspace for served in looking.result()] == [workspace()]
