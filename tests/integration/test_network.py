"""A workspace's authorities, proxy and client certificate are used for every call of it: Jira, OAuth, git, agents."""

import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from jirabot.agents.git import Git
from jirabot.agents.network import authorities_of, variables
from jirabot.app import App, open_app
from jirabot.config import OAuthSettings
from jirabot.core.checkouts import Remote
from jirabot.core.grants import Authority, OAuthApp
from jirabot.core.ids import EffectId, IssueId
from jirabot.core.managers.workspace_changes import WorkspaceUpdate
from jirabot.core.managers.workspaces import NewWorkspace
from jirabot.core.network import Network
from jirabot.core.people import SHELL
from jirabot.core.visibility import Public
from jirabot.errors import GitFailed, JirabotError, JiraRefused, JiraUnreachable
from jirabot.sandbox.server import Sandbox
from tests import certificates, proxy
from tests.certificates import Certificates
from tests.e2e.stage import git, make_repository, settings_for
from tests.integration.test_authorities import CALLBACK, VERIFIER
from tests.proxy import Proxy


@pytest.fixture(scope="module")
def certified(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return certificates.make(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
async def tunnel() -> AsyncIterator[Proxy]:
    async with proxy.running() as running:
        yield running


@pytest.fixture(params=["cloud", "dc"])
async def jira(request: pytest.FixtureRequest, certified: Certificates) -> AsyncIterator[Sandbox]:
    """A Jira whose certificate the test's own authority has signed."""
    async with Sandbox(deployment=request.param, tls=certified.serving()) as sandbox:
        yield sandbox


@pytest.fixture
async def app(jira: Sandbox, tmp_path: Path) -> AsyncIterator[App]:
    oauth = OAuthSettings(cloud_auth_url=jira.root_url, cloud_api_url=jira.root_url, cloud_sites=("127.0.0.1",))
    async with open_app(settings_for(tmp_path, oauth=oauth)) as opened:
        yield opened


def wanted(jira: Sandbox, **settings: Any) -> NewWorkspace:
    return NewWorkspace(
        name="acme",
        deployment=jira.deployment,
        base_url=jira.base_url,
        email=jira.bot.email if jira.deployment == "cloud" else "",
        api_key=jira.bot.token,
        settings=settings,
    )


async def test_an_unknown_authority_is_refused_and_the_hint_names_the_setting(app, jira):
    """TLS verification is always on."""
    with pytest.raises(JiraUnreachable, match="its certificate is not trusted") as caught:
        await app.workspaces.create(wanted(jira), by=SHELL)

    assert caught.value.hint == (
        "if your own authority signs it: `--set ca_file=/PATH/ca.pem`, "
        "on `jirabot init`, `workspace create` or `workspace update`"
    )
    assert jira.requests == []


async def test_with_its_authority_a_jira_is_reached(app, jira, certified):
    made = await app.workspaces.create(wanted(jira, ca_file=str(certified.ca)), by=SHELL)

    assert made.workspace.service_account.display_name == "OpenHands"


async def test_b87_every_call_of_a_workspace_goes_through_its_proxy(app, jira, certified, tunnel):
    """Jira's, reading and writing, and OAuth's, also for the cloud id."""
    settings = {"ca_file": str(certified.ca), "proxy": tunnel.url}
    await app.workspaces.create(wanted(jira, **settings), by=SHELL)
    issue = await jira.create_issue(summary="x")
    (served,) = await app.directory.all()
    site = app.directory.site(served)
    await site.post_comment(IssueId(issue.id), "x", visibility=Public(), mark=EffectId("e"))
    at = Authority(deployment=jira.deployment, base_url=jira.base_url, network=Network(**settings))
    theirs = OAuthApp(client_id="x", client_secret="y")
    with pytest.raises(JiraRefused):
        await app.oauth.exchange(at, theirs, code="c", redirect_uri=CALLBACK, verifier=VERIFIER)
    if jira.deployment == "cloud":
        await app.oauth.cloud_id(at)

    # Reads share one connection; each write and each OAuth call takes its own.
    address = f"CONNECT {jira.root_url.removeprefix('https://')}"
    assert tunnel.asked == [address] * (4 if jira.deployment == "cloud" else 3)


async def test_a_proxy_passes_on_what_goes_without_tls(tmp_path, tunnel):
    async with Sandbox(deployment="dc") as jira, open_app(settings_for(tmp_path)) as app:
        await app.workspaces.create(wanted(jira, proxy=tunnel.url), by=SHELL)

        assert set(tunnel.asked) == {f"GET {jira.root_url}"}


async def test_a_proxy_that_refuses_or_is_not_there_is_told(app, jira, certified, tunnel):
    tunnel.refuses = True
    with pytest.raises(JirabotError) as refused:
        await app.workspaces.create(wanted(jira, ca_file=str(certified.ca), proxy=tunnel.url), by=SHELL)
    with pytest.raises(JirabotError) as gone:
        await app.workspaces.create(wanted(jira, ca_file=str(certified.ca), proxy="http://127.0.0.1:1"), by=SHELL)

    assert "the proxy refuses (403)" in refused.value.message
    assert "the proxy does not answer" in gone.value.message
    assert {type(refused.value), type(gone.value)} == {JiraUnreachable}


async def test_a_client_certificate_is_shown_to_a_jira_that_asks_for_one(certified, tmp_path):
    tls = certified.serving(asks_clients=True)
    async with Sandbox(deployment="dc", tls=tls) as jira, open_app(settings_for(tmp_path)) as app:
        with pytest.raises(JirabotError):
            await app.workspaces.create(wanted(jira, ca_file=str(certified.ca)), by=SHELL)
        shown = {"ca_file": str(certified.ca), "client_cert_file": str(certified.client)}
        made = await app.workspaces.create(wanted(jira, **shown), by=SHELL)

        assert made.workspace.service_account.display_name == "OpenHands"


@pytest.mark.parametrize("setting", ["ca_file", "client_cert_file"])
async def test_a_file_that_can_not_be_used_is_named(app, jira, tmp_path, setting):
    nonsense = tmp_path / "nonsense.pem"
    nonsense.write_text("nonsense")
    for file, words in ((nonsense, "it is no PEM file"), (tmp_path / "gone.pem", "No such file")):
        with pytest.raises(JiraUnreachable, match=words) as caught:
            await app.workspaces.create(wanted(jira, **{setting: str(file)}), by=SHELL)
        assert f"`--set {setting}=/PATH`, on `jirabot init`, `workspace create` or " in caught.value.hint


async def test_an_update_of_the_network_is_tried_before_it_is_taken(app, jira, certified):
    await app.workspaces.create(wanted(jira, ca_file=str(certified.ca)), by=SHELL)
    with pytest.raises(JiraUnreachable):
        await app.workspace_changes.update("acme", WorkspaceUpdate(settings={"proxy": "http://127.0.0.1:1"}), by=SHELL)

    workspace, _ = await app.workspaces.show("acme", by=SHELL)
    assert workspace.settings == {"ca_file": str(certified.ca)}


@pytest.fixture
async def git_host(certified: Certificates, tmp_path: Path) -> AsyncIterator[str]:
    """A repository on a server whose certificate the test's own authority has signed."""
    bare = make_repository(tmp_path, "0")
    git(bare, "update-server-info")
    application = web.Application()
    application.router.add_static("/shop.git", bare)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=certified.serving(asks_clients=True)).start()
    yield f"https://127.0.0.1:{runner.addresses[0][1]}/shop.git"
    await runner.cleanup()


async def test_git_trusts_the_authority_shows_the_certificate_and_takes_the_proxy(
    git_host, certified, tunnel, tmp_path
):
    runs = Git(folder=tmp_path, environment={"PATH": os.environ["PATH"]})

    async def heads(network: Network) -> str:
        remote = Remote(name="shop", url=git_host, network=network)
        answer = await runs.run("ls-remote", "--heads", "--", git_host, cwd=tmp_path, name="shop", remote=remote)
        return answer.output.split()[1]

    with pytest.raises(GitFailed, match="is not trusted") as caught:
        await heads(Network())
    assert "ca_file" in caught.value.hint
    with pytest.raises(GitFailed):
        await heads(Network(ca_file=str(certified.ca)))

    whole = Network(ca_file=str(certified.ca), client_cert_file=str(certified.client), proxy=tunnel.url)
    assert await heads(whole) == "refs/heads/main"
    assert set(tunnel.asked) == {f"CONNECT {git_host.removeprefix('https://').removesuffix('/shop.git')}"}


def test_an_agent_gets_authorities_and_proxy_and_no_certificate_of_the_clients(certified):
    network = Network(
        ca_file=str(certified.ca), client_cert_file=str(certified.client), proxy="http://proxy.example.com:3128"
    )
    given = variables(network, authorities=Path("/session/authorities.pem"))
    trusted = authorities_of(network, {})

    assert given["HTTPS_PROXY"] == given["http_proxy"] == "http://proxy.example.com:3128"
    assert given["SSL_CERT_FILE"] == given["GIT_SSL_CAINFO"] == "/session/authorities.pem"
    assert [name for name, value in given.items() if value == str(certified.client)] == []
    assert certified.ca.read_bytes() in trusted
    assert b"PRIVATE KEY" not in trusted


def test_a_network_like_the_machines_sets_nothing():
    assert variables(Network(), authorities=Path("/x")) == {}
    assert authorities_of(Network(), {}) == b""


def test_the_authorities_of_the_system_stay_trusted(certified, tmp_path):
    system = tmp_path / "system.pem"
    system.write_text("the system's")

    trusted = authorities_of(Network(ca_file=str(certified.ca)), {"SSL_CERT_FILE": str(system)})

    assert trusted == b"the system's\n" + certified.ca.read_bytes()
