"""How far the key topics were read: stored beside the keys, and moved together with them.

Were it stored in Kafka, a service that has lost this database would go on behind keys that are not here any
more, and take all old texts for erased ones.
"""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Final
from uuid import uuid4

from aiokafka.structs import TopicPartition
from motor.motor_asyncio import AsyncIOMotorClientSession, AsyncIOMotorDatabase
from pymongo.errors import DuplicateKeyError, PyMongoError

from chassis.crypto_shredding import KeyReader
from chassis.crypto_shredding.key_reader import Scan
from chassis.crypto_shredding.storage import Document, durable
from chassis.errors import CheckpointConflict
from contracts.keys import KeyPublished
from contracts.topics import DIALOG_KEYS

TOMBSTONE_RETENTION: Final = timedelta(milliseconds=int(DIALOG_KEYS.settings["delete.retention.ms"]))
MAX_AGE: Final = TOMBSTONE_RETENTION * 0.9
"""Older than this, a position may lie before tombstones that Kafka no longer has."""


@dataclass(frozen=True)
class KeyPosition:
    """The next offset to read in one partition.

    `confirmed_at`: every tombstone that is not read yet was written after this moment. `scan`: the id of the
    reading from the start that this belongs to; it is complete at the offset `scan_end`, which is None once
    the keys that it did not find were dropped. `fingerprint`: of the record before `offset`, None if unknown.
    """

    offset: int
    confirmed_at: datetime
    scan: str
    scan_end: int | None
    fingerprint: str | None = None

    @property
    def key(self) -> tuple[str, int]:
        """What another replica changes when it moves the position."""
        return self.scan, self.offset

    def has_read(self, end: int) -> bool:
        """Whether a key that is not here now was erased, as far as the partition up to `end` shows."""
        return self.scan_end is None and self.offset >= end

    def is_usable(self, start: int, end: int, now: datetime) -> bool:
        """Whether reading can go on from here, in a partition that holds [start, end)."""
        inside = start <= self.offset <= end and (self.scan_end is None or self.scan_end <= end)
        return inside and now - self.confirmed_at < MAX_AGE


class KeyPositions:
    """The collection `key_positions`: the fields of `KeyPosition`, a version, and topic:partition as `_id`.

    A position is moved by compare-and-set in one transaction with the keys it passes, so any number of
    replicas may read the same partitions, and none stores again what another one has dropped. All methods
    raise PyMongoError.
    """

    def __init__(self, database: AsyncIOMotorDatabase[Document], reader: KeyReader) -> None:
        self._positions = durable(database, "key_positions")
        self._reader = reader

    async def prepare(self) -> None:
        """Prepares the collection of the keys; repeatable."""
        await self._reader.prepare()

    async def read(self, partitions: Collection[TopicPartition]) -> dict[TopicPartition, KeyPosition]:
        """The positions that there are."""
        ids = {position_id(partition): partition for partition in partitions}
        found = self._positions.find({"_id": {"$in": list(ids)}}, {"version": 0})
        return {ids[one.pop("_id")]: KeyPosition(**one) async for one in found}

    async def rewind(
        self, partition: TopicPartition, old: KeyPosition | None, start: int, end: int, now: datetime
    ) -> None:
        """Begins a new scan at `start`; does nothing if another replica has moved the position."""
        new = {
            "offset": start,
            "confirmed_at": now,
            "scan": uuid4().hex,
            "scan_end": end,
            "fingerprint": None,
        }
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
        keys: Mapping[str, KeyPublished | None],
        fingerprint: str | None = None,
    ) -> None:
        """Stores or drops the `keys` read before `offset`, and moves there. Raises CheckpointConflict."""
        moved: Document = {"offset": offset, "fingerprint": fingerprint}
        with conflicts():
            await self._reader.apply(keys, _scan(partition, old), partial(self._set, partition, old, moved))

    async def sweep(self, partition: TopicPartition, old: KeyPosition) -> None:
        """Drops the keys of a partition that its scan didn't find. Raises CheckpointConflict."""
        unmoved: Document = {"scan_end": old.scan_end}
        with conflicts():
            await self._reader.drop_unseen(_scan(partition, old), partial(self._set, partition, old, unmoved))
        await self._set(partition, old, {"scan_end": None})

    async def confirm(self, partition: TopicPartition, old: KeyPosition, at: datetime) -> None:
        """Notes that nothing was left to be read then; does nothing if the position was moved."""
        await self._positions.update_one(_exactly(partition, old), {"$max": {"confirmed_at": at}})

    async def _set(
        self,
        partition: TopicPartition,
        old: KeyPosition,
        new: Document,
        session: AsyncIOMotorClientSession | None = None,
    ) -> None:
        # The version makes even an unchanged position a write, which two transactions can't both do.
        change = {"$set": new, "$inc": {"version": 1}}
        result = await self._positions.update_one(_exactly(partition, old), change, session=session)
        if result.matched_count == 0:
            raise CheckpointConflict


@contextmanager
def conflicts() -> Iterator[None]:
    """Raises CheckpointConflict where another transaction wrote the same."""
    try:
        yield
    except PyMongoError as error:
        if error.has_error_label("TransientTransactionError"):
            raise CheckpointConflict from error
        raise


def _scan(partition: TopicPartition, position: KeyPosition) -> Scan:
    return Scan(position_id(partition), position.scan)


def position_id(partition: TopicPartition) -> str:
    """A partition as it stands in ids of positions and on keys."""
    return f"{partition.topic}:{partition.partition}"


def _exactly(partition: TopicPartition, position: KeyPosition) -> Document:
    return {"_id": position_id(partition), "offset": position.offset, "scan": position.scan}
