"""The logs under test."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from chassis.eventstore.memory import InMemoryEventStore
from chassis.eventstore.mongo import MongoEventStore
from chassis.eventstore.store import EventStore
from chassis.mongo import connect


@asynccontextmanager
async def opened(uri: str, database: str) -> AsyncIterator[MongoEventStore]:
    client = connect(uri)
    log = MongoEventStore(client[database])
    await log.prepare()
    yield log
    client.close()


@pytest.fixture
async def mongo_log(mongo: str, database: str) -> AsyncIterator[MongoEventStore]:
    async with opened(mongo, database) as log:
        yield log


@pytest.fixture(params=["memory", pytest.param("mongo", marks=pytest.mark.real)])
async def log(request: pytest.FixtureRequest) -> AsyncIterator[EventStore]:
    """Each event log there is; all of them pass one suite."""
    if request.param == "memory":
        yield InMemoryEventStore()
        return
    async with opened(request.getfixturevalue("mongo"), request.getfixturevalue("database")) as log:
        yield log
