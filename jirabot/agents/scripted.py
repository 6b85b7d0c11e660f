"""The `scripted` backend: the `command` backend with the scripted agent, for the demo, the sandbox and tests.

Nothing of it is pretended: it is a process in the same containment that reports in the same lines, edits and commits.
"""

import sys
from pathlib import Path

from jirabot.agents import scripted_agent
from jirabot.agents.turn import STALL_SECONDS, TIMEOUT_SECONDS, Command


def scripted_command(
    *,
    script: Path | None = None,
    timeout_seconds: float = TIMEOUT_SECONDS,
    stall_seconds: float = STALL_SECONDS,
) -> Command:
    """Make the command of the scripted agent, which plays *script* where there is one.

    It is started by its file, isolated and without site packages: it starts in 20 ms, wherever jirabot is installed.
    """
    program = Path(scripted_agent.__file__).resolve()
    played = [script.resolve()] if script else []
    return Command(
        arguments=(sys.executable, "-I", "-S", str(program), *map(str, played)),
        timeout_seconds=timeout_seconds,
        stall_seconds=stall_seconds,
        readable=(Path(sys.prefix), Path(sys.base_prefix), program.parent, *played),
    )
