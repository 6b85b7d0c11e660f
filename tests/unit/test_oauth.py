"""OAuth requests are as each provider takes them, and its answers are read without repeating a word of them."""

import json
import re
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest

from jirabot.core.grants import Grant, OAuthApp
from jirabot.errors import ConsentNeeded, JirabotError, JiraBroken, JiraRefused, RateLimited
from jirabot.jira import oauth
from jirabot.jira.answers import Answer
from jirabot.jira.oauth import CloudProvider, DataCenterProvider

pytestmark = pytest.mark.fast

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
APP = OAuthApp(client_id="an id & more", client_secret="s3cret/+=")
CLOUD = CloudProvider(auth_url="https://auth.atlassian.com", api_url="https://api.atlassian.com")
DC = DataCenterProvider("https://jira.acme.example:8443/tools/jira")
CALLBACK = "https://bot.acme.example/integration/jira/callback?x=1"
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
BEFORE = Grant(access_token="old", refresh_token="r/1 +", expires_at=NOW, redirect_uri=CALLBACK)
STRICT = re.compile(r"(?:[A-Za-z0-9._~=&-]|%[0-9A-F]{2})*")


def answer(status: int, body: object = None, **headers: str) -> Answer:
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(status=status, headers=headers, body=text)


@pytest.mark.parametrize("provider", [pytest.param(CLOUD, id="cloud"), pytest.param(DC, id="dc")])
def test_f22_an_authorize_url_is_encoded_so_that_a_strict_parser_reads_it(provider):
    url = provider.authorize_url(APP, redirect_uri=CALLBACK, state="a/b+c=&d", verifier=VERIFIER, only_identity=False)

    query = urlsplit(url).query
    assert STRICT.fullmatch(query)
    read = dict(parse_qsl(query, strict_parsing=True))
    assert (read["client_id"], read["redirect_uri"], read["state"]) == (APP.client_id, CALLBACK, "a/b+c=&d")


def test_clouds_authorize_url_is_the_documented_one():
    url = CLOUD.authorize_url(APP, redirect_uri=CALLBACK, state="s", verifier=VERIFIER, only_identity=False)

    assert url.startswith("https://auth.atlassian.com/authorize?audience=api.atlassian.com&client_id=")
    assert (
        "&scope=read%3Ajira-work%20write%3Ajira-work%20read%3Ajira-user%20manage%3Ajira-webhook%20offline_access&"
        in url
    )
    assert url.endswith("&state=s&response_type=code&prompt=consent")


@pytest.mark.parametrize(("provider", "scope"), [(CLOUD, "read:jira-user"), (DC, "READ")])
def test_who_only_proves_who_they_are_is_asked_for_no_more(provider, scope):
    url = provider.authorize_url(APP, redirect_uri=CALLBACK, state="s", verifier=VERIFIER, only_identity=True)

    assert parse_qs(urlsplit(url).query)["scope"] == [scope]


def test_f24_data_center_is_asked_for_its_own_scope_with_pkce_at_its_own_address():
    """The verifier and challenge are those of RFC 7636, appendix B."""
    url = DC.authorize_url(APP, redirect_uri=CALLBACK, state="s", verifier=VERIFIER, only_identity=False)

    asked = parse_qs(urlsplit(url).query)
    assert url.startswith("https://jira.acme.example:8443/tools/jira/rest/oauth2/latest/authorize?")
    assert asked["scope"] == ["WRITE"]
    assert asked["code_challenge"] == ["E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"]
    assert asked["code_challenge_method"] == ["S256"]
    assert {"audience", "prompt"}.isdisjoint(asked)


APP_FIELDS = {"client_id": APP.client_id, "client_secret": APP.client_secret}


def test_cloud_takes_json():
    exchanged = CLOUD.exchange(APP, code="c+1", redirect_uri=CALLBACK, verifier="")
    renewed = CLOUD.renew(APP, BEFORE)

    assert {each.url for each in (exchanged, renewed)} == {"https://auth.atlassian.com/oauth/token"}
    assert {each.content_type for each in (exchanged, renewed)} == {"application/json"}
    code = {"grant_type": "authorization_code", "code": "c+1", "redirect_uri": CALLBACK}
    assert json.loads(exchanged.body) == {**code, **APP_FIELDS}
    assert json.loads(renewed.body) == {"grant_type": "refresh_token", "refresh_token": "r/1 +", **APP_FIELDS}


def test_f24_data_center_takes_a_form_and_the_redirect_address_with_each_renewal():
    exchanged = DC.exchange(APP, code="c+1", redirect_uri=CALLBACK, verifier=VERIFIER)
    renewed = DC.renew(APP, BEFORE)

    address = "https://jira.acme.example:8443/tools/jira/rest/oauth2/latest/token"
    assert {(each.url, each.content_type) for each in (exchanged, renewed)} == {
        (address, "application/x-www-form-urlencoded")
    }
    assert dict(parse_qsl(exchanged.body.decode(), strict_parsing=True)) == {
        "grant_type": "authorization_code",
        "code": "c+1",
        "redirect_uri": CALLBACK,
        "code_verifier": VERIFIER,
        **APP_FIELDS,
    }
    assert dict(parse_qsl(renewed.body.decode(), strict_parsing=True)) == {
        "grant_type": "refresh_token",
        "refresh_token": "r/1 +",
        "redirect_uri": CALLBACK,
        **APP_FIELDS,
    }


def test_no_secret_is_in_a_repr():
    shown = f"{DC.renew(APP, BEFORE)!r} {APP!r} {BEFORE!r}"

    assert [word for word in ("s3cret", "r/1", "old") if word in shown] == []


GIVEN = {"access_token": "a2", "refresh_token": "r2", "expires_in": 3600, "scope": "read:jira-work offline_access"}


def test_a_grant_is_read():
    read = oauth.read_grant(answer(200, GIVEN), redirect_uri=CALLBACK, now=NOW)

    assert read == Grant(
        access_token="a2",
        refresh_token="r2",
        expires_at=NOW + timedelta(hours=1),
        scopes=("read:jira-work", "offline_access"),
        redirect_uri=CALLBACK,
    )


def test_a_renewal_that_names_no_new_refresh_token_keeps_the_old_one():
    body = {"access_token": "a2", "expires_in": 7200}

    assert oauth.read_grant(answer(200, body), redirect_uri="", now=NOW, before=BEFORE).refresh_token == "r/1 +"


ECHO = "t0ken-that-was-sent"
REFUSED = [
    pytest.param(403, {"error": "invalid_grant", "error_description": ECHO}, ConsentNeeded, id="Cloud: invalid_grant"),
    pytest.param(403, {"error": "unauthorized_client", "x": ECHO}, ConsentNeeded, id="Cloud: unauthorized_client"),
    pytest.param(400, {"error": "invalid_grant", "error_description": ECHO}, ConsentNeeded, id="dc: invalid_grant"),
    pytest.param(401, {"message": ECHO}, ConsentNeeded, id="a token that counts no more"),
    pytest.param(401, {"error": "invalid_client", "error_description": ECHO}, JiraRefused, id="a wrong secret"),
    pytest.param(403, {"error": "access_denied", "error_description": ECHO}, JiraRefused, id="an app that is blocked"),
    pytest.param(400, ECHO.encode(), JiraRefused, id="400 and no JSON"),
    pytest.param(429, {"error": ECHO}, RateLimited, id="429"),
    pytest.param(500, {"error": ECHO}, JiraBroken, id="500"),
    pytest.param(302, ECHO.encode(), JiraBroken, id="a redirect"),
    pytest.param(200, ECHO.encode(), JiraBroken, id="200 and no JSON"),
    pytest.param(200, [ECHO], JiraBroken, id="200 and a list"),
    pytest.param(200, {"access_token": ECHO}, JiraBroken, id="a token without an end"),
    pytest.param(200, {**GIVEN, "expires_in": True, "access_token": ECHO}, JiraBroken, id="an end that is no number"),
    pytest.param(200, {**GIVEN, "access_token": {"x": ECHO}}, JiraBroken, id="a token that is no text"),
]


@pytest.mark.parametrize(("status", "body", "error"), REFUSED)
def test_f23_what_is_refused_is_told_without_a_word_of_the_providers(status, body, error):
    with pytest.raises(JirabotError) as caught:
        oauth.read_grant(answer(status, body), redirect_uri=CALLBACK, now=NOW, before=BEFORE)

    assert type(caught.value) is error
    assert ECHO not in f"{caught.value.message} {caught.value.hint} {caught.value!r} {caught.value.__cause__}"


def test_sites_are_read_in_their_one_form_and_what_is_none_is_left_out():
    """F76: a name typed with capitals is the same site."""
    told = [
        {"id": "c1", "name": "acme", "url": "https://Acme.Atlassian.net/", "scopes": ["read:jira-work"]},
        {"name": "no id"},
        "nonsense",
    ]

    sites = oauth.read_sites(answer(200, told), now=NOW)

    assert [(site.cloud_id, site.url, site.scopes) for site in sites] == [
        ("c1", "https://acme.atlassian.net", ("read:jira-work",))
    ]
