"""Links between Jira accounts and jirabot's users: who may trigger the bot."""

import difflib
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from jirabot.core.audit import Act
from jirabot.core.ids import AccountId, LinkId, UserId, WorkspaceId
from jirabot.core.managers import audit
from jirabot.core.managers.directory import Directory
from jirabot.core.managers.gate import administered, rights_in
from jirabot.core.people import Account, Link, LinkState, Origin, Principal, Role
from jirabot.core.ports import Clock, Ids, JiraSite, Storage, Transaction
from jirabot.core.workspaces import Workspace
from jirabot.errors import InvalidInput, NotFound


class Users:
    """Links people, and ends links."""

    def __init__(self, *, storage: Storage, directory: Directory, clock: Clock, ids: Ids) -> None:
        self._storage, self._directory, self._clock, self._ids = storage, directory, clock, ids

    async def link(
        self,
        workspace_name: str,
        account: str,
        *,
        by: Principal,
        user: str = "",
        role: Role = Role.USER,
        validate: bool = True,
    ) -> Link:
        """Link *account* (an account id, user name or key, or an e-mail that finds exactly one) to a user.

        Linking again updates the link that is there; one that took *account* for an id, unseen, is ended.

        Raises:
            WorkspaceNotFound, NotFound: no such workspace; Jira knows no such account.
            InvalidInput: more than one account fits.
            JiraRefused, JiraUnreachable, JiraSilent, JiraBroken: what Jira answered.
        """
        workspace = await self._storage.read(lambda tx: administered(tx, workspace_name, by))
        found = Account(id=AccountId(account))
        if validate:
            site = self._directory.site(await self._directory.get(workspace.id))
            found = await find_account(site, account)

        def change(tx: Transaction) -> Link:
            now = self._clock.now()
            end_unproved(tx, workspace.id, account, found, now=now)
            return add_link(tx, workspace, found, user=user, role=role, ids=self._ids, now=now, by=by)

        return replace(await self._storage.write(change), account=found)

    async def list(self, workspace_name: str | None, *, by: Principal) -> Sequence[tuple[Link, str]]:
        """List the links of a workspace, or of all, newest first, each with its workspace's name.

        Raises:
            WorkspaceNotFound: there is none of that name.
        """

        def query(tx: Transaction) -> Sequence[tuple[Link, str]]:
            names = {workspace.id: workspace.name for workspace in tx.workspaces.list()}
            found = tx.users.list_links(administered(tx, workspace_name, by).id if workspace_name else None)
            rights = rights_in(tx, by)
            return [(link, names[link.workspace_id]) for link in found if rights.may_administer(link.workspace_id)]

        return await self._storage.read(query)

    async def show(self, workspace_name: str, asked: str, *, by: Principal) -> tuple[Link, str]:
        """Give the newest link of an account (its id, name or e-mail) or user, and its workspace's name.

        Raises:
            WorkspaceNotFound, NotFound: no such workspace; nobody of that name was ever linked in it.
            InvalidInput: more than one account fits.
        """

        def query(tx: Transaction) -> tuple[Link, str]:
            workspace = administered(tx, workspace_name, by)
            return linked(tx.users.list_links(workspace.id), asked, workspace.name), workspace.name

        return await self._storage.read(query)

    async def unlink(self, workspace_name: str, asked: str, *, by: Principal) -> tuple[Link, str]:
        """End the link of an account (its id, name or e-mail) or user: it starts nothing any more.

        Raises:
            WorkspaceNotFound, NotFound: no such workspace; nobody of that name is linked in it.
            InvalidInput: more than one account fits.
        """

        def change(tx: Transaction) -> tuple[Link, str]:
            workspace = administered(tx, workspace_name, by)
            active = [link for link in tx.users.list_links(workspace.id) if link.state is LinkState.ACTIVE]
            link, now = linked(active, asked, workspace.name), self._clock.now()
            tx.users.end_link(link.id, now=now)
            who = audit.person(tx, workspace.id, link.account.id)
            audit.record(tx, Act.USER_UNLINKED, by=by, now=now, workspace=workspace, subject=who)
            return replace(link, state=LinkState.ENDED), workspace.name

        return await self._storage.write(change)


def linked(links: Sequence[Link], asked: str, workspace_name: str) -> Link:
    """Find the newest of *links* (newest first) that a person names."""
    found = [link for link in links if asked.casefold() in _names(link)]
    accounts = {link.account.id: link.account.label for link in found}
    if len(accounts) > 1:
        listed = ", ".join(f"`{id_}` ({label})" for id_, label in accounts.items())
        raise InvalidInput(f"more than one account fits `{asked}`: {listed}", hint="give one of these ids")
    if not found:
        known = {name for link in links for name in _names(link)}
        near = difflib.get_close_matches(asked.casefold(), known, n=1)
        hint = f"did you mean `{near[0]}`?" if near else f"run `jirabot user list {workspace_name}` to see who is"
        raise NotFound(f"nobody called `{asked}` is linked in `{workspace_name}`", hint=hint)
    return found[0]


def _names(link: Link) -> set[str]:
    return {*link.account.names, link.user_name.casefold()}


async def find_account(site: JiraSite, asked: str) -> Account:
    """Ask Jira for the one account that a person names.

    Raises:
        NotFound: Jira knows none.
        InvalidInput: more than one fits.
    """
    found = await site.find_accounts(asked)
    if not found:
        raise NotFound(
            f"Jira knows no account `{asked}`",
            hint="give an account id (Cloud), a user name or key (Data Center), or an e-mail that Jira shows",
        )
    if len(found) > 1:
        names = ", ".join(f"`{account.id}` ({account.label})" for account in found[:5])
        raise InvalidInput(f"more than one account fits `{asked}`: {names}", hint="give one of these ids")
    return found[0]


def end_unproved(tx: Transaction, workspace_id: WorkspaceId, asked: str, found: Account, *, now: datetime) -> None:
    """End the link that took what a person has typed for an account's id, now that Jira has told whose it is."""
    unproved = tx.users.find_link(workspace_id, AccountId(asked)) if asked != found.id else None
    if unproved is not None:
        tx.users.end_link(unproved.id, now=now)


def add_link(
    tx: Transaction,
    workspace: Workspace,
    account: Account,
    *,
    user: str,
    role: Role,
    ids: Ids,
    now: datetime,
    by: Principal,
    origin: Origin = Origin.HAND,
) -> Link:
    """Link an account to the user of that name (the account itself, if empty), within a transaction.

    It takes the place of the link that its user has waited with, whose role it keeps where that is more.
    """
    name, who = user or account.id, audit.person(tx, workspace.id, account.id)
    user_id = tx.users.user_named(name, new_id=UserId(ids.sortable()), now=now)
    waited = [link for link in tx.users.links_of(name) if link.workspace_id == workspace.id]
    if any(link.state is LinkState.PENDING and link.role is Role.ADMIN for link in waited):
        role = Role.ADMIN
    tx.users.remove_pending(workspace.id, user_id)
    audit.record(tx, Act.USER_LINKED, by=by, now=now, workspace=workspace, subject=who, role=role.value)
    return tx.users.add_link(
        Link(
            id=LinkId(ids.sortable()),
            workspace_id=workspace.id,
            user_id=user_id,
            user_name=name,
            account=account,
            role=role,
            state=LinkState.ACTIVE,
            created_at=now,
            origin=origin,
        )
    )
