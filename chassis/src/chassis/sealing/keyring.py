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

from chassis.messaging.publisher import NotPublished, Publisher
from chassis.sealing import jwe
from chassis.sealing.forgetting import Forgetting, Forgotten
from chassis.sealing.jwe import Unreadable
from chassis.sealing.memory import DataKey, UnwrappedKeys
from chassis.sealing.publishing import KeyPublishing
from chassis.sealing.storage import Document, durable
from chassis.sealing.tombstones import Pace, Tombstones

log = structlog.stdlib.get_logger(__name__)


class NotTheirs(Exception):  # noqa: N818
    """The dialog's key belongs to another client: whoever calls has to check whose dialog it is first."""


class KeyRing:
    """The collection `keys`: {_id: dialog, kid, client, wrapped, created_at, published: [places]}.

    Existence is the permission: a key is used only if its document was seen in the last five seconds. A
    replica that has not noticed an erasure yet may seal words with the dead key for that long. Nobody can
    ever read them, so that is as good as not having written them.

    With `bootstrap`, compaction is verified by looking; without it, forgetting trusts the time it takes.
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
        bootstrap: str | None = None,
        pace: Pace | None = None,
    ) -> None:
        self._keys = durable(database, "keys")
        self._master_key, self._master_id = master_key, jwe.short_hash(master_key)
        self._pace = pace or Pace()
        self._memory = UnwrappedKeys()
        self._tombstones = Tombstones(
            database, service=service, topic=topic, publisher=publisher, bootstrap=bootstrap, pace=self._pace
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
        self._forgetting = Forgetting(
            database, keys=self._keys, tombstones=self._tombstones, drop=self._drop, pace=self._pace
        )

    async def prepare(self) -> None:
        """Makes the indexes."""
        await self._keys.create_index([("kid", ASCENDING)], unique=True)
        await self._keys.create_index([("client", ASCENDING)])
        await self._tombstones.prepare()
        await self._forgetting.prepare()

    async def seal(self, dialog: str, client: str, text: str) -> str:
        """`text` sealed with the dialog's key, which is stored for good before this returns.

        Raises `Forgotten` if the client is erased, `NotTheirs` if the dialog is another client's.
        """
        key = await self._key_for(dialog, client)
        return jwe.seal(text.encode(), key.raw, key.kid)

    async def open(self, sealed: str) -> str | None:
        """The words; None if they were erased. Raises `Unreadable`."""
        key = await self._load({"kid": (kid := jwe.kid_of(sealed))}, f"kid:{kid}")
        return jwe.unseal(sealed, key.raw).decode() if key else None

    async def fingerprint(self, dialog: str, client: str, text: str) -> str:
        """HMAC-SHA-256 of `text` in hex: the same words give the same, and nobody can tell without the key.

        Raises `Forgotten` and `NotTheirs`.
        """
        key = await self._key_for(dialog, client)
        # The data key encrypts; what it signs with is another one, made from it.
        signing = hmac.digest(key.raw, b"candor fingerprint", "sha256")
        return hmac.digest(signing, text.encode(), "sha256").hex()

    async def publish(self, dialogs: Collection[str]) -> None:
        """Publishes the keys of `dialogs` that are not published yet, wrapped for readers.

        Raises NotPublished; publishing again is harmless.
        """
        await self._publishing.publish(dialogs)

    async def forget(self, client: str) -> None:
        """Erases a client: their words can't be opened here from now on, elsewhere within seconds.

        The keys are gone for good when this returns; Kafka's copies follow (`run`). Repeatable.
        """
        await self._forgetting.forget(client)
        try:
            await self._tombstones.say()
        except NotPublished:
            log.warning("tombstones wait for Kafka")

    async def run(self) -> None:
        """Beats until compaction is through, and finishes what a crash interrupted; until cancelled."""
        pause = self._pace.beat
        while True:
            try:
                await self._forgetting.resume()
                await self._tombstones.round()
                pause = self._pace.beat
            except (PyMongoError, KafkaError, NotPublished) as error:
                log.warning("forgetting waits", error=type(error).__name__)
                pause = min(pause * 2, self._pace.longest_pause)
            await asyncio.sleep(pause.total_seconds())

    def trouble(self) -> str | None:
        """Never: requests don't need what `run` does."""
        return None

    def _drop(self, client: str) -> None:
        self._memory.drop(lambda key: key.client == client)

    async def _key_for(self, dialog: str, client: str) -> DataKey:
        key = await self._load({"_id": dialog}, f"dialog:{dialog}") or await self._create(dialog, client)
        if key.client != client:
            raise NotTheirs("This dialog is another client's")
        return key

    async def _load(self, query: Document, name: str) -> DataKey | None:
        async def load() -> DataKey | None:
            found = await self._keys.find_one(query)
            return self._unwrapped(found) if found else None

        return await self._memory.get(name, load)

    async def _create(self, dialog: str, client: str) -> DataKey:
        if await self._forgetting.is_marked(client):
            raise Forgotten("This client was erased")
        key = self._unwrapped(await self._insert(dialog, client))
        # An erasure marks before it looks for keys, a creation stores before it looks for the mark: whoever
        # comes second sees the other. If this process dies in between, `run` buries the key.
        if await self._forgetting.is_marked(client):
            await self._forgetting.bury([client])
            raise Forgotten("This client was erased")
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
            raise Unreadable("This key is wrapped by another master key than the one in the settings")
        return DataKey(key["kid"], key["_id"], key["client"], jwe.unseal(key["wrapped"], self._master_key))
