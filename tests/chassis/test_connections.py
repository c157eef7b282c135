"""Whoever connects and sends no request, half of one, or reads no answer, is cut off, and harms nobody."""

import asyncio
import json
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, closing

import httpx
import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from chassis.http import connections
from tests.chassis.test_service import Shop, free_base, shop

CROWD = 1_005
HALF_A_HEAD = b"GET /slow HTTP/1.1\r\nHost: shop\r\nX-"
PROMISED = b"POST /slow HTTP/1.1\r\nHost: shop\r\nContent-Length: 5\r\n\r\n"
REQUEST = b"GET / HTTP/1.1\r\nHost: shop\r\n\r\n"
LARGE = b"x" * 50_000_000


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with shop(free_base(), tmp_path_factory.mktemp("shop")) as running:
        # A thousand callers make more log lines than a pipe holds.
        reading = threading.Thread(target=running.process.communicate)
        reading.start()
        running.until_ready()
        yield running
        running.process.kill()
        reading.join()


def healthy(running: Shop) -> bool:
    return httpx.get(f"http://127.0.0.1:{running.base}/health/ready", timeout=5).status_code == 200


def still_open(sockets: list[socket.socket]) -> int:
    """How many the service has not closed yet; waits for none."""
    return sum(_is_open(each) for each in sockets)


def _is_open(caller: socket.socket) -> bool:
    caller.settimeout(0)
    try:
        return bool(caller.recv(65_536))
    except BlockingIOError:
        return True
    except ConnectionResetError:
        return False


@pytest.mark.real
@pytest.mark.parametrize("payload", [b"", HALF_A_HEAD, PROMISED], ids=["nothing", "half a head", "no body"])
def test_a_thousand_callers_who_say_nothing_shut_nobody_out(running: Shop, payload: bytes) -> None:
    with ExitStack() as stack:
        silent = []
        for _ in range(CROWD):
            caller = socket.create_connection(("127.0.0.1", running.base))
            silent.append(stack.enter_context(closing(caller)))
            caller.sendall(payload)
        assert healthy(running)
        assert httpx.get(f"http://127.0.0.1:{running.base}/slow", timeout=5).json() == "done"
        assert still_open(silent) <= connections.MOST_CONNECTIONS


@pytest.mark.real
def test_silence_and_half_a_head_end_after_ten_seconds(running: Shop) -> None:
    with ExitStack() as stack:
        callers = []
        for payload in (b"", HALF_A_HEAD):
            caller = socket.create_connection(("127.0.0.1", running.base), timeout=15)
            callers.append(stack.enter_context(closing(caller)))
            caller.sendall(payload)
        assert [caller.recv(1) for caller in callers] == [b"", b""]
        assert healthy(running)


@pytest.mark.real
@pytest.mark.parametrize(
    "lengths",
    [
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        b"transfer-encoding: chunked\r\ncontent-length: 0\r\n",
    ],
)
def test_a_body_with_two_lengths_is_refused(running: Shop, lengths: bytes) -> None:
    with closing(socket.create_connection(("127.0.0.1", running.base), timeout=15)) as caller:
        caller.sendall(b"POST /slow HTTP/1.1\r\nHost: shop\r\n" + lengths + b"\r\n0\r\n\r\n" + REQUEST)
        head, _, body = b"".join(iter(lambda: caller.recv(4096), b"")).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert b"application/problem+json" in head
    assert json.loads(body)["status"] == 400


async def app(scope: Scope, _: Receive, send: Send) -> None:
    assert scope["type"] == "http"
    if scope["path"] == "/long":
        await asyncio.sleep(3 * connections.HEAD_WITHIN)
    body = LARGE if scope["path"] == "/large" else b"hello"
    await send(
        {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]}
    )
    await send({"type": "http.response.body", "body": body})


@asynccontextmanager
async def serving(
    protocol: type[connections.Connection] = connections.Connection,
) -> AsyncIterator[int]:
    config = uvicorn.Config(app, http=protocol, lifespan="off", log_config=None)
    server = uvicorn.Server(config)
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        config.load()
        server.lifespan = config.lifespan_class(config)
        await server.startup(sockets=[listening])
        yield listening.getsockname()[1]
        await server.shutdown(sockets=[listening])


async def connected(port: int, payload: bytes = b"") -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
    writer.write(payload)
    return reader, writer


async def cut_off(reader: asyncio.StreamReader) -> None:
    async with asyncio.timeout(10):
        try:
            while await reader.read(65_536):
                pass
        except ConnectionResetError:
            return


@pytest.mark.parametrize(
    "payload", [b"", b"G", HALF_A_HEAD, b"POST / HTTP/1.1\r\nHost: shop\r\nContent-Length: 5\r\n\r\n"]
)
async def test_no_byte_of_the_next_request_puts_its_deadline_off(
    monkeypatch: pytest.MonkeyPatch, payload: bytes
) -> None:
    monkeypatch.setattr(connections, "NEXT_HEAD_WITHIN", 0.2)
    async with serving() as port:
        reader, writer = await connected(port, REQUEST)
        assert (await reader.readuntil(b"hello")).startswith(b"HTTP/1.1 200")
        writer.write(payload)
        await cut_off(reader)
        writer.close()


async def test_who_sends_in_time_is_served_request_after_request() -> None:
    async with serving() as port:
        reader, writer = await connected(port)
        for pipelined in (1, 3, 2):
            writer.write(REQUEST * pipelined)
            for _ in range(pipelined):
                assert (await reader.readuntil(b"hello")).startswith(b"HTTP/1.1 200")
        writer.close()


async def test_work_may_take_longer_than_a_head(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEAD_WITHIN", 0.1)
    async with serving() as port:
        reader, writer = await connected(port, b"GET /long HTTP/1.1\r\nHost: shop\r\n\r\n")
        assert (await reader.readuntil(b"hello")).startswith(b"HTTP/1.1 200")
        writer.close()


async def test_who_reads_no_answer_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "READ_WITHIN", 0.2)
    lost = asyncio.Event()

    class Watched(connections.Connection):
        def connection_lost(self, exc: Exception | None) -> None:
            super().connection_lost(exc)
            lost.set()

    async with serving(Watched) as port:
        reader, writer = await connected(port, b"GET /large HTTP/1.1\r\nHost: shop\r\n\r\n")
        async with asyncio.timeout(10):
            await lost.wait()
        with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
            await reader.readexactly(len(LARGE))
        writer.close()


async def test_beyond_so_many_the_one_who_waited_longest_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "MOST_CONNECTIONS", 3)
    async with serving() as port:
        pairs = [await connected(port) for _ in range(3)]
        pairs[0][1].write(REQUEST)
        await pairs[0][0].readuntil(b"hello")
        newcomer, _ = last = await connected(port, REQUEST)
        assert (await newcomer.readuntil(b"hello")).startswith(b"HTTP/1.1 200")
        await cut_off(pairs[1][0])
        pairs[0][1].write(REQUEST)
        assert await pairs[0][0].readuntil(b"hello")
        for _, writer in (*pairs, last):
            writer.close()
