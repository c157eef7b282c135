"""Collections of keys: writes survive a failover, reads were never undone, times are the database's."""

from datetime import UTC, timedelta
from typing import Any

from bson.codec_options import CodecOptions
from motor.motor_asyncio import AsyncIOMotorCollection, AsyncIOMotorDatabase
from pymongo import WriteConcern
from pymongo.read_concern import ReadConcern

Document = dict[str, Any]
AWARE: CodecOptions[Document] = CodecOptions(tz_aware=True, tzinfo=UTC)


def durable(database: AsyncIOMotorDatabase[Document], name: str) -> AsyncIOMotorCollection[Document]:
    """The collection `name`: majority and journal for writes, majority for reads, aware UTC times."""
    return database.get_collection(
        name,
        codec_options=AWARE,
        write_concern=WriteConcern("majority", j=True),
        read_concern=ReadConcern("majority"),
    )


def older(name: str, age: timedelta) -> Document:
    """An expression: the time in the field `name` is at least `age` ago, by the database's clock."""
    return {"$lte": [f"${name}", {"$subtract": ["$$NOW", int(age.total_seconds() * 1000)]}]}
