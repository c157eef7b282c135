"""Do the counters agree with the closes? Both are summed and compared inside of the database.

They are summed by day (UTC) and name and, since a count may have gone to another operator of the same day, by
channel, operator, team and name; only where that differs the counts themselves are looked at. With each sum
comes its moment: every count times the number of its quarter hour in the day, so that a count in a wrong
quarter hour shows as well. A month at a time, so that no query takes long.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta
from typing import Any, Final, Literal

from motor.motor_asyncio import AsyncIOMotorClientSession

from analytics.domain.counting import CounterKey
from analytics.read_models.close_filter import CloseFilter
from analytics.read_models.documents import Document, LiveChatDocuments

By = Literal["day", "attribution", "counter"]
Stages = list[Document]

SHOWN: Final = 100
MAX_TIME_MS: Final = 60_000
DAY: Final = timedelta(days=1)
SLICE: Final = 30 * DAY
ATTRIBUTION: Final = ("channel", "operator", "team")
KIND: Final = ("state", "reason", "scale", "score", "satisfied", "commented")


@dataclass(frozen=True)
class Difference:
    """A count that the closes and the counters disagree about."""

    cell: CounterKey
    name: str
    closes: int
    counters: int


@dataclass
class Comparison:
    """How many closes were recounted, how many sums differ, on which days (UTC), and which counts.

    Oldest first; at least a hundred counts, if so many differ. Days are those whose own sums differ.
    """

    closes: int = 0
    differing: int = 0
    days: list[datetime] = field(default_factory=list)
    first: list[Difference] = field(default_factory=list)


async def compare(
    documents: LiveChatDocuments, session: AsyncIOMotorClientSession, closes: CloseFilter
) -> Comparison:
    """Recounts `closes` and compares with their counters. Raises ExecutionTimeout if it takes too long."""
    found = Comparison()
    async for part in slices(documents, session, closes):
        by_day = await rows(documents, session, [*sums(documents, part, "day"), *PER_KEY])
        wrong = [row for row in by_day if row["differing"]]
        days = [row["_id"]["quarter"] for row in wrong]
        place = between(part, days[0], days[-1] + DAY) if days else part
        if not wrong:
            attributed = await rows(documents, session, [*sums(documents, part, "attribution"), *PER_KEY])
            wrong = [row for row in attributed if row["differing"]]
        found.closes += sum(row["closes"] for row in by_day)
        found.differing += sum(row["differing"] for row in wrong)
        if wrong and len(found.first) < SHOWN:
            stages = [*sums(documents, place, "counter"), *DIFFERING]
            found.first += map(difference, await rows(documents, session, stages))
        found.days += days
    return found


async def slices(
    documents: LiveChatDocuments, session: AsyncIOMotorClientSession, closes: CloseFilter
) -> AsyncIterator[CloseFilter]:
    """Parts of `closes` of some days each, the oldest first; none without closes and counters."""
    rest = closes
    while (moment := await first_moment(documents, session, rest)) is not None:
        start = datetime.combine(moment, time(), moment.tzinfo)
        yield between(rest, start, start + SLICE)
        if rest.until is not None and rest.until <= start + SLICE:
            return
        rest = replace(rest, since=start + SLICE)


async def first_moment(
    documents: LiveChatDocuments, session: AsyncIOMotorClientSession, closes: CloseFilter
) -> datetime | None:
    """When the first of `closes` was closed, or counted; None if there is none."""
    close = await documents.closes.find_one(
        closes.of_closes(), {"closed_at": 1}, sort=[("closed_at", 1)], session=session
    )
    counter = await documents.counters.find_one(
        closes.of_counters(), {"_id": 1}, sort=[("_id.quarter", 1)], session=session
    )
    found = [close["closed_at"]] if close else []
    return min([*found, counter["_id"]["quarter"]] if counter else found, default=None)


async def rows(
    documents: LiveChatDocuments, session: AsyncIOMotorClientSession, stages: Stages
) -> list[Document]:
    """What the stages give, which is bounded by them."""
    cursor = documents.closes.aggregate(stages, session=session, allowDiskUse=True, maxTimeMS=MAX_TIME_MS)
    return await cursor.to_list(None)


def difference(row: Document) -> Difference:
    """A count of a quarter hour that differs, from the row of its sum."""
    return Difference(CounterKey(**row["_id"]["key"]), row["_id"]["name"], row["closes"], row["counters"])


def between(closes: CloseFilter, start: datetime, end: datetime) -> CloseFilter:
    """Those of `closes` that were closed in [start, end)."""
    return replace(closes, since=max(closes.since or start, start), until=min(closes.until or end, end))


def sums(documents: LiveChatDocuments, closes: CloseFilter, by: By) -> Stages:
    """Stages that give a row per sum: ``{_id: {key, name}, closes, counters, moment}``.

    `key` is the part of a `CounterKey` that is summed by, with the day as its `quarter`; `moment` is that of
    the closes minus that of the counters.
    """
    totals = {name: {"$sum": f"${name}"} for name in ("closes", "counters", "moment")}
    return [
        *close_sums(closes, by),
        {"$unionWith": {"coll": documents.counters.name, "pipeline": counter_sums(closes, by)}},
        {"$group": {"_id": "$_id", **totals}},
    ]


def close_sums(closes: CloseFilter, by: By) -> Stages:
    """Stages that sum the closes by their own fields; those alike are counted before they are named."""
    alike = {"key": key_of("$", "$closed_at", by), **{name: f"${name}" for name in KIND}}
    moment = {"$sum": number_of_quarter("$closed_at")}
    named_sums = {
        "closes": {"$sum": {"$multiply": ["$n", "$named.each"]}},
        "moment": {"$sum": {"$multiply": ["$moment", "$named.each"]}},
    }
    return [
        {"$match": closes.of_closes()},
        {"$group": {"_id": alike, "n": {"$sum": 1}, "moment": moment}},
        {"$set": {"named": NAMES}},
        {"$unwind": "$named"},
        {"$group": {"_id": {"key": "$_id.key", "name": "$named.name"}, **named_sums}},
    ]


def counter_sums(closes: CloseFilter, by: By) -> Stages:
    """Stages that sum the counters."""
    minus = {"$subtract": [0, number_of_quarter("$_id.quarter")]}
    counter = {"key": key_of("$_id.", "$_id.quarter", by), "minus": minus, "n": {"$objectToArray": "$n"}}
    named_sums = {"counters": {"$sum": "$n.v"}, "moment": {"$sum": {"$multiply": ["$n.v", "$minus"]}}}
    return [
        {"$match": closes.of_counters()},
        {"$project": {"_id": 0, **counter}},
        {"$unwind": "$n"},
        {"$group": {"_id": {"key": "$key", "name": "$n.k"}, **named_sums}},
    ]


def key_of(prefix: str, moment: str, by: By) -> Document:
    """An expression of the key of a close or counter; `prefix` is where its attribution stands."""
    day = {"$dateTrunc": {"date": moment, "unit": "day"}}
    quarter = {"$dateTrunc": {"date": moment, "unit": "minute", "binSize": 15}}
    attribution = {name: f"{prefix}{name}" for name in ATTRIBUTION}
    match by:
        case "day":
            return {"quarter": day}
        case "attribution":
            return attribution
        case "counter":
            return {"quarter": quarter, **attribution}


def number_of_quarter(moment: str) -> Document:
    """An expression of the quarter hour's number in its day, 0 to 95."""
    in_hour = {"$floor": {"$divide": [{"$minute": moment}, 15]}}
    return {"$add": [{"$multiply": [{"$hour": moment}, 4]}, in_hour]}


def named(name: Any, each: Any = 1) -> Document:
    """An expression of a name, and of what one close counts under it."""
    return {"name": name, "each": each}


OF_ANSWER: Final = [
    named("satisfied", {"$toInt": "$_id.satisfied"}),
    named("commented", {"$toInt": "$_id.commented"}),
    named({"$concat": ["$_id.scale", ":n"]}),
    named({"$concat": ["$_id.scale", ":sum"]}, "$_id.score"),
    named({"$concat": ["$_id.scale", ":score:", {"$toString": "$_id.score"}]}),
]
NAMES: Final = {
    "$concatArrays": [
        [named("closed"), named("$_id.state")],
        {"$cond": ["$_id.reason", [named({"$concat": ["$_id.state", ":", "$_id.reason"]})], []]},
        {"$cond": ["$_id.scale", OF_ANSWER, []]},
    ]
}
"""An expression of everything that one of some closes alike counts, as `analytics.domain.counting` has it."""

DIFFERS: Final = {"$or": [{"$ne": ["$closes", "$counters"]}, {"$ne": ["$moment", 0]}]}
IS_CLOSED: Final = {"$eq": ["$_id.name", "closed"]}
PER_KEY: Final[Stages] = [
    {
        "$group": {
            "_id": "$_id.key",
            "closes": {"$sum": {"$cond": [IS_CLOSED, "$closes", 0]}},
            "differing": {"$sum": {"$cond": [DIFFERS, 1, 0]}},
        }
    },
    {"$sort": {"_id": 1}},
]
"""Stages that give ``{_id: key, closes, differing}``: how many closes there are and how many sums differ."""

DIFFERING: Final[Stages] = [
    {"$match": {"$expr": DIFFERS}},
    {"$sort": {"_id": 1}},
    {"$limit": SHOWN},
]
"""Stages that keep the sums that differ, oldest first."""
