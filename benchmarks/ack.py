"""How fast webhooks are acknowledged, beside a handler that only checks their HMAC, turn by turn in one run.

`python benchmarks/ack.py`. Signed bodies of 4 KB, each another one, over connections that stay open; the daemon handles
what it took meanwhile, as it always does. Beside it the floor (`floor.py`), and what the machine allows: `durable.py`
checks, commits and answers, and does no more; and the same again, looking at what comes. While one is measured the
others are stopped (SIGSTOP): they never share the machine. The load comes from a process of its own (`load.py`), which
is no faster than a simple client in Python is; all have the same. What we hold it to: 0.5 of the floor at 16 and 0.65
at 64 connections, p99 10 and 20 ms, and 0.9 of that ratio while ten agents sleep.
"""

import argparse
import asyncio
import contextlib
import statistics
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import daemons
import load
from daemons import Daemon, Site
from load import Measured, Order

from jirabot.app import App
from jirabot.sandbox.server import Sandbox

CONNECTIONS = (1, 16, 64)
BUSY = "while :; do :; done"
LARGE_BYTES = 24_000_000


@dataclass
class Bench:
    """The daemon, the floor and the durable handlers, which take turns."""

    daemon: Daemon
    app: App
    jira: Sandbox
    site: Site
    beside: Sequence[tuple[str, int]]
    """The floor and the durable handlers: address and process id."""
    order: Order
    seconds: float
    rounds: int

    async def ours(self, connections: int) -> Measured:
        """Measure the daemon while the others are stopped."""
        with self._stopped():
            order = replace(self.order, url=self.site.events_url, connections=connections, seconds=self.seconds)
            measured = await asyncio.to_thread(load.measure, order)
        self.order = replace(self.order, first=self.order.first + measured.count + connections)
        if measured.refused:
            raise SystemExit(f"the daemon refused: {measured.refused[0]}")
        return measured

    async def theirs(self, connections: int) -> list[Measured]:
        """Measure the others one by one, while the daemon is stopped."""
        measured = []
        with daemons.stopped(self.daemon.pid):
            for url, pid in self.beside:
                with self._stopped(but=pid):
                    order = replace(self.order, url=url, connections=connections, seconds=self.seconds)
                    measured.append(await asyncio.to_thread(load.measure, order))
        self.order = replace(self.order, first=self.order.first + max(each.count for each in measured) + connections)
        return measured

    @contextlib.contextmanager
    def _stopped(self, *, but: int = 0) -> Iterator[None]:
        with contextlib.ExitStack() as stack:
            for _, pid in self.beside:
                if pid != but:
                    stack.enter_context(daemons.stopped(pid))
            yield

    async def compare(self, name: str, connections: Sequence[int] = CONNECTIONS) -> None:
        """Measure both in turn, and print medians and the ratio, pair by pair."""
        for number in connections:
            rounds = [(await self.ours(number), *await self.theirs(number)) for _ in range(self.rounds)]
            floor = [each[1].rate for each in rounds]
            ratios = [sorted(each[side].rate / each[1].rate for each in rounds) for side in (0, 2, 3)]
            ours, *allowed = (statistics.median(each) for each in ratios)
            late = [statistics.median(each[side].p99 for each in rounds) for side in range(4)]
            print(
                f"{name:<20} {number:>4} {statistics.median(each[0].rate for each in rounds):>7.0f}"
                f" {statistics.median(floor):>8.0f}   {ours:.2f} ({ratios[0][0]:.2f}-{ratios[0][-1]:.2f})"
                f" {allowed[0]:>8.2f} {allowed[1]:>6.2f}"
                f" {late[0]:>8.1f} {late[1]:>6.1f} {late[2]:>7.1f} {late[3]:>6.1f} {self.daemon.megabytes():>6.0f}",
                flush=True,
            )


@contextlib.asynccontextmanager
async def bench(agent: str, agents: int, *, seconds: float, rounds: int) -> AsyncIterator[Bench]:
    """Start both, with so many runs of an agent going on."""
    parallel = max(1, agents)
    sections: dict[str, dict[str, object]] = {
        "agents.shell": {"type": "command", "command": ["/bin/sh", "-c", agent]},
        "runs": daemons.runs_at_once(parallel),
        "workspace": {"no_repository": "empty"},
    }
    async with contextlib.AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ack-")))
        jira = await stack.enter_async_context(Sandbox())
        app, daemon = await stack.enter_async_context(daemons.prepared(folder, sections))
        site = await daemons.connect(app, jira)
        await daemon.start()
        for number in range(agents):
            issue = await jira.create_issue(summary=f"Issue {number}")
            await jira.comment(issue.key, "@openhands wait")
        await daemons.until_running(app, agents)
        programs = (daemons.FLOOR,), (daemons.DURABLE,), (daemons.DURABLE, jira.base_url)
        beside = [stack.enter_context(daemons.beside(each, site.secret, *more)) for each, *more in programs]
        order = Order(url=site.events_url, secret=site.secret, base_url=jira.base_url, connections=1, seconds=seconds)
        yield Bench(daemon, app, jira, site, beside, order, seconds, rounds)


@contextlib.asynccontextmanager
async def large_bodies(on: Bench) -> AsyncIterator[None]:
    """Send bodies of 24 MB one after the other while the context is open."""
    sending = True

    async def send() -> None:
        order = replace(on.order, url=on.site.events_url, body_bytes=LARGE_BYTES, seconds=0.5, first=10**9)
        while sending:
            measured = await asyncio.to_thread(load.measure, order)
            order = replace(order, first=order.first + measured.count + 1)

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(send())
        yield
        sending = False


async def main() -> None:
    """Measure everything."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--seconds", type=float, default=2.0, help="of each measurement")
    options.add_argument("--rounds", type=int, default=7, help="how often each is measured, in turn")
    given = options.parse_args()
    how = {"seconds": given.seconds, "rounds": given.rounds}
    print(f"{'':<20} {'':>4} {'':>7} {'':>8}   {'ratio':<17} {'':>14} {'p99 ms':>8}")
    print(
        f"{'':<20} {'conn':>4} {'ours/s':>7} {'floor/s':>8}   {'ours':<16} {'durable':>6} {'reads':>6}"
        f" {'ours':>8} {'floor':>6} {'durable':>7} {'reads':>6} {'MB':>6}"
    )
    async with bench("true", 0, **how) as quiet:
        print(f"{'idle':<91} {quiet.daemon.megabytes():>22.0f}")
        await quiet.compare("4 KB bodies")
        async with large_bodies(quiet):
            await quiet.compare("24 MB bodies beside", [16])
    async with bench(daemons.SLEEPER, 10, **how) as sleeping:
        await sleeping.compare("10 agents sleep", [16, 64])
    async with bench(BUSY, 2, **how) as busy:
        await busy.compare("2 agents are busy", [16, 64])


if __name__ == "__main__":
    asyncio.run(main())
