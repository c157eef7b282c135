"""Deleted keys that Kafka still has to lose: recorded before the deletion, kept until compacted away."""

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

BATCH_SIZE = 200
"""How many tombstones are sent, or looked after, in one go."""


@dataclass(frozen=True)
class ErasurePace:
    """How long each step of an erasure waits.

    `resend_after` is longer than any publishing may take: a key that overtook its tombstone gets another.
    `settle_after` is what compaction takes where nobody knows the location to look at: twice the topic's
    segment.ms and max.compaction.lag.ms. `recheck_for`: that long after an erasure, the subject's keys are
    looked for again. `nudge_every` apart are nudges; after failures, up to `longest_pause`.
    """

    nudge_every: timedelta = timedelta(seconds=3)
    resend_after: timedelta = timedelta(seconds=60)
    settle_after: timedelta = timedelta(seconds=40)
    recheck_for: timedelta = timedelta(minutes=10)
    longest_pause: timedelta = timedelta(seconds=30)


class Tombstones:
    """The collection `tombstones`: {_id: kid, published, partitions, recorded_at, sent_at, resent_at}.

    `published` are the locations ({partition, offset}) at which the key may still be, `partitions` those
    that its tombstone went to. Every replica may work on them at once: one tombstone or nudge too many does
    no harm.
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
        await self._pending.create_index([("recorded_at", ASCENDING)])

    async def record(self, keys: Sequence[Mapping[str, Any]]) -> None:
        """Records keys ({kid, published}) that are deleted or about to be, for good."""
        updates: list[UpdateOne] = []
        for key in keys:
            changes = {
                "published": {"$setUnion": [{"$ifNull": ["$published", []]}, {"$literal": key["published"]}]},
                "partitions": {"$ifNull": ["$partitions", []]},
                "recorded_at": {"$ifNull": ["$recorded_at", "$$NOW"]},
                "sent_at": None,
                "resent_at": None,
            }
            updates.append(UpdateOne({"_id": key["kid"]}, [{"$set": changes}], upsert=True))
        if updates:
            await self._pending.bulk_write(updates, ordered=False)

    async def send(self) -> None:
        """Publishes the tombstones that are due. Raises PublishFailed; then they stay due."""
        resend = {"resent_at": None, "$expr": older("sent_at", self._pace.resend_after)}
        due = {"$or": [{"sent_at": None}, resend]}
        while pending := await self._pending.find(due).sort("recorded_at", ASCENDING).to_list(BATCH_SIZE):
            partitions = await self._publish(pending)
            updates: list[UpdateOne] = []
            for key in pending:
                sent = {
                    "partitions": {"$setUnion": ["$partitions", sorted(partitions[key["_id"]])]},
                    "sent_at": {"$ifNull": ["$sent_at", "$$NOW"]},
                    "resent_at": {"$cond": [{"$ifNull": ["$sent_at", False]}, "$$NOW", None]},
                }
                updates.append(UpdateOne({"_id": key["_id"]}, [{"$set": sent}]))
            await self._pending.bulk_write(updates, ordered=False)

    async def advance(self) -> None:
        """Sends what is due, nudges, and removes what is compacted away.

        Raises PyMongoError, KafkaError or PublishFailed; the next call takes up where this one stopped.
        """
        await self.send()
        source = f"/candor/{self._service}"
        await self._publisher.publish(
            compaction_nudges(self._topic, source, await self._pending.distinct("partitions"))
        )
        await self._check_compaction()
        settled = {
            "published": [],
            "resent_at": {"$ne": None},
            "$expr": older("resent_at", self._pace.settle_after),
        }
        await self._pending.delete_many(settled)
        ERASURES_PENDING.labels(self._service).set(await self._pending.estimated_document_count())

    async def _publish(self, pending: Sequence[Document]) -> dict[str, set[int]]:
        """Publishes tombstones; returns into which partitions, by kid."""
        kids = [key["_id"] for key in pending]
        written = await self._publisher.publish([ProducerRecord(self._topic, kid, None) for kid in kids])
        partitions = {kid: {record.partition} for kid, record in zip(kids, written, strict=True)}
        # A topic that has grown hashes a key to another partition than the one it was written to.
        elsewhere = [
            (key["_id"], location["partition"])
            for key in pending
            for location in key["published"]
            if location["partition"] not in partitions[key["_id"]]
        ]
        await self._publisher.publish(
            [ProducerRecord(self._topic, kid, None, partition=p) for kid, p in elsewhere]
        )
        for kid, partition in elsewhere:
            partitions[kid].add(partition)
        return partitions

    async def _check_compaction(self) -> None:
        """Removes the locations where compaction has been."""
        sent = {"published": {"$ne": []}, "sent_at": {"$ne": None}}
        pending = await self._pending.find(sent).sort("recorded_at", ASCENDING).to_list(BATCH_SIZE)
        locations = [KeyLocation(kid=key["_id"], **where) for key in pending for where in key["published"]]
        gone = set(locations)  # without a connection nobody can look: `settle_after` decides alone
        if self._connection and (known := [location for location in locations if location.offset >= 0]):
            gone -= set(known) - await compacted_away(self._connection, self._topic, known)
        if gone:
            removals = [
                UpdateOne(
                    {"_id": at.kid},
                    {"$pull": {"published": {"partition": at.partition, "offset": at.offset}}},
                )
                for at in gone
            ]
            await self._pending.bulk_write(removals, ordered=False)
