"""Which channels there are, and how chat has published them last."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any

from cachetools import TTLCache
from motor.motor_asyncio import AsyncIOMotorDatabase

from chassis.clock import Clock
from chassis.outbox.upsert import upsert_if_newer
from contracts.channels import ChannelPublished
from rating.domain.quality_control.texts import LAST_RESORT

MOST_REMEMBERED = 1_000
REMEMBERED = timedelta(seconds=1)


class Channels:
    """The collection `channels`, a document for each one; `position` is that of its last event.

    `find`, and what is made of it, remembers what it found for a second.
    """

    def __init__(self, database: "AsyncIOMotorDatabase[dict[str, Any]]", clock: Clock) -> None:
        self._channels = database["channels"]
        self._remembered: TTLCache[str, ChannelPublished | None] = TTLCache(
            MOST_REMEMBERED, REMEMBERED.total_seconds(), timer=lambda: clock.now().timestamp()
        )

    async def publish(self, event: ChannelPublished, position: int) -> None:
        """Takes in an event, `position` being its `ce_sequence`; an older one changes nothing."""
        await self._channels.bulk_write(
            [upsert_if_newer(event.channel, position, event.model_dump(exclude={"type"}))]
        )

    async def all(self) -> list[ChannelPublished]:
        """Every channel, by its id."""
        found = await self._channels.find().sort("_id", 1).to_list(None)
        return [ChannelPublished.model_validate(document, strict=False) for document in found]

    async def is_known(self, channel: str) -> bool:
        """Whether the channel was ever published, as it is stored now."""
        return await self._channels.find_one({"_id": channel}, {"_id": 1}) is not None

    async def find(self, channel: str) -> ChannelPublished | None:
        """The channel; None if chat has not published it, or rating not consumed that yet."""
        with suppress(KeyError):
            return self._remembered[channel]
        document = await self._channels.find_one({"_id": channel})
        found = ChannelPublished.model_validate(document, strict=False) if document else None
        self._remembered[channel] = found
        return found

    async def name(self, channel: str) -> str:
        """What people call the channel; its id as long as nothing is known of it."""
        found = await self.find(channel)
        return found.name if found else channel

    async def time_zone(self, channel: str) -> str:
        """Where the channel's people are (IANA); UTC as long as nothing is known of it."""
        found = await self.find(channel)
        return found.time_zone if found else "UTC"

    async def default_locale(self, channel: str) -> str:
        """The first of the channel's locales; English if it has none."""
        found = await self.find(channel)
        return found.locales[0] if found and found.locales else LAST_RESORT

    async def frame_ancestors(self, channel: str) -> Sequence[str]:
        """The origins of the sites that may frame a page of this channel; none of one that isn't known."""
        found = await self.find(channel)
        return found.allowed_origins if found else ()
