"""The bearer tokens by which the dynamic webhooks of an OAuth app prove themselves. Pure.

Source: "Webhooks", developer.atlassian.com/cloud/jira/platform/webhooks, section Dynamic webhooks.
"""

import json
import math
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import jwt

from jirabot.core.deliveries import RawDelivery
from jirabot.core.ports import Proof
from jirabot.errors import SignatureRejected

JWT_ALGORITHMS = ["HS256"]
"""Pinned: the token never says how it is to be checked, and `none` is no signature."""

JWT_LEEWAY = timedelta(seconds=60)
"""How far Jira's clock may be from ours."""

JWT_LIFE = timedelta(minutes=3)
"""How long a token counts that is made here, for a replay."""


class Jwt:
    """A bearer token that is signed with the secret and not yet expired. `qsh` is not asked for: it is Connect's."""

    def verify(self, raw: RawDelivery, secrets: Sequence[bytes]) -> None:
        scheme, _, token = raw.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise SignatureRejected("there is no bearer token in its `Authorization`")
        claims = _claims(token.strip(), secrets)
        expires, begins = _number(claims.get("exp")), _number(claims.get("nbf"))
        now, leeway = raw.received_at.timestamp(), JWT_LEEWAY.total_seconds()
        if expires is None:
            raise SignatureRejected("its bearer token does not say when it expires")
        if now >= expires + leeway:
            raise SignatureRejected("its bearer token has expired: one of the two clocks may be wrong")
        if begins is not None and now < begins - leeway:
            raise SignatureRejected("its bearer token does not count yet: one of the two clocks may be wrong")

    def prove(self, body: bytes, secret: bytes, *, now: datetime) -> Proof:
        claims = {"iat": int(now.timestamp()), "exp": int((now + JWT_LIFE).timestamp())}
        return Proof(headers={"authorization": f"Bearer {jwt.encode(claims, secret, algorithm=JWT_ALGORITHMS[0])}"})


def _claims(token: str, secrets: Sequence[bytes]) -> Mapping[str, object]:
    """Give what a token claims that one of *secrets* has signed. Times are judged by who asks: the library has a clock.

    Raises:
        SignatureRejected: none has, or it is no token.
    """
    for secret in secrets:
        try:
            signed = jwt.PyJWS(algorithms=JWT_ALGORITHMS).decode(token, secret, algorithms=JWT_ALGORITHMS)
            claims = json.loads(signed)
        except (jwt.PyJWTError, ValueError, RecursionError):
            continue
        if isinstance(claims, dict):
            return claims
    raise SignatureRejected("its bearer token is not signed with the workspace's secret")


def _number(claim: object) -> float | None:
    is_number = isinstance(claim, int | float) and not isinstance(claim, bool) and math.isfinite(claim)
    return float(claim) if is_number else None  # type: ignore[arg-type]  # asked in the line above
