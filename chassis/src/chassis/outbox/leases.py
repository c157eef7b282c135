"""Which replica relays which shards: leases in the database, by the database's time, in fair shares."""

import asyncio
import time
from collections.abc import Callable
from math import ceil
from typing import Any
from uuid import uuid4

import pymongo
import structlog
from motor.motor_asyncio import AsyncIOMotorDatabase
from pymongo import ReturnDocument
from pymongo.errors import PyMongoError

from chassis.eventstore.serialization import SHARDS
from chassis.mongo import durable
from chassis.transient import is_transient

log = structlog.stdlib.get_logger(__name__)

ALIVE = {"$expr": {"$gt": ["$until", "$$NOW"]}}
FREE = {"$lte": ["$until", "$$NOW"]}  # a lease that was never made has no `until`, which is less
RELEASE_SECONDS = 3


class Leases:
    """The shards of one replica, for `seconds` at a time, renewed three times as often.

    Two replicas may believe for a moment that they hold one shard: whoever uses this must not mind.
    `on_change` is called when they have become others.
    """

    def __init__(
        self,
        database: "AsyncIOMotorDatabase[dict[str, Any]]",
        *,
        seconds: float = 10.0,
        on_change: Callable[[], None] = lambda: None,
    ) -> None:
        self.shards: frozenset[int] = frozenset()
        self._leases = durable(database, "leases")
        self._replica = uuid4().hex
        self._seconds = seconds
        self._on_change = on_change
        self._renewed_at = time.monotonic()

    def unhealthy_reason(self) -> str | None:
        """Why nothing may be relayed here, if the last renewal is three times the leases' time ago."""
        unrenewed = time.monotonic() - self._renewed_at
        return f"no leases were renewed for {unrenewed:.0f} s" if unrenewed > 3 * self._seconds else None

    async def run(self) -> None:
        """Keeps a fair share until cancelled, then gives it back; outages are waited out."""
        try:
            while True:
                try:
                    await self.renew()
                except PyMongoError as error:
                    if not is_transient(error):
                        raise
                    log.warning("leases_not_renewed", error=type(error).__name__)
                await asyncio.sleep(self._seconds / 3)
        finally:
            await self._release()

    async def renew(self) -> None:
        """Registers this replica, renews what it holds, gives back or takes what makes the share fair."""
        with pymongo.timeout(self._seconds):
            registered = {"$set": {"kind": "replica", "until": self._until()}}
            await self._leases.update_one({"_id": f"replica:{self._replica}"}, [registered], upsert=True)
            await self._leases.delete_many({"kind": "replica", "$expr": FREE})
            replicas = await self._leases.count_documents({"kind": "replica", **ALIVE})
            share = ceil(SHARDS / max(1, replicas))
            mine = {"kind": "shard", "replica": self._replica}
            await self._leases.update_many(mine, [{"$set": {"until": self._until()}}])
            leases = await self._leases.find(mine).sort("shard", 1).to_list(None)
            held = [lease["shard"] for lease in leases]
            await self._end({"_id": {"$in": [_lease_id(shard) for shard in held[share:]]}})
            shards = frozenset([*held[:share], *await self._take(share - len(held))])
            self._renewed_at = time.monotonic()
            if shards != self.shards:
                self.shards = shards
                self._on_change()

    async def _take(self, wanted: int) -> list[int]:
        """Takes up to `wanted` shards that nobody holds."""
        taken: list[int] = []
        if wanted <= 0:
            return taken
        others = await self._leases.find({"kind": "shard", **ALIVE}).to_list(None)
        replica = {"$cond": [FREE, self._replica, "$replica"]}
        until = {"$cond": [FREE, self._until(), "$until"]}
        for shard in sorted(set(range(SHARDS)) - {lease["shard"] for lease in others}):
            if len(taken) == wanted:
                break
            lease = await self._leases.find_one_and_update(
                {"_id": _lease_id(shard)},
                [{"$set": {"kind": "shard", "shard": shard, "replica": replica, "until": until}}],
                upsert=True,
                return_document=ReturnDocument.AFTER,
            )
            if lease and lease["replica"] == self._replica:
                taken.append(shard)
        return taken

    async def _end(self, which: dict[str, Any]) -> None:
        ended = {"$set": {"replica": None, "until": "$$NOW"}}
        await self._leases.update_many({"replica": self._replica, **which}, [ended])

    async def _release(self) -> None:
        self.shards = frozenset()
        try:
            with pymongo.timeout(RELEASE_SECONDS):
                await self._end({})
                await self._leases.delete_one({"_id": f"replica:{self._replica}"})
        except PyMongoError as error:
            log.warning("leases_not_released", error=type(error).__name__, expire_in_seconds=self._seconds)

    def _until(self) -> dict[str, Any]:
        return {"$add": ["$$NOW", int(self._seconds * 1000)]}


def _lease_id(shard: int) -> str:
    return f"shard:{shard:02d}"
