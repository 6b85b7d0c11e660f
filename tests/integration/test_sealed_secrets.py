"""A secret that does not open is the trouble of its workspace alone, and of nothing that does not need it."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from jirabot.app import App, open_app
from jirabot.core.deliveries import RawDelivery
from jirabot.core.ids import WorkspaceId
from jirabot.core.managers.repositories import NewRepository
from jirabot.core.managers.workspace_changes import WorkspaceUpdate
from jirabot.core.managers.workspaces import NewWorkspace
from jirabot.core.people import DAEMON, SHELL
from jirabot.core.ports import Sealed, Transaction
from jirabot.core.scopes import of_workspace
from jirabot.core.troubles import Reason
from jirabot.core.workspaces import API_KEY, WEBHOOK_SECRET, repository_token_place
from jirabot.daemon.database import DatabaseWatch
from jirabot.daemon.problems import response
from jirabot.errors import SecretSealed, SignatureRejected
from jirabot.machine import QuietLog
from jirabot.sandbox.server import Sandbox
from tests.e2e.stage import settings_for

BODY = b'{"webhookEvent": "jira:issue_updated"}'
REPOSITORY = NewRepository(name="acme/shop", url="https://git.example.org/shop.git", token="a-token")


@pytest.fixture
async def jira() -> AsyncIterator[Sandbox]:
    async with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
async def app(jira: Sandbox, tmp_path: Path) -> AsyncIterator[App]:
    """Two workspaces; no daemon runs."""
    async with open_app(settings_for(tmp_path)) as opened:
        for name, base_url in (("acme", jira.base_url), ("other", "http://127.0.0.1:1")):
            wanted = NewWorkspace(
                name=name,
                deployment="cloud",
                base_url=base_url,
                email=jira.bot.email,
                api_key=jira.bot.token,
                validate=name == "acme",
            )
            await opened.workspaces.create(wanted, by=SHELL)
        yield opened


async def seal(app: App, place: str) -> WorkspaceId:
    """Change the row of a secret of `acme`, and give the workspace's id."""
    workspace, _ = await app.workspaces.show("acme", by=SHELL)

    def change(tx: Transaction) -> None:
        key_id, _ = tx.secrets.key_identity() or ("", "")
        sealed = Sealed(key_id=key_id, nonce=b"0" * 12, ciphertext=b"0" * 32)
        tx.secrets.put(workspace.id, place, sealed, now=app.clock.now())

    await app.storage.write(change)
    app.directory.forget()
    return workspace.id


async def sealed_troubles(app: App, workspace_id: WorkspaceId) -> list[str]:
    found = await app.storage.read(lambda tx: tx.troubles.standing(of_workspace(workspace_id)))
    return [each.text for each in found if each.reason is Reason.SECRET_SEALED]


def unproved(app: App) -> RawDelivery:
    headers = {"x-hub-signature": "sha256=0"}
    return RawDelivery(headers=headers, body=BODY, remote="", received_at=app.clock.now(), token="")


@pytest.mark.parametrize("place", [WEBHOOK_SECRET, API_KEY])
async def test_every_workspace_is_served_all_the_same(app: App, place: str) -> None:
    await seal(app, place)

    assert sorted(each.workspace.name for each in await app.directory.all()) == ["acme", "other"]


async def test_what_it_may_prove_is_to_come_again_and_what_others_prove_is_refused(app: App) -> None:
    sealed_id = await seal(app, WEBHOOK_SECRET)
    watch = DatabaseWatch(storage=app.storage, clock=app.clock, ids=app.ids, log=QuietLog())

    for served in await app.directory.all():
        refusal = SecretSealed if served.workspace.id == sealed_id else SignatureRejected
        with pytest.raises(refusal) as told:
            await app.intake.accept(served, unproved(app), by=DAEMON)
        watch.failed(told.value)
        if refusal is SecretSealed:
            answer = response(told.value)
            assert (answer.status, "Retry-After" in answer.headers) == (503, True)
    assert watch.fault is None


@pytest.mark.parametrize("place", ["repository", WEBHOOK_SECRET, API_KEY])
async def test_administrators_are_told_until_it_is_set_again(app: App, jira: Sandbox, place: str) -> None:
    repository = await app.repositories.add("acme", REPOSITORY, by=SHELL)
    workspace_id = await seal(app, repository_token_place(repository.id) if place == "repository" else place)

    async def probe() -> list[str]:
        await app.probes.probe(await app.directory.get(workspace_id), by=DAEMON)
        return await sealed_troubles(app, workspace_id)

    what = "the token of the repository `acme/shop`" if place == "repository" else f"the secret `{place}`"
    assert await probe() == [f"{what} of `acme` does not open: its row was changed, or copied from another"]

    if place == "repository":
        await app.repositories.remove("acme", "acme/shop", by=SHELL)
        await app.repositories.add("acme", REPOSITORY, by=SHELL)
    elif place == API_KEY:
        await app.workspace_changes.update("acme", WorkspaceUpdate(api_key=jira.bot.token), by=SHELL)
    else:
        await app.workspace_changes.rotate_secret("acme", by=SHELL, overlap=timedelta(hours=1))
    assert await probe() == []


async def test_it_is_looked_for_soon_and_is_no_fault_of_its_jira(app: App) -> None:
    workspace_id = await seal(app, API_KEY)
    for _ in range(3):
        await app.probes.probe(await app.directory.get(workspace_id), by=DAEMON)

    assert (await app.directory.get(workspace_id)).workspace.degraded == ()
    due_seconds = await app.probes.next_due_seconds()
    assert due_seconds is not None
    assert due_seconds < 60


async def test_doctor_names_it_in_a_workspace_that_nobody_probes(app: App) -> None:
    await app.workspace_changes.deactivate("acme", by=SHELL)
    await seal(app, WEBHOOK_SECRET)

    found = [each for each in await app.doctor.examine(by=SHELL) if each.name == "secret"]

    assert [(each.workspace, each.fix) for each in found] == [("acme", "run `jirabot workspace rotate-secret acme`")]
