"""A harness on the real broker for each test."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from motor.motor_asyncio import AsyncIOMotorClient

from chassis.kafka.connection import KafkaConnection
from chassis.mongo import connect
from tests.chassis.kafka.counting_projection import CountingProjection
from tests.chassis.kafka.harness import KafkaHarness


@pytest.fixture
async def harness(kafka: KafkaConnection) -> AsyncIterator[KafkaHarness]:
    made = KafkaHarness(kafka)
    await made.create()
    yield made
    await made.publisher.stop()


@pytest.fixture
def client(mongo: str) -> "Iterator[AsyncIOMotorClient[dict[str, Any]]]":
    made = connect(mongo)
    yield made
    made.close()


@pytest.fixture
def counting(client: "AsyncIOMotorClient[dict[str, Any]]", database: str) -> CountingProjection:
    return CountingProjection(client, database)
