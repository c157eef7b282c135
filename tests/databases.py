"""Databases for tests: emptied and taken again, since making indexes takes longer than most tests."""

from collections import defaultdict, deque
from typing import Any
from uuid import uuid4

from pymongo import MongoClient
from pymongo.database import Database

from contracts.topics import SERVICES

RESTING = 3
"""How many are left alone until one is taken again: what a test still sent at its end has come by then."""


class Databases:
    """Empty databases of one MongoDB, by the room of the tests.

    Those of a service find what the service finds that starts again after everything was deleted: its
    collections and indexes. All others get a new one.
    """

    def __init__(self, uri: str) -> None:
        self._client = MongoClient[dict[str, Any]](uri)
        self._resting = defaultdict[str, deque[str]](deque)

    def take(self, room: str) -> str:
        """The name of an empty one."""
        resting = self._resting[room]
        while len(resting) >= RESTING:
            database = self._client[resting.popleft()]
            if _is_emptied(database):
                return database.name
        return f"test_{uuid4().hex[:16]}"

    def give_back(self, room: str, name: str) -> None:
        """Lets it rest, whatever it holds; it goes with its server if nobody takes it again."""
        if room in SERVICES:
            self._resting[room].append(name)

    def close(self) -> None:
        """Ends its connections."""
        self._client.close()


def _is_emptied(database: Database[dict[str, Any]]) -> bool:
    """Whether nothing is left in it, nor of what a test made it do: refuse documents, note questions."""
    for collection in database.list_collections(filter={"type": "collection"}):
        if "validator" in collection["options"] or collection["name"] == "system.profile":
            return False
        if collection["name"] != "system.views":
            database[collection["name"]].delete_many({})
    return True
