"""The machine's own time, randomness and silence: what fulfils core's smallest ports; and what it says of addresses."""

import asyncio
import os
import secrets
import socket
import time
from datetime import UTC, datetime

_VARIANT = dict(zip("0123456789abcdef", "89ab" * 4, strict=True))
"""A random digit with the two bits before it that tell the layout (RFC 9562, section 4.1)."""


class SystemClock:
    """The machine's time."""

    def now(self) -> datetime:
        """Tell the time, aware, in UTC."""
        return datetime.now(UTC)  # noqa: TID251 - this is the port's one implementation

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


class RandomIds:
    """New ids from the clock and the system's randomness."""

    def sortable(self) -> str:
        """Make an id in UUIDv7's layout, as 32 hex digits: 48 bits of milliseconds, then randomness."""
        random = os.urandom(10).hex()
        return f"{time.time_ns() // 1_000_000:012x}7{random[:3]}{_VARIANT[random[3]]}{random[4:19]}"

    def secret(self) -> str:
        """Make an unguessable id of 160 bits, safe in addresses."""
        return secrets.token_urlsafe(20)


class QuietLog:
    """No log: for commands, which tell a person what matters themselves."""

    def tell(self, event: str, **fields: object) -> None:
        """Say nothing."""


def why_not_bound(error: OSError | UnicodeError) -> str:
    """Say why nothing can listen on an address. `UnicodeError` is of a name that can't be one of a host."""
    if isinstance(error, socket.gaierror | UnicodeError):
        return "the name can't be looked up"
    # What asyncio raises says it at length; the number alone is the system's.
    return os.strerror(error.errno) if error.errno else str(error)
