"""The OpenAPI document: valid, of all that is declared, and true of a running daemon whatever it is asked."""

import asyncio
import shutil
import sys
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from openapi_spec_validator import validate

from jirabot.core.managers.tokens import NewToken
from jirabot.core.people import SHELL, Role
from jirabot.daemon.api.endpoints import endpoints
from jirabot.daemon.api.openapi import document
from jirabot.jira.deployments import DEPLOYMENTS

from .stage import Stage

UNLIMITED = {"requests_per_hour": 0}
OPEN = {"limits": {"cloud": UNLIMITED, "dc": UNLIMITED}, "api": {**UNLIMITED, "claim_hosts": ["127.0.0.1"]}}

CALLBACKS = {"cloud": "/integration/jira/callback", "dc": "/integration/jira-dc/callback"}

EXCLUDED = "positive_data_acceptance,not_a_server_error"
"""A base URL may be well formed and lead nowhere, which 502 tells; a fault of ours is looked for in the log."""


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    return document(endpoints(DEPLOYMENTS.values()), callbacks=CALLBACKS, server="http://127.0.0.1:8642")


@pytest.mark.fast
def test_it_is_valid(described: dict[str, Any]) -> None:
    validate(described)


@pytest.mark.fast
def test_each_endpoint_is_in_it_with_a_name_of_its_own(described: dict[str, Any]) -> None:
    declared = endpoints(DEPLOYMENTS.values())
    told = {(method.upper(), path) for path, methods in described["paths"].items() for method in methods}
    assert told == {(each.method, each.path) for each in declared} | {("GET", path) for path in CALLBACKS.values()}
    names = [each["operationId"] for methods in described["paths"].values() for each in methods.values()]
    assert len(set(names)) == len(names) == len(declared) + len(CALLBACKS)
    assert {"post", "get"} == set(described["paths"]["/integration/jira-dc/workspaces/link"])


@pytest.mark.alike
async def test_it_is_served_to_who_has_a_token(stage: Stage) -> None:
    made = await stage.app.tokens.create(NewToken(name="ci", role=Role.USER), by=SHELL)
    address = f"{stage.address}/api/openapi.json"
    async with aiohttp.ClientSession() as client:
        async with client.get(address) as refused:
            assert refused.status == 401
        async with client.get(address, headers={"Authorization": f"Bearer {made.secret}"}) as answer:
            declared = endpoints(DEPLOYMENTS.values())
            assert (await answer.json()) == document(declared, callbacks=CALLBACKS, server=stage.address)


@pytest.mark.slow
@pytest.mark.parametrize("role", [Role.USER, Role.ADMIN])
@pytest.mark.stage(settings=OPEN)
async def test_a_running_daemon_answers_as_it_says(stage: Stage, tmp_path: Path, role: Role) -> None:
    """Asked at random and at the edges by schemathesis: every status, header and field as declared, nothing breaks."""
    schemathesis = shutil.which("schemathesis", path=str(Path(sys.executable).parent))
    if schemathesis is None:
        pytest.skip("schemathesis comes with the development dependencies")
    await stage.comment("@openhands edit")
    await stage.says()
    await stage.says()
    made = await stage.app.tokens.create(NewToken(name="ci", role=role), by=SHELL)
    process = await asyncio.create_subprocess_exec(
        schemathesis,
        *("run", f"{stage.address}/api/openapi.json", "--header", f"Authorization: Bearer {made.secret}"),
        *("--phases", "fuzzing,stateful", "--max-examples", "20", "--seed", "1", "--no-color", "--continue-on-failure"),
        *("--checks", "all", "--exclude-checks", EXCLUDED),
        cwd=tmp_path,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    told, _ = await process.communicate()

    assert process.returncode == 0, told.decode()
    assert [fields for event, fields in stage.log.told if event == "request.broken"] == []
