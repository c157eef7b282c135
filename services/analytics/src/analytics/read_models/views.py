"""What may be read directly, by Metabase or Grafana: views with stable names, of plain fields alone.

They follow the generation that serves. No word of a client is in them, sealed or not.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from pymongo.errors import OperationFailure

from analytics.read_models.documents import LiveChatDocuments
from analytics.read_models.reviews import ROW

MADE_ELSEWHERE: Final = 48
"""NamespaceExists: another replica was faster."""

CLOSES: Final = "live_chat_closes"
DAYS: Final = "live_chat_days"

Pipeline = Sequence[Mapping[str, Any]]

OF_CLOSES: Final[Pipeline] = [
    {"$match": {"outcome": {"$exists": True}}},
    {"$project": dict.fromkeys(ROW, 1)},
]
"""A row per close that counts."""

_parts: Final = {"$split": ["$outcome.k", ":"]}
OF_DAYS: Final[Pipeline] = [
    {"$set": {"outcome": {"$objectToArray": "$whole"}}},
    {"$unwind": "$outcome"},
    {"$match": {"outcome.v": {"$ne": 0}}},
    {
        "$project": {
            "_id": 0,
            "axis": "$_id.axis",
            "channel": "$_id.channel",
            "zone": "$_id.zone",
            "start": "$_id.start",
            "end": 1,
            "outcome": "$outcome.k",
            "state": {"$arrayElemAt": [_parts, 0]},
            "closes": "$outcome.v",
        }
    },
]
"""Rows of how many closes of a channel's day have an outcome; those of one day and outcome add up."""


async def publish_views(documents: LiveChatDocuments) -> None:
    """Has the views show these documents. Raises PyMongoError.

    One that showed others is away for a moment: to change it would need more than the right to write.
    """
    database = documents.closes.database
    views = {CLOSES: (documents.closes.name, OF_CLOSES), DAYS: (documents.counters.name, OF_DAYS)}
    found = await database.list_collections(filter={"name": {"$in": [*views]}})
    there = {each["name"]: each["options"] async for each in found}
    for name, (source, pipeline) in views.items():
        if there.get(name) == (shown := {"viewOn": source, "pipeline": [*pipeline]}):
            continue
        await database.drop_collection(name)
        try:
            await database.create_collection(name, check_exists=False, **shown)
        except OperationFailure as error:
            if error.code != MADE_ELSEWHERE:
                raise
