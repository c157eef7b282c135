"""The event stores under test."""

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
    store = MongoEventStore(client[database])
    await store.prepare()
    yield store
    client.close()


@pytest.fixture
async def mongo_store(mongo: str, database: str) -> AsyncIterator[MongoEventStore]:
    async with opened(mongo, database) as store:
        yield store


@pytest.fixture(params=["memory", pytest.param("mongo", marks=pytest.mark.real)])
async def store(request: pytest.FixtureRequest) -> AsyncIterator[EventStore]:
    """Each event store there is; all of them pass one suite."""
    if request.param == "memory":
        yield InMemoryEventStore()
        return
    async with opened(request.getfixturevalue("mongo"), request.getfixturevalue("database")) as store:
        yield store
