"""A little HTTP proxy: tunnels by CONNECT, and passes on requests that name a whole address."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit


@dataclass
class Proxy:
    """What it was asked to reach, in order: `CONNECT host:port`, or `GET http://host:port`."""

    url: str = ""
    asked: list[str] = field(default_factory=list)
    refuses: bool = False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection, to its end."""
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            line, _, rest = head.partition(b"\r\n")
            method, target, version = line.decode().split(" ")
            if method == "CONNECT":
                self.asked.append(f"CONNECT {target}")
                host, _, port = target.rpartition(":")
                first = b""
            else:
                parts = urlsplit(target)
                self.asked.append(f"{method} {parts.scheme}://{parts.netloc}")
                host, port = parts.hostname or "", str(parts.port or 80)
                path = parts.path + (f"?{parts.query}" if parts.query else "")
                first = f"{method} {path} {version}\r\n".encode() + rest
            if self.refuses:
                writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
                await writer.drain()
            else:
                await self._pass_on(reader, writer, host, int(port), first, tunnels=method == "CONNECT")
        writer.close()

    async def _pass_on(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        host: str,
        port: int,
        first: bytes,
        *,
        tunnels: bool,
    ) -> None:
        there_reader, there_writer = await asyncio.open_connection(host, port)
        if tunnels:
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        there_writer.write(first)
        await asyncio.gather(_copy(reader, there_writer), _copy(there_reader, writer))


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while piece := await reader.read(65536):
            writer.write(piece)
            await writer.drain()
    writer.close()


@contextlib.asynccontextmanager
async def running() -> AsyncIterator[Proxy]:
    """Run one on a free port."""
    proxy = Proxy()
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    proxy.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield proxy
    finally:
        server.close()
