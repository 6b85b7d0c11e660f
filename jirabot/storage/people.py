"""The numbers of people: what they are called where their names must not stand, and the ids of the SQL views."""

from sqlalchemy import Connection, bindparam, select
from sqlalchemy.dialects.sqlite import insert

from jirabot.core.ids import AccountId, WorkspaceId
from jirabot.storage.schema import numbers

PERSON = "person"

_GIVE = insert(numbers).on_conflict_do_nothing(index_elements=[numbers.c.workspace_id, numbers.c.kind, numbers.c.id])
_NUMBER = select(numbers.c.no).where(
    numbers.c.workspace_id == bindparam("of_workspace"),
    numbers.c.kind == PERSON,
    numbers.c.id == bindparam("of_account"),
)
_ACCOUNT = select(numbers.c.id).where(numbers.c.no == bindparam("number"), numbers.c.kind == PERSON)


class People:
    """Fulfils `PeopleStore`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def number_of(self, workspace_id: WorkspaceId, account_id: AccountId) -> int:
        asked = {"of_workspace": workspace_id, "of_account": account_id}
        known: int | None = self._connection.execute(_NUMBER, asked).scalar_one_or_none()
        if known is None:
            self._connection.execute(_GIVE, {"workspace_id": workspace_id, "kind": PERSON, "id": account_id})
            known = int(self._connection.execute(_NUMBER, asked).scalar_one())
        return known

    def account_of(self, number: int) -> AccountId | None:
        found = self._connection.execute(_ACCOUNT, {"number": number}).scalar_one_or_none()
        return None if found is None else AccountId(found)
