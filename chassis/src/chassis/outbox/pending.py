"""The commits that are not relayed yet: each commit is its own outbox, there is no second collection."""

import time
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pymongo
from pymongo import UpdateMany

from chassis.eventstore.mongo import TIMEOUT_SECONDS, UNRELAYED_INDEX, MongoEventStore, of_stream
from chassis.eventstore.serialization import commit_id, from_document
from chassis.eventstore.store import Commit

PAGE = 100
SKEW = timedelta(seconds=10)
SWEEP_SECONDS = 1.0


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
        self._from: datetime | None = None
        self._all_at = 0.0

    async def oldest(
        self, shards: Collection[int], *, without: Collection[str], limit: int
    ) -> dict[str, list[PendingCommit]]:
        """Up to `limit` unrelayed commits of the shards, the oldest, by stream; no stream of `without`.

        Replicas' clocks differ by a little, so those of a stream may be out of order, or lack some. It looks
        from `SKEW` before the last ones on; every second or so from the start, for what came later than that.
        """
        wanted: dict[str, Any] = {"relayed": False, "shard": {"$in": sorted(shards)}}
        wanted["stream"] = {"$nin": sorted(without)}
        started = time.monotonic()
        # Else it walks over the index entries of all that was relayed in the last five minutes, each time.
        sweep = self._from is None or started >= self._all_at
        if self._from is not None and not sweep:
            wanted["at"] = {"$gte": self._from - SKEW}
        with pymongo.timeout(TIMEOUT_SECONDS):
            oldest = self._commits.find(wanted).sort([("at", 1), ("shard", 1), ("_id", 1)])
            documents = await oldest.limit(limit).to_list(None)
        if documents:
            self._from = documents[0]["at"]
        if sweep:
            ended = time.monotonic()
            self._all_at = ended + max(SWEEP_SECONDS, 10 * (ended - started))
        return _by_stream(documents)

    async def page(self, stream: str, after: int) -> list[PendingCommit]:
        """The next 100 commits of a stream, relayed or not, with a number over `after`."""
        with pymongo.timeout(TIMEOUT_SECONDS):
            found = self._commits.find(of_stream(stream, after)).sort("_id", 1).limit(PAGE)
            return [_from_document(document) for document in await found.to_list(None)]

    async def numbered(self, wanted: Mapping[str, Iterable[int]]) -> dict[str, list[PendingCommit]]:
        """The commits of each stream with these numbers, relayed or not, in order; those that there are."""
        ids = [commit_id(stream, number) for stream, numbers in wanted.items() for number in numbers]
        with pymongo.timeout(TIMEOUT_SECONDS):
            documents = await self._commits.find({"_id": {"$in": ids}}).sort("_id", 1).to_list(None)
        return _by_stream(documents)

    async def mark(self, marks: Sequence[RelayMark]) -> None:
        """Marks commits as relayed, in this order within each stream: where it fails, none after it is."""
        # One update for all that are alike: as many single ones cost four times as much.
        alike: dict[tuple[int, int], list[str]] = defaultdict(list)
        earlier: Counter[str] = Counter()
        for mark in marks:
            alike[earlier[mark.stream], mark.published].append(commit_id(mark.stream, mark.number))
            earlier[mark.stream] += 1
        updates = [
            UpdateMany({"_id": {"$in": ids}}, {"$set": {"relayed": True, "published": published}})
            for (_, published), ids in sorted(alike.items())
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


def _by_stream(documents: Iterable[Mapping[str, Any]]) -> dict[str, list[PendingCommit]]:
    streams: defaultdict[str, list[PendingCommit]] = defaultdict(list)
    for document in documents:
        streams[document["stream"]].append(_from_document(document))
    return dict(streams)


def _from_document(document: Mapping[str, Any]) -> PendingCommit:
    return PendingCommit(from_document(document), document["relayed"], document.get("published", 0))
