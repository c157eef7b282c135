"""Do the counters tell the truth? Recounts the closes themselves and compares, at one moment."""

from collections import Counter
from dataclasses import dataclass
from typing import Any, Final

from motor.motor_asyncio import AsyncIOMotorClientSession

from analytics.domain.counting import CounterDelta, CounterKey, Counts, ScaleKey, answer_counts, state_counts
from analytics.read_models.close_filter import CloseFilter
from analytics.read_models.documents import LiveChatDocuments
from contracts.ratings import CloseState

KIND: Final = ("channel", "operator", "team", "state", "reason", "scale", "score", "satisfied")


@dataclass(frozen=True)
class Difference:
    """A count that the closes and the counters disagree about."""

    cell: CounterKey
    name: str
    closes: int
    counters: int


async def differences(
    documents: LiveChatDocuments, session: AsyncIOMotorClientSession, scope: CloseFilter
) -> tuple[int, list[Difference]]:
    """How many closes were recounted, and every disagreement; an empty list if there is none."""
    counted = await recounted(documents, session, scope)
    kept = await counters(documents, session, scope)
    found = [
        Difference(cell, name, counted[cell, name], kept[cell, name])
        for cell, name in sorted(counted.keys() | kept.keys(), key=in_order)
        if counted[cell, name] != kept[cell, name]
    ]
    return sum(n for (_, name), n in counted.items() if name == "closed"), found


def in_order(key: tuple[CounterKey, str]) -> tuple[Any, ...]:
    """Oldest first."""
    cell, name = key
    return cell.quarter, cell.channel, cell.operator or "", cell.team or "", name


async def counters(
    documents: LiveChatDocuments, session: AsyncIOMotorClientSession, scope: CloseFilter
) -> CounterDelta:
    """The counters of all partitions, summed."""
    tally: CounterDelta = Counter()
    async for row in documents.counters.find(scope.of_counters(), session=session):
        key = row["_id"]
        cell = CounterKey(key["channel"], key["operator"], key["team"], key["quarter"])
        tally.update({(cell, name): n for name, n in row["n"].items()})
    return tally


async def recounted(
    documents: LiveChatDocuments, session: AsyncIOMotorClientSession, scope: CloseFilter
) -> CounterDelta:
    """What the closes count, from their own fields."""
    quarter = {"$dateTrunc": {"date": "$closed_at", "unit": "minute", "binSize": 15}}
    kind = {"quarter": quarter, **{name: f"${name}" for name in KIND}}
    stages = [{"$match": scope.of_closes()}, {"$group": {"_id": kind, "n": {"$sum": 1}}}]
    tally: CounterDelta = Counter()
    async for row in documents.closes.aggregate(stages, session=session, allowDiskUse=True):
        alike = row["_id"]
        cell = CounterKey(alike["channel"], alike.get("operator"), alike.get("team"), alike["quarter"])
        tally.update({(cell, name): n * row["n"] for name, n in counts_of(alike).items()})
    return tally


def counts_of(alike: dict[str, Any]) -> Counts:
    """What one of these closes, all alike, counts."""
    counts = state_counts(CloseState(alike["state"]), alike.get("reason"))
    if scale := alike.get("scale"):
        counts.update(answer_counts(ScaleKey(**scale), alike["score"], satisfied=alike["satisfied"]))
    return counts
