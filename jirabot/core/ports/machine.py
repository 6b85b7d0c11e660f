"""What core needs of the machine: time, new ids, the log, and a way to tell administrators."""

from datetime import datetime
from typing import Protocol

from jirabot.core.troubles import Alert


class Clock(Protocol):
    """Time, so that tests need not wait for it."""

    def now(self) -> datetime:
        """Tell the time, aware, in UTC."""

    async def sleep(self, seconds: float) -> None:
        """Wait."""


class Ids(Protocol):
    """New names for new things."""

    def sortable(self) -> str:
        """Make an id that sorts by the time it was made (UUIDv7 layout)."""

    def secret(self) -> str:
        """Make an unguessable id (128 random bits or more), safe in addresses."""


class Alerts(Protocol):
    """Where administrators are told of troubles, beside log and `status`."""

    async def send(self, alert: Alert) -> None:
        """Tell them.

        Raises:
            Unreachable: it was not taken; the message names no address.
        """


class Events(Protocol):
    """The log of what happens: constant names, facts as fields of an allow-list. Never bodies, never secrets."""

    def tell(self, event: str, **fields: object) -> None:
        """Write one line; `level` may be given as a field (`warning`, `error`)."""
