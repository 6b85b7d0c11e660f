"""A run that is being carried, with all that belongs to it, and the question whether it is still ours."""

from dataclasses import dataclass
from datetime import datetime

from jirabot.core.audit import Act, Facts, Outcome
from jirabot.core.conversations import Conversation, Run, RunState
from jirabot.core.deliveries import Lease
from jirabot.core.managers import audit
from jirabot.core.managers.directory import Served
from jirabot.core.ports import Transaction
from jirabot.core.workspaces import Workspace
from jirabot.errors import Conflict


class RunLost(Conflict):
    """Another daemon has the run: what was prepared is given up."""

    code = "run-lost"


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """A run with all that belongs to it."""

    run: Run
    conversation: Conversation
    served: Served
    lease: Lease


def held(tx: Transaction, work: Work) -> Conversation:
    """Give the conversation as it is now, where the run is still ours.

    Raises:
        RunLost: another daemon has it.
    """
    conversation = tx.conversations.find(work.conversation.id)
    if conversation is None or not tx.conversations.holds_run(work.lease):
        raise RunLost("another daemon has the run")
    return conversation


def stopped(tx: Transaction, work: Work) -> Run | None:
    """Give the run as it is now, where somebody has asked to stop it since it was taken up or before."""
    run = tx.conversations.find_run(work.run.id)
    return run if run is not None and run.stop_requested else None


def record_run(
    tx: Transaction, act: Act, workspace: Workspace, conversation: Conversation, run: Run, *, now: datetime
) -> None:
    """Write into the audit that a run began or ended: who asked for it, on which issue, with which agent."""
    by = audit.principal(tx, run.workspace_id, run.asker_id or conversation.asker.id)
    audit.record(
        tx,
        act,
        by=by,
        now=now,
        workspace=workspace,
        subject=conversation.id,
        outcome=Outcome.FAILED if run.state is RunState.FAILED else Outcome.DONE,
        **_facts(conversation, run),
    )


def _facts(conversation: Conversation, run: Run) -> Facts:
    facts: Facts = {"run": run.id, "agent": conversation.agent, "issue_key": conversation.issue_key}
    if run.ended_at is None:
        return {**facts, "attempt": run.attempts}
    return {**facts, "attempt": run.attempts, "ending": run.state.value, "failure": run.failure}
