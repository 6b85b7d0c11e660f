"""Takes the guard against each known failure out, one by one, and sees its test fail: `python -m tests.guards`.

With numbers (`F18 F52`) only those; with a file that ends with `.toml`, those of that table. First all of the tests are
run with every guard there: one that fails then proves nothing. No more does one that passes without its guard: it is
named at the end, with exit code 1. All of it happens in a copy of the project.
"""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.guards import PROJECT, TABLE, Guard, read

COPIED = (
    "jirabot",
    "tests",
    "docs",
    "benchmarks",
    "pyproject.toml",
    "config.example.toml",
    "README.md",
    "CHANGELOG.md",
)

PYTEST = (sys.executable, "-m", "pytest", "-q", "-m", "")
LONGEST_SECONDS = 300
"""A test that takes longer waits for what does not come: it has failed."""

FAILED = 1
"""How pytest ends where a test fails, and not where one can't be collected."""


def fails_without(guard: Guard, copy: Path) -> bool:
    """Run its test in the copy without the guard; say whether it failed."""
    file = copy / "jirabot" / guard.file
    whole = file.read_text()
    file.write_text(whole.replace(guard.guard, guard.without, 1))
    try:
        ran = subprocess.run(
            [*PYTEST, "-x", "-n", "0", guard.path],
            cwd=copy,
            capture_output=True,
            timeout=LONGEST_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return True
    finally:
        file.write_text(whole)
    return ran.returncode == FAILED


def pass_with(guards: Sequence[Guard], copy: Path) -> bool:
    """Run all of the tests in the copy as it is; say whether they passed."""
    tests = sorted({guard.path for guard in guards})
    return subprocess.run([*PYTEST, *tests], cwd=copy, check=False).returncode == 0


def copy_project(folder: Path) -> None:
    """Copy all that tests look at."""
    for name in COPIED:
        source = PROJECT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder / name)


def main(wanted: Sequence[str]) -> int:
    """Try them; gives the exit code."""
    tables = [Path(each) for each in wanted if each.endswith(".toml")] or [TABLE]
    failures = [each for each in wanted if not each.endswith(".toml")]
    guards = [each for table in tables for each in read(table) if not failures or each.failure in failures]
    unseen: list[str] = []
    with tempfile.TemporaryDirectory(prefix="guards-") as folder:
        copy_project(Path(folder))
        if not pass_with(guards, Path(folder)):
            print("not all of the tests pass with their guards: that comes first")
            return 1
        for guard in guards:
            failed = guard.count == 1 and fails_without(guard, Path(folder))
            print(f"{guard.failure:<4} {'failed, as it should' if failed else 'PASSED':<21} {guard.test}", flush=True)
            unseen += [] if failed else [guard.failure]
    print(f"{len(unseen)} guards are gone without a test that sees it{': ' if unseen else ''}{', '.join(unseen)}")
    return 1 if unseen else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
