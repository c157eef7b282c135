"""Makes FastStream hand on whole batches as they came, and leave acknowledging and rebalancing to us."""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.errors import (
    ConsumerStoppedError,
    GroupAuthorizationFailedError,
    KafkaError,
    TopicAuthorizationFailedError,
)
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

PASSING = (KafkaError, ConsumerStoppedError)
"""After these FastStream fetches again, or is asked to stop; anything else ends its task in silence."""

MIB = 2**20
POLL_MS = 200
METADATA_MS = 30_000
"""How soon new partitions are noticed."""

BROKER: Mapping[str, Any] = {
    "consumer_only": True, "logger": quiet, "apply_types": False, "metadata_max_age_ms": METADATA_MS,
}  # fmt: skip
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
    "parser": _parse,
    "decoder": _leave_encoded,
}


@dataclass(frozen=True)
class SubscriberOptions:
    """Which records of which topics, as whom; a batch mixes partitions and holds up to `max_records`.

    Without a `group` all partitions are read. `stop_seconds` is what a stop waits for the batch in hand;
    without any, FastStream does not wait at all.
    """

    service: str
    connection: KafkaConnection
    group: str | None
    topics: Sequence[str]
    max_records: int
    stop_seconds: float = 25.0

    @property
    def name(self) -> str:
        """The group, else the topics."""
        return self.group or ", ".join(self.topics)


Consume = Callable[[Sequence[Record]], Awaitable[None]]


def declare(
    broker: KafkaBroker, wanted: SubscriberOptions, consume: Consume, rebalances: ConsumerRebalanceListener
) -> Any:
    """The subscriber, declared at `broker`: to run, or to be described."""
    subscriber = broker.subscriber(
        *wanted.topics, group_id=wanted.group, listener=rebalances, title=wanted.name, **HOW
    )

    async def handle(records: Any) -> None:  # of any other type FastStream would make a schema
        await consume(records)

    subscriber(handle)
    return subscriber


def batch_subscriber(
    wanted: SubscriberOptions,
    consume: Consume,
    rebalances: ConsumerRebalanceListener,
    before_fetch: Callable[[], Awaitable[None]],
    failed: Callable[[Exception], None],
) -> tuple[KafkaBroker, Any]:
    """A broker that is not started yet, and its one subscriber.

    `before_fetch` never runs beside `consume`; `failed` is told of what makes any further fetch useless.
    """
    common = {**wanted.connection.broker_options(), **BROKER}
    broker = KafkaBroker(**common, client_id=f"candor-{wanted.service}", graceful_timeout=wanted.stop_seconds)
    subscriber = declare(broker, wanted, consume, rebalances)

    # FastStream's own sleeps after each poll that found nothing, so it has to poll often, and comes late.
    async def get_msg(consumer: AIOKafkaConsumer) -> tuple[Record, ...]:
        try:
            await before_fetch()
            parts = await consumer.getmany(timeout_ms=POLL_MS, max_records=wanted.max_records)
            return tuple(chain.from_iterable(parts.values()))
        except Exception as error:
            if isinstance(error, RIGHT_WITHDRAWN) or not isinstance(error, PASSING):
                failed(error)
            raise

    subscriber.get_msg = get_msg
    return broker, subscriber
