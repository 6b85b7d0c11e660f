"""The Protocols that core needs and `storage`, `jira` and `agents` fulfil; wired in `jirabot.app`, nowhere else.

The stores' methods are plain functions of a transaction: they never wait for anything but the database, so nothing
can be awaited while a transaction is open. `Storage.write` runs one such function in one transaction.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeVar

from jirabot.core.agents import AgentEvent, Capabilities, Handle, Probe, Resumed, RunSpec
from jirabot.core.bodies import Body
from jirabot.core.breakers import Breaker
from jirabot.core.budgets import UNLIMITED, Bucket, Limit, Urgency
from jirabot.core.checkouts import Checkout, Published, Remote, Signature
from jirabot.core.conversations import Conversation, Message, Run, RunEvent, State
from jirabot.core.deliveries import (
    Delivery,
    DeliveryState,
    Envelope,
    Lease,
    NewDelivery,
    Outcome,
    Recorded,
    SavedDelivery,
)
from jirabot.core.effects import EffectState, OwedEffect
from jirabot.core.ids import (
    AccountId,
    BackendName,
    CommentId,
    ConversationId,
    DeliveryId,
    EffectId,
    IssueId,
    IssueKey,
    LaneId,
    LinkId,
    RepositoryId,
    RunId,
    TokenId,
    TriggerKey,
    UserId,
    WorkspaceId,
    WorkspaceName,
)
from jirabot.core.issues import ChangelogEntry, Issue, IssueComment, ServerInfo
from jirabot.core.pauses import Pause
from jirabot.core.people import Account, Link
from jirabot.core.repositories import Repository
from jirabot.core.soundness import BodyFile, Dangling, Held
from jirabot.core.tokens import Token
from jirabot.core.troubles import Alert, Reason, Strike, Trouble
from jirabot.core.visibility import Visibility
from jirabot.core.workspaces import Workspace

T = TypeVar("T")


class Clock(Protocol):
    """Time, so that tests need not wait for it."""

    def now(self) -> datetime:
        """Tell the time, aware, in UTC."""

    async def sleep(self, seconds: float) -> None:
        """Wait."""


class Ids(Protocol):
    """New names for new things."""

    def sortable(self) -> str:
        """Make an id that sorts by the time it was made (UUIDv7 layout)."""

    def secret(self) -> str:
        """Make an unguessable id (128 random bits or more), safe in addresses."""


class WorkspaceStore(Protocol):
    """Workspaces; a name and a base URL belong to one."""

    def add(self, workspace: Workspace) -> None:
        """Add a workspace.

        Raises:
            WorkspaceExists: its name or base URL is taken.
        """

    def save(self, workspace: Workspace) -> None:
        """Replace the row of that id."""

    def remove(self, workspace_id: WorkspaceId) -> None:
        """Remove the workspace, and with it every row that carries its id, in whatever store, and its pause."""

    def find(self, workspace_id: WorkspaceId) -> Workspace | None: ...
    def find_by_name(self, name: WorkspaceName) -> Workspace | None: ...
    def list(self) -> Sequence[Workspace]:
        """List all, newest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """A secret as it is stored: AES-256-GCM under the master key of that id."""

    key_id: str
    nonce: bytes
    ciphertext: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyInUse:
    """The master key that secrets are sealed with, by its name: its id and the kind of place it was found in."""

    id: str
    source: str


class SecretStore(Protocol):
    """Sealed secrets, each at a place of a workspace (`webhook-secret`, `api-key`, …)."""

    def put(self, workspace_id: WorkspaceId, place: str, sealed: Sealed, *, now: datetime) -> None: ...
    def find(self, workspace_id: WorkspaceId, place: str) -> Sealed | None: ...
    def remove(self, workspace_id: WorkspaceId, place: str) -> None: ...
    def expire(self, workspace_id: WorkspaceId, place: str, *, at: datetime) -> None:
        """Say until when what is stored there counts; putting another there leaves that as it is."""

    def expires_at(self, workspace_id: WorkspaceId, place: str) -> datetime | None:
        """Tell until when what is stored there counts; None where it is not there, or counts for ever."""

    def places(self) -> Sequence[tuple[WorkspaceId, str]]:
        """List where secrets are stored, in an order that stays."""

    def has_any(self) -> bool:
        """Say whether any secret is stored at all."""

    def key_identity(self) -> tuple[str, str] | None:
        """Find the id of the master key in use and the kind of its source, as recorded with the first secret."""

    def record_key_identity(self, key_id: str, source: str) -> None: ...


class UserStore(Protocol):
    """jirabot's users and their links."""

    def user_named(self, name: str, *, new_id: UserId, now: datetime) -> UserId:
        """Find the user of that name, or add it with that id."""

    def add_link(self, link: Link) -> Link:
        """Add an active link; the one that is there already for this account and workspace is updated and returned."""

    def find_link(self, workspace_id: WorkspaceId, account_id: AccountId) -> Link | None:
        """Find the active link of an account."""

    def list_links(self, workspace_id: WorkspaceId | None) -> Sequence[Link]: ...
    def end_link(self, link_id: LinkId) -> None:
        """End a link; it stays as the record that it was ended."""


class TokenStore(Protocol):
    """The management API's tokens; a name belongs to one for ever."""

    def add(self, token: Token) -> None:
        """Add a token.

        Raises:
            Conflict: the name is taken.
        """

    def find_by_name(self, name: str) -> Token | None: ...
    def find_by_hash(self, hash_: str) -> Token | None: ...
    def list(self) -> Sequence[Token]:
        """List the newest first."""

    def revoke(self, token_id: TokenId, *, now: datetime) -> None:
        """Record that it counts no longer; when it was first revoked stays."""


class RepositoryStore(Protocol):
    """The repositories of a workspace; a name belongs to one."""

    def add(self, repository: Repository) -> None:
        """Add a repository; a new default takes the place of the old.

        Raises:
            Conflict: the name is taken.
        """

    def find(self, workspace_id: WorkspaceId, repository_id: RepositoryId) -> Repository | None: ...
    def remove(self, workspace_id: WorkspaceId, repository_id: RepositoryId) -> None: ...
    def list(self, workspace_id: WorkspaceId) -> Sequence[Repository]:
        """List those of a workspace, oldest first."""


class DeliveryStore(Protocol):
    """The inbox but for its hot path (`Inbox`)."""

    def record(self, deliveries: Sequence[NewDelivery]) -> Sequence[Recorded]:
        """Insert what is new, in order, and make its lanes ready; tell of duplicates by fingerprint."""

    def find(self, delivery_id: DeliveryId) -> Delivery | None: ...
    def find_by_fingerprint(self, workspace_id: WorkspaceId, fingerprint: str) -> Delivery | None: ...
    def newest_on(self, issue_key: IssueKey) -> Delivery | None: ...
    def request_of(self, delivery_id: DeliveryId) -> SavedDelivery | None:
        """Find the request as it came; None once it is pruned."""

    def list(
        self, *, workspace_id: WorkspaceId | None = None, state: DeliveryState | None = None, limit: int = 50
    ) -> Sequence[Delivery]:
        """List the newest first."""

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

    def release_lane(self, lease: Lease) -> None:
        """Give the lane back: ready at once, at its head's due time, or idle where nothing is left."""

    def release_leases_of_others(self, *, owner: str) -> int:
        """Free lanes and runs leased by a daemon that is gone (SQLite: there is only one)."""

    def next_due_at(self) -> datetime | None:
        """Tell when the next lane is ready."""

    def acted(self, workspace_id: WorkspaceId, key: TriggerKey) -> DeliveryId | None:
        """Find the delivery that has acted on a trigger key."""

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
    def newest_on(self, issue_key: IssueKey) -> Conversation | None: ...
    def list(self, *, workspace_id: WorkspaceId | None = None, limit: int = 50) -> Sequence[Conversation]:
        """List the newest first."""

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

    def count_leased(self, repository_id: RepositoryId, *, now: datetime) -> int:
        """Count the leased runs whose conversations are in that repository."""

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
        """Save state, attempts, comment_id, error, due_at; False where another epoch has begun it since."""

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
        self, *, workspace_id: WorkspaceId | None = None, state: EffectState | None = None, limit: int = 50
    ) -> Sequence[OwedEffect]:
        """List the newest first."""

    def edits_of(self, target: EffectId) -> Sequence[OwedEffect]:
        """List the edits of that comment, the oldest first."""

    def retry(self, effect_id: EffectId, *, now: datetime) -> bool:
        """Owe a dead effect again, due now; False where it is not dead."""

    def discard(self, effect_id: EffectId) -> bool:
        """Give up an effect that is pending or dead; False where it is neither."""

    def pending_edit(self, target: EffectId) -> OwedEffect | None:
        """Find the edit of that comment which is still `pending`."""

    def next_due_at(self) -> datetime | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """A request that did not prove itself: kept without its body, the last 50 a workspace."""

    workspace_id: WorkspaceId
    at: datetime
    remote: str
    header_names: tuple[str, ...]
    cause: str


class RejectionStore(Protocol):
    """What came to a workspace's door and did not prove itself."""

    def add(self, rejections: Sequence[Rejection]) -> None:
        """Add some, and forget all but the last 50 of each workspace."""

    def list(self, workspace_id: WorkspaceId) -> Sequence[Rejection]:
        """List the newest first."""

    def forget(self, *, before: datetime) -> int:
        """Remove those of all workspaces that came before then; count them."""


class PauseStore(Protocol):
    """Where no new run may begin; `ConversationStore.claim_run` heeds it."""

    def add(self, pause: Pause) -> bool:
        """Add a pause; False where that scope is paused already, which stays as it is."""

    def remove(self, scope: str) -> bool:
        """End the pause of that scope; False where there is none."""

    def list(self) -> Sequence[Pause]:
        """List the newest first."""


class TroubleStore(Protocol):
    """What administrators are told of, and the single failures that come before it."""

    def begin(self, trouble: Trouble) -> bool:
        """Add a trouble; False where one of its scope and reason stands already, which stays as it is."""

    def end(self, scope: str, reason: Reason, *, now: datetime) -> bool:
        """End the one that stands; False where none does."""

    def standing(self, scope: str | None = None) -> Sequence[Trouble]:
        """List those that have not ended (of a scope), the newest first."""

    def list(self, *, limit: int = 50) -> Sequence[Trouble]:
        """List the newest first."""

    def untold(self) -> Sequence[Trouble]:
        """List those whose begin, or whose end, was not told yet, in order of their begin."""

    def told(self, trouble: Trouble, *, now: datetime) -> None:
        """Record that everything that *trouble* says was told."""

    def strike(self, scope: str, kind: Strike, *, at: datetime) -> None:
        """Record a single failure."""

    def strikes(self, scope: str, kind: Strike, *, since: datetime) -> int:
        """Count the failures of a kind after *since*."""

    def forgive(self, scope: str, kind: Strike) -> None:
        """Forget the failures of a kind: it went well since."""

    def forget(self, *, before: datetime) -> int:
        """Remove failures, and troubles that ended and were told, from before then; count both."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgottenRequests:
    """How many deliveries keep their request no longer, and the files that held bodies of theirs."""

    count: int
    files: tuple[str, ...] = ()


class RetentionStore(Protocol):
    """What is kept for a time only. What is open, or belongs to an open conversation, is never old."""

    def old_requests(self, *, before: datetime, dead: bool, after: int, limit: int) -> Sequence[int]:
        """Find deliveries finished before then whose request is kept, by their `no` from beyond *after*, in order.

        *dead*: those that were given up, and no others.
        """

    def forget_requests(self, numbers: Sequence[int], *, before: datetime, dead: bool) -> ForgottenRequests:
        """Forget bodies and headers of those that still are as `old_requests` found them; their outcomes stay."""

    def named_files(self, names: Sequence[str]) -> frozenset[str]:
        """Say which of these files hold the body of a delivery."""

    def old_reports(self, *, before: datetime, after: int, limit: int) -> Sequence[int]:
        """Find what agents reported before then in conversations that are closed, by `no` from beyond *after*."""

    def forget_reports(self, numbers: Sequence[int]) -> None:
        """Remove what agents reported."""

    def closed_of(self, ids: Sequence[ConversationId], *, before: datetime) -> Sequence[ConversationId]:
        """Say which of these conversations are closed, without a run that lives, and not touched since then."""

    def pruned_at(self) -> datetime | None:
        """Tell when everything that was old was forgotten last."""

    def record_pruned(self, *, at: datetime) -> None: ...


class BodyFiles(Protocol):
    """The files of bodies that are too large for a row."""

    def list(self) -> Mapping[str, datetime]:
        """List them by name, each with the time when it was written.

        Raises:
            StorageUnavailable: the folder can't be read.
        """

    def forget(self, name: str) -> None:
        """Remove a body that no row names; nothing where it is gone already."""


class SoundnessStore(Protocol):
    """What does not fit together; of each kind the first few."""

    def damage(self) -> Sequence[str]:
        """Read everything, and say what is damaged."""

    def dangling(self) -> Sequence[Dangling]:
        """Count the rows that name rows which are gone, whether a foreign key says so or not."""

    def bodies(self) -> Sequence[BodyFile]:
        """List all files that deliveries name for their bodies."""

    def stranded(self) -> Sequence[str]:
        """List unfinished deliveries whose lane is missing or idle: no claim would ever find them."""

    def wake_stranded(self) -> int:
        """Make their lanes ready; count them."""

    def held(self) -> Sequence[Held]:
        """List what is leased now: lanes and runs."""

    def overdue(self, *, before: datetime) -> Sequence[str]:
        """List effects that were due before then and are not sent, though nothing of their issue is before them."""


class BudgetStore(Protocol):
    """What was left of each budget when it was last written down."""

    def put(self, workspace_id: WorkspaceId, name: str, left: Bucket) -> None:
        """Write down what is left of a workspace's budget of that name."""

    def list(self, name: str) -> Mapping[WorkspaceId, Bucket]:
        """Tell what was left of each workspace's budget of that name."""


class BreakerStore(Protocol):
    """The agents that no run is begun with, but for one that tries; `ConversationStore.claim_run` heeds it."""

    def find(self, agent: BackendName) -> Breaker | None:
        """Find the open breaker of an agent; None where it may be used."""

    def save(self, breaker: Breaker) -> None:
        """Add a breaker, or replace the agent's."""

    def remove(self, agent: BackendName) -> None: ...
    def untold(self, *, now: datetime, limit: int) -> Sequence[Run]:
        """List due runs that a breaker holds back, and whose issue was not told yet, the oldest first."""


class Transaction(Protocol):
    """All stores within one transaction."""

    @property
    def workspaces(self) -> WorkspaceStore: ...
    @property
    def secrets(self) -> SecretStore: ...
    @property
    def users(self) -> UserStore: ...
    @property
    def tokens(self) -> TokenStore: ...
    @property
    def repositories(self) -> RepositoryStore: ...
    @property
    def deliveries(self) -> DeliveryStore: ...
    @property
    def conversations(self) -> ConversationStore: ...
    @property
    def outbox(self) -> OutboxStore: ...
    @property
    def rejections(self) -> RejectionStore: ...
    @property
    def pauses(self) -> PauseStore: ...
    @property
    def troubles(self) -> TroubleStore: ...
    @property
    def breakers(self) -> BreakerStore: ...
    @property
    def retention(self) -> RetentionStore: ...
    @property
    def soundness(self) -> SoundnessStore: ...
    @property
    def budgets(self) -> BudgetStore: ...


class Storage(Protocol):
    """Where everything is kept."""

    async def read(self, query: Callable[[Transaction], T]) -> T:
        """Run *query* on one consistent state; it must not write.

        Raises:
            StorageUnavailable: the database refuses.
        """

    async def write(self, change: Callable[[Transaction], T]) -> T:
        """Run *change* in one transaction: all of it stands, durable, when this returns; nothing where it raises.

        Raises:
            StorageUnavailable: the database or disk refuses.
        """

    async def record(self, delivery: NewDelivery) -> Recorded:
        """Record a delivery, grouped with others that come at the same time; durable when this returns."""

    async def probe(self, *, writes: bool = True, thorough: bool = False) -> None:
        """Write something small, durably, that changes nothing for anybody.

        Not *writes*: only look whether it could be written. *thorough*: read everything too.

        Raises:
            StorageUnavailable: the database or disk refuses, or what is written next would soon not fit.
            DatabaseUnusable: it is damaged.
        """

    async def changed(self, seen: int, *, within_seconds: float) -> None:
        """Wait until `generation()` is no longer *seen*, or that long."""

    def generation(self) -> int:
        """Count the commits noticed: our own at once, those of other processes within 1 s."""

    def foreign_generation(self) -> int:
        """Count the commits of other processes; caches made under another count are stale."""

    async def watch(self) -> None:
        """Notice the commits of other processes. Runs until cancelled; without it only our own are noticed."""


class Vault(Protocol):
    """Seals and opens secrets with the master key."""

    def seal(self, tx: Transaction, workspace_id: WorkspaceId, place: str, plain: str, *, now: datetime) -> None:
        """Store *plain* at that place; makes the master key with the first secret.

        Raises:
            MasterKeyMissing: secrets are stored under another key than the one found.
        """

    def open(self, tx: Transaction, workspace_id: WorkspaceId, place: str) -> str | None:
        """Open what is stored at that place.

        Raises:
            MasterKeyMissing: the key found is not the one it was sealed with.
        """

    def check(self, tx: Transaction) -> KeyInUse | None:
        """Find the master key that is recorded; None where nothing was ever sealed.

        Raises:
            MasterKeyMissing: it is not found.
        """

    def rotate(self, tx: Transaction, *, now: datetime) -> KeyInUse | None:
        """Make a new master key and seal every secret anew; None where nothing was ever sealed.

        Both keys are found until `settle`, in a transaction of its own, lets the new one take the old one's place.

        Raises:
            MasterKeyMissing: the present one is not found.
            ConfigurationInvalid: the present one is given, so that only who gives it can give another.
            DatabaseUnusable: a secret does not open.
        """

    def settle(self, tx: Transaction) -> None:
        """Let the master key that is recorded take the place of the one before it."""


Verify = Callable[[bytes, Mapping[str, str], Sequence[bytes]], None]
"""Prove a body by its headers with one of the secrets, or raise SignatureRejected."""

Sign = Callable[[bytes, bytes], str]
"""Make the signature of a body with a secret."""

PostWebhook = Callable[[str, Mapping[str, str], bytes], Awaitable[tuple[int, str]]]
"""Post a body with headers to an address, and give the answer's status and text, or raise Unreachable."""

ReadEnvelope = Callable[[bytes], Envelope]
"""Read the little that is needed of a proved body, or raise InvalidPayload."""

Decode = Callable[[bytes], Mapping[str, Any]]
"""Decode a body to a JSON object, or raise InvalidPayload."""

FindBases = Callable[[bytes], Sequence[str]]
"""List the bases of a body that has not proved itself: nothing but its `self` addresses is looked at."""

NormalBase = Callable[[str], str]
"""Bring a base URL into its one form, or raise InvalidInput where it is none (or not fit for its purpose)."""


class JiraSite(Protocol):
    """One workspace's Jira, asked as its service account.

    Every method raises JiraUnreachable, JiraRefused, RateLimited or JiraRejected where what was asked did not happen,
    JiraSilent or JiraBroken where that is not known.
    """

    async def server_info(self) -> ServerInfo: ...
    async def myself(self) -> Account:
        """Ask who the service account is."""

    async def permissions(self, names: Sequence[str], *, on: IssueId | None = None) -> frozenset[str]:
        """Ask which of these permissions the service account has: on an issue, else anywhere on the site.

        Raises:
            JiraGone: the issue is not there, or the service account may not see it.
        """

    async def find_accounts(self, query: str) -> Sequence[Account]:
        """Find accounts: one by its id, key or name, else those whose e-mail equals *query*."""

    async def get_issue(self, issue: IssueId | IssueKey) -> Issue:
        """Read an issue.

        Raises:
            JiraGone: it is not there, or the service account may not see it.
        """

    async def find_comment(self, issue_id: IssueId, comment_id: CommentId) -> IssueComment | None: ...
    async def list_comments(self, issue_id: IssueId, *, newest: int) -> Sequence[IssueComment]:
        """List the newest comments, oldest of them first."""

    async def find_change(self, issue_id: IssueId, change_id: str) -> ChangelogEntry | None: ...
    async def list_web_links(self, issue_id: IssueId) -> Sequence[str]: ...
    async def post_comment(
        self, issue_id: IssueId, markdown: str, *, visibility: Visibility, mark: EffectId, footer: str = ""
    ) -> CommentId:
        """Add a comment that carries *mark* as a comment property, and ends with *footer*."""

    async def edit_comment(
        self, issue_id: IssueId, comment_id: CommentId, markdown: str, *, visibility: Visibility, footer: str = ""
    ) -> None: ...
    async def is_marked(self, comment_id: CommentId, mark: EffectId) -> bool:
        """Say whether a comment carries *mark* as a property."""

    async def find_marked(
        self, issue_id: IssueId, mark: EffectId, *, since: datetime, words: str = ""
    ) -> CommentId | None:
        """Look among the service account's comments made after *since* for the one that carries *mark*.

        By its property or footer; with *words* given, one that bears neither and says the same is found, too.
        """

    def issue_address(self, issue_key: IssueKey) -> str:
        """Make the address where people see an issue."""


class Sites(Protocol):
    """The Jira of each workspace, by its row and secrets as they are now."""

    def site(
        self, workspace: Workspace, api_key: str, *, calls: Limit = UNLIMITED, urgency: Urgency = Urgency.ROUTINE
    ) -> JiraSite:
        """Give the client of that workspace, one session each. *calls* is its budget.

        Where it has nothing left for *urgency*, or Jira asked to wait, a method raises BudgetSpent or RateLimited, and
        Jira is not asked.
        """

    def budgets(self) -> Mapping[WorkspaceId, Bucket]:
        """Tell what is left of each workspace's budget; those that nothing was taken from are left out."""

    def set_budget(self, workspace: Workspace, left: Bucket) -> None:
        """Say what is left of a workspace's budget, as another process has left it."""


class Deployment(Protocol):
    """What core needs to know of a kind of Jira; `jirabot.jira.deployments` has the whole of it."""

    @property
    def name(self) -> str:
        """`cloud` or `dc`."""

    @property
    def route(self) -> str:
        """`jira` or `jira-dc`: the path segment of its routes."""

    @property
    def auth_methods(self) -> Sequence[str]:
        """The ways to authenticate, the default first."""

    @property
    def needs_email(self) -> bool:
        """Whether the service account needs an e-mail address to authenticate."""

    @property
    def sends_again(self) -> bool:
        """Whether it sends a webhook again that is answered 429."""

    def signs_webhooks(self, info: ServerInfo) -> bool:
        """Say whether that Jira can sign what it sends."""

    def account(self, user: Mapping[str, Any], /) -> Account:
        """Read a user object."""

    def comment(self, comment: Mapping[str, Any], /) -> IssueComment:
        """Read a comment object."""

    def read_body(self, value: str | Mapping[str, Any] | None, /) -> Body:
        """Read a text: wiki markup, an ADF document, or nothing."""


class AgentBackend(Protocol):
    """Drives a coding agent. One turn at a time a session; the managers queue what comes meanwhile."""

    @property
    def name(self) -> BackendName:
        """Its name in the configuration."""

    @property
    def capabilities(self) -> Capabilities:
        """What it can do beyond a turn at a time."""

    async def probe(self) -> Probe:
        """Look whether it could work now, without starting anything that stays."""

    def new_session(self, spec: RunSpec) -> Handle:
        """Make the handle of a session that is not there yet; no side effect, so that it can be saved first."""

    async def start(self, handle: Handle, spec: RunSpec) -> None:
        """Begin a turn with *spec*'s prompt, the session's first or the next; the same run id twice begins it once.

        Raises:
            AgentUnavailable: the agent can't be started as it is configured.
        """

    def events(self, handle: Handle) -> AsyncIterator[AgentEvent]:
        """Yield what the turn reports, in order; ends after exactly one `Ending`."""

    async def stop(self, handle: Handle, *, grace_seconds: float) -> None:
        """End the turn so that nothing of it is left running; idempotent; a turn that ran ends with `Stopped`."""

    async def resume(self, handle: Handle) -> Resumed:
        """Say what is left of a session after the daemon was away; ends processes that were left behind."""

    async def discard(self, handle: Handle) -> None:
        """Remove what the backend keeps of a session outside its folders."""


class Checkouts(Protocol):
    """Git: one bare mirror a repository, a local clone of it a conversation. Never runs git with rights in a clone."""

    async def prepare(
        self,
        conversation_id: ConversationId,
        remote: Remote | None,
        *,
        base: str,
        branch: str,
        signature: Signature,
    ) -> Checkout:
        """Make the conversation's folder with clone, home and session, or find it as it was.

        *base* empty: the remote's HEAD. *remote* None: an empty folder.

        Raises:
            GitFailed: no such branch, authentication, network (retryable).
        """

    async def default_branch(self, remote: Remote) -> str:
        """Ask *remote* for the branch its HEAD is; empty where it has none, as an empty repository.

        Raises:
            GitFailed: it can't be reached, or does not let us in.
        """

    async def has_branch(self, remote: Remote, branch: str) -> bool:
        """Say whether *remote* has that branch now."""

    async def publish(
        self, checkout: Checkout, remote: Remote | None, *, signature: Signature, message: str
    ) -> Published:
        """Commit what was left (run as the agent), fetch the branch into the mirror and push it from there.

        Raises:
            GitFailed: the push was refused (never forced), authentication, network.
        """

    def has_checkout(self, conversation_id: ConversationId) -> bool: ...

    async def remove(self, conversation_id: ConversationId) -> None:
        """Remove the conversation's folder.

        Raises:
            GitFailed: the disk refuses.
        """

    async def folders(self) -> Mapping[ConversationId, datetime]:
        """List the conversations that have a folder, each with the time when something was put into it last.

        Raises:
            GitFailed: they can't be listed.
        """

    def set_aside(self, conversation_id: ConversationId) -> bool:
        """Take a conversation's folder away, with one rename: nobody finds it any more. False where it can't."""

    async def clear(self) -> Sequence[str]:
        """Remove what was set aside; give the folders that can't be removed."""


class Alerts(Protocol):
    """Where administrators are told of troubles, beside log and `status`."""

    async def send(self, alert: Alert) -> None:
        """Tell them.

        Raises:
            Unreachable: it was not taken; the message names no address.
        """


class Events(Protocol):
    """The log of what happens: constant names, facts as fields of an allow-list. Never bodies, never secrets."""

    def tell(self, event: str, **fields: object) -> None:
        """Write one line; `level` may be given as a field (`warning`, `error`)."""
