"""The rows of troubles and of the single failures before them."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, Select, bindparam, delete, func, or_, select, update
from sqlalchemy.dialects.sqlite import insert

from jirabot.core.troubles import Reason, Strike, Trouble
from jirabot.storage.columns import columns_of, row_of
from jirabot.storage.schema import standing_trouble, strikes, troubles

_stands = standing_trouble(troubles.c.ended_at)
_BEGIN = insert(troubles).on_conflict_do_nothing(
    index_elements=[troubles.c.scope, troubles.c.reason], index_where=_stands
)
_END = (
    update(troubles)
    .where(troubles.c.scope == bindparam("of_scope"), troubles.c.reason == bindparam("of_reason"), _stands)
    .values(ended_at=bindparam("now"))
)
_RESTATE = (
    update(troubles)
    .where(
        troubles.c.scope == bindparam("of_scope"),
        troubles.c.reason == bindparam("of_reason"),
        troubles.c.text != bindparam("new_text"),
        _stands,
    )
    .values(text=bindparam("new_text"), fix=bindparam("new_fix"), begin_told_at=None)
)
_LIST = select(*columns_of(troubles, Trouble)).order_by(troubles.c.begun_at.desc(), troubles.c.id.desc())
_STANDING = _LIST.where(_stands)
_UNTOLD = (
    select(*columns_of(troubles, Trouble))
    .where(or_(troubles.c.begin_told_at.is_(None), ~_stands & troubles.c.end_told_at.is_(None)))
    .order_by(troubles.c.begun_at, troubles.c.id)
)
_TOLD_BEGIN = (
    update(troubles)
    .where(troubles.c.id == bindparam("of_trouble"), troubles.c.begin_told_at.is_(None))
    .values(begin_told_at=bindparam("now"))
)
_TOLD_END = update(troubles).where(troubles.c.id == bindparam("of_trouble")).values(end_told_at=bindparam("now"))
_of_kind = (strikes.c.scope == bindparam("of_scope")) & (strikes.c.kind == bindparam("of_kind"))
_COUNT = select(func.count()).select_from(strikes).where(_of_kind, strikes.c.at > bindparam("since"))
_FORGIVE = delete(strikes).where(_of_kind)
_FORGET_STRIKES = delete(strikes).where(strikes.c.at < bindparam("before"))
_FORGET_ENDED = delete(troubles).where(troubles.c.ended_at < bindparam("before"), troubles.c.end_told_at.is_not(None))


class Troubles:
    """Fulfils `TroubleStore`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def begin(self, trouble: Trouble) -> bool:
        return self._connection.execute(_BEGIN, row_of(trouble)).rowcount == 1

    def restate(self, scope: str, reason: Reason, *, text: str, fix: str) -> bool:
        asked = {"of_scope": scope, "of_reason": reason, "new_text": text, "new_fix": fix}
        return self._connection.execute(_RESTATE, asked).rowcount == 1

    def end(self, scope: str, reason: Reason, *, now: datetime) -> bool:
        asked = {"of_scope": scope, "of_reason": reason, "now": now}
        return self._connection.execute(_END, asked).rowcount == 1

    def standing(self, scope: str | None = None) -> Sequence[Trouble]:
        return self._found(_STANDING if scope is None else _STANDING.where(troubles.c.scope == scope))

    def list(self, *, limit: int = 50) -> Sequence[Trouble]:
        return self._found(_LIST.limit(limit))

    def untold(self) -> Sequence[Trouble]:
        return self._found(_UNTOLD)

    def _found(self, query: Select[tuple[object, ...]]) -> Sequence[Trouble]:
        return [Trouble(**row) for row in self._connection.execute(query).mappings()]

    def told(self, trouble: Trouble, *, now: datetime) -> None:
        asked = {"of_trouble": trouble.id, "now": now}
        self._connection.execute(_TOLD_BEGIN, asked)
        if trouble.ended_at is not None:
            self._connection.execute(_TOLD_END, asked)

    def strike(self, scope: str, kind: Strike, *, at: datetime) -> None:
        self._connection.execute(insert(strikes), {"scope": scope, "kind": kind, "at": at})

    def strikes(self, scope: str, kind: Strike, *, since: datetime) -> int:
        asked = {"of_scope": scope, "of_kind": kind, "since": since}
        return self._connection.execute(_COUNT, asked).scalar_one()

    def forgive(self, scope: str, kind: Strike) -> None:
        self._connection.execute(_FORGIVE, {"of_scope": scope, "of_kind": kind})

    def forget(self, *, before: datetime) -> int:
        asked = {"before": before}
        return sum(self._connection.execute(each, asked).rowcount for each in (_FORGET_STRIKES, _FORGET_ENDED))
