"""What the first answer tells where more people may read it than the conversation."""

import itertools
from collections.abc import Callable

import pytest

from jirabot.core.conversations import Conversation
from jirabot.core.effects import AddComment, EditComment, EffectKind, OwedEffect
from jirabot.core.ids import EffectId
from jirabot.core.managers import first_answers
from jirabot.core.openings import Circumstances
from jirabot.core.ports import Transaction
from jirabot.core.texts import load
from jirabot.core.visibility import Internal, Public, Restricted, Visibility
from jirabot.storage.memory import MemoryStorage

from .values import NOW, WS, conversation

pytestmark = pytest.mark.fast

DEVELOPERS = Restricted(type="role", value="Developers")
FIRST = EffectId("first")

Tell = Callable[[Transaction, Conversation, Circumstances], None]


def progress(tx: Transaction, work: Conversation, around: Circumstances) -> None:
    first_answers.show_progress(tx, work, ["Now: reading"], around)


def note(tx: Transaction, work: Conversation, around: Circumstances) -> None:
    first_answers.note(tx, work, "Ada added something", around)


def close(tx: Transaction, work: Conversation, around: Circumstances) -> None:
    first_answers.close(tx, work, "Done", around)


PROGRESS, NOTE, DONE = ("I am on it\n\n" + line for line in ("Now: reading", "Ada added something", "Done"))


@pytest.mark.parametrize(
    ("tell", "first_for", "work_for", "told"),
    [
        pytest.param(progress, Public(), Public(), [("edit", PROGRESS, Public())], id="progress, public"),
        pytest.param(progress, DEVELOPERS, DEVELOPERS, [("edit", PROGRESS, DEVELOPERS)], id="progress, restricted"),
        pytest.param(progress, Public(), DEVELOPERS, [], id="progress, restricted since"),
        pytest.param(progress, Public(), Internal(), [], id="progress, internal since"),
        pytest.param(note, Public(), Public(), [("edit", NOTE, Public())], id="a note, public"),
        pytest.param(
            note,
            Public(),
            DEVELOPERS,
            [("new", "Ada added something", DEVELOPERS)],
            id="a note, restricted since, is a comment of its own",
        ),
        pytest.param(close, Public(), Public(), [("edit", DONE, Public())], id="the end, public"),
        pytest.param(close, Public(), DEVELOPERS, [("edit", DONE, Public())], id="the end, restricted since"),
    ],
)
async def test_only_those_are_told_of_the_work_who_may_read_all_that_was_said(
    tell: Tell, first_for: Visibility, work_for: Visibility, told: list[tuple[str, str, Visibility]]
) -> None:
    """A restricted comment narrows the conversation; its first answer stays for whom it was."""
    ids = map(str, itertools.count())
    around = Circumstances(workspace_id=WS, texts=load(), cause="c", now=NOW, new_id=lambda: next(ids))
    work = conversation(visibility=work_for, first_answer=FIRST)
    first = AddComment(kind=EffectKind.FIRST_ANSWER, text="I am on it", visibility=first_for)

    def change(tx: Transaction) -> list[OwedEffect]:
        given = Circumstances(workspace_id=WS, texts=load(), cause="first", now=NOW, new_id=lambda: FIRST)
        tx.outbox.owe([given.owe(first, work.issue_id, seq=0, conversation_id=work.id)])
        tell(tx, work, around)
        return [owed for owed in tx.outbox.of_conversation(work.id) if owed.id != FIRST]

    owed = [each.effect for each in await MemoryStorage().write(change)]

    assert [("edit" if isinstance(e, EditComment) else "new", e.text, e.visibility) for e in owed] == told
