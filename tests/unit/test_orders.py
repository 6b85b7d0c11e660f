"""How a conversation takes what is asked of it."""

import itertools

import pytest

from jirabot.core.commands import Task
from jirabot.core.conversations import Message, MessageKind, Run, RunState, State
from jirabot.core.decisions import Continue, Reason
from jirabot.core.effects import AddComment, EffectKind
from jirabot.core.ids import EffectId, MessageId, RunId, TriggerKey
from jirabot.core.managers import orders
from jirabot.core.openings import Circumstances
from jirabot.core.ports import Transaction
from jirabot.core.texts import load
from jirabot.core.triggers import ByComment, Trigger, TriggerKind
from jirabot.core.visibility import Public
from jirabot.storage.memory import MemoryStorage

from .values import ADA, GRACE, ISSUE, NOW, WS, comment, conversation

pytestmark = pytest.mark.fast

FIRST = EffectId("first-0")
RUN = RunId("r1")


def around(cause: str) -> Circumstances:
    ids = map(str, itertools.count())
    return Circumstances(workspace_id=WS, texts=load(), cause=cause, now=NOW, new_id=lambda: f"{cause}-{next(ids)}")


@pytest.mark.parametrize(
    ("state", "run", "given", "note"),
    [
        pytest.param(
            State.IN_PROGRESS,
            RunState.RUNNING,
            True,
            "Grace Hopper added something; it goes to the agent when this turn ends (1 waiting).",
            id="while the agent works",
        ),
        pytest.param(
            State.ACTIVE,
            RunState.WAITING,
            False,
            "Grace Hopper added something; it goes to the agent when this turn begins (2 waiting).",
            id="while the run waits for a slot, behind what was asked first",
        ),
        pytest.param(
            State.ACTIVE,
            RunState.WAITING,
            True,
            "Grace Hopper added something; it goes to the agent when this turn begins (1 waiting).",
            id="while the run is to be begun again",
        ),
        pytest.param(
            State.CREATED,
            RunState.HELD,
            True,
            "Grace Hopper added something; it goes to the agent when this turn begins (1 waiting).",
            id="while a person has to say which repository",
        ),
    ],
)
async def test_what_is_added_to_a_run_is_noted_in_its_first_answer(
    state: State, run: RunState, given: bool, note: str
) -> None:
    """Whoever writes to the bot gets a sign."""
    work = conversation(state, first_answer=FIRST)
    first = AddComment(kind=EffectKind.FIRST_ANSWER, text="I am on it", visibility=Public())
    asked = Message(
        id=MessageId("m1"),
        workspace_id=WS,
        conversation_id=work.id,
        seq=0,
        kind=MessageKind.REQUEST,
        author=ADA,
        visibility=Public(),
        text="begin",
        cause=TriggerKey("comment:20000"),
        given_to=RUN if given else None,
        created_at=NOW,
    )
    live = Run(id=RUN, workspace_id=WS, conversation_id=work.id, number=1, state=run, due_at=NOW, created_at=NOW)
    trigger = Trigger(
        key=TriggerKey("comment:20001"),
        kind=TriggerKind.MENTION,
        issue=ISSUE,
        actor=GRACE,
        request=Task(text="and that"),
        visibility=Public(),
        evidence=ByComment(comment=comment(author=GRACE)),
    )

    def change(tx: Transaction) -> list[str]:
        tx.conversations.add(work)
        tx.conversations.add_run(live)
        tx.conversations.add_message(asked)
        tx.outbox.owe([around("first").owe(first, work.issue_id, seq=0, conversation_id=work.id)])
        decision = Continue(conversation=work, trigger=trigger, kind=MessageKind.REQUEST, reason=Reason.CONTINUED)
        orders.go_on(tx, decision, around("comment:20001"))
        return [owed.effect.text for owed in tx.outbox.of_conversation(work.id)]

    assert await MemoryStorage().write(change) == ["I am on it", f"I am on it\n\n{note}"]
