"""The least that a receiver of webhooks can do that loses none: check the HMAC, commit, answer. Prints its port.

`durable.py SECRET`. As `floor.py`, and the body is on the disk before the answer: gathered while the last commit goes
on, one INSERT of many rows into one table with one index, `synchronous = FULL`. It reads nothing of a body, knows no
workspace, no issue and no order, and nothing is done with what came. What it is slower than the floor by is what this
machine's disk, SQLite and two threads take.

`durable.py SECRET BASE_URL` looks at what comes as well, as little as can be: that it is JSON, and from that Jira; it
keeps when it came, the headers and an id of its own, which it answers. It tells no kind, finds no issue, wakes nobody.
What the daemon is slower than that by is ours.
"""

import asyncio
import hashlib
import hmac
import os
import sqlite3
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from queue import SimpleQueue

import orjson
from aiohttp import web

LARGEST_BATCH = 256
COLUMNS = ("print", "body", "id", "came_at", "headers")
HEADERS = ("Content-Type", "User-Agent")

Row = tuple[object, ...]
Waiting = tuple[Row, asyncio.Future[None]]


class Log:
    """Writes rows in groups."""

    def __init__(self, path: Path, columns: Sequence[str]) -> None:
        self._loop = asyncio.get_running_loop()
        self._waiting: list[Waiting] = []
        self._is_writing = False
        self._batches: SimpleQueue[list[Waiting]] = SimpleQueue()
        threading.Thread(target=self._write, args=(path, columns), daemon=True).start()

    async def keep(self, row: Row) -> None:
        """Keep a row; on the disk when this returns."""
        kept: asyncio.Future[None] = self._loop.create_future()
        self._waiting.append((row, kept))
        if not self._is_writing:
            self._is_writing = True
            self._loop.call_soon(self._hand_over)
        await kept

    def _hand_over(self) -> None:
        batch, self._waiting = self._waiting[:LARGEST_BATCH], self._waiting[LARGEST_BATCH:]
        self._batches.put(batch)

    def _settle(self, batch: list[Waiting]) -> None:
        for _, kept in batch:
            if not kept.done():
                kept.set_result(None)
        self._is_writing = bool(self._waiting)
        if self._waiting:
            self._hand_over()

    def _write(self, path: Path, columns: Sequence[str]) -> None:
        driver = sqlite3.connect(path, isolation_level=None, cached_statements=LARGEST_BATCH)
        driver.execute("PRAGMA journal_mode = WAL")
        driver.execute("PRAGMA synchronous = FULL")
        driver.execute(f"CREATE TABLE bodies (no INTEGER PRIMARY KEY, {', '.join(columns)}, UNIQUE (print))")
        row = f"({', '.join('?' * len(columns))})"
        while True:
            batch = self._batches.get()
            rows = ", ".join([row] * len(batch))
            values = [value for row, _ in batch for value in row]
            driver.execute(f"INSERT INTO bodies ({', '.join(columns)}) VALUES {rows} ON CONFLICT DO NOTHING", values)
            self._loop.call_soon_threadsafe(partial(self._settle, batch))


async def main(secret: bytes, folder: Path, base_url: str) -> None:
    """Serve until killed."""
    log = Log(folder / "bodies.db", COLUMNS if base_url else COLUMNS[:2])

    def seen(request: web.Request, body: bytes, id_: str) -> Row:
        """Look at what came; nothing where it is not to be looked at."""
        if not base_url:
            return ()
        address = orjson.loads(body)["issue"]["self"]
        if address.partition("/rest/")[0] != base_url:
            raise web.HTTPUnprocessableEntity
        headers = {name: request.headers[name] for name in HEADERS if name in request.headers}
        return id_, time.time_ns() // 1000, orjson.dumps(headers).decode()

    async def take(request: web.Request) -> web.Response:
        body = await request.read()
        right = f"sha256={hmac.new(secret, body, hashlib.sha256).hexdigest()}"
        fits = hmac.compare_digest(request.headers.get("X-Hub-Signature", ""), right)
        id_ = os.urandom(16).hex()
        if fits:
            await log.keep((hashlib.sha256(body).digest(), body, *seen(request, body, id_)))
        answer = b'{"success":true,"status":"accepted","delivery":"%b"}' % id_.encode()
        return web.Response(status=200 if fits else 403, body=answer, content_type="application/json")

    application = web.Application(client_max_size=2**25)
    application.add_routes([web.post("/{path:.*}", take)])
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="durable-") as made:
        asyncio.run(main(sys.argv[1].encode(), Path(made), sys.argv[2] if len(sys.argv) > 2 else ""))
