"""Who did what to whom, noted for good before it is done."""

from datetime import datetime
from typing import Any

from motor.motor_asyncio import AsyncIOMotorDatabase

from contracts.access import Claims


class Audit:
    """The collection ``audit``: what was done, by whom and in which roles, when, and what it was about.

    `about` names the fields that entries are searched by.
    """

    def __init__(self, database: "AsyncIOMotorDatabase[dict[str, Any]]", *about: str) -> None:
        self._entries = database["audit"]
        self._about = about

    async def prepare(self) -> None:
        """Makes the indexes. Can be repeated."""
        for field in ("who", *self._about):
            await self._entries.create_index([(field, 1), ("at", 1)])

    async def note(self, what: str, claims: Claims, at: datetime, **about: Any) -> None:
        """Returns when the entry is safe. Raises PyMongoError if it can't be; then `what` may not be done."""
        entry = {"what": what, "who": claims.sub, "roles": sorted(claims.roles), **about, "at": at}
        await self._entries.insert_one(entry)
