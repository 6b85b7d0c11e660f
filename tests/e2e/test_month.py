"""A month passes: what has its time ends, is told once, and is forgotten; nothing else happens by itself."""

import asyncio
import json
import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from functools import partial

import aiohttp
import pytest

from jirabot.core.conversations import State
from jirabot.core.managers.workspace_changes import WorkspaceUpdate
from jirabot.core.people import SHELL
from jirabot.core.ports import Transaction
from jirabot.core.troubles import Reason
from jirabot.jira.signatures import sign

from .stage import WITHIN_SECONDS, Stage

pytestmark = pytest.mark.alike

DAYS, STEPS_A_DAY = 33, 2
"""A month, after the last session is over."""

OUTAGE_DAY = 10
STRANGERS = 5


def rows(stage: Stage) -> Counter[str]:
    """Count the rows of each table."""
    with closing(sqlite3.connect(stage.app.settings.database)) as database:
        tables = database.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'")
        names = [name for (name,) in tables]
        return Counter({name: database.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in names})


async def settle(stage: Stage) -> None:
    """Wait until the daemon has done all that its time has come for."""
    app = stage.app
    async with asyncio.timeout(WITHIN_SECONDS):
        while True:
            seen = app.storage.generation()
            due = [
                await app.retention.due_seconds(),
                await app.expiry.next_due_seconds(),
                await app.probes.next_due_seconds(),
            ]
            if all(seconds is None or seconds > 0 for seconds in due):
                break
            await app.storage.changed(seen, within_seconds=0.05)
    await stage.rest()


async def pass_days(stage: Stage, days: int) -> None:
    for _ in range(days * STEPS_A_DAY):
        stage.clock.advance(hours=24 / STEPS_A_DAY)
        await settle(stage)


async def knock(stage: Stage) -> None:
    """Send something that does not prove itself."""
    content = json.dumps({"webhookEvent": "x"}).encode()
    headers = {"X-Hub-Signature": sign(content, b"not-the-secret-of-it")}
    async with aiohttp.ClientSession() as session, session.post(stage.events_url, data=content, headers=headers) as got:
        assert got.status == 403


async def outage(stage: Stage) -> None:
    """Let Jira fail until that is a trouble, and be well again."""
    fault = stage.jira.faults.add("answer", path="/myself$", status=503, times=1000)
    for _ in range(3):
        stage.clock.advance(minutes=3)
        await settle(stage)
    await stage.until_stored(partial(_stand, 1))
    fault.times = 0
    stage.clock.advance(minutes=6)
    await settle(stage)
    await stage.until_stored(partial(_stand, 0))


def _stand(count: int, tx: Transaction) -> bool | None:
    return sum(each.reason is not Reason.TOKEN_EXPIRES for each in tx.troubles.standing()) == count or None


def _warned(words: str, tx: Transaction) -> bool | None:
    """Say whether the end of the key is told in these words."""
    return any(each.text.endswith(words) for each in tx.troubles.standing()) or None


def ends_told(stage: Stage) -> list[tuple[str, str]]:
    """Give what administrators were told of the end of the key, in order: the event, and its last words."""
    return [
        (event, str(fields["cause"]).rpartition(": ")[2])
        for event, fields in stage.log.told
        if event.startswith("trouble.") and fields["reason"] == Reason.TOKEN_EXPIRES.value
    ]


async def test_a_month_passes(stage: Stage) -> None:
    stage.expected_errors = {"trouble.begun"}
    finished = await stage.jira.create_issue(summary="Another")
    await stage.jira.comment(finished.key, "@openhands fix login.py")
    assert "I am on it" in (await stage.says(on=finished)).text
    assert "Done." in (await stage.says(on=finished)).text
    await stage.comment("@openhands ask which colour")
    await stage.says()
    assert "a question" in (await stage.says()).text
    await stage.jira.comment(finished.key, "@openhands help me", author=stage.jira.grace)
    assert "Grace Hopper" in (await stage.says(on=finished)).text
    rotated = await stage.app.workspace_changes.rotate_secret("acme", by=SHELL, overlap=timedelta(hours=24))
    (webhook,) = stage.jira.jira.webhooks.values()
    stage.jira.jira.webhooks[webhook.id] = replace(webhook, secret=rotated.webhook_secret)
    key_ends_at = stage.clock.now() + timedelta(days=DAYS, hours=12)
    await stage.app.workspace_changes.update("acme", WorkspaceUpdate(key_expires_at=key_ends_at), by=SHELL)
    for _ in range(STRANGERS):
        await knock(stage)
    await stage.rest()
    comments = {key: len(stage.jira.comments(key)) for key in (stage.issue.key, finished.key)}
    before, talk = rows(stage), await stage.conversation(on=finished)
    folder = stage.app.settings.data_dir / "conversations" / talk.id
    assert folder.is_dir()

    await pass_days(stage, OUTAGE_DAY)
    await outage(stage)
    early = rows(stage)
    await pass_days(stage, DAYS - OUTAGE_DAY)

    # Sessions closed: the question has expired, and its issue was told once.
    assert "for an answer, and no longer do" in (await stage.says()).text
    assert (await stage.conversation()).state is State.EXPIRED
    assert {key: len(stage.jira.comments(key)) - count for key, count in comments.items()} == {
        stage.issue.key: 1,
        finished.key: 0,
    }
    # Warnings sent: of the outage, once as it began and once as it ended; of the key's end, once at each threshold.
    await stage.until_stored(partial(_warned, "within a day"))
    await stage.rest()
    told = Counter(event for event, _ in stage.log.told)
    warnings = [("trouble.begun", ahead) for ahead in ("within 30 days", "within 7 days", "within a day")]
    assert ends_told(stage) == warnings
    assert (told["trouble.begun"] - len(warnings), told["trouble.ended"]) == (1, 1)
    # Retention done: each night once; bodies, reports, checkouts and strangers are gone, outcomes are not.
    assert DAYS - 1 <= told["retention.pruned"] <= DAYS + 1
    assert not folder.exists()
    assert await stage.app.storage.read(_kept) == (0, 0)
    assert {d.handled_at is not None for d in await stage.deliveries()} == {True}
    # The secret that was rotated out counts no more.
    served = await stage.app.directory.get(stage.workspace.id)
    assert len(served.secrets_at(stage.app.clock.now())) == 1
    # Nothing else happened: no run, no message, no comment, no row that a month makes more of, but in the audit.
    after = rows(stage)
    for table in ("conversations", "messages", "runs", "links", "workspaces", "actions", "meta", "numbers"):
        assert after[table] <= early[table], table
    assert after["runs"] == before["runs"]
    assert after["outbox"] == early["outbox"]
    grown = {table for table in after if after[table] > early[table]}
    assert grown <= {"audit"}
    assert after["audit"] - before["audit"] <= DAYS
    assert (after["rejections"], after["run_events"], after["troubles"], after["strikes"]) == (0, 0, 2, 0)
    assert (await stage.app.audit.verify(by=SHELL)).broken == ()
    # A new key ends the warning.
    new = WorkspaceUpdate(api_key=stage.jira.bot.token, key_expires_at=stage.clock.now() + timedelta(days=365))
    await stage.app.workspace_changes.update("acme", new, by=SHELL)
    await stage.until_stored(lambda tx: None if tx.troubles.standing() else True)
    await stage.rest()
    assert ends_told(stage) == [*warnings, ("trouble.ended", "within a day")]


def _kept(tx: Transaction) -> tuple[int, int]:
    """Count the bodies that are kept, and what agents reported."""
    bodies = sum(tx.deliveries.request_of(each.id) is not None for each in tx.deliveries.list(limit=999))
    return bodies, sum(len(tx.conversations.events(each.id)) for each in tx.conversations.list(limit=99))
