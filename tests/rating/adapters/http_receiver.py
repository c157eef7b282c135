"""A real HTTP server on loopback that answers as a test says, to the byte."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

HOST = "127.0.0.1"
TAKEN = b"HTTP/1.1 204 No Content\r\n\r\n"

Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]


@dataclass(frozen=True)
class Received:
    """A request as it came."""

    line: str
    headers: dict[str, str]
    body: bytes


class Receiver:
    """What a server has received, and what it answers: `response`, or whatever `answer` writes."""

    def __init__(self) -> None:
        self.port = 0
        self.connections = 0
        self.received: list[Received] = []
        self.response = TAKEN
        self.answer: Answer = self._respond
        self.written = 0

    async def _respond(self, writer: asyncio.StreamWriter) -> None:
        writer.write(self.response)

    async def endless(self, writer: asyncio.StreamWriter) -> None:
        """A response whose body has no end."""
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n")
        while True:
            writer.write(b"x" * 8192)
            self.written += 8192
            await writer.drain()

    async def unfinished(self, writer: asyncio.StreamWriter) -> None:
        """A response whose body is never whole."""
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        await writer.drain()
        await asyncio.Event().wait()

    async def silent(self, _writer: asyncio.StreamWriter) -> None:
        """Nothing."""
        await asyncio.Event().wait()

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            line, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")[:-2]
            headers = {name.lower(): value for name, _, value in (each.partition(": ") for each in lines)}
            body = await reader.readexactly(int(headers["content-length"]))
            self.received.append(Received(line, headers, body))
            await self.answer(writer)
            await writer.drain()
        writer.close()


@asynccontextmanager
async def http_receiver(tls: ssl.SSLContext | None = None, host: str = HOST) -> AsyncIterator[Receiver]:
    """A receiver at `host`, over TLS if it has a certificate; ended with all that it was still answering."""
    receiver = Receiver()
    handling: list[asyncio.Task[None]] = []
    writers: list[asyncio.StreamWriter] = []

    def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        handling.append(asyncio.create_task(receiver.handle(reader, writer)))

    server = await asyncio.start_server(handle, host, 0, ssl=tls)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
        for task, writer in zip(handling, writers, strict=True):
            task.cancel()
            writer.transport.abort()
        await asyncio.gather(*handling, *(each.wait_closed() for each in writers), return_exceptions=True)
