"""Tokens of an issuer over HTTP: proved by the keys it publishes, as they change, and by nothing else."""

import asyncio
import contextlib
import hashlib
import hmac
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import jwt
import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import get_default_algorithms

from jirabot.core.identity import ClaimRules
from jirabot.core.managers.principals import Principals
from jirabot.core.managers.tokens import NewToken, Tokens
from jirabot.core.people import SHELL, Role
from jirabot.errors import IssuerUnreachable, TokenInvalid
from jirabot.machine import RandomIds
from jirabot.oidc.issuer import ASKED_AGAIN, FAILED_AGAIN, KEYS_KEPT, OidcIssuer
from jirabot.storage.memory import MemoryStorage
from tests.e2e.stage import MovableClock

RSA = {name: rsa.generate_private_key(public_exponent=65537, key_size=2048) for name in ("first", "second", "foreign")}
EC, ED = ec.generate_private_key(ec.SECP256R1()), ed25519.Ed25519PrivateKey.generate()


class Issuer:
    """An issuer of tokens: what it answers can be changed, and it counts how often it is asked for its keys."""

    def __init__(self) -> None:
        self.keys: list[dict[str, Any]] = [published(RSA["first"], "first")]
        self.asked, self.status = 0, 200
        self.discovered: dict[str, Any] = {}
        self.address = ""

    async def discovery(self, request: web.Request) -> web.Response:
        told = {"issuer": self.address, "jwks_uri": f"{self.address}/certs", **self.discovered}
        return web.json_response(told, status=self.status)

    async def certs(self, request: web.Request) -> web.Response:
        self.asked += 1
        return web.json_response({"keys": self.keys}, status=self.status)


def published(key: Any, key_id: str, **more: Any) -> dict[str, Any]:
    """The public half of a key, as an issuer publishes it."""
    name = {rsa.RSAPrivateKey: "RS256", ec.EllipticCurvePrivateKey: "ES256"}
    algorithm = next((each for kind, each in name.items() if isinstance(key, kind)), "EdDSA")
    jwk = get_default_algorithms()[algorithm].to_jwk(key.public_key(), as_dict=True)
    return {**jwk, "kid": key_id, "use": "sig", "alg": algorithm, **more}


@pytest.fixture
async def issuer() -> AsyncIterator[Issuer]:
    served = Issuer()
    application = web.Application()
    application.add_routes(
        [
            web.get("/realms/acme/.well-known/openid-configuration", served.discovery),
            web.get("/realms/acme/certs", served.certs),
        ]
    )
    async with TestServer(application) as server:
        served.address = str(server.make_url("/realms/acme"))
        yield served


class Asked:
    """Principals that trust the issuer."""

    def __init__(self, issuer: Issuer) -> None:
        self.clock, self.issuer = MovableClock(), issuer
        self.tokens = Tokens(storage=MemoryStorage(), clock=self.clock, ids=RandomIds())
        self.keys = OidcIssuer(issuer.address, clock=self.clock)
        rules = ClaimRules(issuer=issuer.address, client_id="jirabot-web", admin_role="jirabot-admin")
        self.principals = Principals(tokens=self.tokens, issuer=self.keys, rules=rules, clock=self.clock)

    def claims(self, **changes: Any) -> dict[str, Any]:
        now = int(self.clock.now().timestamp())
        given = {"iss": self.issuer.address, "sub": "carol", "azp": "jirabot-web", "aud": "account", "typ": "Bearer"}
        return {**given, "iat": now, "exp": now + 300, **changes}

    def token(
        self, key: Any = RSA["first"], key_id: str | None = "first", algorithm: str = "RS256", **changes: Any
    ) -> str:
        headers = {"kid": key_id} if key_id is not None else {}
        return jwt.encode(self.claims(**changes), key, algorithm=algorithm, headers=headers)

    async def user(self, token: str) -> str:
        return (await self.principals.holder(token)).user

    async def refused(self, token: str, told: str = "not signed with a key of the issuer's") -> None:
        with pytest.raises(TokenInvalid, match=told):
            await self.principals.holder(token)


@pytest.fixture
async def asked(issuer: Issuer) -> AsyncIterator[Asked]:
    made = Asked(issuer)
    yield made
    await made.keys.aclose()


async def test_its_token_is_a_user_and_the_keys_are_read_once(asked: Asked, issuer: Issuer) -> None:
    told = await asyncio.gather(*(asked.user(asked.token()) for _ in range(20)))
    assert set(told) == {"carol"}
    assert issuer.asked == 1
    admin = await asked.principals.holder(asked.token(realm_access={"roles": ["jirabot-admin"]}))
    assert (admin.role, admin.is_operator) == (Role.ADMIN, True)


@pytest.mark.parametrize(("key", "algorithm"), [(EC, "ES256"), (ED, "EdDSA"), (RSA["first"], "PS256")])
async def test_other_signatures_of_two_halves_count(asked: Asked, issuer: Issuer, key: Any, algorithm: str) -> None:
    issuer.keys = [published(key, "k", alg=algorithm)]
    assert await asked.user(asked.token(key, "k", algorithm)) == "carol"


async def test_a_token_without_a_key_id_is_tried_with_each(asked: Asked, issuer: Issuer) -> None:
    issuer.keys = [published(EC, "ec"), published(RSA["second"], "second"), published(RSA["first"], "first")]
    assert await asked.user(asked.token(key_id=None)) == "carol"


def _encoded(value: Any) -> str:
    return urlsafe_b64encode(orjson.dumps(value)).rstrip(b"=").decode()


def unsigned(asked: Asked, algorithm: str) -> str:
    return f"{_encoded({'alg': algorithm, 'kid': 'first', 'typ': 'JWT'})}.{_encoded(asked.claims())}."


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "", "nOnE"])
async def test_no_signature_is_none(asked: Asked, issuer: Issuer, algorithm: str) -> None:
    del issuer.keys[0]["alg"]
    await asked.refused(unsigned(asked, algorithm))


async def test_nobody_signs_with_what_is_published(asked: Asked, issuer: Issuer) -> None:
    """HS256 with the public key as its secret, written by hand: the library refuses to."""
    del issuer.keys[0]["alg"]
    public = RSA["first"].public_key()
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    jwk = orjson.dumps(published(RSA["first"], "first"))
    for secret in (pem, pem.strip(), jwk):
        signed = f"{_encoded({'alg': 'HS256', 'kid': 'first', 'typ': 'JWT'})}.{_encoded(asked.claims())}"
        signature = urlsafe_b64encode(hmac.new(secret, signed.encode(), hashlib.sha256).digest()).rstrip(b"=").decode()
        await asked.refused(f"{signed}.{signature}")


async def test_a_foreign_key_under_a_known_id_proves_nothing(asked: Asked) -> None:
    await asked.refused(asked.token(RSA["foreign"]))
    await asked.refused(asked.token(EC, algorithm="ES256"))


async def test_a_changed_claim_is_not_signed(asked: Asked) -> None:
    head, _, signature = asked.token().split(".")
    await asked.refused(f"{head}.{_encoded(asked.claims(sub='root'))}.{signature}")


async def test_a_key_that_is_for_something_else_proves_nothing(asked: Asked, issuer: Issuer) -> None:
    issuer.keys = [published(RSA["first"], "first", use="enc"), published(RSA["second"], "second")]
    await asked.refused(asked.token())


@pytest.mark.parametrize(
    "token", ["", "x", "a.b", "a.b.c", "…", "a.b.c.d", "x" * 10_000, "eyJhbGciOiJSUzI1NiJ9.e30.e30"]
)
async def test_what_is_no_token_at_all_is_none(asked: Asked, token: str) -> None:
    await asked.refused(token, "the token does not count")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"iss": "https://elsewhere.example"}, "another issuer's"),
        ({"azp": "another"}, "made for something else"),
        ({"exp": 1}, "expired"),
        ({"nbf": 10**11}, "not count yet"),
    ],
)
async def test_a_right_signature_is_not_enough(asked: Asked, changes: dict[str, Any], told: str) -> None:
    await asked.refused(asked.token(**changes), told)


async def test_time_is_by_our_clock(asked: Asked) -> None:
    token = asked.token()
    asked.clock.advance(seconds=300 + 59)
    assert await asked.user(token) == "carol"
    asked.clock.advance(seconds=2)
    await asked.refused(token, "expired")


async def test_a_new_key_is_found_and_an_unknown_one_asks_rarely(asked: Asked, issuer: Issuer) -> None:
    await asked.user(asked.token())
    issuer.keys.append(published(RSA["second"], "second"))
    await asked.refused(asked.token(RSA["second"], "second"))
    assert issuer.asked == 1

    asked.clock.advance(seconds=ASKED_AGAIN.total_seconds() + 1)
    assert await asked.user(asked.token(RSA["second"], "second")) == "carol"
    assert issuer.asked == 2

    for number in range(10):
        await asked.refused(asked.token(RSA["foreign"], f"made-up-{number}"))
    assert issuer.asked == 2


async def test_a_key_that_is_withdrawn_counts_no_more(asked: Asked, issuer: Issuer) -> None:
    await asked.user(asked.token())
    issuer.keys = [published(RSA["second"], "second")]
    asked.clock.advance(seconds=KEYS_KEPT.total_seconds() + 1)
    await asked.refused(asked.token())


async def test_an_issuer_that_does_not_answer_lets_nobody_in(asked: Asked, issuer: Issuer) -> None:
    issuer.status = 500
    with pytest.raises(IssuerUnreachable):
        await asked.user(asked.token())
    issuer.status = 200
    with pytest.raises(IssuerUnreachable):
        await asked.user(asked.token())
    assert issuer.asked == 0

    asked.clock.advance(seconds=FAILED_AGAIN.total_seconds() + 1)
    assert await asked.user(asked.token()) == "carol"

    issuer.status = 503
    asked.clock.advance(seconds=60)
    assert await asked.user(asked.token()) == "carol"
    asked.clock.advance(seconds=KEYS_KEPT.total_seconds())
    with pytest.raises(IssuerUnreachable):
        await asked.user(asked.token())


async def test_a_local_token_counts_while_the_issuer_is_silent(asked: Asked, issuer: Issuer) -> None:
    issuer.status = 500
    made = await asked.tokens.create(NewToken(name="ops", role=Role.ADMIN), by=SHELL)
    assert (await asked.principals.holder(made.secret)).is_operator
    with pytest.raises(TokenInvalid):
        await asked.principals.holder(made.secret + "x")
    assert issuer.asked == 0


@pytest.mark.parametrize(
    "discovered",
    [
        pytest.param({"issuer": "https://elsewhere.example"}, id="of another issuer"),
        pytest.param({"jwks_uri": "ftp://127.0.0.1/certs"}, id="its keys elsewhere than on the web"),
        pytest.param({"jwks_uri": None}, id="no keys"),
    ],
)
async def test_a_discovery_document_that_is_not_the_issuers_is_not_followed(
    asked: Asked, issuer: Issuer, discovered: dict[str, Any]
) -> None:
    issuer.discovered = discovered
    with pytest.raises(IssuerUnreachable):
        await asked.user(asked.token())
    assert issuer.asked == 0


async def test_where_nobody_listens_it_says_so(asked: Asked) -> None:
    silent = OidcIssuer("http://127.0.0.1:9/realms/acme", clock=asked.clock)
    async with contextlib.aclosing(silent):
        with pytest.raises(IssuerUnreachable):
            await silent.verified(asked.token())


def test_keys_are_kept_longer_than_they_are_asked_for_again() -> None:
    assert timedelta() < FAILED_AGAIN < ASKED_AGAIN < KEYS_KEPT
