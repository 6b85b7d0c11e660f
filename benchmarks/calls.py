"""How often Jira is called for 100 mentions by one person on one issue, and how long a conversation is looked for.

`python benchmarks/calls.py`. A mention comes every three seconds, and its run has ended before the next; once with
answers kept (`jirabot.jira.caches`) and once without, by three rules of who may trigger the bot. Then the
conversation of an issue is looked for among 10,000. What we hold it to: 1 ms.
"""

import argparse
import asyncio
import collections
import contextlib
import random
import re
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Literal

import daemons

from jirabot.app import App, open_app
from jirabot.config import Settings, load
from jirabot.core.conversations import Conversation, State
from jirabot.core.ids import AccountId, BackendName, ConversationId, IssueId, IssueKey, WorkspaceId
from jirabot.core.managers.workspaces import NewWorkspace
from jirabot.core.people import SHELL, Account
from jirabot.core.ports import Transaction
from jirabot.core.visibility import Public
from jirabot.daemon.application import serve
from jirabot.jira.caches import NOTHING_KEPT, Ages
from jirabot.machine import SystemClock
from jirabot.sandbox.server import Sandbox
from jirabot.storage.engine import Database

MENTIONS = 100
APART_SECONDS = 3.0
CONVERSATIONS = 10_000
LOOKS = 2_000
RULES = ("linked", "role", "can-edit")
"""`anyone` asks what `linked` does; `group` asks for somebody's groups, as `role` does where a group has it."""
WITHIN_SECONDS = 120.0

AGENT = 'printf \'{"type":"finished","summary":"Done."}\\n\''
_CONFIG = f"""
data_dir = "DATA"
[server]
port = PORT
[limits.cloud]
api_calls_per_hour = 0
[limits.dc]
api_calls_per_hour = 0
[workspace]
no_repository = "empty"
[agents.shell]
type = "command"
command = ["/bin/sh", "-c", '''{AGENT}''']
"""


def settings_in(folder: Path) -> Settings:
    """Write a configuration, and read it."""
    config = folder / "jirabot.toml"
    config.write_text(_CONFIG.replace("DATA", f"{folder}/data").replace("PORT", str(daemons.free_port())))
    return load(config).model_copy(update={"use_keyring": False})


class Clock(SystemClock):
    """The machine's time, and what passes between two mentions."""

    ahead = timedelta(0)

    def now(self) -> datetime:
        return super().now() + self.ahead


@contextlib.asynccontextmanager
async def serving(jira: Sandbox, who_may: str, ages: Ages, clock: Clock) -> AsyncIterator[App]:
    """Run a daemon in this process, for a workspace where *who_may* holds."""
    with tempfile.TemporaryDirectory(prefix="calls-") as folder:
        settings = settings_in(Path(folder))
        async with open_app(settings, clock=clock, ages=ages) as app:
            wanted = NewWorkspace(
                name="acme",
                deployment=jira.deployment,
                base_url=jira.base_url,
                email=jira.bot.email,
                api_key=jira.bot.token,
            )
            made = await app.workspaces.create(wanted, by=SHELL)
            changed = replace(made.workspace, settings={"who_may": who_may})
            await app.storage.write(lambda tx: tx.workspaces.save(changed))
            app.directory.forget()
            jira.add_webhook(app.workspaces.events_url(made.workspace), secret=made.webhook_secret)
            if who_may == "linked":
                account = jira.ada.account_id if jira.deployment == "cloud" else jira.ada.name
                await app.users.link("acme", account, by=SHELL)
            stop, ready = asyncio.Event(), asyncio.Event()
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(serve(app, ready=lambda port: ready.set(), stop=stop))
                await ready.wait()
                yield app
                stop.set()


async def calls(deployment: Literal["cloud", "dc"], rule: str, ages: Ages, mentions: int) -> collections.Counter[str]:
    """Count the service account's requests, by what they ask for."""
    async with Sandbox(deployment=deployment) as jira:
        who_may = _who_may(jira, rule)
        clock = Clock()
        async with serving(jira, who_may, ages, clock):
            issue = await jira.create_issue(summary="The login page is broken")
            await jira.settled(WITHIN_SECONDS)
            already = len(jira.requests)
            for number in range(1, mentions + 1):
                await jira.comment(issue.key, f"@openhands fix it, for the {number}th time")
                await jira.until(partial(_is_answered, jira, issue.key, number), WITHIN_SECONDS)
                clock.ahead += timedelta(seconds=APART_SECONDS)
            await jira.settled(WITHIN_SECONDS)
            asked = jira.requests[already:]
    return collections.Counter(_kind(request.method, request.path) for request in asked if request.actor is jira.bot)


def _who_may(jira: Sandbox, rule: str) -> str:
    """Let Ada in by the rule: by a group, by a role that the group has, or as whoever may edit."""
    group = jira.jira.members.add_group("web team", jira.ada)
    role = jira.jira.members.add_role("Developers")
    role.groups["DEMO"] = [group]
    id_ = group.id if jira.deployment == "cloud" else group.name
    return {"group": f"group:{id_}", "role": f"role:{role.id}"}.get(rule, rule)


def _is_answered(jira: Sandbox, key: str, mentions: int) -> bool:
    """Say whether a first answer and a result stand for each mention."""
    return sum(comment.author is jira.bot for comment in jira.comments(key)) >= 2 * mentions


def _kind(method: str, path: str) -> str:
    return f"{method} {re.sub(r'[0-9]{3,}', 'N', path.partition('/rest/api/')[2])}"


async def looks(count: int) -> list[tuple[float, float]]:
    """Time looking for the newest conversation of an issue among so many, in seconds: the look, and with its reader."""
    with tempfile.TemporaryDirectory(prefix="calls-") as folder:
        settings = settings_in(Path(folder))
        async with Sandbox() as jira, open_app(settings) as app:
            wanted = NewWorkspace(
                name="acme", deployment="cloud", base_url=jira.base_url, email=jira.bot.email, api_key=jira.bot.token
            )
            workspace = (await app.workspaces.create(wanted, by=SHELL)).workspace
            now = app.clock.now()

            def fill(tx: Transaction) -> None:
                for number in range(count):
                    tx.conversations.add(
                        Conversation(
                            id=ConversationId(app.ids.sortable()),
                            workspace_id=workspace.id,
                            issue_id=IssueId(str(number)),
                            issue_key=IssueKey(f"DEMO-{number}"),
                            state=State.COMPLETED,
                            agent=BackendName("shell"),
                            asker=Account(id=AccountId("ada"), display_name="Ada Lovelace"),
                            visibility=Public(),
                            created_at=now,
                            updated_at=now,
                        )
                    )

            await app.storage.write(fill)
            assert isinstance(app.storage, Database)
            return [await _look(app, workspace.id, IssueId(str(random.randrange(count)))) for _ in range(LOOKS)]


async def _look(app: App, workspace_id: WorkspaceId, issue_id: IssueId) -> tuple[float, float]:
    def query(tx: Transaction) -> float:
        began = time.perf_counter()
        assert tx.conversations.newest_of(workspace_id, issue_id) is not None
        return time.perf_counter() - began

    began = time.perf_counter()
    return await app.storage.read(query), time.perf_counter() - began


async def _count(mentions: int) -> None:
    """Count and print."""
    print(f"{f'calls for {mentions} mentions, one each 3 s':<44} {'kept':>8} {'not kept':>8}")
    told: list[tuple[str, collections.Counter[str], collections.Counter[str]]] = []
    for deployment in ("cloud", "dc"):
        for rule in RULES:
            kept = await calls(deployment, rule, Ages(), mentions)
            bare = await calls(deployment, rule, NOTHING_KEPT, mentions)
            print(f"{f'{deployment}, who_may = {rule}':<44} {kept.total():>8} {bare.total():>8}", flush=True)
            told.append((f"{deployment}, {rule}", kept, bare))
    for name, kept, bare in told:
        if name.endswith("role"):
            print(f"\n{name}")
            for kind in sorted(bare):
                print(f"  {kind:<42} {kept[kind]:>8} {bare[kind]:>8}")


async def main() -> None:
    """Measure everything."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--mentions", type=int, default=MENTIONS, help="0: only look for conversations")
    mentions = options.parse_args().mentions
    if mentions:
        await _count(mentions)
    seconds = await looks(CONVERSATIONS)
    print(f"\n{f'the conversation of an issue among {CONVERSATIONS:,}, ms':<44} {'p50':>8} {'p99':>8}")
    for name, side in (("the look", 0), ("with a reader's turn", 1)):
        p50, p99 = (daemons.percentile([pair[side] for pair in seconds], percent) * 1000 for percent in (50, 99))
        print(f"{name:<44} {p50:>8.2f} {p99:>8.2f}")


if __name__ == "__main__":
    asyncio.run(main())
