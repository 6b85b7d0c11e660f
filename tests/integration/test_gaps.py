"""A gap of very much is written in portions, and one who was interrupted goes on where it was."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from jirabot.app import App, open_app
from jirabot.core.catching_up import Span
from jirabot.core.deliveries import Delivery, DeliveryState, Lease, Origin
from jirabot.core.managers.conclusions import LeaseLost
from jirabot.core.managers.directory import Served
from jirabot.core.managers.finds import Finds
from jirabot.core.managers.gaps import PORTION, Gaps
from jirabot.core.managers.workspaces import NewWorkspace
from jirabot.core.people import SHELL
from jirabot.core.ports import Transaction
from jirabot.core.texts import load
from jirabot.jira import envelope
from jirabot.sandbox.server import Sandbox
from tests.e2e.stage import settings_for

START = datetime(2026, 11, 26, 12, tzinfo=UTC)
COMMENTS = 2 * PORTION + 50


@dataclass
class Clock:
    at: datetime = START

    def now(self) -> datetime:
        return self.at

    async def sleep(self, seconds: float) -> None:
        """Nothing is waited for here but the next time to renew the lease, which does not come."""
        await asyncio.Event().wait()


class PowerCut(Exception):
    """The process is gone."""


@dataclass
class Watched:
    """The storage, as `Gaps` uses it: counts what each transaction records, and is gone after so many of them."""

    app: App
    last: int = 99
    counts: list[int] = field(default_factory=list)

    async def write(self, change: Callable[[Transaction], Any]) -> Any:
        def counted(tx: Transaction) -> tuple[Any, int]:
            before = _count(tx)
            return change(tx), _count(tx) - before

        if len(self.counts) >= self.last:
            raise PowerCut
        result, count = await self.app.storage.write(counted)
        self.counts.append(count)
        return result


def _count(tx: Transaction) -> int:
    return len(tx.deliveries.list(origin=Origin.CATCH_UP, limit=10_000))


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


def gaps(app: App, storage: Any) -> Gaps:
    finds = Finds(directory=app.directory, decode=envelope.decode, clock=app.clock, ids=app.ids)
    return Gaps(storage=storage, finds=finds, texts=load(), clock=app.clock, ids=app.ids)


@pytest.fixture
async def gap(app: App, jira: Sandbox, clock: Clock) -> tuple[Lease, Served, Delivery]:
    """A gap with many comments, that somebody wants filled and a worker has claimed."""
    wanted = NewWorkspace(
        name="acme", deployment="cloud", base_url=jira.base_url, email=jira.bot.email, api_key=jira.bot.token
    )
    made = await app.workspaces.create(wanted, by=SHELL)
    served = await app.directory.get(made.workspace.id)
    clock.at += timedelta(hours=1)
    talked, other = [await jira.create_issue(summary=summary) for summary in ("Talked about", "Another")]
    for number in range(COMMENTS):
        await jira.comment(talked.key, f"{number}")
    clock.at += timedelta(minutes=1)
    await jira.comment(other.key, "x")
    clock.at += timedelta(hours=48)
    missed = Span(since=START, until=START + timedelta(hours=24))
    await app.storage.write(lambda tx: gaps(app, app.storage).record(tx, served, missed))

    def claim(tx: Transaction) -> tuple[Lease, Served, Delivery]:
        (known,) = tx.deliveries.list(origin=Origin.GAP)
        assert tx.deliveries.retry(known.id, now=clock.now())
        lease = tx.deliveries.claim_lane(owner="me", now=clock.now(), until=clock.now() + timedelta(minutes=1))
        assert lease is not None
        return lease, served, known

    return await app.storage.write(claim)


async def body_of(app: App, delivery: Delivery) -> bytes:
    kept = await app.storage.read(lambda tx: tx.deliveries.request_of(delivery.id))
    assert kept is not None
    return kept.body


async def test_no_transaction_writes_more_than_a_portion(app: App, gap: tuple[Lease, Served, Delivery]) -> None:
    lease, served, delivery = gap
    storage = Watched(app)

    outcome = await gaps(app, storage).fill(lease, served, delivery, await body_of(app, delivery))

    assert (max(storage.counts), sum(storage.counts)) == (PORTION, COMMENTS + 1)
    assert len(storage.counts) == 4
    assert outcome.state is DeliveryState.DONE
    assert outcome.text.endswith(f": {COMMENTS + 1} new")


@pytest.mark.parametrize("last", [0, 1, 2, 3])
async def test_a_power_cut_between_portions_loses_and_repeats_nothing(
    app: App, gap: tuple[Lease, Served, Delivery], last: int
) -> None:
    lease, served, delivery = gap
    with pytest.raises(PowerCut):
        await gaps(app, Watched(app, last)).fill(lease, served, delivery, await body_of(app, delivery))

    outcome = await gaps(app, app.storage).fill(lease, served, delivery, await body_of(app, delivery))

    told = await app.storage.read(lambda tx: tx.deliveries.list(origin=Origin.CATCH_UP, limit=10_000))
    assert len(told) == len({each.trigger_key or each.id for each in told}) == COMMENTS + 1
    assert outcome.text.endswith(f": {COMMENTS + 1} new")


async def test_who_has_lost_the_lane_writes_nothing(app: App, gap: tuple[Lease, Served, Delivery]) -> None:
    lease, served, delivery = gap
    with pytest.raises(LeaseLost):
        await gaps(app, app.storage).fill(replace(lease, epoch=9), served, delivery, await body_of(app, delivery))
    assert await app.storage.read(_count) == 0
