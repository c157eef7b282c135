"""The keys of others, as they were published: what reads sealed words keeps, and drops when told."""

from collections.abc import Collection, Mapping
from typing import Any

from motor.motor_asyncio import AsyncIOMotorClientSession, AsyncIOMotorDatabase
from pymongo import DeleteOne, ReplaceOne

from chassis.crypto_shredding import jwe
from chassis.crypto_shredding.key_cache import DataKey, KeyCache
from chassis.crypto_shredding.storage import Document, durable
from contracts.keys import KeyPublished


class KeyReader:
    """The collection `reader_keys`: {_id: kid, dialog, client, wrapped}, wrapped for the readers' key.

    `None` for a missing key says that it is not known here: erased, or not heard of yet. Which one, only the
    lag on the key topics can tell.
    """

    def __init__(self, database: AsyncIOMotorDatabase[Document], *, readers_key: bytes) -> None:
        self._keys = durable(database, "reader_keys")
        self._readers_key = readers_key
        self._memory = KeyCache()

    async def learn(self, key: KeyPublished) -> None:
        """Keeps a published key, for good; learning again changes nothing."""
        await self.hear({key.kid: key})

    async def unlearn(self, kid: str) -> None:
        """Drops a key whose tombstone was heard, for good; other replicas stop using it within seconds."""
        await self.hear({kid: None})

    async def hear(
        self,
        said: Mapping[str, KeyPublished | None],
        *,
        session: AsyncIOMotorClientSession | None = None,
        marks: Mapping[str, Any] | None = None,
    ) -> None:
        """Keeps published keys, and drops those that are None, in one write; `marks` stand on what is kept.

        In a `session`'s transaction this is done when that is; call `let_go` then.
        """
        writes = [_written(kid, key, marks or {}) for kid, key in said.items()]
        try:
            if writes:
                await self._keys.bulk_write(writes, ordered=False, session=session)
        finally:
            self.let_go([kid for kid, key in said.items() if key is None])

    def let_go(self, kids: Collection[str]) -> None:
        """Takes these keys out of memory, so that they are looked up again."""
        self._memory.drop(lambda key: key.kid in kids)

    async def open(self, sealed: str) -> str | None:
        """The words; None if there is no key for them. Raises `Unreadable`."""
        kid = jwe.kid_of(sealed)

        async def load() -> DataKey | None:
            found = await self._keys.find_one({"_id": kid})
            return self._unwrapped(found) if found else None

        key = await self._memory.get(kid, load)
        return jwe.unseal(sealed, key.raw).decode() if key else None

    def _unwrapped(self, key: Document) -> DataKey:
        return DataKey(
            key["_id"], key["dialog"], key["client"], jwe.unseal(key["wrapped"], self._readers_key)
        )


def _written(
    kid: str, key: KeyPublished | None, marks: Mapping[str, Any]
) -> ReplaceOne[Document] | DeleteOne:
    if key is None:
        return DeleteOne({"_id": kid})
    stored = {"dialog": key.scope, "client": key.subject, "wrapped": key.wrapped}
    return ReplaceOne({"_id": kid}, {**stored, **marks}, upsert=True)
