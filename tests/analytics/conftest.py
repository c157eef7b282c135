"""What the tests of analytics share."""

from collections.abc import AsyncIterator

import pytest

from tests.analytics.house import House, open_house


@pytest.fixture
async def house(mongo: str, database: str) -> AsyncIterator[House]:
    """Analytics on a database of the test's own."""
    async with open_house(mongo, database) as rooms:
        yield rooms
