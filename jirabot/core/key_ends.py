"""When a service account's key, or the consent that it speaks by, ends, and how far ahead that is said. Pure."""

from datetime import datetime, timedelta

from jirabot.core.workspaces import Workspace

WARNED_AHEAD = (
    (timedelta(0), "it has ended"),
    (timedelta(days=1), "within a day"),
    (timedelta(days=7), "within 7 days"),
    (timedelta(days=30), "within 30 days"),
)
"""How far ahead an end is told, each once, the nearest first."""


def warning(workspace: Workspace, now: datetime) -> str:
    """Say that a workspace's key is near its end, in words that change at each threshold; empty where it is not."""
    ends_at = workspace.key_expires_at
    if ends_at is None:
        return ""
    near = next((words for ahead, words in WARNED_AHEAD if ends_at - now <= ahead), "")
    return f"what signs the service account in ends on {ends_at:%Y-%m-%d %H:%M} UTC: {near}" if near else ""


def fix(workspace: Workspace) -> str:
    """Say what to do about it."""
    return (
        f"make a new one in Jira, then `jirabot workspace update {workspace.name} --svc-acc-api-key - "
        "--svc-acc-expires DATE`; of an OAuth workspace, let somebody consent again"
    )
