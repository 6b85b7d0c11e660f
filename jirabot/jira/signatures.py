"""Proves that a webhook comes from somebody who holds the workspace's secret. Pure.

Source: "Webhooks", section Secure admin webhooks, developer.atlassian.com/cloud/jira/platform/webhooks; "Managing
webhooks", confluence.atlassian.com/adminjiraserver (Data Center 10 and later signs the same way).
"""

import hmac
from collections.abc import Mapping, Sequence

from jirabot.errors import SignatureRejected

HEADER = "x-hub-signature"
METHOD = "sha256"
"""The one method that Jira uses today; the header names it, and any other is refused."""


def verify(body: bytes, headers: Mapping[str, str], secrets: Sequence[bytes]) -> None:
    """Compare the signature of the very bytes of *body* with what *headers* (names in lower case) claim.

    Any of *secrets* may fit: two are valid while one is rotated out. The compare takes the same time for all.

    Raises:
        SignatureRejected: it is missing, malformed or wrong; one text for all, so that nobody learns which.
    """
    given = headers.get(HEADER, "").encode("utf-8", "surrogatepass")
    fits = [hmac.compare_digest(given, sign(body, secret).encode()) for secret in secrets if secret]
    if not any(fits):
        raise SignatureRejected(f"its `X-Hub-Signature` is {'wrong' if given else 'missing'}")


def sign(body: bytes, secret: bytes) -> str:
    """Make the header's value for *body*."""
    return f"{METHOD}={hmac.digest(secret, body, METHOD).hex()}"
