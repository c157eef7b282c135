"""Public keys are found by their id, wherever they are, and an issuer that is away changes nothing."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from chassis.http.key_sources import FileKeys, InlineKeys, RemoteKeys, key_source
from chassis.http.problems import Unavailable
from chassis.http.tokens import public_jwk
from chassis.jwks import parse


def key_set(*kids: str) -> bytes:
    members = [public_jwk(Ed25519PrivateKey.generate().public_key(), kid) for kid in kids]
    return json.dumps({"keys": members}).encode()


class Issuer:
    """Answers with a key set, or not at all, and counts."""

    def __init__(self, *kids: str) -> None:
        self.kids, self.asked, self.away, self.now = kids, 0, False, 0.0

    async def fetch(self, url: str) -> bytes:
        self.asked += 1
        if self.away:
            raise ConnectionRefusedError(url)
        return key_set(*self.kids)

    def keys(self) -> RemoteKeys:
        return RemoteKeys("https://issuer.test/keys", self.fetch, lambda: self.now)


async def test_keys_are_fetched_once() -> None:
    issuer = Issuer("a")
    keys = issuer.keys()
    assert await keys.find("a")
    assert await keys.find("a")
    assert issuer.asked == 1


async def test_an_unknown_id_asks_again_but_not_more_than_once_a_minute() -> None:
    issuer = Issuer("a")
    keys = issuer.keys()
    await keys.find("a")
    issuer.kids = ("a", "b")
    assert await keys.find("b") is None
    issuer.now = 61
    assert await keys.find("b")
    assert issuer.asked == 2
    for _ in range(50):
        assert await keys.find("made up") is None
    assert issuer.asked == 2


async def test_a_withdrawn_key_is_gone_within_an_hour_or_so() -> None:
    issuer = Issuer("a", "b")
    keys = issuer.keys()
    await keys.find("a")
    issuer.kids, issuer.now = ("b",), 3601
    assert await keys.find("a") is None


async def test_an_issuer_that_is_away_changes_nothing_for_known_keys() -> None:
    issuer = Issuer("a")
    keys = issuer.keys()
    await keys.find("a")
    issuer.away, issuer.now = True, 4000
    assert await keys.find("a")


async def test_an_issuer_that_was_never_there_is_a_503_and_not_a_401() -> None:
    issuer = Issuer("a")
    issuer.away = True
    keys = issuer.keys()
    with pytest.raises(Unavailable):
        await keys.find("a")
    issuer.away, issuer.now = False, 61
    assert await keys.find("a")


async def test_a_file_is_read_again_when_it_has_changed_and_not_otherwise(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    path.write_bytes(key_set("a"))
    keys = FileKeys(path)
    before = await keys.find("a")
    assert await keys.find("a") is before
    path.write_bytes(key_set("longer id"))
    assert await keys.find("longer id")
    assert await keys.find("a") is None


async def test_a_file_that_breaks_keeps_the_keys_read_before(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    path.write_bytes(key_set("a"))
    keys = FileKeys(path)
    await keys.find("a")
    path.write_text("{")
    assert await keys.find("a")
    path.unlink()
    assert await keys.find("a")


async def test_a_file_that_is_not_there_is_a_503(tmp_path: Path) -> None:
    with pytest.raises(Unavailable):
        await FileKeys(tmp_path / "none.json").find("a")


def test_only_ed25519_signature_keys_are_taken() -> None:
    good = public_jwk(Ed25519PrivateKey.generate().public_key(), "good")
    others = [
        {"kty": "oct", "k": "c2VjcmV0", "kid": "secret"},
        {"kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": "rsa"},
        {**good, "kid": "sealing", "use": "enc"},
        {**good, "kid": "other algorithm", "alg": "HS256"},
        {**good, "kid": 7},
        "no key",
    ]
    assert set(parse(json.dumps({"keys": [good, *others]}))) == {"good"}


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"keys": {}}', "<html>"])
def test_what_is_no_key_set_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse(text)


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
        assert await key_source(url).find("a")


async def test_nobody_is_trusted_because_the_issuer_pointed_there() -> None:
    with (
        http_server(200, key_set("a")) as elsewhere,
        http_server(302, b"", location=elsewhere) as url,
        pytest.raises(Unavailable),
    ):
        await key_source(url).find("a")


async def test_a_key_set_without_end_is_not_read_to_its_end() -> None:
    with http_server(200, b" " * 300_000) as url, pytest.raises(Unavailable):
        await key_source(url).find("a")


def test_settings_name_the_kind_of_source(tmp_path: Path) -> None:
    assert isinstance(key_source(key_set("a").decode()), InlineKeys)
    assert isinstance(key_source("https://issuer.test/keys"), RemoteKeys)
    assert isinstance(key_source(str(tmp_path)), FileKeys)
