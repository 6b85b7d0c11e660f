"""The tables: values are frozen, so that a copy of the dictionaries is a copy of everything."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, Protocol, TypeVar

from jirabot.core.access import Sight
from jirabot.core.audit import Row
from jirabot.core.breakers import Breaker
from jirabot.core.budgets import Bucket
from jirabot.core.catching_up import Checkpoint
from jirabot.core.conversations import Conversation, Message, Run, RunEvent
from jirabot.core.deliveries import (
    Delivery,
    SavedDelivery,
)
from jirabot.core.effects import EffectState, OwedEffect
from jirabot.core.ids import (
    AccountId,
    BackendName,
    ConversationId,
    DeliveryId,
    EffectId,
    LaneId,
    LinkId,
    MessageId,
    RepositoryId,
    RunId,
    TokenId,
    TriggerKey,
    UserId,
    WorkspaceId,
)
from jirabot.core.oauth_states import OAuthState
from jirabot.core.pauses import Pause
from jirabot.core.people import Link
from jirabot.core.ports import Rejection, Sealed
from jirabot.core.repositories import Repository
from jirabot.core.tokens import Token
from jirabot.core.troubles import Strike, Trouble
from jirabot.core.webhooks import Registration
from jirabot.core.workspaces import Workspace
from jirabot.errors import Conflict


class OfWorkspace(Protocol):
    """A row of a tenant."""

    @property
    def id(self) -> str: ...
    @property
    def workspace_id(self) -> WorkspaceId: ...


T = TypeVar("T")
V = TypeVar("V", bound=OfWorkspace)
K = TypeVar("K")

OWED = frozenset({EffectState.PENDING, EffectState.SENDING})


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """A lane: idle where `ready_at` is None and nobody owns it."""

    id: LaneId
    workspace_id: WorkspaceId
    ready_at: datetime | None
    owner: str = ""
    epoch: int = 0
    lease_until: datetime | None = None

    @property
    def due_at(self) -> datetime | None:
        """When it can be claimed."""
        return self.lease_until if self.owner else self.ready_at


@dataclass(slots=True)
class Tables:
    """The tables. Values are frozen, so a copy of the dictionaries is a copy of everything."""

    workspaces: dict[WorkspaceId, Workspace] = field(default_factory=dict)
    secrets: dict[tuple[WorkspaceId, str], Sealed] = field(default_factory=dict)
    expiries: dict[tuple[WorkspaceId, str], datetime] = field(default_factory=dict)
    meta: dict[str, tuple[str, str]] = field(default_factory=dict)
    users: dict[str, UserId] = field(default_factory=dict)
    links: dict[LinkId, Link] = field(default_factory=dict)
    tokens: dict[TokenId, Token] = field(default_factory=dict)
    oauth_states: dict[str, OAuthState] = field(default_factory=dict)
    repositories: dict[RepositoryId, Repository] = field(default_factory=dict)
    deliveries: dict[DeliveryId, Delivery] = field(default_factory=dict)
    requests: dict[DeliveryId, SavedDelivery] = field(default_factory=dict)
    fingerprints: dict[tuple[WorkspaceId, str], DeliveryId] = field(default_factory=dict)
    lanes: dict[LaneId, Lane] = field(default_factory=dict)
    actions: dict[tuple[WorkspaceId, TriggerKey], DeliveryId] = field(default_factory=dict)
    conversations: dict[ConversationId, Conversation] = field(default_factory=dict)
    messages: dict[MessageId, Message] = field(default_factory=dict)
    runs: dict[RunId, Run] = field(default_factory=dict)
    run_events: dict[int, RunEvent] = field(default_factory=dict)
    outbox: dict[EffectId, OwedEffect] = field(default_factory=dict)
    rejections: dict[WorkspaceId, tuple[Rejection, ...]] = field(default_factory=dict)
    registrations: dict[tuple[WorkspaceId, str], Registration] = field(default_factory=dict)
    pauses: dict[str, Pause] = field(default_factory=dict)
    breakers: dict[BackendName, Breaker] = field(default_factory=dict)
    troubles: dict[str, Trouble] = field(default_factory=dict)
    strikes: dict[tuple[str, Strike], tuple[datetime, ...]] = field(default_factory=dict)
    pruned_at: dict[str, datetime] = field(default_factory=dict)
    budgets: dict[tuple[WorkspaceId, str], Bucket] = field(default_factory=dict)
    checkpoints: dict[WorkspaceId, Checkpoint] = field(default_factory=dict)
    audit: dict[int, Row] = field(default_factory=dict)
    people: dict[tuple[WorkspaceId, AccountId], int] = field(default_factory=dict)
    last_number: dict[str, int] = field(default_factory=dict)

    def copy(self) -> "Tables":
        return Tables(**{each.name: dict(getattr(self, each.name)) for each in fields(self)})


def page(newest: Iterable[V], *, seen: Sight, before: str | None) -> Iterator[V]:
    """Give those of *newest* that are *seen* as a workspace's, from behind the one of that id on."""
    begun = before is None
    for each in newest:
        if begun and seen.covers(each.workspace_id):
            yield each
        begun = begun or each.id == before


class Store:
    """Works on the tables of one transaction."""

    def __init__(self, state: Tables) -> None:
        self._state = state


def add_new(table: dict[K, T], key: K, value: T) -> None:
    """Add a value.

    Raises:
        Conflict: the key is taken.
    """
    if key in table:
        raise Conflict("that is there already")
    table[key] = value


def newest_first(values: Any) -> list[Any]:
    """Sort by the time of making, and by id where that is the same."""
    return sorted(values, key=lambda value: (value.created_at, value.id), reverse=True)
