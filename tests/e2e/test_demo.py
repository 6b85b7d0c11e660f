"""`jirabot demo`: the whole loop in one command, as a newcomer runs it."""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from .stage import WITHIN_SECONDS

PROGRAM = "import sys; from jirabot.cli.main import main; sys.exit(main(sys.argv[1:]))"


async def start(folder: Path, *arguments: str, **variables: str) -> asyncio.subprocess.Process:
    (folder / "jirabot.toml").write_text("this is no TOML, and must not be read")
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        PROGRAM,
        "demo",
        *arguments,
        cwd=folder,
        env={"PATH": os.environ["PATH"], **variables},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


def names_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


@pytest.mark.parametrize("deployment", ["cloud", "dc"])
async def test_the_story_is_told_to_its_end(tmp_path: Path, deployment: str) -> None:
    """Two scenes; nothing of the newcomer's own configuration, variables or proxies is obeyed."""
    demo = await start(
        tmp_path,
        *("--once", "--json", "--deployment", deployment),
        JIRABOT_DATA_DIR="/nonexistent",
        JIRABOT_SERVER__PORT="nonsense",
        JIRA_DC_BASE_URL="https://jira.example.com",
        http_proxy="http://127.0.0.1:9",
    )
    told, errors = await asyncio.wait_for(demo.communicate(), 3 * WITHIN_SECONDS)

    assert (demo.returncode, errors.decode()) == (0, "")
    story: list[dict[str, Any]] = [json.loads(line) for line in told.decode().splitlines()]
    steps = [line["step"] for line in story]
    for step in ("jira", "setup", "issue", "comment", "webhook", "decision", "agent", "git", "stands"):
        assert step in steps
    assert [line["decision"] for line in story if line["step"] == "decision" and line["decision"] != "ignore"] == [
        "start",
        "continue",
    ]
    diffs = [line["body"] for line in story if line["step"] == "git"]
    assert "+++ b/login.py" in diffs[0]
    assert "+++ b/README.md" in diffs[1]
    stand = [line["body"] for line in story if line["step"] == "stands"]
    assert any("2 commits on branch" in body for body in stand)
    assert ("/jira" in story[0]["text"]) == (deployment == "dc")
    assert names_in(tmp_path) == ["jirabot.toml"]


async def test_a_newcomers_own_agent_works_in_it(tmp_path: Path) -> None:
    """`--agent "CMD"`: any command that reads a prompt."""
    demo = await start(tmp_path, "--once", "--json", "--agent", "/bin/sh -c 'cat >/dev/null; date > when.txt'")
    told, _ = await asyncio.wait_for(demo.communicate(), 3 * WITHIN_SECONDS)

    assert demo.returncode == 0
    assert b"+++ b/when.txt" in told


async def test_an_agent_that_fails_makes_the_demo_fail(tmp_path: Path) -> None:
    """A step that failed is exit code 1."""
    demo = await start(tmp_path, "--once", "--agent", "/bin/false")
    told, _ = await asyncio.wait_for(demo.communicate(), 3 * WITHIN_SECONDS)

    assert demo.returncode == 1
    assert b"this did not work out" in told


@pytest.mark.parametrize("arguments", [["--deployment", "server"], ["--agent", "'unclosed"], ["--nonsense"]])
async def test_wrong_arguments_are_usage_errors(tmp_path: Path, arguments: list[str]) -> None:
    """One sentence, exit code 2, no traceback."""
    demo = await start(tmp_path, *arguments)
    told, errors = await asyncio.wait_for(demo.communicate(), WITHIN_SECONDS)

    assert (demo.returncode, told) == (2, b"")
    assert errors.startswith(b"error: ")
    assert b"Traceback" not in errors


async def test_it_stays_until_ctrl_c(tmp_path: Path) -> None:
    """Then it ends at once, with 130, and leaves nothing."""
    demo = await start(tmp_path, "--json")
    assert demo.stdout is not None
    async with asyncio.timeout(3 * WITHIN_SECONDS):
        while b'"look"' not in await demo.stdout.readline():
            pass
        demo.send_signal(signal.SIGINT)
        _, errors = await demo.communicate()

    assert demo.returncode == 130
    assert b"Traceback" not in errors
