"""Other processes that use the database: small Python programs, told what to do by their arguments."""

import os
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]

_OBEDIENT = ("setpriv", "--bounding-set=-dac_override,-dac_read_search")
"""As root, the rights of files hold for a process only without these two capabilities."""


def start(program: str, *arguments: object, obedient: bool = False) -> subprocess.Popen[str]:
    """Start a program; *obedient*: the rights of files and folders hold for it, whoever runs the tests."""
    command = [sys.executable, "-c", program, *map(str, arguments)]
    if obedient and os.geteuid() == 0:
        command = [*_OBEDIENT, *command]
    return subprocess.Popen(command, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def run(program: str, *arguments: object, obedient: bool = False) -> str:
    """Run a program to its end; give what it printed."""
    with start(program, *arguments, obedient=obedient) as process:
        printed, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    return printed.strip()


def line_of(process: subprocess.Popen[str]) -> str:
    """Wait for the next line that a process prints."""
    assert process.stdout is not None
    return process.stdout.readline().strip()
