"""Who read which reviews? Written for good before anybody sees them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from motor.motor_asyncio import AsyncIOMotorCollection, AsyncIOMotorDatabase


class Audit:
    """A record per reading: when, who, what they asked for, and which closes they were shown."""

    def __init__(self, database: AsyncIOMotorDatabase[dict[str, Any]]) -> None:
        self._records: AsyncIOMotorCollection[dict[str, Any]] = database["audit"]

    async def prepare(self) -> None:
        """Makes what its readers need; repeatable."""
        await self._records.create_index([("who", 1), ("at", 1)])
        await self._records.create_index([("closes", 1), ("at", 1)])

    async def reviews_read(
        self, *, at: datetime, who: str, asked: Mapping[str, Any], closes: Sequence[str]
    ) -> None:
        """Returns when the record is safe; raises PyMongoError if it can't be, and nothing may be shown."""
        record = {"what": "reviews.read", "at": at, "who": who, "asked": dict(asked), "closes": list(closes)}
        await self._records.insert_one(record)
