"""The logs under test."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from chassis.eventlog.log import EventLog
from chassis.eventlog.memory import MemoryLog
from chassis.eventlog.mongo import MongoLog
from chassis.mongo import connect


@asynccontextmanager
async def opened(uri: str, database: str) -> AsyncIterator[MongoLog]:
    client = connect(uri)
    log = MongoLog(client[database])
    await log.prepare()
    yield log
    client.close()


@pytest.fixture
async def mongo_log(mongo: str, database: str) -> AsyncIterator[MongoLog]:
    async with opened(mongo, database) as log:
        yield log


@pytest.fixture(params=["memory", pytest.param("mongo", marks=pytest.mark.real)])
async def log(request: pytest.FixtureRequest) -> AsyncIterator[EventLog]:
    """Each event log there is; all of them pass one suite."""
    if request.param == "memory":
        yield MemoryLog()
        return
    async with opened(request.getfixturevalue("mongo"), request.getfixturevalue("database")) as log:
        yield log
