"""How a workspace's comments are known again: by a property that nobody sees, or by a footer where Jira drops those.

Which of the two is found out at the first comment. Until then, one of unknown fate is known by its words.
"""

import contextlib
from dataclasses import replace

from jirabot.core.effects import AddComment, OwedEffect
from jirabot.core.ids import CommentId, EffectId
from jirabot.core.managers.directory import Directory, Served
from jirabot.core.ports import Events, JiraSite, Storage, Transaction
from jirabot.core.texts import Texts
from jirabot.core.workspaces import CommentMark, Workspace
from jirabot.errors import JirabotError


class CommentMarks:
    """Finds out how comments are marked, and makes footers."""

    def __init__(self, *, storage: Storage, directory: Directory, texts: Texts, log: Events) -> None:
        self._storage, self._directory, self._texts, self._log = storage, directory, texts, log

    def footer(self, served: Served, effect_id: EffectId) -> str:
        """Make the footer of a comment; empty where it needs none."""
        needed = served.workspace.comment_mark is CommentMark.FOOTER
        return self._texts.say("comment.footer", effect=effect_id) if needed else ""

    async def prove(self, served: Served, site: JiraSite, effect: OwedEffect, comment_id: CommentId) -> None:
        """Look once whether Jira has kept the property of a comment; where that can't be told, the next one will."""
        if served.workspace.comment_mark is not CommentMark.UNPROVED or not isinstance(effect.effect, AddComment):
            return
        with contextlib.suppress(JirabotError):
            if await site.is_marked(comment_id, effect.id):
                await self._remember(served.workspace, CommentMark.PROPERTY)
            elif await site.find_comment(effect.issue_id, comment_id) is not None:
                await self._remember(served.workspace, CommentMark.FOOTER)

    async def _remember(self, workspace: Workspace, mark: CommentMark) -> None:
        def change(tx: Transaction) -> None:
            present = tx.workspaces.find(workspace.id)
            if present is not None and present.comment_mark is CommentMark.UNPROVED:
                tx.workspaces.save(replace(present, comment_mark=mark))

        await self._storage.write(change)
        self._directory.forget()
        if mark is CommentMark.FOOTER:
            self._log.tell(
                "workspace.unmarked",
                level="warning",
                workspace=workspace.name,
                hint="this Jira drops comment properties: a line at the end of each comment takes their place",
            )


def words_of(workspace: Workspace, effect: OwedEffect) -> str:
    """Give the text by which a comment that bears no mark is known; empty where each bears one."""
    is_new = isinstance(effect.effect, AddComment)
    return effect.effect.text if is_new and workspace.comment_mark is not CommentMark.PROPERTY else ""
