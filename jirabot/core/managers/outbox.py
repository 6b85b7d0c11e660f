"""The outbox as people ask about it: what is owed to Jira, or was; owed again, or given up."""

from collections.abc import Sequence
from datetime import timedelta

from jirabot.core.audit import Act
from jirabot.core.effects import EditComment, EffectState, OwedEffect
from jirabot.core.ids import EffectId
from jirabot.core.managers import audit, troubles
from jirabot.core.managers.gate import administered, rights_in
from jirabot.core.managers.naming import check_before
from jirabot.core.people import Principal
from jirabot.core.ports import Clock, Storage, Transaction
from jirabot.errors import Conflict, EffectNotFound, InvalidInput

DISCARDABLE = frozenset({EffectState.PENDING, EffectState.SENDING, EffectState.DEAD})

MOST_AT_ONCE = 100_000
"""How many are owed again in one transaction; a token that has expired leaves far fewer."""


class Outbox:
    """Shows effects, and does with them what a person wants."""

    def __init__(self, *, storage: Storage, clock: Clock, grace: timedelta) -> None:
        """*grace*: how long after it was sent a request may still land."""
        self._storage, self._clock, self._grace = storage, clock, grace

    async def list(
        self,
        *,
        by: Principal,
        workspace_name: str | None = None,
        state: EffectState | None = None,
        limit: int = 50,
        before: str | None = None,
    ) -> Sequence[tuple[OwedEffect, str]]:
        """List the newest effects first, each with its workspace's name; with *before*, those behind that one.

        Raises:
            WorkspaceNotFound: there is none of that name.
            Forbidden: *by* does not administer it.
            FieldsInvalid: there is none to be behind.
        """

        def query(tx: Transaction) -> Sequence[tuple[OwedEffect, str]]:
            workspace_id = administered(tx, workspace_name, by).id if workspace_name else None
            seen = rights_in(tx, by).sight
            check_before(before, lambda id_: _get(tx, id_, by))
            found = tx.outbox.list(workspace_id=workspace_id, state=state, limit=limit, seen=seen, before=before)
            return [(effect, _name(tx, effect)) for effect in found]

        return await self._storage.read(query)

    async def show(self, effect_id: str, *, by: Principal) -> tuple[OwedEffect, str]:
        """Give an effect, with its workspace's name.

        Raises:
            EffectNotFound: there is none.
        """

        def query(tx: Transaction) -> tuple[OwedEffect, str]:
            found = _get(tx, effect_id, by)
            return found, _name(tx, found)

        return await self._storage.read(query)

    async def retry(self, effect_id: str, *, by: Principal) -> tuple[OwedEffect, str]:
        """Owe a dead effect again; give it as it is then, with its workspace's name.

        Raises:
            EffectNotFound: there is none.
            Conflict: it is not dead, or a newer edit of the same comment takes its place.
        """

        def change(tx: Transaction) -> tuple[OwedEffect, str]:
            found = _get(tx, effect_id, by)
            if found.state is not EffectState.DEAD:
                raise Conflict(
                    f"effect `{found.id}` is {found.state.value}: only a dead one is owed again",
                    hint="run `jirabot outbox list --state dead` to see those",
                )
            if _is_overtaken(tx, found):
                raise Conflict(
                    f"effect `{found.id}` is an edit, and a newer one of the same comment takes its place",
                    hint=f"`jirabot outbox discard {found.id}` gives it up",
                )
            now, workspace = self._clock.now(), tx.workspaces.find(found.workspace_id)
            tx.outbox.retry(found.id, now=now)
            troubles.end_if_none_is_dead(tx, found.workspace_id, now=now)
            audit.record(tx, Act.EFFECT_RETRIED, by=by, now=now, workspace=workspace, subject=found.id)
            return _get(tx, effect_id, by), _name(tx, found)

        return await self._storage.write(change)

    async def retry_dead(self, workspace_name: str, *, by: Principal) -> Sequence[OwedEffect]:
        """Owe every dead effect of a workspace again; give all that were dead, as they are then.

        An edit is discarded where a newer one of the same comment takes its place.

        Raises:
            WorkspaceNotFound: there is none of that name.
        """

        def change(tx: Transaction) -> Sequence[OwedEffect]:
            workspace, now = administered(tx, workspace_name, by), self._clock.now()
            dead = tx.outbox.list(workspace_id=workspace.id, state=EffectState.DEAD, limit=MOST_AT_ONCE)
            overtaken = {found.id for found in dead if _is_overtaken(tx, found)}
            for found in dead:
                if found.id in overtaken:
                    tx.outbox.discard(found.id)
                else:
                    tx.outbox.retry(found.id, now=now)
            troubles.end_if_none_is_dead(tx, workspace.id, now=now)
            counts = {Act.EFFECT_RETRIED: len(dead) - len(overtaken), Act.EFFECT_DISCARDED: len(overtaken)}
            for act, count in counts.items():
                if count:
                    audit.record(tx, act, by=by, now=now, workspace=workspace, count=count)
            return [_get(tx, found.id, by) for found in dead]

        return await self._storage.write(change)

    async def discard(self, effect_ids: Sequence[str], *, by: Principal) -> Sequence[OwedEffect]:
        """Give effects up, all or none of them: they are never sent, and stay in the list. Gives them as they were.

        One that was `sending` may stand in Jira all the same.

        Raises:
            InvalidInput: none is given.
            EffectNotFound: there is none of that id.
            Conflict: one of them was sent, or is being sent.
        """
        if not effect_ids:
            raise InvalidInput("which effects?", hint="give their ids; `jirabot outbox list` shows them")
        ids = list(dict.fromkeys(effect_ids))

        def change(tx: Transaction) -> Sequence[OwedEffect]:
            return [self._discard(tx, _get(tx, id_, by), by) for id_ in ids]

        return await self._storage.write(change)

    def _discard(self, tx: Transaction, found: OwedEffect, by: Principal) -> OwedEffect:
        now, workspace = self._clock.now(), tx.workspaces.find(found.workspace_id)
        if found.state is EffectState.DISCARDED:
            raise Conflict(f"effect `{found.id}` is discarded already")
        is_in_flight = found.state is EffectState.SENDING and now < (found.sent_at or now) + self._grace
        if found.state not in DISCARDABLE or is_in_flight:
            raise Conflict(
                f"effect `{found.id}` is {found.state.value}, and is not discarded",
                hint=f"only these are: dead, pending, and sending for more than {self._grace.total_seconds():.0f} s",
            )
        tx.outbox.discard(found.id)
        troubles.end_if_none_is_dead(tx, found.workspace_id, now=now)
        audit.record(tx, Act.EFFECT_DISCARDED, by=by, now=now, workspace=workspace, subject=found.id)
        return found


def _is_overtaken(tx: Transaction, found: OwedEffect) -> bool:
    """Say whether it is an edit, and a newer one of the same comment was made that nobody has given up."""
    if not isinstance(found.effect, EditComment):
        return False
    standing = [each for each in tx.outbox.edits_of(found.effect.target) if each.state is not EffectState.DISCARDED]
    return standing[-1].id != found.id


def _get(tx: Transaction, effect_id: str, by: Principal) -> OwedEffect:
    found = tx.outbox.find(EffectId(effect_id))
    if found is None or not rights_in(tx, by).may_administer(found.workspace_id):
        raise EffectNotFound(f"there is no effect `{effect_id}`", hint="run `jirabot outbox list` to see them")
    return found


def _name(tx: Transaction, effect: OwedEffect) -> str:
    workspace = tx.workspaces.find(effect.workspace_id)
    return workspace.name if workspace else ""
