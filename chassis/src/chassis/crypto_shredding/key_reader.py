"""The keys of others, as they were published: kept by what opens their text, deleted by their tombstones."""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any, Final, Self, TypeVar

from motor.motor_asyncio import AsyncIOMotorDatabase
from pymongo import ASCENDING, DeleteMany, DeleteOne, ReplaceOne

from chassis.crypto_shredding import jwe
from chassis.crypto_shredding.key_cache import DataKey, KeyCache
from chassis.crypto_shredding.settings import OpeningSettings
from chassis.crypto_shredding.storage import Document, durable
from chassis.errors import DecryptionFailed
from chassis.kafka.table_checkpoints import InTransaction, Scan
from chassis.mongo import transaction
from chassis.settings import key_bytes
from chassis.telemetry.metrics import Alarm
from contracts.keys import KeyEvent, KeyPublished
from contracts.topics import DIALOG_KEYS

Write = DeleteOne | DeleteMany | ReplaceOne[Document]

T = TypeVar("T")

SWEEP_BATCH: Final = 1_000
TOMBSTONE_RETENTION: Final = timedelta(milliseconds=int(DIALOG_KEYS.settings["delete.retention.ms"]))


class KeyReader:
    """The table of the key topics: `reader_keys`, {_id: kid, scope, subject, wrapped, partition, scan}.

    `wrapped` is for the readers' key; `partition` and `scan` are those of the `Scan` that found the key.
    A missing key is erased or not consumed yet: which one, only the lag on the key topics can tell.
    """

    max_age = TOMBSTONE_RETENTION * 0.9
    alarm = Alarm.KEY_RECORD_DEAD

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

    async def prepare(self) -> None:
        """Creates the index that finds what a scan has not found; repeatable."""
        await self._keys.create_index([("partition", ASCENDING), ("scan", ASCENDING)])

    async def apply(self, records: Mapping[str, KeyEvent | None], scan: Scan, first: InTransaction) -> None:
        """Stores published keys and deletes those that are None, by kid, in one transaction after `first`."""
        writes: list[Write] = []
        for kid, key in records.items():
            if isinstance(key, KeyPublished):  # a nudge carries nothing
                document = {"scope": key.scope, "subject": key.subject, "wrapped": key.wrapped}
                found_by = {"partition": scan.partition, "scan": scan.id}
                writes.append(ReplaceOne({"_id": kid}, {**document, **found_by}, upsert=True))
        # Of one kind after the other, in order: what follows an error in a transaction is only told that the
        # transaction is gone, and hides the error.
        dropped = [kid for kid, key in records.items() if key is None]
        writes += [DeleteOne({"_id": kid}) for kid in dropped]
        await self._in_transaction(first, writes, set(dropped))

    async def drop_unseen(self, scan: Scan, first: InTransaction) -> None:
        """Deletes the keys of the partition that `scan` did not find, each thousand as in `apply`."""
        unseen = {"partition": scan.partition, "scan": {"$ne": scan.id}}
        while kids := {key["_id"] async for key in self._keys.find(unseen, {"_id": 1}).limit(SWEEP_BATCH)}:
            # Another scan may have found them meanwhile.
            still_unseen = {"_id": {"$in": list(kids)}, "scan": {"$ne": scan.id}}
            await self._in_transaction(first, [DeleteMany(still_unseen)], kids)

    async def _in_transaction(
        self, first: InTransaction, writes: Sequence[Write], dropped: Collection[str]
    ) -> None:
        try:
            client = self._keys.database.client
            async with await client.start_session() as session, transaction(session):
                await first(session)
                if writes:
                    await self._keys.bulk_write(writes, session=session)
        finally:
            # Only now: until it is through, whoever opens a text still finds the key, and remembers it.
            self._memory.evict(lambda key: key.kid in dropped)

    async def open(self, sealed: str, *, subject: str, scope: str, purpose: str) -> str | None:
        """The text; None without its key. Raises `DecryptionFailed`, also if it was sealed as another's."""
        [found] = await self.open_all([(sealed, subject, scope, purpose)])
        if isinstance(found, DecryptionFailed):
            raise found
        return found

    async def open_all(
        self, texts: Sequence[tuple[str, str, str, str]]
    ) -> list[str | DecryptionFailed | None]:
        """What `open` gives of each (sealed, subject, scope, purpose), or raises; keys are read by one query.

        Nothing else runs while texts are opened: give it hundreds, not thousands.
        """
        places = [(sealed, jwe.Context(*context)) for sealed, *context in texts]
        kids = [_attempt(jwe.kid_of, sealed, context) for sealed, context in places]
        keys = await self._memory.get_all({kid for kid in kids if isinstance(kid, str)}, self._load)
        found = [keys.get(kid) if isinstance(kid, str) else kid for kid in kids]
        return [
            _attempt(key.open, *place) if isinstance(key, DataKey) else key
            for key, place in zip(found, places, strict=True)
        ]

    async def _load(self, kids: Collection[str]) -> dict[str, DataKey | DecryptionFailed]:
        stored = self._keys.find({"_id": {"$in": list(kids)}}, ["scope", "subject", "wrapped"])
        return {key["_id"]: _attempt(self._unwrapped, key) for key in await stored.to_list(None)}

    def _unwrapped(self, key: Document) -> DataKey:
        kid, scope, subject = key["_id"], key["scope"], key["subject"]
        raw = self._readers_key.unwrap(key["wrapped"], jwe.key_context(subject, scope, kid))
        return DataKey(kid, scope, subject, raw)


def _attempt(do: Callable[..., T], *args: Any) -> T | DecryptionFailed:
    try:
        return do(*args)
    except DecryptionFailed as failure:
        return failure
