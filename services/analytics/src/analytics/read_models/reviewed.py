"""How far are supervisors with each close? What they wrote, as far as lists show it and choose by it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from motor.motor_asyncio import AsyncIOMotorClientSession, AsyncIOMotorCollection, AsyncIOMotorDatabase
from pymongo import ASCENDING, DESCENDING

from analytics.domain.review import ExclusionReason, Review, ReviewEvent, ReviewStatus
from analytics.read_models.close_filter import CloseFilter
from analytics.read_models.documents import LONGEST_READ_MS, Axis, Document
from chassis.outbox.commit_handler import RecordedEvent
from chassis.outbox.upsert import upsert_if_newer

COLLECTION: Final = "reviewed"
IS_EXCLUDED: Final[Document] = {"excluded": {"$type": "string"}}
"""The filter on closes that are left out of the numbers."""


@dataclass(frozen=True)
class OwnScore:
    """A score that supervisors gave, and its scale."""

    score: int
    lowest: int
    highest: int


@dataclass(frozen=True)
class Standing:
    """What a list shows of a close: by default, of one that nobody wrote about."""

    status: ReviewStatus = ReviewStatus.NEW
    own_score: OwnScore | None = None
    has_note: bool = False
    excluded: ExclusionReason | None = None

    @classmethod
    def of(cls, review: Review) -> "Standing":
        """The standing of what was written."""
        own, note = review.own_score, review.note
        score = None if own is None or own.score is None else OwnScore(own.score, own.lowest, own.highest)
        return cls(review.status, score, note is not None and note.note is not None, review.excluded)


UNREVIEWED: Final = Standing()


class ReviewedCloses:
    """The collection `reviewed`: a document per close that supervisors wrote about; no rebuild drops it."""

    def __init__(self, database: AsyncIOMotorDatabase[Document]) -> None:
        self._reviewed = database[COLLECTION]

    async def prepare(self) -> None:
        """Makes the indexes; can be repeated."""
        for head in ([], ["channel"]):
            await self._reviewed.create_index(
                [
                    ("status", ASCENDING),
                    *((name, ASCENDING) for name in head),
                    ("closed_at", DESCENDING),
                    ("_id", DESCENDING),
                ]
            )

        by_time = [("excluded", ASCENDING), ("closed_at", DESCENDING)]
        await self._reviewed.create_index(by_time, partialFilterExpression=IS_EXCLUDED)

    async def project(self, batch: Sequence[RecordedEvent[Review, ReviewEvent]]) -> None:
        """Takes in events; any part of a batch may come again."""
        writes = [
            upsert_if_newer(each.stream.partition(":")[2], each.position, document(each)) for each in batch
        ]
        await self._reviewed.bulk_write(writes)

    async def excluded(self, channels: frozenset[str] | None) -> list[str]:
        """The closes of the channels (None: of all) that are left out of the numbers, with the reasons."""
        wanted = {**CloseFilter(channels).of_reviewed(), **IS_EXCLUDED}
        found = self._reviewed.find(wanted, {"excluded": 1}).max_time_ms(LONGEST_READ_MS)
        return sorted([f"{each['_id']} {each['excluded']}" async for each in found])

    async def standings(self, closes: Collection[str]) -> Mapping[str, Standing]:
        """The standings of those of the closes that supervisors wrote about, by id."""
        found = self._reviewed.find({"_id": {"$in": list(closes)}})
        return {each["_id"]: standing_of(each) async for each in found}


def document(recorded: RecordedEvent[Review, ReviewEvent]) -> Document:
    """The standing after an event, and what lists are ordered and chosen by."""
    standing = Standing.of(recorded.state)
    return {
        **recorded.event.close.model_dump(),
        "status": standing.status.value,
        "own_score": standing.own_score and vars(standing.own_score),
        "has_note": standing.has_note,
        "excluded": standing.excluded,
    }


def standing_of(document: Mapping[str, Any]) -> Standing:
    """The standing that `document` holds."""
    own, excluded = document["own_score"], document["excluded"]
    return Standing(
        ReviewStatus(document["status"]),
        own and OwnScore(**own),
        document["has_note"],
        excluded and ExclusionReason(excluded),
    )


async def excluded_ids(
    reviewed: AsyncIOMotorCollection[Document],
    session: AsyncIOMotorClientSession | None,
    closes: CloseFilter,
) -> list[str]:
    """Which closes are left out of the numbers: at least those of `closes`."""
    asked = closes.of_reviewed() if closes.axis is Axis.CLOSED_AT else {}
    found = reviewed.find({**asked, **IS_EXCLUDED}, {"_id": 1}, session=session)
    return [each["_id"] async for each in found.max_time_ms(LONGEST_READ_MS)]


def reviewed_so(statuses: Collection[ReviewStatus]) -> list[dict[str, Any]]:
    """Stages that leave those closes of a pipeline that have one of the statuses."""
    others = [each.value for each in ReviewStatus if each not in statuses]
    wanted = {"$nin": others} if ReviewStatus.NEW in statuses else {"$in": [each.value for each in statuses]}
    joined = {"from": COLLECTION, "localField": "_id", "foreignField": "_id", "as": COLLECTION}
    return [{"$lookup": joined}, {"$match": {f"{COLLECTION}.status": wanted}}]
