"""From a command to a consumer, on the real servers."""

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from chassis.clock import ManualClock
from chassis.eventstore.handle import handle
from chassis.eventstore.mongo import MongoEventStore
from chassis.eventstore.repository import Repository
from chassis.kafka.connection import KafkaConnection
from chassis.kafka.publisher import Publisher
from chassis.outbox.commit_handler import CommitHandler
from chassis.outbox.relay import OutboxRelay
from contracts.envelope import Envelope
from tests.chassis.eventstore.jar import JARS, NOON, PutCoin, to_public
from tests.chassis.outbox.recorder import Recorder, all_relayed, running
from tests.waiting import until

pytestmark = pytest.mark.real


@pytest.fixture
async def topic(kafka: KafkaConnection) -> str:
    name = f"toy.{uuid4().hex}"
    admin = AIOKafkaAdminClient(**kafka.options())
    await admin.start()
    await admin.create_topics([NewTopic(name, num_partitions=3, replication_factor=1)])
    await admin.close()
    return name


@pytest.fixture
async def publisher(kafka: KafkaConnection) -> AsyncIterator[Publisher]:
    publisher = Publisher(kafka, "toy")
    yield publisher
    await publisher.stop()


async def test_what_is_committed_is_published_in_order_of_each_jar(
    mongo_store: MongoEventStore, kafka: KafkaConnection, topic: str, publisher: Publisher
) -> None:
    handler = CommitHandler(JARS, lambda jar, event: to_public(topic, jar, event), Recorder().project)
    relay = OutboxRelay("toy", mongo_store, publisher, [handler])
    repository = Repository(mongo_store, ManualClock(NOON), wake=relay.wake)
    async with running(relay):
        for put in range(3):
            for key in range(20):
                await handle(repository, JARS, f"jar:{key}", PutCoin(f"{key}-{put}"))
        await until(lambda: all_relayed(mongo_store))
    found = await consume(kafka, topic, 60)
    for key in range(20):
        mine = [one for one in found if one.subject == f"{key}-0"]
        assert [(one.id, one.sequence) for one in mine] == [(f"jar:{key}:{n}", n) for n in (1, 2, 3)]


async def consume(kafka: KafkaConnection, topic: str, how_many: int) -> list[Envelope]:
    consumer = AIOKafkaConsumer(topic, **kafka.options(), auto_offset_reset="earliest")
    await consumer.start()
    try:
        return [Envelope.from_headers((await consumer.getone()).headers) for _ in range(how_many)]
    finally:
        await consumer.stop()
