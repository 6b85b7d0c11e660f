"""What is old is forgotten with its files and folders, in small steps; what is open, or young, stays."""

import os
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest

from jirabot.app import App, open_app
from jirabot.config import AgentSettings, Settings
from jirabot.core.conversations import State
from jirabot.core.deliveries import DeliveryState, Outcome
from jirabot.core.ids import ConversationId, DeliveryId
from jirabot.core.managers.retention import BATCH, Retention
from jirabot.core.people import SHELL
from jirabot.core.ports import Storage, Transaction
from jirabot.core.retention import Pruned
from jirabot.machine import SystemClock
from jirabot.storage.spool import Spool
from tests.contract.test_stores.values import conversation, delivery, run, run_event, seed

T = TypeVar("T")

LARGE = b"{" + b" " * 300_000 + b"}"
MONTHS = timedelta(days=100)
DONE = Outcome(state=DeliveryState.DONE, decision="any", reason="any", text="Any.")


class LaterClock(SystemClock):
    """The machine's time, and then some."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def now(self) -> datetime:
        return super().now() + self.ahead


@pytest.fixture
def clock() -> LaterClock:
    return LaterClock()


@pytest.fixture
async def app(tmp_path: Path, clock: LaterClock) -> AsyncIterator[App]:
    """An application with the two workspaces in its database."""
    settings = Settings(
        data_dir=tmp_path / "data",
        agents={"local": AgentSettings(type="scripted")},
        environment={"PATH": os.environ["PATH"]},
        use_keyring=False,
    )
    async with open_app(settings, clock=clock) as opened:
        await opened.storage.write(seed)
        yield opened


def finish(tx: Transaction, id: str, now: datetime, **changes: Any) -> None:
    """Add a delivery that is done."""
    new = delivery(id, issue=id, received_at=now, **changes)
    tx.deliveries.record([new])
    lease = tx.deliveries.claim_lane(owner="me", now=now, until=now, only=new.lane_id)
    assert lease is not None
    assert tx.deliveries.conclude(lease, DeliveryId(id), DONE, now=now)
    tx.deliveries.release_lane(lease)


def make_folder(app: App, name: str) -> Path:
    folder = app.settings.data_dir / "conversations" / name
    (folder / "clone").mkdir(parents=True)
    return folder


async def talk(app: App, name: str, state: State) -> Path:
    """Add a conversation that has a folder."""
    now = app.clock.now()
    await app.storage.write(
        lambda tx: tx.conversations.add(conversation(name, issue=name, state=state, created_at=now, updated_at=now))
    )
    return make_folder(app, name)


async def test_the_file_of_a_large_body_goes_with_it(app: App, clock: LaterClock) -> None:
    await app.storage.write(lambda tx: finish(tx, "large", clock.now(), body=LARGE))
    await app.storage.write(lambda tx: tx.deliveries.record([delivery("open", body=LARGE)]))
    clock.ahead = MONTHS

    assert await app.retention.prune(by=SHELL) == Pruned(bodies=1)

    assert [path.name for path in app.settings.spool.iterdir()] == ["open.body"]
    assert await app.storage.read(lambda tx: tx.deliveries.request_of(DeliveryId("large"))) is None


async def test_a_file_that_no_row_names_goes_once_it_is_not_young(app: App, clock: LaterClock) -> None:
    await app.storage.write(lambda tx: tx.deliveries.record([delivery("open", body=LARGE)]))
    (app.settings.spool / "nobody.body").write_bytes(LARGE)

    assert (await app.retention.prune(by=SHELL)).leftovers == 0
    clock.ahead = timedelta(hours=2)
    assert (await app.retention.prune(by=SHELL)).leftovers == 1

    assert [path.name for path in app.settings.spool.iterdir()] == ["open.body"]


async def test_checkouts_of_closed_conversations_go_and_others_stay(app: App, clock: LaterClock) -> None:
    closed, open_ = await talk(app, "closed", State.COMPLETED), await talk(app, "open", State.AWAITING_INPUT)
    clock.ahead = timedelta(days=15)
    touched = await talk(app, "touched", State.FAILED)

    assert (await app.retention.prune(by=SHELL)).checkouts == 1

    assert [folder.is_dir() for folder in (closed, open_, touched)] == [False, True, True]
    assert sorted(path.name for path in closed.parent.iterdir()) == ["open", "touched"]


async def test_a_folder_of_no_conversation_goes_once_it_is_not_young(app: App, clock: LaterClock) -> None:
    folder = make_folder(app, "nobody")
    read_only = folder / "clone" / "read-only"
    read_only.mkdir()
    (read_only / "file").touch()
    read_only.chmod(0o500)

    assert (await app.retention.prune(by=SHELL)).leftovers == 0
    clock.ahead = timedelta(hours=2)
    assert (await app.retention.prune(by=SHELL)).leftovers == 1

    assert list(folder.parent.iterdir()) == []


class Interrupted:
    """A storage on which somebody else does something, once, after the first read that finds *what*."""

    def __init__(self, storage: Storage, what: object, does: Callable[[Transaction], object]) -> None:
        self._storage, self._what, self._does = storage, what, does
        self.is_done = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._storage, name)

    async def read(self, query: Callable[[Transaction], T]) -> T:
        found = await self._storage.read(query)
        if found == self._what and not self.is_done:
            self.is_done = True
            await self._storage.write(self._does)
        return found


def interrupted(app: App, clock: LaterClock, storage: Interrupted) -> Retention:
    return Retention(
        storage=storage,
        checkouts=app.checkouts,
        backends=app.backends,
        bodies=Spool(app.settings.spool),
        settings=app.settings.retention,
        clock=clock,
    )


async def test_a_conversation_that_is_taken_up_again_at_that_moment_keeps_its_checkout(
    app: App, clock: LaterClock
) -> None:
    folder = await talk(app, "c1", State.COMPLETED)
    clock.ahead = timedelta(days=15)
    reopened = conversation(issue="c1", state=State.ACTIVE, updated_at=clock.now())
    storage = Interrupted(app.storage, [ConversationId("c1")], lambda tx: tx.conversations.save(reopened))

    assert (await interrupted(app, clock, storage).prune(by=SHELL)).checkouts == 0

    assert storage.is_done
    assert folder.is_dir()


async def test_a_conversation_that_is_taken_up_again_at_that_moment_keeps_its_reports(
    app: App, clock: LaterClock
) -> None:
    def report(tx: Transaction) -> None:
        tx.conversations.add_run(run("r1"))
        tx.conversations.record_event(run_event("first", run_id="r1"))

    await talk(app, "c1", State.COMPLETED)
    await app.storage.write(report)
    clock.ahead = MONTHS
    reopened = conversation(issue="c1", state=State.ACTIVE, updated_at=clock.now())
    storage = Interrupted(app.storage, [1], lambda tx: tx.conversations.save(reopened))

    assert (await interrupted(app, clock, storage).prune(by=SHELL)).reports == 0

    assert storage.is_done
    assert len(await app.storage.read(lambda tx: tx.conversations.events(ConversationId("c1")))) == 1


async def test_many_are_forgotten_in_short_transactions(app: App, clock: LaterClock) -> None:
    def fill(tx: Transaction) -> None:
        for number in range(2 * BATCH + 1):
            finish(tx, f"d{number}", clock.now())

    await app.storage.write(fill)
    clock.ahead = MONTHS
    before = app.storage.generation()

    assert (await app.retention.prune(by=SHELL)).bodies == 2 * BATCH + 1

    assert app.storage.generation() - before >= 3


async def test_a_dry_run_counts_the_same_and_changes_nothing(app: App, clock: LaterClock) -> None:
    await app.storage.write(lambda tx: finish(tx, "d1", clock.now(), body=LARGE))
    folder = await talk(app, "closed", State.COMPLETED)
    make_folder(app, "nobody")
    clock.ahead = MONTHS
    before = app.storage.generation()

    counted = await app.retention.prune(dry_run=True, by=SHELL)

    assert app.storage.generation() == before
    assert folder.is_dir()
    assert await app.retention.due_seconds() == 0
    assert counted == Pruned(bodies=1, checkouts=1, leftovers=1)
    assert await app.retention.prune(by=SHELL) == counted


async def test_it_is_due_in_the_night_after_the_last_time_whoever_did_it(app: App, clock: LaterClock) -> None:
    assert await app.retention.due_seconds() == 0
    await app.retention.prune(older_than=MONTHS, by=SHELL)
    assert await app.retention.due_seconds() == 0, "of another age than the settings'"
    await app.retention.prune(by=SHELL)

    assert 0 < await app.retention.due_seconds() <= 86_400
    clock.ahead = timedelta(days=1)
    assert await app.retention.due_seconds() == 0
