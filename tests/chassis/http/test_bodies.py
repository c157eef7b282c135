"""What of a body is read, and what is refused before any model sees it."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, ClassVar

import httpx
import pytest

from chassis.http import bodies
from chassis.http.bodies import KIB, RequestBody
from chassis.http.problems import WrongShape
from chassis.http.routes import Router

Caller = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]
JSON = {"content-type": "application/json"}


class Small(RequestBody):
    text: str = ""
    items: tuple[str, ...] = ()


class Large(Small):
    largest: ClassVar[int] = 64 * KIB


def scales() -> Router:
    router = Router()

    @router.post("/small")
    async def small(body: Small | None = None) -> int:
        return len(body.text) if body else -1

    @router.post("/large")
    async def large(body: Large) -> int:
        return len(body.text)

    @router.post("/ignore")
    async def ignore() -> str:
        return "ok"

    return router


def body_of(size: int) -> bytes:
    return b'{"text": "' + b"x" * (size - 12) + b'"}'


async def in_chunks(body: bytes, size: int = KIB) -> AsyncIterator[bytes]:
    for start in range(0, len(body), size):
        yield body[start : start + size]


@pytest.mark.parametrize(("path", "limit"), [("/small", 8 * KIB), ("/large", 64 * KIB)])
async def test_a_body_ends_where_its_model_says(calling: Caller, path: str, limit: int) -> None:
    fits, not_any_more = body_of(limit), body_of(limit + 1)
    async with calling(scales()) as client:
        for content in (fits, in_chunks(fits)):
            assert (await client.post(path, content=content, headers=JSON)).json() == limit - 12
        lying = {"content-length": "5"}
        for content, more in (
            (not_any_more, {}),
            (in_chunks(not_any_more), {}),
            (in_chunks(not_any_more), lying),
        ):
            answer = await client.post(path, content=content, headers=JSON | more)
            assert (answer.status_code, answer.json()["type"]) == (413, "/problems/body-too-large")
            assert answer.headers["connection"] == "close"
            assert answer.json()["detail"] == f"The body may be {limit // KIB} KiB at most."


async def test_a_body_that_never_comes_is_given_up(calling: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "SLOWEST", 0.01)

    async def never() -> AsyncIterator[bytes]:
        await asyncio.Event().wait()
        yield b""

    async with calling(scales()) as client:
        answer = await client.post("/small", content=never(), headers=JSON)
    assert (answer.status_code, answer.headers["connection"]) == (408, "close")


async def test_a_route_that_reads_no_body_is_not_in_danger(calling: Caller) -> None:
    async with calling(scales()) as client:
        assert (await client.post("/ignore", content=in_chunks(body_of(257 * KIB)))).status_code == 200


async def test_no_body_is_none(calling: Caller) -> None:
    async with calling(scales()) as client:
        assert (await client.post("/small")).json() == -1


def keys(count: int) -> str:
    return json.dumps({f"k{number}": number for number in range(count)})


@pytest.mark.parametrize(
    ("body", "field", "code"),
    [
        ('{"text": "first", "text": "second"}', "body", "key-twice"),
        ('{"text": "a", "items": [{"x": 1, "x": 1}]}', "body", "key-twice"),
        (keys(200), "body", "unknown-field"),
        (json.dumps({"items": ["x"] * 101}), "body.items", "too-many"),
        ('{"items": ' + "[" * 20 + "]" * 20 + "}", "body", "too-deep"),
        ("[" * 4000, "body", "not-json"),
        ('{"text": "a\\ud800"}', "body.text", "not-unicode"),
        ('{"text": NaN}', "body", "not-json"),
        ('{"text": ' + "1" * 5000 + "}", "body", "not-json"),
        ("{", "body", "not-json"),
    ],
)
async def test_what_no_model_takes_is_refused_at_once(
    calling: Caller, body: str, field: str, code: str
) -> None:
    async with calling(scales()) as client:
        answer = await client.post("/small", content=body.encode(), headers=JSON)
    assert answer.status_code == 422
    [error] = answer.json()["errors"]
    assert (error["field"], error["code"]) == (field, code)


def deep(depth: int) -> str:
    return '{"x": ' * (depth - 1) + "[]" + "}" * (depth - 1)


@pytest.mark.parametrize(
    ("largest", "one_more"),
    [(keys(32), keys(33)), (json.dumps(["x"] * 100), json.dumps(["x"] * 101)), (deep(8), deep(9))],
)
def test_the_largest_that_is_read_is_read(largest: str, one_more: str) -> None:
    assert bodies.parse(largest.encode()) == json.loads(largest)
    with pytest.raises(WrongShape):
        bodies.parse(one_more.encode())


async def test_a_text_that_is_no_utf_8_is_no_json(calling: Caller) -> None:
    async with calling(scales()) as client:
        answer = await client.post("/small", content=b'{"text": "\xff"}', headers=JSON)
    assert answer.json()["errors"][0]["code"] == "not-json"


@pytest.mark.parametrize(
    ("query", "status", "problem"),
    [
        ("&".join(["x=1"] * 10_000), 414, "query-too-long"),
        ("&".join(["x=1"] * 1000), 422, "wrong-shape"),
        ("x=1", 422, "wrong-shape"),
    ],
)
async def test_a_query_is_looked_at_before_it_is_taken_apart(
    calling: Caller, query: str, status: int, problem: str
) -> None:
    async with calling(scales()) as client:
        answer: Any = await client.post(f"/small?{query}")
    assert (answer.status_code, answer.json()["type"]) == (status, f"/problems/{problem}")
