"""What Jira refuses for good: a comment that was given up is told, and several of them degrade the workspace."""

from datetime import datetime

from jirabot.core.effects import EffectKind, OwedEffect
from jirabot.core.managers import troubles
from jirabot.core.managers.troubles import Found
from jirabot.core.people import Account
from jirabot.core.ports import Ids, Transaction
from jirabot.core.scopes import of_effect, of_workspace
from jirabot.core.troubles import WINDOW, Reason, Strike
from jirabot.core.workspaces import Workspace
from jirabot.errors import ConsentNeeded, JirabotError, JiraGone, JiraRefused


def count(tx: Transaction, effect: OwedEffect, *, now: datetime) -> int:
    """Count that Jira refuses to take an effect (401, 403); tell how often it has within the window."""
    scope = of_effect(effect.id)
    tx.troubles.strike(scope, Strike.ATTEMPT_REFUSED, at=now)
    return tx.troubles.strikes(scope, Strike.ATTEMPT_REFUSED, since=now - WINDOW)


def record(tx: Transaction, effect: OwedEffect, error: JirabotError, ids: Ids, *, now: datetime) -> bool:
    """Begin the troubles that an effect's end by *error* means; True where the workspace is degraded by it now.

    An edit that shows progress in a comment that somebody has deleted is missed by nobody. What is owed again may be
    refused as often as before.
    """
    tx.troubles.forgive(of_effect(effect.id), Strike.ATTEMPT_REFUSED)
    if effect.effect.kind is EffectKind.PROGRESS and isinstance(error, JiraGone):
        return False
    scope, workspace = of_workspace(effect.workspace_id), tx.workspaces.find(effect.workspace_id)
    given_up = Found(
        scope=scope,
        reason=Reason.EFFECT_DEAD,
        text=f"a comment on {_issue(tx, effect)} was given up: {error.message}",
        fix=f"{error.hint or 'mend what it says'}; then `jirabot outbox retry --workspace {_name(workspace)}` sends it "
        "with all that were given up, which `jirabot outbox list --state dead` shows",
    )
    troubles.begin(tx, given_up, new_id=ids.sortable(), now=now)
    if not isinstance(error, JiraRefused | JiraGone):
        return False
    if not troubles.strike(tx, scope, Strike.EFFECT_REFUSED, now=now):
        return False
    return troubles.degrade(tx, _degraded(tx, effect, error), new_id=ids.sortable(), now=now)


def _degraded(tx: Transaction, effect: OwedEffect, error: JirabotError) -> Found:
    scope = of_workspace(effect.workspace_id)
    if isinstance(error, ConsentNeeded) or (isinstance(error, JiraRefused) and error.status == 401):
        return token_refused(scope, _name(tx.workspaces.find(effect.workspace_id)), error)
    return Found(
        scope=scope,
        reason=Reason.COMMENTING_REFUSED,
        text=f"Jira refuses comments, the last one on {_issue(tx, effect)}: {error.message}",
        fix=error.hint or "run `jirabot doctor`, which says what the service account lacks",
    )


def check_account(workspace: Workspace, account: Account) -> None:
    """Compare who Jira says we are with the service account, where that is known.

    Raises:
        JiraRefused: it is somebody else: the token was swapped, and what it sees and writes would be theirs.
    """
    expected = workspace.service_account
    if expected.id and account.id != expected.id:
        raise JiraRefused(
            f"the token of `{workspace.name}` is of {account.label}, not of the service account {expected.label}",
            status=401,
            hint="give the service account's own token; with another's, that account becomes the service account",
        )


def token_refused(scope: str, name: str, error: JiraRefused) -> Found:
    """Say that Jira does not accept the service account of a workspace, or the consent that it speaks by."""
    if isinstance(error, ConsentNeeded):
        return Found(scope=scope, reason=Reason.CONSENT_NEEDED, text=error.message, fix=error.hint)
    return Found(
        scope=scope,
        reason=Reason.TOKEN_REFUSED,
        text=error.message,
        fix=f"{error.hint}; `jirabot workspace update {name} --svc-acc-api-key -` takes a new one",
    )


def _name(workspace: Workspace | None) -> str:
    return workspace.name if workspace else "NAME"


def _issue(tx: Transaction, effect: OwedEffect) -> str:
    conversation = tx.conversations.find(effect.conversation_id) if effect.conversation_id else None
    key = conversation.issue_key if conversation else ""
    return key or f"the issue with the id {effect.issue_id}"
