"""Streams of changes: at once with wake-ups, on whichever replica; without any, a little later."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from itertools import count
from typing import Any

import httpx
import pytest
from aiokafka import AIOKafkaConsumer

from chassis.http import live
from chassis.kafka.connection import KafkaConnection
from chassis.kafka.publisher import ProducerRecord, Publisher
from chat import app
from chat.app import build
from chat.messaging import wakeups
from contracts.topics import WAKEUPS
from tests.chat.harness import Harness, Person, done
from tests.serving import served, told
from tests.tokens import bearer
from tests.waiting import until

pytestmark = pytest.mark.real

OWN, LIST = "/v1/visitors/me/changes", "/v1/changes"
REPLICA = ("database_clock", "keys", "wakeups")
"""The tasks of one that relays nothing, so that what it shows another one has projected."""


@asynccontextmanager
async def watching(client: httpx.AsyncClient, path: str, who: Person) -> AsyncIterator[list[Any]]:
    """What the stream has told so far: versions by dialog, the last one at the end."""
    seen: list[Any] = []
    async with client.stream("GET", path, headers=bearer(who.token or "")) as response:
        assert response.status_code == 200

        async def collect() -> None:
            async for event in told(response):
                seen.append(event["dialogs"])  # noqa: PERF401 - others look at it meanwhile

        collecting = asyncio.create_task(collect())
        await until(lambda: seen)
        yield seen
        collecting.cancel()
        await asyncio.wait([collecting])


async def until_told(seen: list[Any], path: str, version: int | None, within: float = 30) -> None:
    dialog = path.rpartition("/")[2]
    await until(lambda: seen[-1].get(dialog) == version, within=within)


async def test_on_another_replica_a_change_is_told_long_before_the_poll(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "LiveUpdates", partial(live.LiveUpdates, poll_seconds=3600.0))
    monkeypatch.setattr(live, "HEARTBEAT_SECONDS", 3600.0)
    channel = await harness.channel()
    ann, bo = harness.operator("ann", channel), harness.operator("bo", channel)
    cat = harness.operator("cat")
    zoe = await harness.visitor(channel)
    async with AsyncExitStack() as stack:
        client, _ = await stack.enter_async_context(served(build(harness.settings, only=REPLICA)))
        own, anns, bos, cats = [
            await stack.enter_async_context(watching(client, path, who))
            for path, who in ((OWN, zoe), (LIST, ann), (LIST, bo), (LIST, cat))
        ]
        assert own == anns == bos == [{}]
        nonsense = [ProducerRecord(WAKEUPS.name, "d", value, []) for value in (None, b"", b"[1]", b"\xff")]
        publisher = Publisher(harness.settings.kafka, "test")
        await publisher.publish(nonsense)
        await publisher.stop()
        await hears(await harness.dialog(zoe), zoe, own)
        path = await harness.dialog(zoe)
        for seen in (own, anns, bos, cats):
            await until_told(seen, path, 1)
        done(await ann.put(f"{path}/operator"))
        await until_told(anns, path, 2)
        for seen in (bos, cats):
            await until_told(seen, path, None)
        done(await zoe.put(f"{path}/messages/m1", {"text": "Hello"}))
        for seen in (own, anns):
            await until_told(seen, path, 3)
        done(await ann.post(f"{path}/close"))
        for seen in (own, anns):
            await until_told(seen, path, 4)
        assert str(path) not in str(bos[-1])


async def hears(path: str, zoe: Person, own: list[Any]) -> None:
    """Returns once the replica hears of others: it begins at the topic's end, a while after its start."""
    numbers = count()

    async def write() -> None:
        done(await zoe.put(f"{path}/messages/warm{next(numbers)}", {"text": "Hello"}))
        await asyncio.sleep(0.1)

    await until(write, lambda _: len(own) > 1)


async def test_who_writes_on_and_on_makes_a_whole_channel_look_now_and_then(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "LiveUpdates", partial(live.LiveUpdates, poll_seconds=3600.0))
    monkeypatch.setattr(live, "HEARTBEAT_SECONDS", 3600.0)
    monkeypatch.setattr(wakeups, "AHEAD_SECONDS", 0.0)
    channel = await harness.channel()
    ann, zoe = harness.operator("ann", channel), await harness.visitor(channel)
    async with (
        served(build(harness.settings, only=REPLICA)) as (client, _),
        watching(client, OWN, zoe) as own,
        watching(client, LIST, ann) as anns,
    ):
        path = await harness.dialog(zoe)
        await hears(path, zoe, own)
        told_before, own_before, ends_at = (
            len(anns),
            len(own),
            time.monotonic() + 1.5 * wakeups.CHANNELS_SECONDS,
        )
        for number in count(1):
            done(await zoe.put(f"{path}/messages/m{number}", {"text": "Hello"}))
            if time.monotonic() > ends_at:
                break
        assert len(own) - own_before > 6
        assert len(anns) - told_before <= 3
        await until(lambda: anns[-1] == own[-1])


async def test_without_any_wake_up_the_same_is_told_a_little_later(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "LiveUpdates", partial(live.LiveUpdates, poll_seconds=0.2))
    channel = await harness.channel()
    ann, zoe = harness.operator("ann", channel), await harness.visitor(channel)
    deaf = build(harness.settings, only=REPLICA[:2])
    async with (
        served(deaf) as (client, _),
        watching(client, OWN, zoe) as own,
        watching(client, LIST, ann) as anns,
    ):
        path = await harness.dialog(zoe, taken_by=ann)
        done(await zoe.put(f"{path}/messages/m1", {"text": "Hello"}))
        for seen in (own, anns):
            await until_told(seen, path, 3)


async def test_what_wakes_holds_a_dialog_and_a_version_and_no_word(
    harness: Harness, kafka: KafkaConnection
) -> None:
    consumer = AIOKafkaConsumer(WAKEUPS.name, **kafka.options(), auto_offset_reset="earliest")
    await consumer.start()
    try:
        zoe = await harness.visitor(await harness.channel(), name="Zoë Canary")
        path = await harness.dialog(zoe)
        done(await zoe.put(f"{path}/messages/m1", {"text": "a canary"}))
        dialog = path.rpartition("/")[2]
        values: list[Any] = []

        async def look() -> Any:
            for records in (await consumer.getmany(timeout_ms=100)).values():
                values.extend(record.value for record in records if record.key == dialog.encode())
            return values[-1:]

        await until(look, lambda last: last == [b'{"dialog":"%s","version":2}' % dialog.encode()])
    finally:
        await consumer.stop()


async def test_nobody_watches_what_is_not_theirs(harness: Harness) -> None:
    channel = await harness.channel()
    ann, zoe = harness.operator("ann", channel), await harness.visitor(channel)
    assert (await harness.anybody.get(OWN)).status_code == 401
    assert (await harness.anybody.get(LIST)).status_code == 401
    assert (await ann.get(OWN)).status_code == 403
    assert (await zoe.get(LIST)).status_code == 403
    assert (await harness.admin.get(LIST)).status_code == 403


async def test_a_stream_knows_only_ones_own_dialogs(harness: Harness) -> None:
    channel, elsewhere = await harness.channel(), await harness.channel()
    ann, zoe = harness.operator("ann", channel), await harness.visitor(channel)
    path = await harness.dialog(zoe)
    others = [
        await harness.dialog(await harness.visitor(channel), taken_by=harness.operator("bo", channel)),
        await harness.dialog(await harness.visitor(elsewhere)),
    ]
    await until(harness.unrelayed, lambda pending: pending == 0)
    async with (
        served(build(harness.settings, only=REPLICA[:2])) as (client, _),
        watching(client, OWN, zoe) as own,
        watching(client, LIST, ann) as anns,
    ):
        assert own == anns == [{path.rpartition("/")[2]: 1}]
        assert all(other.rpartition("/")[2] not in str(anns) for other in others)
