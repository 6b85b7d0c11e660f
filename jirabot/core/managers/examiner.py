"""Says what a delivery reports and asks, and what that leads to, by what Jira and the database say. Writes nothing.

It is the whole of a dry run, and the first half of a delivery's handling.
"""

import asyncio
from dataclasses import dataclass, replace
from datetime import datetime

from jirabot.core.conversations import Conversation
from jirabot.core.decisions import (
    Decision,
    Distrust,
    Facts,
    Ignore,
    ReadBack,
    Reason,
    confirm,
    decide,
    is_of_another_project,
    only_observed,
    unasked_by,
    waits_for,
)
from jirabot.core.effects import EffectKind, OwedEffect
from jirabot.core.events import (
    CommentCreated,
    CommentDeleted,
    CommentEdited,
    Event,
    IssueUpdated,
    parse,
)
from jirabot.core.footers import mark_in
from jirabot.core.issues import Issue, IssueComment
from jirabot.core.managers import orders
from jirabot.core.managers.comment_marks import words_of
from jirabot.core.managers.directory import Directory, Served
from jirabot.core.managers.permissions import Permissions
from jirabot.core.outcomes import Examination, Found, Reading
from jirabot.core.people import Principal
from jirabot.core.permissions import UNASKED, Standing, is_named
from jirabot.core.ports import Checkouts, Clock, Decode, Storage, Transaction
from jirabot.core.triggers import ByChange, ByComment, Remark, Trigger, detect
from jirabot.core.visibility import kept_from_customers
from jirabot.core.webhooks import nonce_in
from jirabot.errors import JiraGone

LARGE_BYTES = 8 * 1024
"""Larger bodies are parsed beside the loop, where webhooks wait: markup made for it takes 35 µs a letter."""


NOTHING_NEW = frozenset({Reason.OWN_COMMENT, Reason.ALREADY_ACTED})
"""Such an event tells nothing new of its issue: of our own comments, or what an earlier event told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """What a delivery's facts depend on beside its event and the database.

    Whether it is the bot's own comment, when it came, and what Jira says of who asks.
    """

    own: bool
    standing: Standing
    again: bool
    received_at: datetime


class Examiner:
    """Examines deliveries."""

    def __init__(
        self, *, storage: Storage, directory: Directory, checkouts: Checkouts, decode: Decode, clock: Clock
    ) -> None:
        self._storage, self._directory, self._checkouts = storage, directory, checkouts
        self._permissions = Permissions(directory=directory)
        self._decode, self._clock = decode, clock

    async def examine(
        self,
        served: Served,
        body: bytes,
        *,
        by: Principal,
        again: bool = False,
        received_at: datetime | None = None,
    ) -> Examination:
        """Say what *body* reports, what it asks, and what that leads to, by what Jira confirms. Writes nothing.

        *received_at*: when it came, if not now.

        Raises:
            InvalidPayload: it can't be read.
            JirabotError: Jira did not answer what had to be asked.
        """
        reading = await self.read(served, body)
        return await self.judge(served, reading, by=by, again=again, received_at=received_at)

    async def read(self, served: Served, body: bytes) -> Reading:
        """Say what *body* reports and asks by itself: nothing is looked up.

        Raises:
            InvalidPayload: it can't be read.
        """
        if len(body) > LARGE_BYTES:
            event = await asyncio.to_thread(self._parse, served, body)
        else:
            event = self._parse(served, body)
        return Reading(event=event, found=detect(event, served.bot))

    async def judge(
        self,
        served: Served,
        reading: Reading,
        *,
        by: Principal,
        again: bool = False,
        received_at: datetime | None = None,
    ) -> Examination:
        """Say what a body that was read leads to, as `examine` does.

        Raises:
            JirabotError: Jira did not answer what had to be asked.
        """
        event, found = reading.event, reading.found
        own = await self._is_own(served, event)
        occasion = Occasion(own=own, standing=UNASKED, again=again, received_at=received_at or self._clock.now())
        decision = await self._decide(served, found, occasion, unasked=unasked_by(event))
        if event.source.issue is not None and decision.reason not in NOTHING_NEW:
            # What is kept of the issue is older than what has just happened to it.
            self._directory.site(served).forget_issue(event.source.issue.id)
        if not isinstance(found, Trigger | Remark) or isinstance(decision, Ignore):
            return Examination(event=event, found=found, decision=decision, own=own, issue=None)
        read = await self._read_back(served, found)
        proved = confirm(found, read, served.bot) if served.verifies_trigger else _keyed(found, read)
        if isinstance(proved, Ignore | Distrust):
            return Examination(event=event, found=found, decision=proved, own=own, issue=read.issue)
        found = _for_its_readers(proved, read.issue, served)
        if read.issue is not None and is_of_another_project(read.issue.project_key, served.settings.projects):
            elsewhere = Ignore(reason=Reason.OTHER_PROJECT)
            return Examination(event=event, found=found, decision=elsewhere, own=own, issue=read.issue)
        standing = await self._permissions.standing(served, found.actor, read.issue)
        decision = await self._decide(served, found, replace(occasion, standing=standing))
        if served.settings.mode == "observe":
            decision = only_observed(decision)
        return Examination(event=event, found=found, decision=decision, own=own, issue=read.issue, standing=standing)

    def _parse(self, served: Served, body: bytes) -> Event:
        return parse(self._decode(body), served.deployment)

    async def _decide(
        self, served: Served, found: Found, occasion: Occasion, *, unasked: Reason = Reason.NO_TRIGGER
    ) -> Decision:
        facts = await self._storage.read(lambda tx: self.facts(tx, served, found, occasion))
        return decide(found, facts, unasked=unasked)

    def facts(self, tx: Transaction, served: Served, found: Found, occasion: Occasion) -> Facts:
        """Gather what the decision depends on, as it is in this transaction."""
        workspace, session = served.workspace, served.limits.session
        asks = found if isinstance(found, Trigger | Remark) else None
        newest = tx.conversations.newest_of(workspace.id, asks.issue.id) if asks else None
        return Facts(
            service_account=workspace.service_account,
            own_comment=occasion.own,
            link=tx.users.newest_link(workspace.id, asks.actor.id) if asks else None,
            who_may=served.who_may,
            standing=occasion.standing,
            acted=tx.deliveries.acted(workspace.id, asks.key) if asks and not occasion.again else None,
            newest=newest,
            question=_question(tx, newest) if newest and asks and waits_for(newest, asks.actor.id) else None,
            can_continue=newest is not None and not newest.is_open and orders.can_go_on(newest, self._checkouts),
            agent=served.agent,
            is_too_old=bool(session) and self._clock.now() - occasion.received_at > session,
        )

    def may_be_own(self, tx: Transaction, served: Served, event: Event) -> bool:
        """Say whether a comment is the bot's, or may be one that is being sent, by what is known without Jira."""
        comment, issue, workspace = _comment_in(event), event.source.issue, served.workspace
        if comment is None or issue is None:
            return False
        if _is_test(served, comment) or tx.outbox.find_by_comment(workspace.id, comment.id) is not None:
            return True
        if comment.author.id != workspace.service_account.id:
            return False
        return bool(mark_in(comment.body.markdown) or tx.outbox.sending_on(workspace.id, issue.id))

    async def _is_own(self, served: Served, event: Event) -> bool:
        """Say whether a comment is the bot's: known by its id, by the mark of an effect that is being sent, or a test.

        The mark is asked for only where the service account wrote it and a link lets that account be heard: the
        comment's webhook may overtake the answer to our POST.
        """
        comment, issue = _comment_in(event), event.source.issue
        if comment is None or issue is None:
            return False
        workspace, issue_id = served.workspace, issue.id
        if _is_test(served, comment):
            return True

        def query(tx: Transaction) -> tuple[bool, bool]:
            own = tx.outbox.find_by_comment(workspace.id, comment.id) is not None
            return own, is_named(tx.users.find_link(workspace.id, comment.author.id))

        own, linked = await self._storage.read(query)
        if own or not linked or comment.author.id != workspace.service_account.id:
            return own
        site = self._directory.site(served)
        for effect in await self._storage.read(lambda tx: tx.outbox.sending_on(workspace.id, issue_id)):
            since = effect.sent_at or self._clock.now()
            words = words_of(workspace, effect)
            if await site.find_marked(issue_id, effect.id, since=since, words=words) == comment.id:
                return True
        return False

    async def _read_back(self, served: Served, found: Trigger | Remark) -> ReadBack:
        """Ask Jira for the issue, and for the trigger too where it is not believed as it came."""
        site = self._directory.site(served)
        issue_id = found.issue.id
        comment = _comment_of(found)
        try:
            issue = await site.get_issue(issue_id)
            if not served.verifies_trigger:
                return ReadBack(issue=issue)
            if comment is not None:
                return ReadBack(issue=issue, comment=await site.find_comment(issue_id, comment.id))
            if isinstance(found, Trigger) and isinstance(found.evidence, ByChange):
                change = await site.find_change(issue_id, found.evidence.changelog_id)
                return ReadBack(issue=issue, change=change)
        except JiraGone:
            return ReadBack(issue=None)
        return ReadBack(issue=issue)


def _question(tx: Transaction, conversation: Conversation) -> OwedEffect | None:
    asked = [each for each in tx.outbox.of_conversation(conversation.id) if each.effect.kind is EffectKind.QUESTION]
    return asked[-1] if asked else None


def _is_test(served: Served, comment: IssueComment) -> bool:
    """Say whether a comment only tests a webhook: the service account wrote it, with a nonce."""
    return comment.author.id == served.workspace.service_account.id and bool(nonce_in(comment.body.markdown))


def _comment_in(event: Event) -> IssueComment | None:
    match event:
        case CommentCreated(comment=comment) | CommentEdited(comment=comment) | CommentDeleted(comment=comment):
            return comment
        case IssueUpdated(comment=comment):
            return comment
        case _:
            return None


def _comment_of(found: Found) -> IssueComment | None:
    if isinstance(found, Remark):
        return found.comment
    if isinstance(found, Trigger) and isinstance(found.evidence, ByComment):
        return found.evidence.comment
    return None


def _keyed(found: Trigger | Remark, read: ReadBack) -> Trigger | Remark | Ignore:
    """Take over the issue's present key where a trigger is believed as it came."""
    if read.issue is None:
        return Ignore(reason=Reason.GONE)
    return replace(found, issue=found.issue._replace(key=read.issue.key))


def _for_its_readers(found: Trigger | Remark, issue: Issue | None, served: Served) -> Trigger | Remark:
    """On a service desk the answer to a public comment is internal, unless the workspace says otherwise."""
    desk = issue is not None and issue.is_service_desk and served.settings.service_desk == "internal"
    if not desk:
        return found
    visibility = kept_from_customers(found.visibility)
    if isinstance(found, Remark):
        return replace(found, comment=replace(found.comment, visibility=visibility))
    return replace(found, visibility=visibility)
