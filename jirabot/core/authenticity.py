"""How a workspace's deliveries prove that they come from its Jira, and what its secret must be like for that. Pure."""

import re
from enum import StrEnum


class Authenticity(StrEnum):
    """The ways; one a workspace."""

    HMAC = "hmac"
    """The body is signed with the secret: nobody between can change it."""
    HEADER = "header"
    """The secret stands in a header, as rules of Jira Automation can send it."""
    URL_TOKEN = "url-token"  # noqa: S105 - a way's name
    """The secret is the last segment of the address, for a Jira that can neither sign nor send headers."""
    JWT = "jwt"
    """A token that an OAuth app's client secret has signed, as dynamic webhooks of Jira Cloud bring it."""

    @property
    def covers_body(self) -> bool:
        """Say whether it proves the body, too; else only that its sender knows a secret, which may be overheard."""
        return self is Authenticity.HMAC

    @property
    def is_registrable(self) -> bool:
        """Say whether a webhook of Jira proves itself so; a rule of Automation is no webhook."""
        return self is not Authenticity.HEADER


LEAST_BYTES = 16
"""The least that a secret may have: a shorter one can be guessed (conformance B16)."""

LEAST_JWT_BYTES = 32
"""A key of HS256 has at least the size of its hash. Source: RFC 7518, section 3.2."""

_IN_ADDRESS = re.compile(r"[A-Za-z0-9._~-]+")


def secret_problems(way: Authenticity, secret: str) -> list[str]:
    """Say why *secret* can't prove anything that way, without showing it; nothing where it can, or none is given."""
    least = LEAST_JWT_BYTES if way is Authenticity.JWT else LEAST_BYTES
    if problems := text_problems("webhook secret", secret, least=least):
        return problems
    if way is Authenticity.URL_TOKEN and secret and not _IN_ADDRESS.fullmatch(secret):
        return ["a webhook secret that stands in the address is made of letters, digits, `-`, `.`, `_` and `~`"]
    if way is Authenticity.HEADER and not secret.isascii():
        return ["a webhook secret that stands in a header is ASCII"]
    return []


def text_problems(what: str, secret: str, *, least: int) -> list[str]:
    """Say what is wrong with a secret of any kind, without showing it; nothing where none is given."""
    if not secret:
        return []
    if secret != secret.strip() or any(ord(character) < 32 or ord(character) == 127 for character in secret):
        return [f"the {what} has outer blanks or control characters"]
    if any(character.isspace() for character in secret):
        return [f"the {what} has a blank in it"]
    if len(secret.encode()) < least:
        return [f"the {what} is shorter than {least} bytes"]
    return []
