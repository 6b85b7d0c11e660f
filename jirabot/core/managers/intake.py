"""At the door: which workspace, does it prove itself, is it on disk. Answers; decides nothing about what is asked."""

import asyncio
from collections import deque
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import NamedTuple

from jirabot.config import KEPT_HEADERS
from jirabot.core.audit import Act
from jirabot.core.decisions import Reason
from jirabot.core.deliveries import DeliveryState, Envelope, NewDelivery, RawDelivery, fingerprint, lane_of
from jirabot.core.ids import DeliveryId, WorkspaceId
from jirabot.core.managers.arrivals import COME_AGAIN_SECONDS, Arrivals
from jirabot.core.managers.directory import Directory, Served
from jirabot.core.managers.turned_away import Tally, TurnedAway
from jirabot.core.people import Principal
from jirabot.core.ports import Clock, Events, FindBases, Ids, ReadEnvelope, Rejection, Storage, Transaction
from jirabot.core.texts import Texts
from jirabot.core.workspaces import Workspace, WorkspaceState
from jirabot.errors import (
    DatabaseUnusable,
    HostMismatch,
    InvalidPayload,
    JirabotError,
    RateLimited,
    SecretSealed,
    SignatureRejected,
    StorageUnavailable,
    WorkspaceNotFound,
)

UNTIMED_WINDOW_SECONDS = 300
"""A body without any time stamp equals an earlier one only within this window (Automation templates)."""

REJECTIONS_KEPT_PER_WRITE = 200

LARGE_BYTES = 256 * 1024
"""Larger bodies are proved and read beside the loop, where small ones wait for their answer: 25 MB take 0.1 s."""


class Accepted(NamedTuple):
    """A delivery is on disk. `status`: `accepted`, `duplicate` (with the first one's id) or `paused`."""

    delivery_id: DeliveryId
    status: str


class Intake:
    """Accepts webhooks."""

    def __init__(
        self,
        *,
        storage: Storage,
        directory: Directory,
        arrivals: Arrivals,
        read_envelope: ReadEnvelope,
        find_bases: FindBases,
        texts: Texts,
        clock: Clock,
        ids: Ids,
        log: Events,
        switched_off: Collection[str],
    ) -> None:
        """*switched_off*: the deployments whose deliveries are kept, and not processed."""
        self._storage, self._directory, self._texts = storage, directory, texts
        self._arrivals, self._switched_off = arrivals, switched_off
        self._read_envelope, self._find_bases = read_envelope, find_bases
        self._clock, self._ids, self._log = clock, ids, log
        self._rejections: deque[Rejection] = deque(maxlen=REJECTIONS_KEPT_PER_WRITE)
        self._turned_away = TurnedAway()
        self._rejected = asyncio.Event()

    async def workspace(self, deployment: str, workspace_id: WorkspaceId, *, by: Principal) -> Served:
        """Find the workspace of an events address, before anything of the request is read.

        Raises:
            WorkspaceNotFound: no such workspace of that deployment.
        """
        served = await self._directory.get(workspace_id)
        if served.workspace.deployment != deployment:
            raise WorkspaceNotFound("there is no such workspace")
        return served

    async def workspace_named_in(self, deployment: str, body: bytes, *, by: Principal) -> Served:
        """Find the workspace of a request to the single address, from the `self` addresses of its body.

        Raises:
            SignatureRejected: none is named, and there is not exactly one workspace it could be for.
            WorkspaceNotFound: the Jira that is named is of no workspace.
        """
        try:
            bases: Sequence[str] = self._find_bases(body)
        except InvalidPayload:
            bases = ()
        served = await self._directory.at(deployment, bases)
        if served is None:
            raise SignatureRejected(_NOBODYS)
        return served

    async def accept(self, served: Served, raw: RawDelivery, *, by: Principal) -> Accepted:
        """Take a delivery: prove it, read its envelope, record it. Durable when this returns.

        Raises:
            SignatureRejected: it does not prove itself; nothing of it is stored but that it came.
            SecretSealed: a secret that may prove it does not open; Jira Cloud sends it again.
            InvalidPayload: it is not JSON, or no JSON object.
            HostMismatch: it names another Jira; it is kept as refused.
            RateLimited: its Jira, which will send it again, sends too fast, and too much waits.
            StorageUnavailable: the database or disk refuses.
        """
        name = served.workspace.name
        try:
            accepted = await self._accept(served, raw)
        except JirabotError as error:
            self._log.tell("delivery.rejected", level="debug", workspace=name, code=error.code)
            raise
        delivery_id, status = accepted
        self._log.tell("delivery.accepted", level="debug", workspace=name, delivery_id=delivery_id, status=status)
        return accepted

    async def _accept(self, served: Served, raw: RawDelivery) -> Accepted:
        workspace = served.workspace
        try:
            if len(raw.body) > LARGE_BYTES:
                envelope, body_print = await asyncio.to_thread(self._prove, served, raw)
            else:
                envelope, body_print = self._prove(served, raw)
        except SignatureRejected as error:
            if served.proof_sealed:
                raise SecretSealed("deliveries can't be proved now", hint="`jirabot db check` tells why") from error
            self._reject(workspace, raw, error.cause)
            raise
        foreign = [base for base in envelope.bases if base not in served.base_urls]
        delivery = self._delivery(served, raw, envelope, body_print, foreign)
        if delivery.state is DeliveryState.RECEIVED:
            early = self._arrivals.early_by(served, now=delivery.received_at)
            if early:
                delivery = await self._at_its_rate(served, delivery, early)
        recorded = await self._storage.record(delivery)
        if foreign:
            self._turn_away(workspace, Act.REQUEST_MISDIRECTED, raw)
            raise HostMismatch(
                "the payload names another Jira than this workspace's",
                hint="give the workspace's other addresses with `--also-known-as`",
            )
        if recorded.duplicate:
            return Accepted(delivery_id=recorded.id, status="duplicate")
        if workspace.deployment in self._switched_off:
            return Accepted(delivery_id=recorded.id, status="paused")
        active = workspace.state is WorkspaceState.ACTIVE
        if not active:
            await self._storage.write(lambda tx: self._release_if_active(tx, workspace.id))
        return Accepted(delivery_id=recorded.id, status="accepted" if active else "paused")

    async def _at_its_rate(self, served: Served, delivery: NewDelivery, early: timedelta) -> NewDelivery:
        """Put off what comes too fast, or refuse it where it will come again; a copy is never refused.

        Raises:
            RateLimited: it will come again, and too much waits.
        """
        now = delivery.received_at
        if not served.deployment.sends_again:
            return delivery._replace(due_at=now + early)
        if await self._arrivals.has_backlog(served, now=now) and await self._is_new(delivery):
            raise RateLimited(
                f"the workspace sends more than {served.webhooks.count} webhooks a minute, and too many wait already",
                retry_after_seconds=COME_AGAIN_SECONDS,
                hint="raise its `webhooks_per_minute`, or let its webhook send fewer events",
            )
        return delivery

    async def _is_new(self, delivery: NewDelivery) -> bool:
        asked = delivery.workspace_id, delivery.fingerprint
        return await self._storage.read(lambda tx: tx.deliveries.find_by_fingerprint(*asked)) is None

    def _prove(self, served: Served, raw: RawDelivery) -> tuple[Envelope, str]:
        """Prove a delivery, then read its envelope and name its body: all that takes longer for a longer one."""
        if served.settings.events_networks:
            _check_network(raw.remote, served.settings.events_networks)
        served.scheme.verify(raw, served.secrets_at(raw.received_at))
        envelope = self._read_envelope(raw.body)
        salt = "" if envelope.has_time else _window(raw.received_at)
        return envelope, fingerprint(served.workspace.id, raw.body, salt=salt, timestamp=envelope.timestamp)

    def _release_if_active(self, tx: Transaction, workspace_id: WorkspaceId) -> None:
        """Let what was just kept be handled, where the workspace was activated before we noticed."""
        workspace = tx.workspaces.find(workspace_id)
        if workspace is not None and workspace.state is WorkspaceState.ACTIVE:
            tx.deliveries.release_kept(workspace_id, now=self._clock.now())

    async def keep_rejections(self) -> None:
        """Write down, at most once a second, what came and did not prove itself. Runs until cancelled."""
        while True:
            await self._rejected.wait()
            await self._clock.sleep(1)
            self._rejected.clear()
            await self.write_rejections()
            if self._turned_away.waits:
                self._rejected.set()

    async def write_rejections(self, *, everything: bool = False) -> None:
        """Write down what is due now, or *everything*."""
        waiting = list(self._rejections)
        now = self._clock.now()
        counted = self._turned_away.take(now, everything=everything)
        self._rejections.clear()
        if not waiting and not counted:
            return
        try:
            await self._storage.write(lambda tx: _write_turned_away(tx, waiting, counted, now))
        except (StorageUnavailable, DatabaseUnusable):
            self._turned_away.put_back(counted)
            self._rejected.set()
            raise

    def refuse_call(self, by: Principal) -> None:
        """Count a call of the management API that was refused to *by*, for the audit."""
        self._turned_away.count(None, Act.CALL_REFUSED, by=by, origin=by.address, now=self._clock.now())
        self._rejected.set()

    def _turn_away(self, workspace: Workspace, act: Act, raw: RawDelivery) -> None:
        self._turned_away.count(workspace, act, origin=raw.remote, now=raw.received_at)
        self._rejected.set()

    def _reject(self, workspace: Workspace, raw: RawDelivery, cause: str) -> None:
        self._rejections.append(
            Rejection(
                workspace_id=workspace.id,
                at=raw.received_at,
                remote=raw.remote,
                header_names=tuple(sorted(raw.headers)),
                cause=cause,
            )
        )
        self._turn_away(workspace, Act.REQUEST_UNPROVED, raw)

    def _delivery(
        self, served: Served, raw: RawDelivery, envelope: Envelope, body_print: str, foreign: Sequence[str]
    ) -> NewDelivery:
        workspace = served.workspace
        state, decision, reason, text = DeliveryState.RECEIVED, "", "", ""
        if foreign:
            state, decision, reason = DeliveryState.REFUSED, "refuse", Reason.HOST_MISMATCH.value
            text = self._texts.say("reason.host-mismatch", bases=", ".join(foreign), base_url=workspace.base_url)
        elif workspace.deployment in self._switched_off:
            state, decision, reason = DeliveryState.PAUSED, "keep", Reason.SWITCHED_OFF.value
            text = self._texts.say("reason.switched-off", deployment=workspace.deployment)
        elif workspace.state is not WorkspaceState.ACTIVE:
            state, decision, reason = DeliveryState.PAUSED, "keep", Reason.PAUSED.value
            text = self._texts.say("reason.paused")
        return NewDelivery(
            id=DeliveryId(self._ids.sortable()),
            workspace_id=workspace.id,
            lane_id=lane_of(workspace.id, envelope.issue_id),
            fingerprint=body_print,
            kind=envelope.kind,
            issue_id=envelope.issue_id,
            issue_key=envelope.issue_key,
            state=state,
            headers=kept_headers(raw.headers),
            body=raw.body,
            received_at=raw.received_at,
            decision=decision,
            reason=reason,
            text=text,
        )


def _write_turned_away(
    tx: Transaction, rejections: Sequence[Rejection], counted: Sequence[Tally], now: datetime
) -> None:
    tx.rejections.add(rejections)
    for tally in counted:
        tx.audit.append(tally.entry(now))


def kept_headers(headers: Mapping[str, str]) -> Mapping[str, str]:
    """Choose the headers that are stored."""
    return {name: headers[name] for name in KEPT_HEADERS if name in headers}


def _check_network(remote: str, networks: Sequence[IPv4Network | IPv6Network]) -> None:
    """Refuse what comes from elsewhere than the workspace's Jira sends from.

    Raises:
        SignatureRejected: it does.
    """
    address = ip_address(remote.partition("%")[0]) if remote else None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    if address is None or not any((mapped or address) in network for network in networks):
        raise SignatureRejected(f"it comes from {remote or 'nowhere'}, which is in none of `events_networks`")


def _window(at: datetime) -> str:
    return str(int(at.timestamp()) // UNTIMED_WINDOW_SECONDS)


_NOBODYS = "its body names no Jira, and there is more than one workspace, or none"
