"""The keys of a service that seals text: one data key per scope, wrapped by a master key."""

import asyncio
import hmac
from collections.abc import Sequence
from contextlib import suppress

import structlog
from motor.motor_asyncio import AsyncIOMotorDatabase
from pymongo import ASCENDING, ReturnDocument, UpdateOne
from pymongo.errors import DuplicateKeyError

from chassis.crypto_shredding import jwe
from chassis.crypto_shredding.erasure import Erasure
from chassis.crypto_shredding.key_cache import DataKey, KeyCache
from chassis.crypto_shredding.settings import MasterKeySettings
from chassis.crypto_shredding.storage import Document, durable
from chassis.crypto_shredding.tombstones import ErasurePace, Tombstones
from chassis.errors import KeyOwnerMismatch, SubjectErased
from chassis.settings import key_bytes
from chassis.transient import is_transient

REWRAPPED_AT_ONCE = 500

log = structlog.stdlib.get_logger(__name__)


class PrivateKeyRing:
    """The collection `keys`: {_id: scope, kid, subject, wrapped, wrapped_by, created_at, published, …}.

    `wrapped_by` is the id of the master key, `published` stays empty: nobody else reads these keys. Those of
    a `KeyRing` are published.

    Existence is the permission: a key is used only if its document was seen in the last five seconds. A
    replica that has not noticed an erasure yet may seal text with the deleted key for that long. Nobody can
    ever read it, so that is as good as not having written it.
    """

    name = "keys"

    def __init__(
        self,
        database: AsyncIOMotorDatabase[Document],
        *,
        master_key: bytes,
        master_keys_before: Sequence[bytes] = (),
        pace: ErasurePace | None = None,
        tombstones: Tombstones | None = None,
    ) -> None:
        self._keys = durable(database, "keys")
        self._master = jwe.WrappingKeys(master_key, master_keys_before)
        self._pace = pace or ErasurePace()
        self._memory = KeyCache()
        self._erasure = Erasure(database, self._keys, tombstones, self._memory, self._pace)

    async def prepare(self) -> None:
        """Makes the indexes."""
        await self._keys.create_index([("kid", ASCENDING)], unique=True)
        await self._keys.create_index([("subject", ASCENDING)])
        await self._erasure.prepare()

    async def seal(self, text: str, *, subject: str, scope: str, purpose: str) -> str:
        """`text` sealed with the scope's key, which is stored for good before this returns.

        Raises `SubjectErased` if the subject is erased, `KeyOwnerMismatch` if the scope is another subject's.
        """
        if (key := await self._load({"_id": scope}, f"scope:{scope}")) is None:
            if await self._erasure.is_erased(subject):
                raise SubjectErased("This subject was erased")
            key = self._unwrap(await self._insert(scope, subject))
            # An erasure marks before it looks for keys, a creation stores before it looks for the mark:
            # whoever comes second sees the other. If this process dies in between, `run` deletes the key.
            if await self._erasure.is_erased(subject):
                await self._erasure.delete_keys([subject])
                raise SubjectErased("This subject was erased")
        _check_owner(key, subject)
        return jwe.seal(text.encode(), key.raw, key.kid, jwe.Context(subject, scope, purpose))

    async def open(self, sealed: str, *, subject: str, scope: str, purpose: str) -> str | None:
        """The text; None if it was erased. Raises `DecryptionFailed`, also if it was sealed as another's."""
        context = jwe.Context(subject, scope, purpose)
        kid = jwe.kid_of(sealed, context)
        key = await self._load({"kid": kid}, f"kid:{kid}")
        return key.open(sealed, context) if key else None

    async def fingerprint(self, text: str, *, subject: str, scope: str) -> str | None:
        """HMAC-SHA-256 of `text` in hex: the same text gives the same, and nobody can tell without the key.

        None as long as the scope has no key, so that nothing was ever sealed in it; this makes none. Raises
        `KeyOwnerMismatch`.
        """
        if (key := await self._load({"_id": scope}, f"scope:{scope}")) is None:
            return None
        _check_owner(key, subject)
        # The data key encrypts; what it signs with is another one, made from it.
        signing = hmac.digest(key.raw, b"candor fingerprint", "sha256")
        return hmac.digest(signing, text.encode(), "sha256").hex()

    async def rewrap(self) -> int:
        """Wraps the keys anew that are not wrapped by the present master key; how many. Repeatable."""
        count, found = 0, self._keys.find({"wrapped_by": {"$ne": self._master.kid}})
        while keys := await found.to_list(REWRAPPED_AT_ONCE):
            changes = [
                UpdateOne({"_id": key["_id"], "kid": key["kid"]}, {"$set": self._wrapped(self._unwrap(key))})
                for key in keys
            ]
            count += (await self._keys.bulk_write(changes, ordered=False)).modified_count
        return count

    async def to_rewrap(self) -> tuple[int, int]:
        """How many keys there are, and how many of them are wrapped by another master key."""
        another = {"wrapped_by": {"$ne": self._master.kid}}
        return await self._keys.count_documents({}), await self._keys.count_documents(another)

    async def erase(self, subject: str) -> None:
        """Erases a data subject: their text can't be opened from now on. Repeatable."""
        await self._erasure.erase(subject)

    async def run(self) -> None:
        """Finishes what a crash interrupted; until cancelled."""
        pause = self._pace.nudge_every
        while True:
            try:
                await self._advance()
                pause = self._pace.nudge_every
            except Exception as error:
                if not is_transient(error):
                    raise
                log.warning("erasure_waiting", error=type(error).__name__)
                pause = min(pause * 2, self._pace.longest_pause)
            await asyncio.sleep(pause.total_seconds())

    async def _advance(self) -> None:
        await self._erasure.resume()

    def unhealthy_reason(self) -> str | None:
        """Never: requests don't need what `run` does."""
        return None

    async def _load(self, query: Document, name: str) -> DataKey | None:
        async def load() -> DataKey | None:
            found = await self._keys.find_one(query)
            return self._unwrap(found) if found else None

        return await self._memory.get(name, load)

    async def _insert(self, scope: str, subject: str) -> Document:
        """The scope's key document, stored by a majority; concurrent creators get the same one."""
        key = DataKey(jwe.new_kid(), scope, subject, jwe.new_key())
        new = {"kid": key.kid, "subject": subject, **self._wrapped(key), "published": []}
        created: Document = {
            name: {"$ifNull": [f"${name}", {"$literal": value}]} for name, value in new.items()
        }
        created["created_at"] = {"$ifNull": ["$created_at", "$$NOW"]}
        while True:
            with suppress(DuplicateKeyError):  # two upserts at once: the other one has made it
                return await self._keys.find_one_and_update(
                    {"_id": scope}, [{"$set": created}], upsert=True, return_document=ReturnDocument.AFTER
                )

    def _wrapped(self, key: DataKey) -> Document:
        return {"wrapped": self._master.wrap(key.raw, key.context), "wrapped_by": self._master.kid}

    def _unwrap(self, key: Document) -> DataKey:
        context = jwe.key_context(key["subject"], key["_id"], key["kid"])
        return DataKey(key["kid"], key["_id"], key["subject"], self._master.unwrap(key["wrapped"], context))


def _check_owner(key: DataKey, subject: str) -> None:
    if key.subject != subject:
        raise KeyOwnerMismatch("This scope is another subject's")


def private_key_ring(settings: MasterKeySettings, database: AsyncIOMotorDatabase[Document]) -> PrivateKeyRing:
    """The key ring that `settings` describe."""
    before = [key_bytes(key) for key in settings.master_keys_before]
    return PrivateKeyRing(database, master_key=key_bytes(settings.master_key), master_keys_before=before)
