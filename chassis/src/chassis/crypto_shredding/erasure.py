"""Erases a data subject: marked first, then their keys deleted, so that no key survives in any order."""

from motor.motor_asyncio import AsyncIOMotorCollection, AsyncIOMotorDatabase
from pymongo import ASCENDING, DeleteOne

from chassis.crypto_shredding.key_cache import KeyCache
from chassis.crypto_shredding.storage import Document, durable, older
from chassis.crypto_shredding.tombstones import ErasurePace, Tombstones

BATCH_SIZE = 500


class Erasure:
    """The collection `erased_subjects`: {_id: subject, erased_at, requested_at, settled}; kept for ever.

    Erased keys leave `cache` too. `settled` once `ErasurePace.recheck_for` is over.
    """

    def __init__(
        self,
        database: AsyncIOMotorDatabase[Document],
        keys: AsyncIOMotorCollection[Document],
        tombstones: Tombstones | None,
        cache: KeyCache,
        pace: ErasurePace,
    ) -> None:
        self._erased = durable(database, "erased_subjects")
        self._keys = keys
        self._tombstones = tombstones
        self._cache = cache
        self._pace = pace

    async def prepare(self) -> None:
        """Makes the index of those that are not settled."""
        await self._erased.create_index(
            [("settled", ASCENDING)], partialFilterExpression={"settled": False}, name="to_settle"
        )

    async def is_erased(self, subject: str) -> bool:
        """Whether the subject was erased."""
        return await self._erased.find_one({"_id": subject}, {"_id": 1}) is not None

    async def erase(self, subject: str) -> None:
        """Marks a subject and deletes their keys, for good."""
        mark = {
            "erased_at": {"$ifNull": ["$erased_at", "$$NOW"]},
            "requested_at": "$$NOW",
            "settled": False,
        }
        await self._erased.update_one({"_id": subject}, [{"$set": mark}], upsert=True)
        await self.delete_keys([subject])

    async def delete_keys(self, subjects: list[str]) -> None:
        """Deletes all keys of `subjects`; published ones are recorded among the tombstones before."""
        try:
            while keys := await self._keys.find({"subject": {"$in": subjects}}).to_list(BATCH_SIZE):
                if self._tombstones:
                    await self._tombstones.record(keys)
                # A location that was added meanwhile would be lost with its key: that key waits a turn.
                unchanged = [{name: key[name] for name in ("_id", "kid", "published")} for key in keys]
                await self._keys.bulk_write([DeleteOne(key) for key in unchanged], ordered=False)
        finally:
            self._cache.evict(lambda key: key.subject in subjects)

    async def resume(self) -> None:
        """Finishes what a crash interrupted: an erasure, or a creation that did not see the mark in time."""
        unsettled = await self._erased.distinct("_id", {"settled": False})
        if unsettled:
            await self.delete_keys(unsettled)
        old = {"settled": False, "$expr": older("requested_at", self._pace.recheck_for)}
        await self._erased.update_many(old, {"$set": {"settled": True}})
