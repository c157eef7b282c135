"""Public keys are found by their id, wherever they are, and an issuer that is away changes nothing."""

import asyncio
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt import PyJWK

from chassis.http import key_sources
from chassis.http.key_sources import FileKeys, InlineKeys, RemoteKeys, from_discovery, key_source
from chassis.http.problems import Unavailable
from chassis.http.tokens import public_jwk
from chassis.jwks import Keys, parse

ED = "EdDSA"


def key_set(*kids: str) -> bytes:
    members = [public_jwk(Ed25519PrivateKey.generate().public_key(), kid) for kid in kids]
    return json.dumps({"keys": members}).encode()


class Issuer:
    """Answers with a key set, or not at all, and counts."""

    def __init__(self, *kids: str) -> None:
        self.kids, self.asked, self.away, self.now = kids, 0, False, 0.0
        self.keys = RemoteKeys(self.fetch, lambda: self.now)

    async def fetch(self) -> Keys:
        self.asked += 1
        if self.away:
            raise ConnectionRefusedError
        return parse(key_set(*self.kids))

    async def find(self, kid: str) -> PyJWK | None:
        return await self.keys.find(kid, ED)

    async def refreshed(self) -> None:
        assert self.keys._asking
        await self.keys._asking


async def test_keys_are_fetched_once() -> None:
    issuer = Issuer("a")
    assert await issuer.find("a")
    assert await issuer.find("a")
    assert issuer.asked == 1


async def test_a_new_key_is_good_at_once() -> None:
    issuer = Issuer("a")
    await issuer.find("a")
    issuer.kids, issuer.now = ("a", "b"), 60
    assert await issuer.find("b")
    assert await issuer.find("a")
    assert issuer.asked == 2


async def test_a_thousand_unknown_ids_ask_once_a_minute() -> None:
    issuer = Issuer("a")
    await issuer.find("a")
    issuer.now = 59
    found = await asyncio.gather(*(issuer.find(f"made-up-{number}") for number in range(1000)))
    assert (set(found), issuer.asked) == ({None}, 1)
    issuer.now = 61
    found = await asyncio.gather(*(issuer.find(f"made-up-{number}") for number in range(1000)))
    assert (set(found), issuer.asked) == ({None}, 2)


async def test_a_thousand_at_once_wait_for_one_answer() -> None:
    issuer = Issuer("a")
    found = await asyncio.gather(*(issuer.find("a") for _ in range(1000)))
    assert all(found)
    assert issuer.asked == 1


async def test_who_gives_up_waiting_leaves_the_answer_to_the_others() -> None:
    issuer = Issuer("a")
    impatient, patient = (asyncio.create_task(issuer.find("a")) for _ in range(2))
    await asyncio.sleep(0)
    impatient.cancel()
    assert await patient


async def test_a_withdrawn_key_is_refused_after_the_next_refresh() -> None:
    issuer = Issuer("a", "b")
    await issuer.find("a")
    issuer.kids, issuer.now = ("b",), 599
    assert await issuer.find("a")
    assert issuer.asked == 1
    issuer.now = 600
    assert await issuer.find("a"), "a known key doesn't wait"
    await issuer.refreshed()
    assert await issuer.find("a") is None
    assert await issuer.find("b")


async def test_an_issuer_that_is_away_changes_nothing_for_known_keys() -> None:
    issuer = Issuer("a")
    await issuer.find("a")
    issuer.away = True
    for issuer.now in (700, 800, 100_000):
        assert await issuer.find("a")
        await issuer.refreshed()
    assert issuer.asked == 4


async def test_while_an_issuer_is_away_nobody_can_say_whether_an_unknown_key_is_theirs() -> None:
    issuer = Issuer("a")
    await issuer.find("a")
    issuer.away, issuer.now = True, 61
    for _ in range(3):
        with pytest.raises(Unavailable):
            await issuer.find("b")
    assert issuer.asked == 2
    issuer.away, issuer.kids, issuer.now = False, ("a", "b"), 122
    assert await issuer.find("b")


async def test_an_issuer_that_was_never_there_is_a_503_and_not_a_401() -> None:
    issuer = Issuer("a")
    issuer.away = True
    with pytest.raises(Unavailable):
        await issuer.find("a")
    issuer.away, issuer.now = False, 61
    assert await issuer.find("a")


async def test_a_file_is_read_again_when_it_has_changed_and_not_otherwise(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    path.write_bytes(key_set("a"))
    keys = FileKeys(path)
    before = await keys.find("a", ED)
    assert await keys.find("a", ED) is before
    path.write_bytes(key_set("longer id"))
    assert await keys.find("longer id", ED)
    assert await keys.find("a", ED) is None


async def test_a_file_that_breaks_keeps_the_keys_read_before(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    path.write_bytes(key_set("a"))
    keys = FileKeys(path)
    await keys.find("a", ED)
    path.write_text("{")
    assert await keys.find("a", ED)
    path.unlink()
    assert await keys.find("a", ED)


async def test_a_file_that_is_not_there_is_a_503(tmp_path: Path) -> None:
    with pytest.raises(Unavailable):
        await FileKeys(tmp_path / "none.json").find("a", ED)


@contextmanager
def http_server(status: int, body: bytes, **headers: str) -> Iterator[str]:
    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            return

    server = HTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/keys"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


async def test_keys_come_over_http() -> None:
    with http_server(200, key_set("a")) as url:
        assert await key_source(url).find("a", ED)


async def test_nobody_is_trusted_because_the_issuer_pointed_there() -> None:
    with (
        http_server(200, key_set("a")) as elsewhere,
        http_server(302, b"", location=elsewhere) as url,
        pytest.raises(Unavailable),
    ):
        await key_source(url).find("a", ED)


async def test_a_key_set_without_end_is_not_read_to_its_end() -> None:
    padded = key_set("a") + b" " * 300_000
    with http_server(200, padded) as url, pytest.raises(Unavailable):
        await key_source(url).find("a", ED)


@pytest.mark.parametrize("body", [b"{", b"[" * 5000, b'{"keys": []}', b"<html>", b"\xff"])
async def test_an_issuer_that_answers_with_something_else_is_away(body: bytes) -> None:
    with http_server(200, body) as url, pytest.raises(Unavailable):
        await key_source(url).find("a", ED)


async def test_what_is_no_http_is_an_issuer_that_is_away() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(b"hello\r\n\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(Unavailable):
            await key_source(f"http://127.0.0.1:{server.getsockname()[1]}/keys").find("a", ED)
        thread.join()


@pytest.mark.parametrize("head", [b"HTTP/1.0 200 OK\r\n\r\n", b"HTTP/1.0 200 OK\r\nX: "])
async def test_an_issuer_that_drips_is_not_waited_for(head: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_sources, "ANSWER_WITHIN", 0.3)
    monkeypatch.setattr(key_sources, "ALL_ANSWERS_WITHIN", 0.5)
    ended = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            with connection, suppress(ConnectionError):
                connection.recv(4096)
                connection.sendall(head)
                while not ended.wait(0.1):
                    connection.sendall(b" ")

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(Unavailable):
            await key_source(f"http://127.0.0.1:{server.getsockname()[1]}/keys").find("a", ED)
        ended.set()
        thread.join()


@contextmanager
def discovery(issuer: str, jwks_uri: str) -> Iterator[str]:
    document = {"issuer": issuer, "jwks_uri": jwks_uri}
    with http_server(200, json.dumps(document).encode()) as address:
        yield address


async def test_the_discovery_document_leads_to_the_keys() -> None:
    with http_server(200, key_set("a")) as keys, discovery("https://issuer.test/", keys) as address:
        found = await from_discovery(address, "https://issuer.test/", development=True)
    assert set(found) == {("a", ED)}


@pytest.mark.parametrize("issuer", ["https://issuer.test", "https://issuer.test//", "https://evil.test/", ""])
async def test_a_discovery_document_of_another_issuer_leads_nowhere(issuer: str) -> None:
    with (
        http_server(200, key_set("a")) as keys,
        discovery(issuer, keys) as address,
        pytest.raises(ValueError, match="another issuer's"),
    ):
        await from_discovery(address, "https://issuer.test/", development=True)


async def test_outside_of_development_keys_are_not_asked_for_in_plain_text() -> None:
    with (
        http_server(200, key_set("a")) as keys,
        discovery("https://issuer.test", keys) as address,
        pytest.raises(ValueError, match="must be https"),
    ):
        await from_discovery(address, "https://issuer.test")


@pytest.mark.parametrize(
    "uri", ["http://issuer.test/keys", "file:///etc/passwd", "None", "ftp://127.0.0.1/keys"]
)
async def test_a_discovery_document_leads_to_no_other_kind_of_place(uri: str) -> None:
    with discovery("https://issuer.test", uri) as address, pytest.raises(ValueError, match="must be https"):
        await from_discovery(address, "https://issuer.test", development=True)


@pytest.mark.parametrize("document", [b"[]", b'"x"', b"{}"])
async def test_what_is_no_discovery_document_leads_nowhere(document: bytes) -> None:
    with http_server(200, document) as address, pytest.raises(ValueError, match="another issuer's"):
        await from_discovery(address, "https://issuer.test", development=True)


def test_settings_name_the_kind_of_source(tmp_path: Path) -> None:
    assert isinstance(key_source(key_set("a").decode()), InlineKeys)
    assert isinstance(key_source("https://issuer.test/keys"), RemoteKeys)
    assert isinstance(key_source(str(tmp_path)), FileKeys)
