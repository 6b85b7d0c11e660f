"""What keeps work from being begun: of a run that waits the same that the claim goes by, told to whoever asks."""

from datetime import datetime, timedelta

from jirabot.core import checks
from jirabot.core.agents import FailureKind
from jirabot.core.checks import Check
from jirabot.core.conversations import Conversation, RunState
from jirabot.core.managers import breakers
from jirabot.core.managers.pauses import as_check, over
from jirabot.core.ports import Transaction


def held_back(tx: Transaction, conversation: Conversation, *, now: datetime, patience: timedelta) -> tuple[Check, ...]:
    """Tell what holds back the run that a conversation waits for, if it waits for one.

    That it waits for its turn is told once it has done so for *patience*: by then a free daemon would have begun it.
    """
    live = tx.conversations.live_run(conversation.id)
    if live is None or live.state is not RunState.WAITING:
        return ()
    told = [as_check(tx, pause) for pause in over(tx, conversation.workspace_id, conversation.agent)]
    if (breaker := breakers.holding(tx, conversation.agent, now=now)) is not None:
        told.append(checks.breaker(breaker))
    if live.due_at > now:
        told.append(checks.later(live.due_at))
    # A lease that is kept up is the sign that the daemon lives, and has its hands full.
    elif not told and now - live.due_at >= patience and (at_work := tx.conversations.count_leased(now=now)):
        told.append(checks.turn(at_work))
    return tuple(told)


def without_repository(tx: Transaction, conversation: Conversation, *, workspace_name: str) -> tuple[Check, ...]:
    """Tell where work could not begin, and no repository is there that it could have been begun in.

    Of a workspace whose work needs one.
    """
    runs = tx.conversations.runs(conversation.id)
    if not runs or runs[-1].failure != FailureKind.CONFIG or tx.repositories.list(conversation.workspace_id):
        return ()
    return (checks.no_repository(conversation.id, workspace=workspace_name),)
