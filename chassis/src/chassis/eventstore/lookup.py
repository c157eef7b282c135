"""Whether commits are stored, asked in groups: lookups share a query as appends share an insert."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pymongo
from motor.motor_asyncio import AsyncIOMotorCollection

TIMEOUT_SECONDS = 10

Lookup = tuple[str, "asyncio.Future[bool]"]


class CommitLookup:
    """Looks commits up by their ids: while one query is in flight, later lookups gather for the next."""

    def __init__(self, commits: "AsyncIOMotorCollection[dict[str, Any]]") -> None:
        self._commits = commits
        self._queue: list[Lookup] = []
        self._flight: asyncio.Task[None] | None = None

    async def is_stored(self, commit: str) -> bool:
        """Whether a commit has this id, by a query that is sent after this was called.

        Raises PyMongoError if the database doesn't answer. A cancelled caller disturbs no other.
        """
        answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._queue.append((commit, answer))
        self._flush()
        return await answer

    def _flush(self) -> None:
        if self._flight is None and self._queue:
            asked, self._queue = self._queue, []
            self._flight = asyncio.create_task(self._ask(asked))
            self._flight.add_done_callback(lambda task: self._on_answered(asked, task))

    async def _ask(self, asked: Sequence[Lookup]) -> None:
        wanted = {"_id": {"$in": [commit for commit, _ in asked]}}
        with pymongo.timeout(TIMEOUT_SECONDS):
            found = await self._commits.find(wanted, {"_id": 1}).to_list(None)
        stored = {document["_id"] for document in found}
        for commit, answer in asked:
            if not answer.done():  # or the caller was cancelled
                answer.set_result(commit in stored)

    def _on_answered(self, asked: Sequence[Lookup], task: "asyncio.Task[None]") -> None:
        error = asyncio.CancelledError() if task.cancelled() else task.exception()
        for _, answer in asked:
            if error is not None and not answer.done():
                answer.set_exception(error)
        self._flight = None
        self._flush()
