"""How did an operator's ratings come about? Withdrawn forms by the counters, the rest by rated closes.

Bursts and first contacts are seen among all ratings of the channels and teams asked for; which of them are
counted is looked at afterwards. Clients are followed through the `LOOK_BACK` before the period as well.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from motor.motor_asyncio import AsyncIOMotorClientSession

from analytics.domain.counting import OutcomeFilter, reason_key
from analytics.domain.numbers import OFFERED
from analytics.domain.patterns import BURST, BURST_MINUTES, Part, Pattern, PatternCounts
from analytics.read_models.close_filter import CloseFilter
from analytics.read_models.documents import LONGEST_READ_MS, Axis, Document, LiveChatDocuments
from analytics.read_models.reviewed import COLLECTION, excluded_ids
from analytics.read_models.summary import summed_by
from contracts.ratings import CancelledReason, CloseState

LOOK_BACK: Final = timedelta(days=90)
RATED: Final = OutcomeFilter(frozenset({CloseState.GIVEN}))
WITHDRAWN: Final = reason_key(CloseState.CANCELLED, CancelledReason.REOPENED)


@dataclass(frozen=True)
class OperatorPatterns:
    """What an operator has of each pattern, and the newest name that the operator had at a close."""

    counts: PatternCounts
    name: str | None


async def patterns_by_operator(
    documents: LiveChatDocuments, session: AsyncIOMotorClientSession | None, closes: CloseFilter
) -> Mapping[str, OperatorPatterns]:
    """The patterns of every operator under the filter, whichever operators it asks for; it has a period."""
    everybody = replace(closes, operators=None)
    sums = await summed_by(documents, session, everybody, "operator")
    rated = await _rated(documents, session, everybody)
    found: dict[str, OperatorPatterns] = {}
    for operator, each in sums.items():
        if operator is not None and each.counts["closed"]:
            offered = Part(each.counts[WITHDRAWN], sum(each.counts[state] for state in OFFERED))
            found[operator] = OperatorPatterns(
                {**rated.get(operator, NONE), Pattern.WITHDRAWN: offered}, each.name
            )
    return found


NONE: Final[PatternCounts] = {Pattern.FIRST_CONTACTS: Part(0, 0), Pattern.BURSTS: Part(0, 0)}


async def _rated(
    documents: LiveChatDocuments, session: AsyncIOMotorClientSession | None, asked: CloseFilter
) -> Mapping[str, PatternCounts]:
    """First contacts and bursts of each operator; summed up inside of the database."""
    if asked.since is None:
        raise ValueError("patterns need a period")
    known = replace(asked, since=asked.since - LOOK_BACK, outcomes=RATED, tags=None, locales=None)
    excluded = await excluded_ids(documents.closes.database[COLLECTION], session, known)
    # Left to itself, MongoDB may look at every rated close there is.
    hint = {"hint": dict(asked.axis.newest_first)} if asked.axis is Axis.RATED_AT else {}
    rows = documents.closes.aggregate(
        pipeline(asked, {**known.of_closes(), "_id": {"$nin": excluded}}, asked.since),
        session=session, allowDiskUse=True, maxTimeMS=LONGEST_READ_MS, **hint,
    )  # fmt: skip
    return {
        row["_id"]: {
            Pattern.FIRST_CONTACTS: Part(row["first"], row["n"]),
            Pattern.BURSTS: Part(row["bursts"], row["n"]),
        }
        async for row in rows
    }


def pipeline(asked: CloseFilter, known: Document, since: datetime) -> list[Document]:
    """Stages that follow clients and operators through the `known` ratings, and count those asked for."""
    moment, wanted = asked.axis.value, asked.of_closes()
    fields = dict.fromkeys({*wanted, moment, "operator", "rated_at"}, 1)
    before: Any = {"$shift": {"output": {"who": "$who", "at": f"${moment}"}, "by": -1}}
    back = {"$subtract": [f"${moment}", LOOK_BACK // timedelta(milliseconds=1)]}
    is_again = {"$and": [{"$eq": ["$before.who", "$who"]}, {"$gte": ["$before.at", back]}]}
    near: Any = {"$count": {}, "window": {"range": [-BURST_MINUTES, BURST_MINUTES], "unit": "minute"}}
    return [
        {"$match": known},
        {"$project": {**fields, "who": {"$concat": ["$channel", "/", "$client"]}}},
        # In one partition: one per client takes three times as long.
        windows(None, {"who": 1, moment: 1, "_id": 1}, before=before),
        {"$match": {moment: {"$gte": since}, "operator": {"$ne": None}}},
        windows("$operator", {"rated_at": 1}, near=near),
        {"$match": wanted},
        {
            "$group": {
                "_id": "$operator",
                "n": {"$sum": 1},
                "first": {"$sum": {"$cond": [is_again, 0, 1]}},
                "bursts": {"$sum": {"$cond": [{"$gte": ["$near", BURST]}, 1, 0]}},
            }
        },
    ]


def windows(partition: Any, order: Mapping[str, int], **output: Document) -> Document:
    """The stage that adds what is seen around each document of its partition."""
    return {"$setWindowFields": {"partitionBy": partition, "sortBy": order, "output": output}}
