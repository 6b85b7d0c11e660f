"""The stores of the audit, and of the numbers that stand for people in it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from jirabot.core.audit import Entry, Head, Row
from jirabot.core.ids import AccountId, WorkspaceId


class AuditStore(Protocol):
    """Who changed or ran what. Rows are added, and never changed or removed."""

    def append(self, entry: Entry) -> None:
        """Add a row that follows the last, and record it as the last."""

    def head(self) -> Head | None:
        """Tell how many rows were written and the hash of the last, as recorded beside them; None where none was."""

    def rows(self, *, after: int | None = None, limit: int) -> Sequence[Row]:
        """List rows in order of their numbers, from beyond *after*, or from the first."""

    def newest(
        self, *, workspace_name: str | None = None, since: datetime | None = None, limit: int = 50
    ) -> Sequence[Row]:
        """List the newest first."""


class PeopleStore(Protocol):
    """The number of each Jira account that anything is known of; it stays for as long as its workspace does."""

    def number_of(self, workspace_id: WorkspaceId, account_id: AccountId) -> int:
        """Give an account's number, a new one where it has none yet."""

    def account_of(self, number: int) -> AccountId | None:
        """Find whose number that is."""
