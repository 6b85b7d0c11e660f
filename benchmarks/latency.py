"""How long a person waits for the first answer: from the comment in Jira to the bot's comment below it.

`python benchmarks/latency.py`. First with a Jira that answers at once, beside a bare aiohttp handler that makes the
same requests and keeps nothing, turn by turn in one run; then with fifty agents at work and a Jira that takes 300 ms
for each request, on Cloud and on Data Center. Both times are the sandbox's own. What we hold it to in the second case:
p99 under 5 s on Cloud and 10 s on Data Center.
"""

import argparse
import asyncio
import contextlib
import statistics
import tempfile
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import daemons

from jirabot.app import App
from jirabot.sandbox.issues import Comment, Issue, Webhook
from jirabot.sandbox.server import Sandbox

IN_FLIGHT = (1, 10, 100)
SAMPLES = 200
JIRA_SECONDS = 0.3
RUNS_GOING = 50
WITHIN_SECONDS = 120.0


@dataclass
class Bench:
    """A Jira with issues enough, each asked about once, and those who answer."""

    jira: Sandbox
    app: App

    async def ask(self, number: int) -> list[float]:
        """Mention the bot on so many new issues at once; gives the seconds that each answer took."""
        issues = [await self.jira.create_issue(summary=f"Issue {each}") for each in range(number)]
        await self.jira.settled(WITHIN_SECONDS)
        asked = [await self.jira.comment(issue.key, "@openhands wait") for issue in issues]
        await self.jira.until(lambda: all(self._answer(issue) for issue in issues), WITHIN_SECONDS)
        return [self._seconds(comment, issue) for comment, issue in zip(asked, issues, strict=True)]

    def _answer(self, issue: Issue) -> Comment | None:
        return next((comment for comment in issue.comments if comment.author is self.jira.bot), None)

    def _seconds(self, asked: Comment, issue: Issue) -> float:
        answer = self._answer(issue)
        assert answer is not None
        return (answer.created - asked.created).total_seconds()


@contextlib.asynccontextmanager
async def bench(deployment: Literal["cloud", "dc"], parallel: int) -> AsyncIterator[tuple[Bench, daemons.Site]]:
    """Start a daemon whose agents sleep, so many at once."""
    sections: dict[str, dict[str, object]] = {
        "agents.shell": {"type": "command", "command": ["/bin/sh", "-c", daemons.SLEEPER]},
        "runs": daemons.runs_at_once(parallel),
        "workspace": {"no_repository": "empty"},
    }
    with tempfile.TemporaryDirectory(prefix="latency-") as folder:
        async with (
            Sandbox(deployment=deployment) as jira,
            daemons.prepared(Path(folder), sections) as (app, daemon),
        ):
            site = await daemons.connect(app, jira)
            await daemon.start()
            one = Bench(jira, app)
            await one.ask(parallel)
            await daemons.until_running(app, parallel)
            yield one, site


def shown(name: str, in_flight: int, seconds: Sequence[float]) -> None:
    """Print a line."""
    p50, p99 = (daemons.percentile(seconds, percent) * 1000 for percent in (50, 99))
    print(f"{name:<44} {in_flight:>9} {len(seconds):>7} {p50:>9.1f} {p99:>9.1f}", flush=True)


async def beside_the_floor(samples: int) -> None:
    """Measure against the bare handler: one webhook is switched off while the other's receiver is asked."""
    async with bench("cloud", 1) as (one, site):
        jira = one.jira
        with daemons.beside(daemons.FLOOR, site.secret, jira.base_url, jira.bot.email, jira.bot.token) as (url, _):
            ours, theirs = (*jira.jira.webhooks.values(), jira.add_webhook(url, secret=site.secret))
            for number in IN_FLIGHT:
                rounds = max(3, samples // number)
                pairs = [
                    (await _of(one, ours, theirs, number), await _of(one, theirs, ours, number)) for _ in range(rounds)
                ]
                for name, side in (("jirabot", 0), ("the same requests, nothing kept", 1)):
                    shown(name, number, [seconds for pair in pairs for seconds in pair[side]])
                ratio = statistics.median(statistics.median(mine) / statistics.median(bare) for mine, bare in pairs)
                print(f"{'ratio of the medians, pair by pair':<44} {number:>9} {'':>7} {ratio:>9.2f}")


async def _of(one: Bench, on: Webhook, off: Webhook, number: int) -> list[float]:
    on.enabled, off.enabled = True, False
    return await one.ask(number)


async def with_a_slow_jira(deployment: Literal["cloud", "dc"], samples: int) -> None:
    """Measure with many runs going and a Jira that takes its time."""
    async with bench(deployment, RUNS_GOING) as (one, _):
        one.jira.faults.add("delay", seconds=JIRA_SECONDS, times=None)
        for number in IN_FLIGHT:
            rounds = max(1, samples // 4 // number)
            seconds = [each for _ in range(rounds) for each in await one.ask(number)]
            shown(f"{deployment}, {RUNS_GOING} runs, Jira takes {JIRA_SECONDS * 1000:.0f} ms", number, seconds)


async def main() -> None:
    """Measure everything."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--samples", type=int, default=SAMPLES, help="of each kind, about")
    samples = options.parse_args().samples
    print(f"{'':<44} {'in flight':>9} {'answers':>7} {'p50 ms':>9} {'p99 ms':>9}")
    await beside_the_floor(samples)
    await with_a_slow_jira("cloud", samples)
    await with_a_slow_jira("dc", samples)


if __name__ == "__main__":
    asyncio.run(main())
