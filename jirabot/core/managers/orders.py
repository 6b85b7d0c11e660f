"""How a conversation takes what is asked of it, by a comment or by a command: written in the caller's transaction."""

from dataclasses import replace
from datetime import timedelta

from jirabot.core import openings, views
from jirabot.core.conversations import NOBODY, Conversation, RunState, State
from jirabot.core.decisions import Continue, Stop
from jirabot.core.ids import ConversationId
from jirabot.core.managers import first_answers
from jirabot.core.openings import Circumstances, Opening
from jirabot.core.ports import Checkouts, Transaction


def can_go_on(closed: Conversation, checkouts: Checkouts) -> bool:
    """Say whether a closed conversation can be taken up again: its checkout is kept, or no agent has begun in it."""
    return not closed.session or checkouts.has_checkout(closed.id)


def go_on(tx: Transaction, decision: Continue, around: Circumstances, *, repeats: bool = False) -> ConversationId:
    """Give a conversation what was said; where a run lives, its first answer notes that it waits.

    *repeats*: that was said before, and is not said twice to an agent that is yet to be told.
    """
    conversation = decision.conversation
    live = tx.conversations.live_run(conversation.id)
    if conversation.state in (State.FAILED, State.EXPIRED) and not conversation.session:
        # No agent has begun: what was asked of the runs that came to nothing is still to be done.
        tx.conversations.take_messages_back(conversation.id)
    waiting = tx.conversations.waiting_messages(conversation.id)
    opening = openings.go_on(decision, live, around)
    if repeats and waiting:
        opening = replace(opening, message=None)
    tx.conversations.save(opening.conversation)
    write(tx, opening, run_exists=live is not None)
    if live is not None:
        line = views.queued(
            around.texts,
            author=decision.trigger.actor,
            waiting_count=len(waiting) + 1,
            is_running=live.state is RunState.RUNNING,
        )
        first_answers.note(tx, opening.conversation, line, around)
    return conversation.id


def stop(tx: Transaction, decision: Stop, around: Circumstances) -> ConversationId:
    """End a conversation's run, or its waiting."""
    live = tx.conversations.live_run(decision.conversation.id)
    opening = openings.stop(decision, live, around)
    tx.conversations.save(opening.conversation)
    if live is not None:
        tx.conversations.request_stop(live.id, cause=decision.trigger.actor.label)
        # What waited for the stopped run's end goes down with it; what is said from now on does not.
        tx.conversations.give_messages(decision.conversation.id, live.id)
    write(tx, opening, run_exists=True)
    return decision.conversation.id


def expire(tx: Transaction, conversation: Conversation, session: timedelta, around: Circumstances) -> None:
    """End a conversation that has rested for too long, and its run."""
    live = tx.conversations.live_run(conversation.id)
    opening = openings.expire(conversation, live, session, around)
    tx.conversations.save(opening.conversation)
    if live is not None:
        tx.conversations.request_stop(live.id, cause=NOBODY)
    write(tx, opening, run_exists=True)


def close(tx: Transaction, conversation: Conversation, by: str, around: Circumstances) -> None:
    """End a conversation whose agent does not work; what waits for a run goes down with it."""
    live = tx.conversations.live_run(conversation.id)
    opening = openings.close(conversation, live, by, around)
    tx.conversations.save(opening.conversation)
    if live is not None:
        tx.conversations.give_messages(conversation.id, live.id)
    write(tx, opening, run_exists=True)


def write(tx: Transaction, opening: Opening, *, run_exists: bool = False) -> None:
    """Write what an opening makes."""
    if opening.message is not None:
        tx.conversations.add_message(opening.message)
    if opening.run is not None:
        (tx.conversations.save_run if run_exists else tx.conversations.add_run)(opening.run)
    tx.outbox.owe(opening.effects)
