"""The keys of others, as they were published: kept by what opens their text, deleted by their tombstones."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from typing import Any, Self

from motor.motor_asyncio import AsyncIOMotorClientSession, AsyncIOMotorDatabase
from pymongo import DeleteOne, ReplaceOne

from chassis.crypto_shredding import jwe
from chassis.crypto_shredding.key_cache import DataKey, KeyCache
from chassis.crypto_shredding.settings import OpeningSettings
from chassis.crypto_shredding.storage import Document, durable
from chassis.errors import DecryptionFailed
from chassis.settings import key_bytes
from contracts.keys import KeyPublished


class KeyReader:
    """The collection `reader_keys`: {_id: kid, scope, subject, wrapped}, wrapped for the readers' key.

    A missing key is erased or not consumed yet: which one, only the lag on the key topics can tell.
    """

    def __init__(
        self,
        database: AsyncIOMotorDatabase[Document],
        *,
        readers_key: bytes,
        readers_keys_before: Sequence[bytes] = (),
    ) -> None:
        self._keys = durable(database, "reader_keys")
        self._readers_key = jwe.WrappingKeys(readers_key, readers_keys_before)
        self._memory = KeyCache()

    @classmethod
    def of(cls, settings: OpeningSettings, database: AsyncIOMotorDatabase[Document]) -> Self:
        """The reader that `settings` describe."""
        before = [key_bytes(key) for key in settings.readers_keys_before]
        return cls(database, readers_key=key_bytes(settings.readers_key), readers_keys_before=before)

    async def outdated(self) -> tuple[int, int]:
        """How many keys there are, and how many of them are not wrapped for the present readers' key."""
        count = outdated = 0
        async for key in self._keys.find():
            count += 1
            with suppress(DecryptionFailed):
                context = jwe.key_context(key["subject"], key["scope"], key["_id"])
                outdated += jwe.kid_of(key["wrapped"], context) != self._readers_key.kid
        return count, outdated

    async def apply(
        self,
        records: Mapping[str, KeyPublished | None],
        *,
        session: AsyncIOMotorClientSession | None = None,
        marks: Mapping[str, Any] | None = None,
    ) -> None:
        """Stores published keys with the fields `marks`, deletes those that are None, by kid, in one write.

        In a `session`'s transaction this is done when that commits; call `evict` then.
        """
        # Of one kind after the other, in order: what follows an error in a transaction only learns that the
        # transaction is gone, and hides the error.
        writes: list[ReplaceOne[Document] | DeleteOne] = []
        for kid, key in sorted(records.items(), key=lambda record: record[1] is None):
            if key is None:
                writes.append(DeleteOne({"_id": kid}))
            else:
                stored = {"scope": key.scope, "subject": key.subject, "wrapped": key.wrapped, **(marks or {})}
                writes.append(ReplaceOne({"_id": kid}, stored, upsert=True))
        try:
            if writes:
                await self._keys.bulk_write(writes, session=session)
        finally:
            self.evict([kid for kid, key in records.items() if key is None])

    def evict(self, kids: Collection[str]) -> None:
        """Takes these keys out of memory, so that they are looked up again."""
        self._memory.evict(lambda key: key.kid in kids)

    async def open(self, sealed: str, *, subject: str, scope: str, purpose: str) -> str | None:
        """The text; None without its key. Raises `DecryptionFailed`, also if it was sealed as another's."""
        context = jwe.Context(subject, scope, purpose)
        kid = jwe.kid_of(sealed, context)

        async def load() -> DataKey | None:
            if (found := await self._keys.find_one({"_id": kid})) is None:
                return None
            of_key = jwe.key_context(found["subject"], found["scope"], kid)
            raw = self._readers_key.unwrap(found["wrapped"], of_key)
            return DataKey(kid, found["scope"], found["subject"], raw)

        key = await self._memory.get(kid, load)
        return key.open(sealed, context) if key else None
