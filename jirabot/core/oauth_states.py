"""A person's way to a consent page and back: what is kept of it, and how it is known again. Pure.

See `docs/decisions/0026-a-state-counts-once-where-it-began.md`.
"""

import hashlib
import hmac
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from jirabot.core.ids import WorkspaceId
from jirabot.core.people import Account, Role

STATE_LASTS = timedelta(minutes=10)
"""How long a person may read the consent page."""

CODE_ATTEMPTS = 5
"""How often a one-time code may be mistyped."""

CODE_LETTERS = "23456789BCDFGHJKMNPQRSTVWXYZ"
"""What codes are made of: nothing that is taken for something else, and no vowels that make words."""

CODE_LENGTH = 8
"""38 bits, of which five guesses find nothing."""


class Purpose(StrEnum):
    """What a consent is asked for."""

    LINK = "link"
    """That the account is the person's own. Its token is not kept."""
    BOT = "bot"
    """That the bot of a workspace works in the person's name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuthState:
    """One visit to a consent page; `hash` is that of the `state` that goes there and comes back.

    `user_name` and `role`: whom the proof is to link, and as what. `account` is who has consented, once that is known,
    and `code_hash` what the waiting command has to be given then.
    """

    hash: str = field(repr=False)
    workspace_id: WorkspaceId
    purpose: Purpose
    user_name: str
    role: Role
    browser_hash: str = field(default="", repr=False)
    """Of the cookie of the browser that began it; empty: a shell did."""
    wanted: str = ""
    """The account that the shell has named; empty: whichever consents."""
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None = None
    """When somebody came back with it."""
    account: Account | None = None
    code_hash: str = field(default="", repr=False)
    attempts: int = 0

    @property
    def is_of_shell(self) -> bool:
        """Say whether a command waits for its code."""
        return not self.browser_hash

    @property
    def secret_place(self) -> str:
        """Name the place of what is sealed beside it, among the workspace's secrets."""
        return f"oauth-state/{self.hash}"

    def began_in(self, cookie: str) -> bool:
        """Say whether *cookie* is that of the browser that began it."""
        return hmac.compare_digest(hash_of(cookie), self.browser_hash)

    def takes(self, code: str) -> bool:
        """Say whether *code*, as a person types it, is the one that its page has shown."""
        typed = "".join(letter for letter in code.upper() if letter.isalnum())
        return hmac.compare_digest(hash_of(typed), self.code_hash)


def hash_of(secret: str) -> str:
    """Give what is kept of a state, cookie or code: its SHA-256."""
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()


def shown(code: str) -> str:
    """Write a code as a person reads it: in two halves."""
    return f"{code[: CODE_LENGTH // 2]}-{code[CODE_LENGTH // 2 :]}"
