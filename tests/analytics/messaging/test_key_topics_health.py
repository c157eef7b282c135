"""Why keys are not read, in sentences for the platform team and not in those of drivers."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest
from aiokafka.errors import KafkaConnectionError, KafkaTimeoutError, TopicAuthorizationFailedError
from pymongo.errors import AutoReconnect, ServerSelectionTimeoutError, _OperationCancelled

from analytics.messaging import key_topics
from analytics.messaging.key_topics import KeyTopics
from chassis.kafka.connection import KafkaConnection

NOWHERE = KafkaConnection(servers="127.0.0.1:1")
BROKER, DATABASE = "the broker doesn't answer", "the database doesn't answer"


@asynccontextmanager
async def consumer(error: Exception | None = None) -> AsyncIterator[None]:
    """Cannot start, if it is told why."""
    if error:
        raise error
    yield


class Positions:
    """Cannot be read."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    async def prepare(self) -> None:
        raise self.error


async def reason(
    monkeypatch: pytest.MonkeyPatch, reader: AbstractAsyncContextManager[None], positions: Any
) -> str | None:
    monkeypatch.setattr(key_topics, "reader", lambda *_, **__: reader)
    topics: Any = KeyTopics
    part: KeyTopics = topics(
        service="a", connection=NOWHERE, topics=(), positions=positions, dead_letters=None, clock=None
    )
    with pytest.raises(Exception):  # noqa: B017, PT011 - whatever it is, it is tried again elsewhere
        await part._read_until_lost()
    return part.unhealthy_reason()


@pytest.mark.parametrize("error", [KafkaTimeoutError(), OSError(), TimeoutError()])
async def test_a_broker_that_is_away(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    found = await reason(monkeypatch, consumer(error), None)
    assert found == f"the key topics are not read: {BROKER}"


async def test_a_broker_that_does_not_let_us_in(monkeypatch: pytest.MonkeyPatch) -> None:
    told = await reason(monkeypatch, consumer(KafkaConnectionError("127.0.0.1:1")), None)
    assert told is not None
    assert told.startswith("the key topics are not read: No Kafka server can be used: 127.0.0.1:1: ")


async def test_a_topic_that_may_not_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    told = await reason(monkeypatch, consumer(TopicAuthorizationFailedError("candor.dialogs.keys")), None)
    assert told == "the key topics are not read: no right to candor.dialogs.keys"


@pytest.mark.parametrize(
    "error",
    [_OperationCancelled("operation cancelled"), AutoReconnect(), ServerSelectionTimeoutError("db:1")],
)
async def test_a_database_that_is_away(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    found = await reason(monkeypatch, consumer(), Positions(error))
    assert found == f"the key topics are not read: {DATABASE}"
