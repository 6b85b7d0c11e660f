"""A caller's own links: made, shown, ended by whom they are of. Nobody else's are touched."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from jirabot.core.audit import Act
from jirabot.core.ids import AccountId, LinkId, UserId
from jirabot.core.managers import audit
from jirabot.core.managers.directory import Directory, named
from jirabot.core.managers.gate import rights_in
from jirabot.core.managers.users import add_link
from jirabot.core.people import Account, Link, LinkState, Origin, Principal, Role
from jirabot.core.ports import Clock, Ids, JiraSite, Storage, Transaction
from jirabot.core.workspaces import Workspace, WorkspaceState
from jirabot.errors import (
    AmbiguousLink,
    Forbidden,
    InvalidInput,
    NotFound,
    WorkspaceInactive,
    WorkspaceNotFound,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnLink:
    """A link of the caller, its workspace, and whether the caller administers that."""

    link: Link
    workspace: Workspace
    administers: bool


class OwnLinks:
    """Looks after the links of whoever asks."""

    def __init__(self, *, storage: Storage, directory: Directory, clock: Clock, ids: Ids) -> None:
        self._storage, self._directory, self._clock, self._ids = storage, directory, clock, ids

    async def link(self, deployment: str, name: str, *, by: Principal) -> OwnLink:
        """Link the caller in a workspace: to the account that its verified e-mail proves, else to none yet.

        Who is linked already stays so.

        Raises:
            WorkspaceNotFound: there is none of that name, or it is of another deployment.
            WorkspaceInactive: it is not worked on now.
            Forbidden: the caller's token is of another workspace.
        """
        check_is_somebody(by)
        workspace = await self._storage.read(lambda tx: active_here(tx, deployment, name, by))
        served = await self._directory.get(workspace.id)
        domains = domains_of(workspace, served.settings.email_domains)
        account = await proved_account(self._directory.site(served), by, domains)

        def change(tx: Transaction) -> OwnLink:
            link = link_caller(tx, workspace, by, account, role=Role.USER, ids=self._ids, now=self._clock.now())
            return _own(tx, link, by)

        return await self._storage.write(change)

    async def show(self, deployment: str, *, name: str = "", by: Principal) -> Sequence[OwnLink]:
        """List the caller's links that count, or will: active ones first, the newest first; of one workspace, or all.

        Raises:
            NotFound: there is none.
        """
        found = await self._storage.read(lambda tx: _counting(tx, deployment, name, by))
        if not found:
            raise _none(name)
        return found

    async def unlink(self, deployment: str, *, name: str = "", by: Principal) -> OwnLink:
        """End the caller's own link; those of others stay as they are, also where the caller administers (F33).

        Raises:
            NotFound: there is none.
            AmbiguousLink: there are links in several workspaces, and none is named.
        """

        def change(tx: Transaction) -> OwnLink:
            found = _counting(tx, deployment, name, by)
            if not found:
                raise _none(name)
            names = sorted({each.workspace.name for each in found})
            if len(names) > 1:
                listed = ", ".join(f"`{each}`" for each in names)
                raise AmbiguousLink(f"you are linked in several workspaces: {listed}", hint="give `workspace_name`")
            for each in found:
                _end(tx, each, by, self._clock.now())
            return found[0]

        return await self._storage.write(change)

    async def validate(self, deployment: str, name: str, *, by: Principal) -> Workspace:
        """Give an active workspace of that name, which anybody who may call is told of.

        Raises:
            WorkspaceNotFound: there is none, it is of another deployment, or not active.
        """
        workspace = await self._storage.read(lambda tx: of_deployment(tx, deployment, name))
        if workspace.state is not WorkspaceState.ACTIVE:
            raise WorkspaceNotFound(f"the workspace `{workspace.name}` is not active", hint="ask its administrator")
        return workspace


def of_deployment(tx: Transaction, deployment: str, name: str) -> Workspace:
    """Give the workspace of that name and deployment; the hint names no other.

    Raises:
        WorkspaceNotFound: there is none.
    """
    try:
        workspace = named(tx, name)
    except WorkspaceNotFound:
        workspace = None
    if workspace is None or workspace.deployment != deployment:
        raise WorkspaceNotFound(f"there is no workspace `{name.lower()}` here", hint="ask whoever runs jirabot")
    return workspace


def active_here(tx: Transaction, deployment: str, name: str, by: Principal) -> Workspace:
    """Give the workspace of that name in which *by* may be linked now.

    Raises:
        WorkspaceNotFound: there is none of that name, or it is of another deployment.
        WorkspaceInactive: it is not worked on now.
        Forbidden: the caller's token is of another workspace.
    """
    workspace = of_deployment(tx, deployment, name)
    if by.workspace_id not in (None, workspace.id):
        raise Forbidden("the token is of another workspace", hint="use one that is made for this")
    if workspace.state is not WorkspaceState.ACTIVE:
        raise WorkspaceInactive(f"the workspace `{workspace.name}` is not active now", hint="ask its administrator")
    return workspace


def check_is_somebody(by: Principal) -> None:
    """Let only a user go on: the shell is nobody who could be linked.

    Raises:
        InvalidInput: *by* is none.
    """
    if not by.user:
        raise InvalidInput("nobody is named who could be linked", hint="`jirabot user link WORKSPACE ACCOUNT` does it")


def domains_of(workspace: Workspace, effective: Collection[str]) -> Collection[str]:
    """List the mail domains that are trusted in a workspace.

    In one that somebody claimed only its own count, which an administrator of this jirabot has set: whoever runs a Jira
    can give its accounts any address (F21).
    """
    own: Collection[str] = workspace.settings.get("email_domains", ())
    return own if workspace.claimed_by else effective


async def proved_account(site: JiraSite, by: Principal, domains: Collection[str]) -> Account | None:
    """Ask Jira for the one account that has the caller's verified e-mail, where its domain is trusted; else None."""
    if not by.email or by.email.rpartition("@")[2].lower() not in domains:
        return None
    found = await site.find_accounts(by.email)
    return found[0] if len(found) == 1 and found[0].email.casefold() == by.email.casefold() else None


def link_caller(
    tx: Transaction,
    workspace: Workspace,
    by: Principal,
    account: Account | None,
    *,
    role: Role,
    ids: Ids,
    now: datetime,
) -> Link:
    """Link the caller in a workspace, within a transaction: actively where *account* is proved and free, else pending.

    An account that is somebody else's stays theirs; a link that an administrator has ended is made again by one only.
    """
    own = [link for link in tx.users.links_of(by.user) if link.workspace_id == workspace.id]
    active = next((link for link in own if link.state is LinkState.ACTIVE), None)
    if active is not None:
        return active
    was_ended = any(link.state is LinkState.ENDED and not link.ended_by for link in own)
    if was_ended:
        role = Role.USER
    is_free = account is not None and tx.users.find_link(workspace.id, account.id) is None
    if account is not None and is_free and not account.app and not was_ended:
        return add_link(tx, workspace, account, user=by.user, role=role, ids=ids, now=now, by=by)
    return _pending(tx, workspace, by, role=role, ids=ids, now=now)


def link_proved(
    tx: Transaction, workspace: Workspace, by: Principal, account: Account, *, role: Role, ids: Ids, now: datetime
) -> Link:
    """Link the caller to the account that they have proved to be theirs, within a transaction (F75).

    It is theirs, whoever was linked to it; their links to other accounts there end. The role stays that they had, or
    that the account had where it was nobody's but its own. A link of theirs, or of the account, that an administrator
    has ended is made again by one only: till then it is pending, and gives no rights.
    """
    own = [link for link in tx.users.links_of(by.user) if link.workspace_id == workspace.id]
    of_account = tx.users.newest_link(workspace.id, account.id)
    newest = next((link for link in own if link.state is not LinkState.PENDING), None)
    if not by.is_operator and (_was_taken_away(newest) or _was_taken_away(of_account)):
        return _pending(tx, workspace, by, role=Role.USER, ids=ids, now=now)
    active = [link for link in own if link.state is LinkState.ACTIVE]
    theirs = [*active, of_account] if of_account is not None and of_account.user_name == account.id else active
    if any(link.role is Role.ADMIN and link.state is LinkState.ACTIVE for link in theirs):
        role = Role.ADMIN
    for link in active:
        if link.account.id != account.id:
            tx.users.end_link(link.id, by=by.user, now=now)
            who = audit.person(tx, workspace.id, link.account.id)
            audit.record(tx, Act.USER_UNLINKED, by=by, now=now, workspace=workspace, subject=who)
    return add_link(tx, workspace, account, user=by.user, role=role, ids=ids, now=now, by=by, origin=Origin.OAUTH)


def _was_taken_away(link: Link | None) -> bool:
    """Say whether the newest link of somebody is one that an administrator has ended."""
    return link is not None and link.state is LinkState.ENDED and not link.ended_by


def _end(tx: Transaction, own: OwnLink, by: Principal, now: datetime) -> None:
    """End a link as its user asks; one that is pending names no account."""
    link, who = own.link, ""
    if link.state is LinkState.PENDING:
        tx.users.remove_pending(own.workspace.id, link.user_id)
    else:
        tx.users.end_link(link.id, by=by.user, now=now)
        who = audit.person(tx, own.workspace.id, link.account.id)
    audit.record(tx, Act.USER_UNLINKED, by=by, now=now, workspace=own.workspace, subject=who)


def _pending(tx: Transaction, workspace: Workspace, by: Principal, *, role: Role, ids: Ids, now: datetime) -> Link:
    new = Link(
        id=LinkId(ids.sortable()),
        workspace_id=workspace.id,
        user_id=tx.users.user_named(by.user, new_id=UserId(ids.sortable()), now=now),
        user_name=by.user,
        account=Account(id=AccountId("")),
        role=role,
        state=LinkState.PENDING,
        created_at=now,
    )
    link = tx.users.add_pending(new)
    if link.id == new.id and role is Role.ADMIN:  # it starts nothing, but whoever has it administers the workspace
        audit.record(tx, Act.USER_LINKED, by=by, now=now, workspace=workspace, role=role.value)
    return link


def _counting(tx: Transaction, deployment: str, name: str, by: Principal) -> Sequence[OwnLink]:
    links = [link for link in tx.users.links_of(by.user) if by.user and link.state is not LinkState.ENDED]
    found = [_own(tx, link, by) for link in links if by.workspace_id in (None, link.workspace_id)]
    wanted = [
        each for each in found if each.workspace.deployment == deployment and name.lower() in ("", each.workspace.name)
    ]
    return sorted(wanted, key=lambda each: each.link.state is not LinkState.ACTIVE)


def _own(tx: Transaction, link: Link, by: Principal) -> OwnLink:
    workspace = tx.workspaces.find(link.workspace_id)
    assert workspace is not None, "a link belongs to a workspace"
    return OwnLink(link=link, workspace=workspace, administers=rights_in(tx, by).may_administer(workspace.id))


def _none(name: str) -> NotFound:
    where = f"in `{name.lower()}`" if name else "in any workspace here"
    return NotFound(f"you are not linked {where}", hint="`POST …/workspaces/link` with a `workspace_name` links you")
