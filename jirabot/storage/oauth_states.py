"""The rows of visits to consent pages."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from jirabot.core.oauth_states import OAuthState
from jirabot.storage.columns import columns_of, row_of
from jirabot.storage.schema import oauth_states

_SELECT = select(*columns_of(oauth_states, OAuthState))
_FIND = _SELECT.where(oauth_states.c.hash == bindparam("of_hash"))
_LIST = _SELECT.order_by(oauth_states.c.created_at.desc(), oauth_states.c.hash)
_now = bindparam("now", type_=oauth_states.c.used_at.type)
_USE = (
    update(oauth_states)
    .where(
        oauth_states.c.hash == bindparam("of_hash"), oauth_states.c.used_at.is_(None), oauth_states.c.expires_at > _now
    )
    .values(used_at=_now)
    .returning(*columns_of(oauth_states, OAuthState))
)
_REMOVE = delete(oauth_states).where(oauth_states.c.hash == bindparam("of_hash"))


class OAuthStates:
    """Fulfils `OAuthStateStore`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, state: OAuthState) -> None:
        self._connection.execute(insert(oauth_states), row_of(state))

    def find(self, hash_: str) -> OAuthState | None:
        row = self._connection.execute(_FIND, {"of_hash": hash_}).mappings().one_or_none()
        return OAuthState(**row) if row else None

    def use(self, hash_: str, *, now: datetime) -> OAuthState | None:
        row = self._connection.execute(_USE, {"of_hash": hash_, "now": now}).mappings().one_or_none()
        return OAuthState(**row) if row else None

    def save(self, state: OAuthState) -> None:
        change = update(oauth_states).where(oauth_states.c.hash == state.hash).values(row_of(state, without=["hash"]))
        self._connection.execute(change)

    def remove(self, hash_: str) -> None:
        self._connection.execute(_REMOVE, {"of_hash": hash_})

    def list(self) -> Sequence[OAuthState]:
        return [OAuthState(**row) for row in self._connection.execute(_LIST).mappings()]
