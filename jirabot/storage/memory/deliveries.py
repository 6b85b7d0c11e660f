"""The inbox."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields, replace
from datetime import datetime
from typing import Any

from jirabot.core.access import EVERYTHING, Sight
from jirabot.core.conversations import RunState
from jirabot.core.deliveries import (
    DISCARDABLE,
    RETRYABLE,
    UNFINISHED,
    Delivery,
    DeliveryState,
    Lease,
    NewDelivery,
    Origin,
    Outcome,
    Recorded,
    SavedDelivery,
)
from jirabot.core.ids import (
    DeliveryId,
    IssueKey,
    LaneId,
    TriggerKey,
    WorkspaceId,
)
from jirabot.storage.memory.tables import Lane, Store, add_new, page


class Deliveries(Store):
    """Fulfils `DeliveryStore`."""

    def record(self, new: Sequence[NewDelivery]) -> Sequence[Recorded]:
        return [self._record(delivery) for delivery in new]

    def _record(self, new: NewDelivery) -> Recorded:
        state, print_ = self._state, (new.workspace_id, new.fingerprint)
        if known := state.fingerprints.get(print_):
            return Recorded(id=known, duplicate=True)
        received = Delivery(
            id=new.id,
            no=max((each.no for each in state.deliveries.values()), default=0) + 1,
            workspace_id=new.workspace_id,
            lane_id=new.lane_id,
            kind=new.kind,
            issue_id=new.issue_id,
            issue_key=new.issue_key,
            state=new.state,
            decision=new.decision,
            reason=new.reason,
            text=new.text,
            steps=(),
            trigger_key=None,
            conversation_id=None,
            attempts=0,
            due_at=new.due_at or new.received_at,
            received_at=new.received_at,
            handled_at=None,
            replay_of=new.replay_of,
            origin=new.origin,
        )
        add_new(state.deliveries, new.id, received)
        state.fingerprints[print_] = new.id
        state.requests[new.id] = SavedDelivery(headers=new.headers, body=new.body)
        if new.state is DeliveryState.RECEIVED:
            self._look_again(new.workspace_id, new.lane_id)
        return Recorded(id=new.id, duplicate=False)

    def _look_again(self, workspace_id: WorkspaceId, lane_id: LaneId) -> None:
        lane = self._state.lanes.get(lane_id, Lane(id=lane_id, workspace_id=workspace_id, ready_at=None))
        if not lane.owner:
            head = self._head(lane_id)
            self._state.lanes[lane_id] = replace(lane, ready_at=head.due_at if head else None)

    def _head(self, lane_id: LaneId) -> Delivery | None:
        lane = [each for each in self._state.deliveries.values() if each.lane_id == lane_id]
        return next((each for each in lane if each.state in UNFINISHED), None)

    def _stands(self, lease: Lease) -> bool:
        lane = self._state.lanes.get(LaneId(lease.key))
        return lane is not None and (lane.owner, lane.epoch) == (lease.owner, lease.epoch)

    def find(self, delivery_id: DeliveryId) -> Delivery | None:
        return self._state.deliveries.get(delivery_id)

    def find_by_fingerprint(self, workspace_id: WorkspaceId, fingerprint: str) -> Delivery | None:
        found = self._state.fingerprints.get((workspace_id, fingerprint))
        return self.find(found) if found else None

    def newest_on(self, issue_key: IssueKey, *, passing_over: Collection[str] = ()) -> Sequence[Delivery]:
        newest: dict[WorkspaceId, Delivery] = {}
        for each in self._newest():
            if each.issue_key == issue_key and each.reason not in passing_over:
                newest.setdefault(each.workspace_id, each)
        return list(newest.values())

    def request_of(self, delivery_id: DeliveryId) -> SavedDelivery | None:
        return self._state.requests.get(delivery_id)

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
        newest = page(self._newest(), seen=seen, before=before)
        asked = (each for each in newest if workspace_id in (None, each.workspace_id))
        asked = (each for each in asked if origin in (None, each.origin))
        return [each for each in asked if state in (None, each.state)][:limit]

    def _newest(self) -> Sequence[Delivery]:
        return sorted(self._state.deliveries.values(), key=lambda each: each.no, reverse=True)

    def counts(self) -> Mapping[tuple[WorkspaceId, DeliveryState], int]:
        return Counter((each.workspace_id, each.state) for each in self._state.deliveries.values())

    def backlog(self, workspace_id: WorkspaceId, *, most: int) -> int:
        every = self._state.deliveries.values()
        return min(most, sum(each.workspace_id == workspace_id and each.state in UNFINISHED for each in every))

    def claim_lane(self, *, owner: str, now: datetime, until: datetime, only: LaneId | None = None) -> Lease | None:
        lanes = [each for each in self._state.lanes.values() if only in (None, each.id)]
        due = [(not each.owner, each.due_at, each.id) for each in lanes if each.due_at and each.due_at <= now]
        if not due:
            return None
        lane = self._state.lanes[min(due)[2]]
        self._state.lanes[lane.id] = replace(lane, owner=owner, epoch=lane.epoch + 1, lease_until=until)
        return Lease(key=lane.id, workspace_id=lane.workspace_id, owner=owner, epoch=lane.epoch + 1)

    def renew_lane(self, lease: Lease, *, until: datetime) -> bool:
        if not self._stands(lease):
            return False
        lane_id = LaneId(lease.key)
        self._state.lanes[lane_id] = replace(self._state.lanes[lane_id], lease_until=until)
        return True

    def head_of(self, lease: Lease, *, now: datetime) -> Delivery | None:
        head = self._head(LaneId(lease.key)) if self._stands(lease) else None
        return head if head and head.due_at <= now else None

    def conclude(self, lease: Lease, delivery_id: DeliveryId, outcome: Outcome, *, now: datetime) -> bool:
        changes = {each.name: getattr(outcome, each.name) for each in fields(outcome)}
        if outcome.issue_key is None:
            del changes["issue_key"]
        return self._handled(lease, delivery_id, **changes, handled_at=now)

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
        known = self.find(delivery_id)
        attempts = known.attempts + counted if known else 0
        changes = {"due_at": due_at, "reason": reason, "text": text, "attempts": attempts}
        return self._handled(lease, delivery_id, state=DeliveryState.WAITING, **changes)

    def rewrite(self, lease: Lease, delivery_id: DeliveryId, body: bytes) -> bool:
        if not self._handled(lease, delivery_id):
            return False
        self._state.requests[delivery_id] = replace(self._state.requests[delivery_id], body=body)
        return True

    def _handled(self, lease: Lease, delivery_id: DeliveryId, **changes: Any) -> bool:
        known = self.find(delivery_id)
        if known is None or known.lane_id != lease.key or known.state not in UNFINISHED or not self._stands(lease):
            return False
        self._state.deliveries[delivery_id] = replace(known, **changes)
        return True

    def release_lane(self, lease: Lease) -> None:
        if self._stands(lease):
            self._free(LaneId(lease.key))

    def _free(self, lane_id: LaneId) -> None:
        lane = replace(self._state.lanes[lane_id], owner="", lease_until=None)
        self._state.lanes[lane_id] = lane
        self._look_again(lane.workspace_id, lane_id)

    def release_leases_of_others(self, *, owner: str) -> int:
        lanes = [lane.id for lane in self._state.lanes.values() if lane.owner not in ("", owner)]
        for lane_id in lanes:
            self._free(lane_id)
        runs = [run for run in self._state.runs.values() if run.state is RunState.RUNNING]
        held = [run for run in runs if run.owner not in ("", owner)]
        for run in held:
            self._state.runs[run.id] = replace(run, owner="", lease_until=None)
        return len(lanes) + len(held)

    def next_due_at(self) -> datetime | None:
        return min((lane.due_at for lane in self._state.lanes.values() if lane.due_at), default=None)

    def acted(self, workspace_id: WorkspaceId, key: TriggerKey) -> DeliveryId | None:
        return self._state.actions.get((workspace_id, key))

    def is_told(self, workspace_id: WorkspaceId, key: TriggerKey) -> bool:
        every = [each for each in self._state.deliveries.values() if each.state is not DeliveryState.DEAD]
        return any((each.workspace_id, each.trigger_key) == (workspace_id, key) for each in every)

    def record_action(
        self, workspace_id: WorkspaceId, key: TriggerKey, delivery_id: DeliveryId, *, now: datetime
    ) -> bool:
        return self._state.actions.setdefault((workspace_id, key), delivery_id) == delivery_id

    def retry(self, delivery_id: DeliveryId, *, now: datetime) -> bool:
        changes = {"decision": "", "reason": "", "text": "", "steps": (), "attempts": 0, "handled_at": None}
        return self._moved(delivery_id, RETRYABLE, state=DeliveryState.RECEIVED, due_at=now, **changes)

    def discard(self, delivery_id: DeliveryId, *, reason: str, text: str, now: datetime) -> bool:
        changes = {"decision": "discard", "reason": reason, "text": text, "handled_at": now}
        return self._moved(delivery_id, DISCARDABLE, state=DeliveryState.DISCARDED, **changes)

    def _moved(self, delivery_id: DeliveryId, of: frozenset[DeliveryState], **changes: Any) -> bool:
        known = self.find(delivery_id)
        if known is None or known.state not in of:
            return False
        self._state.deliveries[delivery_id] = replace(known, **changes)
        self._look_again(known.workspace_id, known.lane_id)
        return True

    def release_kept(self, workspace_id: WorkspaceId, *, now: datetime) -> int:
        mine = [each for each in self._state.deliveries.values() if each.workspace_id == workspace_id]
        kept = [each for each in mine if each.state is DeliveryState.PAUSED]
        for each in kept:
            received = replace(each, state=DeliveryState.RECEIVED, decision="", reason="", text="", due_at=now)
            self._state.deliveries[each.id] = received
        for each in kept:
            self._look_again(workspace_id, each.lane_id)
        return len(kept)
