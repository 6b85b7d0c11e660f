"""The sandbox's OAuth server takes what Jira's takes, and refuses what a kinder one would let pass."""

from urllib.parse import quote

import pytest

from jirabot.sandbox.server import Sandbox

CALLBACK = "http://127.0.0.1:1/callback"
CLOUD_QUERY = {
    "audience": "api.atlassian.com",
    "scope": "read:jira-work",
    "redirect_uri": CALLBACK,
    "state": "s",
    "response_type": "code",
    "prompt": "consent",
}


def encoded(**fields: str) -> str:
    return "&".join(f"{name}={quote(value, safe='')}" for name, value in fields.items())


WRONG = [
    pytest.param({"audience": "elsewhere"}, id="another audience"),
    pytest.param({"redirect_uri": "http://evil.example/"}, id="another redirect address"),
    pytest.param({"scope": "read:everything"}, id="a scope that the app has not"),
    pytest.param({"state": ""}, id="no state"),
    pytest.param({"code_challenge": "x"}, id="PKCE, which Cloud does not know"),
    pytest.param({"client_id": "unknown"}, id="another app"),
]


@pytest.mark.parametrize("wrong", WRONG)
async def test_what_cloud_does_not_know_is_refused(cloud: Sandbox, session, wrong):
    app = cloud.oauth.add_app(CALLBACK, {"read:jira-work"})
    asked = encoded(**{"client_id": app.client_id, **CLOUD_QUERY, **wrong}, **{"as": "ada"})
    async with session.get(f"{cloud.root_url}/authorize?{asked}", allow_redirects=False) as got:
        assert got.status == 400


async def test_an_address_that_is_not_encoded_is_refused(cloud: Sandbox, session):
    from yarl import URL

    app = cloud.oauth.add_app(CALLBACK, {"read:jira-work"})
    asked = "&".join(f"{name}={value}" for name, value in {"client_id": app.client_id, **CLOUD_QUERY}.items())
    async with session.get(URL(f"{cloud.root_url}/authorize?{asked}", encoded=True)) as got:
        assert got.status == 400


@pytest.mark.parametrize("kind", ["cloud", "dc"])
async def test_f24_each_takes_its_own_form_of_a_token_request_and_not_the_others(kind, cloud, data_center, session):
    jira = {"cloud": cloud, "dc": data_center}[kind]
    app = jira.oauth.add_app(CALLBACK, {"WRITE"})
    address = f"{cloud.root_url}/oauth/token" if kind == "cloud" else f"{jira.base_url}/rest/oauth2/latest/token"
    fields = {"grant_type": "authorization_code", "client_id": app.client_id, "client_secret": app.client_secret}
    wrong = {"data": fields} if kind == "cloud" else {"json": fields}
    right = {"json": fields} if kind == "cloud" else {"data": fields}
    async with session.post(address, **wrong) as got:
        assert got.status == 415
    async with session.post(address, **right) as got:
        assert (got.status, (await got.json())["error"]) == (403 if kind == "cloud" else 400, "invalid_grant")


async def test_atlassians_gateway_tells_who_somebody_is_where_the_scope_allows_it(cloud: Sandbox, session):
    for scopes, status in (({"read:me"}, 200), ({"read:jira-work"}, 401)):
        token = cloud.oauth.add_scoped_token(cloud.ada, scopes)
        async with session.get(f"{cloud.root_url}/me", headers={"Authorization": f"Bearer {token}"}) as got:
            assert got.status == status
