"""The keys of others, as they were published: what reads sealed words keeps, and drops when told."""

import asyncio
from collections.abc import Collection, Sequence

from motor.motor_asyncio import AsyncIOMotorDatabase
from pymongo import ReplaceOne

from chassis.sealing import jwe
from chassis.sealing.memory import DataKey, UnwrappedKeys
from chassis.sealing.storage import Document, durable
from contracts.keys import KeyPublished


class KeyReader:
    """The collection `reader_keys`: {_id: kid, dialog, client, wrapped}, wrapped for the readers' key.

    `None` for a missing key says that it is not known here: erased, or not heard of yet. Which one, only the
    lag on the key topics can tell.
    """

    def __init__(self, database: AsyncIOMotorDatabase[Document], *, readers_key: bytes) -> None:
        self._keys = durable(database, "reader_keys")
        self._readers_key = readers_key
        self._memory = UnwrappedKeys()

    async def learn(self, key: KeyPublished) -> None:
        """Keeps a published key, for good."""
        await self.learn_all([key])

    async def learn_all(self, keys: Sequence[KeyPublished]) -> None:
        """Keeps published keys, for good, in one write; learning again changes nothing."""
        if keys:
            await self._keys.bulk_write([_learnt(key) for key in keys], ordered=False)

    async def unlearn(self, kid: str) -> None:
        """Drops a key whose tombstone was heard, for good; other replicas stop using it within seconds."""
        await self.unlearn_all([kid])

    async def unlearn_all(self, kids: Collection[str]) -> None:
        """Drops keys whose tombstones were heard, for good."""
        try:
            await self._keys.delete_many({"_id": {"$in": list(kids)}})
        finally:
            self._memory.drop(lambda key: key.kid in kids)

    async def open(self, sealed: str) -> str | None:
        """The words; None if there is no key for them. Raises `Unreadable`."""
        kid = jwe.kid_of(sealed)

        async def load() -> DataKey | None:
            found = await self._keys.find_one({"_id": kid})
            return self._unwrapped(found) if found else None

        key = await self._memory.get(kid, load)
        return jwe.unseal(sealed, key.raw).decode() if key else None

    async def open_all(self, sealed: Sequence[str]) -> list[str | None]:
        """The words of a page of texts, as `open` gives them, looked up side by side."""
        return await asyncio.gather(*map(self.open, sealed))

    def _unwrapped(self, key: Document) -> DataKey:
        return DataKey(
            key["_id"], key["dialog"], key["client"], jwe.unseal(key["wrapped"], self._readers_key)
        )


def _learnt(key: KeyPublished) -> ReplaceOne[Document]:
    stored = {"_id": key.kid, "dialog": key.dialog, "client": key.client, "wrapped": key.wrapped}
    return ReplaceOne({"_id": key.kid}, stored, upsert=True)
