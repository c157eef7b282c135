"""How far a projection has come, per partition: in the database, moved together with what it wrote."""

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Final

from aiokafka.structs import TopicPartition
from motor.motor_asyncio import AsyncIOMotorClientSession, AsyncIOMotorCollection
from pymongo import UpdateOne

from chassis.errors import CheckpointConflict
from chassis.kafka.connection import KafkaConnection
from chassis.kafka.fencing import Fencing
from chassis.kafka.records import fingerprint
from chassis.kafka.topic_reader import record_at, topic_reader

COLLECTION: Final = "checkpoints"
"""The collection they are in; an `_id` is ``<name>.v<version>:<topic>:<partition>``."""

Offsets = Mapping[TopicPartition, int]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The next offset to read, and of the record before it (None before the first) its fingerprint.

    And when that was published, in milliseconds since 1970.
    """

    offset: int
    before: str | None = None
    published: int | None = None

    GUARD: ClassVar[tuple[str, ...]] = ("offset",)
    """The fields that somebody else changes who moves it."""


class Checkpoints:
    """The checkpoints of one version of one projection. Raises PyMongoError, and KafkaError from `locate`.

    They are moved in a transaction of the `fencing`.
    """

    def __init__(
        self,
        collection: AsyncIOMotorCollection[dict[str, Any]],
        name: str,
        version: int | str,
        connection: KafkaConnection,
    ) -> None:
        self._collection = collection
        self._prefix = prefix_of(name, version)
        self._connection = connection
        self.fencing = Fencing(collection)

    def use(self, name: str, version: int | str) -> None:
        """Goes on with the checkpoints of another projection, or version."""
        self._prefix = prefix_of(name, version)

    async def read(self, partitions: Collection[TopicPartition]) -> Mapping[TopicPartition, Checkpoint]:
        """The checkpoints of `partitions` that exist."""
        ids = {self._id(partition): partition for partition in partitions}
        found = self._collection.find({"_id": {"$in": list(ids)}})
        return {ids[one["_id"]]: self._stored(one) async for one in found}

    async def move(
        self,
        session: AsyncIOMotorClientSession,
        moves: Mapping[TopicPartition, tuple[Checkpoint, Checkpoint]],
    ) -> None:
        """Each from its old to its new place, in a transaction; CheckpointConflict if one isn't there."""
        updates = [
            UpdateOne(self._exactly(partition, old), {"$set": _changed(old, new)})
            for partition, (old, new) in moves.items()
        ]
        result = await self._collection.bulk_write(updates, session=session)
        if result.matched_count < len(moves):
            raise CheckpointConflict

    async def locate(
        self, partitions: Collection[TopicPartition]
    ) -> tuple[dict[TopicPartition, Checkpoint], dict[TopicPartition, str]]:
        """Where to go on, for every partition that can; and for the others, in words, why not.

        A partition that has no checkpoint gets one, at the start of its log.
        """
        if not partitions:
            return {}, {}
        async with topic_reader(self._connection, partitions) as consumer:
            starts = await consumer.beginning_offsets(list(partitions))
            ends = await consumer.end_offsets(list(partitions))
        # Outside of any transaction: two members that both inserted them inside would abort one another.
        upserts = [
            UpdateOne(
                {"_id": self._id(partition)},
                {"$setOnInsert": self._first(start, ends[partition])},
                upsert=True,
            )
            for partition, start in starts.items()
        ]
        await self._collection.bulk_write(upserts, ordered=False)
        located = await self.read(partitions)
        wrong = await self._wrong(located, starts, ends)
        return {part: at for part, at in located.items() if part not in wrong}, wrong

    async def fence_previous_owner(self, partitions: Collection[TopicPartition]) -> None:
        """Ends what members who had `partitions` before have left open."""
        await self.fencing.fence_previous_owner([self._id(partition) for partition in partitions])

    def _id(self, partition: TopicPartition) -> str:
        return f"{self._prefix}{partition.topic}:{partition.partition}"

    def _exactly(self, partition: TopicPartition, checkpoint: Checkpoint) -> dict[str, Any]:
        return {"_id": self._id(partition), **{name: getattr(checkpoint, name) for name in checkpoint.GUARD}}

    def _first(self, start: int, end: int) -> dict[str, Any]:  # noqa: ARG002 - what else is to be known
        """The fields of a new checkpoint, in a partition that holds [start, end)."""
        return {"offset": start, "before": None}

    def _stored(self, document: Mapping[str, Any]) -> Checkpoint:
        return Checkpoint(document["offset"], document["before"], document.get("published"))

    async def _wrong(
        self, located: Mapping[TopicPartition, Checkpoint], starts: Offsets, ends: Offsets
    ) -> dict[TopicPartition, str]:
        """Why a partition can't go on: records are gone, or others stand there than were read."""
        wrong: dict[TopicPartition, str] = {}
        last_read: dict[TopicPartition, int] = {}
        for partition, checkpoint in located.items():
            at, start, end = checkpoint.offset, starts[partition], ends[partition]
            if start > at:
                wrong[partition] = (
                    f"records {at} to {start - 1} are gone: the log starts beyond the checkpoint"
                )
            elif end < at:
                wrong[partition] = (
                    f"the log ends at {end}, before the checkpoint {at}: it was cut or made anew"
                )
            elif checkpoint.before is not None and start < at:
                last_read[partition] = at - 1
        for partition, record in (await record_at(self._connection, last_read)).items():
            # A later one came instead: compaction has removed it.
            same_offset = record.offset == last_read[partition]
            if same_offset and fingerprint(record) != located[partition].before:
                wrong[partition] = f"another record stands at {record.offset}: the topic was made anew"
        return wrong


def prefix_of(name: str, version: int | str) -> str:
    """What the ids of all checkpoints of this version of a projection begin with."""
    return f"{name}.v{version}:"


async def stored_offsets(
    collection: AsyncIOMotorCollection[dict[str, Any]],
    prefix: str,
    session: AsyncIOMotorClientSession | None = None,
) -> dict[TopicPartition, int]:
    """The next offset of every partition whose checkpoint's id begins with the prefix."""
    found: dict[TopicPartition, int] = {}
    async for each in collection.find(begins_with(prefix), {"offset": 1}, session=session):
        topic, _, number = each["_id"].removeprefix(prefix).rpartition(":")
        found[TopicPartition(topic, int(number))] = each["offset"]
    return found


def begins_with(prefix: str) -> dict[str, Any]:
    """The filter of the documents whose `_id` begins with a prefix, which ends in a colon."""
    return {"_id": {"$gte": prefix, "$lt": prefix[:-1] + ";"}}  # what sorts next after a colon


def _changed(old: Checkpoint, new: Checkpoint) -> dict[str, Any]:
    return {name: value for name, value in asdict(new).items() if value != getattr(old, name)}
