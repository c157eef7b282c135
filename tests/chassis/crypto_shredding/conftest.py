"""A key ring on a real database, and a publisher that only remembers."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any
from uuid import uuid4

import pytest
from motor.motor_asyncio import AsyncIOMotorDatabase

from chassis.crypto_shredding import ErasurePace, KeyReader, KeyRing
from chassis.crypto_shredding.jwe import new_key
from chassis.errors import PublishFailed
from chassis.kafka.connection import KafkaConnection
from chassis.kafka.publisher import ProducerRecord, Publisher, RecordMetadata
from chassis.mongo import connect

Document = dict[str, Any]
TOPIC = "candor.test.keys"
MASTER_KEY, READERS_KEY = new_key(), new_key()


class Remembering(Publisher):
    """Kafka with one partition, in memory; `down` refuses, `during` happens while it writes."""

    def __init__(self) -> None:
        super().__init__(KafkaConnection(servers="nowhere:1"), "test")
        self.records: list[ProducerRecord] = []
        self.down = False
        self.during: Callable[[], Awaitable[None]] | None = None

    async def publish(self, records: Sequence[ProducerRecord]) -> list[RecordMetadata]:
        if self.down:
            raise PublishFailed("down")
        first = len(self.records)
        if self.during:
            during, self.during = self.during, None
            await during()
            first = len(self.records)
        self.records.extend(records)
        return [RecordMetadata(record.partition or 0, first + n) for n, record in enumerate(records)]

    def last(self, kid: str) -> ProducerRecord:
        """What compaction would keep of a key."""
        return next(record for record in reversed(self.records) if record.key == kid)


@pytest.fixture
async def store(mongo: str, database: str) -> AsyncIterator[AsyncIOMotorDatabase[Document]]:
    """A fresh database."""
    client = connect(mongo)
    yield client[database]
    client.close()


@pytest.fixture
def publisher() -> Remembering:
    """In memory."""
    return Remembering()


Rings = Callable[..., KeyRing]


@pytest.fixture
def replica(store: AsyncIOMotorDatabase[Document], publisher: Remembering) -> Rings:
    """Makes another replica's key ring on the same database."""

    def make(pace: ErasurePace | None = None) -> KeyRing:
        return KeyRing(
            store,
            service="chat",
            master_key=MASTER_KEY,
            readers_key=READERS_KEY,
            topic=TOPIC,
            publisher=publisher,
            pace=pace,
        )

    return make


@pytest.fixture
async def ring(replica: Rings) -> KeyRing:
    """A key ring."""
    ring = replica()
    await ring.prepare()
    return ring


@pytest.fixture
def reader(store: AsyncIOMotorDatabase[Document]) -> KeyReader:
    """Whoever reads what the ring publishes."""
    return KeyReader(store, readers_key=READERS_KEY)


@pytest.fixture
def client() -> str:
    """A client's id."""
    return uuid4().hex
