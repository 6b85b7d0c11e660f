"""What every `RegistrationStore` promises."""

from dataclasses import replace
from datetime import timedelta

from jirabot.core.ids import WorkspaceId
from jirabot.core.ports import Storage
from jirabot.core.webhooks import Registration
from tests.contract.test_stores.values import NOW, OTHER, WS


def registration(webhook_id: str = "7", workspace_id: WorkspaceId = WS, *, days: int = 0) -> Registration:
    return Registration(
        workspace_id=workspace_id,
        webhook_id=webhook_id,
        dynamic=True,
        url=f"https://bot.acme.example/integration/jira/events/{workspace_id}",
        jql="project = PAY",
        registered_at=NOW + timedelta(days=days),
        refreshed_at=NOW,
        expires_at=NOW + timedelta(days=30),
    )


async def save(storage: Storage, *all_: Registration) -> None:
    for each in all_:
        await storage.write(lambda tx, each=each: tx.registrations.save(each))  # type: ignore[misc]  # bound at once


async def test_they_are_listed_newest_first_by_workspace(storage: Storage):
    first, second, other = registration("7"), registration("8", days=1), registration("9", OTHER, days=2)
    await save(storage, first, second, other)
    assert await storage.read(lambda tx: tx.registrations.list(WS)) == [second, first]
    assert await storage.read(lambda tx: tx.registrations.list()) == [other, second, first]


async def test_one_of_the_same_id_takes_the_others_place(storage: Storage):
    changed = replace(registration(), jql="", refreshed_at=NOW + timedelta(days=7), expires_at=None, dynamic=False)
    await save(storage, registration(), changed)
    assert await storage.read(lambda tx: tx.registrations.list(WS)) == [changed]


async def test_ids_are_each_jiras_own(storage: Storage):
    await save(storage, registration("7"), registration("7", OTHER))
    await storage.write(lambda tx: tx.registrations.remove(WS, "7"))
    assert await storage.read(lambda tx: tx.registrations.list()) == [registration("7", OTHER)]


async def test_they_go_with_their_workspace(storage: Storage):
    await save(storage, registration("7"), registration("7", OTHER))
    await storage.write(lambda tx: tx.workspaces.remove(WS))
    assert await storage.read(lambda tx: tx.registrations.list()) == [registration("7", OTHER)]
