"""How good was the live chat? Sums of counters: over a period, its days or hours, operators or channels."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from motor.motor_asyncio import AsyncIOMotorClientSession

from analytics.domain.counting import Counts, in_states
from analytics.read_models.close_filter import CloseFilter
from analytics.read_models.documents import LONGEST_READ_MS, LiveChatDocuments
from contracts.ratings import CloseState

PLAIN_NAMES: Final = ("closed", *CloseState, "satisfied", "commented")
"""What is counted everywhere, whatever the scales and reasons."""

HOURS_OF_DAY: Final = 24


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
    if closes.states is None:
        return whole, parts
    return in_states(whole, closes.states), {
        start: in_states(counts, closes.states) for start, counts in parts.items()
    }


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
    return halved(list(starts), list(starts)) if starts else None


def halved(starts: Sequence[datetime], values: Sequence[Any]) -> Any:
    """An expression of the value of the part that a quarter hour lies in; a value per start."""
    if len(starts) == 1:
        return values[0]
    middle = len(starts) // 2
    earlier = {"$lt": ["$_id.quarter", starts[middle]]}
    return {
        "$cond": [earlier, halved(starts[:middle], values[:middle]), halved(starts[middle:], values[middle:])]
    }


@dataclass(frozen=True)
class PlainCounts:
    """Counts without scales and reasons, and the newest name that the closes' operator had at a close."""

    counts: Counts
    name: str | None


async def summed_by(
    documents: LiveChatDocuments, session: AsyncIOMotorClientSession | None, closes: CloseFilter, key: Any
) -> Mapping[Any, PlainCounts]:
    """The plain counts of the `closes` by `key`, an expression on counters; without closes there is none."""
    stages = [
        {"$match": closes.of_counters()},
        {
            "$group": {
                "_id": key,
                **{name: {"$sum": f"$n.{name}"} for name in PLAIN_NAMES},
                "named": {"$max": "$named"},
            }
        },
    ]
    found = documents.counters.aggregate(
        stages, session=session, allowDiskUse=True, maxTimeMS=LONGEST_READ_MS
    )
    return {row["_id"]: plain_counts(row, closes) async for row in found}


def plain_counts(row: Mapping[str, Any], closes: CloseFilter) -> PlainCounts:
    """What a row of `summed_by` holds, of the closes in the states asked for."""
    counts: Counts = Counter({str(name): row[name] for name in PLAIN_NAMES})
    named = row["named"]
    return PlainCounts(
        counts if closes.states is None else in_states(counts, closes.states), named and named["name"]
    )


def hour_of_week(offsets: Sequence[tuple[datetime, timedelta]]) -> Any:
    """An expression of the hour of the week in a zone, 0 to 167 from Monday's first; by its `offsets`."""
    milliseconds = [offset // timedelta(milliseconds=1) for _, offset in offsets]
    local = {"$add": ["$_id.quarter", halved([start for start, _ in offsets], milliseconds)]}
    day = {"$subtract": [{"$isoDayOfWeek": local}, 1]}
    return {"$add": [{"$multiply": [day, HOURS_OF_DAY]}, {"$hour": local}]}


async def review_counts(documents: LiveChatDocuments, closes: CloseFilter) -> Counts:
    """The plain counts of all `closes`, in whatever state."""
    found = await summed_by(documents, None, replace(closes, states=None), None)
    return found[None].counts if found else Counter()
