"""Do counters call operators as their closes do? Nothing that is counted depends on it, but rows show it."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

from motor.motor_asyncio import AsyncIOMotorClientSession

from analytics.read_models.counters import key_part
from analytics.read_models.documents import Axis, LiveChatDocuments
from analytics.read_models.reconcile import MAX_TIME_MS
from analytics.read_models.snapshot import in_one_snapshot

Names = dict[tuple[Any, ...], tuple[datetime, str]]
"""Per day of a channel and operator the name at the newest close, and when that was."""


async def wrong_names(documents: LiveChatDocuments) -> list[str]:
    """What operators are called otherwise than at their newest close of a day, in words."""

    async def read(session: AsyncIOMotorClientSession) -> list[str]:
        return [wrong for axis in Axis async for wrong in _wrong(documents, session, axis)]

    return await in_one_snapshot(documents, read)


async def _wrong(
    documents: LiveChatDocuments, session: AsyncIOMotorClientSession, axis: Axis
) -> AsyncIterator[str]:
    counted = await _of_counters(documents, session, axis)
    key = {"channel": "$channel", "zone": "$zone", "start": f"${axis.day}", "operator": "$operator"}
    newest = {"$max": {"at": f"${axis}", "name": "$operator_name"}}
    found = documents.closes.aggregate(
        [
            {"$match": {axis.value: {"$type": "date"}, "operator_name": {"$type": "string"}}},
            {"$group": {"_id": key, "newest": newest}},
            {"$sort": {"_id.start": 1}},
        ],
        session=session, allowDiskUse=True, maxTimeMS=MAX_TIME_MS,
    )  # fmt: skip
    async for row in found:
        day, (at, name) = row["_id"], (row["newest"]["at"], row["newest"]["name"])
        named = counted.get((day["channel"], day["zone"], day["start"], key_part(day["operator"])))
        # A name from a closing that another version of it replaced stays in the counters.
        if named is None or named[0] < at or (named[0] == at and named[1] != name):
            said = "nothing" if named is None else repr(named[1])
            yield (
                f"{day['channel']} on the day of {day['start']:%Y-%m-%d %H:%M} UTC: operator"
                f" {day['operator']} is called {name!r}, by the counters {said}"
            )


async def _of_counters(documents: LiveChatDocuments, session: AsyncIOMotorClientSession, axis: Axis) -> Names:
    found: Names = {}
    days = documents.counters.find({"_id.axis": axis.value}, {"names": 1}, session=session)
    async for each in days.max_time_ms(MAX_TIME_MS):
        day = each["_id"]
        for operator, named in each.get("names", {}).items():
            which, name = (
                (day["channel"], day["zone"], day["start"], operator),
                (named["at"], named["name"]),
            )
            found[which] = max(name, found.get(which, name))
    return found
