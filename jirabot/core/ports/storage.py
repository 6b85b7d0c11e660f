"""Where everything is kept: all stores within a transaction, and the vault of secrets."""

from collections.abc import Callable
from datetime import datetime
from typing import Protocol, TypeVar

from jirabot.core.deliveries import NewDelivery, Recorded
from jirabot.core.ids import WorkspaceId
from jirabot.core.ports.audit import AuditStore, PeopleStore
from jirabot.core.ports.forgetting import ForgettingStore
from jirabot.core.ports.people import (
    KeyInUse,
    OAuthStateStore,
    PauseStore,
    RepositoryStore,
    SecretStore,
    TokenStore,
    UserStore,
    WorkspaceStore,
)
from jirabot.core.ports.upkeep import (
    BreakerStore,
    BudgetStore,
    CheckpointStore,
    RegistrationStore,
    RejectionStore,
    RetentionStore,
    SoundnessStore,
    TroubleStore,
)
from jirabot.core.ports.work import ConversationStore, DeliveryStore, OutboxStore

T = TypeVar("T")


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
    def oauth_states(self) -> OAuthStateStore: ...
    @property
    def repositories(self) -> RepositoryStore: ...
    @property
    def deliveries(self) -> DeliveryStore: ...
    @property
    def conversations(self) -> ConversationStore: ...
    @property
    def outbox(self) -> OutboxStore: ...
    @property
    def registrations(self) -> RegistrationStore: ...
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
    @property
    def checkpoints(self) -> CheckpointStore: ...
    @property
    def audit(self) -> AuditStore: ...
    @property
    def people(self) -> PeopleStore: ...
    @property
    def forgetting(self) -> ForgettingStore: ...


class Storage(Protocol):
    """Where everything is kept."""

    async def read(self, query: Callable[[Transaction], T]) -> T:
        """Run *query* on one consistent state; it must not write.

        Raises:
            StorageUnavailable: the database refuses.
        """

    async def write(self, change: Callable[[Transaction], T]) -> T:
        """Run *change* in one transaction: all of it stands, durable, when this returns; nothing where it raises.

        It shares the commit with others that come at the same time, and is run again, alone, where the database refuses
        one of them: it must change nothing but the transaction.

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

    async def sweep(self) -> bool:
        """Leave nothing in the files of what was removed; False where somebody who reads is in the way.

        Nobody else can write meanwhile: a second for 100 MB.

        Raises:
            StorageUnavailable: the database or disk refuses.
        """

    def size_bytes(self) -> int:
        """Tell how large the database is."""

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
            SecretSealed: it does not open, as its row was changed.
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
            SecretSealed: one does not open.
        """

    def settle(self, tx: Transaction) -> None:
        """Let the master key that is recorded take the place of the one before it."""
