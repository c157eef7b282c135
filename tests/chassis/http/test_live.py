"""A stream tells at once what has changed, costs a place while somebody is there, and ends when it should."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from fastapi import Request, Response
from pymongo.errors import AutoReconnect

from chassis.background import Supervisor
from chassis.http import live as module
from chassis.http.app import create
from chassis.http.live import EventStream, LiveUpdates
from chassis.http.routes import Router
from chassis.service import _Server
from contracts.access import Claims, Role
from tests.chassis.http.conftest import ShopSettings
from tests.serving import served, told
from tests.waiting import until

QUICK, SLOW = 0.02, 3600.0
"""How often streams look by themselves: again and again, or never in a test."""


@dataclass
class Shop:
    """A service with one stream, and what that stream finds."""

    live: LiveUpdates
    client: httpx.AsyncClient
    server: _Server
    found: dict[str, Any] = field(default_factory=lambda: {"dialogs": {"d-1": 1}})
    look: Callable[[], Awaitable[dict[str, Any]]] | None = None
    expires_in: float = 3600
    role: Role = Role.OPERATOR
    looks: int = 0

    @asynccontextmanager
    async def stream(self) -> AsyncIterator[AsyncIterator[Any]]:
        """What is told: one after the other; the end ends it."""
        async with self.client.stream("GET", "/v1/changes") as response:
            assert response.status_code == 200
            yield told(response)


@asynccontextmanager
async def serving(settings: ShopSettings, **how: Any) -> AsyncIterator[Shop]:
    live = LiveUpdates(**how)
    router = Router()

    @router.get("/v1/changes", response_class=EventStream)
    async def changes(request: Request) -> Response:
        exp = int(time.time() + shop.expires_in)
        request.state.claims = Claims(sub="ann", roles=frozenset({shop.role}), exp=exp)

        async def look() -> dict[str, Any]:
            shop.looks += 1
            return await shop.look() if shop.look else dict(shop.found)

        return live.stream(request, look, ["shop", "ann"])

    app = create(
        settings, title="Shop", routers=[router], parts=Supervisor([]), checks={}, state={"live": live}
    )
    async with served(app) as (client, server):
        shop = Shop(live, client, server)
        yield shop


async def test_a_stream_begins_with_the_present_and_goes_on_with_what_differs(settings: ShopSettings) -> None:
    async with serving(settings, poll_seconds=QUICK) as shop, shop.stream() as events:
        assert await anext(events) == {"dialogs": {"d-1": 1}}
        looks = shop.looks
        await until(lambda: shop.looks > looks + 3)
        shop.found = {"dialogs": {"d-1": 2}}
        assert await anext(events) == {"dialogs": {"d-1": 2}}


async def test_a_wake_up_comes_long_before_the_poll(settings: ShopSettings) -> None:
    async with serving(settings, poll_seconds=SLOW) as shop, shop.stream() as events:
        await anext(events)
        shop.found = {"dialogs": {"d-1": 2}}
        shop.live.wake({"other"})
        assert shop.looks == 1
        began = time.monotonic()
        shop.live.wake({"ann", "shop"})
        assert await anext(events) == {"dialogs": {"d-1": 2}}
        assert time.monotonic() - began < 2


async def test_what_happens_during_a_look_is_not_missed(settings: ShopSettings) -> None:
    async with serving(settings, poll_seconds=SLOW) as shop:
        seen, go_on = asyncio.Event(), asyncio.Event()

        async def look() -> dict[str, Any]:
            was = dict(shop.found)
            seen.set()
            await go_on.wait()
            return was

        shop.look = look
        async with shop.stream() as events:
            await seen.wait()
            shop.found = {"dialogs": {"d-1": 2}}
            shop.live.wake({"shop"})
            go_on.set()
            assert await anext(events) == {"dialogs": {"d-1": 1}}
            async with asyncio.timeout(5):  # it looks before each heartbeat, too
                assert await anext(events) == {"dialogs": {"d-1": 2}}


async def test_however_often_it_is_woken_it_looks_now_and_then(settings: ShopSettings) -> None:
    async with serving(settings, poll_seconds=SLOW) as shop, shop.stream() as events:
        await anext(events)
        ends_at = time.monotonic() + 0.5
        while time.monotonic() < ends_at:
            shop.live.wake({"shop"})
            await asyncio.sleep(0.001)
        assert 2 <= shop.looks <= 7


async def test_a_database_that_is_away_for_a_moment_ends_no_stream(settings: ShopSettings) -> None:
    async with serving(settings, poll_seconds=QUICK) as shop:
        tries = 0

        async def look() -> dict[str, Any]:
            nonlocal tries
            tries += 1
            if tries < 4:
                raise AutoReconnect
            return {"tries": tries}

        shop.look = look
        async with shop.stream() as events:
            assert await anext(events) == {"tries": 4}


async def test_there_are_only_so_many_and_whoever_leaves_makes_room(settings: ShopSettings) -> None:
    async with serving(settings, most=2, poll_seconds=SLOW) as shop:
        async with shop.stream() as first, shop.stream() as second:
            await anext(first), await anext(second)
            assert sorted(shop.live.topics) == ["ann", "shop"]
            refused = await shop.client.get("/v1/changes")
            assert (refused.status_code, refused.json()["type"]) == (503, "/problems/unavailable")
            assert refused.headers["retry-after"] == "2"
            assert shop.live.open == 2
        await until(lambda: shop.live.open == 0)
        assert not shop.live.topics
        async with shop.stream() as events:
            assert await anext(events) == shop.found


async def test_visitors_who_are_anybody_leave_staff_some(settings: ShopSettings) -> None:
    async with serving(settings, most=3, for_staff=1, poll_seconds=SLOW) as shop:
        shop.role = Role.VISITOR
        async with shop.stream() as first, shop.stream() as second:
            await anext(first), await anext(second)
            assert (await shop.client.get("/v1/changes")).status_code == 503
            shop.role = Role.OPERATOR
            async with shop.stream() as events:
                assert await anext(events) == shop.found
                assert (await shop.client.get("/v1/changes")).status_code == 503


async def test_a_stream_ends_with_its_token(settings: ShopSettings) -> None:
    async with serving(settings, poll_seconds=SLOW) as shop:
        shop.expires_in = 2
        began = time.monotonic()
        async with shop.stream() as events:
            assert [each async for each in events] == [shop.found]
        assert 0.5 < time.monotonic() - began < 5
        await until(lambda: shop.live.open == 0)


async def test_it_ends_after_ten_minutes_at_the_latest(
    settings: ShopSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert module.LONGEST_SECONDS == 600
    monkeypatch.setattr(module, "LONGEST_SECONDS", 0.2)
    async with serving(settings, poll_seconds=SLOW) as shop, shop.stream() as events:
        assert [each async for each in events] == [shop.found]


async def test_a_service_that_stops_waits_for_no_stream(settings: ShopSettings) -> None:
    async with serving(settings, poll_seconds=SLOW) as shop, shop.stream() as events:
        await anext(events)
        began = time.monotonic()
        shop.server.should_exit = True
        assert [each async for each in events] == []
        assert time.monotonic() - began < 2
        await until(lambda: shop.live.open == 0)


async def test_silence_is_broken_by_comments(settings: ShopSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    assert module.HEARTBEAT_SECONDS == 15  # the ingress gives up after 30
    monkeypatch.setattr(module, "HEARTBEAT_SECONDS", 0.1)
    async with (
        serving(settings, poll_seconds=SLOW) as shop,
        shop.client.stream("GET", "/v1/changes") as response,
    ):
        lines = response.aiter_lines()
        first = [await anext(lines) for _ in range(8)]
    assert first == ["retry: 2000", "", 'data: {"dialogs":{"d-1":1}}', "", ": ping", "", ": ping", ""]


async def test_nobody_between_keeps_or_delays_it(settings: ShopSettings) -> None:
    async with serving(settings) as shop, shop.client.stream("GET", "/v1/changes") as response:
        kept = {
            name: response.headers[name] for name in ("content-type", "cache-control", "x-accel-buffering")
        }
        assert response.headers["x-request-id"]
    assert kept == {
        "content-type": "text/event-stream; charset=utf-8",
        "cache-control": "no-store",
        "x-accel-buffering": "no",
    }


async def test_head_takes_no_place(settings: ShopSettings) -> None:
    async with serving(settings, poll_seconds=SLOW) as shop:
        head = await shop.client.head("/v1/changes")
        assert (head.status_code, head.content, shop.looks) == (200, b"", 0)
        assert head.headers["content-type"] == "text/event-stream; charset=utf-8"
        await until(lambda: shop.live.open == 0)


async def test_a_bug_in_a_look_ends_the_stream_and_frees_its_place(settings: ShopSettings) -> None:
    async with serving(settings, poll_seconds=SLOW) as shop:

        async def look() -> dict[str, Any]:
            raise ValueError("a bug")

        shop.look = look
        with pytest.raises(httpx.RemoteProtocolError):
            async with shop.stream() as events:
                await anext(events)
        await until(lambda: shop.live.open == 0)


def test_of_topics_nobody_listens_to_nothing_is_kept() -> None:
    live = LiveUpdates()
    live.wake({f"dialog-{number}" for number in range(1000)})
    with live.listening(["a", "b"], 2) as one, live.listening(["b"], 2) as other:
        live.wake({"a"})
        assert (one.is_set(), other.is_set()) == (True, False)
        assert set(live.topics) == {"a", "b"}
    assert not live.topics
