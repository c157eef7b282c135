"""What the tests of analytics share."""

from collections.abc import AsyncIterator

import pytest

from chassis.messaging.publisher import Publisher
from tests.analytics.house import House, open_house


@pytest.fixture
async def house(mongo: str, database: str) -> AsyncIterator[House]:
    """Analytics on a database of the test's own."""
    async with open_house(mongo, database) as rooms:
        yield rooms


@pytest.fixture
async def publisher(kafka: str) -> AsyncIterator[Publisher]:
    """Says records."""
    one = Publisher(kafka, "test")
    yield one
    await one.stop()
