"""Who read what of others, and who erased whom: noted for good before it is done."""

from datetime import datetime
from typing import Any

from motor.motor_asyncio import AsyncIOMotorDatabase

from contracts.access import Claims


class Audit:
    """The collection ``audit``: one document for each erasure, and each transcript that a lead read."""

    def __init__(self, database: "AsyncIOMotorDatabase[dict[str, Any]]") -> None:
        self._entries = database["audit"]

    async def prepare(self) -> None:
        """Makes the indexes. Can be repeated."""
        await self._entries.create_index([("dialog", 1), ("at", 1)])
        await self._entries.create_index([("client", 1), ("at", 1)])
        await self._entries.create_index([("who", 1), ("at", 1)])

    async def transcript_read(self, claims: Claims, dialog: str, channel: str, at: datetime) -> None:
        """Notes it. Raises PyMongoError if that can't be done; then nothing may be shown."""
        await self._note("transcript", claims, at, dialog=dialog, channel=channel)

    async def client_erased(self, claims: Claims, client: str, channel: str | None, at: datetime) -> None:
        """Notes it. Raises PyMongoError if that can't be done; then nobody may be erased."""
        await self._note("erasure", claims, at, client=client, channel=channel)

    async def _note(self, what: str, claims: Claims, at: datetime, **about: str | None) -> None:
        entry = {"what": what, "who": claims.sub, "roles": sorted(claims.roles), **about, "at": at}
        await self._entries.insert_one(entry)
