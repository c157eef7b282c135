"""Answers: which channels are there."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

from motor.motor_asyncio import AsyncIOMotorDatabase

from chassis.outbox.commit_handler import RecordedEvent
from chassis.outbox.upsert import upsert_if_newer
from chat.domain.channel import Channel, ChannelPublished

GOOD_FOR_SECONDS: Final = 5.0
REFUSES_FOR_SECONDS: Final = 1.0
"""Strangers can make a replica look this often, and a new origin waits this long."""


class Channels:
    """The collection ``channels``, a document for each one as it was last published."""

    def __init__(self, database: "AsyncIOMotorDatabase[dict[str, Any]]") -> None:
        self._channels = database["channels"]
        self._reading = asyncio.Lock()
        self._read_at = -GOOD_FOR_SECONDS
        self._origins: Mapping[str, frozenset[str]] = {}

    async def project(self, batch: Sequence[RecordedEvent[Channel, ChannelPublished]]) -> None:
        """Takes in events; any part of a batch may come again."""
        writes = [
            upsert_if_newer(
                recorded.event.channel, recorded.position, recorded.event.model_dump(exclude={"type"})
            )
            for recorded in batch
        ]
        if writes:
            await self._channels.bulk_write(writes)

    async def allow(self, origin: str, channel: str | None = None) -> bool:
        """Whether pages of this origin may hold the widget of the channel; without one, of any channel."""
        async with self._reading:
            age = time.monotonic() - self._read_at
            if age > GOOD_FOR_SECONDS or (age > REFUSES_FOR_SECONDS and not self._known(origin, channel)):
                found = self._channels.find({"allowed_origins": {"$ne": []}}, {"allowed_origins": 1})
                self._origins = {each["_id"]: frozenset(each["allowed_origins"]) async for each in found}
                self._read_at = time.monotonic()
            return self._known(origin, channel)

    def _known(self, origin: str, channel: str | None) -> bool:
        if channel is not None:
            return origin in self._origins.get(channel, ())
        return any(origin in each for each in self._origins.values())

    async def all(self) -> list[ChannelPublished]:
        """Every channel, by its id."""
        found = await self._channels.find({}, {"_id": 0, "position": 0}).sort("channel", 1).to_list(None)
        return [ChannelPublished.model_validate(document) for document in found]
