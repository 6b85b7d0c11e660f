"""Tokens of the management API: who holds one is that user, with that role."""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from jirabot.core.ids import TokenId, WorkspaceId
from jirabot.core.people import Principal, Role

PREFIX = "jbt_"
"""What a token begins with, so that people and scanners of secrets know one when they see it."""


class TokenState(StrEnum):
    """Whether a token counts."""

    ACTIVE = "active"
    EXPIRED = "expired"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A token as it is stored: of itself only the hash. Without a workspace it is good for all of them."""

    id: TokenId
    name: str
    role: Role
    user: str
    workspace_id: WorkspaceId | None
    hash: str = field(repr=False)
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None = None

    def state(self, now: datetime) -> TokenState:
        """Say whether it counts at that time."""
        if self.revoked_at is not None:
            return TokenState.REVOKED
        return TokenState.EXPIRED if self.expires_at is not None and self.expires_at <= now else TokenState.ACTIVE

    def principal(self) -> Principal:
        """Say who asks with it. It has no e-mail: nobody has verified one."""
        return Principal(kind="token", name=self.name, user=self.user, role=self.role, workspace_id=self.workspace_id)


def token_hash(token: str) -> str:
    """Give what is stored of a token: its SHA-256. It has 160 random bits, so nobody finds it by trying."""
    return hashlib.sha256(token.encode()).hexdigest()
