"""What became of each close? Closes one by one, the newest first, a page at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from analytics.domain.close import Close
from analytics.domain.review import ReviewStatus
from analytics.read_models.close_filter import CloseFilter
from analytics.read_models.documents import (
    LONGEST_READ_MS,
    Axis,
    Document,
    LiveChatDocuments,
    close_id,
    from_document,
)
from analytics.read_models.reviewed import COLLECTION, reviewed_so
from chassis.cursors import decode, encode
from chassis.errors import InvalidCursor

CURSOR: Final = "analytics.reviews"
MILLISECOND: Final = timedelta(milliseconds=1)
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
EARLIEST: Final = (datetime.min.replace(tzinfo=UTC) - EPOCH) // MILLISECOND
SHOWN: Final = {"events": 1, "dialog": 1, "close_seq": 1}
LATEST: Final = (datetime.max.replace(tzinfo=UTC) - EPOCH) // MILLISECOND


@dataclass(frozen=True)
class ReviewPosition:
    """A position in a list: just after this close. It stays there, whatever is closed meanwhile."""

    moment: datetime
    close: str

    def to_cursor(self) -> str:
        """An opaque text for URLs."""
        return encode(CURSOR, [(self.moment - EPOCH) // MILLISECOND, self.close])

    @classmethod
    def from_cursor(cls, cursor: str) -> "ReviewPosition":
        """Raises `InvalidCursor`, a ValueError, for anything that `to_cursor` did not write."""
        match decode(CURSOR, cursor):
            case [int(milliseconds), str(close)] if EARLIEST <= milliseconds <= LATEST:
                return cls(EPOCH + milliseconds * MILLISECOND, close)
        raise InvalidCursor


@dataclass(frozen=True)
class ClosePage:
    """Closes, and the position where the next page begins; None at the end.

    `searched` is how many comments were looked at for them, where words were asked for.
    """

    closes: tuple[Close, ...]
    after: ReviewPosition | None
    searched: int | None = None


async def one_close(documents: LiveChatDocuments, name: str) -> Close | None:
    """The close with this id; None if there is none, or none that counts."""
    document = await documents.closes.find_one({"_id": name, "closed_at": {"$type": "date"}})
    return from_document(document) if document else None


async def close_page(
    documents: LiveChatDocuments,
    closes: CloseFilter,
    after: ReviewPosition | None,
    limit: int,
    statuses: frozenset[ReviewStatus] | None = None,
) -> ClosePage:
    """At most `limit` closes that follow `after`, with one of the statuses; None is any."""
    wanted = [closes.of_closes()]
    if after is not None:
        wanted += follows(closes.axis, after)
    if statuses is None:
        found = documents.closes.find({"$and": wanted}, SHOWN).sort(closes.axis.newest_first)
        page = await found.limit(limit + 1).max_time_ms(LONGEST_READ_MS).to_list(None)
    else:
        page = await with_status(documents, closes, wanted, after, limit + 1, statuses)
    shown = [from_document(document) for document in page[:limit]]
    return ClosePage(tuple(shown), position_of(closes.axis, shown[-1]) if len(page) > limit else None)


async def with_status(
    documents: LiveChatDocuments,
    closes: CloseFilter,
    wanted: Sequence[Document],
    after: ReviewPosition | None,
    limit: int,
    statuses: frozenset[ReviewStatus],
) -> list[Document]:
    """The closes that are `wanted` and have one of the statuses.

    Those in work or done are few: they are looked up from where that is written, in the order of their
    closing. New ones are met on the way through all, of which those that are not are passed over.
    """
    order: Document = {"$sort": dict(closes.axis.newest_first)}
    if closes.axis is Axis.RATED_AT or ReviewStatus.NEW in statuses:
        start, stages = documents.closes, [{"$match": {"$and": wanted}}, order, *reviewed_so(statuses)]
    else:
        start = documents.closes.database[COLLECTION]
        marked = [closes.of_reviewed(), {"status": {"$in": sorted(statuses)}}]
        marked += [] if after is None else follows(closes.axis, after)
        joined = {
            "from": documents.closes.name, "localField": "_id", "foreignField": "_id", "as": "close",
            "pipeline": [{"$match": {"$and": wanted}}],
        }  # fmt: skip
        stages = [
            {"$match": {"$and": marked}}, order, {"$lookup": joined}, {"$match": {"close": {"$ne": []}}},
            {"$replaceWith": {"$first": "$close"}},
        ]  # fmt: skip
    found = start.aggregate([*stages, {"$limit": limit}, {"$project": SHOWN}], maxTimeMS=LONGEST_READ_MS)
    return await found.to_list(None)


async def closes_with(documents: LiveChatDocuments, names: Sequence[str]) -> tuple[Close, ...]:
    """The closes with these ids, in their order."""
    found = documents.closes.find({"_id": {"$in": names}}, {"events": 1, "dialog": 1, "close_seq": 1})
    closes = {each["_id"]: from_document(each) async for each in found.max_time_ms(LONGEST_READ_MS)}
    return tuple(closes[name] for name in names if name in closes)


def follows(axis: Axis, position: ReviewPosition) -> list[dict[str, Any]]:
    """The filter on what comes after `position`; the first part alone lets the index begin there."""
    earlier = {axis.value: {"$lt": position.moment}}
    same = {axis.value: {"$eq": position.moment}, "_id": {"$lt": position.close}}
    return [{axis.value: {"$lte": position.moment}}, {"$or": [earlier, same]}]


def position_of(axis: Axis, close: Close) -> ReviewPosition | None:
    """The position just after a close."""
    closed_at = close.closed and close.closed.closed_at
    moment = closed_at if axis is Axis.CLOSED_AT else close.given_at
    return ReviewPosition(moment, close_id(close.dialog, close.close_seq)) if moment else None
