"""A body ends at 256 KiB and within its time, whether its length was announced, made up, or not said."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager

import httpx
import pytest
from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.types import Message, Receive, Scope, Send

from chassis.http.body_limit import BodyLimit

Caller = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]
KIB = 1024


def scales() -> APIRouter:
    router = APIRouter()

    @router.post("/weigh")
    async def weigh(request: Request) -> int:
        return len(await request.body())

    @router.post("/ignore")
    async def ignore() -> str:
        return "ignored"

    @router.post("/read")
    async def read(body: dict[str, str]) -> int:
        return len(body)

    return router


async def in_chunks(size: int) -> AsyncIterator[bytes]:
    for start in range(0, size, KIB):
        yield b" " * min(KIB, size - start)


async def test_a_body_of_exactly_the_limit_passes(calling: Caller) -> None:
    async with calling(scales()) as client:
        whole = await client.post("/weigh", content=b" " * 256 * KIB)
        chunked = await client.post("/weigh", content=in_chunks(256 * KIB))
    assert (whole.json(), chunked.json()) == (256 * KIB, 256 * KIB)


@pytest.mark.parametrize("path", ["/weigh", "/read"])
async def test_a_body_that_is_larger_is_refused(calling: Caller, path: str) -> None:
    async with calling(scales()) as client:
        whole = await client.post(path, content=b" " * (256 * KIB + 1))
        chunked = await client.post(path, content=in_chunks(256 * KIB + 1))
        lying = await client.post(path, content=in_chunks(256 * KIB + 1), headers={"content-length": "5"})
    for answer in (whole, chunked, lying):
        assert answer.status_code == 413
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["connection"] == "close"
        assert answer.json()["detail"] == "The body may be 256 KiB at most."


async def test_a_route_that_reads_no_body_is_not_in_danger(calling: Caller) -> None:
    async with calling(scales()) as client:
        assert (await client.post("/ignore", content=in_chunks(257 * KIB))).status_code == 200


async def nothing(_: Message) -> None:
    return


async def never() -> Message:
    await asyncio.Event().wait()
    raise AssertionError


async def reading(_: Scope, receive: Receive, __: Send) -> None:
    while (await receive()).get("more_body"):
        pass


SCOPE: Scope = {"type": "http", "headers": []}


async def test_a_body_that_never_comes_is_given_up() -> None:
    with pytest.raises(HTTPException) as error:
        await BodyLimit(reading, slowest=0.01)(SCOPE, never, nothing)
    assert error.value.status_code == 408


async def test_waiting_for_the_caller_to_leave_has_no_limit() -> None:
    messages: list[Message] = [{"type": "http.request", "more_body": False}, {"type": "http.disconnect"}]
    loop = asyncio.get_running_loop()
    much_later = asyncio.Event()
    loop.call_later(0.05, much_later.set)

    async def receive() -> Message:
        if len(messages) == 1:
            await much_later.wait()
        return messages.pop(0)

    async def streaming(_: Scope, receive: Receive, __: Send) -> None:
        await receive()
        assert (await receive())["type"] == "http.disconnect"

    await BodyLimit(streaming, slowest=0.01)(SCOPE, receive, nothing)
    assert not messages


async def test_what_is_not_http_passes() -> None:
    seen = []

    async def app(scope: Scope, _: Receive, __: Send) -> None:
        seen.append(scope["type"])

    await BodyLimit(app)({"type": "lifespan"}, never, nothing)
    assert seen == ["lifespan"]
