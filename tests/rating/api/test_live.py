"""A visitor's page is told that something about their forms has changed, and never what."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from chassis.service import _config, _listen, _Server
from contracts.access import Role
from tests.rating.api_client import ApiClient, staff, visitor
from tests.rating.harness import Harness, closed, reopened
from tests.waiting import until

pytestmark = pytest.mark.real

PATH = "/v1/forms/mine/changes"
LONGER_THAN_A_POLL = 3600.0


@pytest.fixture
async def api(harness: Harness) -> AsyncIterator[ApiClient]:
    """The service on a port of its own: its streams don't look by themselves."""
    harness.app.state.live._poll_seconds = LONGER_THAN_A_POLL
    with _listen("listen on", "127.0.0.1", 0) as listening:
        base = f"http://127.0.0.1:{listening.getsockname()[1]}"
        server = _Server(_config(harness.app, lifespan="off"))
        running = asyncio.create_task(server.serve(sockets=[listening]))
        async with httpx.AsyncClient(base_url=base, timeout=20) as http:
            try:
                await until(lambda: http.get("/health/live"), lambda response: response.is_success)
                yield ApiClient(http, harness)
            finally:
                server.should_exit = True
                await running


@asynccontextmanager
async def following(api: ApiClient, client: str, channel: str = "shop") -> AsyncIterator[AsyncIterator[Any]]:
    async with api.http.stream("GET", PATH, headers=visitor(client, channel)) as response:
        assert response.status_code == 200, await response.aread()
        assert response.headers["content-type"].startswith("text/event-stream")
        yield told(response)


async def told(response: httpx.Response) -> AsyncIterator[Any]:
    async for line in response.aiter_lines():
        if line.startswith("data: "):
            yield json.loads(line.removeprefix("data: "))


async def test_tells_of_each_change_of_a_form_of_theirs(api: ApiClient) -> None:
    async with following(api, "c1") as events, asyncio.timeout(20):
        assert await anext(events) == {"forms": {}}
        await api.harness.inbound.on_dialog_closed(closed())
        assert await anext(events) == {"forms": {"d1.1": 2}}
        await api.harness.inbound.on_dialog_closed(closed("d2", client="c2"))
        await api.harness.inbound.on_dialog_closed(closed("d3", channel="blog"))
        await api.answer(5)
        assert await anext(events) == {"forms": {"d1.1": 3}}


async def test_tells_of_nothing_that_was_not_offered(api: ApiClient) -> None:
    await api.harness.inbound.on_dialog_closed(closed("d1", spam=True))
    await api.harness.inbound.on_dialog_closed(closed("d2"))
    await api.harness.inbound.on_dialog_reopened(reopened("d2"))
    await api.harness.relayed()
    async with following(api, "c1") as events, asyncio.timeout(20):
        assert await anext(events) == {"forms": {"d2.1": 3}}


async def test_nobody_but_a_visitor_follows(api: ApiClient) -> None:
    for who in (staff(Role.OPERATOR), staff(Role.SUPERVISOR), staff(Role.OPERATOR, Role.ADMIN)):
        assert (await api.http.get(PATH, headers=who)).status_code == 403
    assert (await api.http.get(PATH)).status_code == 401
