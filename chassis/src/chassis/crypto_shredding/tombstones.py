"""Deleted keys that Kafka still has to lose: noted before the deletion, kept until compaction is through."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from motor.motor_asyncio import AsyncIOMotorDatabase
from pymongo import ASCENDING, UpdateOne

from chassis.crypto_shredding.compaction import KeyLocation, compacted_away, compaction_nudges
from chassis.crypto_shredding.storage import Document, durable, older
from chassis.kafka.connection import KafkaConnection
from chassis.kafka.publisher import ProducerRecord, Publisher
from chassis.telemetry.metrics import ERASURES_PENDING

AT_ONCE = 200
"""How many tombstones are said, or looked after, in one go."""


@dataclass(frozen=True)
class ErasurePace:
    """How long each step of forgetting waits.

    `again` is longer than any publishing may take: a key that overtook its tombstone is buried once more.
    `settle` is what compaction takes where nobody knows the place to look at: twice the topic's segment.ms
    and max.compaction.lag.ms. `suspicion`: that long after an erasure, a client's keys are looked for again.
    """

    beat: timedelta = timedelta(seconds=3)
    again: timedelta = timedelta(seconds=60)
    settle: timedelta = timedelta(seconds=40)
    suspicion: timedelta = timedelta(minutes=10)
    longest_pause: timedelta = timedelta(seconds=30)


class Tombstones:
    """The collection `tombstones`: {_id: kid, published: [places], partitions, since, said, again}.

    Every replica may work on it at the same time: a tombstone or a beat too many does no harm.
    """

    def __init__(
        self,
        database: AsyncIOMotorDatabase[Document],
        *,
        service: str,
        topic: str,
        publisher: Publisher,
        connection: KafkaConnection | None,
        pace: ErasurePace,
    ) -> None:
        self._pending = durable(database, "tombstones")
        self._service = service
        self._topic = topic
        self._publisher = publisher
        self._connection = connection
        self._pace = pace

    async def prepare(self) -> None:
        """Makes the index."""
        await self._pending.create_index([("since", ASCENDING)])

    async def note(self, keys: Sequence[Mapping[str, Any]]) -> None:
        """Notes keys ({kid, published: [{partition, offset}]}) that are deleted or about to be, for good."""
        if not keys:
            return
        await self._pending.bulk_write([_noted(key["kid"], key["published"]) for key in keys], ordered=False)

    async def say(self) -> None:
        """Publishes the tombstones that are due. Raises NotPublished; then they stay due."""
        due = {"$or": [{"said": None}, {"again": None, "$expr": older("said", self._pace.again)}]}
        while pending := await self._pending.find(due).sort("since", ASCENDING).to_list(AT_ONCE):
            where = await self._publish(pending)
            updates = [_said(key["_id"], where[key["_id"]]) for key in pending]
            await self._pending.bulk_write(updates, ordered=False)

    async def round(self) -> None:
        """Says what is due, beats, and lets go of what is through.

        Raises PyMongoError, KafkaError or NotPublished; the next round takes up where this one stopped.
        """
        await self.say()
        source = f"/candor/{self._service}"
        await self._publisher.publish(
            compaction_nudges(self._topic, source, await self._pending.distinct("partitions"))
        )
        await self._look()
        through = {"published": [], "again": {"$ne": None}, "$expr": older("again", self._pace.settle)}
        await self._pending.delete_many(through)
        left = await self._pending.estimated_document_count()
        ERASURES_PENDING.labels(self._service).set(left)

    async def _publish(self, pending: Sequence[Document]) -> dict[str, set[int]]:
        """Publishes tombstones; tells into which partitions, by kid."""
        kids = [key["_id"] for key in pending]
        written = await self._publisher.publish([ProducerRecord(self._topic, kid, None) for kid in kids])
        where = {kid: {said.partition} for kid, said in zip(kids, written, strict=True)}
        # A topic that has grown hashes a key to another partition than the one it was written to.
        elsewhere = [
            (key["_id"], place["partition"])
            for key in pending
            for place in key["published"]
            if place["partition"] not in where[key["_id"]]
        ]
        await self._publisher.publish(
            [ProducerRecord(self._topic, kid, None, partition=p) for kid, p in elsewhere]
        )
        for kid, partition in elsewhere:
            where[kid].add(partition)
        return where

    async def _look(self) -> None:
        """Crosses out the places where compaction has been."""
        known = {"published": {"$ne": []}, "said": {"$ne": None}}
        pending = await self._pending.find(known).sort("since", ASCENDING).to_list(AT_ONCE)
        places = [KeyLocation(kid=key["_id"], **place) for key in pending for place in key["published"]]
        if gone := await self._gone(places):
            await self._pending.bulk_write([_crossed_out(place) for place in gone], ordered=False)

    async def _gone(self, places: Sequence[KeyLocation]) -> set[KeyLocation]:
        if self._connection is None:
            return set(places)  # nobody to ask: `settle` decides alone
        untold = {place for place in places if place.offset < 0}
        told = [place for place in places if place.offset >= 0]
        return untold | (await compacted_away(self._connection, self._topic, told) if told else set())


def _noted(kid: str, published: Sequence[Document]) -> UpdateOne:
    changes = {
        "published": {"$setUnion": [{"$ifNull": ["$published", []]}, {"$literal": list(published)}]},
        "partitions": {"$ifNull": ["$partitions", []]},
        "since": {"$ifNull": ["$since", "$$NOW"]},
        "said": None,
        "again": None,
    }
    return UpdateOne({"_id": kid}, [{"$set": changes}], upsert=True)


def _said(kid: str, partitions: set[int]) -> UpdateOne:
    changes = {
        "partitions": {"$setUnion": ["$partitions", sorted(partitions)]},
        "said": {"$ifNull": ["$said", "$$NOW"]},
        "again": {"$cond": [{"$ifNull": ["$said", False]}, "$$NOW", None]},
    }
    return UpdateOne({"_id": kid}, [{"$set": changes}])


def _crossed_out(place: KeyLocation) -> UpdateOne:
    gone = {"partition": place.partition, "offset": place.offset}
    return UpdateOne({"_id": place.kid}, {"$pull": {"published": gone}})
