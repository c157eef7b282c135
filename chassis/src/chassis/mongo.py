"""Joins MongoDB the way everything here expects it."""

from typing import Any

from motor.motor_asyncio import AsyncIOMotorClient

SERVER_SELECTION_MS = 3_000


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
