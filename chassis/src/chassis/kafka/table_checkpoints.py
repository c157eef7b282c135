"""How far compacted topics were read into a table: stored beside it, and moved together with what it keeps.

Were it stored in Kafka, a service that has lost this database would go on behind records that are not here
any more, and take what they hold for deleted.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar, NamedTuple
from uuid import uuid4

import structlog
from aiokafka.errors import KafkaTimeoutError
from aiokafka.structs import TopicPartition
from motor.motor_asyncio import AsyncIOMotorClientSession, AsyncIOMotorCollection

from chassis.clock import Clock
from chassis.errors import CheckpointConflict
from chassis.kafka.checkpoints import Checkpoint, Checkpoints, Offsets
from chassis.kafka.connection import KafkaConnection

log = structlog.stdlib.get_logger(__name__)

InTransaction = Callable[[AsyncIOMotorClientSession], Awaitable[None]]
"""What else is written in a transaction, through its session; what it raises undoes all."""


class Scan(NamedTuple):
    """A reading of one partition from its start; what is kept belongs to the last that found it."""

    partition: str
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TableCheckpoint(Checkpoint):
    """A checkpoint within the scan of the id `scan`.

    That is complete at the offset `scan_end`, which is None once what it did not find was dropped.
    `confirmed_at`: every tombstone that is not read yet was written after this moment.
    """

    scan: str
    scan_end: int | None
    confirmed_at: datetime

    GUARD: ClassVar[tuple[str, ...]] = ("offset", "scan", "scan_end")

    def has_read(self, end: int) -> bool:
        """Whether what is not here now was deleted, as far as the partition up to `end` shows."""
        return self.scan_end is None and self.offset >= end

    def is_usable(self, start: int, end: int, since: datetime) -> bool:
        """Whether reading can go on from here: the partition holds [start, end), and tombstones `since`."""
        inside = start <= self.offset <= end and (self.scan_end is None or self.scan_end <= end)
        return inside and self.confirmed_at > since


class TableCheckpoints(Checkpoints):
    """The checkpoints of a table, all in a collection of their own; any number of consumers move them.

    `max_age`: older, a checkpoint may lie before tombstones that Kafka no longer has. One that reading can't
    go on from is no reason to stop: a new scan finds what there is, and what it does not find is dropped.
    """

    def __init__(
        self,
        collection: AsyncIOMotorCollection[dict[str, Any]],
        connection: KafkaConnection,
        clock: Clock,
        max_age: timedelta,
    ) -> None:
        super().__init__(collection, "table", 1, connection)
        self._clock = clock
        self._max_age = max_age

    async def read(self, partitions: Collection[TopicPartition]) -> Mapping[TopicPartition, TableCheckpoint]:
        """The checkpoints of `partitions` that exist."""
        return {
            part: at
            for part, at in (await super().read(partitions)).items()
            if isinstance(at, TableCheckpoint)
        }

    async def locate(
        self, partitions: Collection[TopicPartition]
    ) -> tuple[dict[TopicPartition, Checkpoint], dict[TopicPartition, str]]:
        """Where to go on: a new scan where it can't be from the checkpoint."""
        located, wrong = await super().locate(partitions)
        return {**located, **await self.read(wrong)}, {}

    async def fence_previous_owner(self, partitions: Collection[TopicPartition]) -> None:
        """Nothing: every consumer reads every partition."""

    def scan_of(self, partition: TopicPartition, at: TableCheckpoint) -> Scan:
        """The scan that `partition` is in."""
        return Scan(self._id(partition), at.scan)

    def oldest(self) -> datetime:
        """Tombstones since then are there."""
        return self._clock.now() - self._max_age

    async def touch(
        self, session: AsyncIOMotorClientSession, partition: TopicPartition, at: TableCheckpoint
    ) -> None:
        """Makes sure that a transaction meets any other that moves it. Raises CheckpointConflict."""
        # Even an unchanged checkpoint becomes a write, which two transactions can't both do.
        touched = {"$inc": {"version": 1}}
        result = await self._collection.update_one(self._exactly(partition, at), touched, session=session)
        if result.matched_count == 0:
            raise CheckpointConflict

    async def confirm(self, partition: TopicPartition, at: TableCheckpoint, now: datetime) -> None:
        """Notes that nothing was left to be read then; does nothing if it was moved."""
        await self._collection.update_one(self._exactly(partition, at), {"$max": {"confirmed_at": now}})

    def _id(self, partition: TopicPartition) -> str:
        return f"{partition.topic}:{partition.partition}"

    def _first(self, start: int, end: int) -> dict[str, Any]:
        scan = {"scan": uuid4().hex, "scan_end": end, "confirmed_at": self._clock.now()}
        return {**super()._first(start, end), **scan}

    def _stored(self, document: Mapping[str, Any]) -> TableCheckpoint:
        known = TableCheckpoint.__dataclass_fields__
        return TableCheckpoint(**{name: value for name, value in document.items() if name in known})

    async def _wrong(
        self, located: Mapping[TopicPartition, Checkpoint], starts: Offsets, ends: Offsets
    ) -> dict[TopicPartition, str]:
        try:
            wrong = await super()._wrong(located, starts, ends)
        except KafkaTimeoutError:  # a scan does no harm
            wrong = dict.fromkeys(located, "the record before it can't be read")
        for partition, at in located.items():
            start, end = starts[partition], ends[partition]
            if isinstance(at, TableCheckpoint) and not at.is_usable(start, end, self.oldest()):
                wrong.setdefault(partition, "it is older than tombstones are kept, or its scan was cut")
        for partition, reason in wrong.items():
            log.warning(
                "table_scanned_again", topic=partition.topic, partition=partition.partition, reason=reason
            )
            scan = {**self._first(starts[partition], ends[partition]), "published": None}
            # Nothing, if another consumer has moved it.
            await self._collection.update_one(self._exactly(partition, located[partition]), {"$set": scan})
        return wrong
