"""The stores of what is done: the inbox, conversations with their runs, the outbox."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from jirabot.core.access import EVERYTHING, Sight
from jirabot.core.conversations import Conversation, Message, Run, RunEvent, State
from jirabot.core.deliveries import (
    Delivery,
    DeliveryState,
    Lease,
    NewDelivery,
    Origin,
    Outcome,
    Recorded,
    SavedDelivery,
)
from jirabot.core.effects import EffectState, OwedEffect
from jirabot.core.ids import (
    AccountId,
    CommentId,
    ConversationId,
    DeliveryId,
    EffectId,
    IssueId,
    IssueKey,
    LaneId,
    RepositoryId,
    RunId,
    TriggerKey,
    WorkspaceId,
)


class DeliveryStore(Protocol):
    """The inbox but for its hot path (`Inbox`)."""

    def record(self, deliveries: Sequence[NewDelivery]) -> Sequence[Recorded]:
        """Insert what is new, in order, and make its lanes ready; tell of duplicates by fingerprint."""

    def find(self, delivery_id: DeliveryId) -> Delivery | None: ...
    def find_by_fingerprint(self, workspace_id: WorkspaceId, fingerprint: str) -> Delivery | None: ...
    def newest_on(self, issue_key: IssueKey, *, passing_over: Collection[str] = ()) -> Sequence[Delivery]:
        """Find the newest of each workspace on an issue with that key, but for those of these reasons; newest first."""

    def request_of(self, delivery_id: DeliveryId) -> SavedDelivery | None:
        """Find the request as it came; None once it is pruned."""

    def list(
        self,
        *,
        workspace_id: WorkspaceId | None = None,
        state: DeliveryState | None = None,
        origin: Origin | None = None,
        limit: int = 50,
        seen: Sight = EVERYTHING,
        before: str | None = None,
    ) -> Sequence[Delivery]:
        """List the newest first, of those *seen*; with *before*, those that stand behind that one."""

    def counts(self) -> Mapping[tuple[WorkspaceId, DeliveryState], int]:
        """Count the deliveries of each workspace by state; what there is none of is left out."""

    def backlog(self, workspace_id: WorkspaceId, *, most: int) -> int:
        """Count a workspace's deliveries that have no outcome yet, and no further than *most*."""

    def claim_lane(self, *, owner: str, now: datetime, until: datetime, only: LaneId | None = None) -> Lease | None:
        """Lease the lane that is ready for longest, or whose lease ran out; each claim raises its epoch.

        *only*: no other lane than that.
        """

    def renew_lane(self, lease: Lease, *, until: datetime) -> bool: ...
    def head_of(self, lease: Lease, *, now: datetime) -> Delivery | None:
        """Find the lane's oldest unfinished delivery, if it is due now."""

    def conclude(self, lease: Lease, delivery_id: DeliveryId, outcome: Outcome, *, now: datetime) -> bool:
        """Record the outcome, once; False where the lease was lost: the caller's transaction must be given up."""

    def postpone(
        self,
        lease: Lease,
        delivery_id: DeliveryId,
        *,
        due_at: datetime,
        reason: str,
        text: str,
        counted: bool = True,
    ) -> bool:
        """Put a delivery back to be tried again, and count the attempt where it is to be *counted*."""

    def rewrite(self, lease: Lease, delivery_id: DeliveryId, body: bytes) -> bool:
        """Change the body of a delivery that jirabot itself has made, a small one; False where the lease was lost."""

    def release_lane(self, lease: Lease) -> None:
        """Give the lane back: ready at once, at its head's due time, or idle where nothing is left."""

    def release_leases_of_others(self, *, owner: str) -> int:
        """Free lanes and runs leased by a daemon that is gone (SQLite: there is only one)."""

    def next_due_at(self) -> datetime | None:
        """Tell when the next lane is ready."""

    def acted(self, workspace_id: WorkspaceId, key: TriggerKey) -> DeliveryId | None:
        """Find the delivery that has acted on a trigger key."""

    def is_told(self, workspace_id: WorkspaceId, key: TriggerKey) -> bool:
        """Say whether a delivery has asked by that trigger key and was handled, whatever came of it; not given up."""

    def record_action(
        self, workspace_id: WorkspaceId, key: TriggerKey, delivery_id: DeliveryId, *, now: datetime
    ) -> bool:
        """Claim a trigger key for a delivery; False where another has it."""

    def retry(self, delivery_id: DeliveryId, *, now: datetime) -> bool:
        """Make a dead or waiting delivery received anew, due now, and its lane ready; False where it is neither."""

    def discard(self, delivery_id: DeliveryId, *, reason: str, text: str, now: datetime) -> bool:
        """Give up a delivery that has not led to anything; its lane goes on with what comes behind it."""

    def release_kept(self, workspace_id: WorkspaceId, *, now: datetime) -> int:
        """Make deliveries that were kept while the workspace was paused ready, in order."""


class ConversationStore(Protocol):
    """Conversations, their messages and runs."""

    def add(self, conversation: Conversation) -> None:
        """Add a conversation.

        Raises:
            Conflict: the issue has an open one.
        """

    def save(self, conversation: Conversation) -> None: ...
    def delete(self, conversation_id: ConversationId) -> None:
        """Remove a conversation with its messages, runs and what agents reported in them."""

    def find(self, conversation_id: ConversationId) -> Conversation | None: ...
    def newest_of(self, workspace_id: WorkspaceId, issue_id: IssueId) -> Conversation | None: ...
    def newest_on(self, issue_key: IssueKey) -> Sequence[Conversation]:
        """Find the newest of each workspace on an issue with that key; the newest first."""

    def list(
        self,
        *,
        workspace_id: WorkspaceId | None = None,
        limit: int = 50,
        seen: Sight = EVERYTHING,
        before: str | None = None,
    ) -> Sequence[Conversation]:
        """List the newest first, of those *seen*; with *before*, those that stand behind that one."""

    def participants(self, conversation_id: ConversationId) -> frozenset[AccountId]:
        """Give the accounts that asked in a conversation, or wrote in it."""

    def touch(self, conversation_id: ConversationId, *, now: datetime) -> None:
        """Record that something happens in an open conversation; of a closed one nothing is changed."""

    def find_idle(self, workspace_id: WorkspaceId, *, since: datetime, limit: int) -> Sequence[Conversation]:
        """List open conversations in which nothing has happened since then, those at rest for longest first."""

    def idle_since(self, workspace_id: WorkspaceId) -> datetime | None:
        """Tell when something happened last in the open conversation that is at rest for longest."""

    def counts(self) -> Mapping[tuple[WorkspaceId, State], int]:
        """Count the conversations of each workspace by state; what there is none of is left out."""

    def add_message(self, message: Message) -> None:
        """Add a message with the next `seq` of its conversation (the given one is not used)."""

    def messages(self, conversation_id: ConversationId) -> Sequence[Message]: ...
    def give_messages(self, conversation_id: ConversationId, run_id: RunId) -> Sequence[Message]:
        """Give the run every message that no run was given yet; return all that the run has, in order."""

    def take_messages_back(self, conversation_id: ConversationId) -> None:
        """Let all messages wait for a run again: no agent was given any of them."""

    def waiting_messages(self, conversation_id: ConversationId) -> Sequence[Message]:
        """List the messages that no run was given yet."""

    def add_run(self, run: Run) -> None: ...
    def save_run(self, run: Run) -> None:
        """Replace all but owner, epoch, lease and stop request."""

    def find_run(self, run_id: RunId) -> Run | None: ...
    def runs(self, conversation_id: ConversationId) -> Sequence[Run]: ...
    def live_run(self, conversation_id: ConversationId) -> Run | None:
        """Find the run that waits, is held or runs."""

    def running(self) -> Sequence[Run]:
        """List the runs of all conversations that have begun and not ended, whether or not somebody works on them."""

    def request_stop(self, run_id: RunId, *, cause: str) -> None: ...
    def claim_run(
        self,
        *,
        owner: str,
        now: datetime,
        until: datetime,
        limits: Mapping[str, int],
        only: ConversationId | None = None,
    ) -> Run | None:
        """Lease the oldest due run that waits and no pause holds back, or a running one whose lease ran out.

        *limits*: `daemon`: how many may be leased by all; `workspace`, `user`, `repository`: how many of one of these.
        A run whose asker or repository is not known is held back by no limit of theirs.
        """

    def run_times(self, *, now: datetime) -> Sequence[datetime]:
        """Tell when runs may be claimed: the first that waits, the first after *now*, the first whose lease runs out.

        What is due may still be held back, by a limit or a pause, and so does not hide what has its time to come.
        """

    def count_leased(self, repository_id: RepositoryId | None = None, *, now: datetime) -> int:
        """Count the leased runs: all, or those whose conversations are in that repository."""

    def renew_run(self, lease: Lease, *, until: datetime) -> bool: ...
    def holds_run(self, lease: Lease) -> bool:
        """Say whether the lease still stands; checked first in each transaction of a run."""

    def release_run(self, lease: Lease) -> None: ...
    def record_event(self, event: RunEvent) -> None:
        """Keep what the agent reported, with the next `seq` of its run (the given one is not used)."""

    def events(self, conversation_id: ConversationId, *, after: int = 0) -> Sequence[RunEvent]:
        """List what the agent reported in all runs of a conversation, in order, from beyond `no` *after*."""


class OutboxStore(Protocol):
    """What is owed to Jira."""

    def owe(self, effects: Sequence[OwedEffect]) -> None:
        """Add effects; one whose (workspace, cause, seq) is there already is left as it is."""

    def find_due(self, *, now: datetime, only: IssueId | None = None) -> OwedEffect | None:
        """Find the next effect that is due; per issue always the oldest unfinished, so that one is in flight.

        But progress that waits holds nothing back: what comes after it goes first, unless it is due itself.

        *only*: of no other issue than that.
        """

    def begin(self, effect: OwedEffect, *, now: datetime, until: datetime) -> OwedEffect:
        """Take an effect: nobody else finds it due before *until*, and its epoch is counted up.

        A `pending` one becomes `sending` from *now*, an attempt more; one that is `sending` stays as it is, to be
        looked for.

        Raises:
            Conflict: it was taken or settled since.
        """

    def release_sending(self, *, now: datetime) -> int:
        """Let what a daemon that is gone was sending be looked for now."""

    def settle(self, effect: OwedEffect) -> bool:
        """Save state, attempts, comment_id, error, due_at, sent_at; False where another epoch has begun it since."""

    def replace_text(self, effect_id: EffectId, text: str) -> bool:
        """Change the text of an effect that is still `pending`; False otherwise."""

    def counts(self) -> Mapping[tuple[WorkspaceId, EffectState], int]:
        """Count the effects of each workspace by state; what there is none of is left out."""

    def find(self, effect_id: EffectId) -> OwedEffect | None: ...
    def find_by_comment(self, workspace_id: WorkspaceId, comment_id: CommentId) -> OwedEffect | None: ...
    def sending_on(self, workspace_id: WorkspaceId, issue_id: IssueId) -> Sequence[OwedEffect]: ...
    def of_conversation(self, conversation_id: ConversationId) -> Sequence[OwedEffect]: ...
    def of_cause(self, workspace_id: WorkspaceId, cause: str) -> Sequence[OwedEffect]: ...
    def forget_conversation(self, conversation_id: ConversationId) -> None:
        """Remove what a conversation owes and never sent; of what was sent only the comment's id stays.

        That id is how the bot knows its own comments.
        """

    def list(
        self,
        *,
        workspace_id: WorkspaceId | None = None,
        state: EffectState | None = None,
        limit: int = 50,
        seen: Sight = EVERYTHING,
        before: str | None = None,
    ) -> Sequence[OwedEffect]:
        """List the newest first, of those *seen*; with *before*, those that stand behind that one."""

    def edits_of(self, target: EffectId) -> Sequence[OwedEffect]:
        """List the edits of that comment, the oldest first."""

    def retry(self, effect_id: EffectId, *, now: datetime) -> bool:
        """Owe a dead effect again, due now; False where it is not dead.

        A comment that was sent once is `sending` then: it may stand, and is looked for before it is sent again.
        """

    def discard(self, effect_id: EffectId) -> bool:
        """Give up an effect that is pending, sending or dead; False where it is none of it.

        Who is sending it can't settle it any more.
        """

    def pending_edit(self, target: EffectId) -> OwedEffect | None:
        """Find the edit of that comment which is still `pending`."""

    def next_due_at(self) -> datetime | None: ...
