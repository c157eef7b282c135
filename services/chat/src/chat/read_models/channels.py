"""Answers: which channels are there."""

from collections.abc import Sequence
from typing import Any

from motor.motor_asyncio import AsyncIOMotorDatabase

from chassis.outbox.commit_handler import RecordedEvent
from chassis.outbox.upsert import upsert_if_newer
from chat.domain.channel import Channel, ChannelPublished


class Channels:
    """The collection ``channels``, a document for each one as it was last published."""

    def __init__(self, database: "AsyncIOMotorDatabase[dict[str, Any]]") -> None:
        self._channels = database["channels"]

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

    async def all(self) -> list[ChannelPublished]:
        """Every channel, by its id."""
        found = await self._channels.find({}, {"_id": 0, "position": 0}).sort("channel", 1).to_list(None)
        return [ChannelPublished.model_validate(document) for document in found]
