"""Begins and ends troubles in the transaction that finds them; who tells of them reads the rows."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime

from jirabot.core.deliveries import DeliveryState
from jirabot.core.effects import EffectState
from jirabot.core.ids import WorkspaceId
from jirabot.core.ports import Transaction
from jirabot.core.scopes import agent_in, of_workspace, workspace_in
from jirabot.core.troubles import ENOUGH, WINDOW, Placed, Reason, Strike, Trouble
from jirabot.core.workspaces import Workspace
from jirabot.errors import SecretSealed


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A trouble as its finder knows it: what is wrong, and what to do, preferably a command."""

    scope: str
    reason: Reason
    text: str
    fix: str


def begin(tx: Transaction, found: Found, *, new_id: str, now: datetime) -> bool:
    """Begin a trouble; False where one of its scope and reason stands already."""
    trouble = Trouble(id=new_id, scope=found.scope, reason=found.reason, text=found.text, fix=found.fix, begun_at=now)
    return tx.troubles.begin(trouble)


def sealed(workspace_id: WorkspaceId, error: SecretSealed) -> Found:
    """Say that a secret of a workspace does not open."""
    return Found(scope=of_workspace(workspace_id), reason=Reason.SECRET_SEALED, text=error.message, fix=error.hint)


def strike(tx: Transaction, scope: str, kind: Strike, *, now: datetime) -> bool:
    """Record a single failure, and say whether there were enough within the window to be a trouble."""
    tx.troubles.strike(scope, kind, at=now)
    return tx.troubles.strikes(scope, kind, since=now - WINDOW) >= ENOUGH[kind]


def degrade(tx: Transaction, found: Found, *, new_id: str, now: datetime) -> bool:
    """Begin a trouble of a workspace that is served all the same; the reason stands in the workspace's row too.

    Who calls it lets the directory forget what it knew. False where the trouble stands already.
    """
    workspace = _workspace(tx, found.scope)
    if workspace is not None and found.reason.value not in workspace.degraded:
        tx.workspaces.save(replace(workspace, degraded=(*workspace.degraded, found.reason.value)))
    return begin(tx, found, new_id=new_id, now=now)


def restate(tx: Transaction, found: Found) -> bool:
    """Let a trouble that stands say what is found now, and be told once more; False where it says that already."""
    return tx.troubles.restate(found.scope, found.reason, text=found.text, fix=found.fix)


def mend(tx: Transaction, scope: str, reasons: Collection[Reason], *, now: datetime) -> bool:
    """End what degrades a workspace; False where nothing of it did."""
    workspace = _workspace(tx, scope)
    if workspace is not None and not {reason.value for reason in reasons}.isdisjoint(workspace.degraded):
        left = tuple(reason for reason in workspace.degraded if reason not in reasons)
        tx.workspaces.save(replace(workspace, degraded=left))
    ended = [tx.troubles.end(scope, reason, now=now) for reason in reasons]
    return any(ended)


def end_if_none_is_dead(tx: Transaction, workspace_id: WorkspaceId, *, now: datetime) -> None:
    """End the troubles of events and comments that were given up, where a person has dealt with the last of them."""
    scope = of_workspace(workspace_id)
    if not tx.deliveries.list(workspace_id=workspace_id, state=DeliveryState.DEAD, limit=1):
        for reason in (Reason.EVENT_DEAD, Reason.MISMATCH, Reason.EVENTS_MISSED):
            tx.troubles.end(scope, reason, now=now)
    if not tx.outbox.list(workspace_id=workspace_id, state=EffectState.DEAD, limit=1):
        tx.troubles.end(scope, Reason.EFFECT_DEAD, now=now)


def placed(tx: Transaction, trouble: Trouble) -> Placed:
    """Name the place of a trouble."""
    workspace = _workspace(tx, trouble.scope)
    return Placed(trouble=trouble, workspace=workspace.name if workspace else "", agent=agent_in(trouble.scope))


def _workspace(tx: Transaction, scope: str) -> Workspace | None:
    workspace_id = workspace_in(scope)
    return tx.workspaces.find(workspace_id) if workspace_id else None
