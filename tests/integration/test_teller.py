"""Administrators are told of each begin and each end once, whatever the webhook and the daemon do meanwhile."""

import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from jirabot.core.managers import troubles
from jirabot.core.managers.alerts import WebhookAlerts
from jirabot.core.managers.teller import Teller
from jirabot.core.managers.troubles import Found
from jirabot.core.people import DAEMON
from jirabot.core.scopes import EVERYWHERE, of_agent, of_workspace
from jirabot.core.troubles import Alert, Placed, Reason, Trouble
from jirabot.errors import Unreachable
from jirabot.jira import posting
from jirabot.storage.memory import MemoryStorage
from tests.contract.test_stores.values import workspace as a_workspace

pytestmark = pytest.mark.fast

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@dataclass
class Chat:
    """A chat that is down where a test says so."""

    said: list[str] = field(default_factory=list)
    tries_count: int = 0
    is_down: bool = False

    async def send(self, alert: Alert) -> None:
        self.tries_count += 1
        if self.is_down:
            raise Unreachable("the alerts webhook answers 500")
        self.said.append(alert.sentence)


@dataclass
class Log:
    told: list[tuple[str, Mapping[str, object]]] = field(default_factory=list)

    def tell(self, event: str, **fields: object) -> None:
        self.told.append((event, fields))

    def events(self) -> list[str]:
        return [event for event, _ in self.told]


@dataclass
class Clock:
    at: datetime = NOON

    def now(self) -> datetime:
        return self.at

    async def sleep(self, seconds: float) -> None:
        raise AssertionError("nobody waits here")

    def go_on(self, **by: float) -> None:
        self.at += timedelta(**by)


class Room:
    """A teller with all that it needs."""

    def __init__(self, *, chat: bool = True) -> None:
        self.storage, self.chat, self.log, self.clock = MemoryStorage(), Chat(), Log(), Clock()
        self._alerts = self.chat if chat else None
        self.restart()

    def restart(self) -> None:
        self.teller = Teller(storage=self.storage, alerts=self._alerts, clock=self.clock, log=self.log)

    async def begin(self, scope: str = EVERYWHERE, reason: Reason = Reason.DATABASE) -> None:
        found = Found(scope=scope, reason=reason, text="the disk is full", fix="make room")
        now = self.clock.now()
        await self.storage.write(lambda tx: troubles.begin(tx, found, new_id=f"{scope}-{reason}-{now}", now=now))

    async def end(self) -> None:
        await self.storage.write(lambda tx: tx.troubles.end(EVERYWHERE, Reason.DATABASE, now=self.clock.now()))

    async def tell(self) -> int:
        return await self.teller.tell_once(by=DAEMON)


BEGUN = "jirabot: everywhere: database: the disk is full. What to do: make room"
ENDED = "jirabot: everywhere: database is over: the disk is full"


async def test_a_trouble_is_told_once_as_it_begins_and_once_as_it_ends() -> None:
    room = Room()
    await room.begin()
    await room.tell()
    await room.tell()
    await room.end()
    await room.tell()
    await room.tell()

    assert room.chat.said == [BEGUN, ENDED]
    assert [(event, fields["level"]) for event, fields in room.log.told] == [
        ("trouble.begun", "error"),
        ("trouble.ended", "info"),
    ]


async def test_a_restart_repeats_nothing_and_forgets_nothing() -> None:
    room = Room()
    await room.begin()
    await room.tell()
    room.restart()
    await room.tell()
    await room.end()
    room.restart()
    await room.tell()

    assert room.chat.said == [BEGUN, ENDED]


async def test_what_began_and_ended_unseen_is_told_in_order() -> None:
    room = Room()
    await room.begin()
    await room.end()
    await room.tell()

    assert room.chat.said == [BEGUN, ENDED]


async def test_without_a_webhook_the_log_has_it() -> None:
    room = Room(chat=False)
    await room.begin()
    assert (await room.tell(), await room.tell()) == (1, 0)

    ((event, fields),) = room.log.told
    assert (event, fields["reason"], fields["cause"], fields["hint"]) == (
        "trouble.begun",
        "database",
        "the disk is full",
        "make room",
    )


async def test_the_place_is_named() -> None:
    room = Room(chat=False)
    workspace = a_workspace()
    await room.storage.write(lambda tx: tx.workspaces.add(workspace))
    await room.begin(of_workspace(workspace.id), Reason.TOKEN_REFUSED)
    await room.begin(of_agent("local"), Reason.AGENT_FAILING)
    await room.tell()

    assert [(fields["workspace"], fields["agent"]) for _, fields in room.log.told] == [
        ("", "local"),
        (workspace.name, ""),
    ]


async def test_a_webhook_that_fails_is_tried_less_and_less_and_logged_once() -> None:
    room = Room()
    room.chat.is_down = True
    await room.begin()
    for _ in range(60):
        await room.tell()
        room.clock.go_on(seconds=1)

    assert room.chat.tries_count in (3, 4)  # at 0 s, about 10 s and 30 s, and perhaps within the first minute again
    assert room.log.events() == ["trouble.begun", "alert.failed"]


async def test_what_could_not_be_sent_is_sent_later_in_order() -> None:
    room = Room()
    room.chat.is_down = True
    await room.begin()
    await room.tell()
    await room.end()
    room.chat.is_down = False
    room.clock.go_on(minutes=1)
    await room.tell()

    assert room.chat.said == [BEGUN, ENDED]


async def test_while_the_webhook_fails_the_log_has_what_comes_after() -> None:
    room = Room()
    room.chat.is_down = True
    await room.begin()
    await room.tell()
    await room.begin(of_agent("local"), Reason.AGENT_FAILING)
    await room.tell()

    assert room.log.events() == ["trouble.begun", "alert.failed", "trouble.begun"]
    assert room.chat.tries_count == 1


async def test_after_a_day_it_is_no_longer_tried() -> None:
    room = Room()
    room.chat.is_down = True
    await room.begin()
    await room.tell()
    room.clock.go_on(days=1, minutes=1)

    assert (await room.tell(), await room.tell()) == (1, 0)
    assert room.log.events() == ["trouble.begun", "alert.failed", "alert.dropped"]
    assert room.chat.tries_count == 2


async def test_no_error_names_where_alerts_go() -> None:
    """Whoever knows the address may post there."""
    placed = Placed(
        trouble=Trouble(id="t", scope=EVERYWHERE, reason=Reason.DATABASE, text="", fix="", begun_at=NOON),
    )
    for address in ("http://127.0.0.1:1/hunter2", "http://:1/hunter2"):
        with pytest.raises(Unreachable) as raised:
            await WebhookAlerts(post=posting.post, address=address).send(Alert(placed=placed, ended=False))

        told = "".join(traceback.format_exception(raised.value))
        assert "hunter2" not in f"{raised.value.message} {raised.value.hint} {told}"
