"""Which generation of the live-chat documents serves, and which one is being built beside it.

A generation has collections and checkpoints of its own. `read_models` holds one document per version:
``{_id: "live_chat.v<version>", serving, building: {generation, owner, began_at, renewed_at, done, total}}``;
without one the first generation serves. Whoever builds renews its `building`; once it did not for half a
minute, somebody else may go on with it. Times are the database's.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import structlog
from motor.motor_asyncio import AsyncIOMotorClientSession, AsyncIOMotorDatabase
from pymongo import ReturnDocument
from pymongo.errors import PyMongoError

from analytics.read_models.documents import FIRST_GENERATION, NAME, VERSION, Document, LiveChatDocuments
from analytics.read_models.views import publish_views
from chassis.mongo import durable

log = structlog.stdlib.get_logger(__name__)

KEY: Final = f"{NAME}.v{VERSION}"
ABANDONED_AFTER: Final = timedelta(seconds=30)
GONE_ON_WITH: Final = timedelta(days=1)
"""An older build may have begun with other zones, and behind records that the log no longer has."""

LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)
LOOK_SECONDS: Final = 1.0
OURS: Final = {"_id": KEY}


class BuiltElsewhere(Exception):
    """Somebody else builds the next generation."""


@dataclass(frozen=True)
class Build:
    """A generation that is being built: since when, when that was last heard of, and how far it has come.

    `done` of `total` events were applied, as of `renewed_at`.
    """

    generation: int
    owner: str
    began_at: datetime
    renewed_at: datetime
    done: int = 0
    total: int = 0

    @property
    def is_new(self) -> bool:
        """Whether it begins just now, as nothing was claimed."""
        return self.began_at == self.renewed_at


class Generations:
    """The document of this release's version. All methods raise PyMongoError."""

    def __init__(self, database: AsyncIOMotorDatabase[Document]) -> None:
        self._models = durable(database, "read_models")

    async def read(self) -> tuple[int, Build | None]:
        """Which generation serves, and what is being built."""
        found = await self._models.find_one(OURS) or {}
        building = found.get("building")
        return found.get("serving", FIRST_GENERATION), Build(**building) if building else None

    async def claim(self, owner: str) -> Build:
        """Begins to build the next generation, or goes on with one of today that was abandoned.

        Raises BuiltElsewhere.
        """
        now = "$$NOW"
        abandoned = {"$lt": ["$building.renewed_at", {"$subtract": [now, ABANDONED_AFTER_MS]}]}
        is_young = {"$gt": ["$building.began_at", {"$subtract": [now, GONE_ON_WITH_MS]}]}
        building = {
            "generation": {"$ifNull": ["$building.generation", {"$add": ["$serving", 1]}]},
            "owner": owner,
            "began_at": {"$cond": [is_young, "$building.began_at", now]},
            "renewed_at": now,
        }
        await self._models.update_one(OURS, {"$setOnInsert": {"serving": FIRST_GENERATION}}, upsert=True)
        found = await self._models.find_one_and_update(
            {**OURS, "$or": [{"building": None}, {"$expr": abandoned}]},
            [{"$set": {"building": building}}],
            return_document=ReturnDocument.AFTER,
        )
        if found is None:
            raise BuiltElsewhere
        return Build(**found["building"])

    async def renew(self, owner: str, done: int, total: int) -> None:
        """Says that the owner still builds, and how far it is. Raises BuiltElsewhere."""
        far = {"renewed_at": "$$NOW", "done": done, "total": total}
        await self._by_owner(owner, [{"$set": {"building": far}}])

    async def serve(self, owner: str, generation: int, session: AsyncIOMotorClientSession) -> None:
        """Makes what the owner has built the generation that serves. Raises BuiltElsewhere."""
        change = {"$set": {"serving": generation}, "$unset": {"building": ""}}
        await self._by_owner(owner, change, session)

    async def release(self, owner: str) -> None:
        """Lets anybody go on with what the owner has begun. Raises BuiltElsewhere."""
        await self._by_owner(owner, {"$set": {"building.renewed_at": LONG_AGO}})

    async def discard(self, owner: str) -> None:
        """Nothing is built any more. Raises BuiltElsewhere."""
        await self._by_owner(owner, {"$unset": {"building": ""}})

    async def _by_owner(
        self, owner: str, change: Any, session: AsyncIOMotorClientSession | None = None
    ) -> None:
        updated = await self._models.update_one({**OURS, "building.owner": owner}, change, session=session)
        if not updated.matched_count:
            raise BuiltElsewhere


ABANDONED_AFTER_MS: Final = ABANDONED_AFTER // timedelta(milliseconds=1)
GONE_ON_WITH_MS: Final = GONE_ON_WITH // timedelta(milliseconds=1)


class ServingDocuments:
    """The documents that this process reads and writes: those of the generation that serves.

    A background task that looks which one it is; `on_switch` is called with another one's documents.
    """

    name = "read models"

    def __init__(self, database: AsyncIOMotorDatabase[Document]) -> None:
        self.now = LiveChatDocuments.of(database)
        self.on_switch: Callable[[LiveChatDocuments], None] = lambda _: None
        self._database, self._generations = database, Generations(database)

    async def look(self) -> None:
        """Goes on with the generation that serves by now. Raises PyMongoError."""
        generation, _ = await self._generations.read()
        if generation > self.now.generation:
            log.info("generation_switched", model=KEY, generation=generation)
            self.now = LiveChatDocuments.of(self._database, generation)
            self.on_switch(self.now)

    async def run(self) -> None:
        """Looks until cancelled."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                before = self.now
                await self.look()
                if self.now is not before:
                    await publish_views(self.now)
            except PyMongoError as error:
                log.info("generation_not_read", error=type(error).__name__)

    def unhealthy_reason(self) -> str | None:
        """Whoever needs the database says so."""
        return None
