"""The audit, and the numbers of people."""

from collections.abc import Sequence
from datetime import datetime

from jirabot.core.audit import GENESIS, Entry, Head, Row, row_after
from jirabot.core.ids import AccountId, WorkspaceId
from jirabot.storage.columns import microseconds
from jirabot.storage.memory.tables import Store

_PERSON = "person"


class Audit(Store):
    """Fulfils `AuditStore`. The last row is its own record."""

    def append(self, entry: Entry) -> None:
        row = row_after(self.head() or Head(0, GENESIS), entry, at=microseconds(entry.at))
        self._state.audit[row.no] = row

    def head(self) -> Head | None:
        last = next(reversed(self._state.audit.values()), None)
        return Head(last.no, last.hash) if last else None

    def rows(self, *, after: int | None = None, limit: int) -> Sequence[Row]:
        return [row for row in self._state.audit.values() if after is None or row.no > after][:limit]

    def newest(
        self, *, workspace_name: str | None = None, since: datetime | None = None, limit: int = 50
    ) -> Sequence[Row]:
        earliest = microseconds(since) if since else 0
        every = [row for row in reversed(self._state.audit.values()) if row.at >= earliest]
        return [row for row in every if workspace_name in (None, row.workspace_name)][:limit]


class People(Store):
    """Fulfils `PeopleStore`."""

    def number_of(self, workspace_id: WorkspaceId, account_id: AccountId) -> int:
        known = self._state.people.get((workspace_id, account_id))
        if known is None:
            known = self._state.last_number[_PERSON] = self._state.last_number.get(_PERSON, 0) + 1
            self._state.people[workspace_id, account_id] = known
        return known

    def account_of(self, number: int) -> AccountId | None:
        return next((account for (_, account), known in self._state.people.items() if known == number), None)
