"""What the tests of analytics share."""

from collections.abc import AsyncIterator

import pytest

from chassis.kafka.connection import KafkaConnection
from chassis.kafka.publisher import Publisher
from tests.analytics.harness import Harness, open_harness


@pytest.fixture
async def harness(mongo: str, database: str) -> AsyncIterator[Harness]:
    """Analytics on a database of the test's own."""
    async with open_harness(mongo, database) as one:
        yield one


@pytest.fixture
async def publisher(kafka: KafkaConnection) -> AsyncIterator[Publisher]:
    """Publishes records."""
    one = Publisher(kafka, "test")
    yield one
    await one.stop()
