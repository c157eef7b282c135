"""Does what is due: documents of a read model with a time in `due_at`, in batches, by any workers."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog
from motor.motor_asyncio import AsyncIOMotorCollection
from pymongo import ASCENDING, UpdateOne

from chassis.clock import Clock
from chassis.telemetry.metrics import Alarm, raise_alarm
from chassis.telemetry.tracebacks import safe_traceback
from chassis.transient import is_transient

log = structlog.stdlib.get_logger(__name__)

BATCH = 500
POLL = timedelta(milliseconds=200)
SHORTEST = timedelta(milliseconds=1)
LEASE = timedelta(seconds=5)
AWAY = timedelta(seconds=1)

DATE = {"$type": "date"}
"""Part of every query for what is due: without it MongoDB doesn't take the index, which is a partial one."""

Document = dict[str, Any]


class DueDocuments:
    """The documents of a collection that are due at `due_at`; `position` grows whenever one is written."""

    def __init__(self, collection: "AsyncIOMotorCollection[Document]") -> None:
        self._documents = collection

    async def prepare(self) -> None:
        """Makes the index; can be repeated."""
        await self._documents.create_index([("due_at", ASCENDING)], partialFilterExpression={"due_at": DATE})

    async def claim(self, now: datetime, lease: timedelta, at_most: int) -> list[Document]:
        """Documents that are due, for this caller alone until the lease is over; then they are due again."""
        due = {"due_at": DATE | {"$lte": now}}
        found = await self._documents.find(due, {"_id": 1}).sort("due_at", 1).limit(at_most).to_list(at_most)
        if not found:
            return []
        theirs, token = {"_id": {"$in": [each["_id"] for each in found]}}, secrets.token_hex(16)
        await self._documents.update_many(theirs | due, {"$set": {"due_at": now + lease, "claim": token}})
        return await self._documents.find(theirs | {"claim": token}).to_list(at_most)

    async def settle(self, next_due: Sequence[tuple[Document, datetime | None]]) -> None:
        """When each of these is due next, if ever, unless it was written since it was read."""
        writes = [
            UpdateOne(
                {"_id": document["_id"], "position": document["position"]},
                {"$set": {"due_at": moment}, "$unset": {"claim": ""}},
            )
            for document, moment in next_due
        ]
        if writes:
            await self._documents.bulk_write(writes, ordered=False)

    async def next_due(self) -> datetime | None:
        """When the next document is due."""
        found = await self._documents.find_one({"due_at": DATE}, {"due_at": 1}, sort=[("due_at", 1)])
        due: datetime | None = found["due_at"] if found else None
        return due


class Timers:
    """Works through the documents that are due: `settle` does what is to be done for one.

    It returns when the document is due next, None for never.

    Claiming a document moves its time on by `LEASE`: so workers don't do the same twice, what a worker that
    died had claimed comes back, and one that can't be settled is tried again in a while, not at once.
    """

    def __init__(
        self,
        name: str,
        due: DueDocuments,
        settle: Callable[[Document], Awaitable[datetime | None]],
        clock: Clock,
        *,
        service: str,
    ) -> None:
        self.name = name
        self._due = due
        self._settle = settle
        self._clock = clock
        self._service = service

    def unhealthy_reason(self) -> str | None:
        """Never: a document that can't be settled is an alarm, and no reason to refuse requests."""
        return None

    async def run(self) -> None:
        """Works until cancelled; waits while the database is away."""
        while True:
            try:
                if not await self.settle_due():
                    due = await self._due.next_due()
                    pause = min(POLL, due - self._clock.now()) if due else POLL
                    await asyncio.sleep(max(pause, SHORTEST).total_seconds())
            except Exception as error:
                if not is_transient(error):
                    raise
                log.warning("timers_wait", timers=self.name, error=type(error).__name__)
                await asyncio.sleep(AWAY.total_seconds())

    async def settle_due(self) -> int:
        """Settles a batch of what is due; returns how many there were."""
        claimed = await self._due.claim(self._clock.now(), LEASE, BATCH)
        settled = await asyncio.gather(*map(self._settled, claimed))
        await self._due.settle([each for each in settled if each is not None])
        return len(claimed)

    async def _settled(self, document: Document) -> tuple[Document, datetime | None] | None:
        """The document and when it is due next; None if it could not be settled now."""
        try:
            return document, await self._settle(document)
        except Exception as error:  # noqa: BLE001 - one must not keep the others of its batch waiting
            about = {"timers": self.name, "document": document["_id"], "error": type(error).__name__}
            if is_transient(error):
                log.warning("due_document_waits", **about)
            else:
                log.error(  # noqa: TRY400 - a message may quote what a client wrote
                    "due_document_not_settled", **about, where=safe_traceback(error)
                )
                raise_alarm(self._service, Alarm.TIMER_FAILED)
            return None
