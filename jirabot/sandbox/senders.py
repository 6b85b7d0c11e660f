"""Sends webhooks as Jira does: signed, each issue's in order, again where Cloud does, never while somebody waits.

Source: "Webhooks", developer.atlassian.com, sections Secure admin webhooks and Retry policy; Data Center documents no
retries.
"""

import asyncio
import base64
import hashlib
import hmac
import json
import random
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

import aiohttp

from jirabot.sandbox import jql
from jirabot.sandbox.faces import Face
from jirabot.sandbox.issues import Happening, JsonObject, Webhook
from jirabot.sandbox.shapes import to_time

CONNECT_SECONDS = 5.0
RESPONSE_SECONDS = 20.0

RETRIES = 5
"""How often Cloud sends again."""

RETRY_SECONDS = (300.0, 900.0)
"""Between which bounds Cloud waits before it sends again."""

RETRIED = frozenset({408, 409, 425, 429})
"""The answers below 500 after which Cloud sends again."""

USER_AGENT = "Atlassian Webhook HTTP Client"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One request of a delivery; without status where nobody answered."""

    at: datetime
    headers: dict[str, str]
    status: int | None
    error: str = ""

    @property
    def succeeded(self) -> bool:
        """Whether the receiver took it: any 2xx."""
        return self.status is not None and 200 <= self.status < 300


@dataclass(slots=True, kw_only=True)
class SentDelivery:
    """A webhook's delivery: one body, and each attempt to bring it to its receiver."""

    number: int
    webhook_id: int
    event: str
    issue_id: str
    issue_key: str
    url: str
    raw: bytes
    """The body, byte for byte as it was signed."""
    identifier: str
    """Equal across retries."""
    attempts: list[Attempt] = field(default_factory=list)
    done: bool = False
    """Whether nothing more will be sent."""

    @property
    def body(self) -> str:
        """The body as text."""
        return self.raw.decode()

    @property
    def payload(self) -> Any:
        """The body as JSON; None where it was excluded."""
        return json.loads(self.raw) if self.raw else None

    @property
    def headers(self) -> dict[str, str]:
        """The headers of the last attempt."""
        return self.attempts[-1].headers if self.attempts else {}

    @property
    def status(self) -> int | None:
        """The answer to the last attempt; None where there was none."""
        return self.attempts[-1].status if self.attempts else None

    @property
    def succeeded(self) -> bool:
        """Whether the receiver took it."""
        return bool(self.attempts) and self.attempts[-1].succeeded

    def to_json(self) -> JsonObject:
        """Write what became of it."""
        return {
            "number": self.number,
            "event": self.event,
            "issue_key": self.issue_key,
            "url": self.url,
            "identifier": self.identifier,
            "done": self.done,
            "attempts": [{"at": to_time(a.at), "status": a.status, "error": a.error} for a in self.attempts],
        }

    def to_saved(self) -> JsonObject:
        """Write it as a saved delivery, which can be replayed."""
        return {"headers": self.headers, "body": self.body}


class WebhookFault(Protocol):
    """What the sender needs to know of a fault that strikes a webhook."""

    does: Any
    held: list[tuple[Webhook, SentDelivery]]
    is_reversed: bool

    async def released(self) -> None:
        """Wait until what is held may go."""


class Senders:
    """Sends deliveries: within its task group, one lane for each webhook and issue."""

    def __init__(
        self,
        *,
        face: Face,
        tasks: asyncio.TaskGroup,
        session: aiohttp.ClientSession,
        clock: Callable[[], datetime],
        strike: Callable[[str], WebhookFault | None],
        changed: Callable[[], None],
        log: list[SentDelivery],
        retry_delays: Sequence[float] | None,
    ) -> None:
        self._face, self._tasks, self._session, self._clock = face, tasks, session, clock
        self._strike, self._changed, self._log = strike, changed, log
        self._delays = retry_delays
        self._lanes: dict[tuple[int, str], deque[SentDelivery]] = {}

    def send(self, webhooks: Iterable[Webhook], happening: Happening) -> None:
        """Begin to send what happened to each webhook that asks for it; waits for nothing."""
        payloads = self._face.payloads(happening)
        for webhook in webhooks:
            for event, payload in payloads:
                if self._is_for(webhook, event, happening):
                    self._begin(webhook, event, payload, happening)

    def _is_for(self, webhook: Webhook, event: str, happening: Happening) -> bool:
        query = jql.parse(webhook.jql, now=happening.at)
        stands = webhook.enabled and (webhook.expires is None or webhook.expires > happening.at)
        return stands and event in webhook.events and query.matches(happening.issue)

    def _begin(self, webhook: Webhook, event: str, payload: JsonObject, happening: Happening) -> None:
        if webhook.grant is not None:
            payload = {**payload, "matchedWebhookIds": [webhook.id]}
        raw = b"" if webhook.exclude_body else json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()
        delivery = self._record(webhook, event, happening, raw)
        fault = self._strike(event)
        match fault.does if fault is not None else None:
            case "lose":
                self._finish(delivery)
            case "hold":
                assert fault is not None
                self._hold(webhook, delivery, fault)
            case "duplicate":
                copy = self._record(webhook, event, happening, raw)
                copy.identifier = delivery.identifier
                self._line_up(webhook, delivery)
                self._line_up(webhook, copy)
            case _:
                self._line_up(webhook, delivery)

    def _hold(self, webhook: Webhook, delivery: SentDelivery, fault: WebhookFault) -> None:
        fault.held.append((webhook, delivery))
        if len(fault.held) == 1:
            self._tasks.create_task(self._send_held(fault))

    def _record(self, webhook: Webhook, event: str, happening: Happening, raw: bytes) -> SentDelivery:
        number = len(self._log) + 1
        delivery = SentDelivery(
            number=number,
            webhook_id=webhook.id,
            event=event,
            issue_id=happening.issue.id,
            issue_key=happening.issue.key,
            url=self._address(webhook, happening),
            raw=raw,
            identifier=hashlib.sha256(f"{webhook.id}:{number}:{to_time(happening.at)}".encode()).hexdigest()[:32],
        )
        self._log.append(delivery)
        self._changed()
        return delivery

    def _address(self, webhook: Webhook, happening: Happening) -> str:
        values = {
            "issue.key": happening.issue.key,
            "issue.id": happening.issue.id,
            "project.key": happening.issue.project.key,
            "project.id": happening.issue.project.id,
            "comment.id": happening.comment.id if happening.comment else "",
        }
        url = webhook.url
        for name, value in values.items():
            url = url.replace(self._face.url_variable % name, value)
        return url

    def _line_up(self, webhook: Webhook, delivery: SentDelivery) -> None:
        key = (webhook.id, delivery.issue_id)
        if key in self._lanes:
            self._lanes[key].append(delivery)
            return
        self._lanes[key] = deque([delivery])
        self._tasks.create_task(self._drain(webhook, key))

    async def _drain(self, webhook: Webhook, key: tuple[int, str]) -> None:
        lane = self._lanes[key]
        while lane:
            await self._send_first(webhook, lane.popleft())
        del self._lanes[key]

    async def _send_held(self, fault: WebhookFault) -> None:
        await fault.released()
        for webhook, delivery in reversed(fault.held) if fault.is_reversed else fault.held:
            await self._send_first(webhook, delivery)

    async def _send_first(self, webhook: Webhook, delivery: SentDelivery) -> None:
        """Make the first attempt; retries go on beside, as Cloud keeps no order across them."""
        attempt = await self._attempt(webhook, delivery, 0)
        if self._is_retried(attempt):
            self._tasks.create_task(self._retry(webhook, delivery))
        else:
            self._finish(delivery)

    async def _retry(self, webhook: Webhook, delivery: SentDelivery) -> None:
        low, high = RETRY_SECONDS
        delays = [random.uniform(low, high) for _ in range(RETRIES)] if self._delays is None else self._delays  # noqa: S311 - spreads load, keeps no secret
        for number, delay in enumerate(delays[:RETRIES], start=1):
            await asyncio.sleep(delay)
            if not self._is_retried(await self._attempt(webhook, delivery, number)):
                break
        self._finish(delivery)

    def _is_retried(self, attempt: Attempt) -> bool:
        status = attempt.status
        return self._face.retries and (status is None or status in RETRIED or status >= 500)

    def _finish(self, delivery: SentDelivery) -> None:
        delivery.done = True
        self._changed()

    async def _attempt(self, webhook: Webhook, delivery: SentDelivery, retry: int) -> Attempt:
        headers = {
            "Content-Type": "application/json; charset=UTF-8",
            "User-Agent": USER_AGENT,
            **self._face.delivery_headers(delivery.identifier, retry),
        }
        if webhook.secret and self._face.signs:
            digest = hmac.new(webhook.secret.encode(), delivery.raw, hashlib.sha256).hexdigest()
            headers["X-Hub-Signature"] = f"sha256={digest}"
        at, status, error = self._clock(), None, ""
        if webhook.grant is not None:
            headers["Authorization"] = f"Bearer {_token(webhook.grant.client_secret, at)}"
        try:
            async with self._session.post(
                delivery.url, data=delivery.raw, headers=headers, allow_redirects=False
            ) as answer:
                status = answer.status
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as failure:
            error = f"{type(failure).__name__}: {failure}"
        attempt = Attempt(at=at, headers=headers, status=status, error=error)
        delivery.attempts.append(attempt)
        self._changed()
        return attempt


def _token(client_secret: str, at: datetime) -> str:
    """Make the token that proves a dynamic webhook: HS256 with the app's secret, for a few minutes."""
    claims = {"iat": int(at.timestamp()), "exp": int(at.timestamp()) + 180}
    head, body = (_encoded(json.dumps(part).encode()) for part in ({"typ": "JWT", "alg": "HS256"}, claims))
    digest = hmac.new(client_secret.encode(), f"{head}.{body}".encode(), hashlib.sha256).digest()
    return f"{head}.{body}.{_encoded(digest)}"


def _encoded(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()


def new_session() -> aiohttp.ClientSession:
    """Open the session that webhooks are sent with: past any proxy."""
    timeout = aiohttp.ClientTimeout(total=CONNECT_SECONDS + RESPONSE_SECONDS, sock_connect=CONNECT_SECONDS)
    return aiohttp.ClientSession(timeout=timeout, trust_env=False)
