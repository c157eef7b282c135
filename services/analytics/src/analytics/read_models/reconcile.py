"""Do the counters agree with the closes? Both are summed and compared inside of the database.

Sums are compared by day, then by attribution, so that a count that went to a wrong operator of the same day
shows too; only where they differ the counts themselves are looked at. With each sum comes its moment: every
count times the number of its quarter hour in the day, so that a count in a wrong quarter hour shows as well.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from motor.motor_asyncio import AsyncIOMotorClientSession

from analytics.domain.counting import CounterKey
from analytics.read_models.close_filter import CloseFilter
from analytics.read_models.documents import Document, LiveChatDocuments

By = Literal["day", "attribution", "cell"]
Stages = list[Document]

SHOWN: Final = 100
MAX_TIME_MS: Final = 60_000
DAY: Final = timedelta(days=1)
ATTRIBUTION: Final = ("channel", "operator", "team")
KIND: Final = ("state", "reason", "scale", "score", "satisfied")


@dataclass(frozen=True)
class Difference:
    """A count that the closes and the counters disagree about."""

    cell: CounterKey
    name: str
    closes: int
    counters: int


@dataclass(frozen=True)
class Comparison:
    """How many closes were recounted, how many sums differ, on which days (UTC), and which counts.

    Of days and counts the first hundred, oldest first; no days if it is only the attribution that differs.
    """

    closes: int
    differing: int
    days: tuple[datetime, ...] = ()
    first: tuple[Difference, ...] = ()


async def compare(
    documents: LiveChatDocuments, session: AsyncIOMotorClientSession, closes: CloseFilter
) -> Comparison:
    """Recounts `closes` and compares with their counters. Raises ExecutionTimeout if it takes minutes."""
    every_day = await rows(documents, session, [*sums(documents, closes, "day"), *PER_KEY])
    total = sum(row["closes"] for row in every_day)
    if days := [row for row in every_day if row["differing"]]:
        starts = tuple(row["_id"]["day"] for row in days[:SHOWN])
        first = await differences(documents, session, [on_day(closes, start) for start in starts])
        return Comparison(total, sum(row["differing"] for row in days), starts, first)
    every_attribution = await rows(documents, session, [*sums(documents, closes, "attribution"), *PER_KEY])
    wrong = [row for row in every_attribution if row["differing"]]
    narrowed = [attributed(closes, **row["_id"]) for row in wrong[:SHOWN]]
    first = await differences(documents, session, narrowed)
    return Comparison(total, sum(row["differing"] for row in wrong), first=first)


async def differences(
    documents: LiveChatDocuments, session: AsyncIOMotorClientSession, parts: list[CloseFilter]
) -> tuple[Difference, ...]:
    """The first counts that differ in one part after the other."""
    found: dict[tuple[CounterKey, str], Difference] = {}
    for part in parts:
        for row in await rows(documents, session, [*sums(documents, part, "cell"), *DIFFERING_COUNTS]):
            cell, name = CounterKey(**row["_id"]["key"]), row["_id"]["name"]
            found[cell, name] = Difference(cell, name, row["closes"], row["counters"])
        if len(found) >= SHOWN:
            break
    return tuple(found.values())[:SHOWN]


async def rows(
    documents: LiveChatDocuments, session: AsyncIOMotorClientSession, stages: Stages
) -> list[Document]:
    """What the stages give, which is bounded by them."""
    cursor = documents.closes.aggregate(stages, session=session, allowDiskUse=True, maxTimeMS=MAX_TIME_MS)
    return await cursor.to_list(None)


def on_day(closes: CloseFilter, start: datetime) -> CloseFilter:
    """Those of `closes` that were closed on the day (UTC) that begins at `start`."""
    since, until = closes.since or start, closes.until or start + DAY
    return replace(closes, since=max(since, start), until=min(until, start + DAY))


def attributed(closes: CloseFilter, channel: str, operator: str | None, **_: str | None) -> CloseFilter:
    """Those of `closes` that count for this operator of the channel; for every one of it if there is none."""
    return replace(closes, channels=frozenset({channel}), operator=operator or closes.operator)


def sums(documents: LiveChatDocuments, closes: CloseFilter, by: By) -> Stages:
    """Stages that give a row per sum: ``{_id: {key, name}, closes, counters, moment}``.

    `key` is what the sum is of, a document; `moment` that of the closes minus that of the counters.
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
    quarter = {"$sum": number_of_quarter("$closed_at")}
    return [
        {"$match": closes.of_closes()},
        {"$group": {"_id": alike, "n": {"$sum": 1}, "moment": quarter}},
        {"$set": {"named": NAMES}},
        {"$unwind": "$named"},
        {
            "$group": {
                "_id": {"key": "$_id.key", "name": "$named.name"},
                "closes": {"$sum": {"$multiply": ["$n", "$named.each"]}},
                "moment": {"$sum": {"$multiply": ["$moment", "$named.each"]}},
            }
        },
    ]


def counter_sums(closes: CloseFilter, by: By) -> Stages:
    """Stages that sum the counters."""
    key, number = key_of("$_id.", "$_id.quarter", by), number_of_quarter("$_id.quarter")
    minus = {"$subtract": [0, number]}
    return [
        {"$match": closes.of_counters()},
        {"$project": {"_id": 0, "key": key, "minus": minus, "n": {"$objectToArray": "$n"}}},
        {"$unwind": "$n"},
        {
            "$group": {
                "_id": {"key": "$key", "name": "$n.k"},
                "counters": {"$sum": "$n.v"},
                "moment": {"$sum": {"$multiply": ["$n.v", "$minus"]}},
            }
        },
    ]


def key_of(prefix: str, moment: str, by: By) -> Document:
    """An expression of what a close or counter is summed by; `prefix` is where its attribution stands."""
    attribution = {name: f"{prefix}{name}" for name in ATTRIBUTION}
    match by:
        case "day":
            return {"day": {"$dateTrunc": {"date": moment, "unit": "day"}}}
        case "attribution":
            return attribution
        case "cell":
            return {
                "quarter": {"$dateTrunc": {"date": moment, "unit": "minute", "binSize": 15}},
                **attribution,
            }


def number_of_quarter(moment: str) -> Document:
    """An expression of the quarter hour's number in its day, 0 to 95."""
    in_hour = {"$floor": {"$divide": [{"$minute": moment}, 15]}}
    return {"$add": [{"$multiply": [{"$hour": moment}, 4]}, in_hour]}


def named(name: Any, each: Any = 1) -> Document:
    """An expression of a name, and of what one close counts under it."""
    return {"name": name, "each": each}


OF_ANSWER: Final = [
    named("satisfied", {"$toInt": "$_id.satisfied"}),
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

DIFFERING_COUNTS: Final[Stages] = [
    {"$match": {"$expr": DIFFERS}},
    {"$sort": {"_id": 1}},
    {"$limit": SHOWN},
]
"""Stages that keep the sums that differ, oldest first."""
