"""How do the versions of a form compare? What the closes count that were asked with each of them."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from motor.motor_asyncio import AsyncIOMotorClientSession

from analytics.domain.counting import Outcomes
from analytics.read_models.close_filter import CloseFilter
from analytics.read_models.documents import LONGEST_READ_MS, LiveChatDocuments
from analytics.read_models.reviewed import COLLECTION, excluded_ids


@dataclass
class VersionOutcomes:
    """How many closes have which outcome, and the first and the last of their moments."""

    first: datetime
    last: datetime
    outcomes: Outcomes = field(default_factory=lambda: defaultdict(int))


async def form_versions(
    documents: LiveChatDocuments, session: AsyncIOMotorClientSession, closes: CloseFilter
) -> Mapping[int, VersionOutcomes]:
    """By version, the oldest first; `closes` are of one channel, whose versions they are.

    Those without a form, and those that supervisors excluded, are left out.
    """
    excluded = await excluded_ids(documents.closes.database[COLLECTION], session, closes)
    moment = f"${closes.axis}"
    key = {"version": "$form_version", "outcome": "$outcome"}
    group = {"_id": key, "n": {"$sum": 1}, "first": {"$min": moment}, "last": {"$max": moment}}
    wanted = {
        "$and": [closes.of_closes(), {"form_version": {"$type": "number"}}, {"_id": {"$nin": excluded}}]
    }
    found: dict[int, VersionOutcomes] = {}
    cursor = documents.closes.aggregate(
        [{"$match": wanted}, {"$group": group}, {"$sort": {"_id.version": 1}}],
        session=session, allowDiskUse=True, maxTimeMS=LONGEST_READ_MS,
    )  # fmt: skip
    async for row in cursor:
        one = found.setdefault(row["_id"]["version"], VersionOutcomes(row["first"], row["last"]))
        one.outcomes[row["_id"]["outcome"]] += row["n"]
        one.first, one.last = min(one.first, row["first"]), max(one.last, row["last"])
    return found
