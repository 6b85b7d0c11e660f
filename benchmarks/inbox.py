"""An inbox of a hundred thousand deliveries: what the commands take to look into it, and whether the door notices.

`python benchmarks/inbox.py`. A command's own work is its time as a function in a process that has imported everything
already (its second and later calls), opening and closing the database included; held to 300 ms. Acknowledging is
measured on it and on an empty one, turn by turn in one run, each stopped while it is the other's turn; held to 1.
"""

import argparse
import asyncio
import contextlib
import io
import statistics
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import timedelta
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import daemons
import load
from daemons import Daemon, Site
from load import Order

from jirabot.app import App
from jirabot.cli.main import main as command
from jirabot.core.deliveries import DeliveryState, NewDelivery, fingerprint, lane_of
from jirabot.core.ids import DeliveryId, IssueId, IssueKey, WorkspaceId
from jirabot.core.ports import Transaction
from jirabot.sandbox.server import Sandbox

BATCH = 250
ISSUES = 5000
BODY = b'{"webhookEvent":"jira:issue_updated","padding":"' + b"x" * 4000 + b'","timestamp":'
AGES = timedelta(days=29)
"""How old they are at most: what is older would be pruned while acknowledging is measured."""

CALLS = 15
RARE = 5000
"""One in so many is dead: what is looked for most is what there is least of."""


def _record(batch: Sequence[NewDelivery], tx: Transaction) -> None:
    tx.deliveries.record(batch)


async def fill(app: App, count: int) -> DeliveryId:
    """Put so many deliveries of the past weeks into the inbox; gives the id of one in the middle."""
    workspace = (await app.directory.all())[0].workspace
    ids: list[DeliveryId] = []
    for first in range(0, count, BATCH):
        batch = [_delivery(app, workspace.id, number, count) for number in range(first, min(first + BATCH, count))]
        await app.storage.write(partial(_record, batch))
        ids.append(batch[0].id)
    return ids[len(ids) // 2]


def _delivery(app: App, workspace_id: WorkspaceId, number: int, count: int) -> NewDelivery:
    issue, received_at = 10000 + number % ISSUES, app.clock.now() - AGES * (1 - number / count)
    timestamp = int(received_at.timestamp() * 1000)
    body = BODY + f"{timestamp}}}".encode()
    return NewDelivery(
        id=DeliveryId(app.ids.sortable()),
        workspace_id=workspace_id,
        lane_id=lane_of(workspace_id, IssueId(str(issue))),
        fingerprint=fingerprint(workspace_id, body, timestamp=timestamp),
        kind="jira:issue_updated",
        issue_id=IssueId(str(issue)),
        issue_key=IssueKey(f"OLD-{issue}"),
        state=_state(number),
        headers={"content-type": "application/json; charset=UTF-8"},
        body=body,
        received_at=received_at,
        decision="ignore",
        reason="no-trigger",
        text="Nothing in it asks the bot for anything",
    )


def _state(number: int) -> DeliveryState:
    if number % RARE == 0:
        return DeliveryState.DEAD
    return DeliveryState.IGNORED if number % 4 else DeliveryState.DONE


def milliseconds_of(*arguments: str) -> list[float]:
    """Time a command's own work, call after call; the first, which imports, does not count."""
    taken: list[float] = []
    for _ in range(CALLS + 1):
        began = time.perf_counter()
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            code = command(list(arguments))
        taken.append((time.perf_counter() - began) * 1000)
        if code:
            raise SystemExit(f"`{' '.join(arguments)}` ended with {code}")
    return taken[1:]


def time_commands(configs: Sequence[Path], ids: Sequence[DeliveryId]) -> None:
    """Time each command on both inboxes."""
    print(f"{'own work of a command, ms':<34} {'empty p50':>10} {'full p50':>10} {'full worst':>10}")
    for words in (["event", "list"], ["event", "list", "--state", "dead"], ["event", "explain", "ID"], ["status"]):
        empty, full = (
            milliseconds_of("--config", str(config), *[delivery_id if word == "ID" else word for word in words])
            for config, delivery_id in zip(configs, ids, strict=True)
        )
        medians = [statistics.median(taken) for taken in (empty, full)]
        print(f"{' '.join(words):<34} {medians[0]:>10.1f} {medians[1]:>10.1f} {max(full):>10.1f}", flush=True)


async def acknowledge(both: Sequence[tuple[Daemon, Site]], base_url: str, rounds: int) -> None:
    """Measure how fast both acknowledge, in turn."""
    for connections in (1, 16, 64):
        rates: list[list[float]] = []
        for number in range(rounds):
            rates.append([])
            for mine, (_, site) in enumerate(both):
                order = Order(
                    url=site.events_url,
                    secret=site.secret,
                    base_url=base_url,
                    connections=connections,
                    seconds=1.5,
                    first=(connections * rounds + number) * 10**6,
                )
                with daemons.stopped(both[1 - mine][0].pid):
                    rates[-1].append((await asyncio.to_thread(load.measure, order)).rate)
        ratio = statistics.median(full / empty for empty, full in rates)
        empty, full = (statistics.median(column) for column in zip(*rates, strict=True))
        print(f"acknowledged a second, {connections:>2} connections {empty:>12.0f} {full:>10.0f}   ratio {ratio:.2f}")


async def main() -> None:
    """Measure everything."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--deliveries", type=int, default=100_000, help="in the full inbox")
    options.add_argument("--rounds", type=int, default=7, help="how often acknowledging is measured, in turn")
    given = options.parse_args()
    sections = {"agents.scripted": {"type": "scripted"}}
    async with contextlib.AsyncExitStack() as stack:
        jira = await stack.enter_async_context(Sandbox())
        both: list[tuple[Daemon, Site]] = []
        configs, ids = [], []
        for name, count in (("empty", 1), ("full", given.deliveries)):
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=f"inbox-{name}-")))
            app, daemon = await stack.enter_async_context(daemons.prepared(folder, sections))
            site = await daemons.connect(app, jira)
            began = time.perf_counter()
            ids.append(await fill(app, count))
            print(f"{count:,} deliveries written in {time.perf_counter() - began:.1f} s")
            configs.append(folder / "jirabot.toml")
            both.append((daemon, site))
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            # A command runs a loop of its own in a main thread of its own.
            await asyncio.get_running_loop().run_in_executor(pool, time_commands, configs, ids)
        for daemon, _ in both:
            await daemon.start()
        await acknowledge(both, jira.base_url, given.rounds)


if __name__ == "__main__":
    asyncio.run(main())
