"""A client is forgotten: marked first, then their keys deleted, so that no key survives in any order."""

from collections.abc import Callable

from motor.motor_asyncio import AsyncIOMotorCollection, AsyncIOMotorDatabase
from pymongo import ASCENDING, DeleteOne

from chassis.crypto_shredding.storage import Document, durable, older
from chassis.crypto_shredding.tombstones import ErasurePace, Tombstones

AT_ONCE = 500


class Erasure:
    """The collection `forgotten`: {_id: client, at, settled, asked_at}; a mark stays for ever."""

    def __init__(
        self,
        database: AsyncIOMotorDatabase[Document],
        *,
        keys: AsyncIOMotorCollection[Document],
        tombstones: Tombstones,
        drop: Callable[[str], None],
        pace: ErasurePace,
    ) -> None:
        self._marks = durable(database, "forgotten")
        self._keys = keys
        self._tombstones = tombstones
        self._drop = drop
        self._pace = pace

    async def prepare(self) -> None:
        """Makes the index of marks that are looked after still."""
        await self._marks.create_index(
            [("settled", ASCENDING)], partialFilterExpression={"settled": False}, name="to_settle"
        )

    async def is_marked(self, client: str) -> bool:
        """Whether the client was erased."""
        return await self._marks.find_one({"_id": client}, {"_id": 1}) is not None

    async def forget(self, client: str) -> None:
        """Marks a client and deletes their keys, for good."""
        mark = {"at": {"$ifNull": ["$at", "$$NOW"]}, "asked_at": "$$NOW", "settled": False}
        await self._marks.update_one({"_id": client}, [{"$set": mark}], upsert=True)
        await self.bury([client])

    async def bury(self, clients: list[str]) -> None:
        """Deletes all keys of `clients`, each one noted among the tombstones before."""
        try:
            while keys := await self._keys.find({"client": {"$in": clients}}).to_list(AT_ONCE):
                await self._tombstones.note(keys)
                # A place that was added meanwhile would be lost with its key: that key waits a turn.
                await self._keys.bulk_write([_unchanged(key) for key in keys], ordered=False)
        finally:
            for client in clients:
                self._drop(client)

    async def resume(self) -> None:
        """Finishes what a crash interrupted: an erasure, or a creation that did not see the mark in time."""
        unsettled = await self._marks.distinct("_id", {"settled": False})
        if unsettled:
            await self.bury(unsettled)
        old = {"settled": False, "$expr": older("asked_at", self._pace.suspicion)}
        await self._marks.update_many(old, {"$set": {"settled": True}})


def _unchanged(key: Document) -> DeleteOne:
    return DeleteOne({name: key[name] for name in ("_id", "kid", "published")})
