"""The machine's own time, randomness and silence: what fulfils core's smallest ports."""

import asyncio
import os
import secrets
import time
from datetime import UTC, datetime


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
        stamp = (time.time_ns() // 1_000_000) & (2**48 - 1)
        tail = int.from_bytes(os.urandom(10))
        value = stamp << 80 | tail
        value = value & ~(0xF << 76) | 0x7 << 76
        value = value & ~(0x3 << 62) | 0x2 << 62
        return f"{value:032x}"

    def secret(self) -> str:
        """Make an unguessable id of 160 bits, safe in addresses."""
        return secrets.token_urlsafe(20)


class QuietLog:
    """No log: for commands, which tell a person what matters themselves."""

    def tell(self, event: str, **fields: object) -> None:
        """Say nothing."""
