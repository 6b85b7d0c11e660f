"""The rows of sealed secrets, and which master key they were sealed with. Knows no key."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, select, update
from sqlalchemy.dialects.sqlite import insert

from jirabot.core.ids import WorkspaceId
from jirabot.core.ports import Sealed
from jirabot.storage.columns import columns_of, row_of
from jirabot.storage.schema import meta, secrets

KEY_ID, KEY_SOURCE = "master-key.id", "master-key.source"

_added = insert(secrets)
_PUT = _added.on_conflict_do_update(
    index_elements=[secrets.c.workspace_id, secrets.c.place],
    set_={name: _added.excluded[name] for name in ("key_id", "nonce", "ciphertext", "updated_at")},
)
_there = (secrets.c.workspace_id == bindparam("of_workspace"), secrets.c.place == bindparam("at_place"))
_FIND = select(*columns_of(secrets, Sealed)).where(*_there)
_REMOVE = delete(secrets).where(*_there)
_EXPIRE = update(secrets).where(*_there).values(expires_at=bindparam("expires", type_=secrets.c.expires_at.type))
_EXPIRES = select(secrets.c.expires_at).where(*_there)
_PLACES = select(secrets.c.workspace_id, secrets.c.place).order_by(secrets.c.workspace_id, secrets.c.place)
_ANY = select(secrets.c.place).limit(1)
_META = select(meta.c.key, meta.c.value).where(meta.c.key.in_([KEY_ID, KEY_SOURCE]))
_added_meta = insert(meta)
_PUT_META = _added_meta.on_conflict_do_update(
    index_elements=[meta.c.key], set_={"value": _added_meta.excluded["value"]}
)


class Secrets:
    """Fulfils `SecretStore`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def put(self, workspace_id: WorkspaceId, place: str, sealed: Sealed, *, now: datetime) -> None:
        row = {**row_of(sealed), "workspace_id": workspace_id, "place": place, "updated_at": now}
        self._connection.execute(_PUT, row)

    def find(self, workspace_id: WorkspaceId, place: str) -> Sealed | None:
        asked = {"of_workspace": workspace_id, "at_place": place}
        row = self._connection.execute(_FIND, asked).mappings().one_or_none()
        return Sealed(**row) if row else None

    def remove(self, workspace_id: WorkspaceId, place: str) -> None:
        self._connection.execute(_REMOVE, {"of_workspace": workspace_id, "at_place": place})

    def expire(self, workspace_id: WorkspaceId, place: str, *, at: datetime) -> None:
        self._connection.execute(_EXPIRE, {"of_workspace": workspace_id, "at_place": place, "expires": at})

    def expires_at(self, workspace_id: WorkspaceId, place: str) -> datetime | None:
        asked = {"of_workspace": workspace_id, "at_place": place}
        return self._connection.execute(_EXPIRES, asked).scalar_one_or_none()

    def places(self) -> Sequence[tuple[WorkspaceId, str]]:
        return [(row.workspace_id, row.place) for row in self._connection.execute(_PLACES)]

    def has_any(self) -> bool:
        return self._connection.execute(_ANY).first() is not None

    def key_identity(self) -> tuple[str, str] | None:
        known = {row.key: row.value for row in self._connection.execute(_META)}
        return (known[KEY_ID], known[KEY_SOURCE]) if known else None

    def record_key_identity(self, key_id: str, source: str) -> None:
        rows = [{"key": KEY_ID, "value": key_id}, {"key": KEY_SOURCE, "value": source}]
        self._connection.execute(_PUT_META, rows)
