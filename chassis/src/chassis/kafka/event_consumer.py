"""Calls a handler for each event: in order per key, many keys at once, at least once, none lost."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, assert_never

import structlog
from aiokafka.structs import TopicPartition
from pydantic import TypeAdapter

from chassis.errors import CommandRejected, PartitionsRevoked, UnknownStoredEvent
from chassis.kafka.batch_subscriber import SubscriberOptions
from chassis.kafka.connection import KafkaConnection
from chassis.kafka.dead_letters import DeadLetterQueue
from chassis.kafka.publisher import Publisher
from chassis.kafka.records import (
    EventDecoder,
    MalformedRecord,
    ReceivedEvent,
    Record,
    Tombstone,
    UnknownType,
    by_partition,
    location_of,
    partition_of,
)
from chassis.kafka.retry import TRIES, retry_forever, retry_limited
from chassis.kafka.subscription import Subscription
from chassis.telemetry.metrics import CONSUMED, Alarm, raise_alarm
from chassis.telemetry.tracing import continued
from chassis.transient import is_transient

log = structlog.stdlib.get_logger(__name__)

AT_ONCE = 32
BATCH = 500
FIRST_WAIT_SECONDS = 0.03

Handler = Callable[[ReceivedEvent[Any]], Awaitable[None]]


class EventConsumer:
    """Consumes `topics` as `group`; what `handler` raises decides what becomes of a record.

    `CommandRejected` is done; a fault of database, broker or network is tried for ever, and so, with an
    alarm, is an event that only a newer release can read; anything else five times, then the record is a
    dead letter.
    Handlers may be called again with what they did before.
    """

    def __init__(
        self,
        *,
        service: str,
        connection: KafkaConnection,
        group: str,
        topics: Mapping[str, TypeAdapter[Any]],
        handler: Handler,
        publisher: Publisher,
    ) -> None:
        self.name = f"consuming {group}"
        self._service = service
        self._decoder = EventDecoder(topics)
        self._handler = handler
        self._dead_letters = DeadLetterQueue(service, publisher, topics)
        self._room = asyncio.Semaphore(AT_ONCE)
        wanted = SubscriberOptions(service, connection, group, tuple(topics), BATCH)
        self._subscription = Subscription(wanted, self._process)

    async def run(self) -> None:
        """Consumes until cancelled; then finishes the batch in hand, acknowledges it and leaves the group."""
        await self._subscription.run()

    def unhealthy_reason(self) -> str | None:
        """Why it is not well, in a sentence; None if it is."""
        return self._subscription.unhealthy_reason()

    async def _process(self, records: Sequence[Record]) -> None:
        done: set[tuple[TopicPartition, int]] = set()
        lanes: dict[bytes | None, list[Record]] = {}
        for record in records:
            lanes.setdefault(record.key, []).append(record)
        results = await asyncio.gather(
            *(self._lane(lane, done) for lane in lanes.values()), return_exceptions=True
        )
        await self._subscription.commit(done_through(records, done))
        for result in results:
            if result is not None:
                raise result

    async def _lane(self, records: Sequence[Record], done: set[tuple[TopicPartition, int]]) -> None:
        async with self._room:
            for record in records:
                match self._decoder.read(record):
                    case ReceivedEvent() as received:
                        outcome = await self._handle(record, received)
                    case Tombstone():
                        outcome = await self._put_aside(record, "the value is null", 1)
                    case MalformedRecord(cause):
                        outcome = await self._put_aside(record, cause, 1)
                    case UnknownType():
                        outcome = "unknown"
                    case other:
                        assert_never(other)
                CONSUMED.labels(self._service, record.topic, outcome).inc()
                done.add((partition_of(record), record.offset))
                self._subscription.progressed()

    async def _handle(self, record: Record, received: ReceivedEvent[Any]) -> str:
        with continued(received.envelope.traceparent, f"consume {received.envelope.type}"):
            try:
                await self._call_handler(record, received)
            except CommandRejected:
                return "rejected"
            except PartitionsRevoked:
                raise
            except Exception as error:  # noqa: BLE001 - whatever it is, only this record may suffer
                log.error(  # noqa: TRY400 - a message may quote what a client wrote
                    "handler_failed", **location_of(record), error=type(error).__name__
                )
                raise_alarm(self._service, Alarm.HANDLER_FAILED)
                return await self._put_aside(record, f"the handler raised {type(error).__name__}", TRIES)
            return "handled"

    async def _call_handler(self, record: Record, received: ReceivedEvent[Any]) -> None:
        async def call() -> None:
            try:
                await self._handler(received)
            except UnknownStoredEvent:
                log.error("newer_release_awaited", **location_of(record))  # noqa: TRY400 - a message may quote
                raise_alarm(self._service, Alarm.NEWER_RELEASE_AWAITED)
                raise

        # Nearly all calls go well, and setting up the tries takes longer than many a handler.
        try:
            await call()
        except (CommandRejected, PartitionsRevoked):
            raise
        except Exception as error:  # noqa: BLE001 - what it is decides how often it is tried again
            left = TRIES if is_transient(error) else TRIES - 1
            backoff = self._subscription.backoff
            await backoff.sleep(FIRST_WAIT_SECONDS)
            await retry_limited(lambda: retry_forever(call, backoff), backoff, CommandRejected, tries=left)

    async def _put_aside(self, record: Record, cause: str, attempts: int) -> str:
        await retry_forever(
            lambda: self._dead_letters.put(record, cause, attempts), self._subscription.backoff
        )
        return "dead"


def done_through(
    records: Sequence[Record], done: set[tuple[TopicPartition, int]]
) -> dict[TopicPartition, int]:
    """Per partition the offset to go on from: after the last record before which nothing is left undone."""
    offsets: dict[TopicPartition, int] = {}
    for partition, part in by_partition(records).items():
        for record in part:
            if (partition, record.offset) not in done:
                break
            offsets[partition] = record.offset + 1
    return offsets
