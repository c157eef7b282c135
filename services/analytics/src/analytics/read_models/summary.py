"""How good was the live chat? Sums of counters, over a whole period and over its days or hours."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from motor.motor_asyncio import AsyncIOMotorClientSession

from analytics.domain.counting import Counts
from analytics.read_models.close_filter import CloseFilter
from analytics.read_models.documents import LONGEST_READ_MS, LiveChatDocuments


async def summed(
    documents: LiveChatDocuments,
    session: AsyncIOMotorClientSession,
    closes: CloseFilter,
    starts: Sequence[datetime] = (),
) -> tuple[Counts, dict[datetime, Counts]]:
    """The counts of all `closes` and of each part that begins at one of `starts` (in order)."""
    parts: dict[datetime, Counts] = {start: Counter() for start in starts}
    whole: Counts = Counter()
    found = documents.counters.aggregate(
        sums(closes, starts), session=session, allowDiskUse=True, maxTimeMS=LONGEST_READ_MS
    )
    async for row in found:
        start, name = row["_id"].get("start"), row["_id"]["name"]
        whole[name] += row["n"]
        if start is not None:
            parts[start][name] += row["n"]
    return whole, parts


def sums(closes: CloseFilter, starts: Sequence[datetime]) -> list[dict[str, Any]]:
    """The aggregation behind `summed`: a row per part and name."""
    return [
        {"$match": closes.of_counters()},
        {"$project": {"start": part_of(starts), "n": {"$objectToArray": "$n"}}},
        {"$unwind": "$n"},
        {"$group": {"_id": {"start": "$start", "name": "$n.k"}, "n": {"$sum": "$n.v"}}},
    ]


def part_of(starts: Sequence[datetime]) -> Any:
    """An expression that finds the part of a quarter hour by halving; a year of days takes nine steps."""
    if not starts:
        return None
    if len(starts) == 1:
        return starts[0]
    middle = len(starts) // 2
    earlier = {"$lt": ["$_id.quarter", starts[middle]]}
    return {"$cond": [earlier, part_of(starts[:middle]), part_of(starts[middle:])]}
