"""The first answer of a run: ONE comment, posted at once and edited in place as the work goes on."""

from collections.abc import Sequence
from dataclasses import replace

from jirabot.core.conversations import Conversation
from jirabot.core.effects import AddComment, EditComment, EffectKind
from jirabot.core.openings import Circumstances
from jirabot.core.ports import Transaction
from jirabot.core.troubles import DEGRADING


def show(tx: Transaction, conversation: Conversation, lines: Sequence[str], around: Circumstances) -> None:
    """Let the first answer say *lines* below its first words; an edit that was not sent yet is overtaken.

    The comment keeps its own visibility: an edit never changes who reads it.
    """
    first = tx.outbox.find(conversation.first_answer) if conversation.first_answer else None
    if first is None or not isinstance(first.effect, AddComment):
        return
    text = "\n\n".join([first.effect.text, *lines])
    waiting = tx.outbox.pending_edit(first.id)
    if waiting is not None and tx.outbox.replace_text(waiting.id, text):
        return
    edit = EditComment(kind=EffectKind.PROGRESS, target=first.id, text=text, visibility=first.effect.visibility)
    edits = replace(around, cause=f"edit:{around.new_id()}")
    tx.outbox.owe([edits.owe(edit, conversation.issue_id, seq=0, conversation_id=conversation.id)])


def show_progress(tx: Transaction, conversation: Conversation, lines: Sequence[str], around: Circumstances) -> None:
    """Let the first answer say how far the work is, unless its Jira is not well: results go first."""
    workspace = tx.workspaces.find(conversation.workspace_id)
    if workspace is None or DEGRADING.isdisjoint(workspace.degraded):
        show(tx, conversation, lines, around)
