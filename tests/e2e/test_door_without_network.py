"""A webhook is answered whatever the network does."""

import hashlib
import hmac
import json
from pathlib import Path

import aiohttp
import pytest

from jirabot.app import open_app
from jirabot.core.managers.workspaces import NewWorkspace
from jirabot.core.people import SHELL
from jirabot.sandbox.server import Sandbox
from tests.e2e.stage import running, settings_for

SECRET = "a-secret-of-sufficient-length"


@pytest.mark.parametrize("auth", ["pat", "dc-oauth"])
async def test_f53_a_webhook_is_acknowledged_while_its_jira_and_its_oauth_server_hang(tmp_path: Path, auth: str):
    """Neither is asked before the answer; the client's own time-out is two seconds, the answer's less."""
    async with Sandbox(deployment="dc") as jira, open_app(settings_for(tmp_path)) as app, running(app):
        wanted = NewWorkspace(
            name="acme",
            deployment="dc",
            base_url=jira.base_url,
            auth=auth,
            api_key="token" if auth == "pat" else "",
            oauth_client_id="" if auth == "pat" else "id",
            oauth_client_secret="" if auth == "pat" else "secret",
            webhook_secret=SECRET,
            validate=False,
        )
        made = await app.workspaces.create(wanted, by=SHELL)
        jira.faults.add("hang", times=None)
        body = json.dumps(
            {"webhookEvent": "comment_created", "comment": {"id": "1", "body": "@openhands hello"}}
        ).encode()
        signed = "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=1.5)) as session,
            session.post(
                app.workspaces.events_url(made.workspace), data=body, headers={"X-Hub-Signature": signed}
            ) as got,
        ):
            answer = await got.json()

    assert (got.status, answer["status"]) == (200, "accepted")
