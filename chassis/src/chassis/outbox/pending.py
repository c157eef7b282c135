"""The commits that are not relayed yet: each commit is its own outbox, there is no second collection."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pymongo
from pymongo import UpdateOne

from chassis.eventstore.mongo import TIMEOUT_SECONDS, UNRELAYED_INDEX, MongoEventStore, of_stream
from chassis.eventstore.serialization import commit_id, from_document
from chassis.eventstore.store import Commit

PAGE = 100


@dataclass(frozen=True)
class PendingCommit:
    """A commit, whether it was relayed, and if so how many public events its stream had published by then."""

    commit: Commit
    relayed: bool
    published: int


@dataclass(frozen=True)
class RelayMark:
    """Commit `number` of `stream` was relayed; up to and with it the stream `published` so many events."""

    stream: str
    number: int
    published: int


class PendingCommits:
    """The commits that are not relayed yet. Every method raises PyMongoError if MongoDB doesn't answer."""

    def __init__(self, store: MongoEventStore) -> None:
        self._commits = store.commits

    async def oldest(
        self, shards: Collection[int], *, without: Collection[str], limit: int
    ) -> dict[str, list[PendingCommit]]:
        """Up to `limit` unrelayed commits of the shards, the oldest, by stream; no stream of `without`.

        Replicas' clocks differ by a little, so those of a stream may be out of order, or lack some.
        """
        wanted = {"relayed": False, "shard": {"$in": sorted(shards)}, "stream": {"$nin": sorted(without)}}
        with pymongo.timeout(TIMEOUT_SECONDS):
            oldest = self._commits.find(wanted).sort([("at", 1), ("shard", 1), ("_id", 1)])
            documents = await oldest.limit(limit).to_list(None)
        streams: dict[str, list[PendingCommit]] = {}
        for document in documents:
            streams.setdefault(document["stream"], []).append(_from_document(document))
        return streams

    async def page(self, stream: str, after: int) -> list[PendingCommit]:
        """The next 100 commits of a stream, relayed or not, with a number over `after`."""
        with pymongo.timeout(TIMEOUT_SECONDS):
            found = self._commits.find(of_stream(stream, after)).sort("_id", 1).limit(PAGE)
            return [_from_document(document) for document in await found.to_list(None)]

    async def mark(self, marks: Sequence[RelayMark]) -> None:
        """Marks commits as relayed, in this order: where it fails, all before are marked and none after."""
        updates = [
            UpdateOne(
                {"_id": commit_id(mark.stream, mark.number)},
                {"$set": {"relayed": True, "published": mark.published}},
            )
            for mark in marks
        ]
        with pymongo.timeout(TIMEOUT_SECONDS):
            await self._commits.bulk_write(updates, ordered=True)

    async def backlog(self, shards: Collection[int]) -> tuple[int, float]:
        """How many commits of the shards are not relayed, and the age of the oldest in seconds, else 0."""
        age = {"$divide": [{"$subtract": ["$$NOW", "$oldest"]}, 1000]}
        stages: list[dict[str, Any]] = [
            {"$match": {"relayed": False, "shard": {"$in": sorted(shards)}}},
            {"$group": {"_id": None, "count": {"$sum": 1}, "oldest": {"$min": "$at"}}},
            {"$project": {"count": 1, "age": age}},
        ]
        with pymongo.timeout(TIMEOUT_SECONDS):
            found = await self._commits.aggregate(stages, hint=UNRELAYED_INDEX).to_list(None)
        return (found[0]["count"], max(0.0, found[0]["age"])) if found else (0, 0.0)


def _from_document(document: Mapping[str, Any]) -> PendingCommit:
    return PendingCommit(from_document(document), document["relayed"], document.get("published", 0))
