"""The daemon is killed at each step of an event's walk: one first answer and one result stand all the same.

The steps are those of `docs/architecture.md`, which tells what is on disk at each, and of DESIGN.md's walk.
"""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from jirabot.core.conversations import RunState
from jirabot.core.deliveries import DeliveryState
from jirabot.core.managers.workspace_changes import WorkspaceUpdate
from jirabot.core.people import SHELL
from jirabot.core.ports import Transaction
from jirabot.sandbox.server import Sandbox

from . import killing
from .daemons import Scene, processes_of, scene_in

PIPELINE = "jirabot.core.managers.pipeline"
EXAMINER = "jirabot.core.managers.examiner"

UNACKNOWLEDGED = [
    pytest.param("jirabot.daemon.webhooks:Door.of_workspace", "before", 1, id="1 receive"),
    pytest.param("jirabot.core.managers.intake:Intake.accept", "before", 1, id="2 accept"),
    pytest.param("jirabot.jira.signatures:verify", "after", 1, id="3 verify"),
    pytest.param("jirabot.jira.envelope:read", "after", 1, id="3½ read the envelope"),
    pytest.param("jirabot.storage.engine:Database.record", "before", 1, id="4 record, before the commit"),
]
"""Jira has had no answer: Cloud sends again, Data Center does not."""

ACKNOWLEDGED = [
    pytest.param("jirabot.storage.engine:Database.record", "after", 1, id="4 record, after the commit"),
    pytest.param("jirabot.storage.inbox:Deliveries.claim_lane", "found", 1, id="5 lease, before the commit"),
    pytest.param(f"{PIPELINE}:Pipeline._handle", "before", 1, id="5 lease, after the commit"),
    pytest.param(f"{EXAMINER}:parse", "after", 1, id="6 parse"),
    pytest.param(f"{EXAMINER}:detect", "after", 1, id="7 detect"),
    pytest.param(f"{EXAMINER}:Examiner._read_back", "after", 1, id="8 gather facts"),
    pytest.param(f"{EXAMINER}:decide", "after", 1, id="9 decide"),
    pytest.param("jirabot.core.openings:start", "after", 1, id="10 advance"),
    pytest.param("jirabot.core.managers.conclusions:Conclusions.write", "after", 1, id="11 write, before the commit"),
    pytest.param(f"{PIPELINE}:Pipeline._handle", "after", 1, id="11 write, after the commit"),
    pytest.param("jirabot.core.managers.runs:Runs.carry", "before", 1, id="12 claim the run"),
    pytest.param("jirabot.agents.checkout:GitCheckouts.prepare", "before", 1, id="12 before the clone"),
    pytest.param("jirabot.agents.checkout:GitCheckouts._clone", "after", 1, id="12 half a clone"),
    pytest.param("jirabot.agents.command:CommandBackend.start", "before", 1, id="12 before the agent"),
    pytest.param("jirabot.agents.command:CommandBackend.start", "after", 1, id="12 after the agent began"),
    pytest.param("jirabot.agents.checkout:GitCheckouts.publish", "before", 1, id="13 before the push"),
    pytest.param("jirabot.agents.checkout:GitCheckouts.publish", "after", 1, id="13 after the push"),
    pytest.param("jirabot.core.reports:conclude", "after", 1, id="13 report, before the commit"),
    pytest.param("jirabot.core.managers.runs:Runs.carry", "after", 1, id="13 report, after the commit"),
    pytest.param("jirabot.storage.outbox:Outbox.begin", "after", 1, id="14 intent, before the commit"),
    pytest.param("jirabot.core.managers.delivery:Delivery._deliver", "before", 1, id="14 intent, after the commit"),
    pytest.param("jirabot.jira.client:Client.post_comment", "after", 1, id="15 first answer posted, not settled"),
    pytest.param("jirabot.jira.client:Client.post_comment", "before", 2, id="15 result not posted"),
    pytest.param("jirabot.jira.client:Client.post_comment", "after", 2, id="15 result posted, not settled"),
    pytest.param("jirabot.storage.outbox:Outbox.settle", "after", 1, id="15 settled, before the commit"),
]
"""The delivery is on disk."""

LOOKING = [
    pytest.param("jirabot.jira.changes:Changes._read", "after", 1, id="searched, not written"),
    pytest.param("jirabot.storage.inbox:Deliveries.record", "found", 1, id="deliveries, before the checkpoint"),
    pytest.param("jirabot.core.managers.finds:Finds.record", "after", 1, id="both, before the commit"),
    pytest.param("jirabot.core.managers.catch_up:CatchUp.look", "found", 1, id="both, after the commit"),
]
"""No webhook told of it: it was found."""

pytestmark = pytest.mark.slow


@pytest.fixture(params=["cloud", "dc"])
async def jira(request: pytest.FixtureRequest) -> AsyncIterator[Sandbox]:
    """A sandbox of each kind; Cloud sends what failed again after a second, five times."""
    async with Sandbox(deployment=request.param, retry_delays=[1.0] * 5) as sandbox:
        yield sandbox


@pytest.fixture
async def scene(jira: Sandbox, tmp_path: Path) -> AsyncIterator[Scene]:
    """A workspace, an issue, and no daemon yet."""
    async with scene_in(jira, tmp_path) as opened:
        yield opened


@pytest.mark.parametrize("jira", ["cloud"], indirect=True)
@pytest.mark.parametrize(("function", "moment", "number"), UNACKNOWLEDGED)
async def test_killed_before_jira_had_its_answer(scene: Scene, function: str, moment: str, number: int) -> None:
    """Nothing is on disk: what Jira sends again is the first that there is."""
    await _killed_at(scene, function, moment, number)
    await _one_answer_and_one_result(scene)


@pytest.mark.parametrize(("function", "moment", "number"), ACKNOWLEDGED)
async def test_killed_after_it(scene: Scene, function: str, moment: str, number: int) -> None:
    """All that is needed is on disk."""
    await _killed_at(scene, function, moment, number)
    await _one_answer_and_one_result(scene)


@pytest.mark.parametrize("jira", ["cloud"], indirect=True)
@pytest.mark.parametrize(("function", "moment", "number"), LOOKING)
async def test_killed_while_it_looked_for_what_no_webhook_told(
    scene: Scene, function: str, moment: str, number: int
) -> None:
    """F84: what was found and how far was looked stand together, or neither: nothing is lost, nothing acts twice."""
    scene.jira.jira.webhooks.clear()
    polled = WorkspaceUpdate(settings={"events": "poll", "poll_every": "1s"})
    await scene.app.workspace_changes.update("acme", polled, by=SHELL)
    asked = await scene.jira.comment(scene.issue.key, "@openhands fix login.py")
    # So long ago that no overlap of looks hides what a checkpoint has passed.
    asked.created = asked.updated = scene.issue.created = scene.issue.updated = asked.created - timedelta(minutes=20)
    await scene.app.storage.write(lambda tx: _look_from(tx, asked.created - timedelta(minutes=1)))
    await scene.app.workspace_changes.deactivate("acme", by=SHELL)

    await scene.daemon.start(killing.PROGRAM, [function, moment, str(number)])
    await scene.app.workspace_changes.activate("acme", by=SHELL)
    assert await scene.daemon.ended() == -9
    await scene.daemon.start()

    await _one_answer_and_one_result(scene)
    assert len(await scene.app.storage.read(lambda tx: tx.deliveries.list())) == 1


def _look_from(tx: Transaction, at: datetime) -> None:
    [known] = tx.checkpoints.list().values()
    tx.checkpoints.save(replace(known, begun_at=at, seen_until=at))


async def _killed_at(scene: Scene, function: str, moment: str, number: int) -> None:
    """Ask for work of a daemon that dies at that step; then start another."""
    await scene.daemon.start(killing.PROGRAM, [function, moment, str(number)])
    await scene.jira.comment(scene.issue.key, "@openhands fix login.py")
    assert await scene.daemon.ended() == -9
    await scene.daemon.start()


async def _one_answer_and_one_result(scene: Scene) -> None:
    """Wait until nothing is left to do, and read what stands.

    A turn that ended before the kill, and was not written down, is had again: there may be two commits then.
    """
    assert "I am on it" in await scene.says()
    assert "Done." in await scene.says()
    await scene.jira.settled(20.0)
    await scene.until_stored(_at_rest)
    assert scene.jira.unread(scene.issue.key) == []
    assert processes_of(scene.app.settings.data_dir) == []
    conversations, runs = await scene.app.storage.read(_written)
    assert (len(conversations), [run.state for run in runs]) == (1, [RunState.FINISHED])


def _at_rest(tx: Transaction) -> bool:
    waiting = (DeliveryState.RECEIVED, DeliveryState.WAITING)
    return tx.outbox.next_due_at() is None and not any(tx.deliveries.list(state=state, limit=1) for state in waiting)


def _written(tx: Transaction):
    conversations = tx.conversations.list()
    return conversations, [run for each in conversations for run in tx.conversations.runs(each.id)]
