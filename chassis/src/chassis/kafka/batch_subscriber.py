"""Makes FastStream hand on whole batches as they came, and leave acknowledging and rebalancing to us."""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.errors import GroupAuthorizationFailedError, KafkaError, TopicAuthorizationFailedError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from faststream.kafka.message import FAKE_CONSUMER, KafkaMessage

from chassis.kafka.clients import FETCH_WAIT_MS
from chassis.kafka.connection import KafkaConnection
from chassis.kafka.records import Record

quiet = logging.getLogger("chassis.kafka.faststream")
quiet.setLevel(logging.ERROR)


async def _parse(records: tuple[Record, ...]) -> KafkaMessage:
    # FastStream's own parser decodes headers: one null or non-UTF-8 header loses the whole batch.
    return KafkaMessage(body=b"", raw_message=records, consumer=FAKE_CONSUMER)


async def _leave_encoded(message: KafkaMessage) -> Any:
    return message.raw_message


RIGHT_WITHDRAWN = (TopicAuthorizationFailedError, GroupAuthorizationFailedError)
"""No right to a topic or to the group any more: FastStream only logs it and fetches again, for ever."""

MIB = 2**20
BROKER: Mapping[str, Any] = {"consumer_only": True, "logger": quiet, "apply_types": False}
HOW: Mapping[str, Any] = {
    "batch": True,
    "ack_policy": AckPolicy.MANUAL,
    "auto_offset_reset": "earliest",
    "partition_assignment_strategy": (RangePartitionAssignor,),
    "rebalance_timeout_ms": 60_000,
    "heartbeat_interval_ms": 1_000,
    "fetch_max_wait_ms": FETCH_WAIT_MS,
    "fetch_max_bytes": 16 * MIB,
    "max_partition_fetch_bytes": 4 * MIB,
    "batch_timeout_ms": 20,
    "parser": _parse,
    "decoder": _leave_encoded,
}


@dataclass(frozen=True)
class SubscriberOptions:
    """Which records of which topics, as whom; a batch mixes partitions and holds up to `max_records`.

    `stop_seconds` is what a stop waits for the batch in hand; without any, FastStream does not wait at all.
    """

    service: str
    connection: KafkaConnection
    group: str
    topics: Sequence[str]
    max_records: int
    stop_seconds: float = 25.0


def batch_subscriber(
    wanted: SubscriberOptions,
    consume: Callable[[Sequence[Record]], Awaitable[None]],
    rebalances: ConsumerRebalanceListener,
    denied: Callable[[KafkaError], None],
) -> tuple[KafkaBroker, Any]:
    """A broker that is not started yet, and its one subscriber; `denied` is told of a withdrawn right."""
    common = {**wanted.connection.broker_options(), **BROKER}
    broker = KafkaBroker(**common, client_id=f"candor-{wanted.service}", graceful_timeout=wanted.stop_seconds)
    subscriber = broker.subscriber(
        *wanted.topics, group_id=wanted.group, max_records=wanted.max_records, listener=rebalances, **HOW
    )
    subscriber(consume)
    fetch = subscriber.get_msg

    async def get_msg(consumer: AIOKafkaConsumer) -> Any:
        try:
            return await fetch(consumer)
        except RIGHT_WITHDRAWN as error:
            denied(error)
            raise

    subscriber.get_msg = get_msg
    return broker, subscriber
