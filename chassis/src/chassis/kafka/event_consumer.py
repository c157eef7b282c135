"""Calls a handler for each event: in order per key, many keys at once, at least once, none lost."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import structlog
from aiokafka.structs import TopicPartition
from pydantic import TypeAdapter

from chassis.errors import CommandRejected, PartitionsRevoked, UnknownStoredEvent
from chassis.kafka.batch_subscriber import SubscriberOptions
from chassis.kafka.connection import KafkaConnection
from chassis.kafka.consumer import Consumer
from chassis.kafka.publisher import Publisher
from chassis.kafka.records import ReceivedEvent, Record, by_partition, location_of, partition_of
from chassis.kafka.retry import TRIES, retry_forever, retry_limited
from chassis.telemetry.metrics import CONSUMED, Alarm, raise_alarm
from chassis.telemetry.tracing import continued
from chassis.transient import is_transient

log = structlog.stdlib.get_logger(__name__)

AT_ONCE = 32
BATCH = 500
FIRST_WAIT_SECONDS = 0.03

Handler = Callable[[ReceivedEvent[Any]], Awaitable[None]]


class EventConsumer(Consumer):
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
        wanted = SubscriberOptions(service, connection, group, tuple(topics), BATCH)
        super().__init__(f"consuming {group}", wanted, topics, publisher)
        self._handler = handler
        self._room = asyncio.Semaphore(AT_ONCE)

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
                read = await self._read(record)
                outcome = await self._handle(record, read) if isinstance(read, ReceivedEvent) else read
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
                return await self._give_up(record, error, "handler", Alarm.HANDLER_FAILED)
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
