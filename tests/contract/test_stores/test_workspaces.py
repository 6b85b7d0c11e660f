"""What every `WorkspaceStore` promises."""

from dataclasses import replace

import pytest

from jirabot.core.ids import AccountId, BackendName, DeliveryId, TriggerKey, WorkspaceId, WorkspaceName
from jirabot.core.pauses import Pause
from jirabot.core.people import Account
from jirabot.core.ports import Storage, Transaction
from jirabot.core.scopes import of_workspace
from jirabot.core.workspaces import WorkspaceState
from jirabot.errors import Conflict, WorkspaceExists, WorkspaceNotFound
from tests.contract.test_stores.test_storage import contents, fill
from tests.contract.test_stores.values import NOW, OTHER, WS, at, workspace

FULL = workspace(
    deployment="dc",
    also_known_as=("https://jira.acme.org", "https://old.acme.org/jira"),
    state=WorkspaceState.PAUSED,
    degraded=("token-refused", "webhook-silent"),
    auth="pat",
    authenticity="url-token",
    service_account=Account(id=AccountId("JIRAUSER1"), name="bot", display_name="Bot 🤖", email="b@acme.org", app=True),
    service_account_email="b@acme.org",
    agent=BackendName("local"),
    settings={"mention": ["@bot"], "verify_trigger": False, "webhooks_per_minute": 5, "deep": {"é": None}},
    updated_at=at(60),
)
"""A workspace with every field set."""


@pytest.mark.parametrize("added", [pytest.param(FULL, id="every field set"), pytest.param(workspace(), id="defaults")])
async def test_what_was_added_is_found_equal(empty: Storage, added):
    await empty.write(lambda tx: tx.workspaces.add(added))
    assert await empty.read(lambda tx: tx.workspaces.find(WS)) == added


async def test_it_is_found_by_name(storage: Storage):
    found = await storage.read(lambda tx: tx.workspaces.find_by_name(WorkspaceName("other-ws.example.org")))
    assert found == workspace(OTHER)


async def test_what_is_not_there_is_none(storage: Storage):
    assert await storage.read(lambda tx: tx.workspaces.find(WorkspaceId("nowhere"))) is None
    assert await storage.read(lambda tx: tx.workspaces.find_by_name(WorkspaceName("nowhere"))) is None


@pytest.mark.parametrize(
    ("taken", "sentence"),
    [
        pytest.param({"name": WorkspaceName("ws.example.org")}, "a workspace of that name is there already", id="name"),
        pytest.param({"base_url": "https://ws.example.org"}, "another workspace has that base URL", id="base URL"),
    ],
)
class TestTaken:
    """A name and a base URL belong to one workspace."""

    async def test_adding_a_second_is_refused(self, storage: Storage, taken, sentence):
        with pytest.raises(WorkspaceExists, match=sentence):
            await storage.write(lambda tx: tx.workspaces.add(workspace("third", **taken)))
        assert await storage.read(lambda tx: tx.workspaces.find(WorkspaceId("third"))) is None

    async def test_saving_it_to_another_is_refused(self, storage: Storage, taken, sentence):
        with pytest.raises(WorkspaceExists, match=sentence):
            await storage.write(lambda tx: tx.workspaces.save(workspace(OTHER, **taken)))
        assert await storage.read(lambda tx: tx.workspaces.find(OTHER)) == workspace(OTHER)

    async def test_the_refusal_can_be_caught_and_the_rest_stands(self, storage: Storage, taken, sentence):
        def change(tx: Transaction) -> None:
            with pytest.raises(WorkspaceExists, match=sentence):
                tx.workspaces.add(workspace("third", **taken))
            tx.workspaces.add(workspace("fourth"))

        await storage.write(change)
        assert await storage.read(lambda tx: tx.workspaces.find(WorkspaceId("fourth"))) == workspace("fourth")


async def test_an_id_is_taken_once(storage: Storage):
    again = replace(workspace("third"), id=WS)
    with pytest.raises(Conflict):
        await storage.write(lambda tx: tx.workspaces.add(again))
    assert await storage.read(lambda tx: tx.workspaces.find(WS)) == workspace(WS)


async def test_save_replaces_every_field_of_that_row_alone(storage: Storage):
    await storage.write(lambda tx: tx.workspaces.save(FULL))
    assert await storage.read(lambda tx: tx.workspaces.find(WS)) == FULL
    assert await storage.read(lambda tx: tx.workspaces.find(OTHER)) == workspace(OTHER)


async def test_saving_one_that_is_not_there_is_refused(storage: Storage):
    with pytest.raises(WorkspaceNotFound, match=r"there is no workspace `third\.example\.org`"):
        await storage.write(lambda tx: tx.workspaces.save(workspace("third")))


async def test_list_has_the_newest_first(empty: Storage):
    def change(tx: Transaction) -> None:
        for name, seconds in (("middle", 2), ("oldest", 1), ("newest", 3)):
            tx.workspaces.add(workspace(name, created_at=at(seconds)))

    await empty.write(change)
    listed = await empty.read(lambda tx: tx.workspaces.list())
    assert [each.id for each in listed] == ["newest", "middle", "oldest"]


class TestRemoving:
    """With a workspace goes all that is its own."""

    async def test_nothing_of_it_is_left_in_any_store(self, storage: Storage):
        def change(tx: Transaction) -> None:
            fill(tx)
            tx.secrets.expire(WS, "api-key", at=at(60))
            tx.deliveries.record_action(WS, TriggerKey("comment:1"), DeliveryId("d1"), now=NOW)
            tx.pauses.add(Pause(scope=of_workspace(WS), paused_by="shell", paused_at=NOW))
            tx.workspaces.remove(WS)

        await storage.write(change)

        assert await storage.read(contents) == [True, False, True, *[False] * 10]
        assert await storage.read(lambda tx: tx.workspaces.find(WS)) is None
        assert await storage.read(lambda tx: tx.pauses.list()) == []
        assert await storage.read(lambda tx: tx.secrets.expires_at(WS, "api-key")) is None
        assert await storage.read(lambda tx: tx.deliveries.acted(WS, TriggerKey("comment:1"))) is None
        assert await storage.read(lambda tx: tx.deliveries.request_of(DeliveryId("d1"))) is None

    async def test_what_is_anothers_stays(self, storage: Storage):
        await storage.write(fill)
        await storage.write(lambda tx: tx.workspaces.remove(OTHER))

        assert await storage.read(contents) == [True] * 13
        assert await storage.read(lambda tx: tx.workspaces.find(OTHER)) is None

    async def test_its_name_and_address_are_free_again(self, storage: Storage):
        await storage.write(lambda tx: tx.workspaces.remove(WS))
        await storage.write(lambda tx: tx.workspaces.add(workspace()))

        assert await storage.read(lambda tx: tx.workspaces.find(WS)) == workspace()

    async def test_removing_what_is_not_there_does_nothing(self, storage: Storage):
        await storage.write(lambda tx: tx.workspaces.remove(WorkspaceId("nowhere")))

        assert len(await storage.read(lambda tx: tx.workspaces.list())) == 2
