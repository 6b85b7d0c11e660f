"""OAuth against a server that is as strict as Atlassian's and Data Center's, and a site's cloud id."""

import asyncio
from collections.abc import AsyncIterator
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest
from aiohttp import web

from jirabot.config import OAuthSettings
from jirabot.core.grants import Authority, OAuthApp
from jirabot.core.network import Network
from jirabot.errors import (
    ConsentNeeded,
    Forbidden,
    InvalidInput,
    JirabotError,
    JiraBroken,
    JiraRefused,
    JiraSilent,
    JiraUnreachable,
)
from jirabot.jira.authorities import Authorities
from jirabot.jira.connections import Connections, Timeouts
from jirabot.jira.deployments import DEPLOYMENTS
from jirabot.machine import SystemClock
from jirabot.sandbox.oauth import App
from jirabot.sandbox.server import Sandbox
from tests import proxy

CALLBACK = "http://127.0.0.1:8642/integration/callback?from=a%20b"
VERIFIER = "a-verifier-of-at-least-forty-three-characters-0"
SCOPES = {
    "cloud": ("read:jira-work", "write:jira-work", "read:jira-user", "manage:jira-webhook", "offline_access"),
    "dc": ("READ", "WRITE"),
}
KINDS = [
    pytest.param({"deployment": "cloud"}, id="cloud"),
    pytest.param({"deployment": "dc", "dc_version": "9.12.15"}, id="dc9"),
    pytest.param({"deployment": "dc", "dc_version": "11.3.0", "context_path": ""}, id="dc11"),
]


@pytest.fixture(params=KINDS)
async def jira(request: pytest.FixtureRequest) -> AsyncIterator[Sandbox]:
    async with Sandbox(**request.param) as sandbox:
        yield sandbox


@pytest.fixture
async def cloud() -> AsyncIterator[Sandbox]:
    async with Sandbox(deployment="cloud") as sandbox:
        yield sandbox


@pytest.fixture
async def connections() -> AsyncIterator[Connections]:
    connections = Connections(Timeouts(total=2.0))
    yield connections
    await connections.aclose()


def authorities(connections: Connections, root_url: str, *, sites: tuple[str, ...] = ()) -> Authorities:
    settings = OAuthSettings(cloud_auth_url=root_url, cloud_api_url=root_url, cloud_sites=sites)
    return Authorities(DEPLOYMENTS, connections=connections, settings=settings, clock=SystemClock())


@pytest.fixture
async def oauth(jira: Sandbox, connections: Connections) -> Authorities:
    return authorities(connections, jira.root_url)


@pytest.fixture
async def registered(jira: Sandbox) -> App:
    return jira.oauth.add_app(CALLBACK, SCOPES[jira.deployment])


def app_of(registered: App) -> OAuthApp:
    return OAuthApp(client_id=registered.client_id, client_secret=registered.client_secret)


def at(jira: Sandbox) -> Authority:
    return Authority(deployment=jira.deployment, base_url=jira.base_url)


async def browse(address: str) -> tuple[int, str, str]:
    """Open a page as a browser does; gives status, text, and where it leads."""
    async with aiohttp.ClientSession() as session, session.get(_raw(address), allow_redirects=False) as got:
        return got.status, await got.text(), got.headers.get("Location", "")


def _raw(address: str):
    from yarl import URL

    return URL(address, encoded=True)


async def consented(oauth: Authorities, jira: Sandbox, registered: App, *, as_: str = "ada", verifier: str = VERIFIER):
    """Consent in a browser; gives the code."""
    url = oauth.authorize_url(at(jira), app_of(registered), redirect_uri=CALLBACK, state="st+te", verifier=verifier)
    status, _, back = await browse(f"{url}&as={as_}")
    told = parse_qs(urlsplit(back).query)
    assert (status, told["state"]) == (302, ["st+te"])
    return told["code"][0]


async def granted(oauth: Authorities, jira: Sandbox, registered: App):
    code = await consented(oauth, jira, registered)
    return await oauth.exchange(at(jira), app_of(registered), code=code, redirect_uri=CALLBACK, verifier=VERIFIER)


async def test_f22_f24_a_consent_leads_to_a_grant_whose_owner_jira_tells(jira, oauth, registered):
    grant = await granted(oauth, jira, registered)
    sites = await oauth.accessible_resources(at(jira), grant.access_token)
    cloud_id = sites[0].cloud_id if sites else ""
    account = await oauth.identity(at(jira), grant.access_token, cloud_id=cloud_id)

    assert account.display_name == "Ada Lovelace"
    assert [site.url for site in sites] == ([jira.base_url] if jira.deployment == "cloud" else [])
    assert grant.scopes == (SCOPES["cloud"] if jira.deployment == "cloud" else ("WRITE",))


async def test_a_person_is_shown_a_page_on_which_to_consent_or_not(jira, oauth, registered):
    url = oauth.authorize_url(at(jira), app_of(registered), redirect_uri=CALLBACK, state="s", verifier=VERIFIER)
    status, page, _ = await browse(url)
    _, _, denied = await browse(f"{url}&deny=true")

    assert (status, "Ada Lovelace" in page, "Do not consent" in page) == (200, True, True)
    assert parse_qs(urlsplit(denied).query)["error"] == ["access_denied"]


async def test_a_renewal_gives_other_tokens_and_the_old_ones_end_as_that_jira_has_it(jira, oauth, registered):
    """Cloud takes a used refresh token once more within ten minutes; Data Center voids both."""
    first = await granted(oauth, jira, registered)
    second = await oauth.refresh(at(jira), app_of(registered), first)

    assert second.access_token != first.access_token
    assert second.refresh_token != first.refresh_token
    assert second.redirect_uri == CALLBACK
    if jira.deployment == "cloud":
        await oauth.refresh(at(jira), app_of(registered), first)
    else:
        with pytest.raises(ConsentNeeded):
            await oauth.refresh(at(jira), app_of(registered), first)
        with pytest.raises(ConsentNeeded):
            await oauth.identity(at(jira), first.access_token)


async def test_a_code_counts_once(jira, oauth, registered):
    code = await consented(oauth, jira, registered)
    await oauth.exchange(at(jira), app_of(registered), code=code, redirect_uri=CALLBACK, verifier=VERIFIER)
    with pytest.raises(ConsentNeeded) as caught:
        await oauth.exchange(at(jira), app_of(registered), code=code, redirect_uri=CALLBACK, verifier=VERIFIER)

    assert code not in f"{caught.value.message} {caught.value.hint}"


async def test_data_center_takes_a_code_from_its_verifier_alone(connections):
    async with Sandbox(deployment="dc") as jira:
        oauth, registered = authorities(connections, jira.root_url), jira.oauth.add_app(CALLBACK, SCOPES["dc"])
        code = await consented(oauth, jira, registered)
        with pytest.raises(ConsentNeeded):
            await oauth.exchange(at(jira), app_of(registered), code=code, redirect_uri=CALLBACK, verifier="x" * 43)


async def test_a_wrong_secret_is_the_apps_matter_and_no_consents(jira, oauth, registered):
    grant = await granted(oauth, jira, registered)
    wrong = OAuthApp(client_id=registered.client_id, client_secret="wrong")
    with pytest.raises(JiraRefused, match="refuses the app") as caught:
        await oauth.refresh(at(jira), wrong, grant)

    assert not isinstance(caught.value, ConsentNeeded)
    assert "--oauth-client-secret" in caught.value.hint


async def test_f53_a_server_that_says_nothing_is_waited_for_no_longer_than_the_time_out(connections):
    """Every OAuth call has a time-out."""
    async with Sandbox(deployment="dc") as jira:
        oauth, registered = authorities(connections, jira.root_url), jira.oauth.add_app(CALLBACK, SCOPES["dc"])
        code = await consented(oauth, jira, registered)
        jira.faults.add("hang", method="POST")
        with pytest.raises(JiraSilent, match="time-out"):
            async with asyncio.timeout(10):  # ends with another error where ours, of two seconds, is not heeded
                await oauth.exchange(at(jira), app_of(registered), code=code, redirect_uri=CALLBACK, verifier=VERIFIER)


async def test_a_site_tells_its_cloud_id(cloud, connections):
    oauth = authorities(connections, cloud.root_url, sites=("127.0.0.1",))

    assert await oauth.cloud_id(at(cloud)) == "5a2f7c1e-0d8b-4f55-9a43-1c6e2b7d9f00"
    assert [request.path for request in cloud.requests] == ["/_edge/tenant_info"]


async def test_a_site_under_atlassian_net_is_asked_through_a_proxy_of_ones_own_network(cloud, connections):
    """Its name needs no proof; a site that an operator named by another is not asked so, and told what to do."""
    oauth = authorities(connections, cloud.root_url, sites=("jira.acme.example",))
    async with proxy.running() as tunnel:
        network = Network(proxy=tunnel.url)
        tunnel.refuses = True
        with pytest.raises(JiraUnreachable, match="the proxy refuses"):
            await oauth.cloud_id(Authority(deployment="cloud", base_url="https://acme.atlassian.net", network=network))
        assert tunnel.asked == ["CONNECT acme.atlassian.net:443"]

        with pytest.raises(Forbidden) as caught:
            await oauth.cloud_id(Authority(deployment="cloud", base_url="https://jira.acme.example", network=network))
        assert caught.value.hint == "give the site's address under atlassian.net as base URL"


async def test_the_proxy_of_the_environment_keeps_no_site_from_telling_its_cloud_id(cloud, connections, monkeypatch):
    async with proxy.running() as tunnel:
        tunnel.refuses = True
        monkeypatch.setenv("HTTPS_PROXY", tunnel.url.replace("127.0.0.1", "localhost"))
        oauth = authorities(connections, cloud.root_url)
        with pytest.raises(JiraUnreachable, match="the proxy refuses"):
            await oauth.cloud_id(Authority(deployment="cloud", base_url="https://acme.atlassian.net"))


PROBED = [
    pytest.param("http://127.0.0.1:{port}", (), InvalidInput, id="a host that nobody named"),
    pytest.param("http://localhost:{port}", ("localhost",), Forbidden, id="a name that leads to this machine"),
    pytest.param("https://127.0.0.1.evil.example", (), InvalidInput, id="a host that only looks so"),
    pytest.param("https://atlassian.net", (), InvalidInput, id="no site"),
    pytest.param("https://x.atlassian.net.evil.example", (), InvalidInput, id="the name in front"),
]


@pytest.mark.parametrize(("base", "sites", "error"), PROBED)
async def test_f79_no_other_host_is_asked_for_a_cloud_id(cloud, connections, base, sites, error):
    port = cloud.root_url.rpartition(":")[2]
    oauth = authorities(connections, cloud.root_url, sites=sites)
    with pytest.raises(JirabotError) as caught:
        await oauth.cloud_id(Authority(deployment="cloud", base_url=base.format(port=port)))

    assert type(caught.value) is error
    assert cloud.requests == []


async def test_f79_a_redirect_is_not_followed_and_nonsense_is_no_cloud_id(connections):
    asked: list[str] = []

    async def handle(request: web.Request) -> web.Response:
        asked.append(request.path)
        if len(asked) == 1:
            return web.Response(status=302, headers={"Location": "/elsewhere"})
        return web.json_response({"cloudId": "../../x"})

    application = web.Application()
    application.router.add_get("/{tail:.*}", handle)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    base = f"http://127.0.0.1:{runner.addresses[0][1]}"
    oauth = authorities(connections, base, sites=("127.0.0.1",))
    for _ in range(2):
        with pytest.raises(JiraBroken):
            await oauth.cloud_id(Authority(deployment="cloud", base_url=base))
    await runner.cleanup()

    assert asked == ["/_edge/tenant_info", "/_edge/tenant_info"]
