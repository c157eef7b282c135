"""A chat of its own for each test that wants one."""

from collections.abc import AsyncIterator

import pytest

from chassis.kafka.connection import KafkaConnection
from tests.chat.harness import Harness, running, settings_for


@pytest.fixture
async def harness(kafka: KafkaConnection, mongo: str, database: str) -> AsyncIterator[Harness]:
    async with running(settings_for(kafka, mongo, database)) as harness:
        yield harness
