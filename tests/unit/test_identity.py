"""Who holds a token of the OIDC issuer: Keycloak's shapes, and all that makes one count for nothing.

The claims are shaped as Keycloak's "Server Administration Guide" and "Securing applications" describe its tokens: realm
roles in `realm_access`, those of clients in `resource_access`, the client in `azp`, `aud` a text or a list.
"""

from datetime import timedelta
from typing import Any

import pytest

from jirabot.core.identity import ClaimRules, principal, roles
from jirabot.core.people import Principal, Role
from jirabot.errors import TokenInvalid

from .values import NOW

pytestmark = pytest.mark.fast

ISSUER = "https://sso.acme.example/realms/acme"
RULES = ClaimRules(issuer=ISSUER, client_id="jirabot-web", admin_role="jirabot-admin")
FOR_API = ClaimRules(issuer=ISSUER, audiences=("jirabot",), client_id="jirabot-web", admin_role="jirabot-admin")
SUBJECT = "f81d4fae-7dec-11d0-a765-00a0c91e6bf6"


def seconds(**after: float) -> int:
    return int((NOW + timedelta(**after)).timestamp())


def claims(**changes: Any) -> dict[str, Any]:
    """Keycloak's access token, as it is without any mapper of one's own; None takes a claim away."""
    given = {
        "exp": seconds(minutes=5),
        "iat": seconds(minutes=-1),
        "jti": "2d1d6f2a-7a0c-4d6e-9d6b-b1f0f8a3c9d1",
        "iss": ISSUER,
        "aud": "account",
        "sub": SUBJECT,
        "typ": "Bearer",
        "azp": "jirabot-web",
        "sid": "b3a9c3f0-8b86-4a3b-a3f1-7f3a9a1f0c55",
        "acr": "1",
        "allowed-origins": ["https://jirabot.acme.example"],
        "realm_access": {"roles": ["default-roles-acme", "offline_access", "uma_authorization"]},
        "resource_access": {"account": {"roles": ["manage-account", "view-profile"]}},
        "scope": "openid email profile",
        "email_verified": True,
        "name": "Ada Lovelace",
        "preferred_username": "ada",
        "email": "ada@acme.example",
        **changes,
    }
    return {name: value for name, value in given.items() if value is not None}


def test_a_token_of_keycloak_is_the_user_of_its_subject():
    assert principal(claims(), RULES, now=NOW) == Principal(
        kind="oidc", name="ada", user=SUBJECT, role=Role.USER, email="ada@acme.example"
    )


ADMIN = {"roles": ["default-roles-acme", "jirabot-admin"]}


@pytest.mark.parametrize(
    ("given", "path", "role"),
    [
        pytest.param({"realm_access": ADMIN}, "realm_access.roles", Role.ADMIN, id="realm role"),
        pytest.param({}, "realm_access.roles", Role.USER, id="without it"),
        pytest.param(
            {"resource_access": {"jirabot-web": ADMIN}},
            "realm_access.roles",
            Role.USER,
            id="a client's is not the realm's",
        ),
        pytest.param(
            {"resource_access": {"jirabot-web": ADMIN}},
            "resource_access.jirabot-web.roles",
            Role.ADMIN,
            id="a client's role, where it is looked for",
        ),
        pytest.param({"groups": ["jirabot-admin"]}, "groups", Role.ADMIN, id="one claim"),
        pytest.param(
            {"https://acme.example/roles": ["jirabot-admin"]},
            "https://acme.example/roles",
            Role.ADMIN,
            id="dots within",
        ),
        pytest.param({"role": "jirabot-admin"}, "role", Role.ADMIN, id="one text"),
        pytest.param({"role": "not-jirabot-admin"}, "role", Role.USER, id="no part of a text"),
        pytest.param({"realm_access": ["jirabot-admin"]}, "realm_access.roles", Role.USER, id="no object on the way"),
        pytest.param({"groups": {"jirabot-admin": True}}, "groups", Role.USER, id="an object is no list"),
        pytest.param({"groups": [["jirabot-admin"], 7]}, "groups", Role.USER, id="lists of no texts"),
    ],
)
def test_the_role_is_read_where_the_setting_says(given, path, role):
    rules = ClaimRules(issuer=ISSUER, client_id="jirabot-web", admin_role="jirabot-admin", role_claim=path)
    assert principal(claims(**given), rules, now=NOW).role is role


def test_without_a_role_in_the_settings_nobody_is_an_administrator():
    rules = ClaimRules(issuer=ISSUER, client_id="jirabot-web")
    assert principal(claims(realm_access={"roles": ["", "admin"]}), rules, now=NOW).role is Role.USER
    assert roles({"a": {"b": ["c"]}}, "a.b") == ["c"]


@pytest.mark.parametrize(
    ("rules", "given"),
    [
        pytest.param(RULES, {"aud": "account"}, id="the client is named by azp"),
        pytest.param(RULES, {"aud": ["account", "jirabot-web"], "azp": "another"}, id="or in a list of aud"),
        pytest.param(RULES, {"aud": "jirabot-web", "azp": None}, id="or is aud"),
        pytest.param(RULES, {"aud": None}, id="without any aud"),
        pytest.param(FOR_API, {"aud": ["account", "jirabot"]}, id="the audience in a list"),
        pytest.param(FOR_API, {"aud": "jirabot", "azp": "cli"}, id="the audience, whichever client asks"),
        pytest.param(RULES, {"exp": seconds(seconds=-59)}, id="expired within the skew"),
        pytest.param(RULES, {"nbf": seconds(seconds=59)}, id="begins within the skew"),
        pytest.param(RULES, {"iat": seconds(seconds=59)}, id="made within the skew"),
        pytest.param(RULES, {"nbf": 0, "iat": None}, id="Keycloak's old nbf of 0"),
        pytest.param(RULES, {"typ": None}, id="of an issuer that says no typ"),
    ],
)
def test_it_counts(rules, given):
    assert principal(claims(**given), rules, now=NOW).user == SUBJECT


@pytest.mark.parametrize(
    ("rules", "given", "told"),
    [
        pytest.param(RULES, {"iss": "https://sso.acme.example/realms/other"}, "another issuer's", id="wrong issuer"),
        pytest.param(RULES, {"iss": ISSUER + "/"}, "another issuer's", id="issuer with a slash more"),
        pytest.param(RULES, {"iss": None}, "another issuer's", id="no issuer"),
        pytest.param(RULES, {"azp": "another"}, "made for something else", id="another client"),
        pytest.param(RULES, {"azp": None}, "made for something else", id="no client at all"),
        pytest.param(RULES, {"aud": ["account"], "azp": ["jirabot-web"]}, "made for something else", id="azp no text"),
        pytest.param(FOR_API, {}, "made for something else", id="wrong audience, though our client's"),
        pytest.param(FOR_API, {"aud": "jirabot-web"}, "made for something else", id="a part of another name"),
        pytest.param(FOR_API, {"aud": {"jirabot": 1}}, "made for something else", id="aud no list"),
        pytest.param(ClaimRules(issuer=ISSUER), {"azp": ""}, "made for something else", id="nothing is asked for"),
        pytest.param(RULES, {"exp": seconds(seconds=-60)}, "expired", id="expired beyond the skew"),
        pytest.param(RULES, {"exp": None}, "no end", id="no expiry"),
        pytest.param(RULES, {"exp": "soon"}, "`exp` is no time", id="expiry no number"),
        pytest.param(RULES, {"exp": True}, "`exp` is no time", id="expiry a truth"),
        pytest.param(RULES, {"nbf": seconds(seconds=61)}, "not count yet", id="not yet valid beyond the skew"),
        pytest.param(RULES, {"iat": seconds(seconds=61)}, "not count yet", id="made in the future"),
        pytest.param(RULES, {"typ": "ID"}, "no access token", id="Keycloak's ID token"),
        pytest.param(RULES, {"typ": "Refresh"}, "no access token", id="Keycloak's refresh token"),
        pytest.param(RULES, {"typ": "Offline"}, "no access token", id="Keycloak's offline token"),
        pytest.param(RULES, {"sub": None}, "whose it is", id="no subject"),
        pytest.param(RULES, {"sub": " "}, "whose it is", id="a blank subject"),
        pytest.param(RULES, {"sub": 7}, "whose it is", id="a number for a subject"),
        pytest.param(RULES, {"sub": "x" * 256}, "whose it is", id="a subject too long"),
    ],
)
def test_it_does_not_count(rules, given, told):
    with pytest.raises(TokenInvalid, match=told):
        principal(claims(**given), rules, now=NOW)


@pytest.mark.parametrize(
    "given",
    [
        pytest.param({"email_verified": False}, id="not verified"),
        pytest.param({"email_verified": None}, id="not said"),
        pytest.param({"email_verified": "true"}, id="said as a text"),
        pytest.param({"email": None}, id="no e-mail"),
    ],
)
def test_an_email_that_is_not_verified_is_none(given):
    """F21."""
    assert principal(claims(**given), RULES, now=NOW).email == ""


def test_nobody_is_called_nothing():
    assert principal(claims(preferred_username=None), RULES, now=NOW).name == SUBJECT
