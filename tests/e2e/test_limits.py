"""How many agents work at the same time: by person and by repository; who is held back holds back nobody else."""

import asyncio

import pytest

from jirabot.core.conversations import Conversation, Run, RunState, State
from jirabot.core.people import DAEMON
from jirabot.sandbox.issues import Issue

from .stage import GATED, Stage

pytestmark = pytest.mark.alike


async def ask(stage: Stage, issue: Issue, text: str) -> None:
    """Ask for work on an issue, and wait for the first answer."""
    await stage.jira.comment(issue.key, text)
    assert "I am on it" in (await stage.says(on=issue)).text


async def first_run(stage: Stage, issue: Issue, state: RunState, *, has_repository: bool) -> tuple[Conversation, Run]:
    """Wait until an issue's first run is in that state, and it is known, or not, where it works."""
    conversation = await stage.conversation(on=issue)

    def query(tx):
        run, found = tx.conversations.runs(conversation.id)[0], tx.conversations.find(conversation.id)
        is_so = run.state is state and (found.repository_id is not None) == has_repository
        return (found, run) if is_so and (run.started_at or state is not RunState.RUNNING) else None

    return await stage.until_stored(query)


@pytest.mark.stage(settings={"agents": GATED})
async def test_while_an_agent_works_the_daemon_rests(stage: Stage) -> None:
    """A commit of those who look for something to do would wake them, and keep them busy for as long as a run lasts."""
    await ask(stage, stage.issue, "@openhands fix login.py")
    await stage.until_running()

    async def commits() -> int:
        before = stage.app.storage.generation()
        for _ in range(10):
            assert await stage.app.runs.claim(by=DAEMON) is None
        return stage.app.storage.generation() - before

    # What went on beside the first looks comes to its end.
    async with asyncio.timeout(10):
        while await commits():
            pass
    await stage.let_go()
    assert "I was let go" in (await stage.says()).text


@pytest.mark.stage(repositories=2, settings={"agents": GATED, "runs": {"parallel_per_repository": 1}})
async def test_a_run_whose_repository_is_full_waits_and_is_no_attempt(stage: Stage) -> None:
    """It begins as soon as the other ends; one in another repository, asked for later, need not wait for it."""
    first, second, other = [stage.issue, *[await stage.jira.create_issue(summary=f"Task {n}") for n in (2, 3)]]
    await ask(stage, first, "@openhands fix login.py in repo:acme/shop")
    await first_run(stage, first, RunState.RUNNING, has_repository=True)

    await ask(stage, second, "@openhands fix README.md in repo:acme/shop")
    conversation, run = await first_run(stage, second, RunState.WAITING, has_repository=True)
    assert (conversation.state, run.attempts) == (State.ACTIVE, 0)
    assert not stage.app.checkouts.has_checkout(conversation.id)
    await ask(stage, other, "@openhands fix login.py in repo:acme/shop-1")
    await first_run(stage, other, RunState.RUNNING, has_repository=True)

    await stage.let_go(on=first)
    _, run = await first_run(stage, second, RunState.RUNNING, has_repository=True)
    assert run.attempts == 1
    await stage.let_go(on=second)
    await stage.let_go(on=other)
    for issue in (first, second, other):
        assert "Done." in (await stage.says(on=issue)).text


@pytest.mark.stage(settings={"agents": GATED, "runs": {"parallel_per_user": 1}})
async def test_a_person_whose_limit_is_reached_holds_back_nobody_else(stage: Stage) -> None:
    """Ada's second run waits; Grace's, asked for after it, begins."""
    await stage.link(stage.jira.grace)
    first, second, other = [stage.issue, *[await stage.jira.create_issue(summary=f"Task {n}") for n in (2, 3)]]
    await ask(stage, first, "@openhands fix login.py")
    await first_run(stage, first, RunState.RUNNING, has_repository=True)
    await ask(stage, second, "@openhands fix README.md")

    await stage.jira.comment(other.key, "@openhands fix login.py", author=stage.jira.grace)
    assert "Grace Hopper" in (await stage.says(on=other)).text
    await first_run(stage, other, RunState.RUNNING, has_repository=True)
    await first_run(stage, second, RunState.WAITING, has_repository=False)

    await stage.let_go(on=first)
    await first_run(stage, second, RunState.RUNNING, has_repository=True)
    await stage.let_go(on=second)
    await stage.let_go(on=other)
    for issue in (first, second, other):
        assert "Done." in (await stage.says(on=issue)).text


@pytest.mark.stage(repositories=2, settings={"agents": GATED, "runs": {"parallel_per_repository": 1}})
async def test_a_run_that_waits_for_its_repository_can_be_stopped(stage: Stage) -> None:
    """It is ended at once, and never begins."""
    second = await stage.jira.create_issue(summary="Task 2")
    await ask(stage, stage.issue, "@openhands fix login.py in repo:acme/shop")
    await first_run(stage, stage.issue, RunState.RUNNING, has_repository=True)
    await ask(stage, second, "@openhands fix README.md in repo:acme/shop")
    await first_run(stage, second, RunState.WAITING, has_repository=True)

    await stage.jira.comment(second.key, "@openhands stop")

    assert "Stopped" in (await stage.says(on=second)).text
    await stage.let_go()
    assert "Done." in (await stage.says()).text
    await stage.rest()
    _, run = await first_run(stage, second, RunState.STOPPED, has_repository=True)
    assert run.attempts == 0
