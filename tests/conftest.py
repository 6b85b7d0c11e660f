"""What every test stands on: no product variable from outside, no network but loopback."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from tests.adf_schema import AdfSchema, adf_schema

# A loaded machine is slow at times; that is no property of the code.
settings.register_profile("jirabot", deadline=None)
settings.load_profile("jirabot")

for _name in [name for name in os.environ if name.startswith(("JIRABOT_", "JIRA_")) or name.lower().endswith("_proxy")]:
    del os.environ[_name]

REPOSITORY = Path(__file__).resolve().parents[1]
SHARED = REPOSITORY.parent / "shared" / "data"
"""Payloads, schemas and vectors kept beside the project; tests that read them skip, saying so, where they are not."""

_LOOPBACK = ("127.", "::1", "localhost", "0.0.0.0")


@pytest.fixture(autouse=True)
def _only_loopback(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No test reaches further than this machine."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6) and not str(address[0]).startswith(_LOOPBACK):
            raise AssertionError(f"a test wants to reach {address[0]}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)
    yield


@pytest.fixture
def schema(shared: Path) -> AdfSchema:
    """Judges documents as Jira's own schema does."""
    return adf_schema(shared / "adf" / "full.json")


@pytest.fixture
def shared() -> Path:
    """The folder of shared data, or a skip that says it is not there."""
    if not SHARED.is_dir():
        pytest.skip("../shared/data is not here")
    return SHARED
