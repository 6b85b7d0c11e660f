"""What every test stands on: no product variable from outside, no network but loopback."""

import gc
import os
import shutil
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

_MEMORY = Path("/dev/shm")
_MEMORY_BYTES = 4_000_000_000
if os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free > _MEMORY_BYTES:
    # Thousands of small databases, each flushed at every commit, would have the disk write for a fifth of the time.
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(_MEMORY))

REPOSITORY = Path(__file__).resolve().parents[1]
SHARED = REPOSITORY.parent / "shared" / "data"
"""Payloads, schemas and vectors kept beside the project; tests that read them skip, saying so, where they are not."""

_LOOPBACK = ("127.", "::1", "localhost", "0.0.0.0")


def pytest_xdist_auto_num_workers() -> int:
    """Run three tests on two processors: a play waits a good part of its time, for Jira, git or an agent."""
    return (os.cpu_count() or 1) * 3 // 2


def pytest_collection_finish() -> None:
    """Leave what was collected, some hundred megabytes, out of each search for garbage: a quarter of all time else."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


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
