"""A run that is being carried, with all that belongs to it, and the question whether it is still ours."""

from dataclasses import dataclass

from jirabot.core.conversations import Conversation, Run
from jirabot.core.deliveries import Lease
from jirabot.core.managers.directory import Served
from jirabot.core.ports import Transaction
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
