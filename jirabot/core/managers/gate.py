"""Lets a principal go on where `core.access` allows it, by its links as they are in the transaction."""

from jirabot.core import access
from jirabot.core.access import Rights
from jirabot.core.ids import WorkspaceId
from jirabot.core.managers.directory import named
from jirabot.core.people import Principal
from jirabot.core.ports import Transaction
from jirabot.core.workspaces import Workspace
from jirabot.errors import Forbidden


def rights_in(tx: Transaction, by: Principal) -> Rights:
    """Say what *by* may now."""
    return access.rights(by, () if by.is_operator or not by.user else tx.users.links_of(by.user))


def named_to(tx: Transaction, name: str, by: Principal) -> Workspace:
    """Give the workspace of that name.

    Raises:
        WorkspaceNotFound: there is none; the hint names the nearest of those that *by* administers.
    """
    return named(tx, name, may_know=rights_in(tx, by).may_administer)


def administered(tx: Transaction, name: str, by: Principal) -> Workspace:
    """Give the workspace of that name, which *by* must administer.

    Raises:
        WorkspaceNotFound: there is none.
        Forbidden: it is not for *by*.
    """
    workspace = named_to(tx, name, by)
    check_administers(tx, workspace.id, by)
    return workspace


def check_administers(tx: Transaction, workspace_id: WorkspaceId, by: Principal) -> None:
    """Let only an administrator of a workspace go on.

    Raises:
        Forbidden: *by* is none.
    """
    if not rights_in(tx, by).may_administer(workspace_id):
        workspace = tx.workspaces.find(workspace_id)
        name = workspace.name if workspace else "WORKSPACE"
        raise Forbidden(
            f"only an administrator of `{name}` may do that",
            hint=f"`jirabot user link {name} ACCOUNT --user USER --role admin` makes somebody one",
        )
