"""When a client is forgotten, no byte of Kafka's files holds their keys for long, wrapped or not."""

import asyncio
import os
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Collection, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from motor.motor_asyncio import AsyncIOMotorDatabase

from chassis.crypto_shredding import ErasurePace, KeyReader, KeyRing, jwe
from chassis.crypto_shredding.compaction import KeyLocation, _still_there, compacted_away, compaction_nudges
from chassis.kafka.connection import KafkaConnection
from chassis.kafka.publisher import Publisher
from contracts.keys import KEY_EVENTS, KeyPublished
from contracts.topics import RATING_KEYS
from deploy.local.process import Process
from deploy.local.servers import Servers
from tests.chassis.crypto_shredding.sealing import opened, receive, seal
from tests.waiting import until

pytestmark = [pytest.mark.real, pytest.mark.long, pytest.mark.timeout(400)]

Store = AsyncIOMotorDatabase[dict[str, Any]]
MASTER_KEY, READERS_KEY = jwe.new_key(), jwe.new_key()
A_MINUTE = 60.0


@pytest.fixture
async def topic(kafka: KafkaConnection) -> AsyncIterator[str]:
    """A topic like the key topics, but in a hurry: tests/e2e/test_canary.py has their real settings."""
    hurried = {**RATING_KEYS.config, "segment.ms": "1000", "max.compaction.lag.ms": "1000"}
    name = f"{RATING_KEYS.name}.{uuid4().hex}"
    admin = AIOKafkaAdminClient(**kafka.options())
    await admin.start()
    await admin.create_topics([NewTopic(name, 1, 1, topic_configs=hurried)])
    yield name
    await admin.delete_topics([name])
    await admin.close()


@pytest.fixture
async def publisher(kafka: KafkaConnection) -> AsyncIterator[Publisher]:
    """To the real Kafka."""
    publisher = Publisher(kafka, "test")
    yield publisher
    await publisher.stop()


@pytest.fixture
async def ring(
    store: Store, kafka: KafkaConnection, topic: str, publisher: Publisher
) -> AsyncIterator[KeyRing]:
    """A key ring with its nudges running; it stops as soon as it sees that compaction is through."""
    ring = KeyRing(
        store,
        service="rating",
        master_key=MASTER_KEY,
        readers_key=READERS_KEY,
        topic=topic,
        publisher=publisher,
        connection=kafka,
        pace=ErasurePace(resend_after=timedelta(0), settle_after=timedelta(0)),
    )
    await ring.prepare()
    running = asyncio.create_task(ring.run())
    yield ring
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def received(kafka: KafkaConnection, topic: str) -> list[Any]:
    """All records of the topic that are there now, tombstones too."""
    consumer = AIOKafkaConsumer(topic, **kafka.options(), auto_offset_reset="earliest")
    await consumer.start()
    try:
        ends = await consumer.end_offsets(consumer.assignment())
        records: list[Any] = []
        while any([await consumer.position(partition) < end for partition, end in ends.items()]):
            for batch in (await consumer.getmany(timeout_ms=200)).values():
                records += batch
        return records
    finally:
        await consumer.stop()


async def keys_in(kafka: KafkaConnection, topic: str) -> dict[str, KeyPublished]:
    """The published keys that a reader finds in the topic, by dialog."""
    records = [record.value for record in await received(kafka, topic) if record.value is not None]
    events = [KEY_EVENTS.validate_json(value) for value in records]
    return {event.scope: event for event in events if isinstance(event, KeyPublished)}


def found_in(folder: Path, needles: Collection[bytes]) -> set[bytes]:
    """Which of `needles` stand in a file below `folder`, those included that were renamed to be deleted."""
    # Kafka's index files are large: each is read once for all.
    return {
        needle
        for path in _files(folder)
        for content in [_bytes(path)]
        for needle in needles
        if needle in content
    }


def _files(folder: Path) -> Iterator[Path]:
    for at, _, names in os.walk(folder):
        yield from (Path(at, name) for name in names)


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:  # compacted away while we looked
        return b""


class Files:
    """The data folders of the embedded servers."""

    def __init__(self, servers: Servers) -> None:
        if not isinstance(servers.kafka, Process):
            pytest.skip("only the embedded servers' files can be read")
        self.kafka = servers.kafka.folder / "kafka"
        self.mongo = servers.kafka.folder / "mongo"

    def segments(self, topic: str) -> int:
        """How many segments the topic's only partition has."""
        return len(list((self.kafka / f"{topic}-0").glob("*.log")))


@pytest.fixture
def files(stack_servers: Servers) -> Files:
    """To be read byte by byte."""
    return Files(stack_servers)


async def next_segment(publisher: Publisher, topic: str, files: Files) -> None:
    """Returns when what was written so far is in a closed segment."""
    before = files.segments(topic)

    async def rolled() -> bool:
        await publisher.publish(compaction_nudges(topic, "/candor/rating", [0]))
        return files.segments(topic) != before

    await until(rolled, within=30)


def ciphertext(sealed: str) -> bytes:
    """The part that is like no other, in letters as Kafka and MongoDB store them."""
    return sealed.split(".")[3].encode()


async def test_a_forgotten_key_leaves_every_byte_of_kafka(
    ring: KeyRing, publisher: Publisher, store: Store, kafka: KafkaConnection, topic: str, files: Files
) -> None:
    reader = KeyReader(store, readers_key=READERS_KEY)
    words: dict[str, str] = {}
    for dialogs in (("a1", "b1"), ("a2", "b2")):
        words |= {dialog: await seal(ring, dialog, dialog[0], "the canary") for dialog in dialogs}
        await ring.publish(dialogs)
        await next_segment(publisher, topic, files)
    raw = [
        jwe.unseal(key["wrapped"], MASTER_KEY, jwe.key_context(key["subject"], key["_id"], key["kid"]))
        async for key in store["keys"].find()
    ]
    keys = await keys_in(kafka, topic)
    await receive(reader, {key.kid: key for key in keys.values()})
    assert {await opened(reader, at, at[0], sealed) for at, sealed in words.items()} == {"the canary"}
    wrapped = {dialog: ciphertext(key.wrapped) for dialog, key in keys.items()}
    assert found_in(files.kafka, wrapped.values()) == set(wrapped.values())

    await ring.erase("a")

    async def gone() -> bool:
        return not found_in(files.kafka, [wrapped["a1"], wrapped["a2"]])

    await until(gone, within=A_MINUTE)
    assert found_in(files.kafka, [wrapped["b1"]])
    assert [await opened(ring, at, at[0], words[at]) for at in ("a1", "a2", "b1")] == [
        None,
        None,
        "the canary",
    ]
    forms = [form for key in raw for form in (key, key.hex().encode(), urlsafe_b64encode(key).rstrip(b"="))]
    assert not found_in(files.kafka, forms)
    assert not found_in(files.mongo, forms)


async def test_nudges_end_when_compaction_is_through_and_no_sooner(
    ring: KeyRing, store: Store, kafka: KafkaConnection, topic: str
) -> None:
    await seal(ring, "a1", "a", "the canary")
    await ring.publish(["a1"])
    await ring.erase("a")
    assert "a1" in await keys_in(kafka, topic)

    async def removed() -> bool:
        return not await store["tombstones"].count_documents({})

    await until(removed, within=A_MINUTE)
    assert await keys_in(kafka, topic) == {}


async def test_a_place_that_was_never_written_holds_nothing(
    kafka: KafkaConnection, topic: str, ring: KeyRing
) -> None:
    await seal(ring, "a1", "a", "the canary")
    await ring.publish(["a1"])
    (key,) = (await keys_in(kafka, topic)).values()
    here, elsewhere = KeyLocation(key.kid, 0, 0), KeyLocation("another", 0, 0)
    assert await compacted_away(kafka, topic, [here, elsewhere]) == {elsewhere}


class Silent(AIOKafkaConsumer):  # type: ignore[misc]
    """A broker that sends nothing in time."""

    def __init__(self) -> None:
        """Connects to nobody."""

    def __del__(self) -> None:
        """Has nothing to close."""

    def assign(self, _: Any) -> None:
        return

    def seek(self, *_: Any) -> None:
        return

    async def getmany(self, *_: Any, **__: Any) -> dict[Any, Any]:
        return {}


async def test_a_broker_that_sends_nothing_in_time_does_not_tell_that_a_key_is_gone() -> None:
    assert await _still_there(Silent(), "topic", KeyLocation("kid", 0, 0))
