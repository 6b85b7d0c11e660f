"""The client against PyPI's `jira820`, an independent imitation of Jira Data Center 8.20.

It finds issues by their keys only, gives no single comment, and knows neither comment properties, permissions, nor who
asks: these are the matter of the sandbox alone.
"""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from jirabot.core.credentials import Credentials
from jirabot.core.ids import IssueId, IssueKey
from jirabot.core.ports import JiraSite
from jirabot.core.visibility import Public
from jirabot.errors import JiraGone, JiraUnreachable
from jirabot.jira.connections import Connections
from tests.contract.test_jira_client import EFFECT, OTHER, HandClock, clients_of, workspace
from tests.e2e.stage import free_port

pytestmark = pytest.mark.slow

STARTS_WITHIN_SECONDS = 60.0
KEY = IssueKey("JIRA820-1")
ISSUE = IssueId(KEY)


@pytest.fixture
async def site() -> AsyncIterator[JiraSite]:
    port = free_port()
    environment = {"PATH": os.environ["PATH"], "JIRA820_PORT": str(port), "JIRA820_DATE": "2026-11-26"}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "jira820",
        env=environment,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    connections = Connections()
    of = replace(workspace("dc", f"http://127.0.0.1:{port}"), auth="pat")
    site = clients_of(connections, HandClock()).site(of, Credentials(api_key="t0ken"))
    try:
        async with asyncio.timeout(STARTS_WITHIN_SECONDS):
            while True:
                with contextlib.suppress(JiraUnreachable):
                    await site.server_info()
                    break
                await asyncio.sleep(0.1)  # another program starts, and tells nobody
        yield site
    finally:
        process.kill()
        await process.wait()
        await connections.aclose()


async def test_each_operation_is_understood(site):
    info, me = await site.server_info(), await site.myself()
    issue = await site.get_issue(KEY)
    before = await site.list_comments(ISSUE, newest=50)
    change = await site.find_change(ISSUE, "1000")
    found = await site.find_accounts(me.name)

    assert (info.deployment, info.version, info.version_name) == ("dc", 8, "8.20.8")
    assert (me.id, found[0].id) == ("admin", "admin")
    assert (issue.key, issue.project_key, bool(issue.summary)) == (KEY, "JIRA820", True)
    assert all(comment.author.id and comment.created_at for comment in before)
    assert change is not None
    assert change.author is not None
    assert all(url.startswith("https://") for url in await site.list_web_links(ISSUE))
    assert await site.find_change(ISSUE, "no such") is None


async def test_a_comment_is_posted_listed_and_edited(site):
    posted = await site.post_comment(ISSUE, "**Done** in `x`.", visibility=Public(), mark=EFFECT)
    newest = (await site.list_comments(ISSUE, newest=1))[-1]
    await site.edit_comment(ISSUE, posted, "Done again.", visibility=Public())
    edited = (await site.list_comments(ISSUE, newest=1))[-1]

    assert (newest.id, newest.body.raw) == (posted, "*Done* in {{x}}.")
    assert (edited.id, edited.body.raw) == (posted, "Done again.")
    assert not await site.is_marked(posted, OTHER)


async def test_what_is_not_there_is_gone(site):
    with pytest.raises(JiraGone):
        await site.get_issue(IssueKey("JIRA820-99999"))
