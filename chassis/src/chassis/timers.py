"""Does what is due: documents of a read model with a time in `due_at`, in batches, by any workers."""

import asyncio
import secrets
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
        """The first documents that are due, for this caller alone until the lease is over; then due again."""
        due = {"due_at": DATE | {"$lte": now}}
        found = await self._documents.find(due).sort("due_at", 1).limit(at_most).to_list(at_most)
        if not found:
            return []
        theirs, token = {"_id": {"$in": [each["_id"] for each in found]}}, secrets.token_hex(16)
        claiming = {"$set": {"due_at": now + lease, "claim": token}}
        claimed = await self._documents.update_many(theirs | due, claiming)
        if claimed.modified_count < len(found):
            own = set(await self._documents.distinct("_id", theirs | {"claim": token}))
            found = [each for each in found if each["_id"] in own]
        return [each | {"claim": token} for each in found]

    async def settle(self, next_due: Sequence[tuple[Document, datetime | None]]) -> None:
        """When each of these is due next, if ever, unless it was claimed again or written since."""
        alike: defaultdict[tuple[str, datetime | None], list[str]] = defaultdict(list)
        for document, moment in next_due:
            alike[document["claim"], moment].append(document["_id"])
        writes = [
            # Whoever writes the document takes its claim away.
            UpdateMany(
                {"_id": {"$in": ids}, "claim": claim}, {"$set": {"due_at": moment}, "$unset": {"claim": ""}}
            )
            for (claim, moment), ids in alike.items()
        ]
        if writes:
            await self._documents.bulk_write(writes, ordered=False)

    async def next_due(self) -> datetime | None:
        """When the next document is due."""
        found = await self._documents.find_one({"due_at": DATE}, {"due_at": 1}, sort=[("due_at", 1)])
        due: datetime | None = found["due_at"] if found else None
        return due


class Timers:
    """Works through the documents that are due, by a command for each.

    `command` gives the stream of a document, and the command for it at that time; `due_next` when the
    document is due next, its stream being in that state, None for never.

    Claiming a document moves its time on by `LEASE`: so workers don't do the same twice, what a worker that
    died had claimed comes back, and one that can't be settled is tried again in a while, not at once. What is
    due first is claimed first; two batches are in work at a time.
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
            else:
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
