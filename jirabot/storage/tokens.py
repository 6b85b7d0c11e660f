"""The rows of the management API's tokens: of each only its hash."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, bindparam, insert, select, update

from jirabot.core.ids import TokenId
from jirabot.core.tokens import Token
from jirabot.errors import Conflict
from jirabot.storage.columns import columns_of, row_of
from jirabot.storage.schema import tokens

_SELECT = select(*columns_of(tokens, Token))
_NAMED = _SELECT.where(tokens.c.name == bindparam("of_name"))
_HASHED = _SELECT.where(tokens.c.hash == bindparam("of_hash"))
_LIST = _SELECT.order_by(tokens.c.created_at.desc(), tokens.c.id.desc())
_REVOKE = (
    update(tokens)
    .where(tokens.c.id == bindparam("of_id"), tokens.c.revoked_at.is_(None))
    .values(revoked_at=bindparam("now", type_=tokens.c.revoked_at.type))
)


class Tokens:
    """Fulfils `TokenStore`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, token: Token) -> None:
        if self.find_by_name(token.name) is not None:
            raise Conflict(f"the name `{token.name}` is taken by another token")
        self._connection.execute(insert(tokens), row_of(token))

    def find_by_name(self, name: str) -> Token | None:
        row = self._connection.execute(_NAMED, {"of_name": name}).mappings().one_or_none()
        return Token(**row) if row else None

    def find_by_hash(self, hash_: str) -> Token | None:
        row = self._connection.execute(_HASHED, {"of_hash": hash_}).mappings().one_or_none()
        return Token(**row) if row else None

    def list(self) -> Sequence[Token]:
        return [Token(**row) for row in self._connection.execute(_LIST).mappings()]

    def revoke(self, token_id: TokenId, *, now: datetime) -> None:
        self._connection.execute(_REVOKE, {"of_id": token_id, "now": now})
