"""Everything dies and breaks at random, and afterwards each mention has led to its one outcome and its comments.

`python benchmarks/chaos.py` lasts ten minutes; `--seconds 60 --mentions 120` is the short form, which the tests run.
A daemon on SQLite is killed and started again, its agents are killed, connections to Jira are dropped and delayed,
requests are carried out without an answer, webhooks come twice and in another order. Then it all stops, the daemon
may finish, and `verdict.py` looks at what stands in Jira and in the database. Prints the counts; exits 1 where
anything was lost, done twice or out of order. The same `--seed` makes the same mischief, not the same races.
"""

import argparse
import asyncio
import contextlib
import logging
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import aiohttp
import daemons
import verdict
from daemons import Daemon
from verdict import Mention

from jirabot.app import App
from jirabot.core.conversations import LIVE_RUNS
from jirabot.core.deliveries import DeliveryState
from jirabot.core.effects import EffectState
from jirabot.core.managers.repositories import NewRepository
from jirabot.core.people import SHELL
from jirabot.core.ports import Transaction
from jirabot.sandbox.faults import Fault
from jirabot.sandbox.issues import Issue
from jirabot.sandbox.senders import Attempt
from jirabot.sandbox.server import Sandbox

JIRA_SECONDS = 1.0
"""How long the daemon waits for Jira."""

SECTIONS: Mapping[str, Mapping[str, object]] = {
    "outbox": {"grace": "2s"},
    "runs": {"retry_delay": "200ms", "stop_grace": "1s", "drain": "1s", "parallel": 4},
    "workspace": {"no_repository": "empty"},
    "agents.scripted": {"type": "scripted"},
}
RESENT_AFTER = [0.3, 0.7, 1.5, 3.0, 5.0]
"""Jira Cloud sends a webhook again after minutes, and five times; so it does here, only sooner."""

MENTIONS_AN_ISSUE = 4
REST_SECONDS = 240.0
"""How long all that was begun may take to end once nothing breaks any more: the longest back-off, and much to do."""

FAULTS_IN_FORCE = 12
GIT_LABEL = "git"
OWED = (EffectState.PENDING, EffectState.SENDING)
SHOWN_VIOLATIONS = 40


@dataclass
class Chaos:
    """One run of it."""

    jira: Sandbox
    daemon: Daemon
    app: App
    session: aiohttp.ClientSession
    random: random.Random
    mentions: list[Mention] = field(default_factory=list)
    done: Counter[str] = field(default_factory=Counter)
    _faults: list[Fault] = field(default_factory=list)

    async def populate(self, issues: int, folder: Path) -> Sequence[Issue]:
        """Add a repository and the issues; a tenth of them belong to it."""
        repository = _make_repository(folder)
        new = NewRepository(name="acme/shop", url=repository.as_uri(), labels=(GIT_LABEL,))
        await self.app.repositories.add("acme", new, by=SHELL)
        return [
            await self.jira.create_issue(summary=f"Issue {number}", labels=[GIT_LABEL] if number % 10 == 0 else [])
            for number in range(issues)
        ]

    async def mention(self, issues: Sequence[Issue], count: int, seconds: float) -> None:
        """Let two people mention the bot on issues taken at random."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        for number in range(count):
            await asyncio.sleep(began + number * seconds / count - loop.time())
            issue = self.random.choice(issues)
            person = self.random.choice([self.jira.ada, self.jira.grace])
            token = f"m{number:05d}"
            comment = await self.jira.comment(issue.key, f"@openhands note {token}", author=person)
            self.mentions.append(Mention(issue_key=issue.key, comment_id=comment.id, token=token))

    async def kill_daemons(self) -> None:
        """Kill the daemon every few seconds, and start it again at once."""
        while True:
            await asyncio.sleep(self.random.uniform(2.0, 7.0))
            await self.daemon.end(signal.SIGKILL)
            self.done["daemon killed"] += 1
            await self.daemon.start()

    async def kill_agents(self) -> None:
        """Kill one process of an agent every so often, as soon as there is one."""
        while True:
            await asyncio.sleep(self.random.uniform(0.5, 2.0))
            found = await self._agents()
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.random.choice(found), signal.SIGKILL)
                self.done["agent killed"] += 1

    async def _agents(self) -> Sequence[int]:
        # Nothing tells that an agent began: it is looked for.
        while not (found := await asyncio.to_thread(daemons.agents_of, self.daemon.settings.data_dir)):  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.05)
        return found

    async def break_connections(self) -> None:
        """Let single requests to Jira fail, in every way that a network has."""
        late = JIRA_SECONDS * 1.3
        ways: Sequence[tuple[str, dict[str, object]]] = (
            ("reset", {}),
            ("hang", {"seconds": late}),
            ("delay", {"seconds": JIRA_SECONDS / 2}),
            ("delay", {"seconds": late}),
            ("commit-then-drop", {}),
            ("commit-then-hang", {"seconds": late}),
            ("answer", {"status": 503}),
        )
        paths = ({"method": "POST", "path": "/comment$"}, {"method": "PUT"}, {"method": "GET"})
        while True:
            await asyncio.sleep(self.random.uniform(0.1, 0.6))
            does, how = self.random.choice(ways)
            self._fault(does, **self.random.choice(paths), **how)

    async def disturb_webhooks(self) -> None:
        """Send webhooks twice, and some after later ones."""
        while True:
            await asyncio.sleep(self.random.uniform(0.1, 0.5))
            if self.random.random() < 0.5:
                self._fault("duplicate", event="comment|issue", times=self.random.randint(1, 5))
                continue
            holding = self.jira.faults.add("hold", times=None)
            await asyncio.sleep(self.random.uniform(0.2, 0.8))
            holding.times = 0
            holding.release(reverse=True)
            self.done["webhook held, then sent in reverse order"] += len(holding.held)

    async def bring_what_was_lost(self) -> None:
        """Send again once in a while what Jira does not."""
        while True:
            await asyncio.sleep(self.random.uniform(0.5, 3.0))
            await self._send_again()

    def _fault(self, does: str, **how: Any) -> None:
        """Order a fault; only the newest few that did not strike yet stay in force."""
        self._faults.append(self.jira.faults.add(does, **how))
        for old in self._faults[:-FAULTS_IN_FORCE]:
            old.times = 0

    def count_faults(self) -> None:
        """Count what the faults did, by their kind."""
        for fault in self._faults:
            self.done[f"webhook {fault.does}" if fault.event else f"request {fault.does}"] += fault.hits

    async def reign(self, issues: Sequence[Issue], mentions: int, seconds: float) -> None:
        """Let it all happen, and stop it when the last mention is made."""
        async with asyncio.TaskGroup() as tasks:
            works = (
                self.kill_daemons,
                self.kill_agents,
                self.break_connections,
                self.disturb_webhooks,
                self.bring_what_was_lost,
            )
            mischief = [tasks.create_task(work()) for work in works]
            await self.mention(issues, mentions, seconds)
            for each in mischief:
                each.cancel()
        self.jira.faults.clear()
        if self.daemon.process is None:
            await self.daemon.start()

    async def rest(self) -> Sequence[str]:
        """Wait until nothing more comes of anything; says what does not end."""
        loop = asyncio.get_running_loop()
        until = loop.time() + REST_SECONDS
        left: Sequence[str] = ()
        while loop.time() < until:
            await self._send_again()
            left = await self.app.storage.read(_unfinished)
            if not left and all(delivery.succeeded for delivery in self.jira.deliveries):
                return []
            await asyncio.sleep(0.5)
        return [f"not at rest after {REST_SECONDS:.0f} s: {', '.join(left) or 'webhooks'}"]

    async def _send_again(self) -> None:
        """Bring what Jira has given up, as a person does with a replay: Data Center sends nothing twice by itself."""
        for lost in [delivery for delivery in self.jira.deliveries if delivery.done and not delivery.succeeded]:
            with contextlib.suppress(aiohttp.ClientError):
                async with self.session.post(lost.url, data=lost.raw, headers=lost.headers) as answer:
                    again = Attempt(at=lost.attempts[-1].at, headers=lost.headers, status=answer.status)
                lost.attempts.append(again)
                self.done["webhook sent again by hand"] += again.succeeded


def _unfinished(tx: Transaction) -> Sequence[str]:
    """Count what still goes on."""
    states = (DeliveryState.RECEIVED, DeliveryState.WAITING)
    deliveries = sum(count for (_, state), count in tx.deliveries.counts().items() if state in states)
    effects = sum(count for (_, state), count in tx.outbox.counts().items() if state in OWED)
    conversations = tx.conversations.list(limit=verdict.ALL)
    runs = sum(run.state in LIVE_RUNS for c in conversations for run in tx.conversations.runs(c.id))
    counted = {"deliveries": deliveries, "runs": runs, "effects": effects}
    return [f"{count} {name}" for name, count in counted.items() if count]


async def run(deployment: Literal["cloud", "dc"], seconds: float, mentions: int, seed: int, folder: Path) -> int:
    """Make chaos for so long; gives the exit code."""
    async with (
        Sandbox(deployment=deployment, retry_delays=RESENT_AFTER) as jira,
        daemons.prepared(folder, SECTIONS, jira_seconds=JIRA_SECONDS) as (app, daemon),
        aiohttp.ClientSession() as session,
    ):
        await daemons.connect(app, jira)
        chaos = Chaos(jira=jira, daemon=daemon, app=app, session=session, random=random.Random(seed))
        issues = await chaos.populate(max(10, mentions // MENTIONS_AN_ISSUE), folder)
        await daemon.start()
        await chaos.reign(issues, mentions, seconds)
        found = [*await chaos.rest(), *await verdict.judge(app, jira, chaos.mentions)]
        found += [f"process {pid} of an agent is left" for pid in daemons.agents_of(daemon.settings.data_dir)]
        chaos.count_faults()
        print(f"{deployment}, seed {seed}, {seconds:.0f} s, {mentions} mentions on {len(issues)} issues\n")
        print(daemons.table([*sorted(chaos.done.items()), *(await app.storage.read(verdict.counts)).items()]))
    print(f"\n{len(found)} violations", *found[:SHOWN_VIOLATIONS], sep="\n")
    return 1 if found else 0


def _make_repository(folder: Path) -> Path:
    """Make a bare repository with one commit on `main`, as a git host would hold it."""
    work, bare = folder / "work", folder / "shop.git"
    work.mkdir()
    (work / "README.md").write_text("# Shop\n")
    identity = ("-c", "user.name=Ada", "-c", "user.email=ada@acme.example")
    for arguments in (
        ("init", "--quiet", "--initial-branch=main"),
        ("add", "."),
        (*identity, "commit", "-qm", "Open the shop"),
        ("clone", "--quiet", "--bare", ".", str(bare)),
    ):
        subprocess.run(["git", *arguments], cwd=work, check=True)
    return bare


def main() -> int:
    """Read the options, and make chaos."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--seconds", type=float, default=600, help="how long")
    options.add_argument("--mentions", type=int, default=1200, help="how many")
    options.add_argument("--deployment", choices=("cloud", "dc"), default="cloud", help="which kind of Jira")
    options.add_argument("--seed", type=int, default=random.randrange(10**6), help="which mischief")
    options.add_argument("--keep", action="store_true", help="keep data folder and log, and say where")
    given = options.parse_args()
    # The sandbox tells of each connection that breaks; here they are meant to.
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)
    folder = Path(tempfile.mkdtemp(prefix="chaos-"))
    code = asyncio.run(run(given.deployment, given.seconds, given.mentions, given.seed, folder))
    if code or given.keep:
        print(f"kept: {folder}")
    else:
        shutil.rmtree(folder)
    return code


if __name__ == "__main__":
    sys.exit(main())
