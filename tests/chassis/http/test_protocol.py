"""What the services do with bytes that callers send to their ports, whoever stands before them."""

import signal
import socket
import struct
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from chassis.http.protocol import MOST_BESIDE_THE_BODY
from tests.chassis.test_service import Shop, free_base, shop

pytestmark = pytest.mark.real

CHUNKED = b"POST /form HTTP/1.1\r\nHost: shop\r\nTransfer-Encoding: chunked\r\n%s\r\n2\r\n{}\r\n0\r\n"
JSON = b"Content-Type: application/json\r\n"
READ = 256_000
"""More than this is never read from a socket at once."""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with shop(free_base(), tmp_path_factory.mktemp("shop")) as running:
        running.until_ready()
        yield running


def connected(running: Shop) -> "closing[socket.socket]":
    return closing(socket.create_connection(("127.0.0.1", running.base), timeout=20))


def status_of(running: Shop, *sent: bytes) -> int:
    """The status of the response to these bytes."""
    with connected(running) as caller:
        try:
            for each in sent:
                caller.sendall(each)
        except (BrokenPipeError, ConnectionResetError):
            pass  # refused meanwhile
        return int(caller.recv(4096).split()[1])


@pytest.mark.parametrize(
    "lengths", [b"Content-Length: 5\r\nContent-Length: 6", b"Content-Length: 5\r\nTransfer-Encoding: chunked"]
)
def test_a_body_of_two_lengths_is_no_request(running: Shop, lengths: bytes) -> None:
    request = b"POST /form HTTP/1.1\r\nHost: shop\r\n" + lengths + b"\r\n\r\n0\r\n\r\n"
    assert status_of(running, request) == 400


def test_what_follows_a_body_is_no_header(running: Shop) -> None:
    assert status_of(running, CHUNKED % JSON + b"X-Sum: 5\r\n\r\n") == 200
    assert status_of(running, CHUNKED % b"" + b"\r\n") == 415
    assert status_of(running, CHUNKED % b"", JSON, b"\r\n") == 415


def test_what_is_no_body_has_a_limit_too(running: Shop) -> None:
    head = b"GET /slow HTTP/1.1\r\nHost: shop\r\nX-Long: "
    assert status_of(running, head + b"x" * (MOST_BESIDE_THE_BODY - 100) + b"\r\n\r\n") == 200
    assert status_of(running, head + b"x" * (MOST_BESIDE_THE_BODY + READ)) == 400
    trailers = b"X-A: b\r\n" * ((MOST_BESIDE_THE_BODY + READ) // 8)
    assert status_of(running, CHUNKED % JSON + trailers) == 400


def test_the_limit_is_of_each_request(running: Shop) -> None:
    with httpx.Client(base_url=f"http://127.0.0.1:{running.base}", headers={"X": "x" * 50_000}) as client:
        for _ in range(10):  # over one connection
            assert client.get("/openapi.json").status_code == 200


def test_head_is_get_without_its_content(running: Shop) -> None:
    with httpx.Client(base_url=f"http://127.0.0.1:{running.base}") as client:
        for path, status in (("/openapi.json", 200), ("/slow", 200), ("/nowhere", 404)):
            whole, head = client.get(path), client.head(path)
            assert (head.status_code, head.content) == (status, b"")
            assert head.headers["content-length"] == whole.headers["content-length"] != "0"
        refused = client.head("/form")
    assert (refused.status_code, refused.headers["allow"]) == (405, "POST")


def test_whoever_goes_away_or_wants_another_protocol_is_no_error_of_ours(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with log.open("w") as output, shop(free_base(), tmp_path, output.fileno()) as running:
        running.until_ready()
        with connected(running) as caller:
            caller.setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
            )  # reset at the end
            caller.settimeout(0)
            sent = caller.send(b"GET /openapi.json HTTP/1.1\r\nHost: shop\r\n\r\n" * 5_000)
            assert sent > 100_000
            served = -1
            while served != (now := log.read_text().count("openapi")):  # until it can write no more
                served = now
                running.until_ready()
            assert 10 < served < sent // 45
        upgrade = (
            b"GET /openapi.json HTTP/1.1\r\nHost: shop\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
        )
        assert status_of(running, upgrade) == 200
        running.until_ready()
        running.process.send_signal(signal.SIGTERM)
        assert running.ended()[0] == 0
    assert "error" not in log.read_text()
    assert "warning" not in log.read_text()
    assert "Traceback" not in log.read_text()


def test_a_request_that_outlasts_the_service_gets_an_answer_and_no_stack_trace(tmp_path: Path) -> None:
    with shop(free_base(), tmp_path) as running:
        running.until_ready()
        with connected(running) as caller:
            caller.sendall(b"POST /form HTTP/1.1\r\nHost: shop\r\nContent-Length: 5\r\n" + JSON + b"\r\n{")
            running.until_ready()  # so it was received
            running.process.send_signal(signal.SIGTERM)
            assert caller.recv(4096).startswith(b"HTTP/1.1 503")
        code, out, err = running.ended()
    assert code == 0
    assert "Traceback" not in out + err
