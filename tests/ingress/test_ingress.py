"""The ingress in front of three services: what reaches which of them, and what reaches none."""

import asyncio
import json
import re
import ssl
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from chassis.http.live import HEARTBEAT_SECONDS
from deploy.local.ports import HERE
from tests.ingress.running import NAME, Ingress, defaults, ingress
from tests.ingress.stubs import Received, Stub

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="loopback has more than one address on Linux only"
)

VISITORS = "/v1/channels/course-a/visitors"
MESSAGE = "/v1/dialogs/d-1/messages/m-1"
OTHERS = "127.0.0.2"
EVENTS = {"Accept": "text/event-stream"}
KIB = 1024
SERVICES = Path(__file__).parents[2] / "services"
ROUTE = re.compile(r'"(/(?:v1|\.well-known)/[a-z.-]+)')
START = b"GET /v1/channels HTTP/1.1\r\nHost: localhost\r\n"


@pytest.fixture
async def up(tmp_path: Path) -> AsyncIterator[Ingress]:
    async with ingress(tmp_path) as up:
        yield up


def the_only_request(stub: Stub) -> Received:
    (request,) = stub.received
    return request


def problem(response: httpx.Response) -> dict[str, Any]:
    assert response.headers["content-type"] == "application/problem+json"
    told: dict[str, Any] = response.json()
    assert told["status"] == response.status_code
    assert told["instance"] == response.headers["x-request-id"]
    return told


ROUTES = {
    "/v1/channels": "chat",
    VISITORS: "chat",
    "/v1/dialogs?states=closed&limit=5": "chat",
    MESSAGE: "chat",
    "/v1/clients/c-1": "chat",
    "/v1/changes": "chat",
    "/v1/visitors/me/changes": "chat",
    "/.well-known/jwks.json": "chat",
    "/v1/forms/answer": "rating",
    "/v1/forms/mine": "rating",
    "/v1/mail/unsubscribe?token=a.b.c": "rating",
    "/v1/quality-control/course-a": "rating",
    "/v1/quality-control/course-a/form-webhook/secret": "rating",
    "/v1/quality-control/course-a/test": "rating",
    "/v1/closes/d-1.1/story": "rating",
    "/v1/quality-control-default": "rating",
    "/v1/webhooks/crm/deliveries": "rating",
    "/v1/live-chat/summary?channel=course%20a": "analytics",
    "/v1/forms/mine/changes": "rating",
    "/v1/live-chat/changes": "analytics",
    "/console": "chat",
    "/channels": "chat",
    "/transcript?dialog=d-1": "chat",
    "/widget.js": "chat",
    "/pages/chat/assets/console-1.js": "chat",
    "/form?channel=a": "rating",
    "/unsubscribe": "rating",
    "/quality-control": "rating",
    "/webhooks?id=crm": "rating",
    "/pages/rating/me": "rating",
    "/live-chat?tab=hours": "analytics",
    "/pages/analytics/assets/x.css": "analytics",
}


async def test_one_origin_leads_to_three_services(up: Ingress) -> None:
    async with up.client() as client:
        responses = {path: (await client.get(path)).json() for path in ROUTES}
    assert responses == {path: {"service": service} for path, service in ROUTES.items()}
    for stub in (up.chat, up.rating, up.analytics):
        expected = [path for path, service in ROUTES.items() if service == stub.name]
        assert [request.target for request in stub.received] == expected


async def test_every_route_of_a_service_is_led_to_it(up: Ingress) -> None:
    async with up.client() as client:
        for stub in (up.chat, up.rating, up.analytics):
            sources = (SERVICES / stub.name / "src").rglob("*.py")
            paths = {path for source in sources for path in ROUTE.findall(source.read_text())}
            assert paths
            for path in paths:
                assert (path, (await client.get(path)).json()) == (path, {"service": stub.name})


HIDDEN = [
    "/",
    "/health/live",
    "/health/ready",
    "/metrics",
    "/openapi.json",
    "/docs",
    "/problem",
    "/v1",
    "/v1/channelsandmore",
    "/console/",
    "/consoles",
    "/pages",
    "/pages/start/assets/x.js",
    "/v1/dialogs/../../health/ready",
    "/v1/dialogs/%2e%2e/%2e%2e/metrics",
    "//health/ready",
]


async def test_nothing_else_is_reached(up: Ingress) -> None:
    async with up.client() as client:
        for path in HIDDEN:
            response = await client.get(httpx.URL(str(client.base_url), raw_path=path.encode()))
            assert (path, problem(response)["type"]) == (path, "/problems/not-found")
    assert up.chat.received + up.rating.received + up.analytics.received == []


async def test_a_token_as_large_as_services_take_reaches_them(up: Ingress) -> None:
    sent = f"Bearer {'x' * 32 * KIB}"
    async with up.client() as client:
        response = await client.get("/v1/channels", headers={"Authorization": sent})
    assert response.status_code == 200
    assert the_only_request(up.chat).headers["authorization"] == [sent]


async def test_http_is_sent_on_to_https(up: Ingress) -> None:
    async with httpx.AsyncClient() as client:
        response = await client.post(f"http://{NAME}:{up.http}/v1/forms/read?a=b", json={})
    assert (response.status_code, response.headers["location"]) == (308, f"https://{NAME}/v1/forms/read?a=b")


async def test_other_names_are_served_neither_here_nor_there(up: Ingress) -> None:
    async with httpx.AsyncClient() as client:
        with pytest.raises(httpx.TransportError):
            await client.get(f"http://{HERE}:{up.http}/", headers={"Host": "evil.example"})
    async with up.client() as client:
        response = await client.get("/v1/channels", headers={"Host": "evil.example"})
        assert response.status_code == 421
    unchecked = ssl.create_default_context()
    unchecked.check_hostname, unchecked.verify_mode = False, ssl.CERT_NONE
    with pytest.raises(ssl.SSLError, match="unrecognized name"):
        await asyncio.open_connection(HERE, up.https, ssl=unchecked, server_hostname="evil.example")
    assert up.chat.received == []


async def test_browsers_are_told_to_stay_with_https_and_offered_http_2(up: Ingress) -> None:
    async with up.client() as client:
        assert "max-age" in (await client.get("/v1/channels")).headers["strict-transport-security"]
    context = up.trusting()
    context.set_alpn_protocols(["h2", "http/1.1"])
    _, writer = await asyncio.open_connection(HERE, up.https, ssl=context, server_hostname=NAME)
    assert writer.get_extra_info("ssl_object").selected_alpn_protocol() == "h2"
    await closed(writer)


async def closed(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()


def whole(length: int) -> bytes:
    return b"x" * length


async def pieces(length: int) -> AsyncIterator[bytes]:
    for start in range(0, length, 10_000):
        yield b"x" * min(10_000, length - start)


SIZES = [
    (VISITORS, 8),
    ("/v1/forms/answer", 32),
    ("/v1/quality-control/course-a", 128),
    (MESSAGE, 128),
    ("/v1/channels/course-a", 256),
    ("/v1/dialogs/d-1", 256),
]


@pytest.mark.parametrize("body", [whole, pieces])
@pytest.mark.parametrize(("path", "kib"), SIZES)
async def test_each_route_takes_bodies_up_to_its_size(
    up: Ingress, path: str, kib: int, body: Callable[[int], Any]
) -> None:
    async with up.client() as client:
        assert (await client.put(path, content=body(kib * KIB))).status_code == 200
        response = await client.put(path, content=body(kib * KIB + 1))
    assert response.status_code == 413
    assert problem(response)["type"] == "/problems/body-too-large"
    received = the_only_request(up.rating if ROUTES.get(path) == "rating" else up.chat)
    assert received.body == b"x" * kib * KIB
    # The service learns of it when it is whole, and how long it is.
    assert received.headers["content-length"] == [str(kib * KIB)]
    assert "transfer-encoding" not in received.headers


async def test_words_of_clients_are_not_written_to_its_disk(up: Ingress) -> None:
    async with up.client() as client:
        await client.put("/v1/dialogs/d-1", content=whole(256 * KIB))
        await client.put("/v1/dialogs/d-1", content=pieces(256 * KIB))
        await client.get("/v1/dialogs?words=secret")
    assert "temporary file" not in (up.folder / "error.log").read_text()
    assert "secret" not in "".join(await up.logged(3))


async def test_neither_are_those_in_chunks_of_one_byte(up: Ingress) -> None:
    reader, writer = await up.connect()
    writer.write(START.replace(b"GET", b"PUT") + b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n")
    writer.write(b"1\r\nx\r\n" * 256 * KIB + b"0\r\n\r\n")
    async with asyncio.timeout(10):
        assert (await until_cut_off(reader)).startswith(b"HTTP/1.1 200 ")
    await closed(writer)
    assert the_only_request(up.chat).body == whole(256 * KIB)
    noted = re.findall("temporary file (.*?),", (up.folder / "error.log").read_text())
    assert [path for path in noted if not path.startswith(str(up.bodies))] == []


@pytest.mark.parametrize(
    ("path", "burst", "service"),
    [
        (VISITORS, "VISITORS_BURST", "chat"),
        ("/v1/forms/read", "FORMS_BURST", "rating"),
        ("/v1/forms/answer", "FORMS_BURST", "rating"),
        ("/v1/forms/decline", "FORMS_BURST", "rating"),
        ("/v1/mail/unsubscribe", "FORMS_BURST", "rating"),
        ("/v1/live-chat/summary", "BURST", "analytics"),
    ],
)
async def test_an_address_that_calls_too_often_has_to_wait(
    tmp_path: Path, path: str, burst: str, service: str
) -> None:
    # A call each minute, so that none is earned back while the test runs.
    rate = burst.replace("BURST", "RATE")
    async with ingress(tmp_path, **{burst: "3", rate: "1r/m"}) as up, up.client() as client:
        responses = [await client.post(path, json={}) for _ in range(6)]
        assert [response.status_code for response in responses] == [200] * 4 + [429] * 2
        assert problem(responses[-1])["type"] == "/problems/too-many-requests"
        assert responses[-1].headers["retry-after"] == "5"
        assert len(getattr(up, service).received) == 4
        async with up.client(OTHERS) as others:
            assert (await others.post(path, json={})).status_code == 200


async def test_behind_a_load_balancer_the_clients_are_told_apart(tmp_path: Path) -> None:
    changed = {"BEHIND": "127.0.0.0/8", "VISITORS_RATE": "1r/m", "VISITORS_BURST": "1"}
    async with ingress(tmp_path, **changed) as up, up.client() as client:

        async def status(address: str) -> int:
            headers = {"X-Forwarded-For": address}
            return (await client.post(VISITORS, json={}, headers=headers)).status_code

        assert [await status("192.0.2.1") for _ in range(3)] == [200, 200, 429]
        assert await status("192.0.2.2") == 200
        # Written as IPv6, as on a socket for both, an address is the same one.
        assert [await status(f"::ffff:192.0.2.{last}") for last in (1, 3)] == [429, 200]
        # Who has an address of IPv6 has a network of 2⁶⁴.
        assert [await status(f"2001:db8::{last}:1") for last in (1, 2, 3)] == [200, 200, 429]
        assert await status("2001:db8:0:1::1") == 200
        # What stands before the balancer's own word was written by the client.
        assert await status("203.0.113.9, 192.0.2.1") == 429
        assert up.chat.received[0].headers["x-forwarded-for"] == ["192.0.2.1"]


async def test_what_clients_say_of_themselves_is_replaced(up: Ingress) -> None:
    said = {
        "X-Forwarded-For": "192.0.2.1",
        "X-Forwarded-Proto": "http",
        "X-Forwarded-Host": "evil.example",
        "X-Real-IP": "192.0.2.1",
        "Forwarded": "for=192.0.2.1",
    }
    async with up.client() as client:
        await client.get("/v1/channels", headers=said)
    headers = the_only_request(up.chat).headers
    assert headers["x-forwarded-for"] == [HERE]
    assert headers["x-forwarded-proto"] == ["https"]
    assert headers["x-forwarded-host"] == headers["host"] == [NAME]
    assert {"x-real-ip", "forwarded"}.isdisjoint(headers)


async def test_a_token_and_a_trace_pass(up: Ingress) -> None:
    passed = {
        "authorization": f"Bearer {'x' * 12_000}",
        "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    }
    async with up.client() as client:
        assert (await client.get("/v1/channels", headers=passed)).status_code == 200
    headers = the_only_request(up.chat).headers
    assert {name: headers[name] for name in passed} == {name: [value] for name, value in passed.items()}


@pytest.mark.parametrize(
    ("given", "kept"), [("0123-abcd", True), ("short", False), ("a b c d e f g h", False), ("", False)]
)
async def test_a_request_id_is_passed_or_made(up: Ingress, given: str, *, kept: bool) -> None:
    async with up.client() as client:
        await client.get("/v1/channels", headers={"X-Request-ID": given} if given else {})
    (sent,) = the_only_request(up.chat).headers["x-request-id"]
    assert sent == given if kept else len(sent) == 32
    (noted,) = await up.logged(1)
    assert json.loads(noted)["request_id"] == sent


async def test_a_refusal_is_noted_by_what_was_asked_for(up: Ingress) -> None:
    async with up.client() as client:
        assert (await client.get("/nowhere/at/all?name=zoe")).status_code == 404
    (noted,) = await up.logged(1)
    assert json.loads(noted)["path"] == "/nowhere/at/all"


async def test_connections_to_a_service_are_used_again(up: Ingress) -> None:
    # Each of nginx's processes has connections of its own, and so one client connection uses one.
    async with up.client() as client:
        for _ in range(5):
            await client.get("/v1/channels")
    assert (len(up.chat.received), up.chat.connections) == (5, 1)
    assert "connection" not in up.chat.received[0].headers


async def test_events_are_passed_on_as_they_come(up: Ingress) -> None:
    async with (
        up.client() as client,
        client.stream("GET", "/v1/dialogs", headers=EVENTS) as got,
    ):
        lines = got.aiter_lines()
        assert await anext(lines) == "data: 1"
        up.chat.go_on.set()
        assert [line async for line in lines if line] == ["data: 2"]


def test_a_stream_breaks_its_silence_before_it_is_given_up() -> None:
    assert int(defaults()["CANDOR_INGRESS_SERVICE_TIMEOUT"].removesuffix("s")) >= 2 * HEARTBEAT_SECONDS


async def test_a_service_that_is_away_takes_no_other_with_it(up: Ingress) -> None:
    up.rating.stop()
    async with up.client() as client:
        away = await client.post("/v1/forms/read", json={})
        assert away.status_code == 502
        assert problem(away)["type"] == "/problems/unavailable"
        assert away.headers["retry-after"] == "2"
        assert (await client.get("/v1/channels")).status_code == 200


async def test_a_service_that_says_nothing_is_not_waited_for_forever(tmp_path: Path) -> None:
    async with ingress(tmp_path, SERVICE_TIMEOUT="300ms") as up, up.client() as client:
        with pytest.raises(httpx.RemoteProtocolError):
            await client.get("/v1/dialogs", headers=EVENTS)


@pytest.mark.parametrize(
    "sent",
    [
        b"GET /v1/channels HTTP/1.1\r\nHost: localhost\r\nX-",
        b"POST /v1/forms/read HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n{",
        b"",
    ],
    ids=["headers", "body", "nothing"],
)
async def test_slow_clients_are_cut_off_and_no_service_hears_of_them(tmp_path: Path, sent: bytes) -> None:
    async with ingress(tmp_path, HEADER_TIMEOUT="300ms", BODY_TIMEOUT="300ms") as up:
        started = time.monotonic()  # the server's time may begin before `connect` returns
        reader, writer = await up.connect()
        writer.write(sent)
        async with asyncio.timeout(10):
            assert await until_cut_off(reader) == b""
        assert time.monotonic() - started > 0.25
        await closed(writer)
        assert up.chat.received + up.rating.received == []


async def test_headers_that_drip_are_cut_off_too(tmp_path: Path) -> None:
    async with ingress(tmp_path, HEADER_TIMEOUT="500ms") as up:
        reader, writer = await up.connect()
        dripping = asyncio.create_task(drip(writer))
        async with asyncio.timeout(10):
            assert await until_cut_off(reader) == b""
        dripping.cancel()
        await closed(writer)
        assert up.chat.received == []


async def drip(writer: asyncio.StreamWriter) -> None:
    writer.write(b"GET /v1/channels HTTP/1.1\r\nHost: localhost\r\n")
    for number in range(100):
        writer.write(b"X-%d: 1\r\n" % number)
        await asyncio.sleep(0.1)


async def until_cut_off(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.read()
    except ConnectionError:
        return b""


@pytest.mark.parametrize(("limit", "of_others"), [("REQUESTS_PER_ADDRESS", 200), ("REQUESTS", 429)])
async def test_only_so_many_requests_are_in_hand_at_a_time(
    tmp_path: Path, limit: str, of_others: int
) -> None:
    async with ingress(tmp_path, **{limit: "2"}) as up, up.client() as client, AsyncExitStack() as opened:
        for _ in range(2):
            await opened.enter_async_context(client.stream("GET", "/v1/dialogs", headers=EVENTS))
        assert problem(await client.get("/v1/channels"))["type"] == "/problems/too-many-requests"
        async with up.client(OTHERS) as others:
            assert (await others.get("/v1/channels")).status_code == of_others
        up.chat.go_on.set()


@pytest.mark.parametrize(("limit", "of_others"), [("STREAMS_PER_ADDRESS", 200), ("STREAMS", 429)])
async def test_only_so_many_streams_are_open_at_a_time(tmp_path: Path, limit: str, of_others: int) -> None:
    async with ingress(tmp_path, **{limit: "2"}) as up, up.client() as client, AsyncExitStack() as opened:
        for path in ("/v1/visitors/me/changes", "/v1/forms/mine/changes"):
            await opened.enter_async_context(client.stream("GET", path, headers=EVENTS))
        refused = await client.get("/v1/visitors/me/changes")
        assert problem(refused)["type"] == "/problems/too-many-requests"
        async with up.client(OTHERS) as others:
            assert (await others.get("/v1/visitors/me/changes")).status_code == of_others
        for stub in (up.chat, up.rating):
            stub.go_on.set()


async def test_clients_who_are_anybody_take_no_stream_of_staff(tmp_path: Path) -> None:
    async with (
        ingress(tmp_path, STREAMS="1") as up,
        up.client() as client,
        client.stream("GET", "/v1/visitors/me/changes", headers=EVENTS),
    ):
        assert (await client.get("/v1/forms/mine/changes")).status_code == 429
        for path in ("/v1/changes", "/v1/live-chat/changes"):
            assert (await client.get(path)).status_code == 200
        up.chat.go_on.set()


async def test_who_takes_no_response_is_cut_off_and_nothing_of_it_kept_on_disk(tmp_path: Path) -> None:
    async with ingress(tmp_path, SEND_TIMEOUT="300ms") as up:
        up.chat.padding = 30_000_000
        _, writer = await up.connect()
        # A reader of asyncio takes no more than its buffer until somebody reads.
        writer.write(START + b"\r\n")
        (noted,) = await up.logged(1)
        assert json.loads(noted)["bytes"] < up.chat.padding
        assert "proxy_temp" not in (up.folder / "error.log").read_text()
        await closed(writer)


@pytest.mark.parametrize(
    "sent",
    [
        b"\x00\x01\x02\x03 not HTTP at all\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        b"GET /v1/channels HTTP/1.1\r\n\r\n",
        START + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        START + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"GET /v1/channels\r\n\r\n",
    ],
    ids=["bytes", "ssh", "no host", "two framings", "two lengths", "HTTP 0.9"],
)
async def test_what_is_not_http_is_refused(up: Ingress, sent: bytes) -> None:
    reader, writer = await up.connect()
    writer.write(sent)
    async with asyncio.timeout(10):
        response = await until_cut_off(reader)
    assert response.startswith(b"HTTP/1.1 400 ") or b"HTTP/" not in response
    await closed(writer)
    assert up.chat.received == []


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (START + b"Transfer-Encoding: xchunked\r\n\r\n", 501),
        (START.replace(b"HTTP/1.1", b"HTTP/2.0") + b"\r\n", 505),
        (START.replace(b"GET", b"TRACE") + b"\r\n", 405),
        (START + b"X: " + b"x" * 41 * KIB + b"\r\n\r\n", 400),
    ],
)
async def test_what_it_does_not_speak_is_a_problem_too(up: Ingress, sent: bytes, status: int) -> None:
    reader, writer = await up.connect()
    writer.write(sent)
    async with asyncio.timeout(10):
        response = await until_cut_off(reader)
    assert response.startswith(b"HTTP/1.1 %d " % status)
    assert b"application/problem+json" in response
    await closed(writer)
    assert up.chat.received == []


async def test_plain_http_on_the_port_of_https_is_refused(up: Ingress) -> None:
    async with httpx.AsyncClient() as client:
        response = await client.get(f"http://{NAME}:{up.https}/v1/channels")
    assert response.status_code == 400
    assert up.chat.received == []
