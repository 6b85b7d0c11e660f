"""What strangers send, byte by byte: each gets its status and one line in the log, never 5xx, never a traceback."""

import asyncio
from typing import Any

import pytest

from jirabot.jira.signatures import sign

from .stage import Stage

pytestmark = [pytest.mark.stage(webhook=False)]

WITHIN_SECONDS = 10.0


class Stranger:
    """A connection to the daemon."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def status(self) -> int:
        """Read an answer, and give its status; 0 where the connection ended without one."""
        async with asyncio.timeout(WITHIN_SECONDS):
            line = await self.reader.readline()
            if not line:
                return 0
            length = 0
            while (header := await self.reader.readline()).strip():
                name, _, value = header.partition(b":")
                length = int(value) if name.lower() == b"content-length" else length
            body = await self.reader.readexactly(length)
        assert b"Traceback" not in body
        return int(line.split()[1])

    async def close(self) -> None:
        self.writer.close()
        await asyncio.gather(self.writer.wait_closed(), return_exceptions=True)


async def connect(stage: Stage) -> Stranger:
    return Stranger(*await asyncio.open_connection("127.0.0.1", stage.app.settings.server.port, limit=2**20))


def head(stage: Stage, body: bytes, *lines: str, length: int | None = None) -> bytes:
    path = stage.events_url.removeprefix(stage.address)
    given = [
        f"POST {path} HTTP/1.1",
        "Host: localhost",
        f"X-Hub-Signature: {sign(body, stage.secret.encode())}",
        f"Content-Length: {len(body) if length is None else length}",
        *lines,
    ]
    return "\r\n".join([*given, "", ""]).encode()


async def test_pipelined_requests_are_answered_in_order(stage: Stage) -> None:
    stranger = await connect(stage)
    bodies = [b'{"a": 1}', b"nonsense", b'{"a": 2}']
    stranger.writer.write(b"".join(head(stage, body) + body for body in bodies))

    assert [await stranger.status() for _ in bodies] == [200, 400, 200]
    await stranger.close()


async def test_a_half_closed_connection_gets_its_answer(stage: Stage) -> None:
    """Who has sent everything and closes that side still reads."""
    stranger = await connect(stage)
    body = b'{"half": "closed"}'
    stranger.writer.write(head(stage, body) + body)
    stranger.writer.write_eof()

    assert await stranger.status() in (200, 0)
    await stranger.close()


async def test_a_body_that_breaks_off_leaves_nothing(stage: Stage) -> None:
    stranger = await connect(stage)
    stranger.writer.write(head(stage, b'{"a": 1}', length=100) + b'{"a": 1}')
    await stranger.writer.drain()
    await stranger.close()
    other = await connect(stage)
    body = b'{"after": 1}'
    other.writer.write(head(stage, body) + body)

    assert await other.status() == 200
    await other.close()
    await stage.rest()
    assert len(await stage.deliveries()) == 1


async def test_a_body_that_comes_too_slowly_is_given_up(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jirabot.daemon.webhooks.BODY_SECONDS", 0.1)
    stranger = await connect(stage)
    stranger.writer.write(head(stage, b"", length=100) + b"{")

    assert await stranger.status() == 408
    await stranger.close()


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        pytest.param(["Transfer-Encoding: chunked"], 400, id="length and chunks"),
        pytest.param(["Content-Length: 3"], 400, id="two lengths"),
        pytest.param(["X: " + "x" * 9000], 400, id="a header line that is too long"),
        pytest.param(["X\x00Y: 1"], 400, id="a name with a NUL"),
        pytest.param(["X-Hub-Signature: sha256=00"], 403, id="two signatures, the right one first"),
        pytest.param(["Content-Encoding: br"], 415, id="compressed"),
        pytest.param(["Expect: 100-continue"], 100, id="waits to be asked"),
    ],
)
async def test_heads_that_make_trouble(stage: Stage, lines: list[str], status: int) -> None:
    stranger = await connect(stage)
    body = b'{"a": 1}'
    stranger.writer.write(head(stage, body, *lines) + body)

    assert await stranger.status() == status
    await stranger.close()


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", id="TLS"),
        pytest.param(b"GET / HTTP/9.9\r\n\r\n", id="another version"),
        pytest.param(b"\r\n\r\n\r\nnonsense\r\n\r\n", id="nonsense"),
        pytest.param(b"POST /integration/jira/events HTTP/1.1\r\n\r\n", id="no host"),
        pytest.param(b"GET /%ff%fe/../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n", id="an odd path"),
        pytest.param(b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", id="a star"),
        pytest.param(
            b"POST /integration/jira/events HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            id="chunks of no size",
        ),
    ],
)
async def test_what_is_hardly_http_gets_a_client_error(stage: Stage, sent: bytes) -> None:
    stranger = await connect(stage)
    stranger.writer.write(sent)
    stranger.writer.write_eof()

    status = await stranger.status()
    assert status == 0 or 400 <= status < 500
    await stranger.close()


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
async def test_another_method_is_told(stage: Stage, method: str) -> None:
    stranger = await connect(stage)
    path = stage.events_url.removeprefix(stage.address)
    stranger.writer.write(f"{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n".encode())

    assert await stranger.status() == 405
    await stranger.close()


async def test_each_refusal_is_one_line_without_what_was_sent(stage: Stage) -> None:
    """The log names the kind of fault; no byte of a stranger's is in it."""
    before = len(stage.log.told)
    for sent in (b"SECRET nonsense\r\n\r\n", head(stage, b"x", "X-Token: SECRET") + b"SECRET"):
        stranger = await connect(stage)
        stranger.writer.write(sent)
        await stranger.status()
        await stranger.close()

    told: list[Any] = [entry for entry in stage.log.told[before:] if entry[0].startswith(("request.", "connection."))]
    assert len(told) == 2, stage.log.told[before:]
    assert "SECRET" not in str(told)
