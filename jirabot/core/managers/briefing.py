"""What an agent is told at the beginning of a turn: what was asked, and what else was said on the issue."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from jirabot.core import footers, prompts
from jirabot.core.conversations import Conversation, Message
from jirabot.core.ids import WorkspaceId
from jirabot.core.issues import IssueComment
from jirabot.core.managers.directory import Directory
from jirabot.core.managers.preparation import Ready
from jirabot.core.managers.work import Work
from jirabot.core.ports import Storage, Transaction
from jirabot.core.visibility import may_be_told

COMMENTS_READ = 50
"""How many of an issue's newest comments are read for a prompt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Brief:
    """What goes into a prompt beside the messages. `until`: the time of the newest comment that is known by it."""

    ready: Ready
    said: tuple[IssueComment, ...]
    withheld: int
    """How many more comments there are, by people who are not linked; by setting they are not shown."""
    until: datetime | None
    previous_result: str
    is_known: bool
    """The agent's session knows the issue."""
    is_interrupted: bool

    def prompt(self, messages: Sequence[Message]) -> str:
        """Write the prompt that gives *messages* to the agent."""
        mark = secrets.token_hex(6).upper()
        if self.is_known:
            return prompts.existing_conversation(
                issue=self.ready.issue,
                checkout=self.ready.checkout,
                comments=self.said,
                messages=messages,
                mark=mark,
                interrupted=self.is_interrupted,
                withheld=self.withheld,
            )
        return prompts.new_conversation(
            issue=self.ready.issue,
            checkout=self.ready.checkout,
            comments=self.said,
            messages=messages,
            previous_result=self.previous_result,
            mark=mark,
            withheld=self.withheld,
        )


class Briefing:
    """Gathers briefs."""

    def __init__(self, *, storage: Storage, directory: Directory) -> None:
        self._storage, self._directory = storage, directory

    async def brief(self, work: Work, ready: Ready, *, interrupted: bool) -> Brief:
        """Read what people said on the issue that the agent was not shown, and may be: never the bot's own comments."""
        comments = await self._directory.site(work.served).list_comments(ready.issue.id, newest=COMMENTS_READ)
        conversation, workspace = work.conversation, work.served.workspace
        me, linked_only = workspace.service_account.id, work.served.settings.context == "linked"

        def query(tx: Transaction) -> tuple[set[str], set[str]]:
            asked = {message.cause for message in tx.conversations.messages(conversation.id)}
            own = {c.id for c in comments if tx.outbox.find_by_comment(workspace.id, c.id) is not None}
            own |= {c.id for c in comments if c.author.id == me and footers.mark_in(c.body.markdown) is not None}
            unlinked = _by_unlinked(tx, workspace.id, comments) if linked_only else set()
            return own | {cause.removeprefix("comment:") for cause in asked}, unlinked

        left_out, unlinked = await self._storage.read(query)
        since = conversation.context_until
        new = [
            comment
            for comment in comments
            if comment.id not in left_out
            and may_be_told(comment.visibility, conversation.visibility)
            and not (since and comment.created_at and comment.created_at <= since)
        ]
        return Brief(
            ready=ready,
            said=tuple(_shown(comment) for comment in new if comment.id not in unlinked),
            withheld=sum(comment.id in unlinked for comment in new),
            until=max((c.created_at for c in comments if c.created_at), default=since),
            previous_result=await self._previous_result(conversation),
            is_known=bool(conversation.session),
            is_interrupted=interrupted,
        )

    async def _previous_result(self, conversation: Conversation) -> str:
        """Give what came before: an earlier conversation's result, or this one's own where its session was lost."""
        previous_id = conversation.previous_id
        if conversation.result or previous_id is None:
            return conversation.result
        previous = await self._storage.read(lambda tx: tx.conversations.find(previous_id))
        told = previous is not None and may_be_told(previous.visibility, conversation.visibility)
        return previous.result if previous is not None and told else ""


def _by_unlinked(tx: Transaction, workspace_id: WorkspaceId, comments: Sequence[IssueComment]) -> set[str]:
    """Choose the comments that somebody who is not linked wrote, or changed: it may be their words by now."""
    writers = {comment.id: {comment.author.id, comment.writer.id} for comment in comments}
    linked = {id_ for id_ in set().union(*writers.values()) if tx.users.find_link(workspace_id, id_) is not None}
    return {comment_id for comment_id, ids in writers.items() if not ids <= linked}


def _shown(comment: IssueComment) -> IssueComment:
    """Take off the footer that somebody has copied: it is none of the agent's."""
    return replace(comment, body=replace(comment.body, markdown=footers.without_footer(comment.body.markdown)))
