"""The event log in MongoDB: concurrent appends travel together, and each caller is told its own result."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pymongo
from bson.raw_bson import RawBSONDocument
from motor.motor_asyncio import AsyncIOMotorDatabase
from pymongo.errors import BulkWriteError, PyMongoError

from chassis.errors import VersionConflict, WriteOutcomeUnknown
from chassis.eventstore.serialization import commit_id, from_document, to_document
from chassis.eventstore.store import Commit
from chassis.mongo import durable
from chassis.telemetry.metrics import APPEND_BATCH

MAX_BATCH = 500
MAX_BATCH_BYTES = 8_000_000
TIMEOUT_SECONDS = 10
DUPLICATE_KEY = 11000
UNRELAYED = "unfollowed_by_age"


@dataclass(frozen=True, eq=False)
class PendingAppend:
    """A commit on its way, and the caller who waits for it."""

    stream: str
    document: RawBSONDocument
    result: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    def tell(self, error: Exception | None) -> None:
        """Ends the caller's wait, once."""
        if self.result.done():  # told already, or the caller was cancelled
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
        self._queue: list[PendingAppend] = []
        self._flight: asyncio.Task[None] | None = None

    async def prepare(self) -> None:
        """Makes the index of unfollowed commits. Can be repeated."""
        await self.commits.create_index(
            # By age first: WiredTiger walks over the entries of the last minutes' commits that were followed
            # since (`minSnapshotHistoryWindowInSeconds`), and with the shard first it would do so per shard.
            [("at", 1), ("shard", 1), ("_id", 1)],
            name=UNRELAYED,
            partialFilterExpression={"followed": False},
        )

    async def read(self, stream: str, after: int = 0) -> Sequence[Commit]:
        """See `EventLog.read`. Raises PyMongoError if the database doesn't answer."""
        with pymongo.timeout(TIMEOUT_SECONDS):
            documents = await self.commits.find(of_stream(stream, after)).sort("_id", 1).to_list(None)
        return [from_document(document) for document in documents]

    async def append(self, commit: Commit) -> None:
        """See `EventLog.append`. A cancelled caller doesn't know the outcome, and disturbs no other."""
        waiting = PendingAppend(commit.stream, to_document(commit))
        self._queue.append(waiting)
        self._flush()
        await waiting.result

    def _flush(self) -> None:
        if self._flight is None and (batch := self._next_batch()):
            self._flight = asyncio.create_task(self._insert(batch))
            self._flight.add_done_callback(lambda _: self._on_flushed(batch))

    def _on_flushed(self, batch: Sequence[PendingAppend]) -> None:
        # Whoever was not told, because the task was cancelled or failed, must not wait for ever.
        _tell_all(batch, WriteOutcomeUnknown("The write was interrupted"))
        self._flight = None
        self._flush()

    def _next_batch(self) -> list[PendingAppend]:
        """Takes the next batch off the queue, at most one commit of each stream."""
        boarded: dict[str, PendingAppend] = {}
        left: list[PendingAppend] = []
        size = 0
        for waiting in self._queue:
            if waiting.result.cancelled():
                continue
            full = len(boarded) >= MAX_BATCH or size >= MAX_BATCH_BYTES
            if full or waiting.stream in boarded:
                left.append(waiting)
            else:
                boarded[waiting.stream] = waiting
                size += len(waiting.document.raw)
        self._queue = left
        return list(boarded.values())

    async def _insert(self, batch: Sequence[PendingAppend]) -> None:
        APPEND_BATCH.observe(len(batch))
        try:
            with pymongo.timeout(TIMEOUT_SECONDS):
                await self.commits.insert_many([waiting.document for waiting in batch], ordered=False)
        except BulkWriteError as error:
            _tell_each(batch, error.details or {})
        except PyMongoError as error:
            _tell_all(batch, WriteOutcomeUnknown(f"MongoDB did not answer: {error}"))
        else:
            _tell_all(batch, None)


def of_stream(stream: str, after: int) -> dict[str, Any]:
    """The filter for a stream's commits with a number over `after`; sorted by ``_id`` they are in order."""
    # Names may nest ("a:1" and "a:1:2"), so the range of ids alone could take in another stream's.
    return {
        "_id": {"$gt": commit_id(stream, after), "$lte": commit_id(stream, 9_999_999_999)},
        "stream": stream,
    }


def _tell_all(batch: Sequence[PendingAppend], error: Exception | None) -> None:
    for waiting in batch:
        waiting.tell(error)


def _tell_each(batch: Sequence[PendingAppend], details: Mapping[str, Any]) -> None:
    """An unordered insert tried every commit, and names those that failed."""
    for problem in details.get("writeErrors", ()):
        waiting = batch[problem["index"]]
        if problem["code"] == DUPLICATE_KEY:
            waiting.tell(VersionConflict(f"{waiting.stream} has this commit already"))
        else:
            waiting.tell(
                WriteOutcomeUnknown(f"MongoDB refused a commit of {waiting.stream}: {problem['code']}")
            )
    unsure = details.get("writeConcernErrors")
    _tell_all(batch, WriteOutcomeUnknown("Stored, but maybe not for good") if unsure else None)
