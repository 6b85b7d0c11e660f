"""The rows of the audit: each follows the one before, and `meta` knows the last. The schema refuses to change them."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, bindparam, insert, select
from sqlalchemy.dialects.sqlite import insert as upsert

from jirabot.core.audit import GENESIS, Entry, Head, Row, row_after
from jirabot.storage import connections
from jirabot.storage.columns import microseconds
from jirabot.storage.faults import translated
from jirabot.storage.schema import audit, meta

HEAD = "audit.head"

_COLUMNS = [audit.c[name] for name in Row._fields]
_ROWS = select(*_COLUMNS).where(audit.c.no > bindparam("after")).order_by(audit.c.no).limit(bindparam("at_most"))
_NEWEST = select(*_COLUMNS).order_by(audit.c.no.desc())
_HEAD = select(meta.c.value).where(meta.c.key == HEAD)
_added = upsert(meta)
_PUT_HEAD = _added.on_conflict_do_update(index_elements=[meta.c.key], set_={"value": _added.excluded["value"]})

BEFORE_ALL = -(2**63)
"""Before every number that a row can have: one that somebody has inserted may be negative."""


LOCK_SECONDS = 5.0


class Audit:
    """Fulfils `AuditStore`. Whoever writes holds the database's lock, so that nobody else writes the same number."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def append(self, entry: Entry) -> None:
        row = row_after(self.head() or Head(0, GENESIS), entry, at=microseconds(entry.at))
        self._connection.execute(insert(audit), row._asdict())
        self._connection.execute(_PUT_HEAD, {"key": HEAD, "value": f"{row.no} {row.hash}"})

    def head(self) -> Head | None:
        value = self._connection.execute(_HEAD).scalar_one_or_none()
        count, _, hash_ = (value or "").partition(" ")
        return Head(int(count), hash_) if count.isdecimal() else None

    def rows(self, *, after: int | None = None, limit: int) -> Sequence[Row]:
        asked = {"after": BEFORE_ALL if after is None else after, "at_most": limit}
        return [Row(*row) for row in self._connection.execute(_ROWS, asked)]

    def newest(
        self, *, workspace_name: str | None = None, since: datetime | None = None, limit: int = 50
    ) -> Sequence[Row]:
        query = _NEWEST.limit(limit)
        if workspace_name is not None:
            query = query.where(audit.c.workspace_name == workspace_name)
        if since is not None:
            query = query.where(audit.c.at >= microseconds(since))
        return [Row(*row) for row in self._connection.execute(query)]


def append_to(path: Path, entry: Entry) -> None:
    """Add a row to the audit of the database at *path*, which is of this version; others may write meanwhile.

    Raises:
        StorageUnavailable: it can't be written.
    """
    with translated(path):
        connection = connections.writer(path, lock_seconds=LOCK_SECONDS)
        try:
            with connection.begin():
                Audit(connection).append(entry)
        finally:
            connection.close()
            connection.engine.dispose()
