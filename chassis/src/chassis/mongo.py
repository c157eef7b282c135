"""Joins MongoDB the way everything here expects it."""

from contextlib import AbstractAsyncContextManager
from datetime import UTC
from typing import Any

from bson.codec_options import CodecOptions
from motor.motor_asyncio import (
    AsyncIOMotorClient,
    AsyncIOMotorClientSession,
    AsyncIOMotorCollection,
    AsyncIOMotorDatabase,
)
from pymongo.errors import PyMongoError
from pymongo.read_concern import ReadConcern
from pymongo.read_preferences import ReadPreference
from pymongo.write_concern import WriteConcern

SERVER_SELECTION_MS = 3_000
CODEC: CodecOptions[Any] = CodecOptions(document_class=dict, tz_aware=True, tzinfo=UTC)


def connect(uri: str) -> "AsyncIOMotorClient[dict[str, Any]]":
    """A client whose writes are acknowledged by a majority's journals and whose reads can't be rolled back.

    Times are aware UTC. Nothing is connected yet: the first operation does that, and gives up after
    3 seconds without a server (``ServerSelectionTimeoutError``).
    """
    return AsyncIOMotorClient(
        uri,
        tz_aware=True,
        w="majority",
        journal=True,
        readConcernLevel="majority",
        serverSelectionTimeoutMS=SERVER_SELECTION_MS,
        connectTimeoutMS=SERVER_SELECTION_MS,
        appname="candor",
    )


def sentence_of(error: PyMongoError, uri: str) -> str:
    """That MongoDB failed, where, and how; nothing of what it was asked, nor of the login."""
    hosts = uri.partition("://")[2].rpartition("@")[2].partition("/")[0].partition("?")[0]
    return f"MongoDB at {hosts} did not do it: {type(error).__name__}"


def durable(
    database: "AsyncIOMotorDatabase[dict[str, Any]]", name: str
) -> "AsyncIOMotorCollection[dict[str, Any]]":
    """The collection `name`, with reads and writes that can't be rolled back, however the client is set.

    Majority and journal for writes, majority from the primary for reads, aware UTC times.
    """
    return database.get_collection(
        name,
        codec_options=CODEC,
        read_preference=ReadPreference.PRIMARY,
        write_concern=WriteConcern(w="majority", j=True),
        read_concern=ReadConcern("majority"),
    )


def transaction(session: AsyncIOMotorClientSession) -> AbstractAsyncContextManager[Any]:
    """A transaction that reads one snapshot, and is committed by a majority within ten seconds."""
    return session.start_transaction(
        read_concern=ReadConcern("snapshot"), write_concern=WriteConcern("majority", wtimeout=10_000)
    )
