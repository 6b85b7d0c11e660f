"""The first answer of a run: ONE comment, posted at once and edited in place as the work goes on.

It keeps its own readers: an edit never changes who reads a comment. What is told of the work is left out where one of
them may not read the conversation, which a restricted comment has narrowed since.
"""

from collections.abc import Sequence
from dataclasses import replace

from jirabot.core.conversations import Conversation
from jirabot.core.effects import AddComment, EditComment, EffectKind, OwedEffect
from jirabot.core.openings import Circumstances
from jirabot.core.ports import Transaction
from jirabot.core.troubles import DEGRADING
from jirabot.core.visibility import may_be_told


def show_progress(tx: Transaction, conversation: Conversation, lines: Sequence[str], around: Circumstances) -> None:
    """Let the first answer say how far the work is, unless its Jira is not well: results go first."""
    first, workspace = _find(tx, conversation), tx.workspaces.find(conversation.workspace_id)
    is_well = workspace is None or DEGRADING.isdisjoint(workspace.degraded)
    if first is not None and is_well and _may_tell(first, conversation):
        _edit(tx, first, lines, around)


def note(tx: Transaction, conversation: Conversation, line: str, around: Circumstances) -> None:
    """Let the first answer note what was added; a comment of its own does where not all who read that may know."""
    first = _find(tx, conversation)
    if first is None:
        return
    if _may_tell(first, conversation):
        _edit(tx, first, [line], around)
        return
    comment = AddComment(kind=EffectKind.ANSWER, text=line, visibility=conversation.visibility)
    tx.outbox.owe([around.owe(comment, conversation.issue_id, seq=0, conversation_id=conversation.id)])


def close(tx: Transaction, conversation: Conversation, line: str, around: Circumstances) -> None:
    """Let the first answer end with *line*, which tells nothing of what was done: whoever reads it may know that."""
    first = _find(tx, conversation)
    if first is not None:
        _edit(tx, first, [line], around)


def _find(tx: Transaction, conversation: Conversation) -> OwedEffect | None:
    first = tx.outbox.find(conversation.first_answer) if conversation.first_answer else None
    return first if first is not None and isinstance(first.effect, AddComment) else None


def _may_tell(first: OwedEffect, conversation: Conversation) -> bool:
    return may_be_told(conversation.visibility, first.effect.visibility)


def _edit(tx: Transaction, first: OwedEffect, lines: Sequence[str], around: Circumstances) -> None:
    """Let the first answer say *lines* below its first words; an edit that was not sent yet is overtaken."""
    text = "\n\n".join([first.effect.text, *lines])
    waiting = tx.outbox.pending_edit(first.id)
    if waiting is not None and tx.outbox.replace_text(waiting.id, text):
        return
    edit = EditComment(kind=EffectKind.PROGRESS, target=first.id, text=text, visibility=first.effect.visibility)
    edits = replace(around, cause=f"edit:{around.new_id()}")
    tx.outbox.owe([edits.owe(edit, first.issue_id, seq=0, conversation_id=first.conversation_id)])
