"""A world on the real broker for each test."""

from collections.abc import AsyncIterator

import pytest

from tests.chassis.messaging.world import World


@pytest.fixture
async def world(kafka: str) -> AsyncIterator[World]:
    made = World(kafka)
    await made.create()
    yield made
    await made.publisher.stop()
