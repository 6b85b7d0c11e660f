"""Whether an issue is told that an event of it was given up, and who may read that. Pure.

Jira did not confirm such an event: it is worth no more than its signature, so nothing of it is quoted and nothing done.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal

from jirabot.core.decisions import UNPERMITTED, Decision, Distrust, Ignore, Refuse, is_of_another_project, only_observed
from jirabot.core.ids import IssueId, TriggerKey
from jirabot.core.issues import IssueRef
from jirabot.core.visibility import Visibility, kept_from_customers, readers
from jirabot.errors import JirabotError, JiraRefused, JiraRejected, RateLimited, Unreachable


class Cause(StrEnum):
    """Why an event was given up, as far as an issue is told; each has a sentence, `given-up.<code>` in the texts."""

    JIRA = "jira"
    INTERNAL = "internal"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A comment that is owed. `once` names it: what is named so was told already."""

    issue_id: IssueId
    visibility: Visibility
    once: TriggerKey


def notice(
    decision: Decision,
    *,
    mode: Literal["act", "observe"],
    projects: Sequence[str],
    service_desk: Literal["internal", "public"],
    now: datetime,
) -> Notice | None:
    """Choose what is owed where *decision* would have been taken, had Jira confirmed its event; None: nothing.

    The rest are the workspace's settings. Whether the issue is of a service desk is not known, so it is taken for one.
    """
    if mode == "observe":
        decision = only_observed(decision)
    if isinstance(decision, Ignore | Distrust):
        return None
    if isinstance(decision, Refuse) and decision.reason in UNPERMITTED:
        return None
    issue, visibility = decision.trigger.issue, decision.trigger.visibility
    if is_of_another_project(_project_key(issue), projects):
        return None
    if service_desk == "internal":
        visibility = kept_from_customers(visibility)
    once = TriggerKey(f"given-up:{issue.id}:{readers(visibility)}:{now:%Y-%m-%d}")
    return Notice(issue_id=issue.id, visibility=visibility, once=once)


def cause_of(error: JirabotError) -> Cause:
    """Say whether it was Jira that could not be asked, or something of ours."""
    of_jira = isinstance(error, Unreachable | JiraRefused | JiraRejected | RateLimited)
    return Cause.JIRA if of_jira else Cause.INTERNAL


def _project_key(issue: IssueRef) -> str:
    """Read the project off the issue's key; empty where the event does not tell it."""
    return (issue.key or "").rpartition("-")[0]
