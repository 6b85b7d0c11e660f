"""The troubles that an event means which was not acted on: it was given up, or Jira does not confirm it."""

from jirabot.core.deliveries import Delivery, Outcome
from jirabot.core.ids import WorkspaceName
from jirabot.core.managers.troubles import Found
from jirabot.core.scopes import of_workspace
from jirabot.core.troubles import Reason
from jirabot.errors import JirabotError


def given_up(delivery: Delivery, error: JirabotError) -> Found:
    """Tell of an event that failed for good, or too often."""
    return Found(
        scope=of_workspace(delivery.workspace_id),
        reason=Reason.EVENT_DEAD,
        text=f"an event{_on(delivery)} was given up: {error.message}",
        fix=f"run `jirabot event explain {delivery.id}` to see why, then `jirabot event retry {delivery.id}`; "
        "`jirabot event list --state dead` shows all of them",
    )


def unconfirmed(delivery: Delivery, outcome: Outcome, name: WorkspaceName) -> Found:
    """Tell of an event that proves itself and says what Jira does not: its sender holds the secret, and is not Jira.

    What a person has replayed was sent by nobody: of that no more is told than that it is left lying.
    """
    if delivery.replay_of is not None:
        return Found(
            scope=of_workspace(delivery.workspace_id),
            reason=Reason.EVENT_DEAD,
            text=f"a replayed event{_on(delivery)} was given up: {outcome.text}",
            fix=f"run `jirabot event explain {delivery.id}` to see it, then `jirabot event discard {delivery.id}`",
        )
    return Found(
        scope=of_workspace(delivery.workspace_id),
        reason=Reason.MISMATCH,
        text=f"Jira does not confirm a signed event{_on(delivery)}: {outcome.text}",
        fix=f"run `jirabot event explain {delivery.id}` to see it, and `jirabot workspace rotate-secret {name}` where "
        "somebody else may hold the webhook secret",
    )


def _on(delivery: Delivery) -> str:
    return f" on {delivery.issue_key}" if delivery.issue_key else ""
