"""People prove by OAuth whose an account is, and let a bot work in their name: once, in ten minutes, where it began."""

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest
from yarl import URL

from jirabot.config import OAuthAppSettings
from jirabot.core.managers.tokens import NewToken
from jirabot.core.managers.workspaces import NewWorkspace
from jirabot.core.oauth_states import Purpose
from jirabot.core.people import SHELL, Link, LinkState, Origin, Role
from jirabot.core.ports import Transaction
from jirabot.core.workspaces import OAUTH_GRANT
from jirabot.errors import CodeRefused, Forbidden, StateUnknown
from jirabot.sandbox.server import Sandbox

from .apps import SCOPES as CLOUD_SCOPES
from .apps import oauth_at
from .stage import MovableClock, Stage, staged
from .test_api import ROUTES, account_of, calling

SCOPES = {
    "cloud": CLOUD_SCOPES,
    "dc": ("READ", "WRITE"),
}
METHOD = {"cloud": "oauth", "dc": "dc-oauth"}
PLACEHOLDER = "http://127.0.0.1:1/"


class Browser:
    """Somebody at a browser, with its cookies: signed in to a front end that asks with their token."""

    def __init__(self, stage: Stage, client: aiohttp.ClientSession, token: str) -> None:
        self._stage, self._client, self._token = stage, client, token
        self.base = f"{stage.address}/integration/{ROUTES[stage.jira.deployment]}"

    async def post(self, path: str, **body: Any) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self._token}"}
        address = f"{self.base}/workspaces/{path}".rstrip("/")
        async with self._client.post(address, json=body, headers=headers) as answer:
            told: dict[str, Any] = await answer.json()
            assert answer.status == 200, told
            return told

    async def links(self) -> tuple[int, dict[str, Any]]:
        headers = {"Authorization": f"Bearer {self._token}"}
        async with self._client.get(f"{self.base}/workspaces/link", headers=headers) as answer:
            return answer.status, await answer.json()

    async def consent(self, url: str, *, as_: str = "ada", deny: bool = False) -> str:
        """Go to the consent page and consent, or not; gives where that leads to."""
        address = URL(f"{url}&deny=true" if deny else f"{url}&as={as_}", encoded=True)
        async with self._client.get(address, allow_redirects=False) as answer:
            assert answer.status == 302, await answer.text()
            return answer.headers["Location"]

    async def go_to(self, address: str, *, accept: str = "application/json") -> tuple[int, str]:
        """Open an address; gives the status and what is shown."""
        async with self._client.get(URL(address, encoded=True), headers={"Accept": accept}) as answer:
            return answer.status, await answer.text()


@contextlib.asynccontextmanager
async def browsing(stage: Stage) -> AsyncIterator[Any]:
    """Give what opens a browser for a user."""
    async with contextlib.AsyncExitStack() as stack:

        async def browser(user: str = "ada-sub", **how: Any) -> Browser:
            name = f"{user}-{len(await stage.app.tokens.list(by=SHELL))}"
            made = await stage.app.tokens.create(
                NewToken(**{"name": name, "role": Role.USER, "user": user} | how), by=SHELL
            )
            jar = aiohttp.CookieJar(unsafe=True)  # of an address that is no name
            client = await stack.enter_async_context(aiohttp.ClientSession(cookie_jar=jar))
            return Browser(stage, client, made.secret)

        yield browser


def oauth_settings(jira: Sandbox, **more: Any) -> dict[str, Any]:
    """Make the settings of an installation whose people prove themselves by OAuth."""
    app = jira.oauth.add_app(PLACEHOLDER, SCOPES[jira.deployment])
    known = OAuthAppSettings(client_id=app.client_id, client_secret=app.client_secret)
    return {
        "oauth": oauth_at(jira),
        "oauth_apps": {jira.deployment: known},
        "base_urls": {"dc": jira.base_url} if jira.deployment == "dc" else {},
        **more,
    }


def register(stage: Stage) -> None:
    """Tell Jira where people come back to."""
    apps, flow = stage.jira.oauth.apps, stage.app.consent_flow
    for client_id, app in apps.items():
        apps[client_id] = replace(app, redirect_uri=flow.callback_of(stage.jira.deployment))


@pytest.fixture
async def stage(jira: Sandbox, tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    """A stage with OAuth, on which nobody is linked; the marker `stage` changes its settings."""
    marker = request.node.get_closest_marker("stage")
    more = marker.kwargs["settings"] if marker else {}
    async with staged(jira, tmp_path, clock=MovableClock(), **oauth_settings(jira, **more)) as opened:
        await opened.set_up()
        register(opened)
        for link, _ in await opened.app.users.list("acme", by=SHELL):
            await opened.app.storage.write(partial(_end, link, opened.clock.now()))
        yield opened


def _end(link: Link, now: datetime, tx: Transaction) -> None:
    tx.users.end_link(link.id, now=now, by="herself")


@pytest.fixture
async def browser(stage: Stage) -> AsyncIterator[Any]:
    async with browsing(stage) as opened:
        yield opened


def id_of(stage: Stage, person: Any) -> str:
    """Give what an account is known by for good."""
    return str(person.account_id if stage.jira.deployment == "cloud" else person.key)


async def links(stage: Stage, user: str = "ada-sub") -> list[Link]:
    """List a user's links that have not ended."""
    found = await stage.app.storage.read(lambda tx: tx.users.links_of(user))
    return [link for link in found if link.state is not LinkState.ENDED]


async def linked_by_proof(browser: Browser, *, as_: str = "ada") -> tuple[int, str]:
    told = await browser.post("link", workspace_name="acme")
    assert (told["success"], told["redirect"], told["status"]) == (True, True, None)
    return await browser.go_to(await browser.consent(told["authorizationUrl"], as_=as_))


async def test_who_proves_an_account_is_linked_and_heard(stage: Stage, browser: Any) -> None:
    """F7, the mode by OAuth: the whole way from the token to the answer on the issue."""
    ada = await browser()
    told = await ada.post("link", workspace_name="acme")
    assert (await ada.links())[0] == 404

    status, page = await ada.go_to(await ada.consent(told["authorizationUrl"]), accept="text/html")

    assert (status, stage.jira.ada.display_name in page) == (200, True)
    (link,) = await links(stage)
    assert (link.account.id, link.origin, link.role) == (id_of(stage, stage.jira.ada), Origin.OAUTH, Role.USER)
    assert (await ada.links())[1]["status"] == "active"
    comment = await stage.comment("@openhands help")
    assert (await stage.outcome(comment)).reason == "helped"
    await stage.says()


async def test_people_are_asked_for_no_more_than_who_they_are(stage: Stage, browser: Any) -> None:
    """And nothing of what they give is kept."""
    ada = await browser()
    told = await ada.post("link", workspace_name="acme")
    asked = parse_qs(urlsplit(told["authorizationUrl"]).query)
    assert asked["scope"] == [{"cloud": "read:jira-user", "dc": "READ"}[stage.jira.deployment]]

    await ada.go_to(await ada.consent(told["authorizationUrl"]))

    assert [
        place for _, place in await stage.app.storage.read(lambda tx: tx.secrets.places()) if "oauth" in place
    ] == []
    assert await stage.app.storage.read(lambda tx: tx.oauth_states.list()) == []


async def test_f20_what_is_kept_beside_a_state_says_nothing(stage: Stage, browser: Any) -> None:
    """Of the state, the cookie and the verifier there is nothing to be read in the data folder."""
    ada = await browser()
    told = await ada.post("link", workspace_name="acme")
    state = parse_qs(urlsplit(told["authorizationUrl"]).query)["state"][0]
    (cookie,) = [each.value for each in ada._client.cookie_jar]

    (kept,) = await stage.app.storage.read(lambda tx: tx.oauth_states.list())
    verifier = await stage.app.storage.read(
        lambda tx: stage.app.consent_flow._vault.open(tx, kept.workspace_id, kept.secret_place)
    )
    await stage.app.storage.probe()

    assert verifier
    held = b"".join(file.read_bytes() for file in stage.app.settings.data_dir.rglob("*") if file.is_file())
    for secret in (state, cookie, verifier):
        assert secret.encode() not in held
        assert secret not in str(kept) + str(stage.log.told)


async def test_f19_a_state_counts_once(stage: Stage, browser: Any) -> None:
    ada = await browser()
    told = await ada.post("link", workspace_name="acme")
    back = await ada.consent(told["authorizationUrl"])
    assert (await ada.go_to(back))[0] == 200

    for address in (back, await ada.consent(told["authorizationUrl"])):
        status, answer = await ada.go_to(address)
        assert (status, "oauth-state-unknown" in answer) == (400, True)
    assert len(await links(stage)) == 1


async def test_f18_a_state_counts_in_the_browser_that_began_it(stage: Stage, browser: Any) -> None:
    """A victim who is sent to the consent page links nothing, and neither does the sender afterwards."""
    mallory, victim = await browser("mallory"), await browser("ada-sub")
    told = await mallory.post("link", workspace_name="acme")
    back = await victim.consent(told["authorizationUrl"])

    status, answer = await victim.go_to(back)

    assert (status, "oauth-other-browser" in answer) == (403, True)
    assert (await mallory.go_to(back))[0] == 400
    assert await links(stage, "mallory") == []
    assert await links(stage) == []


async def test_f52_a_state_lives_for_ten_minutes(stage: Stage, browser: Any) -> None:
    ada = await browser()
    for waited, status in ((599, 200), (600, 400)):
        told = await ada.post("link", workspace_name="acme")
        stage.clock.advance(seconds=waited)
        assert (await ada.go_to(await ada.consent(told["authorizationUrl"])))[0] == status
    assert len(await links(stage)) == 1


async def test_a_visit_that_nobody_ended_leaves_nothing(stage: Stage, browser: Any) -> None:
    """Not a row and no secret, where the time is over."""
    await (await browser()).post("link", workspace_name="acme")
    assert await stage.app.consent_codes.expire() == 0
    stage.clock.advance(minutes=10)

    await stage.app.consent_codes.expire()

    assert await stage.app.storage.read(lambda tx: tx.oauth_states.list()) == []
    assert not [place for _, place in await stage.app.storage.read(lambda tx: tx.secrets.places()) if "oauth" in place]


async def test_who_begins_again_ends_what_they_began_before(stage: Stage, browser: Any) -> None:
    ada = await browser()
    first = await ada.post("link", workspace_name="acme")
    await ada.post("link", workspace_name="acme")
    assert (await ada.go_to(await ada.consent(first["authorizationUrl"])))[0] == 400
    assert len(await stage.app.storage.read(lambda tx: tx.oauth_states.list())) == 1


async def test_who_denies_is_not_linked(stage: Stage, browser: Any) -> None:
    ada = await browser()
    told = await ada.post("link", workspace_name="acme")
    back = await ada.consent(told["authorizationUrl"], deny=True)

    status, page = await ada.go_to(back, accept="text/html,*/*")

    assert (status, "nothing is changed" in page, "consent-denied" in page) == (400, True, True)
    assert (await ada.go_to(back))[0] == 400
    assert await links(stage) == []


async def test_a_wrong_code_is_told_without_a_word_of_the_providers(stage: Stage, browser: Any) -> None:
    ada = await browser()
    told = await ada.post("link", workspace_name="acme")
    state = parse_qs(urlsplit(told["authorizationUrl"]).query)["state"][0]

    status, answer = await ada.go_to(f"{ada.base}/callback?code=no-such-code&state={state}")

    assert (status, "consent-failed" in answer, "no-such-code" in answer) == (400, True, False)
    assert await links(stage) == []


async def test_a_provider_that_fails_is_no_fault_of_the_persons(stage: Stage, browser: Any) -> None:
    ada = await browser()
    told = await ada.post("link", workspace_name="acme")
    back = await ada.consent(told["authorizationUrl"])
    stage.jira.oauth.fails = 1
    assert (await ada.go_to(back))[0] == 502
    assert await links(stage) == []


async def test_a_consent_for_another_site_links_nobody(stage: Stage, browser: Any) -> None:
    """On Data Center each site is an authority of its own, so that there is no other to consent for."""
    if stage.jira.deployment == "dc":
        pytest.skip("a consent of Data Center is for its own site")
    ada = await browser()
    await stage.change_workspace(base_url="https://elsewhere.atlassian.net")
    told = await ada.post("link", workspace_name="acme")
    back = await ada.consent(told["authorizationUrl"])

    status, answer = await ada.go_to(back)

    assert (status, "site-not-accessible" in answer) == (401, True)
    assert "127.0.0.1" not in answer
    await stage.change_workspace(base_url=stage.jira.base_url)
    assert await links(stage) == []


async def test_f75_a_new_proof_changes_the_link(stage: Stage, browser: Any) -> None:
    """Another account takes the old one's place, the role stays; who had it linked by hand has it no more."""
    bob = stage.jira.jira.add_person("Bob Kahn")
    await stage.app.users.link("acme", account_of(stage, stage.jira.ada), user="ada-sub", role=Role.ADMIN, by=SHELL)
    await stage.app.users.link("acme", account_of(stage, bob), user="somebody", role=Role.ADMIN, by=SHELL)
    ada = await browser()

    assert (await linked_by_proof(ada, as_=bob.name))[0] == 200

    (link,) = await links(stage)
    assert (link.account.id, link.role) == (id_of(stage, bob), Role.ADMIN)
    assert await links(stage, "somebody") == []
    acts = [row.act for row in await stage.app.audit.list(by=SHELL, workspace_name="acme")]
    assert acts[:2] == ["user.linked", "user.unlinked"]


async def test_the_role_of_somebody_elses_link_is_not_proved(stage: Stage, browser: Any) -> None:
    """That of a link which was the account's alone is: an administrator has given it to that account."""
    for user, role in (("boss", Role.USER), ("", Role.ADMIN)):
        await stage.app.users.link("acme", account_of(stage, stage.jira.ada), user=user, role=Role.ADMIN, by=SHELL)
        name = f"ada-{user or 'herself'}"
        assert (await linked_by_proof(await browser(name)))[0] == 200
        assert [link.role for link in await links(stage, name)] == [role]


async def test_f78_what_an_administrator_has_ended_is_not_proved_back(stage: Stage, browser: Any) -> None:
    """Not by the same person, however often, and not as another user; who ended it themselves may come back."""
    ada = await browser()
    await linked_by_proof(ada)
    await ada.post("unlink", workspace_name="acme")
    await linked_by_proof(ada)
    assert [link.state for link in await links(stage)] == [LinkState.ACTIVE]
    await stage.app.users.unlink("acme", "ada-sub", by=SHELL)

    for user in ("ada-sub", "ada-sub", "another"):
        status, page = await linked_by_proof(await browser(user))
        assert (status, "has ended your link" in page) == (200, True)
        assert [link.state for link in await links(stage, user)] == [LinkState.PENDING]


@pytest.mark.stage(settings={"without_oauth": frozenset({"dc", "cloud"})})
async def test_without_oauth_people_are_linked_at_once(stage: Stage, browser: Any) -> None:
    ada = await browser()
    told = await ada.post("link", workspace_name="acme")
    assert (told["redirect"], told["authorizationUrl"], told["status"]) == (False, "", "pending")


async def test_the_app_of_one_data_center_is_shown_to_no_other(stage: Stage, browser: Any) -> None:
    """Cloud has one authority for all of its sites; each Data Center is its own, and may be anybody's."""
    wanted = NewWorkspace(
        name="other",
        deployment=stage.jira.deployment,
        base_url="https://other.example",
        email=stage.jira.bot.email,
        api_key="key",
        validate=False,
    )
    await stage.app.workspaces.create(wanted, by=SHELL)
    boss = await browser("boss", role=Role.ADMIN)

    saved = await boss.post("", workspace_name="other", is_active=True) if stage.jira.deployment == "dc" else None
    app = stage.app.grants.usual_app(wanted.deployment, wanted.base_url)

    assert (app is None) == (stage.jira.deployment == "dc")
    assert saved is None or saved["redirect"] is False


async def test_who_saves_a_workspace_goes_on_to_prove_themselves(stage: Stage, browser: Any) -> None:
    """Once: an administrator who has done that is not sent there again."""
    boss = await browser("boss", role=Role.ADMIN)
    saved = await boss.post("", workspace_name="acme")
    assert (saved["redirect"], saved["state"]) == (True, "active")
    assert (await boss.go_to(await boss.consent(saved["authorizationUrl"])))[0] == 200

    (link,) = await links(stage, "boss")

    assert (link.role, link.origin) == (Role.ADMIN, Origin.OAUTH)
    assert (await boss.post("", workspace_name="acme"))["redirect"] is False


@pytest.mark.alike
@pytest.mark.parametrize("ended", [True, False])
async def test_who_is_no_administrator_any_more_does_not_become_one_by_a_proof(
    stage: Stage, browser: Any, ended: bool
) -> None:
    """Neither who was removed on the way nor who was made a user."""
    users, account = stage.app.users, account_of(stage, stage.jira.ada)
    await users.link("acme", account, user="ada-sub", role=Role.ADMIN, by=SHELL)
    ada = await browser()
    saved = await ada.post("", workspace_name="acme")
    if ended:
        await users.unlink("acme", "ada-sub", by=SHELL)
    else:
        await users.link("acme", account, user="ada-sub", role=Role.USER, by=SHELL)

    assert (await ada.go_to(await ada.consent(saved["authorizationUrl"])))[0] == 200

    state = LinkState.PENDING if ended else LinkState.ACTIVE
    assert [(link.state, link.role) for link in await links(stage)] == [(state, Role.USER)]


@pytest.mark.alike
async def test_the_bot_does_not_become_who_administers_no_more(stage: Stage, browser: Any) -> None:
    await stage.app.users.link("acme", account_of(stage, stage.jira.ada), user="ada-sub", role=Role.ADMIN, by=SHELL)
    await without_consent(stage)
    ada = await browser()
    saved = await ada.post("", workspace_name="acme")
    await stage.app.users.unlink("acme", "ada-sub", by=SHELL)

    status, told = await ada.go_to(await ada.consent(saved["authorizationUrl"]))

    assert (status, json.loads(told)["code"]) == (403, "forbidden")
    workspace, missing = await stage.app.workspaces.show("acme", by=SHELL)
    assert workspace.service_account.id == id_of(stage, stage.jira.bot)
    assert "consent" in [each.what for each in missing]


@pytest.mark.alike
async def test_an_administrator_by_a_link_goes_on_to_prove_themselves(stage: Stage, browser: Any) -> None:
    """And stays one."""
    await stage.app.users.link("acme", account_of(stage, stage.jira.ada), user="ada-sub", role=Role.ADMIN, by=SHELL)
    ada = await browser()
    saved = await ada.post("", workspace_name="acme")
    assert (await ada.go_to(await ada.consent(saved["authorizationUrl"])))[0] == 200

    assert [(link.role, link.origin) for link in await links(stage)] == [(Role.ADMIN, Origin.OAUTH)]


async def without_consent(stage: Stage) -> None:
    """Let the bot of the workspace sign in by a consent that nobody has given yet."""
    await stage.change_workspace(auth=METHOD[stage.jira.deployment])


async def test_a_consent_for_the_bot_lets_it_work(stage: Stage, browser: Any) -> None:
    await stage.link(stage.jira.ada)
    await without_consent(stage)
    assert "consent" in [each.what for each in (await stage.app.workspaces.show("acme", by=SHELL))[1]]
    boss = await browser("boss", role=Role.ADMIN)
    saved = await boss.post("", workspace_name="acme")

    status, page = await boss.go_to(
        await boss.consent(saved["authorizationUrl"], as_=stage.jira.bot.name), accept="text/html"
    )

    assert (status, "in the name of" in page) == (200, True)
    assert "consent" not in [each.what for each in (await stage.app.workspaces.show("acme", by=SHELL))[1]]
    stage.workspace = (await stage.app.workspaces.show("acme", by=SHELL))[0]
    comment = await stage.comment("@openhands help")
    assert (await stage.outcome(comment)).reason == "helped"
    await stage.says()


async def test_a_shell_waits_for_the_code_that_the_page_shows(stage: Stage, browser: Any) -> None:
    """Nothing is linked before it is given, so that a victim of whoever sends the address around links nothing."""
    begun = await stage.app.consent_flow.begin_in_shell("acme", Purpose.LINK, user="ada-sub", by=SHELL)
    ada = await browser()
    with pytest.raises(CodeRefused, match="nobody has come back"):
        await stage.app.consent_codes.finish(begun.state, "BCDF-GHJK", by=SHELL)
    status, page = await ada.go_to(await ada.consent(begun.url), accept="text/html")
    assert (status, stage.jira.ada.display_name in page, await links(stage)) == (200, True, [])
    code = page.partition('class="code">')[2].partition("<")[0]

    done = await stage.app.consent_codes.finish(begun.state, code.lower().replace("-", " "), by=SHELL)

    assert done.link is not None
    assert [link.id for link in await links(stage)] == [done.link.id]
    assert done.link.account.id == id_of(stage, stage.jira.ada)
    with pytest.raises(StateUnknown):
        await stage.app.consent_codes.finish(begun.state, code, by=SHELL)


async def test_a_code_may_be_mistyped_five_times(stage: Stage, browser: Any) -> None:
    begun = await stage.app.consent_flow.begin_in_shell("acme", Purpose.LINK, by=SHELL)
    ada = await browser()
    page = (await ada.go_to(await ada.consent(begun.url)))[1]
    code = page.partition('class="code">')[2].partition("<")[0]

    for left in (4, 3, 2, 1):
        with pytest.raises(CodeRefused, match="not the code") as refused:
            await stage.app.consent_codes.finish(begun.state, "2222-2222", by=SHELL)
        assert refused.value.hint.startswith(f"{left} more")
    with pytest.raises(CodeRefused, match="given up"):
        await stage.app.consent_codes.finish(begun.state, "2222-2222", by=SHELL)
    with pytest.raises(StateUnknown):
        await stage.app.consent_codes.finish(begun.state, code, by=SHELL)
    assert [
        place for _, place in await stage.app.storage.read(lambda tx: tx.secrets.places()) if "oauth" in place
    ] == []


async def test_another_account_than_the_named_one_is_not_linked(stage: Stage, browser: Any) -> None:
    bob = stage.jira.jira.add_person("Bob Kahn")
    begun = await stage.app.consent_flow.begin_in_shell(
        "acme", Purpose.LINK, wanted=account_of(stage, stage.jira.ada), by=SHELL
    )
    ada = await browser()
    page = (await ada.go_to(await ada.consent(begun.url, as_=bob.name)))[1]
    code = page.partition('class="code">')[2].partition("<")[0]
    with pytest.raises(Forbidden, match="Bob Kahn has consented"):
        await stage.app.consent_codes.finish(begun.state, code, by=SHELL)
    assert await links(stage, id_of(stage, bob)) == []


async def test_a_shell_lets_the_bot_work_in_somebodys_name(stage: Stage, browser: Any) -> None:
    await without_consent(stage)
    begun = await stage.app.consent_flow.begin_in_shell("acme", Purpose.BOT, by=SHELL)
    someone = await browser()
    page = (await someone.go_to(await someone.consent(begun.url, as_=stage.jira.bot.name)))[1]
    assert await stage.app.storage.read(lambda tx: tx.secrets.find(stage.workspace.id, OAUTH_GRANT)) is None

    done = await stage.app.consent_codes.finish(
        begun.state, page.partition('class="code">')[2].partition("<")[0], by=SHELL
    )

    assert done.account.id == id_of(stage, stage.jira.bot)
    assert await stage.app.storage.read(lambda tx: tx.secrets.find(stage.workspace.id, OAUTH_GRANT)) is not None


async def test_the_callback_takes_anything_and_tells_nothing(stage: Stage, browser: Any) -> None:
    ada = await browser()
    for query in (
        "",
        "?state=",
        "?code=x",
        "?state=%ff%00&code=%ed%a0%80",
        f"?state={'s' * 5000}",
        "?error=x&state=<b>",
    ):
        status, answer = await ada.go_to(f"{ada.base}/callback{query}")
        assert (status, "oauth-state-unknown" in answer, "<b>" in answer) == (400, True, False), query
        status, page = await ada.go_to(f"{ada.base}/callback{query}", accept="text/html")
        assert (status, "That did not work" in page, "<b>" in page) == (400, True, False), query


async def test_the_cookie_goes_nowhere_else(stage: Stage) -> None:
    async with calling(stage) as make:
        ada = await make("ada")
        address = f"{stage.address}/integration/{ROUTES[stage.jira.deployment]}/workspaces/link"
        async with ada._client.post(address, json={"workspace_name": "acme"}, headers=ada._headers) as answer:
            cookie = answer.cookies["jirabot_oauth"]
    route = f"/integration/{ROUTES[stage.jira.deployment]}/callback"
    assert (cookie["httponly"], cookie["samesite"], cookie["path"], cookie["max-age"]) == (True, "Lax", route, "600")
    assert cookie["secure"] == ""


async def typed(stage: Stage, *words: str) -> asyncio.subprocess.Process:
    """Type a command beside the daemon."""
    settings, app = stage.app.settings, next(iter(stage.jira.oauth.apps.values()))
    environment = {
        **settings.environment,
        "JIRABOT_DATA_DIR": str(settings.data_dir),
        "JIRABOT_SERVER__PORT": str(settings.server.port),
        "JIRABOT_OAUTH__CLOUD_AUTH_URL": stage.jira.root_url,
        "JIRABOT_OAUTH__CLOUD_API_URL": stage.jira.root_url,
        "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
    }
    named = {"cloud": "JIRA", "dc": "JIRA_DC"}[stage.jira.deployment]
    environment |= {f"{named}_CLIENT_ID": app.client_id, f"{named}_CLIENT_SECRET": app.client_secret}
    environment |= {"JIRA_DC_BASE_URL": stage.jira.base_url} if named == "JIRA_DC" else {}
    pipe = asyncio.subprocess.PIPE
    command = (sys.executable, "-c", "from jirabot.cli.start import run; run()", *words)
    return await asyncio.create_subprocess_exec(*command, env=environment, stdin=pipe, stdout=pipe, stderr=pipe)


async def code_for(process: asyncio.subprocess.Process, browser: Browser, *, as_: str) -> bytes:
    """Go where the command says, and read the code there."""
    assert process.stderr is not None
    async with asyncio.timeout(30):
        async for line in process.stderr:
            if line.startswith(b"http"):
                page = (await browser.go_to(await browser.consent(line.decode().strip(), as_=as_)))[1]
                return page.partition('class="code">')[2].partition("<")[0].encode()
    raise AssertionError("the command names no address")


@pytest.mark.parametrize("right", [True, False])
async def test_a_command_links_whoever_has_consented(stage: Stage, browser: Any, right: bool) -> None:
    command = await typed(stage, "user", "link", "acme", "--user", "ada-sub", "--oauth", "--json")
    code = await code_for(command, await browser(), as_="ada")

    out, err = await command.communicate(code + b"\n" if right else b"2222-2222\n")

    assert command.returncode == (0 if right else 4), err.decode()
    assert len(await links(stage)) == right
    assert not right or json.loads(out)["account"] == id_of(stage, stage.jira.ada)
    assert b"Traceback" not in err


@pytest.mark.alike
async def test_a_command_lets_the_bot_work_in_somebodys_name(stage: Stage, browser: Any) -> None:
    await without_consent(stage)
    command = await typed(stage, "workspace", "consent", "acme", "--json")
    code = await code_for(command, await browser(), as_=stage.jira.bot.name)

    out, err = await command.communicate(code + b"\n")

    assert command.returncode == 0, err.decode()
    assert json.loads(out)["account"] == id_of(stage, stage.jira.bot)
    assert "consent" not in [each.what for each in (await stage.app.workspaces.show("acme", by=SHELL))[1]]
