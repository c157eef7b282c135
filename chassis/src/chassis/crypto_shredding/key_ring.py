"""The keys of a service that writes clients' words: one data key per dialog, wrapped by a master key."""

import asyncio
import hmac
from collections.abc import Collection
from contextlib import suppress

import structlog
from aiokafka.errors import KafkaError
from motor.motor_asyncio import AsyncIOMotorDatabase
from pymongo import ASCENDING, ReturnDocument
from pymongo.errors import DuplicateKeyError, PyMongoError

from chassis.crypto_shredding import jwe
from chassis.crypto_shredding.erasure import Erasure
from chassis.crypto_shredding.key_cache import DataKey, KeyCache
from chassis.crypto_shredding.key_publishing import KeyPublishing
from chassis.crypto_shredding.storage import Document, durable
from chassis.crypto_shredding.tombstones import ErasurePace, Tombstones
from chassis.errors import DecryptionFailed, KeyOwnerMismatch, PublishFailed, SubjectErased
from chassis.kafka.connection import KafkaConnection
from chassis.kafka.publisher import Publisher

log = structlog.stdlib.get_logger(__name__)


class KeyRing:
    """The collection `keys`: {_id: dialog, kid, client, wrapped, created_at, published: [places]}.

    Existence is the permission: a key is used only if its document was seen in the last five seconds. A
    replica that has not noticed an erasure yet may seal words with the dead key for that long. Nobody can
    ever read them, so that is as good as not having written them.

    With `connection`, compaction is verified by looking; without it, forgetting trusts the time it takes.
    """

    name = "keys"

    def __init__(
        self,
        database: AsyncIOMotorDatabase[Document],
        *,
        service: str,
        master_key: bytes,
        readers_key: bytes,
        topic: str,
        publisher: Publisher,
        connection: KafkaConnection | None = None,
        pace: ErasurePace | None = None,
    ) -> None:
        self._keys = durable(database, "keys")
        self._master_key, self._master_id = master_key, jwe.short_hash(master_key)
        self._pace = pace or ErasurePace()
        self._memory = KeyCache()
        self._tombstones = Tombstones(
            database,
            service=service,
            topic=topic,
            publisher=publisher,
            connection=connection,
            pace=self._pace,
        )
        self._publishing = KeyPublishing(
            self._keys,
            service=service,
            topic=topic,
            publisher=publisher,
            readers_key=readers_key,
            unwrapped=self._unwrapped,
            tombstones=self._tombstones,
        )
        self._erasure = Erasure(
            database, keys=self._keys, tombstones=self._tombstones, drop=self._drop, pace=self._pace
        )

    async def prepare(self) -> None:
        """Makes the indexes."""
        await self._keys.create_index([("kid", ASCENDING)], unique=True)
        await self._keys.create_index([("client", ASCENDING)])
        await self._tombstones.prepare()
        await self._erasure.prepare()

    async def seal(self, dialog: str, client: str, text: str) -> str:
        """`text` sealed with the dialog's key, which is stored for good before this returns.

        Raises `SubjectErased` if the client is erased, `KeyOwnerMismatch` if the dialog is another client's.
        """
        key = await self._key_for(dialog, client)
        return jwe.seal(text.encode(), key.raw, key.kid)

    async def open(self, sealed: str) -> str | None:
        """The words; None if they were erased. Raises `DecryptionFailed`."""
        key = await self._load({"kid": (kid := jwe.kid_of(sealed))}, f"kid:{kid}")
        return jwe.unseal(sealed, key.raw).decode() if key else None

    async def fingerprint(self, dialog: str, client: str, text: str) -> str:
        """HMAC-SHA-256 of `text` in hex: the same words give the same, and nobody can tell without the key.

        Raises `SubjectErased` and `KeyOwnerMismatch`.
        """
        key = await self._key_for(dialog, client)
        # The data key encrypts; what it signs with is another one, made from it.
        signing = hmac.digest(key.raw, b"candor fingerprint", "sha256")
        return hmac.digest(signing, text.encode(), "sha256").hex()

    async def publish(self, dialogs: Collection[str]) -> None:
        """Publishes the keys of `dialogs` that are not published yet, wrapped for readers.

        Raises PublishFailed; publishing again is harmless.
        """
        await self._publishing.publish(dialogs)

    async def forget(self, client: str) -> None:
        """Erases a client: their words can't be opened here from now on, elsewhere within seconds.

        The keys are gone for good when this returns; Kafka's copies follow (`run`). Repeatable.
        """
        await self._erasure.forget(client)
        try:
            await self._tombstones.say()
        except PublishFailed:
            log.warning("tombstones wait for Kafka")

    async def run(self) -> None:
        """Beats until compaction is through, and finishes what a crash interrupted; until cancelled."""
        pause = self._pace.beat
        while True:
            try:
                await self._erasure.resume()
                await self._tombstones.round()
                pause = self._pace.beat
            except (PyMongoError, KafkaError, PublishFailed) as error:
                log.warning("forgetting waits", error=type(error).__name__)
                pause = min(pause * 2, self._pace.longest_pause)
            await asyncio.sleep(pause.total_seconds())

    def unhealthy_reason(self) -> str | None:
        """Never: requests don't need what `run` does."""
        return None

    def _drop(self, client: str) -> None:
        self._memory.drop(lambda key: key.client == client)

    async def _key_for(self, dialog: str, client: str) -> DataKey:
        key = await self._load({"_id": dialog}, f"dialog:{dialog}") or await self._create(dialog, client)
        if key.client != client:
            raise KeyOwnerMismatch("This dialog is another client's")
        return key

    async def _load(self, query: Document, name: str) -> DataKey | None:
        async def load() -> DataKey | None:
            found = await self._keys.find_one(query)
            return self._unwrapped(found) if found else None

        return await self._memory.get(name, load)

    async def _create(self, dialog: str, client: str) -> DataKey:
        if await self._erasure.is_marked(client):
            raise SubjectErased("This client was erased")
        key = self._unwrapped(await self._insert(dialog, client))
        # An erasure marks before it looks for keys, a creation stores before it looks for the mark: whoever
        # comes second sees the other. If this process dies in between, `run` buries the key.
        if await self._erasure.is_marked(client):
            await self._erasure.bury([client])
            raise SubjectErased("This client was erased")
        return key

    async def _insert(self, dialog: str, client: str) -> Document:
        """The dialog's key document, stored by a majority; concurrent creators get the same one."""
        new = {
            "kid": jwe.new_kid(),
            "client": client,
            "wrapped": jwe.seal(jwe.new_key(), self._master_key, self._master_id),
            "published": [],
        }
        created: Document = {
            name: {"$ifNull": [f"${name}", {"$literal": value}]} for name, value in new.items()
        }
        created["created_at"] = {"$ifNull": ["$created_at", "$$NOW"]}
        while True:
            with suppress(DuplicateKeyError):  # two upserts at once: the other one has made it
                return await self._keys.find_one_and_update(
                    {"_id": dialog}, [{"$set": created}], upsert=True, return_document=ReturnDocument.AFTER
                )

    def _unwrapped(self, key: Document) -> DataKey:
        if jwe.kid_of(key["wrapped"]) != self._master_id:
            raise DecryptionFailed("This key is wrapped by another master key than the one in the settings")
        return DataKey(key["kid"], key["_id"], key["client"], jwe.unseal(key["wrapped"], self._master_key))
