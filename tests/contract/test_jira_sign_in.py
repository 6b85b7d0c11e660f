"""Every operation of the client, by each way to sign in, against a Jira that refuses all others."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

import pytest

from jirabot.core.credentials import Credentials
from jirabot.core.ids import CommentId
from jirabot.core.ports import JiraSite
from jirabot.core.visibility import Public
from jirabot.errors import JiraRefused
from jirabot.jira.client import Clients
from jirabot.jira.connections import Connections
from jirabot.sandbox.issues import Issue
from jirabot.sandbox.server import Sandbox
from tests.contract.test_jira_client import (
    ASKING,
    EFFECT,
    READING,
    WRITING,
    HandClock,
    clients_of,
    id_,
    methods,
    workspace,
)

CLOUD_SCOPES = ("read:jira-work", "write:jira-work", "read:jira-user")


@dataclass(frozen=True)
class Way:
    """A way to sign in: the kind of Jira, `--auth`, and whether an e-mail goes with it."""

    deployment: str
    auth: str
    has_email: bool = False
    version: str = "10.3.5"


WAYS = [
    pytest.param(Way("cloud", "api-token", has_email=True), id="cloud-api-token"),
    pytest.param(Way("cloud", "scoped-token", has_email=True), id="cloud-scoped-token"),
    pytest.param(Way("cloud", "scoped-token"), id="cloud-service-account"),
    pytest.param(Way("cloud", "oauth"), id="cloud-oauth"),
    pytest.param(Way("dc", "pat", version="9.12.15"), id="dc9-pat"),
    pytest.param(Way("dc", "pat", version="11.3.0"), id="dc11-pat"),
    pytest.param(Way("dc", "dc-oauth", version="11.3.0"), id="dc11-oauth"),
]


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> Way:
    found: Way = request.param
    return found


@pytest.fixture
async def jira(way: Way, clock: HandClock) -> AsyncIterator[Sandbox]:
    async with Sandbox(deployment=way.deployment, dc_version=way.version, clock=clock.now) as sandbox:  # type: ignore[arg-type]  # a literal
        yield sandbox


@pytest.fixture
async def clients(jira: Sandbox, clock: HandClock) -> AsyncIterator[Clients]:
    connections = Connections()
    yield clients_of(connections, clock, jira.root_url)
    await connections.aclose()


def token_of(way: Way, jira: Sandbox, scopes: tuple[str, ...] = CLOUD_SCOPES) -> str:
    """Make the bot's token, as that way needs it."""
    if way.auth in ("api-token", "pat"):
        return jira.bot.token
    if way.auth == "scoped-token":
        return jira.oauth.add_scoped_token(jira.bot, scopes)
    app = jira.oauth.add_app("http://127.0.0.1/callback", scopes)
    code = jira.oauth.consent(app, jira.bot, scopes, "")
    access, _ = jira.oauth.exchange(app, code, redirect_uri=app.redirect_uri, verifier="")
    return access.token


def signed_in(clients: Clients, way: Way, jira: Sandbox, token: str, *, auth: str = "") -> JiraSite:
    of = replace(
        workspace(jira.deployment, jira.base_url, jira.bot.email if way.has_email else ""),
        auth=auth or way.auth,
        cloud_id="5a2f7c1e-0d8b-4f55-9a43-1c6e2b7d9f00" if way.deployment == "cloud" else "",
    )
    if not way.auth.endswith("oauth"):
        return clients.site(of, Credentials(api_key=token))

    async def access(refused: str) -> str:
        return token

    return clients.site(of, Credentials(access=access))


@pytest.fixture
def site(clients: Clients, way: Way, jira: Sandbox) -> JiraSite:
    return signed_in(clients, way, jira, token_of(way, jira))


@pytest.fixture
async def issue(jira: Sandbox) -> Issue:
    created = await jira.create_issue(summary="The login page is broken")
    jira.jira.add_comment(created, "mine", author=jira.bot)
    return created


OPERATIONS = {
    "server_info": lambda site, _: site.server_info(),
    "permissions": lambda site, issue: site.permissions(("ADD_COMMENTS",), on=issue),
    "key_expires_at": lambda site, _: site.key_expires_at(),
    "is_marked": lambda site, _: site.is_marked(CommentId("10000"), EFFECT),
}


@methods(READING, WRITING, ASKING, OPERATIONS)
async def test_each_operation_is_carried_out(site, jira, way, issue, method):
    """Through Atlassian's gateway where the site's own host refuses the token, and nowhere else."""
    await method(site, id_(issue))

    by_gateway = way.deployment == "cloud" and way.auth != "api-token"
    assert {request.gateway for request in jira.requests if request.actor is not None} <= {by_gateway}
    assert {request.status for request in jira.requests} <= {200, 201, 404}


async def test_an_address_for_people_is_the_sites_own(site, jira, issue):
    assert site.issue_address(issue.key) == f"{jira.base_url}/browse/{issue.key}"


async def test_a_token_of_another_way_is_refused_with_what_to_do(clients, jira, way):
    """A scoped token on the site's own host, and an unscoped one at the gateway."""
    if way.deployment == "dc":
        pytest.skip("Data Center has one host, and no scoped tokens")
    if way.auth == "api-token":
        wrong = signed_in(clients, way, jira, jira.bot.token, auth="scoped-token")
        with pytest.raises(JiraRefused):
            await wrong.myself()
    else:
        scoped = jira.oauth.add_scoped_token(jira.bot, CLOUD_SCOPES)
        at_home = signed_in(clients, Way("cloud", "api-token", has_email=True), jira, scoped)
        with pytest.raises(JiraRefused) as caught:
            await at_home.myself()
        assert "--auth scoped-token" in caught.value.hint


async def test_a_scope_that_is_missing_is_told(clients, jira, way, issue):
    if way.auth not in ("scoped-token", "oauth"):
        pytest.skip("its tokens have no scopes, or one for all")
    site = signed_in(clients, way, jira, token_of(way, jira, ("read:jira-work", "read:jira-user")))
    await site.get_issue(id_(issue))
    with pytest.raises(JiraRefused) as caught:
        await site.post_comment(id_(issue), "x", visibility=Public(), mark=EFFECT)

    assert "lacks a scope" in caught.value.hint
