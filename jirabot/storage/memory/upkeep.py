"""What is kept of troubles and strangers, what is left of budgets, what is old, and what does not fit together."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from jirabot.core.budgets import Bucket
from jirabot.core.catching_up import Checkpoint
from jirabot.core.conversations import LIVE_RUNS, RunState
from jirabot.core.deliveries import FINISHED, UNFINISHED, Delivery, DeliveryState
from jirabot.core.effects import EffectState, OwedEffect
from jirabot.core.ids import (
    ConversationId,
    WorkspaceId,
)
from jirabot.core.ports import ForgottenRequests, Rejection
from jirabot.core.soundness import BodyFile, Dangling, Held
from jirabot.core.troubles import Reason, Strike, Trouble
from jirabot.core.webhooks import Registration
from jirabot.storage.memory.outbox import Outbox
from jirabot.storage.memory.tables import Store, add_new

_REJECTIONS_KEPT = 50


class Rejections(Store):
    """Fulfils `RejectionStore`."""

    def add(self, added: Sequence[Rejection]) -> None:
        for rejection in added:
            known = self._state.rejections.get(rejection.workspace_id, ())
            self._state.rejections[rejection.workspace_id] = (rejection, *known)[:_REJECTIONS_KEPT]

    def list(self, workspace_id: WorkspaceId) -> Sequence[Rejection]:
        return self._state.rejections.get(workspace_id, ())

    def forget(self, *, before: datetime) -> int:
        forgotten = 0
        for workspace_id, known in list(self._state.rejections.items()):
            kept = tuple(each for each in known if each.at >= before)
            forgotten += len(known) - len(kept)
            self._state.rejections[workspace_id] = kept
        return forgotten


class Registrations(Store):
    """Fulfils `RegistrationStore`."""

    def save(self, registration: Registration) -> None:
        self._state.registrations[registration.workspace_id, registration.webhook_id] = registration

    def list(self, workspace_id: WorkspaceId | None = None) -> Sequence[Registration]:
        found = [each for each in self._state.registrations.values() if workspace_id in (None, each.workspace_id)]
        by_id = sorted(found, key=lambda each: (each.workspace_id, each.webhook_id))
        return sorted(by_id, key=lambda each: each.registered_at, reverse=True)

    def remove(self, workspace_id: WorkspaceId, webhook_id: str) -> None:
        self._state.registrations.pop((workspace_id, webhook_id), None)


class Troubles(Store):
    """Fulfils `TroubleStore`."""

    def begin(self, trouble: Trouble) -> bool:
        if any(each.reason == trouble.reason for each in self.standing(trouble.scope)):
            return False
        add_new(self._state.troubles, trouble.id, trouble)
        return True

    def end(self, scope: str, reason: Reason, *, now: datetime) -> bool:
        found = next((each for each in self.standing(scope) if each.reason == reason), None)
        if found is not None:
            self._state.troubles[found.id] = replace(found, ended_at=now)
        return found is not None

    def restate(self, scope: str, reason: Reason, *, text: str, fix: str) -> bool:
        found = next((each for each in self.standing(scope) if each.reason == reason and each.text != text), None)
        if found is not None:
            self._state.troubles[found.id] = replace(found, text=text, fix=fix, begin_told_at=None)
        return found is not None

    def standing(self, scope: str | None = None) -> Sequence[Trouble]:
        return [each for each in self._newest() if each.ended_at is None and scope in (None, each.scope)]

    def list(self, *, limit: int = 50) -> Sequence[Trouble]:
        return self._newest()[:limit]

    def _newest(self) -> Sequence[Trouble]:
        return sorted(self._state.troubles.values(), key=lambda each: (each.begun_at, each.id), reverse=True)

    def untold(self) -> Sequence[Trouble]:
        def is_untold(trouble: Trouble) -> bool:
            return trouble.begin_told_at is None or (trouble.ended_at is not None and trouble.end_told_at is None)

        return [each for each in reversed(self._newest()) if is_untold(each)]

    def told(self, trouble: Trouble, *, now: datetime) -> None:
        found = self._state.troubles[trouble.id]
        begin_told_at = found.begin_told_at or now
        end_told_at = found.end_told_at if trouble.ended_at is None else now
        self._state.troubles[trouble.id] = replace(found, begin_told_at=begin_told_at, end_told_at=end_told_at)

    def strike(self, scope: str, kind: Strike, *, at: datetime) -> None:
        self._state.strikes[scope, kind] = (*self._state.strikes.get((scope, kind), ()), at)

    def strikes(self, scope: str, kind: Strike, *, since: datetime) -> int:
        return sum(at > since for at in self._state.strikes.get((scope, kind), ()))

    def forgive(self, scope: str, kind: Strike) -> None:
        self._state.strikes.pop((scope, kind), None)

    def forget(self, *, before: datetime) -> int:
        gone = [each for each in self._state.troubles.values() if _is_over(each, before)]
        for each in gone:
            del self._state.troubles[each.id]
        forgotten = 0
        for key, instants in list(self._state.strikes.items()):
            self._state.strikes[key] = tuple(at for at in instants if at >= before)
            forgotten += len(instants) - len(self._state.strikes[key])
        return len(gone) + forgotten


def _is_over(trouble: Trouble, before: datetime) -> bool:
    return trouble.ended_at is not None and trouble.ended_at < before and trouble.end_told_at is not None


class Budgets(Store):
    """Fulfils `BudgetStore`."""

    def put(self, workspace_id: WorkspaceId, name: str, left: Bucket) -> None:
        self._state.budgets[workspace_id, name] = left

    def list(self, name: str) -> Mapping[WorkspaceId, Bucket]:
        return {workspace_id: left for (workspace_id, of), left in self._state.budgets.items() if of == name}


class Checkpoints(Store):
    """Fulfils `CheckpointStore`."""

    def save(self, checkpoint: Checkpoint) -> None:
        self._state.checkpoints[checkpoint.workspace_id] = checkpoint

    def find(self, workspace_id: WorkspaceId) -> Checkpoint | None:
        return self._state.checkpoints.get(workspace_id)

    def list(self) -> Mapping[WorkspaceId, Checkpoint]:
        return dict(self._state.checkpoints)


class Retention(Store):
    """Fulfils `RetentionStore`."""

    def old_requests(self, *, before: datetime, dead: bool, after: int, limit: int) -> Sequence[int]:
        every = sorted(self._state.deliveries.values(), key=lambda each: each.no)
        return [each.no for each in every if each.no > after and self._is_old(each, before, dead=dead)][:limit]

    def _is_old(self, delivery: Delivery, before: datetime, *, dead: bool) -> bool:
        states = {DeliveryState.DEAD} if dead else FINISHED
        is_finished = delivery.state in states and (delivery.handled_at or delivery.received_at) < before
        return is_finished and delivery.id in self._state.requests and not self._is_open(delivery.conversation_id)

    def _is_open(self, conversation_id: ConversationId | None) -> bool:
        conversation = self._state.conversations.get(conversation_id) if conversation_id else None
        return conversation is not None and conversation.is_open

    def forget_requests(self, numbers: Sequence[int], *, before: datetime, dead: bool) -> ForgottenRequests:
        asked = [each for each in self._state.deliveries.values() if each.no in numbers]
        old = [each for each in asked if self._is_old(each, before, dead=dead)]
        for each in old:
            del self._state.requests[each.id]
        return ForgottenRequests(count=len(old))

    def named_files(self, names: Sequence[str]) -> frozenset[str]:
        return frozenset()

    def old_reports(self, *, before: datetime, after: int, limit: int) -> Sequence[int]:
        return [no for no in self._old_reports(before) if no > after][:limit]

    def _old_reports(self, before: datetime) -> Sequence[int]:
        every = sorted(self._state.run_events.items())
        return [no for no, each in every if each.at < before and not self._is_open(each.conversation_id)]

    def forget_reports(self, numbers: Sequence[int], *, before: datetime) -> int:
        old = [no for no in self._old_reports(before) if no in numbers]
        for no in old:
            del self._state.run_events[no]
        return len(old)

    def closed_of(self, ids: Sequence[ConversationId], *, before: datetime) -> Sequence[ConversationId]:
        found = [self._state.conversations[id_] for id_ in sorted(ids) if id_ in self._state.conversations]
        live = {run.conversation_id for run in self._state.runs.values() if run.state in LIVE_RUNS}
        return [each.id for each in found if not each.is_open and each.updated_at < before and each.id not in live]

    def pruned_at(self) -> datetime | None:
        return self._state.pruned_at.get("last")

    def record_pruned(self, *, at: datetime) -> None:
        self._state.pruned_at["last"] = at


class Soundness(Store):
    """Fulfils `SoundnessStore`."""

    """Memory is not damaged, has no files, and wakes its lanes itself."""

    def damage(self) -> Sequence[str]:
        return []

    def dangling(self) -> Sequence[Dangling]:
        return []

    def bodies(self) -> Sequence[BodyFile]:
        return []

    def stranded(self) -> Sequence[str]:
        unfinished = [each for each in self._state.deliveries.values() if each.state in UNFINISHED]
        return [each.id for each in unfinished if self._state.lanes[each.lane_id].due_at is None]

    def wake_stranded(self) -> int:
        return 0

    def held(self) -> Sequence[Held]:
        lanes = [
            Held(what=f"the lane of issue `{each.id.partition('/')[2]}`", owner=each.owner, until=each.lease_until)
            for each in self._state.lanes.values()
            if each.owner and each.lease_until
        ]
        runs = [
            Held(what=f"the run `{each.id}`", owner=each.owner, until=each.lease_until)
            for each in self._state.runs.values()
            if each.state is RunState.RUNNING and each.owner and each.lease_until
        ]
        return [*lanes, *runs]

    def overdue(self, *, before: datetime) -> Sequence[str]:
        heads = Outbox(self._state).heads()
        return [each.id for each in heads if _due_since(each) < before]


def _due_since(effect: OwedEffect) -> datetime:
    return effect.sent_at if effect.state is EffectState.SENDING and effect.sent_at else effect.due_at
