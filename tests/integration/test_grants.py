"""A workspace that speaks by OAuth: its refresh token is used once, whoever needs it, and is never lost."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlsplit

import pytest

from jirabot.app import App, open_app
from jirabot.config import OAuthSettings
from jirabot.core.grants import Authority, Grant, KeptGrant, OAuthApp, from_text
from jirabot.core.managers.grants import Grants
from jirabot.core.managers.workspace_changes import WorkspaceUpdate
from jirabot.core.managers.workspaces import NewWorkspace
from jirabot.core.people import DAEMON, SHELL
from jirabot.core.ports import Transaction
from jirabot.core.workspaces import API_KEY, OAUTH_GRANT, Workspace
from jirabot.errors import (
    ConsentNeeded,
    JirabotError,
    JiraRefused,
    JiraSilent,
    SiteNotAccessible,
    StorageUnavailable,
)
from jirabot.jira import bases
from jirabot.jira.authorities import Authorities
from jirabot.jira.connections import Connections
from jirabot.jira.deployments import DEPLOYMENTS
from jirabot.machine import QuietLog, RandomIds
from jirabot.sandbox import oauth as sandbox_oauth
from jirabot.sandbox.server import Sandbox
from jirabot.storage.master_key import MasterKeys, NoKeyring
from jirabot.storage.memory import MemoryStorage
from jirabot.storage.secrets import EnvelopeVault
from tests.e2e.stage import settings_for
from tests.integration.test_authorities import CALLBACK, SCOPES, VERIFIER, browse

START = datetime(2026, 11, 26, 12, tzinfo=UTC)
LIFE = {"cloud": timedelta(seconds=3600), "dc": timedelta(seconds=7200)}
METHOD = {"cloud": "oauth", "dc": "dc-oauth"}
T = TypeVar("T")


@dataclass
class Clock:
    """Both sides' clock, moved by hand."""

    at: datetime = START

    def now(self) -> datetime:
        return self.at

    async def sleep(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)

    def go_on(self, by: timedelta) -> None:
        self.at += by


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["cloud", "dc"])
async def jira(request: pytest.FixtureRequest, clock: Clock) -> AsyncIterator[Sandbox]:
    async with Sandbox(deployment=request.param, clock=clock.now) as sandbox:
        yield sandbox


@pytest.fixture
def registered(jira: Sandbox) -> sandbox_oauth.App:
    return jira.oauth.add_app(CALLBACK, SCOPES[jira.deployment])


@pytest.fixture
async def open_(jira: Sandbox, clock: Clock, tmp_path: Path) -> AsyncIterator[Callable[[], Any]]:
    """Open jirabot over the one data folder: each call stands for a process of its own."""
    settings = settings_for(
        tmp_path,
        oauth=OAuthSettings(cloud_auth_url=jira.root_url, cloud_api_url=jira.root_url, cloud_sites=("127.0.0.1",)),
    )
    yield lambda: open_app(settings, clock=clock)


@pytest.fixture
async def app(open_: Callable[[], Any], jira: Sandbox, registered: sandbox_oauth.App) -> AsyncIterator[App]:
    """A workspace that nobody has consented to yet."""
    async with open_() as opened:
        await opened.workspaces.create(wanted(jira, registered), by=SHELL)
        yield opened


def wanted(jira: Sandbox, registered: sandbox_oauth.App) -> NewWorkspace:
    return NewWorkspace(
        name="acme",
        deployment=jira.deployment,
        base_url=jira.base_url,
        auth=METHOD[jira.deployment],
        oauth_client_id=registered.client_id,
        oauth_client_secret=registered.client_secret,
    )


async def consent(app: App, jira: Sandbox, registered: sandbox_oauth.App, *, as_: str = "openhands") -> Grant:
    """Consent in a browser, and give what comes of it."""
    at = Authority(deployment=jira.deployment, base_url=jira.base_url)
    theirs = OAuthApp(client_id=registered.client_id, client_secret=registered.client_secret)
    url = app.oauth.authorize_url(at, theirs, redirect_uri=CALLBACK, state="s", verifier=VERIFIER)
    _, _, back = await browse(f"{url}&as={as_}")
    code = parse_qs(urlsplit(back).query)["code"][0]
    return await app.oauth.exchange(at, theirs, code=code, redirect_uri=CALLBACK, verifier=VERIFIER)


@pytest.fixture
async def consented(app: App, jira: Sandbox, registered: sandbox_oauth.App) -> App:
    """The same, with a consent."""
    await app.consents.accept("acme", await consent(app, jira, registered), by=SHELL)
    return app


async def the(app: App) -> Workspace:
    workspace, _ = await app.workspaces.show("acme", by=SHELL)
    return workspace


async def ask(app: App) -> str:
    """Ask Jira who the bot is."""
    (served,) = await app.directory.all()
    return (await app.directory.site(served).myself()).display_name


async def while_time_passes(asked: Awaitable[str], clock: Clock) -> str:
    """Wait for an answer, and let ten seconds pass whenever there is none yet."""
    waiting = asyncio.gather(asked)
    while not waiting.done():
        clock.go_on(timedelta(seconds=10))
        await asyncio.wait([waiting], timeout=0.02)
    (told,) = await waiting
    return told


async def stored(app: App) -> KeptGrant:
    vault, workspace = app.grants._vault, await the(app)

    def query(tx: Transaction) -> KeptGrant:
        return from_text(vault.open(tx, workspace.id, OAUTH_GRANT) or "")

    return await app.storage.read(query)


async def test_before_a_consent_the_workspace_says_that_it_is_missing(app):
    with pytest.raises(ConsentNeeded, match="nobody has consented yet"):
        await ask(app)

    _, missing = await app.workspaces.show("acme", by=SHELL)
    assert missing[0].what == "consent"
    assert missing[0].command == "jirabot workspace consent acme"


async def test_after_a_consent_the_bot_is_who_consented(consented, jira):
    workspace = await the(consented)

    assert await ask(consented) == "OpenHands"
    assert workspace.service_account.display_name == "OpenHands"
    assert bool(workspace.cloud_id) is (jira.deployment == "cloud")
    assert [r.gateway for r in jira.requests if r.path.endswith("/myself")] == [jira.deployment == "cloud"] * 2


async def test_create_warns_whose_name_the_comments_stand_under(open_, jira, registered):
    async with open_() as app:
        made = await app.workspaces.create(wanted(jira, registered), by=SHELL)

    assert "stand under the name of who consents" in made.warnings[0]


async def test_f25_twenty_calls_at_the_end_of_a_token_renew_it_once(consented, jira, clock):
    clock.go_on(LIFE[jira.deployment])
    told = await asyncio.gather(*(ask(consented) for _ in range(20)))

    assert (set(told), jira.oauth.refreshes_count) == ({"OpenHands"}, 1)


async def test_f25_two_processes_at_the_end_of_a_token_renew_it_once(consented, open_, jira, clock):
    clock.go_on(LIFE[jira.deployment])
    async with open_() as other:
        told = await asyncio.gather(*(ask(each) for each in (consented, other) for _ in range(10)))

    assert (set(told), jira.oauth.refreshes_count) == ({"OpenHands"}, 1)


async def test_a_token_is_renewed_before_it_ends(consented, jira, clock):
    """Two minutes ahead: a call that has begun does not outlive it."""
    clock.go_on(LIFE[jira.deployment] - timedelta(minutes=2, seconds=1))
    await ask(consented)
    assert jira.oauth.refreshes_count == 0

    clock.go_on(timedelta(seconds=1))
    await ask(consented)
    assert jira.oauth.refreshes_count == 1


async def test_a_token_that_ended_early_is_renewed_once_and_the_call_made_again(consented, jira):
    jira.oauth.end_access()
    told = await asyncio.gather(*(ask(consented) for _ in range(5)))

    assert (set(told), jira.oauth.refreshes_count) == ({"OpenHands"}, 1)


async def test_a_jira_that_refuses_each_token_is_asked_twice_and_no_more(consented, jira):
    jira.requests.clear()
    jira.faults.add("answer", path="/myself", status=401, times=None)
    with pytest.raises(JiraRefused):
        await ask(consented)

    assert (len([r for r in jira.requests if r.path.endswith("/myself")]), jira.oauth.refreshes_count) == (2, 1)


async def test_clocks_that_are_apart_do_not_matter(consented, jira, clock):
    """Only how long a token lasts is told: here our clock goes back by half an hour before the end."""
    clock.go_on(LIFE[jira.deployment] - timedelta(minutes=30))
    assert await ask(consented) == "OpenHands"
    clock.go_on(timedelta(minutes=40))

    assert await ask(consented) == "OpenHands"
    assert jira.oauth.refreshes_count == 1


async def test_a_consent_that_is_taken_back_degrades_the_workspace_until_a_new_one(consented, jira, registered, clock):
    jira.oauth.revoke(jira.bot)
    for _ in range(3):
        with pytest.raises(ConsentNeeded):
            await ask(consented)
    (trouble,) = await consented.storage.read(lambda tx: tx.troubles.standing())
    (served,) = await consented.directory.all()
    assert (trouble.reason, served.workspace.degraded) == ("consent-needed", ("consent-needed",))
    assert jira.oauth.refreshes_count == 1, "what was refused for good is not tried again"

    grant = await consent(consented, jira, registered, as_="grace")
    await consented.consents.accept("acme", grant, by=SHELL)

    assert await ask(consented) == "Grace Hopper"
    assert await consented.storage.read(lambda tx: tx.troubles.standing()) == []
    assert (await the(consented)).degraded == ()


async def test_a_probe_leaves_a_lack_of_consent_as_it_is(consented, jira):
    jira.oauth.revoke(jira.bot)
    (served,) = await consented.directory.all()
    for _ in range(3):
        await consented.probes.probe(served, by=DAEMON)

    standing = await consented.storage.read(lambda tx: tx.troubles.standing())
    assert [each.reason for each in standing] == ["consent-needed"]


async def test_a_server_that_fails_costs_no_consent(consented, jira, clock):
    clock.go_on(LIFE[jira.deployment])
    jira.oauth.fails = 1
    with pytest.raises(JirabotError) as caught:
        await ask(consented)
    assert not isinstance(caught.value, ConsentNeeded)

    assert await ask(consented) == "OpenHands"
    assert (await the(consented)).degraded == ()


async def test_a_process_killed_between_renewal_and_storing(consented, open_, jira, clock):
    """The token is used up, and what came is lost: Cloud gives once more within ten minutes, Data Center does not."""
    clock.go_on(LIFE[jira.deployment])
    workspace = await the(consented)
    claim = await consented.storage.write(lambda tx: consented.grants._claim(tx, workspace.id, ""))
    await consented.oauth.refresh(consented.grants.authority_of(workspace), claim.app, claim.kept.grant)

    async with open_() as other:
        if jira.deployment == "cloud":
            assert await while_time_passes(ask(other), clock) == "OpenHands"
        else:
            with pytest.raises(ConsentNeeded):
                await while_time_passes(ask(other), clock)
            assert (await the(other)).degraded == ("consent-needed",)


async def test_who_waits_for_a_renewal_may_give_up_and_nothing_is_lost(consented, jira, clock):
    clock.go_on(LIFE[jira.deployment])
    before = await stored(consented)
    asked = asyncio.create_task(ask(consented))  # noqa: TID251 - it is cancelled here
    await jira.until(lambda: jira.oauth.refreshes_count == 1)
    asked.cancel()
    await asyncio.gather(asked, return_exceptions=True)
    await consented.grants.aclose()

    after = await stored(consented)
    assert after.grant.refresh_token != before.grant.refresh_token
    assert after.renewing_until is None


async def test_another_way_to_sign_in_leaves_no_consent_and_no_key_behind(consented, jira):
    """What is not used any more is not kept; and a consent to one site is none to another."""
    workspace = await the(consented)

    async def places() -> set[str]:
        return {place for _, place in await consented.storage.read(lambda tx: tx.secrets.places())}

    assert OAUTH_GRANT in await places()
    by_key = WorkspaceUpdate(
        auth="api-token" if jira.deployment == "cloud" else "pat", api_key=jira.bot.token, email=jira.bot.email
    )
    changed = await consented.workspace_changes.update("acme", by_key, by=SHELL)
    assert (API_KEY in await places(), OAUTH_GRANT in await places()) == (True, False)
    assert changed.workspace.cloud_id == ""
    assert await ask(consented) == "OpenHands"

    await consented.workspace_changes.update("acme", WorkspaceUpdate(auth=workspace.auth), by=SHELL)
    assert API_KEY not in await places()
    with pytest.raises(ConsentNeeded):
        await ask(consented)


async def test_a_consent_for_another_site_is_refused(consented, jira, registered):
    """Cloud's page lets people choose a site."""
    if jira.deployment == "dc":
        pytest.skip("a Data Center is one site")
    grant = await consent(consented, jira, registered)
    async with Sandbox(deployment="cloud") as other:
        made = replace(wanted(jira, registered), name="other", base_url=other.base_url, validate=False)
        await consented.workspaces.create(made, by=SHELL)
        with pytest.raises(SiteNotAccessible, match="was not for"):
            await consented.consents.accept("other", grant, by=SHELL)


async def test_f20_no_token_and_no_secret_stands_in_the_data_folder(consented, jira, registered, clock, tmp_path):
    clock.go_on(LIFE[jira.deployment])
    await ask(consented)
    kept = await stored(consented)
    secrets = [kept.grant.access_token, kept.grant.refresh_token, registered.client_secret]
    files = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]

    assert len(files) > 1
    assert [secret for secret in secrets for content in files if secret.encode() in content] == []


class FullDisk(MemoryStorage):
    """Refuses writes while `is_full`."""

    is_full = False

    async def write(self, change: Callable[[Transaction], T]) -> T:
        if self.is_full:
            raise StorageUnavailable("the disk is full")
        return await super().write(change)


async def test_what_a_full_disk_does_not_take_is_stored_by_who_needs_it_next(jira, registered, clock, tmp_path):
    from tests.contract.test_stores.values import workspace as some

    storage, connections = FullDisk(), Connections()
    grants = Grants(
        storage=storage,
        vault=EnvelopeVault(MasterKeys(tmp_path, value=None, file=None, keyring=NoKeyring())),
        oauth=Filling(storage, connections, jira, clock),
        deployments=DEPLOYMENTS,
        apps={},
        usual_bases={},
        normal_base=bases.normal,
        defaults=settings_for(tmp_path).workspace,
        clock=clock,
        ids=RandomIds(),
        log=QuietLog(),
    )
    workspace = some(deployment=jira.deployment, base_url=jira.base_url, auth=METHOD[jira.deployment])
    theirs = OAuthApp(client_id=registered.client_id, client_secret=registered.client_secret)
    at = grants.authority_of(workspace)
    url = grants._oauth.authorize_url(at, theirs, redirect_uri=CALLBACK, state="s", verifier=VERIFIER)
    _, _, back = await browse(f"{url}&as=ada")
    code = parse_qs(urlsplit(back).query)["code"][0]
    grant = await grants._oauth.exchange(at, theirs, code=code, redirect_uri=CALLBACK, verifier=VERIFIER)

    def change(tx: Transaction) -> None:
        tx.workspaces.add(workspace)
        grants.keep_app(tx, workspace, theirs)
        grants.keep(tx, workspace, KeptGrant(grant=grant))

    await storage.write(change)
    clock.go_on(LIFE[jira.deployment])
    for _ in range(2):
        with pytest.raises(StorageUnavailable):
            await grants.access(workspace.id)
    storage.is_full = False

    assert await grants.access(workspace.id)
    assert jira.oauth.refreshes_count == 1
    await connections.aclose()


class Filling(Authorities):
    """Lets the disk be full by the time a renewal has come back."""

    def __init__(self, storage: FullDisk, connections: Connections, jira: Sandbox, clock: Clock) -> None:
        settings = OAuthSettings(cloud_auth_url=jira.root_url, cloud_api_url=jira.root_url)
        super().__init__(DEPLOYMENTS, connections=connections, settings=settings, clock=clock)
        self._storage = storage

    async def refresh(self, at: Authority, app: OAuthApp, grant: Grant) -> Grant:
        renewed = await super().refresh(at, app, grant)
        self._storage.is_full = True
        return renewed


async def test_a_renewal_elsewhere_that_never_ends_is_not_waited_for_for_ever(consented, jira, clock):
    clock.go_on(LIFE[jira.deployment])
    workspace = await the(consented)

    def claimed_for_long(tx: Transaction) -> None:
        claim = consented.grants._claim(tx, workspace.id, "")
        assert claim is not None
        consented.grants.keep(tx, workspace, claim.kept.claimed(clock.now() + timedelta(hours=1)))

    await consented.storage.write(claimed_for_long)
    with pytest.raises(JiraSilent, match="does not come to an end"):
        await while_time_passes(ask(consented), clock)


async def test_f25_a_consent_that_comes_while_a_token_is_renewed_is_not_overwritten(consented, jira, registered, clock):
    if jira.deployment == "cloud":
        pytest.skip("the sandbox holds up what lies under `/rest/` only")
    clock.go_on(LIFE[jira.deployment])
    newer = await consent(consented, jira, registered, as_="grace")
    held = jira.faults.add("delay", method="POST", path="/rest/oauth2/latest/token")
    asked = asyncio.create_task(ask(consented))  # noqa: TID251 - awaited below
    await jira.until(lambda: held.hits == 1)
    await consented.storage.write(lambda tx: consented.grants.keep(tx, the_one(tx), KeptGrant(grant=newer)))
    jira.faults.release()
    await asyncio.gather(asked, return_exceptions=True)

    assert (await stored(consented)).grant == newer


def the_one(tx: Transaction) -> Workspace:
    (workspace,) = tx.workspaces.list()
    return workspace
