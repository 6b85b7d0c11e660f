"""The ways in which a delivery proves itself, each behind `jirabot.core.ports.Scheme`. Pure.

Each takes any of the secrets that count, compares in constant time, and refuses what is missing.

Source: "Webhooks", developer.atlassian.com/cloud/jira/platform/webhooks, sections Secure admin webhooks and Dynamic
webhooks; "Jira automation actions", support.atlassian.com (headers of Send web request).
"""

import hmac
from collections.abc import Sequence
from datetime import datetime

from jirabot.core.authenticity import Authenticity
from jirabot.core.deliveries import RawDelivery
from jirabot.core.ports import Proof, Scheme
from jirabot.errors import SignatureRejected
from jirabot.jira import signatures


class Hmac:
    """The signature of the body's very bytes, in `X-Hub-Signature`."""

    def verify(self, raw: RawDelivery, secrets: Sequence[bytes]) -> None:
        signatures.verify(raw.body, raw.headers, secrets)

    def prove(self, body: bytes, secret: bytes, *, now: datetime) -> Proof:
        return Proof(headers={signatures.HEADER: signatures.sign(body, secret)})


class Header:
    """The secret itself, in a header."""

    def __init__(self, name: str) -> None:
        self._name = name.lower()

    def verify(self, raw: RawDelivery, secrets: Sequence[bytes]) -> None:
        _check_equal(raw.headers.get(self._name, ""), secrets, what=f"the header `{self._name}`")

    def prove(self, body: bytes, secret: bytes, *, now: datetime) -> Proof:
        return Proof(headers={self._name: secret.decode()})


class UrlToken:
    """The secret itself, as the last segment of the address."""

    def verify(self, raw: RawDelivery, secrets: Sequence[bytes]) -> None:
        _check_equal(raw.token, secrets, what="the token at the end of the address")

    def prove(self, body: bytes, secret: bytes, *, now: datetime) -> Proof:
        return Proof(headers={}, token=secret.decode())


def scheme_of(way: str, *, header: str) -> Scheme:
    """Give what proves deliveries that *way*; *header*: the name of the header that holds the secret."""
    match Authenticity(way):
        case Authenticity.HMAC:
            return Hmac()
        case Authenticity.HEADER:
            return Header(header)
        case Authenticity.URL_TOKEN:
            return UrlToken()
        case Authenticity.JWT:
            # What proves it is loaded where it is used alone: it would be a twentieth of the daemon's memory.
            from jirabot.jira.bearer import Jwt

            return Jwt()


def _check_equal(given: str, secrets: Sequence[bytes], *, what: str) -> None:
    encoded = given.encode("utf-8", "surrogatepass")
    fits = [hmac.compare_digest(encoded, secret) for secret in secrets if secret]
    if not any(fits):
        raise SignatureRejected(f"{what} is {'wrong' if given else 'missing'}")
