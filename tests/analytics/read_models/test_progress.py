"""How new a response is, and the stream that says that more was counted."""

import asyncio
import json
from collections.abc import AsyncGenerator, Sequence
from typing import Any

import pytest

from analytics.read_models.progress import LEAST_PAUSE_SECONDS, ProgressReader
from tests.analytics.builders import NOON, ExpectedClose
from tests.analytics.harness import EVERYWHERE, Harness
from tests.tokens import bearer, signed

pytestmark = pytest.mark.real

PERIOD: dict[str, Any] = {"from_": "2026-03-01", "to": "2026-04-01"}


async def moved(harness: Harness, offset: int, partition: int = 0) -> None:
    """A checkpoint, as the runner moves it."""
    published = (NOON.timestamp() + offset) * 1000
    await harness.database["checkpoints"].update_one(
        {"_id": f"{harness.documents.checkpoints}candor.dialogs:{partition}"},
        {"$set": {"offset": offset, "before": "x", "published": int(published)}},
        upsert=True,
    )


async def test_every_response_says_how_new_it_is(harness: Harness) -> None:
    positions = []
    for offset, as_of in ((0, None), (3, "2026-03-02T12:00:03.000Z")):
        if offset:
            await moved(harness, offset)
            await moved(harness, 1, partition=2)
        found = [
            await harness.ask(path, **PERIOD)
            for path in ("summary", "operators", "channels", "hours", "reviews")
        ]
        assert {each["as_of"] for each in found} == {as_of}
        assert {each["behind_seconds"] for each in found} == {None}  # nothing consumes here
        [position] = {each["position"] for each in found}
        positions.append(position)
    assert len(set(positions)) == 2


async def test_other_projections_and_versions_do_not_matter(harness: Harness) -> None:
    before = await harness.ask("summary")
    for name in (
        "live_chat.v1:candor.dialogs:0",
        "live_chat.v20:candor.dialogs:0",
        "channels.v1:candor.channels:0",
    ):
        await harness.database["checkpoints"].insert_one({"_id": name, "offset": 5, "before": None})
    assert await harness.ask("summary") == before


async def test_who_asks_at_the_same_time_shares_a_read_and_who_comes_later_gets_a_later_one(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = 0
    reader = ProgressReader(harness.database, lambda: harness.documents, lambda: 1.5)
    read = reader.read

    async def counted() -> Any:
        nonlocal reads
        reads += 1
        return await read()

    monkeypatch.setattr(reader, "read", counted)
    first = await asyncio.gather(*(reader.look() for _ in range(50)))
    assert (reads, len(set(first)), first[0].behind) == (1, 1, 1.5)
    began = asyncio.get_running_loop().time()
    await moved(harness, 9)
    later = await reader.look()
    assert (reads, later.position != first[0].position) == (2, True)
    assert asyncio.get_running_loop().time() - began < 2 * LEAST_PAUSE_SECONDS + 1


async def test_who_asks_during_a_read_gets_the_next_one(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = ProgressReader(harness.database, lambda: harness.documents, lambda: None)
    read, begun, go_on = reader.read, asyncio.Event(), asyncio.Event()

    async def slow() -> Any:
        found = await read()
        begun.set()
        await go_on.wait()
        return found

    monkeypatch.setattr(reader, "read", slow)
    first = asyncio.create_task(reader.look())
    await begun.wait()
    await moved(harness, 5)
    second = asyncio.create_task(reader.look())
    await asyncio.sleep(0)  # it has asked
    go_on.set()
    assert (await second).position != (await first).position


async def events(harness: Harness) -> AsyncGenerator[dict[str, Any]]:
    """What a stream tells; httpx's own transport would wait for its end."""
    sent: asyncio.Queue[bytes] = asyncio.Queue()

    async def send(message: Any) -> None:
        if message["type"] == "http.response.body":
            await sent.put(message["body"])

    headers = bearer(signed(EVERYWHERE))
    scope = {
        "type": "http", "method": "GET", "path": "/v1/live-chat/changes", "raw_path": b"",
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        "query_string": b"",
        "http_version": "1.1", "scheme": "http", "server": ("analytics.test", 80), "client": ("127.0.0.1", 1),
        "asgi": {"version": "3.0", "spec_version": "2.4"},
    }  # fmt: skip
    answering = asyncio.create_task(harness.app(scope, Nobody(), send))
    try:
        async with asyncio.timeout(20):
            while True:
                text = (await sent.get()).decode()
                if text.startswith("data: "):
                    yield json.loads(text.removeprefix("data: "))
    finally:
        answering.cancel()


class Nobody:
    """The rest of a request that has no body, and never leaves."""

    def __init__(self) -> None:
        self._asked: Sequence[Any] = ()

    async def __call__(self) -> Any:
        if not self._asked:
            self._asked = (1,)
            return {"type": "http.request", "body": b"", "more_body": False}
        return await asyncio.Event().wait()


async def test_a_stream_tells_how_it_is_and_then_what_differs(harness: Harness) -> None:
    await moved(harness, 1)
    stream = events(harness)
    now = await anext(stream)
    assert now == {
        name: (await harness.ask("summary"))[name] for name in ("position", "as_of", "behind_seconds")
    }
    await harness.receive(ExpectedClose())
    await moved(harness, 2)
    harness.app.state.live.wake(["live_chat"])
    began = asyncio.get_running_loop().time()
    later = await anext(stream)
    assert later["position"] == (await harness.ask("summary"))["position"] != now["position"]
    assert asyncio.get_running_loop().time() - began < 3  # the poll comes later
    assert set(later) == set(now)  # and nothing of anybody's
    await stream.aclose()
