"""The audit: what managers write down in the transaction of the act itself, listed and verified."""

import difflib
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Unpack

from jirabot.core import audit
from jirabot.core.access import check_operator
from jirabot.core.audit import Act, Entry, Facts, Outcome, Row, Verdict
from jirabot.core.ids import AccountId, WorkspaceId
from jirabot.core.people import PRINCIPALS, Principal
from jirabot.core.ports import Storage, Transaction
from jirabot.core.workspaces import Workspace
from jirabot.errors import WorkspaceNotFound

PERSON = "person"
"""The kind of principal that somebody in Jira is; their name is a number (`person-17`)."""

BATCH = 1000
"""Rows that are held at once while the chain is followed."""


def record(
    tx: Transaction,
    act: Act,
    *,
    by: Principal,
    now: datetime,
    workspace: Workspace | None = None,
    subject: str = "",
    outcome: Outcome = Outcome.DONE,
    **facts: Unpack[Facts],
) -> None:
    """Write down what *by* does in this transaction; *subject* is what it is done to, by its id or name."""
    tx.audit.append(
        Entry(
            at=now,
            by=by,
            act=act,
            workspace_id=workspace.id if workspace else "",
            workspace_name=workspace.name if workspace else "",
            subject=subject,
            outcome=outcome,
            facts=facts,
        )
    )


def person(tx: Transaction, workspace_id: WorkspaceId, account_id: AccountId) -> str:
    """Name somebody by number: what is written down stays when they are forgotten."""
    return f"{PERSON}-{tx.people.number_of(workspace_id, account_id)}"


def principal(tx: Transaction, workspace_id: WorkspaceId, account_id: str) -> Principal:
    """Say who asked on an issue: somebody in Jira, or a principal of ours by its kind."""
    if account_id.startswith(PRINCIPALS):
        kind = account_id.removeprefix(PRINCIPALS)
        return Principal(kind=kind, name=kind)
    return Principal(kind=PERSON, name=person(tx, workspace_id, AccountId(account_id)), address="jira")


class Audit:
    """Shows the audit."""

    def __init__(self, *, storage: Storage) -> None:
        self._storage = storage

    async def list(
        self, *, by: Principal, workspace_name: str | None = None, since: datetime | None = None, limit: int = 50
    ) -> Sequence[Row]:
        """List the newest rows first; those of people by their account, where it is known.

        Raises:
            WorkspaceNotFound: there is none of that name, and never was.
            Forbidden: *by* is no administrator of everything: a name may have been another workspace's before.
        """
        check_operator(by)

        def query(tx: Transaction) -> Sequence[Row]:
            name = workspace_name.lower() if workspace_name else None
            found = tx.audit.newest(workspace_name=name, since=since, limit=limit)
            if name and not found:
                _check_known(tx, name)
            return [_named(tx, row) for row in found]

        return await self._storage.read(query)

    async def verify(self, *, by: Principal) -> Verdict:
        """Follow the whole chain, from the first row to the recorded head.

        Raises:
            Forbidden: *by* is no administrator of everything.
        """
        check_operator(by)
        return await self._storage.read(lambda tx: audit.examine(_all(tx), tx.audit.head()))


def _all(tx: Transaction) -> Iterable[Row]:
    after: int | None = None
    while rows := tx.audit.rows(after=after, limit=BATCH):
        yield from rows
        after = rows[-1].no


def _named(tx: Transaction, row: Row) -> Row:
    """Put in the account of who is named by number, unless they are forgotten."""
    return row._replace(by_name=_account(tx, row.by_name), subject=_account(tx, row.subject))


def _account(tx: Transaction, name: str) -> str:
    kind, _, number = str(name).partition("-")
    known = tx.people.account_of(int(number)) if kind == PERSON and number.isdecimal() else None
    return known or name


def _check_known(tx: Transaction, name: str) -> None:
    names = [workspace.name for workspace in tx.workspaces.list()]
    if name not in names and not tx.audit.newest(workspace_name=name, limit=1):
        near = difflib.get_close_matches(name, names, n=1)
        hint = f"did you mean `{near[0]}`?" if near else "run `jirabot workspace list` to see the names"
        raise WorkspaceNotFound(f"there is no workspace `{name}`, and never was", hint=hint)
