"""The inbox as people ask about it: what came, why it did or did not start something; tried again, or given up."""

from collections.abc import Sequence
from dataclasses import dataclass

from jirabot.core.audit import Act
from jirabot.core.checks import Check
from jirabot.core.decisions import ECHOES, Reason
from jirabot.core.deliveries import DISCARDABLE, RETRYABLE, Delivery, DeliveryState, SavedDelivery
from jirabot.core.ids import DeliveryId, IssueKey, TriggerKey, WorkspaceId
from jirabot.core.managers import audit, troubles, waiting
from jirabot.core.managers.conversations import CARRIED_OUT_WITHIN
from jirabot.core.managers.directory import Directory
from jirabot.core.managers.examiner import Examiner
from jirabot.core.managers.gate import administered, rights_in
from jirabot.core.managers.naming import check_before, check_named, check_one_workspace
from jirabot.core.managers.retention import BATCH, BREATH_SECONDS
from jirabot.core.people import Principal
from jirabot.core.ports import Clock, Storage, Transaction
from jirabot.core.texts import Texts
from jirabot.core.triggers import Remark, Trigger
from jirabot.errors import BodyUnreadable, Conflict, DeliveryNotFound, InvalidInput, InvalidPayload

MOST_AT_ONCE = 100_000
"""How many are discarded by their state at one go; a backlog is smaller."""

_NOT_RETRIED = {
    DeliveryState.RECEIVED: "it waits for its turn already",
    DeliveryState.PAUSED: "it goes on when its workspace is active again: `jirabot workspace activate NAME`",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedDelivery:
    """The delivery that somebody named; `passed_over`: newer ones on its issue are but echoes of what the bot did."""

    delivery: Delivery
    workspace_name: str
    passed_over: bool = False


class Deliveries:
    """Shows deliveries, and does with them what a person wants."""

    def __init__(
        self, *, storage: Storage, directory: Directory, examiner: Examiner, texts: Texts, clock: Clock
    ) -> None:
        self._storage, self._directory, self._examiner = storage, directory, examiner
        self._texts, self._clock = texts, clock

    async def list(
        self,
        *,
        by: Principal,
        workspace_name: str | None = None,
        state: DeliveryState | None = None,
        limit: int = 50,
        before: str | None = None,
    ) -> Sequence[tuple[Delivery, str]]:
        """List the newest deliveries first, each with its workspace's name; with *before*, those behind that one.

        Raises:
            WorkspaceNotFound: there is none of that name.
            Forbidden: *by* does not administer it.
            FieldsInvalid: there is none to be behind.
        """

        def query(tx: Transaction) -> Sequence[tuple[Delivery, str]]:
            workspace_id = administered(tx, workspace_name, by).id if workspace_name else None
            seen = rights_in(tx, by).sight
            check_before(before, lambda id_: _get(tx, id_, by))
            found = tx.deliveries.list(workspace_id=workspace_id, state=state, limit=limit, seen=seen, before=before)
            return [(delivery, _name(tx, delivery.workspace_id)) for delivery in found]

        return await self._storage.read(query)

    async def show(self, delivery_id: str, *, by: Principal) -> tuple[Delivery, str]:
        """Give a delivery by its id, with its workspace's name.

        Raises:
            DeliveryNotFound: there is none.
        """

        def query(tx: Transaction) -> tuple[Delivery, str]:
            found = _get(tx, delivery_id, by)
            return found, _name(tx, found.workspace_id)

        return await self._storage.read(query)

    async def held_back(self, delivery: Delivery, *, by: Principal) -> Sequence[Check]:
        """Tell what keeps the work that a delivery led to from being begun, if anything does.

        Raises:
            DeliveryNotFound: there is none.
        """
        served = await self._directory.find(delivery.workspace_id)
        needs_repository = served is not None and served.settings.no_repository != "empty"

        def query(tx: Transaction) -> Sequence[Check]:
            found = _get(tx, delivery.id, by)
            conversation = tx.conversations.find(found.conversation_id) if found.conversation_id else None
            if conversation is None:
                return ()
            now, name = self._clock.now(), _name(tx, found.workspace_id)
            lacking = waiting.without_repository(tx, conversation, workspace_name=name) if needs_repository else ()
            return (*waiting.held_back(tx, conversation, now=now, patience=CARRIED_OUT_WITHIN), *lacking)

        return await self._storage.read(query)

    async def find(
        self,
        delivery_id: str | None,
        *,
        issue_key: str | None = None,
        workspace_name: str | None = None,
        by: Principal,
    ) -> NamedDelivery:
        """Find a delivery by its id, or the newest on an issue that is no echo; an echo where there is nothing else.

        Raises:
            DeliveryNotFound, WorkspaceNotFound: there is none.
            InvalidInput: not exactly one of id and issue is given.
            Conflict: the issue's key is in more than one workspace, and none is named.
        """
        check_named("an event", delivery_id, issue_key, workspace_name)
        if delivery_id:
            found, name = await self.show(delivery_id, by=by)
            return NamedDelivery(delivery=found, workspace_name=name)
        key = IssueKey((issue_key or "").upper())

        def query(tx: Transaction) -> NamedDelivery:
            rights = rights_in(tx, by)
            only = administered(tx, workspace_name, by).id if workspace_name else None
            every = [each for each in tx.deliveries.newest_on(key) if rights.may_administer(each.workspace_id)]
            newest = {each.workspace_id: each for each in every if only in (None, each.workspace_id)}
            check_one_workspace(key, [_name(tx, workspace_id) for workspace_id in newest])
            if not newest:
                raise _missing(f"event on issue `{issue_key}`" + (f" in `{workspace_name}`" if workspace_name else ""))
            ((workspace_id, found),) = newest.items()
            told = tx.deliveries.newest_on(key, passing_over=ECHOES) if found.reason in ECHOES else ()
            older = next((each for each in told if each.workspace_id == workspace_id), None)
            return NamedDelivery(
                delivery=older or found, workspace_name=_name(tx, workspace_id), passed_over=older is not None
            )

        return await self._storage.read(query)

    async def request(self, delivery_id: DeliveryId, *, by: Principal) -> SavedDelivery:
        """Give the request of a delivery as it came.

        Raises:
            DeliveryNotFound: there is none, or it is pruned.
        """
        await self.show(delivery_id, by=by)
        found = await self._storage.read(lambda tx: tx.deliveries.request_of(delivery_id))
        if found is None:
            raise DeliveryNotFound(
                f"the body of event `{delivery_id}` is no longer kept",
                hint="its outcome is: leave `--raw` out to see it",
            )
        return found

    async def retry(self, delivery_id: str, *, by: Principal) -> tuple[Delivery, str]:
        """Have a dead or waiting delivery handled now; give it as it is then, with its workspace's name.

        Raises:
            DeliveryNotFound: there is none, or its body is pruned.
            Conflict: it is neither dead nor waiting.
        """
        asked, name = await self.show(delivery_id, by=by)

        def change(tx: Transaction) -> Delivery:
            found = _get(tx, asked.id, by)
            if found.state not in RETRYABLE:
                hint = _NOT_RETRIED.get(found.state, f"`jirabot event replay {found.id}` takes it through once more")
                raise Conflict(
                    f"event `{found.id}` is {found.state.value}: only a dead or waiting one is tried again", hint=hint
                )
            if tx.deliveries.request_of(found.id) is None:
                raise DeliveryNotFound(f"the body of event `{found.id}` is no longer kept, so it can't be handled")
            now, workspace = self._clock.now(), tx.workspaces.find(found.workspace_id)
            tx.deliveries.retry(found.id, now=now)
            troubles.end_if_none_is_dead(tx, found.workspace_id, now=now)
            audit.record(tx, Act.EVENT_RETRIED, by=by, now=now, workspace=workspace, subject=found.id)
            return _get(tx, found.id, by)

        return await self._storage.write(change), name

    async def discardable(
        self,
        ids: Sequence[str],
        *,
        state: DeliveryState | None = None,
        workspace_name: str | None = None,
        by: Principal,
    ) -> Sequence[Delivery]:
        """Find what a person wants to discard: those of *ids*, or all in *state* (of one workspace).

        Raises:
            InvalidInput: not exactly one of the two is given, or those in that state have led to something.
            DeliveryNotFound, WorkspaceNotFound: there is none.
            Conflict: one of them has led to something already.
        """
        if bool(ids) == bool(state) or (ids and workspace_name):
            told = "events are named by their ids or by their state, not by both" if ids else "which events?"
            raise InvalidInput(told, hint="give their ids, or `--state STATE` and perhaps `--workspace NAME`")
        if state is not None and state not in DISCARDABLE:
            raise InvalidInput(f"an event that is {state.value} is not discarded", hint=_DISCARDED)

        def query(tx: Transaction) -> Sequence[Delivery]:
            rights = rights_in(tx, by)
            if state is None:
                return [_discardable(_get(tx, id_, by)) for id_ in dict.fromkeys(ids)]
            workspace_id = administered(tx, workspace_name, by).id if workspace_name else None
            return tx.deliveries.list(workspace_id=workspace_id, state=state, limit=MOST_AT_ONCE, seen=rights.sight)

        return await self._storage.read(query)

    async def discard(self, deliveries: Sequence[Delivery], *, by: Principal) -> int:
        """Give deliveries up: they are not acted on, and stay in the list. Counts them.

        Neither is what they asked for where something else tells of it, as another webhook, or a look at Jira. Of a
        hundred at a time all are given up, or none: more would keep whoever else writes waiting.

        Raises:
            DeliveryNotFound: one of them is not there.
            Conflict: one of them has led to something meanwhile; the hint tells how many were given up before it.
        """
        count = 0
        for first in range(0, len(deliveries), BATCH):
            if first:
                await self._clock.sleep(BREATH_SECONDS)
            portion = deliveries[first : first + BATCH]
            try:
                await self._discard(portion, by)
            except Conflict as error:
                if not count:
                    raise
                told = f"{count} that come before it were discarded; {error.hint}"
                raise Conflict(error.message, hint=told) from error
            count += len(portion)
        return count

    async def _discard(self, deliveries: Sequence[Delivery], by: Principal) -> None:
        asked = {each.id: await self._key_in(each) for each in deliveries}

        def change(tx: Transaction) -> None:
            for delivery in deliveries:
                found = _discardable(_get(tx, delivery.id, by))
                reason, now = Reason.DISCARDED.value, self._clock.now()
                text = self._texts.say(f"reason.{reason}", name=by.name, state=found.state.value)
                tx.deliveries.discard(found.id, reason=reason, text=text, now=now)
                if key := asked[found.id]:
                    tx.deliveries.record_action(found.workspace_id, key, found.id, now=now)
                workspace = tx.workspaces.find(found.workspace_id)
                audit.record(tx, Act.EVENT_DISCARDED, by=by, now=now, workspace=workspace, subject=found.id)
            for workspace_id in {delivery.workspace_id for delivery in deliveries}:
                troubles.end_if_none_is_dead(tx, workspace_id, now=self._clock.now())

        await self._storage.write(change)

    async def _key_in(self, delivery: Delivery) -> TriggerKey | None:
        """Find what a delivery asks; None where it asks nothing, can't be read, or Jira does not say the same.

        What somebody else has made up must not stand for what a person will write.
        """
        if delivery.reason == Reason.MISMATCH.value:
            return None
        served = await self._directory.find(delivery.workspace_id)
        try:
            request = await self._storage.read(lambda tx: tx.deliveries.request_of(delivery.id))
            if served is None or request is None:
                return None
            found = (await self._examiner.read(served, request.body)).found
        except (BodyUnreadable, InvalidPayload):
            return None
        return found.key if isinstance(found, Trigger | Remark) else None


_DISCARDED = f"only these are: {', '.join(sorted(state.value for state in DISCARDABLE))}"


def _get(tx: Transaction, delivery_id: str, by: Principal) -> Delivery:
    found = tx.deliveries.find(DeliveryId(delivery_id))
    if found is None or not rights_in(tx, by).may_administer(found.workspace_id):
        raise _missing(f"event `{delivery_id}`")
    return found


def _missing(asked: str) -> DeliveryNotFound:
    return DeliveryNotFound(f"there is no {asked}", hint="run `jirabot event list` to see what came")


def _discardable(delivery: Delivery) -> Delivery:
    if delivery.state is DeliveryState.DISCARDED:
        raise Conflict(f"event `{delivery.id}` is discarded already")
    if delivery.state not in DISCARDABLE:
        raise Conflict(f"event `{delivery.id}` is {delivery.state.value}, and is not discarded", hint=_DISCARDED)
    return delivery


def _name(tx: Transaction, workspace_id: WorkspaceId) -> str:
    workspace = tx.workspaces.find(workspace_id)
    return workspace.name if workspace else ""
