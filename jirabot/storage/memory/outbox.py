"""What is owed to Jira."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from jirabot.core.access import EVERYTHING, Sight
from jirabot.core.effects import AddComment, EditComment, EffectKind, EffectState, OwedEffect
from jirabot.core.ids import (
    CommentId,
    ConversationId,
    EffectId,
    IssueId,
    WorkspaceId,
)
from jirabot.errors import Conflict
from jirabot.storage.memory.tables import OWED, Store, add_new, page


class Outbox(Store):
    """Fulfils `OutboxStore`."""

    def owe(self, effects: Sequence[OwedEffect]) -> None:
        for effect in effects:
            if not any(effect.seq == other.seq for other in self.of_cause(effect.workspace_id, effect.cause)):
                add_new(self._state.outbox, effect.id, effect)

    def heads(self) -> Sequence[OwedEffect]:
        """List what is in flight, and what nothing is in the way of: that is not, and nothing older but progress."""
        owed = [each for each in self._state.outbox.values() if each.state in OWED]
        in_flight = {(e.workspace_id, e.issue_id) for e in owed if e.state is EffectState.SENDING}
        blocked: set[tuple[WorkspaceId, IssueId]] = set()
        heads: list[OwedEffect] = []
        for effect in owed:
            issue = (effect.workspace_id, effect.issue_id)
            if effect.state is EffectState.SENDING or issue not in blocked | in_flight:
                heads.append(effect)
            if effect.effect.kind is not EffectKind.PROGRESS:
                blocked.add(issue)
        return heads

    def find_due(self, *, now: datetime, only: IssueId | None = None) -> OwedEffect | None:
        for effect in self.heads():
            if effect.due_at <= now and only in (None, effect.issue_id):
                return effect
        return None

    def begin(self, effect: OwedEffect, *, now: datetime, until: datetime) -> OwedEffect:
        known = self.find(effect.id)
        if known is None or known.epoch != effect.epoch or known.state not in OWED:
            raise Conflict(f"the effect `{effect.id}` has been begun or settled since")
        if known.state is EffectState.PENDING:
            known = replace(known, state=EffectState.SENDING, sent_at=now, attempts=known.attempts + 1)
        begun = replace(known, epoch=known.epoch + 1, due_at=until)
        self._state.outbox[effect.id] = begun
        return begun

    def release_sending(self, *, now: datetime) -> int:
        sending = [each for each in self._state.outbox.values() if each.state is EffectState.SENDING]
        for each in sending:
            self._state.outbox[each.id] = replace(each, due_at=now)
        return len(sending)

    def settle(self, effect: OwedEffect) -> bool:
        known = self.find(effect.id)
        if known is None or known.epoch != effect.epoch:
            return False
        self._state.outbox[effect.id] = replace(
            known,
            state=effect.state,
            attempts=effect.attempts,
            comment_id=effect.comment_id,
            error=effect.error,
            due_at=effect.due_at,
            sent_at=effect.sent_at,
        )
        return True

    def replace_text(self, effect_id: EffectId, text: str) -> bool:
        known = self.find(effect_id)
        if known is None or known.state is not EffectState.PENDING:
            return False
        self._state.outbox[effect_id] = replace(known, effect=_with_text(known.effect, text))
        return True

    def counts(self) -> Mapping[tuple[WorkspaceId, EffectState], int]:
        return Counter((each.workspace_id, each.state) for each in self._state.outbox.values())

    def find(self, effect_id: EffectId) -> OwedEffect | None:
        return self._state.outbox.get(effect_id)

    def find_by_comment(self, workspace_id: WorkspaceId, comment_id: CommentId) -> OwedEffect | None:
        asked = (workspace_id, comment_id)
        return next((e for e in self._state.outbox.values() if (e.workspace_id, e.comment_id) == asked), None)

    def sending_on(self, workspace_id: WorkspaceId, issue_id: IssueId) -> Sequence[OwedEffect]:
        sending = [e for e in self._state.outbox.values() if e.state is EffectState.SENDING]
        return [e for e in sending if (e.workspace_id, e.issue_id) == (workspace_id, issue_id)]

    def of_conversation(self, conversation_id: ConversationId) -> Sequence[OwedEffect]:
        return [each for each in self._state.outbox.values() if each.conversation_id == conversation_id]

    def of_cause(self, workspace_id: WorkspaceId, cause: str) -> Sequence[OwedEffect]:
        found = [e for e in self._state.outbox.values() if (e.workspace_id, e.cause) == (workspace_id, cause)]
        return sorted(found, key=lambda each: each.seq)

    def forget_conversation(self, conversation_id: ConversationId) -> None:
        for effect in self.of_conversation(conversation_id):
            if effect.state not in (EffectState.SENDING, EffectState.SENT):
                del self._state.outbox[effect.id]
                continue
            text = "" if effect.state is EffectState.SENT else effect.effect.text
            forgotten = replace(effect, conversation_id=None, effect=_with_text(effect.effect, text))
            self._state.outbox[effect.id] = forgotten

    def list(
        self,
        *,
        workspace_id: WorkspaceId | None = None,
        state: EffectState | None = None,
        limit: int = 50,
        seen: Sight = EVERYTHING,
        before: str | None = None,
    ) -> Sequence[OwedEffect]:
        newest = reversed(self._state.outbox.values())
        asked = (each for each in page(newest, seen=seen, before=before) if workspace_id in (None, each.workspace_id))
        return [each for each in asked if state in (None, each.state)][:limit]

    def edits_of(self, target: EffectId) -> Sequence[OwedEffect]:
        every = self._state.outbox.values()
        return [each for each in every if isinstance(each.effect, EditComment) and each.effect.target == target]

    def retry(self, effect_id: EffectId, *, now: datetime) -> bool:
        known = self.find(effect_id)
        if known is None or known.state is not EffectState.DEAD:
            return False
        is_known = known.sent_at is None or isinstance(known.effect, EditComment)
        state = EffectState.PENDING if is_known else EffectState.SENDING
        again = replace(known, state=state, attempts=0, error="", epoch=known.epoch + 1, due_at=now)
        self._state.outbox[effect_id] = again
        return True

    def discard(self, effect_id: EffectId) -> bool:
        known = self.find(effect_id)
        if known is None or known.state in (EffectState.SENT, EffectState.DISCARDED):
            return False
        self._state.outbox[effect_id] = replace(known, state=EffectState.DISCARDED, epoch=known.epoch + 1)
        return True

    def pending_edit(self, target: EffectId) -> OwedEffect | None:
        for each in reversed(self._state.outbox.values()):
            is_edit = isinstance(each.effect, EditComment) and each.effect.target == target
            if is_edit and each.state is EffectState.PENDING:
                return each
        return None

    def next_due_at(self) -> datetime | None:
        return min((each.due_at for each in self.heads()), default=None)


def _with_text(effect: AddComment | EditComment, text: str) -> AddComment | EditComment:
    return replace(effect, text=text)
