"""Keeps a table: the newest record of each key of compacted topics, and knows whether it was read to the end.

Before that, what is missing may be on its way; after it, it was deleted. Every replica reads every partition,
outside of any group; moving a checkpoint by compare-and-set keeps one from storing what another has dropped.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Protocol, cast

import structlog
from aiokafka.errors import ConsumerStoppedError, KafkaError
from aiokafka.structs import TopicPartition
from motor.motor_asyncio import AsyncIOMotorCollection
from pydantic import TypeAdapter

from chassis.clock import Clock
from chassis.errors import CheckpointConflict, PartitionsRevoked
from chassis.kafka.batch_subscriber import SubscriberOptions
from chassis.kafka.checkpointed_consumer import BATCH, CheckpointedConsumer, Moves, Step, steps_by_partition
from chassis.kafka.connection import KafkaConnection
from chassis.kafka.publisher import Publisher
from chassis.kafka.records import ReceivedEvent, Record, location_of
from chassis.kafka.table_checkpoints import InTransaction, Scan, TableCheckpoint, TableCheckpoints
from chassis.telemetry.metrics import Alarm, raise_alarm
from chassis.transient import is_transient

log = structlog.stdlib.get_logger(__name__)

CHECK_SECONDS = 2.0
CONFIRM_EVERY = timedelta(minutes=10)
END_OFFSETS_SECONDS = 5


class Table(Protocol):
    """What is kept. `max_age` is for how long, at least, Kafka has a tombstone."""

    max_age: timedelta
    alarm: Alarm
    """Raised when a record that is none of it was put aside."""

    async def apply(self, records: Mapping[str, Any], scan: Scan, first: InTransaction) -> None:
        """Stores each event and deletes where there is None, by key, in one transaction after `first`."""
        ...

    async def drop_unseen(self, scan: Scan, first: InTransaction) -> None:
        """Deletes what the partition's `scan` did not find, in transactions after `first`."""
        ...


class TableReader(CheckpointedConsumer):
    """Feeds `table` from `topics`; its checkpoints are in `positions`, in the same database.

    A malformed record becomes a dead letter, and the rest goes on. Dead letters are not replayed: one from
    before its tombstone would bring back what was deleted. What the table refuses is never passed.
    """

    keeps_tombstones = True
    takes_turns = False  # so nothing is held back: a position that is ahead means a gap
    _checkpoints: TableCheckpoints

    def __init__(
        self,
        name: str,
        *,
        service: str,
        connection: KafkaConnection,
        topics: Mapping[str, TypeAdapter[Any]],
        table: Table,
        positions: AsyncIOMotorCollection[dict[str, Any]],
        publisher: Publisher,
        clock: Clock,
    ) -> None:
        wanted = SubscriberOptions(service, connection, None, tuple(topics), BATCH)
        checkpoints = TableCheckpoints(positions, connection, clock, table.max_age)
        super().__init__(name, wanted, topics, publisher, checkpoints)
        self._table = table
        self._clock = clock
        self._checked = -CHECK_SECONDS

    async def read_to_end(self) -> bool:
        """Whether all that was published up to this call is kept; False too if Kafka can't be asked."""
        consumer, partitions = self._subscription.consumer, list(self._at)
        if consumer is None or not partitions or consumer.assignment() != set(partitions):
            return False
        try:
            async with asyncio.timeout(END_OFFSETS_SECONDS):
                ends = await consumer.end_offsets(partitions)
        except (KafkaError, ConsumerStoppedError, OSError, TimeoutError) as error:
            log.warning("ends_not_told", consumer=self.name, error=type(error).__name__)
            return False
        found = await self._checkpoints.read(partitions)
        return all(part in found and found[part].has_read(end) for part, end in ends.items())

    @property
    def _at(self) -> dict[TopicPartition, TableCheckpoint]:
        return cast("dict[TopicPartition, TableCheckpoint]", self._positions.at)

    async def _on_malformed(self, record: Record, cause: str) -> str:
        log.error("table_record_dead", **location_of(record))
        raise_alarm(self._service, self._table.alarm)
        return await super()._on_malformed(record, cause)

    async def _advance(self, steps: Sequence[Step]) -> None:
        for part in steps_by_partition(steps).values():
            await self._apply(part)

    async def _transaction(self, steps: Sequence[Step], moves: Moves) -> None:
        newest = {
            step.read.key: step.read.event if isinstance(step.read, ReceivedEvent) else None
            for step in steps
            if step.read
        }
        for partition in moves:
            scan = self._checkpoints.scan_of(partition, self._at[partition])
            await self._table.apply(newest, scan, partial(self._checkpoints.move, moves=moves))

    # Every few seconds

    async def _between_batches(self) -> None:
        if time.monotonic() - self._checked < CHECK_SECONDS:
            return
        try:
            await self._check()
        except Exception as error:
            passing = isinstance(error, (CheckpointConflict, PartitionsRevoked)) or is_transient(error)
            if not passing:
                raise
            log.info("table_not_checked", consumer=self.name, error=type(error).__name__)
        self._checked = time.monotonic()

    async def _check(self) -> None:
        """Compares the checkpoints with database and Kafka. Raises CheckpointConflict."""
        consumer, now, partitions = self._subscription.consumer, self._clock.now(), list(self._at)
        if consumer is None or not partitions:
            return
        await self._positions.refresh(partitions)
        async with asyncio.timeout(END_OFFSETS_SECONDS):
            ends = await consumer.end_offsets(partitions)
        for partition, end in ends.items():
            at = self._at.get(partition)
            if at is None or not at.is_usable(0, end, self._checkpoints.oldest()):
                await self._positions.locate([partition])
                continue
            # Compaction may have left nothing but a gap, where no record is; or another replica was faster.
            if (passed := await consumer.position(partition)) > at.offset:
                at = await self._move(partition, at, replace(at, offset=passed, before=None))
            elif passed < at.offset:
                self._subscription.seek(partition, at.offset)
            await self._settle(partition, at, end, now)

    async def _settle(self, partition: TopicPartition, at: TableCheckpoint, end: int, now: datetime) -> None:
        if at.scan_end is not None and at.offset >= at.scan_end:
            touch = partial(self._checkpoints.touch, partition=partition, at=at)
            await self._table.drop_unseen(self._checkpoints.scan_of(partition, at), touch)
            at = await self._move(partition, at, replace(at, scan_end=None))
        if at.has_read(end) and now - at.confirmed_at >= CONFIRM_EVERY:
            await self._checkpoints.confirm(partition, at, now)

    async def _move(
        self, partition: TopicPartition, old: TableCheckpoint, new: TableCheckpoint
    ) -> TableCheckpoint:
        move = partial(self._checkpoints.move, moves={partition: (old, new)})
        await self._table.apply({}, self._checkpoints.scan_of(partition, old), move)
        self._at[partition] = new
        self._subscription.progressed()
        return new
