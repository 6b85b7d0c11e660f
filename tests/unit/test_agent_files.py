"""What is written down of a run on a disk that refuses: of the log lines are missing; the prompt is all or an error."""

import contextlib
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from jirabot.agents.turn import Log, write_new
from jirabot.errors import AgentUnavailable

pytestmark = pytest.mark.fast


@contextlib.contextmanager
def no_file_over(size: int) -> Iterator[None]:
    """Let no file of this process grow beyond *size* bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_what_the_disk_refuses_is_missing_and_said_to_be(tmp_path: Path) -> None:
    """It goes on with what comes when the disk is well."""
    path = tmp_path / "run.log"
    log = Log(path)
    log.open()
    log.write("first")
    with no_file_over(path.stat().st_size):
        log.write("lost")
        log.write("lost too")
    log.write("next")
    log.write("last")
    log.close()
    assert path.read_text().splitlines() == [
        "first",
        "[... lines are missing here: the disk refused them]",
        "next",
        "last",
    ]


def test_a_log_that_ends_on_a_disk_that_refuses_is_closed(tmp_path: Path) -> None:
    log = Log(tmp_path / "run.log")
    log.open()
    with no_file_over(0):
        log.write("lost")
        log.close()
    assert (tmp_path / "run.log").read_bytes() == b""


def test_a_prompt_that_the_disk_does_not_take_is_told(tmp_path: Path) -> None:
    """Half a prompt would have the agent do something else."""
    with no_file_over(3), pytest.raises(AgentUnavailable, match="can't be written"):
        write_new(tmp_path / "prompt.md", b"Do not remove it.")
