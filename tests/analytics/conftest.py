"""What the tests of analytics share."""

from collections.abc import AsyncIterator

import pytest

from chassis.kafka.connection import KafkaConnection
from chassis.kafka.publisher import Publisher
from tests.analytics.harness import Harness, open_harness


@pytest.fixture
async def house(mongo: str, database: str) -> AsyncIterator[Harness]:
    """Analytics on a database of the test's own."""
    async with open_harness(mongo, database) as rooms:
        yield rooms


@pytest.fixture
async def publisher(kafka: KafkaConnection) -> AsyncIterator[Publisher]:
    """Says records."""
    one = Publisher(kafka, "test")
    yield one
    await one.stop()
