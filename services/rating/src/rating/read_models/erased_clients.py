"""Who is erased: nobody asks them anything any more."""

from collections.abc import AsyncIterator, Collection
from datetime import datetime
from typing import Any

from motor.motor_asyncio import AsyncIOMotorDatabase


class ErasedClients:
    """The collection `erased`: one document a client, `pending` until their forms are withdrawn."""

    def __init__(self, database: AsyncIOMotorDatabase[dict[str, Any]]) -> None:
        self._erased = database["erased"]

    async def prepare(self) -> None:
        """Makes the index; can be repeated."""
        await self._erased.create_index([("pending", 1)], partialFilterExpression={"pending": True})

    async def mark(self, client: str, erased_at: datetime) -> None:
        """From now on the client is erased; can be repeated."""
        since = {"$setOnInsert": {"erased_at": erased_at, "pending": True}}
        await self._erased.update_one({"_id": client}, since, upsert=True)

    async def among(self, clients: Collection[str]) -> frozenset[str]:
        """Those of the clients that are erased."""
        if not clients:
            return frozenset()
        found = await self._erased.find({"_id": {"$in": list(clients)}}, {"_id": 1}).to_list(None)
        return frozenset(document["_id"] for document in found)

    async def pending(self) -> AsyncIterator[str]:
        """The clients whose forms are still to be withdrawn."""
        async for document in self._erased.find({"pending": True}, {"_id": 1}):
            yield document["_id"]

    async def finish(self, client: str) -> None:
        """The client's forms are withdrawn."""
        await self._erased.update_one({"_id": client}, {"$unset": {"pending": ""}})
