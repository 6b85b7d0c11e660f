"""A comment of unknown fate whose read-back fails: it is looked for ever less often, and given up where it can't be."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from jirabot.app import App, open_app
from jirabot.core.effects import AddComment, EffectKind, EffectState, OwedEffect
from jirabot.core.ids import EffectId, IssueId
from jirabot.core.managers.workspaces import NewWorkspace
from jirabot.core.people import SHELL
from jirabot.core.troubles import Reason, Trouble
from jirabot.core.visibility import Public
from jirabot.sandbox.issues import Issue
from jirabot.sandbox.server import Sandbox
from tests.e2e.stage import settings_for

START = datetime(2026, 11, 26, 12, tzinfo=UTC)
E1 = EffectId("e1")


@dataclass
class Clock:
    at: datetime = START

    def now(self) -> datetime:
        return self.at

    async def sleep(self, seconds: float) -> None:
        raise AssertionError("nothing is waited for here")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def jira(clock: Clock) -> AsyncIterator[Sandbox]:
    async with Sandbox(deployment="cloud", clock=clock.now) as sandbox:
        yield sandbox


@pytest.fixture
async def app(clock: Clock, tmp_path: Path) -> AsyncIterator[App]:
    async with open_app(settings_for(tmp_path), clock=clock) as opened:
        yield opened


@pytest.fixture
async def issue(app: App, jira: Sandbox) -> Issue:
    """An issue to which a comment is owed."""
    wanted = NewWorkspace(
        name="acme", deployment="cloud", base_url=jira.base_url, email=jira.bot.email, api_key=jira.bot.token
    )
    made = await app.workspaces.create(wanted, by=SHELL)
    issue = await jira.create_issue(summary="The greeting is misspelt")
    owed = OwedEffect(
        id=E1,
        workspace_id=made.workspace.id,
        issue_id=IssueId(issue.id),
        conversation_id=None,
        cause="test",
        seq=0,
        effect=AddComment(kind=EffectKind.ANSWER, text="Hello.", visibility=Public()),
        due_at=app.clock.now(),
    )
    await app.storage.write(lambda tx: tx.outbox.owe([owed]))
    return issue


async def step(app: App, clock: Clock) -> tuple[OwedEffect, timedelta]:
    """Let the time come at which something is due, and do it; give what became of it, and how long was waited."""
    due_at = await app.storage.read(lambda tx: tx.outbox.next_due_at())
    assert due_at is not None
    waited = max(due_at - clock.at, timedelta())
    clock.at += waited
    assert await app.delivery.deliver_once(by=SHELL)
    found = await app.storage.read(lambda tx: tx.outbox.find(E1))
    assert found is not None
    return found, waited


async def standing(app: App) -> list[Trouble]:
    return list(await app.storage.read(lambda tx: tx.troubles.standing()))


async def test_one_that_may_not_be_read_is_looked_for_ever_less_often(
    app: App, jira: Sandbox, clock: Clock, issue: Issue
) -> None:
    jira.faults.add("answer", method="POST", path="/comment$", status=503)
    jira.faults.add("answer", method="GET", path="/comment$", status=403, times=None)

    waits = []
    while clock.at < START + timedelta(hours=4):
        effect, waited = await step(app, clock)
        assert effect.state is EffectState.SENDING
        waits.append(waited)

    assert len(waits) < 50
    assert waits[2] < timedelta(minutes=1) < timedelta(minutes=10) < waits[-1] < timedelta(minutes=20)


async def test_one_on_an_issue_that_is_gone_is_given_up_and_told(
    app: App, jira: Sandbox, clock: Clock, issue: Issue
) -> None:
    jira.faults.add("answer", method="POST", path="/comment$", status=503)
    assert (await step(app, clock))[0].state is EffectState.SENDING
    jira.jira.delete_issue(issue, actor=jira.ada)

    effect, _ = await step(app, clock)

    assert (effect.state, "whether the comment stands there is not known" in effect.error) == (EffectState.DEAD, True)
    (trouble,) = await standing(app)
    assert trouble.reason is Reason.EFFECT_DEAD
    assert "let the service account see the issue" in trouble.fix


async def test_one_that_was_given_up_and_stands_is_not_sent_again(
    app: App, jira: Sandbox, clock: Clock, issue: Issue
) -> None:
    jira.faults.add("commit-then-answer", method="POST", path="/comment$", status=503)
    gone = jira.faults.add("answer", method="GET", path="/comment$", status=404)
    await step(app, clock)
    assert (await step(app, clock))[0].state is EffectState.DEAD
    assert gone.hits == 1

    await app.outbox.retry(E1, by=SHELL)
    effect, _ = await step(app, clock)

    (comment,) = jira.comments(issue.key)
    assert (effect.state, effect.comment_id) == (EffectState.SENT, comment.id)
