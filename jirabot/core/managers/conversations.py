"""Conversations as people ask about them, and what they have done with them beside Jira.

What needs an agent's process is written down as the same rows that a comment would make; the daemon carries it out.
"""

import contextlib
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from jirabot.core import objects
from jirabot.core.access import Rights, insiders
from jirabot.core.audit import Act
from jirabot.core.checks import Check
from jirabot.core.commands import Command, Request, Task
from jirabot.core.conversations import (
    LIVE_RUNS,
    Attendance,
    Conversation,
    Message,
    MessageKind,
    Run,
    RunEvent,
    RunState,
)
from jirabot.core.decisions import Continue, Reason, Stop
from jirabot.core.effects import OwedEffect
from jirabot.core.ids import AccountId, ConversationId, IssueKey, MessageId, RunId, TriggerKey
from jirabot.core.issues import IssueRef
from jirabot.core.managers import audit, orders, troubles, waiting
from jirabot.core.managers.gate import check_administers, named_to, rights_in
from jirabot.core.managers.naming import check_before, check_named, check_one_workspace
from jirabot.core.managers.sights import Sights
from jirabot.core.openings import Circumstances
from jirabot.core.people import Principal, account_of
from jirabot.core.ports import AgentBackend, Checkouts, Clock, Ids, Storage, Transaction
from jirabot.core.texts import Texts
from jirabot.core.triggers import Order
from jirabot.core.visibility import Internal
from jirabot.errors import AgentUnavailable, Conflict, ConversationNotFound, DaemonSilent, Forbidden, InvalidInput

CARRIED_OUT_WITHIN = timedelta(seconds=30)
"""How long a command waits until a daemon has done what was written down for it."""

LOOK_SECONDS = 0.5

BACK_WITHIN = timedelta(minutes=1)
"""How long who follows a run waits for a daemon that has gone meanwhile: it may only be started anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A conversation as lists show it. `interrupted`: its agent had begun, and nobody works on that now."""

    conversation: Conversation
    workspace_name: str
    interrupted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class WholeConversation:
    """A conversation with everything that belongs to it. `interrupted`: as in `Listed`."""

    conversation: Conversation
    workspace_name: str
    interrupted: bool
    messages: tuple[Message, ...]
    runs: tuple[Run, ...]
    events: tuple[RunEvent, ...]
    effects: tuple[OwedEffect, ...]
    insiders: frozenset[AccountId] = frozenset()


class Conversations:
    """Shows conversations, and orders for them what a comment could ask."""

    def __init__(
        self,
        *,
        storage: Storage,
        sights: Sights,
        checkouts: Checkouts,
        backends: Mapping[str, AgentBackend],
        daemon_runs: Callable[[], bool],
        is_interrupted: Callable[[Run], bool],
        texts: Texts,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._is_interrupted = is_interrupted
        self._storage, self._sights, self._checkouts, self._backends = storage, sights, checkouts, backends
        self._daemon_runs, self._texts, self._clock, self._ids = daemon_runs, texts, clock, ids

    async def list(
        self, *, by: Principal, workspace_name: str | None = None, limit: int = 50, before: str | None = None
    ) -> Sequence[Listed]:
        """List the newest conversations first; with *before*, those behind that one.

        Those that *by* administers, or takes part in and may still read. Jira is not asked what else it may see, and so
        none that is internal is listed to those who may be customers.

        Raises:
            WorkspaceNotFound: there is none of that name.
            FieldsInvalid: there is none to be behind.
        """

        def query(tx: Transaction) -> Sequence[Listed]:
            names = {workspace.id: workspace.name for workspace in tx.workspaces.list()}
            workspace_id = named_to(tx, workspace_name, by).id if workspace_name else None
            rights = rights_in(tx, by)
            check_before(before, lambda id_: _get_listed(tx, id_, rights))
            found = tx.conversations.list(workspace_id=workspace_id, limit=limit, seen=rights.sight, before=before)
            interrupted = {run.conversation_id for run in tx.conversations.running() if self._is_interrupted(run)}
            return [
                Listed(conversation=each, workspace_name=names[each.workspace_id], interrupted=each.id in interrupted)
                for each in found
            ]

        return await self._storage.read(query)

    async def show(self, conversation_id: str, *, by: Principal) -> WholeConversation:
        """Give a conversation by its id, whole.

        Who takes no part in it sees it where Jira lets their account see its issue; one that not all of the issue's
        readers may read is seen by who wrote to its readers, but not by customers of a service desk.

        Raises:
            ConversationNotFound: there is none, or *by* may not see it.
            JiraRefused, JiraUnreachable, JiraSilent, JiraBroken: Jira had to be asked, and does not say.
        """

        def query(tx: Transaction) -> tuple[Sequence[WholeConversation], Rights]:
            found = tx.conversations.find(ConversationId(conversation_id))
            return [self._whole(tx, found)] if found else [], rights_in(tx, by)

        seen = await self._seen(query)
        if not seen:
            raise ConversationNotFound(f"there is no conversation `{conversation_id}`", hint=_LIST)
        return seen[0]

    async def find(
        self,
        conversation_id: str | None,
        *,
        issue_key: str | None = None,
        workspace_name: str | None = None,
        by: Principal,
    ) -> WholeConversation:
        """Find a conversation by its id, or the newest on an issue, whole; to be seen as in `show`.

        Raises:
            ConversationNotFound, WorkspaceNotFound: there is none, or *by* may not see it.
            InvalidInput: not exactly one of id and issue is given.
            Conflict: the issue's key is in more than one workspace, and none is named.
        """
        check_named("a conversation", conversation_id, issue_key, workspace_name)
        if conversation_id:
            return await self.show(conversation_id, by=by)
        key = IssueKey((issue_key or "").upper())

        def query(tx: Transaction) -> tuple[Sequence[WholeConversation], Rights]:
            only = named_to(tx, workspace_name, by).id if workspace_name else None
            newest = [each for each in tx.conversations.newest_on(key) if only in (None, each.workspace_id)]
            return [self._whole(tx, each) for each in newest], rights_in(tx, by)

        seen = await self._seen(query)
        check_one_workspace(key, [whole.workspace_name for whole in seen])
        if not seen:
            there = f" in `{workspace_name}`" if workspace_name else ""
            raise ConversationNotFound(f"there is no conversation on `{issue_key}`{there}", hint=_LIST)
        return seen[0]

    def _whole(self, tx: Transaction, found: Conversation) -> WholeConversation:
        workspace, messages = tx.workspaces.find(found.workspace_id), tuple(tx.conversations.messages(found.id))
        runs = tuple(tx.conversations.runs(found.id))
        return WholeConversation(
            conversation=found,
            workspace_name=workspace.name if workspace else "",
            interrupted=any(self._is_interrupted(run) for run in runs),
            messages=messages,
            runs=runs,
            events=tuple(tx.conversations.events(found.id)),
            effects=tuple(tx.outbox.of_conversation(found.id)),
            insiders=insiders(found, tx.conversations.participants(found.id), messages),
        )

    async def _seen(
        self, query: Callable[[Transaction], tuple[Sequence[WholeConversation], Rights]]
    ) -> Sequence[WholeConversation]:
        """Give those that may be seen by whom the rights are of."""
        found, rights = await self._storage.read(query)
        return [whole for whole in found if await self._may_see(whole, rights)]

    def logs(self, whole: WholeConversation) -> Mapping[RunId, Sequence[Path]]:
        """Find the logs that are kept of each run, one an attempt: files, for whoever holds the data folder."""
        return {run.id: [*self._logs_of(run)] for run in whole.runs}

    def _logs_of(self, run: Run) -> Iterator[Path]:
        for number in range(1, run.attempts + 1):
            if log := self._checkouts.find_log(run.conversation_id, run.attempt(number)):
                yield log

    async def _may_see(self, whole: WholeConversation, rights: Rights) -> bool:
        found = whole.conversation
        if rights.may_administer(found.workspace_id):
            return True
        if inside := rights.accounts_in(found, whole.insiders):
            return not isinstance(found.visibility, Internal) or await self._sights.has_no_customer(found, inside)
        if not rights.may_ask_jira(found):
            return False
        return await self._sights.may_see(found, rights.accounts[found.workspace_id])

    async def _taken_part_in(self, conversation_id: str, *, by: Principal) -> WholeConversation:
        """Give a conversation that *by* may have something done in: who only sees it may not.

        Raises:
            ConversationNotFound: as `show` does.
            Forbidden: *by* takes no part in it.
        """
        whole = await self.show(conversation_id, by=by)
        rights = await self._storage.read(lambda tx: rights_in(tx, by))
        if not rights.is_in(whole.conversation, whole.insiders):
            raise Forbidden("only who takes part in a conversation has something done in it", hint="write on its issue")
        return whole

    async def stop(self, conversation_id: str, *, waits: bool = True, by: Principal) -> WholeConversation:
        """End what goes on in a conversation, as the comment `stop` would; waits until the agent has ended.

        Raises:
            Conflict: nothing goes on in it.
            DaemonSilent: its agent runs, and no daemon ends it. It is written down all the same.
        """
        asked = await self._taken_part_in(conversation_id, by=by)

        def change(tx: Transaction) -> Run | None:
            conversation = _get(tx, asked.conversation.id)
            live = tx.conversations.live_run(conversation.id)
            running = live if live is not None and live.state is RunState.RUNNING else None
            if conversation.is_open:
                order = self._order(conversation, Command.STOP, by)
                orders.stop(tx, Stop(conversation=conversation, trigger=order), self._around(order, conversation))
            elif running is None:
                raise Conflict(
                    f"conversation `{conversation.id}` is {conversation.state.value}: there is nothing to stop",
                    hint=f"`jirabot conversation retry {conversation.id}` takes it up again",
                )
            self._audit(tx, Act.CONVERSATION_STOPPED, conversation, by)
            return running

        running = await self._storage.write(change)
        if running is not None and waits:
            run_id = running.id
            await self._until(lambda tx: _has_ended(tx.conversations.find_run(run_id)), running, "the agent to stop")
        return await self.show(asked.conversation.id, by=by)

    async def send(self, conversation_id: str, text: str, *, waits: bool = True, by: Principal) -> WholeConversation:
        """Give a conversation's agent *text*, as a mention would; waits until a run has it, or is held back.

        Raises:
            InvalidInput: there is no text.
            Conflict: the conversation can't be taken up again.
            DaemonSilent: a daemon runs, or its agent did, and nobody takes it up. It is written down all the same.
        """
        if not text.strip():
            raise InvalidInput("there is nothing to send", hint="give the text, or `-` for standard input")
        asked = await self._taken_part_in(conversation_id, by=by)
        return await self._go_on(asked.conversation, text.strip(), waits=waits, by=by)

    async def retry(self, conversation_id: str, *, waits: bool = True, by: Principal) -> WholeConversation:
        """Have a closed conversation try once more what was asked last, in the same session and checkout.

        Where no agent was told that yet, nothing is added: all that was asked still waits.

        Raises:
            Conflict: it is open, or can't be taken up again.
            DaemonSilent: a daemon runs, and does not take it up. It is written down all the same.
        """
        asked = await self._taken_part_in(conversation_id, by=by)
        conversation = asked.conversation
        if conversation.is_open:
            raise Conflict(
                f"conversation `{conversation.id}` is {conversation.state.value}: only a closed one is tried again",
                hint=f"`jirabot conversation send {conversation.id} TEXT` says more to it",
            )
        text = asked.messages[-1].text if asked.messages else ""
        return await self._go_on(conversation, text, repeats=True, waits=waits, by=by)

    async def close(self, conversation_id: str, *, by: Principal) -> WholeConversation:
        """End an open conversation whose agent does not work, so that no new run begins by itself.

        Raises:
            Conflict: its agent works, or it is closed already.
        """
        asked = await self._taken_part_in(conversation_id, by=by)

        def change(tx: Transaction) -> None:
            conversation = _get(tx, asked.conversation.id)
            _check_at_rest(tx, conversation)
            if not conversation.is_open:
                raise Conflict(f"conversation `{conversation.id}` is {conversation.state.value} already")
            order = self._order(conversation, Command.STOP, by)
            orders.close(tx, conversation, order.actor.label, self._around(order, conversation))
            self._audit(tx, Act.CONVERSATION_CLOSED, conversation, by)

        await self._storage.write(change)
        return await self.show(asked.conversation.id, by=by)

    async def delete(self, conversation_id: ConversationId, *, by: Principal) -> None:
        """Remove a conversation's rows and checkout. What stands in Jira and at the git host stays there.

        Raises:
            ConversationNotFound: there is none.
            Conflict: its agent works.
        """

        def change(tx: Transaction) -> Conversation:
            conversation = _get(tx, conversation_id)
            check_administers(tx, conversation.workspace_id, by)
            _check_at_rest(tx, conversation)
            tx.outbox.forget_conversation(conversation.id)
            tx.conversations.delete(conversation.id)
            troubles.end_if_none_is_dead(tx, conversation.workspace_id, now=self._clock.now())
            self._audit(tx, Act.CONVERSATION_DELETED, conversation, by)
            return conversation

        deleted = await self._storage.write(change)
        await self._checkouts.remove(deleted.id)
        # An agent that can't be used any more has nothing that could be asked of it.
        with contextlib.suppress(AgentUnavailable):
            backend = self._backends.get(deleted.agent)
            if backend is not None and deleted.session:
                await backend.discard(deleted.session)

    async def held_back(self, conversation_id: str, *, by: Principal) -> Sequence[Check]:
        """Tell what holds back the run that a conversation waits for, if it waits for one."""
        asked = (await self.show(conversation_id, by=by)).conversation
        return await self._storage.read(lambda tx: self._held_back(tx, asked))

    def _held_back(self, tx: Transaction, asked: Conversation) -> Sequence[Check]:
        return waiting.held_back(tx, asked, now=self._clock.now(), patience=CARRIED_OUT_WITHIN)

    async def follow(self, conversation_id: str, *, by: Principal) -> AsyncIterator[RunEvent | Attendance]:
        """Yield what a conversation's agent has reported, and reports, until it rests.

        Where the daemon goes meanwhile, that is yielded too, and that it is back.

        Raises:
            DaemonSilent: something of it is left to do, and nobody is there to do it, or came back within a minute.
        """
        followed = (await self.show(conversation_id, by=by)).conversation.id
        after, was_carried = 0, False
        gone_at: datetime | None = None

        def news(tx: Transaction) -> tuple[Sequence[RunEvent], Run | None]:
            return tx.conversations.events(followed, after=after), tx.conversations.live_run(followed)

        while True:
            seen = self._storage.generation()
            events, live = await self._storage.read(news)
            now, is_carried = self._clock.now(), live is not None and self._is_carried(live)
            if live is not None and is_carried and gone_at is not None:
                yield Attendance(run_id=live.id, is_attended=True, at=now)
                gone_at = None
            for event in events:
                yield event
                after = event.no
            if live is None or live.state is RunState.HELD:
                return
            if is_carried:
                was_carried = True
            elif not was_carried or (gone_at is not None and now - gone_at >= BACK_WITHIN):
                raise DaemonSilent("no daemon runs, so nothing more comes", hint="`jirabot serve` goes on with it")
            elif gone_at is None:
                yield Attendance(run_id=live.id, is_attended=False, at=now)
                gone_at = now
            await self._storage.changed(seen, within_seconds=LOOK_SECONDS)

    async def _go_on(
        self, asked: Conversation, text: str, *, repeats: bool = False, waits: bool, by: Principal
    ) -> WholeConversation:
        can_go_on = orders.can_go_on(asked, self._checkouts)

        def change(tx: Transaction) -> tuple[MessageId, Run | None]:
            conversation = _get(tx, asked.id)
            if not conversation.is_open:
                _check_may_go_on(tx, conversation, can_go_on=can_go_on)
            live = tx.conversations.live_run(conversation.id)
            order = self._order(conversation, Task(text=text), by)
            decision = Continue(
                conversation=conversation,
                trigger=order,
                kind=MessageKind.REQUEST if conversation.asked is None else MessageKind.ANSWER,
                reason=Reason.CONTINUED if conversation.is_open else Reason.REOPENED,
            )
            orders.go_on(tx, decision, self._around(order, conversation), repeats=repeats)
            self._audit(tx, Act.CONVERSATION_CONTINUED, conversation, by)
            return tx.conversations.messages(conversation.id)[-1].id, live

        asked_last, live = await self._storage.write(change)
        running = live if live is not None and live.state is RunState.RUNNING else None
        if waits and running is not None and not self._is_carried(running):
            raise _silent("the agent's turn to end", daemon_runs=False)
        if waits and running is None and self._daemon_runs():

            def is_given_or_waits(tx: Transaction) -> bool:
                given = any(m.given_to for m in tx.conversations.messages(asked.id) if m.id == asked_last)
                return given or bool(self._held_back(tx, asked))

            await self._until(is_given_or_waits, None, "the agent to begin")
        return await self.show(asked.id, by=by)

    async def _until(self, holds: Callable[[Transaction], bool], run: Run | None, told: str) -> None:
        """Wait until a daemon has done what was written down.

        Raises:
            DaemonSilent: it has not; *told* is what was waited for.
        """
        until = self._clock.now() + CARRIED_OUT_WITHIN
        while True:
            # The time is taken before the look, so that the last one still sees who has waited for all of it.
            seen, is_over = self._storage.generation(), self._clock.now() >= until
            if await self._storage.read(holds):
                return
            daemon_runs = self._daemon_runs() if run is None else self._is_carried(run)
            if not daemon_runs or is_over:
                raise _silent(told, daemon_runs=daemon_runs)
            await self._storage.changed(seen, within_seconds=LOOK_SECONDS)

    def _is_carried(self, run: Run) -> bool:
        """Say whether a daemon is there, or another process that holds the run, as a replay without a daemon does."""
        return self._daemon_runs() or (run.state is RunState.RUNNING and not self._is_interrupted(run))

    def _audit(self, tx: Transaction, act: Act, conversation: Conversation, by: Principal) -> None:
        workspace, issue_key = tx.workspaces.find(conversation.workspace_id), conversation.issue_key
        now = self._clock.now()
        audit.record(tx, act, by=by, now=now, workspace=workspace, subject=conversation.id, issue_key=issue_key)

    def _order(self, conversation: Conversation, request: Request, by: Principal) -> Order:
        return Order(
            key=TriggerKey(f"order:{self._ids.sortable()}"),
            issue=IssueRef(id=conversation.issue_id, key=conversation.issue_key),
            actor=account_of(by),
            request=request,
            visibility=conversation.visibility,
        )

    def _around(self, order: Order, conversation: Conversation) -> Circumstances:
        return Circumstances(
            workspace_id=conversation.workspace_id,
            texts=self._texts,
            cause=order.key,
            now=self._clock.now(),
            new_id=self._ids.sortable,
        )


def listed(value: Listed | WholeConversation) -> objects.Object:
    """Show a conversation, as `conversation list --json` does."""
    return objects.conversation(value.conversation, workspace_name=value.workspace_name, interrupted=value.interrupted)


def as_object(value: WholeConversation, logs: Mapping[RunId, Sequence[Path]] | None = None) -> objects.Object:
    """Show a conversation with all that belongs to it, as `conversation show --json` does.

    *logs*: of each run; not given to those who do not hold the data folder.
    """
    return {
        **listed(value),
        "messages": [
            {"author": m.author.label, "text": m.text, "at": objects.instant(m.created_at)} for m in value.messages
        ],
        "run_list": [{**objects.run(run), **_logs(run, logs)} for run in value.runs],
        "events": [objects.run_event(event) for event in value.events],
        "effects": [objects.effect(effect) for effect in value.effects],
    }


def _logs(run: Run, logs: Mapping[RunId, Sequence[Path]] | None) -> objects.Object:
    return {} if logs is None else {"logs": [str(log) for log in logs[run.id]]}


def _get(tx: Transaction, conversation_id: ConversationId) -> Conversation:
    found = tx.conversations.find(conversation_id)
    if found is None:
        raise ConversationNotFound(f"there is no conversation `{conversation_id}`", hint=_LIST)
    return found


def _get_listed(tx: Transaction, conversation_id: str, rights: Rights) -> Conversation:
    """Give one that lists show: who takes part in it is enough, though they may no longer read all of it."""
    found = tx.conversations.find(ConversationId(conversation_id))
    if found is None or not rights.is_in(found, tx.conversations.participants(found.id)):
        raise ConversationNotFound(f"there is no conversation `{conversation_id}`", hint=_LIST)
    return found


_LIST = "run `jirabot conversation list` to see them"


def _check_at_rest(tx: Transaction, conversation: Conversation) -> None:
    live = tx.conversations.live_run(conversation.id)
    if live is not None and live.state is RunState.RUNNING:
        raise Conflict(
            f"the agent of conversation `{conversation.id}` works",
            hint=f"`jirabot conversation stop {conversation.id}` ends it",
        )


def _check_may_go_on(tx: Transaction, closed: Conversation, *, can_go_on: bool) -> None:
    newest = tx.conversations.newest_of(closed.workspace_id, closed.issue_id)
    if newest is not None and newest.is_open:
        raise Conflict(
            f"the issue has a newer conversation, which is {newest.state.value}",
            hint=f"`jirabot conversation send {newest.id} TEXT` says more to that one",
        )
    if not can_go_on:
        raise Conflict(
            f"the checkout of conversation `{closed.id}` is no longer kept",
            hint="a comment that mentions the bot begins a new conversation, which knows this one's result",
        )


def _has_ended(run: Run | None) -> bool:
    return run is None or run.state not in LIVE_RUNS


def _silent(told: str, *, daemon_runs: bool) -> DaemonSilent:
    if not daemon_runs:
        return DaemonSilent(
            f"no daemon runs, to wait for {told}", hint="it is written down: `jirabot serve` carries it out"
        )
    return DaemonSilent(
        f"waited {CARRIED_OUT_WITHIN.seconds} s for {told}, and it has not",
        hint="it stays written down; `jirabot conversation show` tells what becomes of it",
    )
