"""A daemon that holds the data folder and does nothing: a command waits its 30 s and says so. Its clock hurries."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from jirabot.app import App, open_app
from jirabot.config import Settings
from jirabot.core.breakers import opened
from jirabot.core.conversations import RunState, State
from jirabot.core.ids import BackendName, ConversationId, RunId, WorkspaceId
from jirabot.core.managers.conversations import BACK_WITHIN
from jirabot.core.managers.replays import ReplayWishes
from jirabot.core.managers.workspaces import NewWorkspace
from jirabot.core.pauses import Pause
from jirabot.core.people import SHELL
from jirabot.core.ports import Transaction
from jirabot.core.scopes import EVERYWHERE
from jirabot.errors import DaemonSilent
from jirabot.storage.lock import DataFolderLock
from tests.contract.test_stores.values import conversation, message, run

PAYLOAD = b'{"webhookEvent": "comment_created", "timestamp": 1, "issue": {"id": "10000", "key": "PAY-7"}}'


class HurryingClock:
    """Each look at it finds it fifteen seconds later."""

    def __init__(self) -> None:
        self._at = datetime(2026, 11, 24, 12, tzinfo=UTC)

    def now(self) -> datetime:
        self._at += timedelta(seconds=15)
        return self._at

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)


def _conversations(tx: Transaction, workspace_id: WorkspaceId) -> None:
    for name, state, live in (
        ("working", State.IN_PROGRESS, RunState.RUNNING),
        ("asking", State.AWAITING_INPUT, RunState.ASKED),
    ):
        tx.conversations.add(conversation(name, issue=name, workspace_id=workspace_id, state=state, runs_count=1))
        tx.conversations.add_message(message(name, of=name, workspace_id=workspace_id))
        tx.conversations.add_run(run(name, of=name, workspace_id=workspace_id, state=live))


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[App]:
    """A program with one workspace, beside a daemon that is there and does nothing."""
    settings = Settings(data_dir=tmp_path, use_keyring=False)
    async with open_app(settings, clock=HurryingClock()) as opened:
        wanted = NewWorkspace(
            name="acme", deployment="dc", base_url="http://127.0.0.1:1", api_key="a-token", validate=False
        )
        made = await opened.workspaces.create(wanted, by=SHELL)
        await opened.storage.write(lambda tx: _conversations(tx, made.workspace.id))
        with DataFolderLock(tmp_path):
            yield opened


async def _replay(app: App) -> object:
    return await app.replay(PAYLOAD, ReplayWishes(workspace="acme"), by=SHELL)


async def _stop(app: App) -> object:
    return await app.conversations.stop("working", by=SHELL)


async def _send(app: App) -> object:
    return await app.conversations.send("asking", "this", by=SHELL)


@pytest.mark.parametrize(
    ("command", "told"),
    [
        pytest.param(_replay, "within 30 s", id="replay"),
        pytest.param(_stop, "waited 30 s for the agent to stop, and it has not", id="stop"),
        pytest.param(_send, "waited 30 s for the agent to begin, and it has not", id="send"),
    ],
)
async def test_a_command_does_not_wait_for_ever(
    app: App, command: Callable[[App], Awaitable[object]], told: str
) -> None:
    with pytest.raises(DaemonSilent, match=told):
        await command(app)


def _pause(tx: Transaction, now: datetime) -> None:
    tx.pauses.add(Pause(scope=EVERYWHERE, paused_by="root", paused_at=now))


def _open_breaker(tx: Transaction, now: datetime) -> None:
    tx.breakers.save(replace(opened(BackendName("local"), now=now), due_at=now + timedelta(hours=1)))


def _try_agent(tx: Transaction, now: datetime) -> None:
    """Its time has come, and the other conversation's run tries."""
    tx.breakers.save(replace(opened(BackendName("local"), now=now), due_at=now, probe_run_id=RunId("working")))


def _hold(tx: Transaction, now: datetime) -> None:
    """Let a daemon that lives be at work: it keeps up the lease of the other conversation's run."""
    lost = tx.conversations.claim_run(owner="daemon", now=now, until=now + timedelta(hours=1), limits={})
    assert lost is not None
    assert lost.id == "working"


def _put_off(tx: Transaction, now: datetime) -> None:
    of, due_at = tx.conversations.find(ConversationId("asking")), now + timedelta(hours=1)
    assert of is not None
    later = run("later", of="asking", number=2, workspace_id=of.workspace_id, state=RunState.WAITING, due_at=due_at)
    tx.conversations.add_run(later)


@pytest.mark.parametrize(
    ("holds", "told"),
    [
        pytest.param(_pause, "no new run begins: everything is paused", id="a pause"),
        pytest.param(_open_breaker, "no new run begins: the agent `local` fails", id="an agent that fails"),
        pytest.param(_try_agent, "no new run begins: the agent `local` fails", id="an agent that is tried"),
        pytest.param(_put_off, "the run is tried again at 2026-11-24 13:0", id="a time to come"),
        pytest.param(_hold, "the run waits for its turn: 1 agent is at work", id="others"),
    ],
)
async def test_what_is_held_back_is_no_silence(
    app: App, holds: Callable[[Transaction, datetime], None], told: str
) -> None:
    """It is written down, and what it waits for is told in place of an error."""
    await app.storage.write(lambda tx: holds(tx, app.clock.now()))

    sent = await app.conversations.send("asking", "this", by=SHELL)

    assert (sent.messages[-1].text, sent.messages[-1].given_to) == ("this", None)
    (held,) = await app.conversations.held_back("asking", by=SHELL)
    assert held.text.startswith(told)


async def test_what_was_ordered_is_written_down_all_the_same(app: App) -> None:
    for command in (_replay, _stop, _send):
        with pytest.raises(DaemonSilent):
            await command(app)

    assert [delivery.state.value for delivery, _ in await app.deliveries.list(by=SHELL)] == ["received"]
    working, asking = [await app.conversations.show(name, by=SHELL) for name in ("working", "asking")]
    assert (working.conversation.state, working.runs[0].stop_requested) == (State.STOPPED, True)
    assert (asking.conversation.state, asking.messages[-1].text) == (State.ACTIVE, "this")


async def test_who_follows_a_run_waits_a_minute_for_a_daemon_that_has_gone(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is there at the first look, and gone at all that come after it."""
    daemons = ["the only one"]

    async def go(seen: int, *, within_seconds: float) -> None:
        daemons.clear()

    monkeypatch.setattr(DataFolderLock, "is_held", lambda _: bool(daemons))
    async with open_app(app.settings, clock=HurryingClock()) as command:
        monkeypatch.setattr(command.storage, "changed", go)
        began = command.clock.now()
        following = command.conversations.follow("working", by=SHELL)
        told = await anext(following)
        with pytest.raises(DaemonSilent, match="no daemon runs, so nothing more comes"):
            await anext(following)

    assert (told.kind, told.text) == ("daemon-gone", "no daemon works on it now: `jirabot serve` goes on with it")
    assert command.clock.now() - began > BACK_WITHIN


async def test_what_waits_for_the_turns_end_is_not_waited_for(app: App) -> None:
    """The daemon has the run: what is sent goes to the agent when its turn ends, and the command need not stay."""
    sent = await app.conversations.send("working", "this", by=SHELL)

    assert (sent.messages[-1].text, sent.messages[-1].given_to) == ("this", None)
