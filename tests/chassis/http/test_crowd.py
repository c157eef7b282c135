"""Beyond so many requests at once a caller is asked to come again; those who only promise don't count."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager

import httpx
import pytest
from fastapi import APIRouter, Request

from chassis.http import crowd

Caller = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]


class Counter:
    """A route that keeps its callers waiting."""

    def __init__(self) -> None:
        self.open, self.entered = asyncio.Event(), asyncio.Semaphore(0)

    def routes(self) -> APIRouter:
        router = APIRouter()

        @router.get("/wait")
        async def wait() -> str:
            self.entered.release()
            await self.open.wait()
            return "served"

        @router.post("/weigh")
        async def weigh(request: Request) -> int:
            return len(await request.body())

        return router


@pytest.fixture(autouse=True)
def _few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crowd.Crowd.__init__, "__defaults__", (2,))


async def test_one_too_many_is_asked_to_come_again_and_health_is_told(calling: Caller) -> None:
    counter = Counter()
    async with calling(counter.routes()) as client, asyncio.TaskGroup() as callers:
        served = [callers.create_task(client.get("/wait")) for _ in range(2)]
        for _ in served:
            await counter.entered.acquire()
        refused, health = await client.get("/wait"), await client.get("/health/ready")
        counter.open.set()
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "2")
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["instance"] == refused.headers["x-request-id"]
    assert health.status_code == 200
    assert [task.result().status_code for task in served] == [200, 200]


async def test_places_become_free_again(calling: Caller) -> None:
    async with calling(Counter().routes()) as client:
        answers = [await client.post("/weigh", content=b"abc") for _ in range(5)]
    assert [answer.json() for answer in answers] == [3] * 5


async def test_a_body_that_is_only_promised_takes_nobodys_place(calling: Caller) -> None:
    begun, comes = asyncio.Semaphore(0), asyncio.Event()

    async def slowly() -> AsyncIterator[bytes]:
        begun.release()
        yield b"a"
        await comes.wait()
        yield b"b"

    async with calling(Counter().routes()) as client, asyncio.TaskGroup() as callers:
        slow = [callers.create_task(client.post("/weigh", content=slowly())) for _ in range(5)]
        for _ in slow:
            await begun.acquire()
        quick = await client.post("/weigh", content=b"abc")
        comes.set()
    assert quick.json() == 3
    assert {task.result().status_code for task in slow} <= {200, 503}
