"""The event store in MongoDB, with group commit: appends share an insert, and each gets its own result."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pymongo
from bson.raw_bson import RawBSONDocument
from motor.motor_asyncio import AsyncIOMotorDatabase
from pymongo.errors import BulkWriteError, PyMongoError

from chassis.errors import ChassisError, PermanentWriteError, VersionConflict, WriteOutcomeUnknown
from chassis.eventstore.lookup import CommitLookup
from chassis.eventstore.serialization import commit_id, from_document, to_document
from chassis.eventstore.store import Commit
from chassis.mongo import durable
from chassis.telemetry.metrics import APPEND_BATCH
from chassis.transient import TRANSIENT_CODES, is_transient

MAX_BATCH = 500
MAX_BATCH_BYTES = 8_000_000
TIMEOUT_SECONDS = 10
DUPLICATE_KEY = 11000
UNRELAYED_INDEX = "unrelayed_by_age"


@dataclass(frozen=True, eq=False)
class PendingAppend:
    """A commit that is not inserted yet; `result` is what its caller awaits."""

    stream: str
    document: RawBSONDocument
    result: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    def resolve(self, error: Exception | None) -> None:
        """Returns to the caller, or raises `error` there; only the first call counts."""
        if self.result.done():  # or the caller was cancelled
            return
        if error is None:
            self.result.set_result(None)
        else:
            self.result.set_exception(error)


class MongoEventStore:
    """Commits as documents of the collection ``commits``, written and read with majority.

    Group commit: while one unordered insert is in flight, later commits gather for the next.
    """

    def __init__(self, database: "AsyncIOMotorDatabase[dict[str, Any]]") -> None:
        self.database = database
        self.commits = durable(database, "commits")
        self._lookup = CommitLookup(self.commits)
        self._queue: list[PendingAppend] = []
        self._flight: asyncio.Task[None] | None = None

    async def prepare(self) -> None:
        """Makes the index of commits that are not relayed yet. Can be repeated."""
        await self.commits.create_index(
            # By age first: WiredTiger walks over the entries of the last minutes' commits that were relayed
            # since (`minSnapshotHistoryWindowInSeconds`), and with the shard first it would do so per shard.
            [("at", 1), ("shard", 1), ("_id", 1)],
            name=UNRELAYED_INDEX,
            partialFilterExpression={"relayed": False},
        )

    async def read(self, stream: str, after: int = 0, *, limit: int) -> Sequence[Commit]:
        """See `EventStore.read`. Raises PyMongoError if the database doesn't answer."""
        # Whoever knows a stream mostly knows all of it, and a lookup costs a fraction of a query.
        if after and not await self._lookup.is_stored(commit_id(stream, after + 1)):
            return []
        with pymongo.timeout(TIMEOUT_SECONDS):
            found = self.commits.find(of_stream(stream, after)).sort("_id", 1).limit(limit)
            documents = await found.to_list(None)
        return [from_document(document) for document in documents]

    async def append(self, commit: Commit) -> None:
        """See `EventStore.append`. A cancelled caller doesn't know the outcome, and disturbs no other."""
        pending = PendingAppend(commit.stream, to_document(commit))
        self._queue.append(pending)
        self._flush()
        await pending.result

    async def read_many(self, after: Mapping[str, int], *, limit: int) -> Mapping[str, Sequence[Commit]]:
        """See `ManyStreams.read_many`. Raises PyMongoError if the database doesn't answer."""
        # Single ids, since as many ranges would be planned one by one.
        ids = [commit_id(stream, after[stream] + ahead) for stream in after for ahead in range(1, limit + 1)]
        with pymongo.timeout(TIMEOUT_SECONDS):
            documents = await self.commits.find({"_id": {"$in": ids}}).sort("_id", 1).to_list(None)
        streams: defaultdict[str, list[Commit]] = defaultdict(list)
        last = dict(after)
        for document in documents:
            stream = document["stream"]
            # What is stored while the query goes on may be found without what it follows.
            if document["number"] == last[stream] + 1:
                last[stream] += 1
                streams[stream].append(from_document(document))
        return streams

    async def append_many(self, commits: Sequence[Commit]) -> Sequence[Exception | None]:
        """See `ManyStreams.append_many`. They share inserts with what others append meanwhile."""
        queued = [self._queued(commit) for commit in commits]
        self._flush()
        results = await asyncio.gather(*queued, return_exceptions=True)
        return [result if isinstance(result, Exception) else None for result in results]

    def _queued(self, commit: Commit) -> asyncio.Future[None]:
        try:
            pending = PendingAppend(commit.stream, to_document(commit))
        except Exception as error:  # noqa: BLE001 - it is this commit's own, and raised to its caller
            refused = asyncio.get_running_loop().create_future()
            refused.set_exception(error)
            return refused
        self._queue.append(pending)
        return pending.result

    def _flush(self) -> None:
        if self._flight is None and (batch := self._next_batch()):
            self._flight = asyncio.create_task(self._insert(batch))
            self._flight.add_done_callback(lambda _: self._on_flushed(batch))

    def _on_flushed(self, batch: Sequence[PendingAppend]) -> None:
        # Where the task was cancelled or failed, callers without a result must not wait for ever.
        _resolve_all(batch, WriteOutcomeUnknown("The write was interrupted"))
        self._flight = None
        self._flush()

    def _next_batch(self) -> list[PendingAppend]:
        """Takes the next batch off the queue, at most one commit of each stream."""
        batch: dict[str, PendingAppend] = {}
        left: list[PendingAppend] = []
        size = 0
        for pending in self._queue:
            if pending.result.cancelled():
                continue
            full = len(batch) >= MAX_BATCH or size >= MAX_BATCH_BYTES
            if full or pending.stream in batch:
                left.append(pending)
            else:
                batch[pending.stream] = pending
                size += len(pending.document.raw)
        self._queue = left
        return list(batch.values())

    async def _insert(self, batch: Sequence[PendingAppend]) -> None:
        APPEND_BATCH.observe(len(batch))
        try:
            with pymongo.timeout(TIMEOUT_SECONDS):
                await self.commits.insert_many([pending.document for pending in batch], ordered=False)
        except BulkWriteError as error:
            _resolve_each(batch, error.details or {})
        except PyMongoError as error:
            kind = WriteOutcomeUnknown if is_transient(error) else PermanentWriteError
            _resolve_all(batch, kind(f"MongoDB did not store: {type(error).__name__}"))
        else:
            _resolve_all(batch, None)


def of_stream(stream: str, after: int) -> dict[str, Any]:
    """The filter for a stream's commits with a number over `after`; sorted by ``_id`` they are in order."""
    # Names may nest ("a:1" and "a:1:2"), so the range of ids alone could take in another stream's.
    return {
        "_id": {"$gt": commit_id(stream, after), "$lte": commit_id(stream, 9_999_999_999)},
        "stream": stream,
    }


def _resolve_all(batch: Sequence[PendingAppend], error: Exception | None) -> None:
    for pending in batch:
        pending.resolve(error)


def _resolve_each(batch: Sequence[PendingAppend], details: Mapping[str, Any]) -> None:
    """Resolves a batch by the details of its BulkWriteError: what isn't named there was inserted."""
    for problem in details.get("writeErrors", ()):
        pending, code = batch[problem["index"]], problem["code"]
        error: ChassisError
        if code == DUPLICATE_KEY:
            error = VersionConflict(f"{pending.stream} has this commit already")
        elif code in TRANSIENT_CODES:
            error = WriteOutcomeUnknown(f"MongoDB could not store a commit of {pending.stream} now: {code}")
        else:
            error = PermanentWriteError(f"MongoDB will never store this commit of {pending.stream}: {code}")
        pending.resolve(error)
    unsure = details.get("writeConcernErrors")
    _resolve_all(batch, WriteOutcomeUnknown("Stored, but maybe not for good") if unsure else None)
