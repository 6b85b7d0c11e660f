"""Who ran what, and what was refused, stands in the audit, whatever becomes of the workspace; a flood is one row."""

import json
from typing import Any

import aiohttp
import pytest

from jirabot.core.audit import Row, facts_of
from jirabot.core.people import SHELL
from jirabot.jira.signatures import sign

from .stage import Stage

pytestmark = pytest.mark.alike


async def rows(stage: Stage, act: str) -> list[Row]:
    """List the rows of an act, the oldest first."""
    listed = await stage.app.audit.list(by=SHELL, limit=1000)
    return [row for row in reversed(listed) if row.act == act]


async def post(stage: Stage, body: dict[str, Any], *, secret: str) -> int:
    content = json.dumps(body).encode()
    headers = {"X-Hub-Signature": sign(content, secret.encode())}
    async with aiohttp.ClientSession() as session, session.post(stage.events_url, data=content, headers=headers) as got:
        return got.status


def account(stage: Stage, name: str) -> str:
    person = getattr(stage.jira, name)
    found: str = person.account_id if stage.jira.deployment == "cloud" else person.key
    return found


async def test_a_run_is_written_down_as_it_begins_and_as_it_ends(stage: Stage) -> None:
    await stage.comment("@openhands fix login.py")
    await stage.says()
    await stage.says()
    await stage.rest()

    (started,) = await rows(stage, "run.started")
    (ended,) = await rows(stage, "run.ended")
    talk = await stage.conversation()
    assert (started.by_kind, started.by_name, started.origin) == ("person", account(stage, "ada"), "jira")
    assert (started.workspace_name, started.subject, started.outcome) == ("acme", talk.id, "done")
    facts = facts_of(started)
    assert (facts["issue_key"], facts["agent"], facts["attempt"]) == (stage.issue.key, "scripted", 1)
    assert (ended.outcome, facts_of(ended)["ending"]) == ("done", "finished")
    assert facts_of(ended)["run"] == facts["run"]


async def test_a_run_that_fails_is_written_down_as_failed(stage: Stage) -> None:
    await stage.comment("@openhands fail")
    await stage.says()
    await stage.says()
    await stage.rest()

    (ended,) = await rows(stage, "run.ended")
    assert (ended.outcome, facts_of(ended)["ending"]) == ("failed", "failed")
    assert facts_of(ended)["failure"]


async def test_who_is_not_linked_is_written_down_as_refused(stage: Stage) -> None:
    comment = await stage.comment("@openhands fix login.py", author=stage.jira.grace)
    await stage.says()

    delivery = await stage.outcome(comment)
    (refused,) = await rows(stage, "trigger.refused")
    assert (refused.by_name, refused.subject) == (account(stage, "grace"), stage.issue.key)
    assert (refused.outcome, facts_of(refused)["reason"]) == ("refused", "not-linked")
    assert facts_of(refused)["delivery"] in {d.id for d in await stage.deliveries()}
    assert delivery.reason == "not-linked"


async def test_what_does_not_prove_itself_is_counted_a_minute(stage: Stage) -> None:
    """The first is written down at once, those that follow together; none costs a commit of its own."""
    assert await post(stage, {}, secret="not-the-secret-of-it") == 403
    await stage.until_stored(lambda tx: tx.audit.newest(limit=1)[0].act == "request.unproved" or None)
    for _ in range(20):
        assert await post(stage, {}, secret="not-the-secret-of-it") == 403
    assert [facts_of(row)["count"] for row in await rows(stage, "request.unproved")] == [1]

    stage.clock.advance(minutes=2)

    await stage.until_stored(lambda tx: facts_of(tx.audit.newest(limit=1)[0])["count"] == 20 or None)
    first, second = await rows(stage, "request.unproved")
    assert (first.by_kind, first.origin, first.outcome) == ("stranger", "127.0.0.1", "refused")
    assert facts_of(second)["origins"] == ["127.0.0.1"]


async def test_what_names_another_jira_is_written_down(stage: Stage) -> None:
    issue = {"id": "1", "key": "PAY-1", "self": "https://elsewhere.example.org/rest/api/2/issue/1"}
    body = {"webhookEvent": "jira:issue_updated", "timestamp": 1, "issue": issue}

    assert await post(stage, body, secret=stage.secret) == 422

    found = await stage.until_stored(lambda tx: next((r for r in tx.audit.newest(limit=1) if "mis" in r.act), None))
    assert (found.act, found.workspace_name, facts_of(found)["count"]) == ("request.misdirected", "acme", 1)


async def test_an_accepted_delivery_writes_nothing(stage: Stage) -> None:
    before = await stage.app.storage.read(lambda tx: tx.audit.head())
    await stage.comment("nothing for the bot")
    await stage.rest()
    assert await stage.app.storage.read(lambda tx: tx.audit.head()) == before


async def test_it_outlives_its_workspace_and_is_whole(stage: Stage) -> None:
    await stage.comment("@openhands fix login.py")
    await stage.says()
    await stage.says()
    await stage.rest()
    await stage.app.deletions.delete("acme", by=SHELL)

    verdict = await stage.app.audit.verify(by=SHELL)

    assert verdict.broken == ()
    (ended,) = await rows(stage, "run.ended")
    assert (ended.workspace_name, ended.by_name.startswith("person-")) == ("acme", True)
    assert [row.workspace_name for row in await rows(stage, "workspace.deleted")] == ["acme"]
