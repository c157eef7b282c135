"""Do counters call operators as their closes do? Nothing that is counted depends on it, but rows show it."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from functools import partial
from typing import Any

from motor.motor_asyncio import AsyncIOMotorClientSession

from analytics.read_models.counters import LONGEST_DAY, in_order, key_part
from analytics.read_models.documents import Axis, Document, LiveChatDocuments
from analytics.read_models.reconcile import MAX_TIME_MS, SLICE
from analytics.read_models.snapshot import in_one_snapshot

Names = dict[tuple[Any, ...], Document]
"""Per channel, zone, start of the day and operator's key: ``{at, name}`` of the newest close."""


async def wrong_names(documents: LiveChatDocuments) -> AsyncIterator[str]:
    """What operators are called otherwise than at their newest close of a day, in words.

    Each ten days are compared as they were at one moment. Raises ExecutionTimeout if they take too long.
    """
    for axis in Axis:
        since = datetime.min.replace(tzinfo=UTC)
        while (start := await _first_day(documents, axis, since)) is not None:
            since = start + SLICE
            for wrong in await in_one_snapshot(documents, partial(_wrong, documents, axis, start, since)):
                yield wrong


async def _first_day(documents: LiveChatDocuments, axis: Axis, since: datetime) -> datetime | None:
    wanted = {"_id.axis": axis.value, "_id.start": {"$gte": since}}
    found = await documents.counters.find_one(wanted, {"_id.start": 1}, sort=[("_id.start", 1)])
    return None if found is None else found["_id"]["start"]


async def _wrong(
    documents: LiveChatDocuments,
    axis: Axis,
    start: datetime,
    end: datetime,
    session: AsyncIOMotorClientSession,
) -> list[str]:
    counted = await _of_counters(documents, axis, start, end, session)
    key = {"channel": "$channel", "zone": "$zone", "start": f"${axis.day}", "operator": "$operator"}
    wanted = {
        # The day says which; the time is what the index knows.
        axis.value: {"$gte": start, "$lt": end + LONGEST_DAY},
        axis.day: {"$gte": start, "$lt": end},
        "operator_name": {"$type": "string"},
    }
    newest = {"$max": {"at": f"${axis}", "name": "$operator_name"}}
    found = documents.closes.aggregate(
        [{"$match": wanted}, {"$group": {"_id": key, "newest": newest}}, {"$sort": {"_id.start": 1}}],
        session=session, allowDiskUse=True, maxTimeMS=MAX_TIME_MS,
    )  # fmt: skip
    wrong: list[str] = []
    async for row in found:
        day, newest_name = row["_id"], row["newest"]
        named = counted.get((day["channel"], day["zone"], day["start"], key_part(day["operator"])))
        # A name from a closing that another version of it replaced stays in the counters.
        if named is None or (named != newest_name and named["at"] <= newest_name["at"]):
            wrong.append(
                f"{day['channel']} on the day of {day['start']:%Y-%m-%d %H:%M} UTC: operator"
                f" {day['operator']} is called {newest_name['name']!r}, by the counters"
                f" {repr(named['name']) if named else 'nothing'}"
            )
    return wrong


async def _of_counters(
    documents: LiveChatDocuments,
    axis: Axis,
    start: datetime,
    end: datetime,
    session: AsyncIOMotorClientSession,
) -> Names:
    found: Names = {}
    wanted = {"_id.axis": axis.value, "_id.start": {"$gte": start, "$lt": end}}
    async for each in documents.counters.find(wanted, {"names": 1}, session=session, max_time_ms=MAX_TIME_MS):
        day = each["_id"]
        for operator, named in each.get("names", {}).items():
            which = (day["channel"], day["zone"], day["start"], operator)
            found[which] = max(named, found.get(which, named), key=in_order)
    return found
