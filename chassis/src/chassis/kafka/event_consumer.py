"""Hears events and hands each to a handler: in order per key, many keys at once, at least once, none lost."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any, assert_never

import structlog
from aiokafka.structs import TopicPartition
from pydantic import TypeAdapter

from chassis.errors import CommandRejected, PartitionsRevoked, UnknownStoredEvent
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
    """Hears `topics` as `group`; what `handler` raises decides what becomes of a record.

    `CommandRejected` is done; a fault of database, broker or network is tried for ever, and so, with an
    alarm, is an event that only a newer release can read; anything else five times, then the record is a
    dead letter.
    Handlers may be called again with what they did before.
    `tombstone` is given the keys of null values; without it those are dead letters.
    """

    def __init__(
        self,
        *,
        service: str,
        bootstrap: str,
        group: str,
        topics: Mapping[str, TypeAdapter[Any]],
        handler: Handler,
        publisher: Publisher,
        tombstone: Callable[[str], Awaitable[None]] | None = None,
    ) -> None:
        self.name = f"hearing {group}"
        self._service = service
        self._reader = EventDecoder(topics)
        self._handler = handler
        self._tombstone = tombstone
        self._dead_letters = DeadLetterQueue(service, publisher)
        self._room = asyncio.Semaphore(AT_ONCE)
        self._subscription = Subscription(
            service=service,
            bootstrap=bootstrap,
            group=group,
            topics=list(topics),
            work=self._hear,
            max_records=BATCH,
        )

    async def run(self) -> None:
        """Hears until cancelled; then finishes the batch in hand, acknowledges it and leaves the group."""
        await self._subscription.run()

    def unhealthy_reason(self) -> str | None:
        """Why it is not well, in a sentence; None if it is."""
        return self._subscription.unhealthy_reason()

    async def _hear(self, records: Sequence[Record]) -> None:
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
                outcome = await self._one(record)
                CONSUMED.labels(self._service, record.topic, outcome).inc()
                done.add((partition_of(record), record.offset))
                self._subscription.progressed()

    async def _one(self, record: Record) -> str:
        match self._reader.read(record):
            case ReceivedEvent() as heard:
                return await self._handle(record, heard)
            case Tombstone(key) if self._tombstone is not None:
                return await self._attempt(record, partial(self._tombstone, key))
            case Tombstone():
                return await self._bury(record, "the value is null", 1)
            case MalformedRecord(cause):
                return await self._bury(record, cause, 1)
            case UnknownType():
                return "unknown"
            case other:
                assert_never(other)

    async def _handle(self, record: Record, heard: ReceivedEvent[Any]) -> str:
        with continued(heard.envelope.traceparent, f"hear {heard.envelope.type}"):
            return await self._attempt(record, partial(self._hand_over, record, heard))

    async def _hand_over(self, record: Record, heard: ReceivedEvent[Any]) -> None:
        try:
            await self._handler(heard)
        except UnknownStoredEvent:
            log.error("newer_release_awaited", **location_of(record))  # noqa: TRY400 - a message may quote
            raise_alarm(self._service, Alarm.NEWER_RELEASE_AWAITED)
            raise

    async def _attempt(self, record: Record, work: Callable[[], Awaitable[None]]) -> str:
        try:
            await self._patiently(work)
        except CommandRejected:
            return "refused"
        except PartitionsRevoked:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, only this record may suffer
            return await self._give_up(record, error)
        return "handled"

    async def _patiently(self, work: Callable[[], Awaitable[None]]) -> None:
        # Nearly all work goes well, and setting up the tries takes longer than many a handler.
        try:
            await work()
        except (CommandRejected, PartitionsRevoked):
            raise
        except Exception as error:  # noqa: BLE001 - what it is decides how often it is tried again
            left = TRIES if is_transient(error) else TRIES - 1
            pause = self._subscription.pause
            await pause.sleep(FIRST_WAIT_SECONDS)
            await retry_limited(lambda: retry_forever(work, pause), pause, CommandRejected, tries=left)

    async def _give_up(self, record: Record, error: Exception) -> str:
        # Only the kind: a message may quote what a client wrote.
        cause = f"the handler raised {type(error).__name__}"
        log.error("handler_failed", **location_of(record), error=type(error).__name__)
        raise_alarm(self._service, Alarm.HANDLER_FAILED)
        return await self._bury(record, cause, TRIES)

    async def _bury(self, record: Record, cause: str, attempts: int) -> str:
        await retry_forever(lambda: self._dead_letters.put(record, cause, attempts), self._subscription.pause)
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
