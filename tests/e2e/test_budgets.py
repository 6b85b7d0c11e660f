"""A Jira that must not be called too often: what people wait for comes first, and nothing is lost or hammered."""

from datetime import timedelta
from pathlib import Path

import pytest

from jirabot.app import open_app
from jirabot.core.budgets import Bucket
from jirabot.core.deliveries import Delivery, DeliveryState
from jirabot.core.effects import EffectState
from jirabot.core.ports import Transaction
from jirabot.core.troubles import Reason
from jirabot.sandbox.server import Sandbox

from .stage import GATED, Stage, running, settings_for, staged

pytestmark = pytest.mark.alike

TWO_A_SECOND = 7200
KEPT = TWO_A_SECOND / 5


async def leave(stage: Stage, level: float) -> None:
    """Leave no more than that of the workspace's budget."""
    left = Bucket(level=level, at=stage.app.clock.now())
    await stage.app.storage.write(lambda tx: tx.budgets.put(stage.workspace.id, "api-calls", left))
    await stage.app.budgets.restore()


async def degraded(stage: Stage) -> tuple[str, ...]:
    (workspace,) = await stage.app.storage.read(lambda tx: tx.workspaces.list())
    return workspace.degraded


def at_ease(tx: Transaction) -> bool | None:
    """Say whether no run goes on: each is over, or waits."""
    runs = [run for each in tx.conversations.list() for run in tx.conversations.runs(each.id)]
    return None if any(run.owner for run in runs) else True


def waiting(tx: Transaction) -> Delivery | None:
    return next(iter(tx.deliveries.list(state=DeliveryState.WAITING)), None)


@pytest.mark.stage(settings={"workspace": {"api_calls_per_hour": TWO_A_SECOND}})
async def test_reading_waits_for_the_budget_and_its_waiting_is_no_failure(stage: Stage) -> None:
    """The delivery is postponed, no attempt is counted, and all goes on as the budget allows."""
    await leave(stage, KEPT - 1)
    comment = await stage.comment("@openhands fix login.py")

    postponed = await stage.until_stored(waiting)
    assert "the budget of 7200 calls an hour to this Jira is spent" in postponed.text
    assert postponed.attempts == 0
    assert "I am on it" in (await stage.says()).text
    assert "Done." in (await stage.says()).text
    assert (await stage.outcome(comment)).reason == "started"


@pytest.mark.stage(settings={"workspace": {"api_calls_per_hour": TWO_A_SECOND}, "agents": GATED})
async def test_a_result_takes_from_the_kept_part_and_overtakes_progress(stage: Stage) -> None:
    """Edits of the first answer wait, the newest text takes the place of the older; the result does not wait."""
    await stage.comment("@openhands fix login.py")
    first = await stage.says()
    await stage.until_running()
    await leave(stage, KEPT - 6)
    await stage.let_go()

    assert "I was let go." in (await stage.says()).text
    assert "Done after" not in first.text
    await stage.rest()
    assert "Done after" in first.text


async def test_an_edit_that_jira_puts_off_holds_no_result_back(stage: Stage) -> None:
    """Jira limits bursts of each method: POST goes on while PUT waits."""
    headers = {"Retry-After": "3", "RateLimit-Reason": "jira-burst-based"}
    stage.jira.faults.add("answer", method="PUT", path="/comment/", status=429, headers=headers)
    await stage.comment("@openhands fix login.py")

    await stage.says()
    assert "Done." in (await stage.says()).text
    await stage.rest()
    comments = [r for r in stage.jira.requests if "/comment" in r.path]
    written = [(r.method, r.status) for r in comments if r.method in ("POST", "PUT")]
    assert written == [("POST", 201), ("PUT", 429), ("POST", 201), ("PUT", 200)]


async def test_a_jira_that_asks_for_a_long_rest_gets_it_and_administrators_hear_of_it(stage: Stage) -> None:
    """Nothing is sent before the time, nothing is lost, and the workspace is degraded until Jira accepts again."""
    headers = {"Retry-After": "7200"}
    stage.jira.faults.add("answer", method="POST", path="/comment$", status=429, headers=headers)
    await stage.comment("@openhands fix login.py")
    (trouble,) = await stage.until_stored(lambda tx: tx.troubles.standing() or None)
    assert trouble.reason is Reason.THROTTLED
    assert "asks not to be called before" in trouble.text
    assert await degraded(stage) == ("throttled",)

    await stage.until_stored(at_ease)
    sent = len(stage.jira.requests)
    other = await stage.jira.create_issue(summary="Another", labels=["openhands"])
    postponed = await stage.until_stored(waiting)
    assert postponed.attempts == 0
    assert (postponed.due_at - stage.clock.now()) > timedelta(minutes=110)
    owed = await stage.app.storage.read(lambda tx: tx.outbox.list(state=EffectState.PENDING))
    assert {each.attempts for each in owed} == {0}
    assert len(stage.jira.requests) == sent

    stage.clock.advance(seconds=7201)
    for issue in (stage.issue, other):
        assert "I am on it" in (await stage.says(on=issue)).text
        assert "Done." in (await stage.says(on=issue)).text
    assert await stage.app.storage.read(lambda tx: tx.troubles.standing()) == []
    assert await degraded(stage) == ()
    stage.expected_errors = {"trouble.begun"}


async def test_a_restart_does_not_fill_the_budget(jira: Sandbox, tmp_path: Path) -> None:
    """What a daemon has spent the next one knows."""
    async with staged(jira, tmp_path) as stage:
        await stage.set_up()
        await stage.comment("@openhands fix login.py")
        await stage.says()
        await stage.says()

    async with open_app(settings_for(tmp_path)) as app:
        (left,) = (await app.storage.read(lambda tx: tx.budgets.list("api-calls"))).values()
        count = app.settings.limits.of(jira.deployment).api_calls_per_hour
        assert count - 40 < left.level < count - 4
        async with running(app):
            served = await app.directory.get(stage.workspace.id)
            await app.directory.site(served).myself()
        (after,) = (await app.storage.read(lambda tx: tx.budgets.list("api-calls"))).values()
        assert after.level < left.level + (after.at - left.at).total_seconds()
