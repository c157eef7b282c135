"""What a request costs that anybody may send: the dearest of each kind, as the service's processor time."""

import json
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from http import HTTPStatus
from http.client import HTTPConnection

import psutil
import pytest
from starlette.types import Message

from chassis.http.protocol import MOST_PIECES
from chassis.http.routes import documented, largest_body
from deploy import openapi
from tests.chassis.test_service import Shop, free_base, shop

KIB = 1024
ROUNDS, TIMES = 5, 20
MOST_SECONDS = 0.020


def keys(size: int) -> bytes:
    """An object of as many unknown keys as fit."""
    names = (f'"{number:x}":0' for number in range(size // 8))
    return f"{{{','.join(names)[: size - 20].rpartition(',')[0]}}}".encode()


def bodies(size: int) -> dict[str, bytes]:
    """The dearest bodies of a size that anybody thought of."""
    return {
        "unknown keys": keys(size),
        "bad items": b'{"items":[' + b",".join([b"0"] * (size // 2 - 20)) + b"]}",
        "bad items, as many as are looked at": json.dumps({"items": ["?"] * 100}).encode(),
        "many lists": b'{"items":[' + b",".join([b"[0,0,0,0,0,0,0,0]"] * 99) + b"]}",
        "one long text": json.dumps({"text": "x" * (size - 20)}).encode(),
        "escapes": b'{"text":"' + rb"\u00e9" * ((size - 20) // 6) + b'"}',
        "deep": b'{"items":' + b"[" * ((size - 20) // 2) + b"]" * ((size - 20) // 2) + b"}",
        "a long number": b'{"items":' + b"1" * (size - 20) + b"}",
        "a locale of many parts": json.dumps(
            {"locale": "en-" + "-".join(f"{number:05}" for number in range(size // 6 - 20)), "x": 0}
        ).encode(),
        "an address of many parts": json.dumps(
            {"email": "a@" + "b." * 120 + "example", "name": "x\u3164" * 90, "x": 0}
        ).encode(),
        "just too large": b'{"text":"' + b"x" * size + b'"}',
    }


APPS = openapi.apps()
STRANGERS = {
    (name, route.name): (str(route.path), largest_body(route))
    for name, app in APPS.items()
    for route in documented(app)
    if route.body_field and route.name in {"admit_visitor", "read_form", "answer_form", "decline_form"}
}


@pytest.mark.parametrize("what", bodies(8 * KIB))
@pytest.mark.parametrize(("service", "operation"), STRANGERS)
async def test_a_body_of_a_stranger_costs_little(service: str, operation: str, what: str) -> None:
    path, size = STRANGERS[service, operation]
    app, body = APPS[service], bodies(size)[what]
    app.state.parts._prepared.set()
    scope = {
        "type": "http", "method": "POST", "path": path.format(channel="c"), "query_string": b"", "app": app,
        "headers": [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())],
    }  # fmt: skip
    statuses: list[int] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": body}

    async def send(message: Message) -> None:
        statuses.append(message.get("status", 0))

    costs = []
    for _ in range(ROUNDS):
        began = time.process_time()
        await app({**scope, "state": {}}, receive, send)
        costs.append(time.process_time() - began)
    assert {status for status in statuses if status} <= {422, 413}
    assert min(costs) < MOST_SECONDS


def request(path: str, body: bytes, header: bytes) -> bytes:
    head = b"POST %s HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json\r\n%s\r\n\r\n"
    return head % (path.encode(), header) + body


def sized(path: str, body: bytes) -> bytes:
    return request(path, body, b"Content-Length: %d" % len(body))


SMALL = sized("/form", b"{}")
REQUESTS = {
    **{what: sized("/form", body) for what, body in bodies(32 * KIB).items()},
    "one-byte chunks": request(
        "/form", b"1\r\n \r\n" * 260_000 + b"0\r\n\r\n", b"Transfer-Encoding: chunked"
    ),
    "one parameter again and again": sized("/form?" + "&".join(["limit=1"] * 8000), b"{}"),
    "one parameter, as often as is looked at": sized("/form?" + "&".join(["limit=1"] * 500), b"{}"),
    "many headers": request("/form", b"{}", b"Content-Length: 2\r\n" + b"\r\n".join([b"X-A: b"] * 5000)),
}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with shop(free_base(), tmp_path_factory.mktemp("shop"), subprocess.DEVNULL) as running:
        running.until_ready()
        yield running


@pytest.mark.real
@pytest.mark.parametrize("what", REQUESTS)
def test_a_strangers_request_costs_little_on_the_wire_too(running: Shop, what: str) -> None:
    process = psutil.Process(running.process.pid)
    small, dear = (
        min(cost(process, running.base, each) for _ in range(3)) for each in (SMALL, REQUESTS[what])
    )
    # A small one costs about a millisecond: many more of them are dear on a slow machine too.
    assert dear < max(MOST_SECONDS, 20 * small), f"{dear * 1000:.1f} ms, a small one {small * 1000:.1f} ms"


@pytest.mark.real
@pytest.mark.parametrize(("pieces", "statuses"), [(MOST_PIECES, [200, 200]), (MOST_PIECES + 1, [400])])
def test_a_body_comes_in_so_many_pieces_at_most(running: Shop, pieces: int, statuses: list[int]) -> None:
    headers = {"Content-Type": "application/json", "Transfer-Encoding": "chunked"}
    body = b"1\r\n{\r\n" + b"1\r\n \r\n" * (pieces - 2) + b"1\r\n}\r\n"
    # What nobody reads any more would reset the connection and lose the response: no end after a refusal.
    end = b"0\r\n\r\n" if statuses[0] == HTTPStatus.OK else b""
    with closing(HTTPConnection("127.0.0.1", running.base, timeout=10)) as caller:
        for status in statuses:  # the count is of each request, not of the connection
            caller.request("POST", "/form", body + end, headers)
            response = caller.getresponse()
            response.read()
            assert response.status == status


def cost(process: psutil.Process, port: int, request: bytes) -> float:
    """Seconds of the processor for one such request; the clock is coarse, so it is asked several times."""
    began = sum(process.cpu_times()[:2])
    for _ in range(TIMES):
        send_and_read(port, request)
    return (sum(process.cpu_times()[:2]) - began) / TIMES


def send_and_read(port: int, request: bytes) -> Sequence[bytes]:
    with closing(socket.create_connection(("127.0.0.1", port), timeout=10)) as caller:
        try:
            caller.sendall(request)
        except (BrokenPipeError, ConnectionResetError):
            return []
        try:
            return [caller.recv(4096)]
        except ConnectionResetError:
            return []
