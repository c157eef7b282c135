"""Each request is told in one line and one measurement, with the route's template and nobody's secrets."""

import io
import json
import re
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from typing import Any

import httpx
import pytest
import structlog
from fastapi import APIRouter, Response
from fastapi.responses import StreamingResponse
from opentelemetry import propagate
from prometheus_client import REGISTRY

from chassis.telemetry import configure_logging, configure_tracing, current_traceparent

Caller = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]
CANARY = "kanarienvogel"


def counter() -> APIRouter:
    router = APIRouter(prefix="/v1")

    @router.post("/things/{thing}")
    async def thing(thing: str, body: dict[str, str]) -> int:
        structlog.stdlib.get_logger().info("inside")
        return len(thing) + len(body)

    @router.get("/broken")
    async def broken() -> str:
        raise RuntimeError(CANARY)

    @router.get("/breaks-off")
    async def breaks_off() -> Response:
        async def lines() -> AsyncIterator[bytes]:
            yield b"one"
            raise RuntimeError(CANARY)

        return StreamingResponse(lines())

    @router.get("/picture")
    async def picture(response: Response) -> str:
        response.headers["cache-control"] = "max-age=60"
        return "picture"

    @router.get("/trace")
    async def trace() -> str | None:
        return current_traceparent()

    return router


@pytest.fixture
def logged() -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """The log lines so far."""
    stream = io.StringIO()
    configure_logging("shop", stream=stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    structlog.reset_defaults()


async def test_a_request_is_one_line_without_ids_bodies_tokens_and_queries(
    calling: Caller, logged: Callable[[], list[dict[str, Any]]]
) -> None:
    async with calling(counter()) as client:
        answer = await client.post(
            f"/v1/things/{CANARY}",
            params={"q": CANARY},
            json={"text": CANARY},
            headers={"authorization": f"Bearer {CANARY}", "cookie": CANARY, "user-agent": CANARY},
        )
    (line,) = [line for line in logged() if line["event"] == "request"]
    assert (line["method"], line["route"], line["status"]) == ("POST", "/v1/things/{thing}", 200)
    assert line["milliseconds"] >= 0
    assert line["request_id"] == answer.headers["x-request-id"]
    (inside,) = [line for line in logged() if line["event"] == "inside"]
    assert inside["request_id"] == line["request_id"]
    assert CANARY not in json.dumps(logged())


async def test_a_bug_is_logged_with_its_place_and_without_its_words(
    calling: Caller, logged: Callable[[], list[dict[str, Any]]]
) -> None:
    async with calling(counter()) as client:
        await client.get("/v1/broken")
        with pytest.raises(ConnectionAbortedError, match="The answer broke off"):
            await client.get("/v1/breaks-off")
    errors = [line for line in logged() if line["event"] == "request_broken"]
    assert [line["error"] for line in errors] == ["RuntimeError", "RuntimeError"]
    assert "in broken" in errors[0]["where"]
    assert f'"{CANARY}"' not in json.dumps(logged())


async def test_a_request_is_measured_by_template_and_class_of_status(calling: Caller) -> None:
    def count(method: str, route: str, status: str) -> float:
        labels = {"service": "shop", "method": method, "route": route, "status": status}
        return REGISTRY.get_sample_value("candor_http_request_seconds_count", labels) or 0

    before = count("POST", "/v1/things/{thing}", "2xx"), count("other", "unknown", "4xx")
    async with calling(counter()) as client:
        await client.post("/v1/things/a", json={})
        await client.post("/v1/things/b", json={})
        await client.request("BREW", "/coffee")
    after = count("POST", "/v1/things/{thing}", "2xx"), count("other", "unknown", "4xx")
    assert (after[0] - before[0], after[1] - before[1]) == (2, 1)


async def test_the_document_is_measured_under_its_own_name(calling: Caller) -> None:
    def count(route: str) -> float:
        labels = {"service": "shop", "method": "GET", "route": route, "status": "2xx"}
        return REGISTRY.get_sample_value("candor_http_request_seconds_count", labels) or 0

    before = count("/openapi.json"), count("unknown")
    async with calling(counter()) as client:
        await client.get("/openapi.json")
    assert (count("/openapi.json") - before[0], count("unknown") - before[1]) == (1, 0)


@pytest.mark.parametrize("path", ["/v1/broken", "/nowhere", "/health/live", "/openapi.json"])
async def test_every_answer_has_safe_headers(calling: Caller, path: str) -> None:
    async with calling(counter()) as client:
        headers = (await client.get(path)).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"
    assert headers["referrer-policy"] == "no-referrer"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]


async def test_a_route_may_choose_its_own_headers(calling: Caller) -> None:
    async with calling(counter()) as client:
        assert (await client.get("/v1/picture")).headers["cache-control"] == "max-age=60"


async def test_a_request_id_is_taken_over_if_it_is_plain(calling: Caller) -> None:
    async def sent(given: str) -> str:
        return (await client.get("/v1/picture", headers={"x-request-id": given})).headers["x-request-id"]

    async with calling(counter()) as client:
        assert await sent("3f9a-0001") == "3f9a-0001"
        for strange in ("short", "x" * 65, "a b c d e f g h", '{"level": "x"}'):
            assert re.fullmatch("[0-9a-f]{32}", await sent(strange))


async def test_a_callers_trace_goes_on(calling: Caller) -> None:
    configure_tracing("shop")
    trace = "0af7651916cd43dd8448eb211c80319c"
    async with calling(counter()) as client:
        answer = await client.get("/v1/trace", headers={"traceparent": f"00-{trace}-b7ad6b7169203331-01"})
    assert trace in answer.json()


GIVEN = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.mark.parametrize(
    "given",
    [
        [GIVEN.replace("0af7651916cd43dd8448eb211c80319c", "0" * 32)],
        [GIVEN.replace("b7ad6b7169203331", "0" * 16)],
        [GIVEN.upper()],
        ["ff" + GIVEN[2:]],
        [GIVEN + "-" + CANARY],
        ["01" + GIVEN[2:] + "-" + CANARY],
        [GIVEN + " "],
        [GIVEN[:-1]],
        [f"{GIVEN},{GIVEN}"],
        [GIVEN, GIVEN],
    ],
)
async def test_a_trace_that_is_not_well_formed_ends_at_the_door(calling: Caller, given: list[str]) -> None:
    configure_tracing("shop")
    async with calling(counter()) as client:
        answer = await client.get("/v1/trace", headers=[("traceparent", each) for each in given])
    assert re.fullmatch("00-[0-9a-f]{32}-[0-9a-f]{16}-0[13]", answer.json())
    assert GIVEN[3:35] not in answer.json()


async def test_nothing_but_the_ids_of_a_callers_trace_goes_on(calling: Caller) -> None:
    configure_tracing("shop")
    more = {"tracestate": f"who={CANARY}", "baggage": f"who={CANARY}"}
    router = APIRouter()

    @router.get("/carried")
    async def carried() -> dict[str, str]:
        carrier: dict[str, str] = {}
        propagate.inject(carrier)
        return carrier

    async with calling(router) as client:
        answer = await client.get("/carried", headers={"traceparent": GIVEN, **more})
    assert answer.json().keys() == {"traceparent"}
    assert GIVEN[3:35] in answer.json()["traceparent"]
