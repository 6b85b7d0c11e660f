"""The stage, once as Jira Cloud and once as Jira Data Center under a context path."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from jirabot.sandbox.server import Sandbox

from .stage import Stage, staged


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Make Data Center's turn of a play `slow` where the play is `alike` on both."""
    for item in items:
        if item.get_closest_marker("alike") and isinstance(item, pytest.Function):
            of_jira = getattr(item, "callspec", None)
            if of_jira is not None and of_jira.params.get("jira") == "dc":
                item.add_marker(pytest.mark.slow)


@pytest.fixture(params=["cloud", "dc"])
async def jira(request: pytest.FixtureRequest) -> AsyncIterator[Sandbox]:
    """A sandbox of each kind; Cloud sends failed webhooks again at once, and not after minutes."""
    async with Sandbox(deployment=request.param, retry_delays=[0, 0, 0, 0, 0]) as sandbox:
        yield sandbox


@pytest.fixture
async def stage(jira: Sandbox, tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    """A stage with a workspace, Ada linked, one repository and an issue; markers `stage` change that."""
    how: dict[str, Any] = {}
    for marker in reversed(list(request.node.iter_markers("stage"))):
        how |= marker.kwargs
    async with staged(jira, tmp_path, **how.pop("settings", {})) as opened:
        await opened.set_up(**how)
        yield opened
