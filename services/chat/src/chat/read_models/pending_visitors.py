"""Answers: who has come to a channel, and may open a first dialog. Whoever doesn't leaves nothing behind."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from motor.motor_asyncio import AsyncIOMotorDatabase
from pymongo import ASCENDING

from chassis.crypto_shredding.temporary import TemporarySeal
from contracts.keys import Purpose

Document = dict[str, Any]
SEALED = (Purpose.EMAIL, Purpose.NAME)


@dataclass(frozen=True)
class PendingVisitor:
    """Somebody with a token and without a dialog, as far as is known who they are."""

    client: str
    channel: str
    locale: str | None = None
    email: str | None = field(default=None, repr=False)
    name: str | None = field(default=None, repr=False)


class PendingVisitors:
    """The collection ``pending_visitors``: {_id: client, channel, locale, email, name, expires_at}.

    It is no projection: these documents are all that is known of a visitor until they open a dialog. E-mail
    and name are sealed.
    """

    def __init__(self, database: "AsyncIOMotorDatabase[Document]", seal: TemporarySeal) -> None:
        self._visitors = database["pending_visitors"]
        self._seal = seal

    async def prepare(self) -> None:
        """Makes the index by which MongoDB sweeps up who has expired. Can be repeated."""
        await self._visitors.create_index([("expires_at", ASCENDING)], expireAfterSeconds=0)

    async def add(self, visitor: PendingVisitor, expires_at: datetime) -> None:
        """Remembers a visitor until then."""
        sealed: Document = {
            purpose: text and self._seal.seal(text, subject=visitor.client, purpose=purpose)
            for purpose in SEALED
            for text in [getattr(visitor, purpose)]
        }
        who = {"_id": visitor.client, "channel": visitor.channel, "locale": visitor.locale}
        await self._visitors.insert_one({**who, **sealed, "expires_at": expires_at})

    async def find(self, client: str, now: datetime) -> PendingVisitor | None:
        """The visitor, unless they are expired or not pending. Raises `DecryptionFailed`.

        An e-mail and a name that were sealed under a master key of the past are None.
        """
        # Sweeping up may take MongoDB a minute, or for ever while it is busy.
        found = await self._visitors.find_one({"_id": client, "expires_at": {"$gt": now}})
        if found is None:
            return None
        opened = {
            purpose: found[purpose] and self._seal.open(found[purpose], subject=client, purpose=purpose)
            for purpose in SEALED
        }
        return PendingVisitor(client, found["channel"], found["locale"], **opened)

    async def keep(self, client: str, now: datetime, expires_at: datetime) -> bool:
        """Remembers a visitor until then; False for one who is not pending, or expired."""
        found = await self._visitors.update_one(
            {"_id": client, "expires_at": {"$gt": now}}, {"$max": {"expires_at": expires_at}}
        )
        return bool(found.matched_count)

    async def remove(self, client: str) -> None:
        """Forgets a visitor; can be repeated."""
        await self._visitors.delete_one({"_id": client})
