"""How many test mails a channel has sent lately."""

from datetime import datetime, timedelta
from typing import Any, Final

from motor.motor_asyncio import AsyncIOMotorDatabase
from pymongo.errors import DuplicateKeyError

MOST: Final = 10
WITHIN: Final = timedelta(hours=1)


class MailTests:
    """The collection `mail_tests`: {_id: channel, sent: the times of its last ten tests}."""

    def __init__(self, database: AsyncIOMotorDatabase[dict[str, Any]]) -> None:
        self._tests = database["mail_tests"]

    async def take(self, channel: str, now: datetime) -> bool:
        """Counts one; False if there were ten within the last hour, of all replicas."""
        oldest = f"sent.{MOST - 1}"
        free = [{oldest: {"$exists": False}}, {"sent.0": {"$lte": now - WITHIN}}]
        counted = {"$push": {"sent": {"$each": [now], "$slice": -MOST}}}
        try:
            await self._tests.update_one({"_id": channel, "$or": free}, counted, upsert=True)
        except DuplicateKeyError:  # it is there, and not free; or somebody else has made it just now
            done = await self._tests.update_one({"_id": channel, "$or": free}, counted)
            return done.matched_count == 1
        return True
