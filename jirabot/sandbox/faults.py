"""Misbehaviour on order: what networks, proxies and Jira itself do when they fail, exactly when a test says so."""

import asyncio
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from jirabot.errors import InvalidInput
from jirabot.sandbox.issues import Person, Webhook
from jirabot.sandbox.senders import SentDelivery


class Does(StrEnum):
    """What a fault does to a request, or to a webhook."""

    ANSWER = "answer"
    """Answers with `status`, `headers` and `body`; nothing is carried out."""
    HANG = "hang"
    """Does not answer until released, or for `seconds`, and then drops the connection; nothing is carried out."""
    RESET = "reset"
    """Resets the connection; nothing is carried out."""
    DELAY = "delay"
    """Waits until released, or for `seconds`, before it carries the request out."""
    COMMIT_THEN_DROP = "commit-then-drop"
    """Carries the request out and drops the connection without an answer."""
    COMMIT_THEN_HANG = "commit-then-hang"
    """Carries the request out and then hangs."""
    COMMIT_THEN_ANSWER = "commit-then-answer"
    """Carries the request out and answers with `status`, `headers` and `body`."""
    WEBHOOKS_FIRST = "webhooks-first"
    """Carries the request out, and answers when its webhooks got theirs."""
    DUPLICATE = "duplicate"
    """Sends a webhook twice."""
    LOSE = "lose"
    """Never sends a webhook, as a Data Center does whose receiver is away."""
    HOLD = "hold"
    """Holds webhooks back until released; later ones overtake them."""


OF_WEBHOOKS = frozenset({Does.DUPLICATE, Does.LOSE, Does.HOLD})


@dataclass(slots=True, kw_only=True)
class Fault:
    """One order. Empty `method`, `path`, `actor` and `event` match everything."""

    does: Does
    method: str = ""
    path: str = ""
    """A regular expression, searched in the path after the context path."""
    actor: str = ""
    """Account id, login or e-mail of who asks."""
    event: str = ""
    """A regular expression, searched in the name of the webhook event."""
    times: int | None = 1
    """How often it still strikes; None: until it is cleared."""
    status: int = 500
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    """Answered as JSON, or as it is where it is a string."""
    seconds: float | None = None
    hits: int = 0
    """How often it struck."""
    is_reversed: bool = False
    held: list[tuple[Webhook, SentDelivery]] = field(default_factory=list)
    _released: asyncio.Event = field(default_factory=asyncio.Event)

    def release(self, *, reverse: bool = False) -> None:
        """Let go of what hangs or is held, in order or in *reverse* order."""
        self.is_reversed = reverse
        self._released.set()

    async def released(self) -> None:
        """Wait for the release, at most for `seconds`."""
        try:
            async with asyncio.timeout(self.seconds):
                await self._released.wait()
        except TimeoutError:
            return

    def to_json(self) -> dict[str, Any]:
        """Write the order, and how often it struck."""
        names = ("method", "path", "actor", "event", "times", "status", "body", "seconds", "hits")
        return {"does": self.does.value, "headers": dict(self.headers), **{name: getattr(self, name) for name in names}}

    def is_for(self, *, method: str, path: str, actor: Person | None) -> bool:
        """Say whether it strikes a request."""
        if self.does in OF_WEBHOOKS or self.times == 0 or self.method.upper() not in ("", method):
            return False
        names = {"", actor.account_id, actor.name, actor.email} if actor else {""}
        return self.actor in names and re.search(self.path, path) is not None

    def is_for_webhook(self, event: str) -> bool:
        """Say whether it strikes a webhook."""
        return self.does in OF_WEBHOOKS and self.times != 0 and re.search(self.event, event) is not None

    def strike(self) -> None:
        """Count a hit."""
        self.hits += 1
        self.times = None if self.times is None else self.times - 1


class Faults:
    """The orders in force; the first that matches strikes."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._faults: list[Fault] = []

    def add(self, does: Does | str, **options: Any) -> Fault:
        """Order a fault, with the fields of `Fault` as options.

        Raises:
            InvalidInput: no such fault, no such option, or an option's value is wrong.
        """
        try:
            fault = Fault(does=Does(does), **options)
            re.compile(fault.path)
            re.compile(fault.event)
        except (ValueError, TypeError, re.error) as error:
            kinds = ", ".join(f"`{kind.value}`" for kind in Does)
            raise InvalidInput(f"`{does}` is no fault as it stands: {error}", hint=f"faults are {kinds}") from error
        self._faults.append(fault)
        return fault

    def strike(self, *, method: str, path: str, actor: Person | None) -> Fault | None:
        """Find the fault that strikes a request, and count it."""
        return self._struck(lambda fault: fault.is_for(method=method, path=path, actor=actor))

    def strike_webhook(self, event: str) -> Fault | None:
        """Find the fault that strikes a webhook, and count it."""
        return self._struck(lambda fault: fault.is_for_webhook(event))

    def release(self, *, reverse: bool = False) -> None:
        """Let go of all that hangs or is held."""
        for fault in self._faults:
            fault.release(reverse=reverse)

    def clear(self) -> None:
        """Forget all orders and let go of what they hold."""
        self.release()
        self._faults.clear()

    def to_json(self) -> list[dict[str, Any]]:
        """Write all orders."""
        return [fault.to_json() for fault in self._faults]

    def _struck(self, matches: Callable[[Fault], bool]) -> Fault | None:
        fault = next(filter(matches, self._faults), None)
        if fault is not None:
            fault.strike()
            self._changed()
        return fault
