"""What the tests of rating share."""

from collections.abc import AsyncIterator

import pytest

from tests.rating.harness import Harness, open_harness


@pytest.fixture
async def harness(mongo: str, database: str) -> AsyncIterator[Harness]:
    """Rating on a database of the test's own."""
    async with open_harness(mongo, database) as harness:
        yield harness
