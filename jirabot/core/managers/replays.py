"""Replays: a payload or saved delivery, taken through the daemon's own pipeline, step by step.

A dry run writes nothing. A real one is a delivery of its own: the daemon works it, or without one this process does, to
a resting state.
"""

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from jirabot.core import cures
from jirabot.core.audit import Act
from jirabot.core.authenticity import Authenticity
from jirabot.core.conversations import RunState
from jirabot.core.deliveries import (
    AGAIN,
    UNFINISHED,
    Delivery,
    DeliveryState,
    NewDelivery,
    RawDelivery,
    SavedDelivery,
    Step,
    fingerprint,
    lane_of,
)
from jirabot.core.effects import EffectState, OwedEffect
from jirabot.core.ids import DeliveryId
from jirabot.core.managers import audit
from jirabot.core.managers.delivery import Delivery as EffectDelivery
from jirabot.core.managers.directory import Directory, Served, named
from jirabot.core.managers.dry_runs import DryRuns, Replay
from jirabot.core.managers.intake import kept_headers
from jirabot.core.managers.pauses import over
from jirabot.core.managers.pipeline import Pipeline
from jirabot.core.managers.runs import Runs
from jirabot.core.people import Principal
from jirabot.core.ports import (
    Clock,
    Decode,
    Deployment,
    Ids,
    PostWebhook,
    Proof,
    ReadEnvelope,
    Storage,
    Transaction,
)
from jirabot.core.texts import Texts
from jirabot.errors import DaemonSilent, InvalidInput, NotFound, SignatureRejected

TAKEN_UP_WITHIN = timedelta(seconds=30)
"""How long a command waits until a daemon begins with what it wrote down."""

LOOK_SECONDS = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayInput:
    """What a replay is given. `unchecked` says why nothing is to be proved by its headers; empty: they are checked."""

    body: bytes
    headers: Mapping[str, str]
    unchecked: str = ""
    proof: Proof | None = field(default=None, repr=False)
    """What was made here to prove it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayWishes:
    """How a replay is to be done. *again*: act on what was acted on; *sign*: make a right signature first."""

    workspace: str | None = None
    deployment: str = ""
    dry_run: bool = False
    again: bool = False
    sign: bool = False
    waits: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """What a daemon answered to a delivery that was posted to it."""

    address: str
    status: int
    answer: str


def read_input(content: bytes, decode: Decode) -> ReplayInput:
    """Read a file: a raw payload, or a saved delivery `{"headers": {…}, "body": "text"}` (or `body_base64`).

    Raises:
        InvalidInput: it is empty, or a saved delivery whose body can't be read.
        InvalidPayload: it is no JSON object.
    """
    if not content.strip():
        raise InvalidInput("the file is empty", hint="give a webhook's payload, or what `event show ID --raw` writes")
    given = decode(content)
    headers = given.get("headers")
    if not isinstance(headers, Mapping) or not ({"body", "body_base64"} & set(given)):
        return ReplayInput(body=content, headers={}, unchecked="raw payload")
    lower = {str(name).lower(): str(value) for name, value in headers.items()}
    if isinstance(given.get("body"), str):
        return ReplayInput(body=given["body"].encode(), headers=lower)
    try:
        return ReplayInput(body=base64.b64decode(str(given.get("body_base64")), validate=True), headers=lower)
    except binascii.Error as error:
        raise InvalidInput("`body_base64` of the saved delivery is not base64") from error


def of_kept(request: SavedDelivery) -> ReplayInput:
    """Take a delivery as the inbox keeps it: what it had to prove, it proved when it came."""
    return ReplayInput(body=request.body, headers=request.headers, unchecked="kept event")


class Replays:
    """Replays deliveries."""

    def __init__(
        self,
        *,
        storage: Storage,
        directory: Directory,
        pipeline: Pipeline,
        runs: Runs,
        delivery: EffectDelivery,
        dry_runs: DryRuns,
        deployments: Mapping[str, Deployment],
        post: PostWebhook,
        decode: Decode,
        tell: Callable[[Mapping[str, Any]], str | None],
        read_envelope: ReadEnvelope,
        daemon_runs: Callable[[], bool],
        texts: Texts,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._storage, self._directory, self._pipeline = storage, directory, pipeline
        self._runs, self._delivery, self._dry_runs, self._deployments = runs, delivery, dry_runs, deployments
        self._post, self._decode, self._tell = post, decode, tell
        self._read_envelope, self._daemon_runs = read_envelope, daemon_runs
        self._texts, self._clock, self._ids = texts, clock, ids

    async def replay(self, given: ReplayInput, wishes: ReplayWishes, *, by: Principal) -> Replay:
        """Replay what is given; with a daemon it does the work, and this waits for the result.

        Where no workspace serves its Jira it is a dry run.

        Raises:
            InvalidInput: neither a workspace nor the payload tells which kind of Jira it is.
            NotFound: there is no such workspace, or none that could sign.
            SignatureRejected, InvalidPayload: what the payload is.
            DaemonSilent: a daemon runs, and does not take it up.
        """
        served = await self._find_workspace(given, wishes.workspace)
        given = self._signed(given, served) if wishes.sign else given
        first = self._signature_step(given, served)
        if served is None:
            return self._dry_runs.of_stranger(self._deployment(given, None, wishes), given.body, (first,))
        if wishes.dry_run:
            steps = (first, await self._duplicate_step(given, served))
            return await self._dry_runs.of_workspace(served, given.body, steps, by=by, again=wishes.again)
        delivery_id = await self._record(given, served, again=wishes.again, by=by)
        if not wishes.waits:
            steps = (first, await self._duplicate_step(given, served))
            return Replay(delivery_id=delivery_id, dry_run=False, steps=steps, decision="")
        return await self._wait(delivery_id, first, by=by)

    async def post(self, given: ReplayInput, address: str, wishes: ReplayWishes, *, by: Principal) -> Posted:
        """Post what is given to a running daemon, at its root or events address. A root's workspace is the one named.

        Raises:
            InvalidInput: the address is none, or nothing tells which kind of Jira the payload is of.
            NotFound: there is no such workspace, or none that could sign.
            Unreachable: nobody answers there.
        """
        served = await self._find_workspace(given, wishes.workspace)
        given = self._signed(given, served) if wishes.sign else given
        proof = given.proof or Proof(headers={})
        if "/integration/" not in address:
            route = self._deployments[self._deployment(given, served, wishes)].route
            is_named = served is not None and (wishes.workspace or proof.token)
            of_workspace = f"/{served.workspace.id}" if served is not None and is_named else ""
            address = f"{address.rstrip('/')}/integration/{route}/events{of_workspace}"
        token = f"/{proof.token}" if proof.token and not address.endswith(f"/{proof.token}") else ""
        headers = {"content-type": "application/json", **kept_headers(given.headers), **proof.headers}
        status, answer = await self._post(f"{address}{token}", headers, given.body)
        return Posted(address=address, status=status, answer=answer)

    async def _wait(self, delivery_id: DeliveryId, first: Step, *, by: Principal) -> Replay:
        until = self._clock.now() + TAKEN_UP_WITHIN
        while True:
            seen = self._storage.generation()
            if not self._daemon_runs():
                await self._work(delivery_id, by=by)
            if (done := await self._result(delivery_id, first)) is not None:
                return done
            if self._clock.now() >= until and (await self._get(delivery_id)).state is DeliveryState.RECEIVED:
                raise DaemonSilent(
                    f"the daemon has not taken up event `{delivery_id}` within {TAKEN_UP_WITHIN.seconds} s",
                    hint=f"it stays in the inbox: `jirabot event explain {delivery_id}` says what became of it",
                )
            await self._storage.changed(seen, within_seconds=LOOK_SECONDS)

    async def _find_workspace(self, given: ReplayInput, name: str | None) -> Served | None:
        """Find the workspace a replay is for: by name, else by the Jira that the payload names."""
        if name:
            workspace = await self._storage.read(lambda tx: named(tx, name))
            return await self._directory.get(workspace.id)
        every = await self._directory.all()
        bases = self._read_envelope(given.body).bases
        return next((s for s in every if any(base in s.base_urls for base in bases)), None)

    def _deployment(self, given: ReplayInput, served: Served | None, wishes: ReplayWishes) -> str:
        told = wishes.deployment or (served.workspace.deployment if served else None)
        told = told or self._tell(self._decode(given.body)) or ""
        if told not in self._deployments:
            raise InvalidInput("the payload does not tell which kind of Jira it is of", hint="give `--deployment`")
        return told

    def _signed(self, given: ReplayInput, served: Served | None) -> ReplayInput:
        if served is None or not served.webhook_secrets:
            raise NotFound(
                "no workspace here has a secret to sign it with", hint="give `--workspace NAME`, or leave `--sign` out"
            )
        proof = served.scheme.prove(given.body, served.webhook_secrets[0], now=self._clock.now())
        return replace(given, headers={**given.headers, **proof.headers}, unchecked="", proof=proof)

    async def _record(self, given: ReplayInput, served: Served, *, again: bool, by: Principal) -> DeliveryId:
        """Write down the replay as a delivery of its own."""
        envelope = self._read_envelope(given.body)
        delivery_id = DeliveryId(self._ids.sortable())
        workspace_id = served.workspace.id
        earlier = await self._earlier(given, served)
        headers = kept_headers(given.headers)
        delivery = NewDelivery(
            id=delivery_id,
            workspace_id=workspace_id,
            lane_id=lane_of(workspace_id, envelope.issue_id),
            fingerprint=fingerprint(workspace_id, given.body, salt=delivery_id, timestamp=envelope.timestamp),
            kind=envelope.kind,
            issue_id=envelope.issue_id,
            issue_key=envelope.issue_key,
            state=DeliveryState.RECEIVED,
            headers={**headers, AGAIN: "yes"} if again else headers,
            body=given.body,
            received_at=self._clock.now(),
            replay_of=earlier.id if earlier else delivery_id,
        )

        def change(tx: Transaction) -> None:
            tx.deliveries.record([delivery])
            workspace, now = served.workspace, delivery.received_at
            audit.record(tx, Act.EVENT_REPLAYED, by=by, now=now, workspace=workspace, subject=delivery_id)

        await self._storage.write(change)
        return delivery_id

    async def _work(self, delivery_id: DeliveryId, *, by: Principal) -> None:
        """Work one delivery, its run and what it owes to a resting state, in this process."""
        delivery = await self._get(delivery_id)
        await self._pipeline.work_once(by=by, only=delivery.lane_id)
        delivery = await self._get(delivery_id)
        while await self._advance(delivery, by=by):
            pass

    async def _result(self, delivery_id: DeliveryId, first: Step) -> Replay | None:
        """Tell what a replay led to; None while it has not come to rest."""

        def query(tx: Transaction) -> Replay | None:
            delivery = tx.deliveries.find(delivery_id)
            if delivery is None or delivery.state in UNFINISHED:
                return None
            live = tx.conversations.live_run(delivery.conversation_id) if delivery.conversation_id else None
            owed, workspace = _owed_for(tx, delivery), tx.workspaces.find(delivery.workspace_id)
            paused = live is not None and live.state is RunState.WAITING and _is_paused(tx, delivery)
            if (live and live.state is not RunState.HELD and not paused) or any(
                effect.state in (EffectState.PENDING, EffectState.SENDING) for effect in owed
            ):
                return None
            runs = tx.conversations.runs(delivery.conversation_id) if delivery.conversation_id else []
            failed = delivery.state is DeliveryState.DEAD or (bool(runs) and runs[-1].state is RunState.FAILED)
            return Replay(
                delivery_id=delivery_id,
                dry_run=False,
                steps=(
                    first,
                    _duplicate(self._texts, delivery.replay_of if delivery.replay_of != delivery_id else None),
                    *delivery.steps,
                    Step(
                        step="effects",
                        outcome=f"{len(owed)} on the issue",
                        text=self._texts.say("step.paused") if paused else "",
                    ),
                ),
                decision=delivery.decision,
                hint=cures.of_delivery(delivery, workspace_name=workspace.name if workspace else ""),
                effects=tuple(
                    {"kind": e.effect.kind.value, "state": e.state.value, "text": e.effect.text} for e in owed
                ),
                failed=failed,
            )

        return await self._storage.read(query)

    async def _advance(self, delivery: Delivery, *, by: Principal) -> bool:
        """Do the next thing that the delivery waits for; False where there is none that could be done now."""
        if delivery.issue_id is not None and await self._delivery.deliver_once(by=by, only=delivery.issue_id):
            return True
        if delivery.conversation_id is None:
            return False
        run = await self._runs.claim(by=by, only=delivery.conversation_id)
        if run is not None:
            await self._runs.carry(run, by=by)
            return True
        return False

    async def _get(self, delivery_id: DeliveryId) -> Delivery:
        found = await self._storage.read(lambda tx: tx.deliveries.find(delivery_id))
        if found is None:
            raise NotFound(f"there is no event `{delivery_id}`")
        return found

    def _signature_step(self, given: ReplayInput, served: Served | None) -> Step:
        if given.unchecked:
            return Step(step="signature", outcome=f"not checked ({given.unchecked})")
        if served is None:
            return Step(step="signature", outcome="not checked (no workspace)")
        way, now = Authenticity(served.workspace.authenticity), self._clock.now()
        if given.proof is None and not way.covers_body:
            # A saved delivery has neither the secret that stood beside it, nor a token that still counts.
            return Step(step="signature", outcome=f"not checked ({way})")
        token = given.proof.token if given.proof else ""
        raw = RawDelivery(headers=given.headers, body=given.body, remote="", received_at=now, token=token)
        try:
            served.scheme.verify(raw, served.secrets_at(now))
        except SignatureRejected:
            if not served.proof_sealed:
                raise
            return Step(step="signature", outcome="not checked (a secret does not open)")
        return Step(step="signature", outcome="right", text=self._texts.say("step.signed") if given.proof else "")

    async def _duplicate_step(self, given: ReplayInput, served: Served) -> Step:
        earlier = await self._earlier(given, served)
        return _duplicate(self._texts, earlier.id if earlier else None)

    async def _earlier(self, given: ReplayInput, served: Served) -> Delivery | None:
        timestamp = self._read_envelope(given.body).timestamp
        print_ = fingerprint(served.workspace.id, given.body, timestamp=timestamp)
        return await self._storage.read(lambda tx: tx.deliveries.find_by_fingerprint(served.workspace.id, print_))


def _is_paused(tx: Transaction, delivery: Delivery) -> bool:
    """Say whether a pause holds back the run that a delivery led to."""
    conversation = tx.conversations.find(delivery.conversation_id) if delivery.conversation_id else None
    if conversation is None:
        return False
    return bool(over(tx, delivery.workspace_id, conversation.agent))


def _owed_for(tx: Transaction, delivery: Delivery) -> list[OwedEffect]:
    """List what a delivery led to on its issue. One that was ignored may have the key of another, which acted."""
    if delivery.state is DeliveryState.IGNORED:
        return []
    if delivery.conversation_id:
        return [*tx.outbox.of_conversation(delivery.conversation_id)]
    request = tx.deliveries.request_of(delivery.id)
    own = f"#{delivery.id}" if request is not None and request.acts_again else ""
    return [*tx.outbox.of_cause(delivery.workspace_id, f"{delivery.trigger_key}{own}")]


def _duplicate(texts: Texts, earlier: DeliveryId | None) -> Step:
    if earlier is None:
        return Step(step="duplicate", outcome="no")
    return Step(step="duplicate", outcome="yes", reason=earlier, text=texts.say("step.duplicate", earlier=earlier))
