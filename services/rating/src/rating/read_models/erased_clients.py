"""Who is erased: nobody asks them anything any more."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from motor.motor_asyncio import AsyncIOMotorDatabase


class ErasedClients:
    """The collection `erased`: a document for each erased client."""

    def __init__(self, database: AsyncIOMotorDatabase[dict[str, Any]]) -> None:
        self._erased = database["erased"]

    async def mark(self, client: str, erased_at: datetime) -> None:
        """From now on the client is erased; can be repeated."""
        since = {"$setOnInsert": {"erased_at": erased_at}}
        await self._erased.update_one({"_id": client}, since, upsert=True)

    async def among(self, clients: Collection[str]) -> frozenset[str]:
        """Those of the clients that are erased."""
        if not clients:
            return frozenset()
        found = await self._erased.find({"_id": {"$in": list(clients)}}, {"_id": 1}).to_list(None)
        return frozenset(document["_id"] for document in found)
