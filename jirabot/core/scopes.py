"""Where something holds: everywhere, in a workspace, for an agent: what pauses and troubles are kept by. Pure.

Single failures are counted for a comment, too.
"""

from jirabot.core.ids import EffectId, WorkspaceId

EVERYWHERE = "all"

_WORKSPACE, _AGENT, _EFFECT = "workspace/", "agent/", "effect/"


def of_workspace(workspace_id: WorkspaceId) -> str:
    """Name the scope of a workspace."""
    return f"{_WORKSPACE}{workspace_id}"


def of_agent(agent: str) -> str:
    """Name the scope of an agent."""
    return f"{_AGENT}{agent}"


def of_effect(effect_id: EffectId) -> str:
    """Name the scope of what is owed to Jira."""
    return f"{_EFFECT}{effect_id}"


def workspace_in(scope: str) -> WorkspaceId | None:
    """Give the workspace that a scope names; None where it names none."""
    return WorkspaceId(scope.removeprefix(_WORKSPACE)) if scope.startswith(_WORKSPACE) else None


def agent_in(scope: str) -> str:
    """Give the agent that a scope names; empty where it names none."""
    return scope.removeprefix(_AGENT) if scope.startswith(_AGENT) else ""
