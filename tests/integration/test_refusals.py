"""A comment that Jira refuses with 401 or 403 is given up with the third refusal, however else it failed before."""

from dataclasses import replace
from datetime import timedelta

import pytest

from jirabot.app import App
from jirabot.core.effects import EffectState
from jirabot.core.people import SHELL
from jirabot.core.ports import Transaction
from jirabot.sandbox.faults import Fault
from jirabot.sandbox.issues import Issue
from jirabot.sandbox.server import Sandbox

from .test_unknown_fate import E1, Clock, app, clock, issue, jira, step

__all__ = ["app", "clock", "issue", "jira"]

LONG = timedelta(minutes=6)


async def connected(app: App, *, is_there: bool) -> None:
    """Let there be a connection to Jira, or none."""

    def change(tx: Transaction) -> None:
        (workspace,) = tx.workspaces.list()
        tx.workspaces.save(replace(workspace, settings={} if is_there else {"proxy": "http://127.0.0.1:9"}))

    await app.storage.write(change)
    app.directory.forget()


def refuses(jira: Sandbox, *, status: int = 403) -> Fault:
    return jira.faults.add("answer", method="POST", path="/comment$", status=status, times=None)


async def until_dead(app: App, clock: Clock) -> None:
    for _ in range(20):
        if (await step(app, clock))[0].state is EffectState.DEAD:
            return
    raise AssertionError("it is not given up")


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("fails", ["not at all", "no connection", "503", "reset"])
async def test_three_refusals_are_needed_however_it_failed_before(
    app: App, jira: Sandbox, clock: Clock, issue: Issue, fails: str, status: int
) -> None:
    if fails == "no connection":
        await connected(app, is_there=False)
        for _ in range(4):
            assert (await step(app, clock))[0].state is EffectState.PENDING
        await connected(app, is_there=True)
    elif fails != "not at all":
        how = {"503": ("answer", 503), "reset": ("reset", None)}[fails]
        jira.faults.add(how[0], method="POST", path="/comment$", status=how[1], times=4)
        while (await step(app, clock))[0].attempts < 4:
            pass
    refused = refuses(jira, status=status)

    await until_dead(app, clock)

    assert refused.hits == 3


async def test_what_fails_between_them_is_none(app: App, jira: Sandbox, clock: Clock, issue: Issue) -> None:
    refused = refuses(jira)
    await step(app, clock)
    await step(app, clock)
    await connected(app, is_there=False)
    assert (await step(app, clock))[0].state is EffectState.PENDING
    await connected(app, is_there=True)

    await until_dead(app, clock)

    assert refused.hits == 3


async def test_those_before_a_long_time_without_a_connection_are_forgotten(
    app: App, jira: Sandbox, clock: Clock, issue: Issue
) -> None:
    refused = refuses(jira)
    await step(app, clock)
    await step(app, clock)
    await connected(app, is_there=False)
    began = clock.at
    while clock.at < began + LONG:
        assert (await step(app, clock))[0].state is EffectState.PENDING
    await connected(app, is_there=True)

    await until_dead(app, clock)

    assert refused.hits == 5


async def test_it_is_tried_for_less_than_half_a_minute(app: App, jira: Sandbox, clock: Clock, issue: Issue) -> None:
    """Also where it had failed so often that it was tried ever more seldom."""
    await connected(app, is_there=False)
    for _ in range(8):
        await step(app, clock)
    await connected(app, is_there=True)
    refuses(jira)
    await step(app, clock)
    began = clock.at

    await until_dead(app, clock)

    assert clock.at - began < timedelta(seconds=30)


async def test_owed_again_it_may_be_refused_as_often(app: App, jira: Sandbox, clock: Clock, issue: Issue) -> None:
    refused = refuses(jira)
    await until_dead(app, clock)

    await app.outbox.retry(E1, by=SHELL)
    await until_dead(app, clock)

    assert refused.hits == 6
