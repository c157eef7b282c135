"""Publishes keys: once, wrapped for their readers, and with another tombstone if they overtook theirs."""

from collections.abc import Callable, Collection, Sequence

from motor.motor_asyncio import AsyncIOMotorCollection
from pymongo import UpdateOne

from chassis.crypto_shredding import jwe
from chassis.crypto_shredding.key_cache import DataKey
from chassis.crypto_shredding.storage import Document
from chassis.crypto_shredding.tombstones import Tombstones
from chassis.kafka.publisher import ProducerRecord, Publisher, RecordMetadata
from contracts.envelope import Envelope
from contracts.keys import KeyPublished

PUBLISHED_AT_ONCE = 500


class KeyPublisher:
    """Publishes the keys of a key ring, and remembers where each one was written (`published`)."""

    def __init__(
        self,
        keys: AsyncIOMotorCollection[Document],
        *,
        service: str,
        topic: str,
        publisher: Publisher,
        readers_key: jwe.WrappingKeys,
        unwrap: Callable[[Document], DataKey],
        tombstones: Tombstones,
    ) -> None:
        self._keys = keys
        self._source = f"/candor/{service}"
        self._topic = topic
        self._publisher = publisher
        self._readers_key = readers_key
        self._unwrap = unwrap
        self._tombstones = tombstones

    async def publish(self, scopes: Collection[str]) -> None:
        """Publishes the keys of `scopes` that are not published yet. Raises PublishFailed."""
        unpublished = {"_id": {"$in": list(scopes)}, "published": []}
        if keys := await self._keys.find(unpublished).to_list(None):
            written = await self._publisher.publish([self._record(key) for key in keys])
            await self._remember(keys, written)

    @property
    def readers_id(self) -> str:
        """The id of the readers' key."""
        return self._readers_key.kid

    async def republish(self) -> int:
        """Publishes the published keys again that are not wrapped for this readers' key; how many.

        Raises PublishFailed. Kafka's compaction removes the records before.
        """
        others = {"published": {"$ne": []}, "published_for": {"$ne": self.readers_id}}
        count, found = 0, self._keys.find(others)
        while keys := await found.to_list(PUBLISHED_AT_ONCE):
            await self._remember(keys, await self._publisher.publish([self._record(key) for key in keys]))
            count += len(keys)
        return count

    async def _remember(self, keys: Sequence[Document], written: Sequence[RecordMetadata]) -> None:
        locations = {
            key["kid"]: {"partition": at.partition, "offset": at.offset}
            for key, at in zip(keys, written, strict=True)
        }
        readers = {"$set": {"published_for": self.readers_id}}
        updates = [
            UpdateOne({"kid": kid}, {"$push": {"published": at}, **readers}) for kid, at in locations.items()
        ]
        if (await self._keys.bulk_write(updates, ordered=False)).matched_count == len(updates):
            return
        # Keys that were deleted while they were being published may have landed after their tombstone.
        alive = set(await self._keys.distinct("kid", {"kid": {"$in": list(locations)}}))
        overtaken = [{"kid": kid, "published": [at]} for kid, at in locations.items() if kid not in alive]
        await self._tombstones.record(overtaken)
        await self._tombstones.send()

    def _record(self, key: Document) -> ProducerRecord:
        data_key = self._unwrap(key)
        wrapped = self._readers_key.wrap(data_key.raw, data_key.context)
        event = KeyPublished(kid=key["kid"], scope=key["_id"], subject=key["subject"], wrapped=wrapped)
        envelope = Envelope(
            id=event.kid,
            type=event.type,
            source=self._source,
            time=key["created_at"],
            subject=event.kid,
            sequence=1,
        )
        return ProducerRecord(self._topic, event.kid, event.model_dump_json().encode(), envelope.to_headers())
