"""What a scheme takes for proof, and what a secret must be like: values only."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from jirabot.core.authenticity import Authenticity, secret_problems
from jirabot.core.deliveries import RawDelivery
from jirabot.errors import SignatureRejected
from jirabot.jira.authenticity import scheme_of

pytestmark = pytest.mark.fast

SECRET = b"a-client-secret-of-more-than-32-bytes"
OTHER = b"another-secret-of-more-than-32-bytes!"
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
AT = int(NOW.timestamp())


def raw(token: str = "", **headers: str) -> RawDelivery:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return RawDelivery(headers=named, body=b"{}", remote="", received_at=NOW, token=token)


def cause(way: str, given: RawDelivery, *secrets: bytes) -> str:
    """Why it is refused; empty where it is taken."""
    try:
        scheme_of(way, header="X-Jirabot-Token").verify(given, secrets or (SECRET,))
    except SignatureRejected as refused:
        return refused.cause
    return ""


def signed(head: Any, claims: Any, secret: bytes = SECRET) -> str:
    """Make a token by hand: what is not meant to be made, the library refuses to."""
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (head, claims)]
    digest = hmac.digest(secret, b".".join(parts), hashlib.sha256)
    return b".".join([*parts, base64.urlsafe_b64encode(digest).rstrip(b"=")]).decode()


def bearing(token: str) -> RawDelivery:
    return raw(authorization=f"Bearer {token}")


HS256 = {"alg": "HS256", "typ": "JWT"}


@pytest.mark.parametrize("way", list(Authenticity))
def test_what_a_scheme_makes_it_takes(way):
    made = scheme_of(way, header="X-Jirabot-Token").prove(b"{}", SECRET, now=NOW)
    given = RawDelivery(headers=made.headers, body=b"{}", remote="", received_at=NOW, token=made.token)
    assert cause(way, given) == ""
    assert cause(way, given, OTHER, SECRET) == ""
    assert cause(way, given, OTHER) != ""


@pytest.mark.parametrize("way", list(Authenticity))
@pytest.mark.parametrize("given", [raw(), raw(token="x"), raw(x_jirabot_token="", authorization="Bearer ")])
def test_nothing_proves_nothing_and_neither_does_an_empty_secret(way, given):
    assert cause(way, given) != ""
    assert cause(way, given, b"") != ""


@pytest.mark.parametrize(
    ("way", "given", "why"),
    [
        ("header", raw(), "the header `x-jirabot-token` is missing"),
        ("header", raw(x_jirabot_token=OTHER.decode()), "the header `x-jirabot-token` is wrong"),
        (
            "header",
            raw(x_jirabot_token=f"{SECRET!r}, {SECRET!r}"),
            "the header `x-jirabot-token` is wrong",
        ),
        ("header", raw(x_jirabot_token="\udce9"), "the header `x-jirabot-token` is wrong"),
        ("url-token", raw(), "the token at the end of the address is missing"),
        ("url-token", raw(token=SECRET.decode()[:-1]), "the token at the end of the address is wrong"),
        ("jwt", raw(), "there is no bearer token in its `Authorization`"),
        ("jwt", raw(authorization="Basic x"), "there is no bearer token in its `Authorization`"),
        ("jwt", bearing("x.y.z"), "its bearer token is not signed with the workspace's secret"),
        ("jwt", bearing("é"), "its bearer token is not signed with the workspace's secret"),
        (
            "jwt",
            bearing(signed(HS256, {"exp": AT}, OTHER)),
            "its bearer token is not signed with the workspace's secret",
        ),
        ("jwt", bearing(signed(HS256, ["exp"])), "its bearer token is not signed with the workspace's secret"),
        ("hmac", raw(), "its `X-Hub-Signature` is missing"),
        ("hmac", raw(x_hub_signature="sha256=00"), "its `X-Hub-Signature` is wrong"),
    ],
)
def test_administrators_are_told_why(way, given, why):
    assert cause(way, given) == why


@pytest.mark.parametrize(
    ("claims", "is_taken"),
    [
        pytest.param({"exp": AT + 30}, True, id="expires soon"),
        pytest.param({"exp": AT - 59}, True, id="expired within the leeway"),
        pytest.param({"exp": AT - 60}, False, id="expired"),
        pytest.param({"exp": AT + 0.5}, True, id="a fraction"),
        pytest.param({}, False, id="never expires"),
        pytest.param({"exp": "soon"}, False, id="no time"),
        pytest.param({"exp": True}, False, id="no number"),
        pytest.param({"exp": float("inf")}, False, id="infinity"),
        pytest.param({"exp": AT + 90, "nbf": AT + 61}, False, id="not yet"),
        pytest.param({"exp": AT + 90, "nbf": AT + 59}, True, id="not yet, within the leeway"),
        pytest.param({"exp": AT + 9, "aud": "x", "iss": "jira", "iat": "odd"}, True, id="what nobody documents"),
    ],
)
def test_a_tokens_times_are_judged_by_our_clock_and_qsh_is_not_asked_for(claims, is_taken):
    assert (cause("jwt", bearing(signed(HS256, claims))) == "") is is_taken


@pytest.mark.parametrize("head", [{"alg": "none"}, {"alg": "HS384"}, {"alg": "RS256"}, {"alg": "HS256 "}, {}, []])
def test_a_token_does_not_say_how_it_is_checked(head):
    token = signed(head, {"exp": AT + 60})
    assert cause("jwt", bearing(token)) != ""
    assert cause("jwt", bearing(token.rpartition(".")[0] + ".")) != ""


@pytest.mark.parametrize(
    ("way", "secret", "told"),
    [
        pytest.param("hmac", "sixteen-bytes-ok", [], id="just long enough"),
        pytest.param("hmac", "fifteen-bytes-x", ["the webhook secret is shorter than 16 bytes"], id="short"),
        pytest.param("hmac", "é" * 8, [], id="counted in bytes"),
        pytest.param("hmac", " " * 20, ["the webhook secret has outer blanks or control characters"], id="blank"),
        pytest.param(
            "hmac",
            "a-long-secret-with\ta-tab",
            ["the webhook secret has outer blanks or control characters"],
            id="control character",
        ),
        pytest.param("hmac", "a-long-secret-with a-blank", ["the webhook secret has a blank in it"], id="inner blank"),
        pytest.param("jwt", "x" * 31, ["the webhook secret is shorter than 32 bytes"], id="short for HS256"),
        pytest.param("header", "é" * 20, ["a webhook secret that stands in a header is ASCII"], id="header"),
        pytest.param(
            "url-token",
            "a-secret-with-a/slash",
            ["a webhook secret that stands in the address is made of letters, digits, `-`, `.`, `_` and `~`"],
            id="address",
        ),
        pytest.param("url-token", "", [], id="none is given"),
    ],
)
def test_a_secret_has_to_be_fit_for_its_way(way, secret, told):
    """F48, F50."""
    assert secret_problems(Authenticity(way), secret) == told
