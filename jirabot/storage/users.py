"""The rows of users and of the links that tie Jira accounts to them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, select, update
from sqlalchemy.dialects.sqlite import insert

from jirabot.core.ids import AccountId, LinkId, UserId, WorkspaceId
from jirabot.core.people import Link, LinkState
from jirabot.storage.columns import row_of
from jirabot.storage.schema import active_link, links, pending_link, users

_ADD_USER = insert(users).on_conflict_do_nothing(index_elements=[users.c.name])
_USER_NAMED = select(users.c.id).where(users.c.name == bindparam("user_name"))
_SELECT = select(
    links.c.id,
    links.c.workspace_id,
    links.c.user_id,
    users.c.name.label("user_name"),
    links.c.account,
    links.c.role,
    links.c.state,
    links.c.created_at,
    links.c.origin,
    links.c.updated_at,
    links.c.ended_by,
).join_from(links, users, links.c.user_id == users.c.id)
_FIND = _SELECT.where(
    links.c.workspace_id == bindparam("workspace_id"),
    links.c.account_id == bindparam("account_id"),
    active_link(links.c.state),
)
_NEWEST_OF_ALL = (
    _SELECT.where(links.c.workspace_id == bindparam("workspace_id"), links.c.account_id == bindparam("account_id"))
    .order_by(links.c.created_at.desc())
    .limit(1)
)
_FIND_PENDING = _SELECT.where(
    links.c.workspace_id == bindparam("workspace_id"),
    links.c.user_id == bindparam("user_id"),
    pending_link(links.c.state),
)
_ADD_PENDING = insert(links).on_conflict_do_nothing(
    index_elements=[links.c.workspace_id, links.c.user_id], index_where=pending_link(links.c.state)
)
_REMOVE_PENDING = delete(links).where(
    links.c.workspace_id == bindparam("of_workspace"),
    links.c.user_id == bindparam("of_user"),
    pending_link(links.c.state),
)
_END = (
    update(links)
    .where(links.c.id == bindparam("link_id"))
    .values(state=LinkState.ENDED, ended_by=bindparam("by"), updated_at=bindparam("now"))
)
_LIST = _SELECT.order_by(links.c.created_at.desc(), links.c.id.desc())
_LIST_OF = _LIST.where(links.c.workspace_id == bindparam("workspace_id"))
_LINKS_OF = _LIST.where(users.c.name == bindparam("user_name"))


class Users:
    """Fulfils `UserStore`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def user_named(self, name: str, *, new_id: UserId, now: datetime) -> UserId:
        self._connection.execute(_ADD_USER, {"id": new_id, "name": name, "created_at": now})
        return UserId(self._connection.execute(_USER_NAMED, {"user_name": name}).scalar_one())

    def add_link(self, link: Link) -> Link:
        link = replace(link, state=LinkState.ACTIVE)
        known = self.find_link(link.workspace_id, link.account.id)
        if known is None:
            row = {**row_of(link, without=["user_name"]), "account_id": link.account.id}
            self._connection.execute(insert(links), row)
        else:
            changed = replace(link, updated_at=link.created_at)
            change = row_of(changed, without=["id", "workspace_id", "user_name", "created_at"])
            self._connection.execute(update(links).where(links.c.id == known.id).values(change))
        kept = self.find_link(link.workspace_id, link.account.id)
        assert kept is not None
        return kept

    def add_pending(self, link: Link) -> Link:
        row = row_of(replace(link, state=LinkState.PENDING), without=["user_name"])
        self._connection.execute(_ADD_PENDING, {**row, "account_id": link.account.id})
        asked = {"workspace_id": link.workspace_id, "user_id": link.user_id}
        return Link(**self._connection.execute(_FIND_PENDING, asked).mappings().one())

    def remove_pending(self, workspace_id: WorkspaceId, user_id: UserId) -> None:
        self._connection.execute(_REMOVE_PENDING, {"of_workspace": workspace_id, "of_user": user_id})

    def find_link(self, workspace_id: WorkspaceId, account_id: AccountId) -> Link | None:
        asked = {"workspace_id": workspace_id, "account_id": account_id}
        row = self._connection.execute(_FIND, asked).mappings().one_or_none()
        return Link(**row) if row else None

    def newest_link(self, workspace_id: WorkspaceId, account_id: AccountId) -> Link | None:
        if active := self.find_link(workspace_id, account_id):
            return active
        asked = {"workspace_id": workspace_id, "account_id": account_id}
        row = self._connection.execute(_NEWEST_OF_ALL, asked).mappings().one_or_none()
        return Link(**row) if row else None

    def list_links(self, workspace_id: WorkspaceId | None) -> Sequence[Link]:
        if workspace_id is None:
            rows = self._connection.execute(_LIST)
        else:
            rows = self._connection.execute(_LIST_OF, {"workspace_id": workspace_id})
        return [Link(**row) for row in rows.mappings()]

    def links_of(self, user_name: str) -> Sequence[Link]:
        return [Link(**row) for row in self._connection.execute(_LINKS_OF, {"user_name": user_name}).mappings()]

    def end_link(self, link_id: LinkId, *, now: datetime, by: str = "") -> None:
        self._connection.execute(_END, {"link_id": link_id, "by": by, "now": now})
