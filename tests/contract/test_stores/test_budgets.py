"""What every `BudgetStore` promises: one level a workspace and name, the last that was written down."""

import pytest

from jirabot.core.budgets import Bucket
from jirabot.core.ids import WorkspaceId
from jirabot.core.ports import Storage
from tests.contract.test_stores.values import OTHER, WS, at


async def put(
    storage: Storage, workspace_id: WorkspaceId, level: float, *, seconds: float = 0, name: str = "a"
) -> None:
    await storage.write(lambda tx: tx.budgets.put(workspace_id, name, Bucket(level=level, at=at(seconds))))


async def test_what_was_written_down_last_is_told_of_each_workspace(storage: Storage):
    await put(storage, WS, 900.0)
    await put(storage, OTHER, 7.25, seconds=1)
    await put(storage, WS, -0.5, seconds=2)

    told = await storage.read(lambda tx: tx.budgets.list("a"))
    assert told == {WS: Bucket(level=-0.5, at=at(2)), OTHER: Bucket(level=7.25, at=at(1))}


async def test_another_name_is_another_budget(storage: Storage):
    await put(storage, WS, 900.0)
    await put(storage, WS, 5.0, name="b")

    assert await storage.read(lambda tx: tx.budgets.list("b")) == {WS: Bucket(level=5.0, at=at(0))}
    assert await storage.read(lambda tx: tx.budgets.list("c")) == {}


@pytest.mark.parametrize("removed", [WS, OTHER])
async def test_it_goes_with_its_workspace(storage: Storage, removed: WorkspaceId):
    await put(storage, WS, 900.0)
    await storage.write(lambda tx: tx.workspaces.remove(removed))

    assert list(await storage.read(lambda tx: tx.budgets.list("a"))) == ([] if removed == WS else [WS])
