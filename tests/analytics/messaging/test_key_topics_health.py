"""Why keys are not read, in sentences for the platform team and not in those of drivers."""

from typing import Any

import pytest
from aiokafka.errors import KafkaConnectionError, KafkaTimeoutError, TopicAuthorizationFailedError
from aiokafka.structs import TopicPartition
from pymongo.errors import AutoReconnect, ServerSelectionTimeoutError, _OperationCancelled

from analytics.messaging.inbound import keys_reader
from chassis.clock import ManualClock
from chassis.crypto_shredding import KeyReader
from chassis.kafka import partition_positions, subscription
from chassis.kafka.connection import KafkaConnection
from chassis.kafka.publisher import Publisher
from chassis.kafka.table_reader import TableReader
from chassis.mongo import connect
from tests.analytics.builders import NOON
from tests.waiting import until

NOWHERE = KafkaConnection(servers="127.0.0.1:1")


def reading() -> TableReader:
    """A reader of keys that reaches neither database nor broker."""
    database = connect("mongodb://127.0.0.1:1")["a"]
    reader = KeyReader(database, readers_key=b"A" * 32)
    return keys_reader(database, NOWHERE, Publisher(NOWHERE, "a"), reader, ManualClock(NOON))


async def reason(monkeypatch: pytest.MonkeyPatch, error: Exception) -> str:
    async def fail(*_: Any) -> None:
        raise error

    monkeypatch.setattr(subscription, "partitions_of", fail)
    part = reading()
    with pytest.raises(type(error)):  # it is tried again elsewhere
        await part._subscription._consume()
    return part.unhealthy_reason() or ""


@pytest.mark.parametrize("error", [KafkaTimeoutError(), OSError(), TimeoutError()])
async def test_a_broker_that_is_away(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    assert (await reason(monkeypatch, error)).endswith(": nothing is consumed: the broker doesn't answer")


async def test_a_broker_that_does_not_let_us_in(monkeypatch: pytest.MonkeyPatch) -> None:
    told = await reason(monkeypatch, KafkaConnectionError("127.0.0.1:1"))
    assert ": nothing is consumed: No Kafka server can be used: 127.0.0.1:1: " in told


async def test_a_topic_that_may_not_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    told = await reason(monkeypatch, TopicAuthorizationFailedError("candor.dialogs.keys"))
    assert told.endswith(": nothing is consumed: no right to candor.dialogs.keys")


@pytest.mark.parametrize(
    "error",
    [_OperationCancelled("operation cancelled"), AutoReconnect(), ServerSelectionTimeoutError("db:1")],
)
async def test_a_database_that_is_away(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    async def fail(_: Any) -> None:
        raise error

    monkeypatch.setattr(partition_positions, "LOCATE_SECONDS", 0)
    part = reading()
    monkeypatch.setattr(part._checkpoints, "locate", fail)
    part._on_assigned(frozenset({TopicPartition("keys", 0)}))
    await until(lambda: "key topics: its checkpoints can't be read" in (part.unhealthy_reason() or ""))
    await part._positions.stop()
