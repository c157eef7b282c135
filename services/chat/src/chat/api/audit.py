"""Who read what of others: noted for good before the reader sees it."""

from datetime import datetime
from typing import Any

from motor.motor_asyncio import AsyncIOMotorDatabase

from contracts.access import Claims


class Audit:
    """The collection ``audit``: one document for every time a supervisor or admin reads a transcript."""

    def __init__(self, database: "AsyncIOMotorDatabase[dict[str, Any]]") -> None:
        self._entries = database["audit"]

    async def prepare(self) -> None:
        """Makes the indexes. Can be repeated."""
        await self._entries.create_index([("dialog", 1), ("at", 1)])
        await self._entries.create_index([("who", 1), ("at", 1)])

    async def transcript_read(self, claims: Claims, dialog: str, channel: str, at: datetime) -> None:
        """Notes it. Raises PyMongoError if that can't be done; then nothing may be shown."""
        await self._entries.insert_one(
            {
                "what": "transcript",
                "who": claims.sub,
                "roles": sorted(claims.roles),
                "dialog": dialog,
                "channel": channel,
                "at": at,
            }
        )
