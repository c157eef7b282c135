"""What became of each close? Closes one by one, the newest first, a page at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from analytics.domain.close import Close
from analytics.read_models.close_filter import CloseFilter
from analytics.read_models.documents import (
    LONGEST_READ_MS,
    Axis,
    LiveChatDocuments,
    close_id,
    from_document,
)
from chassis.cursors import decode, encode
from chassis.errors import InvalidCursor

CURSOR: Final = "analytics.reviews"
MILLISECOND: Final = timedelta(milliseconds=1)
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
EARLIEST: Final = (datetime.min.replace(tzinfo=UTC) - EPOCH) // MILLISECOND
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
) -> ClosePage:
    """At most `limit` closes that follow `after`."""
    wanted = [closes.of_closes()]
    if after is not None:
        wanted += follows(closes.axis, after)
    found = documents.closes.find({"$and": wanted}, {"events": 1, "dialog": 1, "close_seq": 1})
    found = found.sort(closes.axis.newest_first).limit(limit + 1).max_time_ms(LONGEST_READ_MS)
    page = [from_document(document) async for document in found]
    more = len(page) > limit
    return ClosePage(tuple(page[:limit]), position_of(closes.axis, page[limit - 1]) if more else None)


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
