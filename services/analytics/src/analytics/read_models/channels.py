"""What are the channels called? Each channel as it was published last."""

import time
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from motor.motor_asyncio import AsyncIOMotorClientSession, AsyncIOMotorDatabase
from pydantic_core import PydanticCustomError

from analytics.read_models.documents import LONGEST_READ_MS, Document
from chassis.kafka.records import ReceivedEvent
from chassis.outbox.upsert import upsert_if_newer
from contracts.channels import ChannelPublished
from contracts.zones import known_zone

VERSION: Final = 1
UTC: Final = ZoneInfo("UTC")
ZONES_KEPT_SECONDS: Final = 60.0
NEW_CHANNELS_SECONDS: Final = 1.0


@dataclass(frozen=True)
class Channel:
    """A channel: what it is called, in which time zone it is, and whether it is closed for new dialogs."""

    channel: str
    name: str
    time_zone: str
    closed: bool


class Channels:
    """The collection of channels, and its projection."""

    name = "channels"
    version = VERSION

    def __init__(self, database: AsyncIOMotorDatabase[Document]) -> None:
        self._channels = database[f"channels_v{VERSION}"]
        self._zones: Mapping[str, ZoneInfo] = {}
        self._zones_read_at = -ZONES_KEPT_SECONDS

    async def apply(
        self, session: AsyncIOMotorClientSession, records: Sequence[ReceivedEvent[ChannelPublished]]
    ) -> None:
        """Stores each channel as it was published last, whatever the order."""
        writes = [
            upsert_if_newer(record.event.channel, record.envelope.sequence, document(record.event))
            for record in records
        ]
        await self._channels.bulk_write(writes, session=session)

    async def zones(self, channels: AbstractSet[str]) -> Mapping[str, ZoneInfo]:
        """The time zones of channels, as of a minute ago at most; of `channels` all that are known."""
        age = time.monotonic() - self._zones_read_at
        if age > (ZONES_KEPT_SECONDS if self._zones.keys() >= channels else NEW_CHANNELS_SECONDS):
            found = await self.among(frozenset(channels | self._zones.keys()))
            self._zones = {each.channel: zone_of(each.time_zone) for each in found.values()}
            self._zones_read_at = time.monotonic()
        return self._zones

    async def among(self, channels: frozenset[str] | None) -> dict[str, Channel]:
        """Those of `channels` that were published, by id; None is all of them."""
        wanted: dict[str, Any] = {} if channels is None else {"_id": {"$in": sorted(channels)}}
        found = self._channels.find(wanted).max_time_ms(LONGEST_READ_MS)
        return {
            each["_id"]: Channel(each["_id"], each["name"], each["time_zone"], each["closed"])
            async for each in found
        }


def zone_of(name: str) -> ZoneInfo:
    """The zone of this name; UTC if there is none, because an event may say anything."""
    try:
        return ZoneInfo(known_zone(name))
    except (PydanticCustomError, ZoneInfoNotFoundError):
        return UTC


def document(event: ChannelPublished) -> Document:
    """What is kept of a channel."""
    return {"name": event.name, "time_zone": event.time_zone, "closed": event.closed}
