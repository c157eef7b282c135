"""Does what is due: documents of a read model with a time in `due_at`, in batches, by any workers."""

import asyncio
import secrets
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, ParamSpec, TypeVar

import structlog
from motor.motor_asyncio import AsyncIOMotorCollection
from pymongo import ASCENDING, UpdateMany

from chassis.eventstore.decider import Decider
from chassis.eventstore.handle_many import handle_many
from chassis.eventstore.repository import Repository
from chassis.telemetry.metrics import Alarm, raise_alarm
from chassis.telemetry.tracebacks import safe_traceback
from chassis.transient import is_transient

P = ParamSpec("P")
T = TypeVar("T")

log = structlog.stdlib.get_logger(__name__)

BATCH = 500
BATCHES = 2
"""In work at a time: one is read and decided while MongoDB stores the other."""

POLL = timedelta(milliseconds=200)
TOGETHER = timedelta(milliseconds=50)
"""What falls due within it makes one batch: each costs as many queries, however small."""

SWEEP_SECONDS = 1.0
LEASE = timedelta(seconds=5)
AWAY = timedelta(seconds=1)

DATE = {"$type": "date"}
"""Part of every query for what is due: without it MongoDB doesn't take the index, which is a partial one."""

Document = dict[str, Any]


class DueDocuments:
    """The documents of a collection that are due at `due_at`; whoever writes one replaces it.

    `fields` are what a claimed one has of it besides its ``_id``: all, if there are none.
    """

    def __init__(self, collection: "AsyncIOMotorCollection[Document]", *fields: str) -> None:
        self._documents = collection
        self._fields = dict.fromkeys(("due_at", *fields), 1) if fields else None
        self._from: datetime | None = None
        self._all_at = 0.0

    async def prepare(self) -> None:
        """Makes the index; can be repeated."""
        await self._documents.create_index([("due_at", ASCENDING)], partialFilterExpression={"due_at": DATE})

    async def claim(self, now: datetime, lease: timedelta, at_most: int) -> list[Document]:
        """The first documents that are due, for this caller alone until the lease is over.

        A claim leaves `due_at` as it is: moving it would cost as much as all the rest.
        """
        free = {"due_at": DATE | {"$lte": now}, "claimed_until": {"$not": {"$gt": now}}}
        found = await self._first(free, at_most)
        if not found:
            return []
        theirs, token = {"_id": {"$in": [each["_id"] for each in found]}}, secrets.token_hex(8)
        claiming = {"$set": {"claim": token, "claimed_until": now + lease}}
        claimed = await self._documents.update_many(theirs | free, claiming)
        if claimed.modified_count < len(found):
            own = set(await self._documents.distinct("_id", theirs | {"claim": token}))
            found = [each for each in found if each["_id"] in own]
        return [each | {"claim": token} for each in found]

    async def _first(self, free: Document, at_most: int) -> list[Document]:
        """The first documents of the filter `free`, from where the last ones began; now and then, from all.

        WiredTiger walks over the index entries of all that was due in the last five minutes
        (`minSnapshotHistoryWindowInSeconds`): after a backlog that takes longer than everything else. Before
        where the last ones began is only what a worker that died had claimed, and what was written late.
        """
        started = time.monotonic()
        if sweep := self._from is None or started >= self._all_at:
            due = free["due_at"]
        else:
            due = free["due_at"] | {"$gte": self._from}
        found: list[Document]
        found = (
            await self._documents.find(free | {"due_at": due}, self._fields)
            .sort("due_at", 1)
            .limit(at_most)
            .to_list(at_most)
        )
        if found:
            self._from = found[0]["due_at"]
        if sweep:
            ended = time.monotonic()
            self._all_at = ended + max(SWEEP_SECONDS, 10 * (ended - started))
        return found

    async def settle(self, next_due: Sequence[tuple[Document, datetime | None]]) -> None:
        """When each of these is due next, if ever, unless it was claimed again or written since."""
        alike: defaultdict[tuple[str, datetime | None], list[str]] = defaultdict(list)
        for document, moment in next_due:
            alike[document["claim"], moment].append(document["_id"])
        # One write for all that are alike: as many single ones cost four times as much.
        writes = [
            UpdateMany(
                {"_id": {"$in": ids}, "claim": claim},
                {"$set": {"due_at": moment}, "$unset": {"claim": "", "claimed_until": ""}},
            )
            for (claim, moment), ids in alike.items()
        ]
        if writes:
            await self._documents.bulk_write(writes, ordered=False)

    async def next_due(self) -> datetime | None:
        """When the next document is due, claimed or not, of those that aren't left to a sweep."""
        bound = {"$gte": self._from} if self._from else {}
        found = await self._documents.find_one({"due_at": DATE | bound}, {"due_at": 1}, sort=[("due_at", 1)])
        due: datetime | None = found["due_at"] if found else None
        return due


class Timers:
    """Works through the documents that are due, by a command for each.

    `command` gives the stream of a document, and the command for it at that time; `due_next` when the
    document is due next, its stream being in that state, None for never.

    A document is claimed for the time of `LEASE`: so workers don't do the same twice, and what a worker that
    died had claimed comes back. One that can't be settled is due again after as much time. What is due first
    is claimed first; two batches are in work at a time.
    """

    def __init__(
        self,
        name: str,
        due: DueDocuments,
        repository: Repository,
        decider: Decider[Any, Any, Any],
        *,
        command: Callable[[Document, datetime], tuple[str, Any]],
        due_next: Callable[[Document, Any], datetime | None],
    ) -> None:
        self.name = name
        self._due = due
        self._repository = repository
        self._decider = decider
        self._command = command
        self._due_next = due_next

    def unhealthy_reason(self) -> str | None:
        """Never: a document that can't be settled is an alarm, and no reason to refuse requests."""
        return None

    async def run(self) -> None:
        """Works until cancelled; waits while the database is away."""
        free = asyncio.Semaphore(BATCHES)
        async with asyncio.TaskGroup() as batches:
            while True:
                await free.acquire()
                claimed = await self._unless_away(self._claim()) or []
                settling = batches.create_task(self._unless_away(self._settle(claimed)))
                settling.add_done_callback(lambda _: free.release())
                if len(claimed) < BATCH:
                    await self._unless_away(self._pause())

    async def settle_due(self) -> int:
        """Settles a batch of what is due; returns how many there were."""
        claimed = await self._claim()
        await self._settle(claimed)
        return len(claimed)

    async def _claim(self) -> list[Document]:
        return await self._due.claim(self._repository.clock.now(), LEASE, BATCH)

    async def _pause(self) -> None:
        """Until the next document is due; long enough that some come together."""
        due = await self._due.next_due()
        pause = min(POLL, due - self._repository.clock.now()) if due else POLL
        await asyncio.sleep(max(pause, TOGETHER).total_seconds())

    async def _unless_away(self, work: Awaitable[T]) -> T | None:
        """What `work` gives; None, after a while, if the database is away."""
        try:
            return await work
        except Exception as error:
            if not is_transient(error):
                raise
            log.warning("timers_wait", timers=self.name, error=type(error).__name__)
            await asyncio.sleep(AWAY.total_seconds())
            return None

    async def _settle(self, claimed: Sequence[Document]) -> None:
        """Does what is due for each document, and stores when it is due next, or leaves it for later."""
        now = self._repository.clock.now()
        commands = [_attempt(self._command, document, now) for document in claimed]
        made = [command for command in commands if not isinstance(command, Exception)]
        results = iter(await handle_many(self._repository, self._decider, made))
        settled: list[tuple[Document, datetime | None]] = []
        for document, command in zip(claimed, commands, strict=True):
            result = command if isinstance(command, Exception) else next(results)
            due = (
                result
                if isinstance(result, BaseException)
                else _attempt(self._due_next, document, result.state)
            )
            if isinstance(due, BaseException):
                self._report(document, due)
                due = now + LEASE
            settled.append((document, due))
        await self._due.settle(settled)

    def _report(self, document: Document, error: BaseException) -> None:
        """The document could not be settled now."""
        about = {"timers": self.name, "document": document["_id"], "error": type(error).__name__}
        if is_transient(error):
            log.warning("due_document_waits", **about)
        else:
            log.error("due_document_not_settled", **about, where=safe_traceback(error))
            raise_alarm(self._repository.service, Alarm.TIMER_FAILED)


def _attempt(work: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T | Exception:
    """What `work` returns or raises: one document must not keep the others of its batch waiting."""
    try:
        return work(*arguments, **named)
    except Exception as error:  # noqa: BLE001
        return error
