"""What a decision makes: who may read what is owed for it."""

import itertools

import pytest

from jirabot.core.commands import Task
from jirabot.core.conversations import MessageKind, State
from jirabot.core.decisions import Continue, Reason
from jirabot.core.ids import TriggerKey
from jirabot.core.openings import Circumstances, go_on
from jirabot.core.texts import load
from jirabot.core.triggers import ByComment, Order, Remark, Trigger, TriggerKind
from jirabot.core.visibility import Internal, Public, Restricted, Visibility

from .values import ADA, ISSUE, NOW, WS, comment, conversation

pytestmark = pytest.mark.fast

DEVELOPERS = Restricted(type="role", value="Developers")
KEY = TriggerKey("comment:20001")


def said(visibility: Visibility) -> list[Trigger | Remark | Order]:
    """The three ways to say something, with those readers."""
    asked, written = Task(text="go on"), comment(visibility=visibility)
    evidence = ByComment(comment=written)
    kind = TriggerKind.MENTION
    return [
        Trigger(key=KEY, kind=kind, issue=ISSUE, actor=ADA, request=asked, visibility=visibility, evidence=evidence),
        Remark(key=KEY, issue=ISSUE, actor=ADA, comment=written),
        Order(key=KEY, issue=ISSUE, actor=ADA, request=asked, visibility=visibility),
    ]


@pytest.mark.parametrize("kind", range(3), ids=["mention", "reply", "order"])
@pytest.mark.parametrize("state", [State.COMPLETED, State.AWAITING_INPUT])
@pytest.mark.parametrize(
    ("before", "now", "readers"),
    [
        pytest.param(DEVELOPERS, Public(), DEVELOPERS, id="public, where it was restricted"),
        pytest.param(Internal(), Public(), Internal(), id="public, where it was internal"),
        pytest.param(Public(), DEVELOPERS, DEVELOPERS, id="restricted, where it was public"),
        pytest.param(Public(), Public(), Public(), id="public all the time"),
    ],
)
def test_the_next_first_answer_is_for_those_who_may_read_all_that_was_said(
    before: Visibility, now: Visibility, readers: Visibility, state: State, kind: int
) -> None:
    """The run's progress is shown in it, by an agent that remembers all of it."""
    ids = map(str, itertools.count())
    around = Circumstances(workspace_id=WS, texts=load(), cause="c", now=NOW, new_id=lambda: next(ids))
    decision = Continue(
        conversation=conversation(state, visibility=before),
        trigger=said(now)[kind],
        kind=MessageKind.REQUEST,
        reason=Reason.REOPENED,
    )

    opening = go_on(decision, None, around)

    assert [owed.effect.visibility for owed in opening.effects] == [readers]
    assert opening.conversation.visibility == readers
