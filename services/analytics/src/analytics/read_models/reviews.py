"""What became of each close? Closes one by one, the newest first, a page at a time."""

from collections.abc import Mapping, Sequence
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
    from_document,
)
from analytics.read_models.reviewed import COLLECTION, reviewed_so
from chassis.cursors import decode, encode
from chassis.errors import InvalidCursor

CURSOR: Final = "analytics.reviews"
MILLISECOND: Final = timedelta(milliseconds=1)
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
EARLIEST: Final = (datetime.min.replace(tzinfo=UTC) - EPOCH) // MILLISECOND
SHOWN: Final = {"events": 1, "dialog": 1, "close_seq": 1, **{axis.value: 1 for axis in Axis}}
ROW: Final = (
    "dialog", "close_seq", "channel", "operator", "operator_name", "team", "locale", "closed_at", "rated_at",
    "state", "reason", "scale", "score", "satisfied", "commented", "tags", "form_version",
)  # fmt: skip
"""The fields of a stored close in which nobody's words are."""

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


async def one_close(documents: LiveChatDocuments, name: str, among: CloseFilter) -> Close | None:
    """The close with this id; None if there is none that counts and is `among` these."""
    # What isn't is not read either: how long that took would tell that it is there.
    document = await documents.closes.find_one({"_id": name, **among.of_closes()}, hint={"_id": 1})
    return from_document(document) if document else None


async def close_page(
    documents: LiveChatDocuments,
    closes: CloseFilter,
    after: ReviewPosition | None,
    limit: int,
    statuses: frozenset[ReviewStatus] | None = None,
) -> ClosePage:
    """At most `limit` closes that follow `after`, with one of the statuses; None is any."""
    if statuses is None:
        found = await rows(documents, closes, after, limit + 1, SHOWN)
    else:
        found = await with_status(documents, closes, after, limit + 1, statuses)
    shown, position = page_of(found, limit, closes.axis)
    return ClosePage(tuple(map(from_document, shown)), position)


async def row_page(
    documents: LiveChatDocuments, closes: CloseFilter, after: ReviewPosition | None, limit: int
) -> tuple[list[Document], ReviewPosition | None]:
    """As `close_page`, but rows; the position after them is None at the end."""
    return page_of(await rows(documents, closes, after, limit + 1, dict.fromkeys(ROW, 1)), limit, closes.axis)


async def rows(
    documents: LiveChatDocuments,
    closes: CloseFilter,
    after: ReviewPosition | None,
    limit: int,
    fields: Mapping[str, int],
) -> list[Document]:
    """These fields of the first closes that follow `after`."""
    wanted = {"$and": [closes.of_closes(), *follows(closes.axis, after)]}
    found = documents.closes.find(wanted, fields).sort(closes.axis.newest_first)
    return await found.limit(limit).max_time_ms(LONGEST_READ_MS).to_list(None)


def page_of(found: list[Document], limit: int, axis: Axis) -> tuple[list[Document], ReviewPosition | None]:
    """The first `limit` of what was found, and the position after them; None if nothing is behind."""
    shown = found[:limit]
    last = shown[-1] if len(found) > limit else None
    return shown, None if last is None else ReviewPosition(last[axis], last["_id"])


async def with_status(
    documents: LiveChatDocuments,
    closes: CloseFilter,
    after: ReviewPosition | None,
    limit: int,
    statuses: frozenset[ReviewStatus],
) -> list[Document]:
    """The first closes that follow `after` and have one of the statuses.

    Those in work or done are few: they are looked up from where that is written, in the order of their
    closing. New ones are met on the way through all, of which those that are not are passed over.
    """
    wanted = [closes.of_closes(), *follows(closes.axis, after)]
    order: Document = {"$sort": dict(closes.axis.newest_first)}
    if closes.axis is Axis.RATED_AT or ReviewStatus.NEW in statuses:
        start, stages = documents.closes, [{"$match": {"$and": wanted}}, order, *reviewed_so(statuses)]
    else:
        start = documents.closes.database[COLLECTION]
        of_status = {"status": {"$in": sorted(statuses)}}
        marked = [closes.of_reviewed(), of_status, *follows(closes.axis, after)]
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


def follows(axis: Axis, position: ReviewPosition | None) -> list[dict[str, Any]]:
    """The filters on what comes after `position`, if any; the first alone lets the index begin there."""
    if position is None:
        return []
    earlier = {axis.value: {"$lt": position.moment}}
    same = {axis.value: {"$eq": position.moment}, "_id": {"$lt": position.close}}
    return [{axis.value: {"$lte": position.moment}}, {"$or": [earlier, same]}]
