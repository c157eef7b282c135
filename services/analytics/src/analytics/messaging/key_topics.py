"""Reads the key topics into this database, and knows whether they were read to their present ends.

Before that a missing key may be on its way; after it, it was erased. Every replica reads every partition,
outside of any group: what Kafka stores of a group has nothing to do with this database.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import structlog
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import ConsumerStoppedError, KafkaError, KafkaTimeoutError
from aiokafka.structs import TopicPartition
from pymongo.errors import PyMongoError
from tenacity import AsyncRetrying, retry_if_exception, wait_random_exponential

from analytics.messaging.key_positions import KeyPosition, KeyPositions
from analytics.messaging.key_records import KeyRecordDecoder
from chassis.clock import Clock
from chassis.errors import CheckpointConflict, TransientError
from chassis.kafka.clients import partitions_of, reader, reason_of
from chassis.kafka.connection import KafkaConnection
from chassis.kafka.dead_letters import DeadLetterQueue
from chassis.kafka.lag import Lag
from chassis.kafka.records import Record, fingerprint
from chassis.kafka.topic_reader import record_at
from chassis.telemetry.metrics import CONSUMED, Alarm, raise_alarm
from chassis.transient import is_transient
from contracts.keys import KeyPublished

MAX_RECORDS = 500
POLL_MS = 200
CHECK_SECONDS = 2.0
CONFIRM_EVERY = timedelta(minutes=10)
SILENT_SECONDS = 30.0
STUCK_SECONDS = 45.0
END_OFFSETS_SECONDS = 5

log = structlog.stdlib.get_logger(__name__)


class RestartReading(TransientError):
    """Positions, topics or connection are not what they were: begin again with a new connection."""


class KeyTopics:
    """A background task that stores the published keys and drops the erased ones.

    A malformed record becomes a dead letter, and the rest goes on.
    """

    name = "key topics"

    def __init__(
        self,
        *,
        service: str,
        connection: KafkaConnection,
        topics: Sequence[str],
        positions: KeyPositions,
        dead_letters: DeadLetterQueue,
        clock: Clock,
    ) -> None:
        self._service = service
        self._connection = connection
        self._positions = positions
        self._dead_letters = dead_letters
        self._clock = clock
        self._topics = tuple(topics)
        self._decoder = KeyRecordDecoder(topics)
        self._lag = Lag(service, self._topics)
        self._consumer: AIOKafkaConsumer | None = None
        self._at: dict[TopicPartition, KeyPosition] = {}
        self._checked = self._progress = 0.0
        self._reason: str | None = "the key topics are not reached yet"

    def unhealthy_reason(self) -> str | None:
        """Why keys are not read, in a sentence; None if they are."""
        return self._reason

    async def run(self) -> None:
        """Reads until cancelled."""
        tries = AsyncRetrying(
            retry=retry_if_exception(is_transient),
            wait=wait_random_exponential(multiplier=0.2, max=10),
        )
        await tries(self._read_until_lost)

    async def read_to_end(self) -> bool:
        """Whether all that was published up to this call is stored; False too if Kafka can't be asked."""
        consumer, partitions = self._consumer, list(self._at)
        if consumer is None:
            return False
        try:
            async with asyncio.timeout(END_OFFSETS_SECONDS):
                ends = await consumer.end_offsets(partitions)
        except (KafkaError, ConsumerStoppedError, OSError, TimeoutError) as error:
            log.warning("key_topics_not_asked", error=type(error).__name__)
            return False
        found = await self._positions.read(partitions)
        return all(part in found and found[part].has_read(end) for part, end in ends.items())

    # One connection

    async def _read_until_lost(self) -> None:
        reading = reader(
            self._connection,
            client_id=f"candor-{self._service}-keys",
            auto_offset_reset="none",  # an offset that is gone must be noticed, not skipped
            metadata_max_age_ms=30_000,
        )
        try:
            async with reading as consumer:
                await self._assign(consumer)
                self._consumer = consumer
                while True:
                    await self._step(consumer)
        except Exception as error:
            reason = await self._describe(error)
            self._reason = f"the key topics are not read: {reason}"
            log.warning("key_topics_not_read", reason=reason, error=type(error).__name__)
            raise
        finally:
            self._consumer = None

    async def _describe(self, error: Exception) -> str:
        """What is wrong, in a sentence for the platform team."""
        match error:
            case RestartReading():
                return str(error)
            case KafkaTimeoutError() | OSError():  # TimeoutError is one
                return "the broker doesn't answer"
            case PyMongoError():
                return "the database doesn't answer"
            case _:
                return await reason_of(error, self._connection)

    async def _assign(self, consumer: AIOKafkaConsumer) -> None:
        """Goes on from the stored positions; where there is none, or no usable one, from the start."""
        await self._positions.prepare()
        partitions = await partitions_of(self._connection, self._topics)
        consumer.assign(partitions)
        now = self._clock.now()
        starts = await consumer.beginning_offsets(partitions)
        ends = await consumer.end_offsets(partitions)
        found = await self._positions.read(partitions)
        recreated = await self._recreated(
            {part: at for part, at in found.items() if starts[part] < at.offset <= ends[part]}
        )
        for partition in partitions:
            old, start, end = found.get(partition), starts[partition], ends[partition]
            if old is None or partition in recreated or not old.is_usable(start, end, now):
                write = log.info if old is None else log.warning  # the first time it is as it should be
                write("keys_read_from_the_start", topic=partition.topic, partition=partition.partition)
                await self._positions.rewind(partition, old, start, end, now)
        await self._seek(consumer, partitions)
        self._progress, self._checked = time.monotonic(), -CHECK_SECONDS

    async def _recreated(self, found: Mapping[TopicPartition, KeyPosition]) -> Collection[TopicPartition]:
        """Where another record stands before the position than the one that was read there."""
        known = {partition: at.offset - 1 for partition, at in found.items() if at.fingerprint is not None}
        try:
            there = await record_at(self._connection, known)
        except KafkaTimeoutError:
            return known  # it can't be known: reading from the start does no harm
        return [
            partition
            for partition, record in there.items()
            # If it is a later one, compaction has removed the one that was read.
            if record.offset == known[partition] and fingerprint(record) != found[partition].fingerprint
        ]

    async def _seek(self, consumer: AIOKafkaConsumer, partitions: Collection[TopicPartition]) -> None:
        stored = await self._positions.read(partitions)
        if len(stored) < len(partitions):
            raise RestartReading("a position is gone")
        for partition, position in stored.items():
            consumer.seek(partition, position.offset)
        self._at = stored

    async def _step(self, consumer: AIOKafkaConsumer) -> None:
        try:
            fetched = await consumer.getmany(timeout_ms=POLL_MS, max_records=MAX_RECORDS)
            for partition, records in fetched.items():
                await self._store(partition, records)
            if time.monotonic() - self._checked >= CHECK_SECONDS:
                await self._check(consumer)
                self._checked = time.monotonic()
        except CheckpointConflict:
            # Whatever of the batch is left is read again.
            await self._seek(consumer, list(self._at))

    async def _store(self, partition: TopicPartition, records: Sequence[Record]) -> None:
        """Stores and drops keys as the records have it; malformed ones become dead letters."""
        decoded = self._decoder.decode(records)
        for record, cause in decoded.malformed:
            log.error("key_record_dead", topic=record.topic, partition=record.partition, offset=record.offset)
            raise_alarm(self._service, Alarm.KEY_RECORD_DEAD)
            await self._dead_letters.put(record, cause, 1)
        self._lag.reached(records[-1:])
        await self._move(partition, records[-1].offset + 1, decoded.keys, fingerprint(records[-1]))
        for outcome in decoded.outcomes:
            CONSUMED.labels(self._service, partition.topic, outcome).inc()

    async def _move(
        self,
        partition: TopicPartition,
        offset: int,
        keys: Mapping[str, KeyPublished | None],
        fingerprint: str | None = None,
    ) -> None:
        old = self._at[partition]
        await self._positions.move(partition, old, offset, keys, fingerprint)
        self._at[partition] = replace(old, offset=offset, fingerprint=fingerprint)
        self._progress = time.monotonic()

    # Every few seconds

    async def _check(self, consumer: AIOKafkaConsumer) -> None:
        """Compares the positions with database and Kafka. Raises CheckpointConflict, RestartReading."""
        now, partitions = self._clock.now(), list(self._at)
        ends = await consumer.end_offsets(partitions)
        stored = await self._positions.read(partitions)
        if {part: at.key for part, at in stored.items()} != {part: at.key for part, at in self._at.items()}:
            raise CheckpointConflict
        self._at = stored
        for partition, end in ends.items():
            await self._settle(consumer, partition, end, now)
        self._report({part: max(0, end - self._at[part].offset) for part, end in ends.items()})
        known = {topic: len(consumer.partitions_for_topic(topic) or ()) for topic in self._topics}
        if known != Counter(partition.topic for partition in partitions):
            raise RestartReading("a key topic has another number of partitions")

    async def _settle(
        self, consumer: AIOKafkaConsumer, partition: TopicPartition, end: int, now: datetime
    ) -> None:
        # Compaction may have left nothing but a gap, where no record is.
        if (passed := await consumer.position(partition)) > self._at[partition].offset:
            await self._move(partition, passed, {})
        at = self._at[partition]
        if not at.is_usable(0, end, now):
            raise RestartReading("a position is too old, or beyond the end")
        if at.scan_end is not None and at.offset >= at.scan_end:
            await self._positions.sweep(partition, at)
            self._at[partition] = at = replace(at, scan_end=None)
        if at.has_read(end) and now - at.confirmed_at >= CONFIRM_EVERY:
            await self._positions.confirm(partition, at, now)

    def _report(self, lags: Mapping[TopicPartition, int]) -> None:
        self._lag.seen(lags)
        self._lag.report()
        waiting, self._reason = self._lag.waiting(), None
        if not waiting:
            self._progress = time.monotonic()
        silent = time.monotonic() - self._progress
        if silent > STUCK_SECONDS:
            raise_alarm(self._service, Alarm.STUCK_CONSUMER)
            raise RestartReading("the consumer is stuck")
        if silent > SILENT_SECONDS:
            self._reason = f"no progress for {silent:.0f} s although {waiting} records wait"
