"""Opens, prolongs and closes the breakers of agents, by how their turns end; tells the issues whose runs wait."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from jirabot.core import breakers, views
from jirabot.core.agents import Ending
from jirabot.core.breakers import AWAY, Breaker, Health
from jirabot.core.conversations import Happening, Run, RunState, State, advance
from jirabot.core.effects import AddComment, EffectKind
from jirabot.core.ids import BackendName
from jirabot.core.managers import troubles
from jirabot.core.managers.troubles import Found
from jirabot.core.openings import Circumstances
from jirabot.core.ports import Transaction
from jirabot.core.scopes import of_agent
from jirabot.core.troubles import Reason, Strike


def judge(
    tx: Transaction, run: Run, agent: BackendName, ending: Ending, *, new_id: Callable[[], str], now: datetime
) -> None:
    """Do with an agent's breaker what the end of a run's turn demands, in the transaction that writes that end."""
    scope, known = of_agent(agent), tx.breakers.find(agent)
    match breakers.health(ending):
        case Health.WELL if known is not None:
            tx.breakers.remove(agent)
            tx.troubles.forgive(scope, Strike.AGENT_FAILED)
            tx.troubles.end(scope, Reason.AGENT_FAILING, now=now)
        case Health.ILL if known is not None:
            if known.probe_run_id == run.id:
                tx.breakers.save(breakers.prolonged(known, now=now))
        case Health.ILL if troubles.strike(tx, scope, Strike.AGENT_FAILED, now=now):
            tx.breakers.save(breakers.opened(agent, now=now))
            troubles.begin(tx, _failing(agent, ending), new_id=new_id(), now=now)


def holding(tx: Transaction, agent: BackendName, *, now: datetime) -> Breaker | None:
    """Find the breaker that keeps an agent's runs from being begun: it is not yet time to try, or another run does."""
    known = tx.breakers.find(agent)
    if known is None or known.due_at > now:
        return known
    probing = tx.conversations.find_run(known.probe_run_id) if known.probe_run_id else None
    return known if probing is not None and probing.state is RunState.RUNNING else None


def tell_waiting(tx: Transaction, run: Run, around: Circumstances) -> None:
    """Say once on a run's issue that the run waits for its agent; the conversation waits as active."""
    conversation = tx.conversations.find(run.conversation_id)
    if conversation is None:
        return
    if conversation.state is State.CREATED:
        tx.conversations.save(advance(conversation, Happening.REPOSITORY_KNOWN, now=around.now))
    text = views.agent_away(around.texts, conversation)
    comment = AddComment(kind=EffectKind.ANSWER, text=text, visibility=conversation.visibility)
    owing = replace(around, cause=f"{AWAY}{run.id}")
    tx.outbox.owe([owing.owe(comment, conversation.issue_id, seq=0, conversation_id=conversation.id)])


def _failing(agent: BackendName, ending: Ending) -> Found:
    kind = getattr(ending, "kind", "")
    return Found(
        scope=of_agent(agent),
        reason=Reason.AGENT_FAILING,
        text=f"the agent `{agent}` has failed three times within five minutes ({kind}): no run is begun with it",
        fix=f"look at `[agents.{agent}]` and its service; one run tries from time to time, and the others follow it; "
        f"`jirabot resume --agent {agent}` lets it try now",
    )
