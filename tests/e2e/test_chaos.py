"""The short form of `benchmarks/chaos.py`: everything is killed and broken at random, and every promise holds."""

import subprocess
import sys

import pytest

from tests.conftest import REPOSITORY


@pytest.mark.slow
@pytest.mark.parametrize("deployment", ["cloud", "dc"])
def test_after_a_minute_of_chaos_nothing_is_lost_and_nothing_was_done_twice(deployment: str) -> None:
    """A hundred and twenty mentions; which mischief it was is printed, to be made again by its seed."""
    chaos = [sys.executable, "benchmarks/chaos.py", "--seconds", "60", "--mentions", "120", "--deployment", deployment]
    done = subprocess.run(chaos, check=False, cwd=REPOSITORY, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
