"""A key ring whose keys are published, wrapped for their readers, and erased from Kafka as well."""

from collections.abc import Collection, Sequence
from typing import Self

import structlog
from motor.motor_asyncio import AsyncIOMotorDatabase

from chassis.crypto_shredding import jwe
from chassis.crypto_shredding.key_publisher import KeyPublisher
from chassis.crypto_shredding.private_key_ring import PrivateKeyRing
from chassis.crypto_shredding.settings import SealingSettings
from chassis.crypto_shredding.storage import Document
from chassis.crypto_shredding.tombstones import ErasurePace, Tombstones
from chassis.errors import PublishFailed
from chassis.kafka.connection import KafkaConnection
from chassis.kafka.publisher import Publisher
from chassis.settings import key_bytes

log = structlog.stdlib.get_logger(__name__)


class KeyRing(PrivateKeyRing):
    """The keys are published: `published` are the locations ({partition, offset}) of a key's records.

    `published_for` is the id of the readers' key that the last of them is wrapped by.
    With `connection`, compaction is verified by looking; without it, erasure trusts the time it takes.
    """

    def __init__(
        self,
        database: AsyncIOMotorDatabase[Document],
        *,
        service: str,
        master_key: bytes,
        master_keys_before: Sequence[bytes] = (),
        readers_key: bytes,
        topic: str,
        publisher: Publisher,
        connection: KafkaConnection | None = None,
        pace: ErasurePace | None = None,
    ) -> None:
        pace = pace or ErasurePace()
        self._tombstones = Tombstones(
            database, service=service, topic=topic, publisher=publisher, connection=connection, pace=pace
        )
        super().__init__(
            database, master_key=master_key, master_keys_before=master_keys_before, pace=pace,
            tombstones=self._tombstones,
        )  # fmt: skip
        self._publisher = KeyPublisher(
            self._keys, service=service, topic=topic, publisher=publisher,
            readers_key=jwe.WrappingKeys(readers_key), unwrap=self._unwrap, tombstones=self._tombstones,
        )  # fmt: skip

    @classmethod
    def of(
        cls,
        settings: SealingSettings,
        database: AsyncIOMotorDatabase[Document],
        *,
        topic: str,
        publisher: Publisher,
    ) -> Self:
        """The key ring that `settings` describe."""
        return cls(
            database,
            service=settings.service,
            master_key=key_bytes(settings.master_key),
            master_keys_before=[key_bytes(key) for key in settings.master_keys_before],
            readers_key=key_bytes(settings.readers_key),
            topic=topic,
            publisher=publisher,
            connection=settings.kafka,
        )

    async def prepare(self) -> None:
        """Makes the indexes."""
        await super().prepare()
        await self._tombstones.prepare()

    async def publish(self, scopes: Collection[str]) -> None:
        """Publishes the keys of `scopes` that are not published yet, wrapped for readers.

        Raises PublishFailed; publishing again is harmless.
        """
        await self._publisher.publish(scopes)

    async def republish(self) -> int:
        """Publishes the published keys again that are not wrapped for the present readers' key; how many.

        Raises PublishFailed; repeatable.
        """
        return await self._publisher.republish()

    async def outdated(self) -> tuple[int, int, int]:
        """How many keys there are, wrapped by another master key, published for another readers' key."""
        another = {"published": {"$ne": []}, "published_for": {"$ne": self._publisher.readers_id}}
        return (*await self.to_rewrap(), await self._keys.count_documents(another))

    async def erase(self, subject: str) -> None:
        """Erases a data subject: their text can't be opened here from now on, elsewhere within seconds.

        The keys are gone for good when this returns; Kafka's copies follow (`run`). Repeatable.
        """
        await super().erase(subject)
        try:
            await self._tombstones.send()
        except PublishFailed:
            log.warning("tombstones_waiting")

    async def _advance(self) -> None:
        """Also nudges until compaction is through."""
        await super()._advance()
        await self._tombstones.advance()
