"""A service as the ingress sees one: answers every request, notes it, and streams events when asked to."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from deploy.local.ports import HERE

Headers = dict[str, list[str]]


@dataclass(frozen=True)
class Received:
    """A request as the service got it; names of headers are in lower case."""

    method: str
    target: str
    headers: Headers
    body: bytes


@dataclass
class Stub:
    """Answers 200 with its name and `padding`. Waits for `go_on` between two server-sent events."""

    name: str
    port: int = 0
    received: list[Received] = field(default_factory=list)
    connections: int = 0
    padding: int = 0
    go_on: asyncio.Event = field(default_factory=asyncio.Event)
    server: asyncio.Server | None = None

    @classmethod
    @asynccontextmanager
    async def serving(cls, name: str) -> AsyncIterator["Stub"]:
        """A stub on a port of its own."""
        stub = cls(name)
        stub.server = await asyncio.start_server(stub._serve, HERE, 0)
        stub.port = stub.server.sockets[0].getsockname()[1]
        try:
            yield stub
        finally:
            stub.stop()

    def stop(self) -> None:
        """Nobody listens here any more."""
        assert self.server is not None
        self.server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while (request := await _read(reader)) is not None:
                self.received.append(request)
                await self._respond(request, writer)
        except ConnectionError:
            pass
        finally:
            writer.close()

    async def _respond(self, request: Received, writer: asyncio.StreamWriter) -> None:
        if request.headers.get("accept") == ["text/event-stream"]:
            await self._stream(writer)
            return
        body = json.dumps({"service": self.name}).encode() + b" " * self.padding
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
        )
        writer.write(body)
        await writer.drain()

    async def _stream(self, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nX-Accel-Buffering: no\r\n")
        writer.write(b"Transfer-Encoding: chunked\r\n\r\n")
        for number in (b"1", b"2"):
            event = b"data: %s\n\n" % number
            writer.write(b"%x\r\n%s\r\n" % (len(event), event))
            await writer.drain()
            await self.go_on.wait()
        writer.write(b"0\r\n\r\n")
        await writer.drain()


async def _read(reader: asyncio.StreamReader) -> Received | None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.rstrip().split("\r\n")
    headers: Headers = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers.setdefault(name.lower(), []).append(value.strip())
    method, target, _ = first.split(" ")
    length = int(headers.get("content-length", ["0"])[0])
    return Received(method, target, headers, await reader.readexactly(length))
