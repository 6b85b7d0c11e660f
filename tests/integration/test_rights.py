"""Managers ask for rights themselves (decision 0023), and what people do by right of their own is written down."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from jirabot.app import App, open_app
from jirabot.core.audit import facts_of
from jirabot.core.conversations import State
from jirabot.core.deliveries import DeliveryState
from jirabot.core.ids import WorkspaceId
from jirabot.core.managers.workspace_changes import WorkspaceUpdate
from jirabot.core.managers.workspaces import NewWorkspace
from jirabot.core.people import DAEMON, SHELL, Principal, Role
from jirabot.core.ports import Transaction
from jirabot.core.workspaces import Workspace
from jirabot.diagnosis import check_database
from jirabot.errors import DeliveryNotFound, FieldsInvalid, Forbidden
from tests.contract.test_stores.values import ADA, conversation, effect
from tests.e2e.stage import settings_for
from tests.integration.test_cli.states import add_delivery

CAROL = Principal(kind="oidc", name="carol", user="carol")


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[App]:
    """No daemon, and no Jira: nothing here asks it."""
    async with open_app(settings_for(tmp_path, api={"claims_last": timedelta()})) as opened:
        yield opened


async def made(app: App, owner: Principal | None = None) -> Workspace:
    """Make the workspace `acme`; with an *owner*, claimed by them."""
    wanted = NewWorkspace(
        name="acme", deployment="dc", base_url="http://127.0.0.1:1", api_key="a-token", owner=owner, validate=False
    )
    return (await app.workspaces.create(wanted, by=owner or SHELL)).workspace


async def acts(app: App) -> list[tuple[str, str, str, object]]:
    """Tell the acts but the making of the workspace, the newest first: by whom, to what, in which role."""
    rows = [row for row in await app.audit.list(by=SHELL) if row.act != "workspace.created"]
    return [(row.act, row.by_name or row.by_kind, row.subject, facts_of(row).get("role", "")) for row in rows]


GATED: dict[str, Callable[[App, Workspace, Principal], Awaitable[object]]] = {
    "webhooks.register": lambda app, of, by: app.webhooks.register(of.name, by=by),
    "webhooks.list": lambda app, of, by: app.webhooks.list(of.name, by=by),
    "webhooks.refresh": lambda app, of, by: app.webhooks.refresh(of.name, by=by),
    "webhooks.delete": lambda app, of, by: app.webhooks.delete(of.name, by=by),
    "webhooks.delete_if_possible": lambda app, of, by: app.webhooks.delete_if_possible(of, by=by),
    "workspaces.unmasked_events_url": lambda app, of, by: app.workspaces.unmasked_events_url(of, by=by),
    "audit.list": lambda app, of, by: app.audit.list(by=by, workspace_name=of.name),
    "audit.verify": lambda app, of, by: app.audit.verify(by=by),
    "retention.prune": lambda app, of, by: app.retention.prune(dry_run=True, by=by),
    "soundness.check": lambda app, of, by: app.soundness.check(by=by),
    "check_database": lambda app, of, by: check_database(app.settings, by=by),
    "overview.standing": lambda app, of, by: app.overview.standing(by=by),
    "forgetting.look": lambda app, of, by: app.forgetting.look(of.name, "ada", by=by),
    "forgetting.forget": lambda app, of, by: app.forgetting.forget(of.name, "ada", by=by),
}


@pytest.mark.parametrize("asked", GATED.values(), ids=GATED)
async def test_who_administers_nothing_is_refused(
    app: App, asked: Callable[[App, Workspace, Principal], Awaitable[object]]
) -> None:
    workspace = await made(app)
    of_another = replace(CAROL, user="", role=Role.ADMIN, workspace_id=WorkspaceId("another"))
    for by in (CAROL, of_another):
        with pytest.raises(Forbidden, match="only an administrator of"):
            await asked(app, workspace, by)


async def test_what_the_daemon_does_by_itself_is_not_refused(app: App) -> None:
    await made(app)
    assert (await app.retention.prune(dry_run=True, by=DAEMON)).count == 0
    assert list((await app.overview.standing(by=DAEMON)).workspaces.values()) == ["acme"]


async def test_the_state_of_an_event_is_not_told_to_who_does_not_administer_its_workspace(app: App) -> None:
    workspace = await made(app)
    await app.storage.write(lambda tx: add_delivery(tx, workspace.id, DeliveryState.DONE, id="d1"))
    with pytest.raises(DeliveryNotFound, match="there is no event `d1`"):
        await app.deliveries.discardable(["d1"], by=CAROL)


@pytest.mark.parametrize("what", ["deliveries", "outbox", "conversations"])
async def test_a_page_stands_behind_a_row_that_is_there_for_who_asks(app: App, what: str) -> None:
    def fill(tx: Transaction) -> None:
        add_delivery(tx, workspace.id, DeliveryState.DONE, id="x1")
        tx.outbox.owe([effect("x1", workspace_id=workspace.id)])
        tx.conversations.add(conversation("x1", workspace_id=workspace.id, asker=ADA))

    workspace = await made(app)
    await app.storage.write(fill)
    lists = getattr(app, what).list

    assert await lists(by=SHELL, before="x1") == []
    for by, before in ((SHELL, "gone"), (CAROL, "x1")):
        with pytest.raises(FieldsInvalid, match=f"`before`: there is no (event|effect|conversation) `{before}`"):
            await lists(by=by, before=before)


async def test_who_takes_part_in_a_conversation_lists_those_behind_it(app: App) -> None:
    workspace = await made(app)
    await app.users.link("acme", ADA.id, user="carol", by=SHELL, validate=False)
    await app.storage.write(lambda tx: tx.conversations.add(conversation("x1", workspace_id=workspace.id, asker=ADA)))

    assert await app.conversations.list(by=CAROL, before="x1") == []


async def test_who_ends_their_own_link_is_written_down(app: App) -> None:
    await made(app)
    await app.users.link("acme", "ada", user="carol", by=SHELL, validate=False)
    await app.own_links.unlink("dc", by=CAROL)
    await app.workspace_changes.update("acme", WorkspaceUpdate(owner=CAROL), by=SHELL)
    await app.own_links.unlink("dc", by=CAROL)

    assert await acts(app) == [
        ("user.unlinked", "carol", "", ""),
        ("user.linked", "carol", "", "admin"),
        ("workspace.updated", "shell", "", ""),
        ("user.unlinked", "carol", "ada", ""),
        ("user.linked", "shell", "ada", "user"),
    ]


async def test_who_may_administer_without_an_account_is_written_down_once(app: App) -> None:
    await made(app)
    for _ in range(2):
        await app.workspace_changes.update("acme", WorkspaceUpdate(owner=CAROL), by=SHELL)

    linked = [act for act in await acts(app) if act[0] == "user.linked"]
    assert linked == [("user.linked", "carol", "", "admin")]


async def test_the_proof_of_a_claim_is_written_down(app: App) -> None:
    claimed = await made(app, owner=CAROL)
    for _ in range(2):
        await app.workspace_changes.prove(claimed.id, by=DAEMON)

    assert (await acts(app))[0] == ("workspace.proved", "daemon", "", "")
    assert len([act for act in await acts(app) if act[0] == "workspace.proved"]) == 1


async def test_a_claim_that_expires_is_written_down(app: App) -> None:
    claimed = await made(app, owner=CAROL)

    assert await app.claims.expire() == 1
    assert (await acts(app))[0] == ("workspace.expired", "daemon", claimed.base_url, "")


async def test_what_failed_is_told_to_who_administers_it(app: App) -> None:
    """Not to who asked: it may have come to be about what they may not read."""
    workspace = await made(app)
    linked = await app.users.link("acme", "ada", user="carol", by=SHELL, validate=False)
    failed = conversation("failed", workspace_id=workspace.id, asker=linked.account, state=State.FAILED)
    await app.storage.write(lambda tx: tx.conversations.add(failed))
    of_it = replace(CAROL, user="", role=Role.ADMIN, workspace_id=workspace.id)

    told = [(await app.overview.status(by=by)).failed for by in (SHELL, of_it, CAROL)]

    assert told == [(failed,), (failed,), ()]


async def test_what_holds_work_back_is_told_to_who_administers_some_of_it(app: App) -> None:
    workspace = await made(app)
    await app.pauses.pause(by=SHELL)
    await app.pauses.pause(workspace="acme", by=SHELL)
    of_it = replace(CAROL, user="", role=Role.ADMIN, workspace_id=workspace.id)
    of_another = replace(of_it, workspace_id=WorkspaceId("another"))

    told = {by: [each.workspace for each in (await app.overview.status(by=by)).held_back] for by in (SHELL, of_it)}
    assert {by: sorted(names) for by, names in told.items()} == {SHELL: ["", "acme"], of_it: ["", "acme"]}
    for by in (CAROL, of_another):
        assert (await app.overview.status(by=by)).held_back == ()
