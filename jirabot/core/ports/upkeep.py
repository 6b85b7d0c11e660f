"""The stores of what goes wrong, what is left of budgets, and what becomes old or unsound."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from jirabot.core.breakers import Breaker
from jirabot.core.budgets import Bucket
from jirabot.core.catching_up import Checkpoint
from jirabot.core.conversations import Run
from jirabot.core.ids import BackendName, ConversationId, WorkspaceId
from jirabot.core.soundness import BodyFile, Dangling, Held
from jirabot.core.troubles import Reason, Strike, Trouble
from jirabot.core.webhooks import Registration


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


class RegistrationStore(Protocol):
    """The webhooks that jirabot has made, as far as it has not removed them again."""

    def save(self, registration: Registration) -> None:
        """Add one, or replace the workspace's of that id."""

    def list(self, workspace_id: WorkspaceId | None = None) -> Sequence[Registration]:
        """List them (of a workspace), the newest first."""

    def remove(self, workspace_id: WorkspaceId, webhook_id: str) -> None: ...


class TroubleStore(Protocol):
    """What administrators are told of, and the single failures that come before it."""

    def begin(self, trouble: Trouble) -> bool:
        """Add a trouble; False where one of its scope and reason stands already, which stays as it is."""

    def restate(self, scope: str, reason: Reason, *, text: str, fix: str) -> bool:
        """Let the one that stands say *text*, and its begin count as untold; False where none does, or says so."""

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


class BreakerStore(Protocol):
    """The agents that no run is begun with, but for one that tries; `ConversationStore.claim_run` heeds it."""

    def find(self, agent: BackendName) -> Breaker | None:
        """Find the open breaker of an agent; None where it may be used."""

    def save(self, breaker: Breaker) -> None:
        """Add a breaker, or replace the agent's."""

    def remove(self, agent: BackendName) -> None: ...
    def untold(self, *, now: datetime, limit: int) -> Sequence[Run]:
        """List due runs that a breaker holds back, and whose issue was not told yet, the oldest first."""


class BudgetStore(Protocol):
    """What was left of each budget when it was last written down."""

    def put(self, workspace_id: WorkspaceId, name: str, left: Bucket) -> None:
        """Write down what is left of a workspace's budget of that name."""

    def list(self, name: str) -> Mapping[WorkspaceId, Bucket]:
        """Tell what was left of each workspace's budget of that name."""


class CheckpointStore(Protocol):
    """How far each workspace's Jira was looked through for what no webhook told."""

    def save(self, checkpoint: Checkpoint) -> None:
        """Add a workspace's checkpoint, or replace it."""

    def find(self, workspace_id: WorkspaceId) -> Checkpoint | None: ...
    def list(self) -> Mapping[WorkspaceId, Checkpoint]: ...


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

    def forget_reports(self, numbers: Sequence[int], *, before: datetime) -> int:
        """Remove those that still are as `old_reports` found them; count them."""

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
        """List effects that were due before then and are not sent, though nothing of their issue is before them.

        One whose fate is unknown was due when it was sent.
        """
