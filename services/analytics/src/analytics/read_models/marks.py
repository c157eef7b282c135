"""What happened when? The marks of a period, for the time axis of charts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from motor.motor_asyncio import AsyncIOMotorDatabase
from pymongo import DESCENDING

from analytics.domain.mark import Channels, Mark, MarkEvent
from analytics.domain.periods import Period
from analytics.read_models.documents import LONGEST_READ_MS, Document
from chassis.outbox.commit_handler import RecordedEvent
from chassis.outbox.upsert import upsert_if_newer

COLLECTION: Final = "marks"


@dataclass(frozen=True)
class PlacedMark:
    """A mark that is there; `channels` is None for every one."""

    id: str
    at: datetime
    text: str
    channels: tuple[str, ...] | None
    by: Mapping[str, str]
    placed_at: datetime


class Marks:
    """The collection `marks`: a document per mark; one that was removed has no more than its position."""

    def __init__(self, database: AsyncIOMotorDatabase[Document]) -> None:
        self._marks = database[COLLECTION]

    async def prepare(self) -> None:
        """Makes the index; can be repeated."""
        await self._marks.create_index([("at", DESCENDING), ("_id", DESCENDING)])

    async def project(self, batch: Sequence[RecordedEvent[Mark, MarkEvent]]) -> None:
        """Takes in events; any part of a batch may come again."""
        writes = [
            upsert_if_newer(each.stream.partition(":")[2], each.position, document(each.state))
            for each in batch
        ]
        await self._marks.bulk_write(writes)

    async def within(self, period: Period, channels: Channels, limit: int) -> list[PlacedMark]:
        """The newest marks of a period, newest first: of one of the channels (None: any), or of all."""
        since, until = period
        bounds = {"$type": "date", "$gte": since, "$lt": until}
        wanted: Document = {"at": {name: each for name, each in bounds.items() if each is not None}}
        if channels is not None:
            wanted["channels"] = {"$in": [None, *sorted(channels)]}
        found = self._marks.find(wanted).sort([("at", DESCENDING), ("_id", DESCENDING)]).limit(limit)
        return [placed_of(each) async for each in found.max_time_ms(LONGEST_READ_MS)]


def document(mark: Mark) -> Document:
    """What is stored of a mark."""
    return {} if mark.placed is None else mark.placed.model_dump(exclude={"type"})


def placed_of(document: Mapping[str, Any]) -> PlacedMark:
    """The mark that `document` holds."""
    channels = document["channels"]
    return PlacedMark(
        document["_id"],
        document["at"],
        document["text"],
        None if channels is None else tuple(channels),
        document["by"],
        document["placed_at"],
    )
