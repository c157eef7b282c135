"""Hearing from the real broker: closes through the projection, keys through their group."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from random import Random
from typing import Any
from uuid import uuid4

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from pydantic import TypeAdapter

from analytics.adapters.key_topics import KeyTopics
from analytics.messaging.inbound import LiveChat
from analytics.messaging.keys import Keys
from chassis.messaging.hearing import Hearing
from chassis.messaging.projecting import Projecting
from chassis.messaging.publisher import Outgoing, Publisher
from chassis.service import Part
from contracts.dialogs import DIALOG_EVENTS, DialogClosed, DialogOpened, DialogReopened
from contracts.envelope import Envelope
from contracts.keys import KEY_EVENTS, KeyPublished
from contracts.ratings import RATING_EVENTS
from tests.analytics.house import House
from tests.analytics.story import NOON, SEALED, many, shuffled

pytestmark = pytest.mark.real


async def until(condition: Callable[[], Awaitable[bool]], seconds: float = 60) -> None:
    async with asyncio.timeout(seconds):
        while not await condition():  # noqa: ASYNC110 - what is waited for happens in Kafka
            await asyncio.sleep(0.05)


@asynccontextmanager
async def running(part: Part) -> AsyncIterator[None]:
    task = asyncio.create_task(part.run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@pytest.fixture
async def publisher(kafka: str) -> AsyncIterator[Publisher]:
    one = Publisher(kafka, "test")
    yield one
    await one.stop()


async def topics(kafka: str, *names: str) -> tuple[str, ...]:
    made = tuple(f"{name}-{uuid4().hex[:8]}" for name in names)
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    await admin.create_topics([NewTopic(name, 3, 1) for name in made])
    await admin.close()
    return made


def record(topic: str, key: str, event: Any, number: int) -> Outgoing:
    envelope = Envelope(
        id=f"{key}:{number}", type=event.type, source="/candor/test", time=NOON, subject=key, sequence=1
    )
    return Outgoing(topic, key, event.model_dump_json().encode(), envelope.to_headers())


async def test_closes_are_counted_once_through_restarts(
    house: House, kafka: str, publisher: Publisher
) -> None:
    dialogs, ratings = await topics(kafka, "dialogs", "ratings")
    random = Random(11)
    told = many(random, 150)
    events = shuffled(random, told)
    spoken = (DialogOpened, DialogClosed, DialogReopened)
    records = [
        record(dialogs if isinstance(event, spoken) else ratings, event.dialog, event, number)
        for number, event in enumerate(events)
    ]

    def projecting() -> Projecting:
        heard: dict[str, TypeAdapter[Any]] = {dialogs: DIALOG_EVENTS, ratings: RATING_EVENTS}
        return Projecting(
            service="analytics", bootstrap=kafka, group=f"g-{dialogs}", topics=heard,
            projection=LiveChat(house.rooms), client=house.client, database=house.database,
            publisher=publisher,
        )  # fmt: skip

    async def all_read() -> bool:
        offsets = [int(each["offset"]) async for each in house.rooms["checkpoints"].find()]
        return expected <= sum(offsets)

    half, expected = len(records) // 2, 0
    for part in (records[:half], records[half:]):
        await publisher.publish(part)
        expected += len(part)
        async with running(projecting()):
            await until(all_read)
    counts: Counter[str] = Counter()
    for close in told:
        counts.update(close.counts())
    summary = await house.ask("summary")
    assert {state: summary[state] for state in ("closed", "given", "expired", "pending", "satisfied")} == {
        state: counts[state] for state in ("closed", "given", "expired", "pending", "satisfied")
    }
    assert (await house.ask("reconcile"))["equal"]


class Learnt:
    """Notes what it is told."""

    def __init__(self) -> None:
        self.kids: set[str] = set()

    async def learn(self, key: KeyPublished) -> None:
        self.kids.add(key.kid)

    async def unlearn(self, kid: str) -> None:
        self.kids.discard(kid)


async def test_keys_are_learnt_and_forgotten_and_the_end_is_known(kafka: str, publisher: Publisher) -> None:
    (topic,) = await topics(kafka, "keys")
    group, learnt = f"g-{topic}", Learnt()
    ends, keys = KeyTopics(kafka, group, [topic]), Keys(learnt)
    hearing = Hearing(
        service="analytics", bootstrap=kafka, group=group, topics={topic: KEY_EVENTS},
        handler=keys.heard, tombstone=keys.gone, publisher=publisher,
    )  # fmt: skip
    await until(ends.read_to_end)
    published = [KeyPublished(kid=f"k{n}", dialog="d1", client="c1", wrapped=SEALED) for n in range(4)]
    await publisher.publish([record(topic, key.kid, key, 0) for key in published])
    assert not await ends.read_to_end()
    async with running(hearing):
        await until(ends.read_to_end)
        assert learnt.kids == {"k0", "k1", "k2", "k3"}
        await publisher.publish([Outgoing(topic, "k2", None)])
        await until(lambda: _forgotten(learnt, "k2"))
        await until(ends.read_to_end)
    assert learnt.kids == {"k0", "k1", "k3"}


async def _forgotten(learnt: Learnt, kid: str) -> bool:
    return kid not in learnt.kids


async def test_a_topic_that_is_not_there_was_not_read(kafka: str) -> None:
    assert not await KeyTopics(kafka, "g", ["nowhere"]).read_to_end()


async def test_a_broker_that_is_away_means_not_read() -> None:
    assert not await KeyTopics("127.0.0.1:1", "g", ["keys"]).read_to_end()
