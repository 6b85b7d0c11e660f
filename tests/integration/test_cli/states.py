"""A data folder that holds one of everything in each state: nothing of it is served, Jira is where nobody answers."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from jirabot.app import open_app
from jirabot.config import load
from jirabot.core.conversations import RunState, State
from jirabot.core.deliveries import DeliveryState, Outcome
from jirabot.core.effects import Effect, EffectState
from jirabot.core.ids import DeliveryId, EffectId, WorkspaceId
from jirabot.core.ports import Transaction
from tests.contract.test_stores.values import conversation, delivery, effect, message, run

from .conftest import Cli

T = TypeVar("T")

LATER = datetime.now(UTC) + timedelta(hours=1)  # noqa: TID251 - commands run by the machine's clock
NOW = LATER - timedelta(hours=2)


def served(cli: Cli, name: str = "acme") -> WorkspaceId:
    """Make a workspace, and give its id."""
    create = ["workspace", "create", name, "--deployment", "dc", "--base-url", f"http://127.0.0.1:1/{name}"]
    made = cli.done(*create, "--svc-acc-api-key", "-", "--no-validate", "--json", typed="a-token\n")
    return WorkspaceId(made.object["id"])


def write(cli: Cli, change: Callable[[Transaction], object]) -> None:
    """Change the database of the program as its stores do."""

    async def main() -> None:
        async with open_app(load(None, data_dir=cli.data)) as app:
            await app.storage.write(change)

    asyncio.run(main())


def read(cli: Cli, query: Callable[[Transaction], T]) -> T:
    """Look into the database of the program as its stores do."""

    async def main() -> T:
        async with open_app(load(None, data_dir=cli.data)) as app:
            return await app.storage.read(query)

    return asyncio.run(main())


def add_delivery(tx: Transaction, workspace_id: WorkspaceId, state: DeliveryState, *, id: str = "") -> None:
    """Add a delivery in *state*, named after it, on an issue of its own."""
    name = id or state.value
    new = delivery(name, issue=name.upper(), workspace_id=workspace_id, received_at=NOW)
    if state in (DeliveryState.RECEIVED, DeliveryState.PAUSED):
        tx.deliveries.record([new._replace(state=state)])
        return
    tx.deliveries.record([new])
    lease = tx.deliveries.claim_lane(owner="me", now=NOW, until=LATER, only=new.lane_id)
    assert lease is not None
    if state is DeliveryState.WAITING:
        tx.deliveries.postpone(lease, DeliveryId(name), due_at=LATER, reason="try-again", text="Jira is away.")
    else:
        outcome = Outcome(state=state, decision="any", reason="any", text="Any.")
        tx.deliveries.conclude(lease, DeliveryId(name), outcome, now=NOW)
    tx.deliveries.release_lane(lease)


def add_conversation(
    tx: Transaction,
    workspace_id: WorkspaceId,
    name: str,
    state: State,
    live: RunState | None = None,
    *,
    issue: str = "",
) -> None:
    """Add a conversation of that name and state on *issue* or its own, with a message, and a run where one lives.

    In one that is closed an agent has worked.
    """
    added = conversation(name, issue=issue or name.upper(), workspace_id=workspace_id, state=state, runs_count=1)
    session = {} if added.is_open else {"conversation": name, "mark": f"JIRABOT_SESSION_DIR=/nowhere/{name}"}
    tx.conversations.add(replace(added, session=session))
    tx.conversations.add_message(message(f"message-{name}", of=name, workspace_id=workspace_id))
    ended = run(f"run-{name}", of=name, workspace_id=workspace_id, state=live or RunState.FINISHED, due_at=NOW)
    tx.conversations.add_run(replace(ended, attempts=0 if live else 1))
    if not added.is_open:
        tx.conversations.give_messages(added.id, ended.id)


def add_effect(
    tx: Transaction,
    workspace_id: WorkspaceId,
    name: str,
    state: EffectState,
    does: Effect | None,
    *,
    now: datetime = NOW,
) -> None:
    """Add an effect of that name in *state*, on an issue of its own; it is sent *now*."""
    tx.outbox.owe([effect(name, issue=name, workspace_id=workspace_id, does=does, due_at=NOW)])
    owed = tx.outbox.find(EffectId(name))
    assert owed is not None
    if state is not EffectState.PENDING:
        begun = tx.outbox.begin(owed, now=now, until=LATER)
        error = "Jira refuses" if state is EffectState.DEAD else ""
        tx.outbox.settle(replace(begun, state=state, error=error))
