"""The least that a receiver of webhooks can do that loses none: check the HMAC, commit, answer. Prints its port.

`durable.py SECRET`. As `floor.py`, and the body is on the disk before the answer: gathered while the last commit goes
on, one INSERT of many rows into one table with one index, `synchronous = FULL`. It reads nothing of a body, knows no
workspace, no issue and no order, and nothing is done with what came. What it is slower than the floor by is what this
machine's disk, SQLite and two threads take; what the daemon is slower than it by is ours.
"""

import asyncio
import hashlib
import hmac
import sqlite3
import sys
import tempfile
import threading
from functools import partial
from pathlib import Path
from queue import SimpleQueue

from aiohttp import web

LARGEST_BATCH = 256
ANSWER = b'{"success":true,"status":"accepted","delivery":"01a2140801517f60b6563af2c5a29254"}'

Waiting = tuple[bytes, bytes, asyncio.Future[None]]


class Log:
    """Writes bodies in groups."""

    def __init__(self, path: Path) -> None:
        self._loop = asyncio.get_running_loop()
        self._waiting: list[Waiting] = []
        self._is_writing = False
        self._batches: SimpleQueue[list[Waiting]] = SimpleQueue()
        threading.Thread(target=self._write, args=(path,), daemon=True).start()

    async def keep(self, body: bytes) -> None:
        """Keep a body; on the disk when this returns."""
        kept: asyncio.Future[None] = self._loop.create_future()
        self._waiting.append((hashlib.sha256(body).digest(), body, kept))
        if not self._is_writing:
            self._is_writing = True
            self._loop.call_soon(self._hand_over)
        await kept

    def _hand_over(self) -> None:
        batch, self._waiting = self._waiting[:LARGEST_BATCH], self._waiting[LARGEST_BATCH:]
        self._batches.put(batch)

    def _settle(self, batch: list[Waiting]) -> None:
        for *_, kept in batch:
            if not kept.done():
                kept.set_result(None)
        self._is_writing = bool(self._waiting)
        if self._waiting:
            self._hand_over()

    def _write(self, path: Path) -> None:
        driver = sqlite3.connect(path, isolation_level=None, cached_statements=LARGEST_BATCH)
        driver.execute("PRAGMA journal_mode = WAL")
        driver.execute("PRAGMA synchronous = FULL")
        driver.execute("CREATE TABLE bodies (no INTEGER PRIMARY KEY, print BLOB UNIQUE, body BLOB)")
        while True:
            batch = self._batches.get()
            rows = ", ".join(["(?, ?)"] * len(batch))
            values = [value for body_print, body, _ in batch for value in (body_print, body)]
            driver.execute(f"INSERT INTO bodies (print, body) VALUES {rows} ON CONFLICT DO NOTHING", values)
            self._loop.call_soon_threadsafe(partial(self._settle, batch))


async def main(secret: bytes, folder: Path) -> None:
    """Serve until killed."""
    log = Log(folder / "bodies.db")

    async def take(request: web.Request) -> web.Response:
        body = await request.read()
        right = f"sha256={hmac.new(secret, body, hashlib.sha256).hexdigest()}"
        fits = hmac.compare_digest(request.headers.get("X-Hub-Signature", ""), right)
        if fits:
            await log.keep(body)
        return web.Response(status=200 if fits else 403, body=ANSWER, content_type="application/json")

    application = web.Application(client_max_size=2**25)
    application.add_routes([web.post("/{path:.*}", take)])
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="durable-") as made:
        asyncio.run(main(sys.argv[1].encode(), Path(made)))
