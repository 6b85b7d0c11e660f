"""A delivery: one authentic webhook request, from the bytes at the door to its recorded outcome.

What is made for every webhook before it is answered is a named tuple: a frozen data class takes four times as long.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from jirabot.core.ids import ConversationId, DeliveryId, IssueId, IssueKey, LaneId, TriggerKey, WorkspaceId


class DeliveryState(StrEnum):
    """Where a delivery is on its way to its one outcome."""

    RECEIVED = "received"
    WAITING = "waiting"
    """Failed for now, to be tried again at `due_at`."""
    DONE = "done"
    IGNORED = "ignored"
    REFUSED = "refused"
    PAUSED = "paused"
    """Kept, not processed: the workspace was paused when it came."""
    DEAD = "dead"
    """Given up, with the reason; to be shown, explained, replayed or discarded."""
    DISCARDED = "discarded"


class Origin(StrEnum):
    """How a delivery came to be known."""

    WEBHOOK = "webhook"
    CATCH_UP = "catch-up"
    """It was found in Jira, and told by no webhook, or not yet."""
    GAP = "gap"
    """It stands for a time in which nobody listened, and waits for a person to say what becomes of it."""


UNFINISHED = frozenset({DeliveryState.RECEIVED, DeliveryState.WAITING})
"""What has no outcome yet and is not kept back."""

FINISHED = frozenset({DeliveryState.DONE, DeliveryState.IGNORED, DeliveryState.REFUSED, DeliveryState.DISCARDED})
"""What nobody will ask anything of any more."""

RETRYABLE = frozenset({DeliveryState.DEAD, DeliveryState.WAITING})
"""What a person may have tried again now."""

DISCARDABLE = frozenset({DeliveryState.RECEIVED, DeliveryState.WAITING, DeliveryState.PAUSED, DeliveryState.DEAD})
"""What a person may give up: it has not led to anything."""


class RawDelivery(NamedTuple):
    """A webhook request as it came: header names in lower case, the body's very bytes."""

    headers: Mapping[str, str]
    body: bytes
    remote: str
    """The client's address, seen through trusted proxies; empty where there is none."""
    received_at: datetime
    token: str = ""
    """The last segment of the address, where it has one more than it needs."""


class Envelope(NamedTuple):
    """The little that is read of a proved body before it is answered: whose it is, which issue, what kind."""

    kind: str
    bases: tuple[str, ...]
    """The distinct bases (cut at `/rest/`) of the `self` addresses that name a site."""
    issue_id: IssueId | None
    issue_key: IssueKey | None
    has_time: bool
    timestamp: int
    """The millisecond since 1970 that it tells; 0 where it tells none, or none that could be."""


class NewDelivery(NamedTuple):
    """What the inbox records. `state` is `received`, `paused`, or `refused` (a host mismatch, with its reason)."""

    id: DeliveryId
    workspace_id: WorkspaceId
    lane_id: LaneId
    fingerprint: str
    kind: str
    issue_id: IssueId | None
    issue_key: IssueKey | None
    state: DeliveryState
    headers: Mapping[str, str]
    body: bytes
    received_at: datetime
    due_at: datetime | None = None
    """When it is to be handled, where that is not at once."""
    decision: str = ""
    reason: str = ""
    text: str = ""
    replay_of: DeliveryId | None = None
    origin: Origin = Origin.WEBHOOK


class Recorded(NamedTuple):
    """The inbox's answer: the delivery's id, or the id of the one already held with that fingerprint."""

    id: DeliveryId
    duplicate: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of handling a delivery and what came of it, as `event explain` and `replay` tell it."""

    step: str
    outcome: str
    reason: str = ""
    text: str = ""


ARRIVAL = "arrival"
"""The step of what came late. Its reason is the count of seconds: so the mark outlives the body that it was read in."""

UNLINKED = "account"
"""The step of what came to nothing for want of a link. Its text is who would have to have one, as `user link` takes it.

It stays as long as the outcome, and the body does not (docs/decisions/0027).
"""

LATE_AFTER = timedelta(minutes=5)
"""What comes sooner is in time: a Jira's clock may differ from ours, and its queue may be long for a moment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a delivery led to; recorded with it, once."""

    state: DeliveryState
    decision: str
    reason: str
    text: str
    steps: tuple[Step, ...] = ()
    trigger_key: TriggerKey | None = None
    conversation_id: ConversationId | None = None
    issue_key: IssueKey | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A delivery as the inbox holds it."""

    id: DeliveryId
    no: int
    """Its place in the order of arrival."""
    workspace_id: WorkspaceId
    lane_id: LaneId
    kind: str
    issue_id: IssueId | None
    issue_key: IssueKey | None
    state: DeliveryState
    decision: str
    reason: str
    text: str
    steps: tuple[Step, ...]
    trigger_key: TriggerKey | None
    conversation_id: ConversationId | None
    attempts: int
    due_at: datetime
    received_at: datetime
    handled_at: datetime | None
    replay_of: DeliveryId | None
    origin: Origin

    @property
    def late_seconds(self) -> int | None:
        """Say how late it came, as its step tells; None where it did not, or nobody has looked yet."""
        return late_seconds(self.steps)


AGAIN = "jirabot-again"
"""Stored among a replay's headers: it acts even on what was acted on already. No request can bring it: of its headers
only those are kept that the intake names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedDelivery:
    """A delivery's request as it came, for handling and for `event show --raw`."""

    headers: Mapping[str, str]
    body: bytes

    @property
    def acts_again(self) -> bool:
        """Say whether it is a replay that was told to act again."""
        return AGAIN in self.headers


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The right to work on a lane or run: valid only while its owner and epoch stand in the row."""

    key: str
    workspace_id: WorkspaceId
    owner: str
    epoch: int


def lateness(delivery: Delivery, happened_at: datetime | None) -> timedelta | None:
    """Say how long after it happened a webhook told of it; None where that is not known, or it came in time.

    What was found in Jira, or is replayed, was not sent late.
    """
    if happened_at is None or delivery.origin is not Origin.WEBHOOK or delivery.replay_of is not None:
        return None
    late = delivery.received_at - happened_at
    return late if late > LATE_AFTER else None


def late_seconds(steps: Sequence[Step]) -> int | None:
    """Read from the steps of a delivery how late it came; None where they do not say that it did."""
    return next((int(step.reason) for step in steps if step.step == ARRIVAL), None)


def unlinked_account(steps: Sequence[Step]) -> str:
    """Read from the steps of a delivery whom a link would let be heard; empty where that is not what is wanting."""
    return next((step.text for step in steps if step.step == UNLINKED), "")


def lane_of(workspace_id: WorkspaceId, issue_id: IssueId | None) -> LaneId:
    """Name the lane of an issue: what happened to one issue is handled in order, issues side by side.

    What names no issue shares the workspace's own lane.
    """
    return LaneId(f"{workspace_id}/{issue_id or '-'}")


def fingerprint(workspace_id: WorkspaceId, body: bytes, *, salt: str = "", timestamp: int = 0) -> str:
    """Name a body: the same for every copy of it in one workspace.

    The millisecond that it tells itself comes first, so that what comes now stands together in the unique index: at
    random, each row is put on a page of its own where the inbox is full (docs/decisions/0036).
    """
    digest = hashlib.sha256(b"%b\0" % workspace_id.encode())
    # Not joined: a body may have 25 MB.
    digest.update(body)
    digest.update(b"\0%b" % salt.encode())
    return f"{timestamp:012x}-{digest.hexdigest()}" if timestamp else digest.hexdigest()


def lanes_of(workspace_id: WorkspaceId) -> tuple[LaneId, LaneId]:
    """Give the range that the names of a workspace's lanes lie in: from the first up to before the second."""
    return LaneId(f"{workspace_id}/"), LaneId(f"{workspace_id}{chr(ord('/') + 1)}")
