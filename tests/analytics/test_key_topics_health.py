"""Why keys are not read, in sentences for the platform team and not in those of drivers."""

from typing import Any

import pytest
from aiokafka.errors import KafkaConnectionError, KafkaTimeoutError
from pymongo.errors import AutoReconnect, ServerSelectionTimeoutError, _OperationCancelled

from analytics.messaging import key_topics
from analytics.messaging.key_topics import KeyTopics

BROKER, DATABASE = "the broker doesn't answer", "the database doesn't answer"


class Consumer:
    """Cannot start, if it is told why."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error

    async def start(self) -> None:
        if self.error:
            raise self.error

    async def stop(self) -> None:
        """Nothing was started."""


class Positions:
    """Cannot be read."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    async def prepare(self) -> None:
        raise self.error


async def reason(monkeypatch: pytest.MonkeyPatch, consumer: Consumer, positions: Any) -> str | None:
    monkeypatch.setattr(key_topics, "consumer_of", lambda *_: consumer)
    topics: Any = KeyTopics
    part: KeyTopics = topics(service="a", bootstrap="b:1", positions=positions, dead_letters=None, clock=None)
    with pytest.raises(Exception):  # noqa: B017, PT011 - whatever it is, it is tried again elsewhere
        await part._read_until_lost()
    return part.unhealthy_reason()


@pytest.mark.parametrize(
    "error", [KafkaConnectionError("b:1"), KafkaTimeoutError(), OSError(), TimeoutError()]
)
async def test_a_broker_that_is_away(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    found = await reason(monkeypatch, Consumer(error), None)
    assert found == f"the key topics are not read: {BROKER}"


@pytest.mark.parametrize(
    "error",
    [_OperationCancelled("operation cancelled"), AutoReconnect(), ServerSelectionTimeoutError("db:1")],
)
async def test_a_database_that_is_away(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    found = await reason(monkeypatch, Consumer(), Positions(error))
    assert found == f"the key topics are not read: {DATABASE}"
