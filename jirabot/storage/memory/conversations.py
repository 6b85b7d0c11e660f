"""Conversations with their messages and runs."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from jirabot.core.access import EVERYTHING, Sight, insiders
from jirabot.core.conversations import LIVE_RUNS, Conversation, Message, Run, RunEvent, RunState, State
from jirabot.core.deliveries import (
    Lease,
)
from jirabot.core.ids import (
    AccountId,
    ConversationId,
    IssueId,
    IssueKey,
    RepositoryId,
    RunId,
    WorkspaceId,
)
from jirabot.core.scopes import EVERYWHERE, of_agent, of_workspace
from jirabot.core.visibility import Internal
from jirabot.errors import Conflict
from jirabot.storage.memory.holds import breaker_of, by_due_time, is_held_back
from jirabot.storage.memory.tables import Store, add_new, newest_first, page


class Conversations(Store):
    """Fulfils `ConversationStore`."""

    def add(self, conversation: Conversation) -> None:
        self._check(conversation)
        add_new(self._state.conversations, conversation.id, conversation)

    def save(self, conversation: Conversation) -> None:
        if conversation.id in self._state.conversations:
            self._check(conversation)
            self._state.conversations[conversation.id] = conversation

    def delete(self, conversation_id: ConversationId) -> None:
        state = self._state
        state.messages = {k: v for k, v in state.messages.items() if v.conversation_id != conversation_id}
        state.runs = {k: v for k, v in state.runs.items() if v.conversation_id != conversation_id}
        state.run_events = {k: v for k, v in state.run_events.items() if v.conversation_id != conversation_id}
        state.conversations.pop(conversation_id, None)

    def _check(self, conversation: Conversation) -> None:
        for other in self._state.conversations.values():
            same_issue = (other.workspace_id, other.issue_id) == (conversation.workspace_id, conversation.issue_id)
            if same_issue and other.id != conversation.id and other.is_open and conversation.is_open:
                raise Conflict("the issue has an open conversation already")

    def find(self, conversation_id: ConversationId) -> Conversation | None:
        return self._state.conversations.get(conversation_id)

    def newest_of(self, workspace_id: WorkspaceId, issue_id: IssueId) -> Conversation | None:
        every: Sequence[Conversation] = newest_first(self._state.conversations.values())
        return next((e for e in every if (e.workspace_id, e.issue_id) == (workspace_id, issue_id)), None)

    def newest_on(self, issue_key: IssueKey) -> Sequence[Conversation]:
        newest: dict[WorkspaceId, Conversation] = {}
        for each in newest_first(self._state.conversations.values()):
            if each.issue_key == issue_key:
                newest.setdefault(each.workspace_id, each)
        return list(newest.values())

    def list(
        self,
        *,
        workspace_id: WorkspaceId | None = None,
        limit: int = 50,
        seen: Sight = EVERYTHING,
        before: str | None = None,
    ) -> Sequence[Conversation]:
        every = page(newest_first(self._state.conversations.values()), seen=EVERYTHING, before=before)
        asked = (each for each in every if workspace_id in (None, each.workspace_id))
        return [each for each in asked if self._is_seen(each, seen)][:limit]

    def _is_seen(self, conversation: Conversation, seen: Sight) -> bool:
        if seen.covers(conversation.workspace_id):
            return True
        inside = insiders(conversation, self.participants(conversation.id), self.messages(conversation.id))
        own = {(conversation.workspace_id, account) for account in inside}
        return not isinstance(conversation.visibility, Internal) and not seen.accounts.isdisjoint(own)

    def participants(self, conversation_id: ConversationId) -> frozenset[AccountId]:
        conversation = self.find(conversation_id)
        people = [message.author for message in self.messages(conversation_id)]
        people += [conversation.asker] if conversation else []
        return frozenset(each.id for each in people if each.id and not each.is_principal)

    def touch(self, conversation_id: ConversationId, *, now: datetime) -> None:
        known = self.find(conversation_id)
        if known is not None and known.is_open:
            self._state.conversations[known.id] = replace(known, updated_at=now)

    def find_idle(self, workspace_id: WorkspaceId, *, since: datetime, limit: int) -> Sequence[Conversation]:
        return [each for each in self._open_of(workspace_id) if each.updated_at <= since][:limit]

    def idle_since(self, workspace_id: WorkspaceId) -> datetime | None:
        return next((each.updated_at for each in self._open_of(workspace_id)), None)

    def _open_of(self, workspace_id: WorkspaceId) -> Sequence[Conversation]:
        mine = [each for each in self._state.conversations.values() if each.workspace_id == workspace_id]
        return sorted((each for each in mine if each.is_open), key=lambda each: each.updated_at)

    def counts(self) -> Mapping[tuple[WorkspaceId, State], int]:
        return Counter((each.workspace_id, each.state) for each in self._state.conversations.values())

    def add_message(self, message: Message) -> None:
        known = self.messages(message.conversation_id)
        if any(message.cause == other.cause for other in known):
            raise Conflict("the conversation has been given that message already")
        add_new(self._state.messages, message.id, replace(message, seq=len(known) + 1))

    def messages(self, conversation_id: ConversationId) -> Sequence[Message]:
        found = [each for each in self._state.messages.values() if each.conversation_id == conversation_id]
        return sorted(found, key=lambda each: each.seq)

    def give_messages(self, conversation_id: ConversationId, run_id: RunId) -> Sequence[Message]:
        for message in self.waiting_messages(conversation_id):
            self._state.messages[message.id] = replace(message, given_to=run_id)
        return [each for each in self.messages(conversation_id) if each.given_to == run_id]

    def take_messages_back(self, conversation_id: ConversationId) -> None:
        for message in self.messages(conversation_id):
            self._state.messages[message.id] = replace(message, given_to=None)

    def waiting_messages(self, conversation_id: ConversationId) -> Sequence[Message]:
        return [each for each in self.messages(conversation_id) if each.given_to is None]

    def add_run(self, run: Run) -> None:
        if any(run.number == other.number for other in self.runs(run.conversation_id)):
            raise Conflict("the conversation has a run of that number already")
        add_new(self._state.runs, run.id, run)

    def save_run(self, run: Run) -> None:
        if known := self.find_run(run.id):
            kept = ("owner", "epoch", "lease_until", "stop_requested", "stop_cause")
            self._state.runs[run.id] = replace(run, **{name: getattr(known, name) for name in kept})

    def find_run(self, run_id: RunId) -> Run | None:
        return self._state.runs.get(run_id)

    def runs(self, conversation_id: ConversationId) -> Sequence[Run]:
        found = [each for each in self._state.runs.values() if each.conversation_id == conversation_id]
        return sorted(found, key=lambda each: each.number)

    def live_run(self, conversation_id: ConversationId) -> Run | None:
        return next((each for each in reversed(self.runs(conversation_id)) if each.state in LIVE_RUNS), None)

    def running(self) -> Sequence[Run]:
        return sorted((each for each in self._state.runs.values() if each.state is RunState.RUNNING), key=by_due_time)

    def request_stop(self, run_id: RunId, *, cause: str) -> None:
        if (run := self.find_run(run_id)) and not run.stop_requested:
            self._state.runs[run_id] = replace(run, stop_requested=True, stop_cause=cause)

    def claim_run(
        self,
        *,
        owner: str,
        now: datetime,
        until: datetime,
        limits: Mapping[str, int],
        only: ConversationId | None = None,
    ) -> Run | None:
        running = [run for run in self._state.runs.values() if run.state is RunState.RUNNING]
        held = [run for run in running if run.lease_until and run.lease_until > now]
        if len(held) >= limits.get("daemon", len(held) + 1):
            return None
        busy = {run.conversation_id for run in running}
        lost = [run for run in running if not run.lease_until or run.lease_until <= now]
        waiting = [
            run
            for run in self._state.runs.values()
            if run.state is RunState.WAITING
            and run.due_at <= now
            and run.conversation_id not in busy
            and not self._is_paused(run)
            and not is_held_back(self._state, run, now)
        ]
        for run in [*sorted(lost, key=by_due_time), *sorted(waiting, key=by_due_time)]:
            if self._has_room(run, held, limits) and only in (None, run.conversation_id):
                leased = replace(run, state=RunState.RUNNING, owner=owner, epoch=run.epoch + 1, lease_until=until)
                self._state.runs[run.id] = leased
                if run.state is RunState.WAITING and (breaker := breaker_of(self._state, run)):
                    self._state.breakers[breaker.agent] = replace(breaker, probe_run_id=run.id)
                return leased
        return None

    def run_times(self, *, now: datetime) -> Sequence[datetime]:
        runs = self._state.runs.values()
        waiting = [run.due_at for run in runs if run.state is RunState.WAITING]
        lost = [run.lease_until or now for run in runs if run.state is RunState.RUNNING]
        later = [due_at for due_at in waiting if due_at > now]
        return [min(times) for times in (waiting, later, lost) if times]

    def _has_room(self, run: Run, held: Sequence[Run], limits: Mapping[str, int]) -> bool:
        repository = self._repository(run)
        like_it = {
            "workspace": sum(each.workspace_id == run.workspace_id for each in held),
            "user": sum(run.asker_id != "" and _asker(each) == _asker(run) for each in held),
            "repository": sum(repository is not None and self._repository(each) == repository for each in held),
        }
        return all(count < limits.get(kind, len(held) + 1) for kind, count in like_it.items())

    def _repository(self, run: Run) -> RepositoryId | None:
        conversation = self.find(run.conversation_id)
        return conversation.repository_id if conversation else None

    def count_leased(self, repository_id: RepositoryId | None = None, *, now: datetime) -> int:
        running = [run for run in self._state.runs.values() if run.state is RunState.RUNNING]
        leased = [run for run in running if run.lease_until and run.lease_until > now]
        return sum(repository_id in (None, self._repository(run)) for run in leased)

    def _is_paused(self, run: Run) -> bool:
        conversation = self.find(run.conversation_id)
        agent = of_agent(conversation.agent) if conversation else ""
        return not {EVERYWHERE, of_workspace(run.workspace_id), agent}.isdisjoint(self._state.pauses)

    def renew_run(self, lease: Lease, *, until: datetime) -> bool:
        if not self.holds_run(lease):
            return False
        run_id = RunId(lease.key)
        self._state.runs[run_id] = replace(self._state.runs[run_id], lease_until=until)
        return True

    def holds_run(self, lease: Lease) -> bool:
        run = self.find_run(RunId(lease.key))
        return run is not None and (run.owner, run.epoch) == (lease.owner, lease.epoch)

    def release_run(self, lease: Lease) -> None:
        if self.holds_run(lease):
            run_id = RunId(lease.key)
            self._state.runs[run_id] = replace(self._state.runs[run_id], owner="", lease_until=None)

    def record_event(self, event: RunEvent) -> None:
        no = max(self._state.run_events, default=0) + 1
        self._state.run_events[no] = replace(event, no=no)

    def events(self, conversation_id: ConversationId, *, after: int = 0) -> Sequence[RunEvent]:
        events = self._state.run_events.values()
        return [each for each in events if each.conversation_id == conversation_id and each.no > after]


def _asker(run: Run) -> tuple[WorkspaceId, str]:
    return run.workspace_id, run.asker_id
