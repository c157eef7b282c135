"""How far the key topics were read: kept beside the keys, and moved together with them.

Were it kept in Kafka, whoever loses this database would go on behind keys that are no longer here, and
take all old words for erased ones.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import uuid4

from aiokafka.structs import TopicPartition
from motor.motor_asyncio import AsyncIOMotorClientSession, AsyncIOMotorDatabase
from pymongo import ASCENDING
from pymongo.errors import DuplicateKeyError, PyMongoError

from chassis.crypto_shredding import KeyReader
from chassis.crypto_shredding.storage import Document, durable
from chassis.mongo import transaction
from contracts.keys import KeyPublished
from contracts.topics import DIALOG_KEYS

TOMBSTONES_STAY: Final = timedelta(milliseconds=int(DIALOG_KEYS.settings["delete.retention.ms"]))
TOO_OLD: Final = TOMBSTONES_STAY * 0.9
"""Older than this, a position may lie before tombstones that Kafka no longer has."""

SWEPT_AT_ONCE: Final = 1_000


class KeyPositionConflict(Exception):
    """A position isn't where it was: another replica moved it, or the database is not what it was."""


@dataclass(frozen=True)
class KeyPosition:
    """The next offset to read in one partition.

    `at`: every tombstone that is not read yet was written after this moment. `round`: which reading from the
    start this belongs to; it is through once it has come to `until`, and None stands there when the keys that
    it did not find were dropped. `before`: the fingerprint of the record before `offset`, None if unknown.
    """

    offset: int
    at: datetime
    round: str
    until: int | None
    before: str | None = None

    @property
    def key(self) -> tuple[str, int]:
        """What another replica changes when it moves the position."""
        return self.round, self.offset

    def has_read(self, end: int) -> bool:
        """Whether a key that is not here now was erased, as far as the partition up to `end` can tell."""
        return self.until is None and self.offset >= end

    def is_good(self, start: int, end: int, now: datetime) -> bool:
        """Whether reading can go on from here, in a partition that holds [start, end)."""
        inside = start <= self.offset <= end and (self.until is None or self.until <= end)
        return inside and now - self.at < TOO_OLD


class KeyPositions:
    """The collection `key_positions`: {_id: topic:partition, offset, at, round, until, moves}.

    A position is moved by compare-and-set in one transaction with the keys it passes, so any number of
    replicas may read the same partitions, and none brings back what another one has dropped. All methods
    raise PyMongoError.
    """

    def __init__(self, database: AsyncIOMotorDatabase[Document], reader: KeyReader) -> None:
        self._client = database.client
        self._positions = durable(database, "key_positions")
        self._keys = durable(database, "reader_keys")
        self._reader = reader

    async def prepare(self) -> None:
        """Makes the index that finds what a reading from the start has not found; repeatable."""
        await self._keys.create_index([("place", ASCENDING), ("round", ASCENDING)])

    async def read(self, partitions: Collection[TopicPartition]) -> dict[TopicPartition, KeyPosition]:
        """The positions that there are."""
        ids = {position_id(partition): partition for partition in partitions}
        found = self._positions.find({"_id": {"$in": list(ids)}}, {"moves": 0})
        return {ids[one.pop("_id")]: KeyPosition(**one) async for one in found}

    async def rewind(
        self, partition: TopicPartition, old: KeyPosition | None, start: int, end: int, now: datetime
    ) -> None:
        """Has everything from `start` read again; nothing if another replica has moved the position."""
        new = {"offset": start, "at": now, "round": uuid4().hex, "until": end, "before": None}
        try:
            if old is None:
                await self._positions.insert_one({"_id": position_id(partition), **new})
            else:
                await self._positions.update_one(_exactly(partition, old), {"$set": new})
        except DuplicateKeyError:
            return

    async def move(
        self,
        partition: TopicPartition,
        old: KeyPosition,
        offset: int,
        said: Mapping[str, KeyPublished | None],
        before: str | None = None,
    ) -> None:
        """Keeps and drops what was `said` before `offset`, goes on from there. Raises KeyPositionConflict."""
        marks = {"place": position_id(partition), "round": old.round}

        async def do(session: AsyncIOMotorClientSession) -> None:
            await self._set(session, partition, old, {"offset": offset, "before": before})
            await self._reader.apply(said, session=session, marks=marks)

        await self._in_one(do)
        self._reader.evict([kid for kid, key in said.items() if key is None])

    async def sweep(self, partition: TopicPartition, old: KeyPosition) -> None:
        """Drops the keys that reading a partition from the start didn't find. Raises KeyPositionConflict."""
        unseen = {"place": position_id(partition), "round": {"$ne": old.round}}
        while kids := [key["_id"] async for key in self._keys.find(unseen, {"_id": 1}).limit(SWEPT_AT_ONCE)]:
            await self._drop(partition, old, kids)
        await self._in_one(lambda session: self._set(session, partition, old, {"until": None}))

    async def confirm(self, partition: TopicPartition, old: KeyPosition, at: datetime) -> None:
        """Notes that at this moment nothing was left to be read; nothing if the position was moved."""
        await self._positions.update_one(_exactly(partition, old), {"$max": {"at": at}})

    async def _drop(self, partition: TopicPartition, old: KeyPosition, kids: list[str]) -> None:
        async def do(session: AsyncIOMotorClientSession) -> None:
            # Another reading from the start may have found them meanwhile.
            await self._set(session, partition, old, {"until": old.until})
            found = {"_id": {"$in": kids}, "round": {"$ne": old.round}}
            await self._keys.delete_many(found, session=session)

        await self._in_one(do)
        self._reader.evict(kids)

    async def _set(
        self, session: AsyncIOMotorClientSession, partition: TopicPartition, old: KeyPosition, new: Document
    ) -> None:
        # Counting makes even an unchanged position a write, which two transactions can't both do.
        change = {"$set": new, "$inc": {"moves": 1}}
        result = await self._positions.update_one(_exactly(partition, old), change, session=session)
        if result.matched_count == 0:
            raise KeyPositionConflict

    async def _in_one(self, do: Callable[[AsyncIOMotorClientSession], Awaitable[None]]) -> None:
        try:
            async with await self._client.start_session() as session, transaction(session):
                await do(session)
        except PyMongoError as error:
            if error.has_error_label("TransientTransactionError"):
                raise KeyPositionConflict from error
            raise


def position_id(partition: TopicPartition) -> str:
    """The name of a partition, in ids and on keys."""
    return f"{partition.topic}:{partition.partition}"


def _exactly(partition: TopicPartition, position: KeyPosition) -> Document:
    return {"_id": position_id(partition), "offset": position.offset, "round": position.round}
