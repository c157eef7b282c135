"""Webhooks on real HTTP servers: signed, sent to checked addresses only, and never further than that."""

import asyncio
import base64
import logging
import os
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from deploy.local.stack import ROOT
from rating.adapters.results import Delivered, TryAgain
from rating.adapters.webhooks import (
    Endpoint,
    Gone,
    IpAddress,
    WebhookMessage,
    WebhookReason,
    WebhookSender,
    is_public,
    resolve,
    retry_after,
)
from tests.rating.adapters.conftest import identity
from tests.rating.adapters.http_receiver import HOST, Receiver, http_receiver
from tests.waiting import until

EXAMPLE = ROOT / "docs" / "examples" / "receive_webhooks.py"
LOOPBACK = (IPv4Network("127.0.0.0/8"), IPv6Network("::1/128"))
SECRET, NEXT_SECRET, ANOTHER = (
    f"whsec_{base64.b64encode(letter * 24).decode()}" for letter in (b"a", b"b", b"c")
)
BODY = '{"type": "rating.given", "comment": "canary — ж"}'


class Names:
    """A resolver that knows some names, and counts how often it is asked."""

    def __init__(self, **known: Sequence[str]) -> None:
        self.known = {name.replace("_", "."): addresses for name, addresses in known.items()}
        self.asked: list[str] = []

    async def __call__(self, host: str) -> Sequence[IpAddress]:
        self.asked.append(host)
        if host not in self.known:
            raise socket.gaierror
        return [ip_address(each) for each in self.known[host]]


def message(**changed: Any) -> WebhookMessage:
    return WebhookMessage(**{"id": "d-1_1_given", "sent_at": datetime.now(UTC), "body": BODY, **changed})


def at(receiver: Receiver, path: str = "/hooks?token=canary", host: str = HOST) -> Endpoint:
    return Endpoint(f"http://{host}:{receiver.port}{path}", (SECRET,))


@pytest.fixture
def sender() -> WebhookSender:
    """One that may reach this machine."""
    return WebhookSender(LOOPBACK)


def trusting(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


async def test_a_message_arrives_and_is_verified(sender: WebhookSender) -> None:
    async with http_receiver() as receiver:
        assert await sender.send(at(receiver), message()) == Delivered()
    (received,) = receiver.received
    assert received.line == "POST /hooks?token=canary HTTP/1.1"
    assert received.body.decode() == BODY
    assert received.headers["webhook-id"] == "d-1_1_given"
    assert received.headers["content-type"] == "application/json"
    assert received.headers["host"] == f"{HOST}:{receiver.port}"
    assert Webhook(SECRET).verify(received.body, received.headers) == {
        "type": "rating.given", "comment": "canary — ж",
    }  # fmt: skip
    with pytest.raises(WebhookVerificationError):
        Webhook(ANOTHER).verify(received.body, received.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(received.body + b" ", received.headers)


async def test_the_example_takes_what_we_sign_once_and_nothing_else(sender: WebhookSender) -> None:
    with socket.socket() as free:
        free.bind((HOST, 0))
        port = free.getsockname()[1]
    told = {**os.environ, "CANDOR_WEBHOOK_SECRET": SECRET}
    url = f"http://{HOST}:{port}/"
    process = await asyncio.create_subprocess_exec(
        sys.executable, EXAMPLE, str(port), env=told, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    try:
        ours = Endpoint(url, (NEXT_SECRET, SECRET))
        await until(lambda: sender.send(ours, message()), lambda result: result == Delivered())
        assert await sender.send(ours, message()) == Delivered()
        refused = TryAgain(WebhookReason.STATUS, 401)
        assert await sender.send(Endpoint(url, (ANOTHER,)), message(id="2")) == refused
        old = datetime.now(UTC) - timedelta(minutes=6)
        assert await sender.send(ours, message(id="3", sent_at=old)) == refused
    finally:
        process.terminate()
        printed, _ = await process.communicate()
    assert printed.decode().splitlines() == [BODY]


async def test_while_a_secret_is_rotated_both_verify(sender: WebhookSender) -> None:
    async with http_receiver() as receiver:
        await sender.send(Endpoint(at(receiver).url, (NEXT_SECRET, SECRET)), message())
    (received,) = receiver.received
    for secret in (NEXT_SECRET, SECRET):
        Webhook(secret).verify(received.body, received.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(ANOTHER).verify(received.body, received.headers)


async def test_sent_again_it_has_the_same_id_and_the_time_of_its_attempt(sender: WebhookSender) -> None:
    first = datetime(2026, 11, 27, 9, 30, 0, 999_000, UTC)
    async with http_receiver() as receiver:
        for hours in (0, 5):
            await sender.send(at(receiver), message(sent_at=first + timedelta(hours=hours)))
    ids = {each.headers["webhook-id"] for each in receiver.received}
    times = [int(each.headers["webhook-timestamp"]) for each in receiver.received]
    assert ids == {"d-1_1_given"}
    assert times == [int(first.timestamp()), int(first.timestamp()) + 5 * 3600]
    assert receiver.connections == 2


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
async def test_any_2xx_is_delivered(sender: WebhookSender, status: int) -> None:
    async with http_receiver() as receiver:
        receiver.response = f"HTTP/1.1 {status} X\r\nContent-Length: 0\r\n\r\n".encode()
        assert await sender.send(at(receiver), message()) == Delivered()


@pytest.mark.parametrize("status", [400, 401, 404, 409, 418, 422, 429, 500, 502, 503, 504, 599])
async def test_anything_else_is_tried_again(sender: WebhookSender, status: int) -> None:
    async with http_receiver() as receiver:
        receiver.response = f"HTTP/1.1 {status} X\r\nContent-Length: 0\r\n\r\n".encode()
        assert await sender.send(at(receiver), message()) == TryAgain(WebhookReason.STATUS, status)


async def test_410_is_the_end_of_the_endpoint(sender: WebhookSender) -> None:
    async with http_receiver() as receiver:
        receiver.response = b"HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n"
        assert await sender.send(at(receiver), message()) == Gone()


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 307, 308])
async def test_redirects_lead_nowhere(sender: WebhookSender, status: int) -> None:
    async with http_receiver() as inner, http_receiver() as receiver:
        head = f"HTTP/1.1 {status} X\r\nContent-Length: 0\r\nLocation: http://{HOST}:{inner.port}/\r\n\r\n"
        receiver.response = head.encode()
        assert await sender.send(at(receiver), message()) == TryAgain(WebhookReason.REDIRECT, status)
    assert inner.connections == 0


NOW = datetime(2026, 11, 27, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("120", timedelta(minutes=2)),
        ("0", timedelta(0)),
        ("Fri, 27 Nov 2026 09:40:00 GMT", timedelta(minutes=10)),
        ("Fri, 27 Nov 2026 09:00:00 GMT", timedelta(0)),
        ("999999999", timedelta(hours=24)),
        ("Fri, 27 Nov 2099 09:40:00 GMT", timedelta(hours=24)),
        ("9" * 30, None),
        ("-5", None),
        ("soon", None),
        ("", None),
        ("1.5", None),
        ("Fri, 99 Nov 2026 09:40:00 GMT", None),
        ("\u0663".encode().decode("latin-1"), None),
    ],
)
async def test_who_asks_for_time_gets_it_up_to_a_day(
    sender: WebhookSender, status: int, text: str, after: timedelta | None
) -> None:
    async with http_receiver() as receiver:
        head = f"HTTP/1.1 {status} X\r\nContent-Length: 0\r\nRetry-After: {text}\r\n\r\n"
        receiver.response = head.encode("latin-1")
        result = await sender.send(at(receiver), message(sent_at=NOW))
    assert result == TryAgain(WebhookReason.STATUS, status, after)


async def test_an_endless_response_is_read_up_to_a_bound(sender: WebhookSender) -> None:
    async with http_receiver() as receiver:
        receiver.answer = receiver.endless
        async with asyncio.timeout(5):
            assert await sender.send(at(receiver), message()) == Delivered()
    # What was read, and what the sockets' buffers hold.
    assert receiver.written < 16 * 1024 * 1024


async def test_a_response_that_is_never_whole_was_one(caplog: pytest.LogCaptureFixture) -> None:
    async with http_receiver() as receiver:
        receiver.answer = receiver.unfinished
        assert await WebhookSender(LOOPBACK, within=0.3).send(at(receiver), message()) == Delivered()
    assert not caplog.records


async def test_a_server_that_says_nothing_is_left() -> None:
    async with http_receiver() as receiver:
        receiver.answer = receiver.silent
        result = await WebhookSender(LOOPBACK, within=0.3).send(at(receiver), message())
    assert result == TryAgain(WebhookReason.TIMEOUT)


async def test_a_resolver_that_says_nothing_is_left() -> None:
    async def silent(_host: str) -> Sequence[IpAddress]:
        await asyncio.Event().wait()
        raise AssertionError

    slow = WebhookSender(LOOPBACK, resolve=silent, within=0.1)
    assert await slow.send(Endpoint("https://hooks.test/", (SECRET,)), message()) == TryAgain(
        WebhookReason.TIMEOUT
    )


@pytest.mark.parametrize("response", [b"", b"HTTP/1.1 2", b"SMTP ready\r\n\r\n"])
async def test_what_is_no_response_is_tried_again(sender: WebhookSender, response: bytes) -> None:
    async with http_receiver() as receiver:
        receiver.response = response
        result = await sender.send(at(receiver), message())
    assert result == TryAgain(WebhookReason.CONNECTION_LOST)


async def test_nobody_listens(sender: WebhookSender) -> None:
    with socket.socket() as taken:
        taken.bind((HOST, 0))  # and doesn't listen
        endpoint = Endpoint(f"http://{HOST}:{taken.getsockname()[1]}/", (SECRET,))
        assert await sender.send(endpoint, message()) == TryAgain(WebhookReason.UNREACHABLE)


async def test_another_address_of_the_name_is_tried() -> None:
    async with http_receiver() as receiver:
        names = Names(hooks_test=["127.0.0.2", "::1", HOST])  # nobody listens at the first two
        sender = WebhookSender(LOOPBACK, resolve=names)
        assert await sender.send(at(receiver, host="hooks.test"), message()) == Delivered()
    assert receiver.received[0].headers["host"] == f"hooks.test:{receiver.port}"


@contextmanager
def full(port: int) -> Iterator[str]:
    """An address at which a server lets nobody in: its queue is full, and who knocks hears nothing."""
    with socket.socket() as server, socket.socket() as first:
        server.bind(("127.0.0.2", port))
        server.listen(0)
        first.connect(("127.0.0.2", port))
        yield "127.0.0.2"


async def test_an_address_that_hangs_leaves_time_for_another() -> None:
    async with http_receiver() as receiver:
        with full(receiver.port) as hanging:
            names = Names(hooks_test=[hanging, HOST])
            sender = WebhookSender(LOOPBACK, resolve=names, within=1)
            assert await sender.send(at(receiver, host="hooks.test"), message()) == Delivered()


async def test_over_tls_by_name(authority: trustme.CA) -> None:
    async with http_receiver(identity(authority, "hooks.test")) as receiver:
        sender = WebhookSender(LOOPBACK, tls=trusting(authority), resolve=Names(hooks_test=[HOST]))
        endpoint = Endpoint(f"https://hooks.test:{receiver.port}/", (SECRET,))
        assert await sender.send(endpoint, message()) == Delivered()


@pytest.mark.parametrize("host", ["hooks.test.", "HOOKS.test", "hööks.test"])
async def test_over_tls_by_the_same_name_written_otherwise(authority: trustme.CA, host: str) -> None:
    async with http_receiver(identity(authority, "hooks.test", "xn--hks-snaa.test")) as receiver:
        names = Names()
        names.known = {name: [HOST] for name in ("hooks.test.", "hooks.test", "xn--hks-snaa.test")}
        sender = WebhookSender(LOOPBACK, tls=trusting(authority), resolve=names)
        endpoint = Endpoint(f"https://{host}:{receiver.port}/", (SECRET,))
        assert await sender.send(endpoint, message()) == Delivered()


@pytest.mark.parametrize("names", [("other.test",), (HOST,)])
async def test_the_certificate_must_be_the_names_and_not_the_addresss(
    authority: trustme.CA, names: tuple[str, ...]
) -> None:
    async with http_receiver(identity(authority, *names)) as receiver:
        sender = WebhookSender(LOOPBACK, tls=trusting(authority), resolve=Names(hooks_test=[HOST]))
        endpoint = Endpoint(f"https://hooks.test:{receiver.port}/", (SECRET,))
        assert await sender.send(endpoint, message()) == TryAgain(WebhookReason.TLS)
    assert not receiver.received


async def test_an_authority_that_nobody_knows_is_refused(authority: trustme.CA) -> None:
    async with http_receiver(identity(authority, HOST)) as receiver:
        endpoint = Endpoint(f"https://{HOST}:{receiver.port}/", (SECRET,))
        assert await WebhookSender(LOOPBACK).send(endpoint, message()) == TryAgain(WebhookReason.TLS)
    assert not receiver.received


async def test_a_name_is_resolved_once_and_nobody_asks_again() -> None:
    """DNS rebinding: a name that is public when it is checked, and private when it is connected to."""
    async with http_receiver() as receiver:
        names = Names(rebound_invalid=[HOST])  # the system knows no .invalid
        sender = WebhookSender(LOOPBACK, resolve=names)
        assert await sender.send(at(receiver, host="rebound.invalid"), message()) == Delivered()
    assert names.asked == ["rebound.invalid"]


@pytest.mark.parametrize("host", [HOST, "localhost", "[::ffff:127.0.0.1]", "2130706433", "0x7f.1", "127.1"])
async def test_this_machine_is_not_reached_unless_allowed(host: str) -> None:
    async with http_receiver() as receiver:
        for scheme in ("http", "https"):
            endpoint = Endpoint(f"{scheme}://{host}:{receiver.port}/", (SECRET,))
            result = await WebhookSender().send(endpoint, message())
            assert result == TryAgain(WebhookReason.PRIVATE_ADDRESS)
    assert receiver.connections == 0


async def test_one_private_address_among_public_ones_is_enough() -> None:
    async with http_receiver() as receiver:
        sender = WebhookSender(resolve=Names(hooks_test=["93.184.215.14", HOST]))
        result = await sender.send(at(receiver, host="hooks.test"), message())
    assert result == TryAgain(WebhookReason.PRIVATE_ADDRESS)
    assert receiver.connections == 0


async def test_only_the_networks_that_are_named_are_allowed() -> None:
    async with http_receiver() as receiver:
        sender = WebhookSender([ip_network("127.0.0.2/32"), ip_network("10.0.0.0/8")])
        assert await sender.send(at(receiver), message()) == TryAgain(WebhookReason.PRIVATE_ADDRESS)
    assert receiver.connections == 0


async def test_an_allowed_network_is_reached_by_ipv6_too(sender: WebhookSender) -> None:
    async with http_receiver(host="::1") as receiver:
        assert await sender.send(at(receiver, host="[::1]"), message()) == Delivered()
    async with http_receiver() as receiver:
        assert await sender.send(at(receiver, host="[::ffff:127.0.0.1]"), message()) == Delivered()


async def test_plain_http_stays_inside() -> None:
    sender = WebhookSender(LOOPBACK, resolve=Names(hooks_test=["93.184.215.14"], both_test=[HOST, "8.8.8.8"]))
    for host in ("hooks.test", "both.test"):
        result = await sender.send(Endpoint(f"http://{host}/", (SECRET,)), message())
        assert result == TryAgain(WebhookReason.NOT_HTTPS)


@pytest.mark.parametrize(
    "url",
    ["", "hooks.test", "//hooks.test/", "ftp://hooks.test/", "file:///etc/passwd", "https://", "https:///path",
     "https://user:canary@hooks.test/", "https://hooks.test:99999/", "https://[::1",
    "https://\N{FULLWIDTH DIGIT ONE}27.0.0.1/", "https://hooks.test/\r\nX: y", "https://xn--\u00ff/", "https://xn--/",
     "javascript:alert(1)"],
)  # fmt: skip
async def test_what_is_no_address_of_a_webhook(url: str) -> None:
    names = Names()
    result = await WebhookSender(resolve=names).send(Endpoint(url, (SECRET,)), message())
    assert result == TryAgain(WebhookReason.URL)
    assert not names.asked


@pytest.mark.parametrize("names", [Names(), Names(hooks_test=[])])
async def test_no_such_name(names: Names) -> None:
    result = await WebhookSender(resolve=names).send(Endpoint("https://hooks.test/", (SECRET,)), message())
    assert result == TryAgain(WebhookReason.DNS)


async def test_proxies_of_the_environment_are_not_used(
    sender: WebhookSender, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with http_receiver() as proxy, http_receiver() as receiver:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"):
            monkeypatch.setenv(name, f"http://{HOST}:{proxy.port}")
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        assert await sender.send(at(receiver), message()) == Delivered()
    assert proxy.connections == 0


async def test_logs_hold_neither_path_nor_payload_nor_secret(
    sender: WebhookSender, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with http_receiver() as receiver:
        endpoint = at(receiver)
        said = f"{await sender.send(endpoint, message())} {endpoint} {message()} {sender}"
    said += " ".join(each.getMessage() for each in caplog.records)
    assert "canary" not in said
    assert "/hooks" not in said
    assert SECRET not in said


# https://www.iana.org/assignments/iana-ipv4-special-registry and -ipv6-special-registry, what isn't global;
# multicast; and what leads to such addresses.
SPECIAL = [
    *(ip_network(each) for each in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
        "192.0.2.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4",
        "240.0.0.0/4", "::/128", "::1/128", "::7f00:1/128", "64:ff9b::a00:0/104", "64:ff9b::7f00:0/104",
        "64:ff9b:1::/48", "::ffff:10.0.0.0/104", "::ffff:169.254.169.254/128", "::ffff:0:127.0.0.1/128",
        "100::/64", "2001::/32", "2001:db8::/32", "2002:a00::/24", "2002:7f00::/24", "2002:c0a8::/32",
        "3fff::/20", "5f00::/16", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8",
    )),
]  # fmt: skip


@given(st.sampled_from(SPECIAL).flatmap(lambda network: st.ip_addresses(network=network)))
def test_no_special_address_is_public(address: IpAddress) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address",
    ["1.1.1.1", "93.184.215.14", "172.15.0.1", "172.32.0.1", "100.63.255.255", "100.128.0.1",
     "2606:4700::1111", "2a00:1450::1", "64:ff9b::101:101", "::ffff:1.1.1.1", "2002:101:101::1"],
)  # fmt: skip
def test_the_internets_addresses_are(address: str) -> None:
    assert is_public(ip_address(address))


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_inside_of_an_ipv6_address_decides(address: IPv4Address) -> None:
    number = int(address)
    for around in (0xFFFF << 32 | number, 0x64FF9B << 96 | number, 0x2002 << 112 | number << 80 | 1):
        assert is_public(IPv6Address(around)) == is_public(address)


FULLWIDTH = {ord("0") + digit: ord("\N{FULLWIDTH DIGIT ZERO}") + digit for digit in range(10)}


def spelled(address: IPv4Address) -> list[str]:
    """Ways to write an IPv4 address that some parser or other takes for it."""
    number, (a, b, c, d) = int(address), address.packed
    return [
        str(address), f"{address}.", str(number), f"{number}.", hex(number), f"0{number:o}",
        f"0x{number:08X}", f"{a}.{number & 0xFFFFFF}", f"{a}.{b}.{number & 0xFFFF}",
        f"0x{a:x}.{b}.0{c:o}.0x{d:X}", f"{a:04o}.{b:04o}.{c:04o}.{d:04o}", f"{a:03}.{b:03}.{c:03}.{d:03}",
        f"{a + 256}.{b}.{c}.{d}", str(number + 2**32), f"[::ffff:{address}]",
        f"[::FFFF:{number >> 16:x}:{number & 0xFFFF:x}]", f"[0:0:0:0:0:ffff:{address}]",
        f"[64:ff9b::{address}]", f"[2002:{number >> 16:x}:{number & 0xFFFF:x}::]", f"[::{address}]",
        f"[::ffff:0:{address}]", f"[::ffff:{address}%25lo]", f"[::ffff:{address}%lo]",
        f"{a}\N{IDEOGRAPHIC FULL STOP}{b}\N{FULLWIDTH FULL STOP}{c}\N{HALFWIDTH IDEOGRAPHIC FULL STOP}{d}",
        f"%{ord(str(a)[0]):x}{str(a)[1:]}.{b}.{c}.{d}", str(address).translate(FULLWIDTH),
    ]  # fmt: skip


async def numeric(host: str) -> Sequence[IpAddress]:
    """As `resolve`, but for names, which it doesn't know: the tests ask no DNS."""
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    return [ip_address(address[0]) for *_, address in found]


@given(
    st.sampled_from([each for each in SPECIAL if isinstance(each, IPv4Network)])
    .flatmap(lambda network: st.ip_addresses(network=network))
    .flatmap(lambda address: st.sampled_from(spelled(IPv4Address(int(address))))),
    st.sampled_from(["http", "https", "HTTPS"]),
)
async def test_no_spelling_of_a_private_address_is_connected_to(host: str, scheme: str) -> None:
    sender = WebhookSender(tls=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), resolve=numeric)
    result = await sender.send(Endpoint(f"{scheme}://{host}/", (SECRET,)), message())
    assert isinstance(result, TryAgain)
    assert result.reason in {WebhookReason.PRIVATE_ADDRESS, WebhookReason.DNS, WebhookReason.URL}


@given(st.text(), st.sampled_from(["https://", "http://", "https://[", "https://a:", ""]))
async def test_any_text_has_a_result(text: str, scheme: str) -> None:
    sender = WebhookSender(tls=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), resolve=Names())
    result = await sender.send(Endpoint(scheme + text, (SECRET,)), message())
    assert result in (TryAgain(WebhookReason.DNS), TryAgain(WebhookReason.URL))


async def test_the_system_reads_numbers_as_addresses() -> None:
    for host in ("2130706433", "0x7f.1", "0177.0.0.1"):
        assert await resolve(host) == [IPv4Address("127.0.0.1")]


def test_the_table_of_retries() -> None:
    waits = [retry_after(attempt, lambda: 0.5) for attempt in range(1, 11)]
    hours = [timedelta(hours=each) for each in (2, 5, 10, 14, 20, 24)]
    assert waits == [timedelta(seconds=5), timedelta(minutes=5), timedelta(minutes=30), *hours, None]
    assert retry_after(99, lambda: 0.5) is None


@given(st.integers(1, 9), st.floats(0, 1, exclude_max=True))
def test_jitter_is_a_tenth(attempt: int, chance: float) -> None:
    usual, wait = retry_after(attempt, lambda: 0.5), retry_after(attempt, lambda: chance)
    assert usual is not None
    assert wait is not None
    assert usual * 0.899 <= wait <= usual * 1.101
