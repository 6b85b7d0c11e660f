"""Proves tokens with the keys that an issuer publishes. What they claim is judged by `jirabot.core.identity`.

Source: OpenID Connect Discovery 1.0, section 4; RFC 7517 (JWK); RFC 8725 (best practices of JWT), section 3.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import aiohttp
import jwt
import orjson

from jirabot import __version__
from jirabot.core.ports import Clock
from jirabot.errors import IssuerUnreachable, TokenInvalid

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""The signatures that count: with a key of two halves only, so that nobody signs with what is published."""

KEYS_KEPT = timedelta(minutes=10)
"""How long keys count without being read again: an issuer that drops one has its tokens refused within that time."""

ASKED_AGAIN = timedelta(seconds=30)
"""How soon keys are read again for a token whose key is not among them: anybody can name an unknown one."""

FAILED_AGAIN = timedelta(seconds=5)
"""How soon an issuer that did not answer is asked again."""

ANSWER_SECONDS = 5.0
ANSWER_BYTES = 256 * 1024

Keys = Sequence[Mapping[str, Any]]


class OidcIssuer:
    """Fulfils `jirabot.core.ports.Issuer`. Closed by `aclose`."""

    def __init__(self, issuer: str, *, jwks_url: str = "", clock: Clock) -> None:
        self._issuer, self._jwks_url, self._clock = issuer, jwks_url, clock
        self._session: aiohttp.ClientSession | None = None
        self._reading = asyncio.Lock()
        self._keys: Keys = ()
        self._read_at: datetime | None = None
        self._failed_at: datetime | None = None

    async def verified(self, token: str) -> Mapping[str, Any]:
        """Give the claims of a token that the issuer has signed.

        Raises:
            TokenInvalid: it is no such token.
            IssuerUnreachable: the keys can't be read.
        """
        try:
            header = jwt.get_unverified_header(token)
        except jwt.InvalidTokenError as error:
            raise _invalid("it is no JWT") from error
        algorithm, key_id = header.get("alg"), header.get("kid")
        if algorithm not in ALGORITHMS:
            raise _invalid("it is not signed with a key of the issuer's")
        for jwk in await self._fitting(algorithm, key_id):
            try:
                key = jwt.PyJWK.from_dict(dict(jwk), algorithm).key
                # What is claimed is judged elsewhere, by our clock: here is asked only who signed it.
                claims = jwt.decode(token, key, algorithms=[algorithm], options=_SIGNATURE_ONLY)
            except (jwt.InvalidTokenError, jwt.PyJWKError, jwt.InvalidKeyError):
                continue
            return dict(claims)
        raise _invalid("it is not signed with a key of the issuer's")

    async def aclose(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()

    async def _fitting(self, algorithm: str, key_id: object) -> Keys:
        """Give the keys that a token may be signed with; read again where there is none, since keys are changed."""
        asked_at = self._clock.now()
        found = _fitting(await self._fresh(than=asked_at - KEYS_KEPT), algorithm, key_id)
        return found or _fitting(await self._fresh(than=asked_at - ASKED_AGAIN), algorithm, key_id)

    async def _fresh(self, *, than: datetime) -> Keys:
        """Give keys that were read after *than*; who comes while they are read waits for the same."""
        # A lock over the network, since all that wait for it want the same answer, which is bounded in time.
        async with self._reading:
            now = self._clock.now()
            if self._read_at is not None and self._read_at > than:
                return self._keys
            if self._failed_at is not None and now - self._failed_at < FAILED_AGAIN:
                raise self._unreachable()
            try:
                self._keys = await self._read()
            except IssuerUnreachable:
                self._failed_at = now
                raise
            self._read_at, self._failed_at = now, None
            return self._keys

    async def _read(self) -> Keys:
        where = self._jwks_url
        if not where:
            found = await self._get(f"{self._issuer.rstrip('/')}/.well-known/openid-configuration")
            where = str(found.get("jwks_uri", ""))
            if found.get("issuer") != self._issuer or not _is_as_safe(where, self._issuer):
                raise self._unreachable("what is there is no discovery document of this issuer")
        keys = (await self._get(where)).get("keys")
        if not isinstance(keys, list):
            raise self._unreachable("what it tells are no keys")
        return [key for key in keys if isinstance(key, dict) and key.get("use", "sig") == "sig"]

    async def _get(self, address: str) -> Mapping[str, Any]:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=ANSWER_SECONDS),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"User-Agent": f"jirabot/{__version__}"},
                trust_env=address.startswith("https://"),
            )
        try:
            async with self._session.get(address, allow_redirects=False) as answer:
                told = orjson.loads(await _body(answer)) if answer.status == 200 else None
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise self._unreachable() from error
        if not isinstance(told, dict):
            raise self._unreachable(f"it answers {answer.status}")
        return told

    def _unreachable(self, why: str = "it does not answer") -> IssuerUnreachable:
        return IssuerUnreachable(
            f"the OIDC issuer's keys can't be read: {why}", hint="try again soon, or use a local token"
        )


_SIGNATURE_ONLY: Any = {
    "verify_signature": True,
    **dict.fromkeys(("verify_exp", "verify_nbf", "verify_iat", "verify_aud", "verify_iss", "verify_sub"), False),
    "verify_jti": False,
}


async def _body(answer: aiohttp.ClientResponse) -> bytes:
    body = b""
    async for chunk in answer.content.iter_chunked(ANSWER_BYTES):
        body += chunk
        if len(body) > ANSWER_BYTES:
            raise ValueError("more is told than any issuer's keys are")
    return body


def _fitting(keys: Keys, algorithm: str, key_id: object) -> Keys:
    """List the keys that are made for the algorithm, of that id where the token names one."""
    return [
        key for key in keys if key.get("alg", algorithm) == algorithm and (key_id is None or key.get("kid") == key_id)
    ]


def _is_as_safe(address: str, issuer: str) -> bool:
    return address.startswith("https://") or (address.startswith("http://") and issuer.startswith("http://"))


def _invalid(why: str) -> TokenInvalid:
    return TokenInvalid(f"the token does not count: {why}", hint="sign in again, or use a local token")
