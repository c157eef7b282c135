"""Works through what is to be sent of forms by one way: any replicas at once, each message at least once."""

import asyncio
import random
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar, Final

import structlog

from chassis.eventstore.handle import handle
from chassis.eventstore.repository import Repository
from chassis.telemetry.metrics import Alarm, raise_alarm
from chassis.telemetry.tracebacks import safe_traceback
from chassis.transient import is_transient
from rating.domain.rating.decider import RATING
from rating.domain.rating.delivery import DeliveryCommand, RecordFailure, RecordSending
from rating.domain.rating.state import Offered
from rating.domain.rating.ways import DeliveryFailureReason, Way
from rating.read_models.deliveries import Deliveries, Document
from rating.read_models.erased_clients import ErasedClients

LEASE: Final = timedelta(minutes=2)
"""Longer than one attempt takes, so that no other worker begins a second one meanwhile."""

POLL: Final = timedelta(seconds=1)
AWAITED: Final = timedelta(seconds=30)
"""Until a key that is still to be received, or a database that is away, is asked for again."""

FINISH_SECONDS: Final = 4.0

log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True)
class Again:
    """It is tried again `after`; only an `attempt` makes the next pause longer."""

    after: timedelta
    attempt: bool = True


class DeliveryWorker(ABC):
    """Works through what is due by one `way`, first come first served, so many `at_once`.

    A delivery is claimed, its form is looked at as it is now, sent, what became of it stored, and then the
    document settled. A crash in between repeats it: at least once, with the same id. A form that waits no
    more is not sent, nor one whose client is erased. Between attempts there are `pauses`, the last one over
    and over until the form expires, give or take a tenth.
    """

    name: str
    way: ClassVar[Way]
    pauses: ClassVar[Sequence[timedelta]]
    at_once: ClassVar[int]

    def __init__(self, repository: Repository, deliveries: Deliveries, erased: ErasedClients) -> None:
        self._repository = repository
        self._deliveries = deliveries
        self._erased = erased
        self._room = asyncio.Semaphore(self.at_once)
        self._working: set[asyncio.Task[None]] = set()

    @abstractmethod
    async def _send(self, document: Document, close: Offered, now: datetime) -> Again | None:
        """Sends it, and stores what became of it; None if there is nothing more to do for it."""

    def unhealthy_reason(self) -> str | None:
        """Never: what can't be sent is no reason to refuse requests."""
        return None

    async def run(self) -> None:
        """Works until cancelled; then stores what became of what is in hand, if that takes seconds."""
        try:
            while True:
                await self._room.acquire()
                begun = False
                try:
                    begun = await self._begin()
                finally:
                    if not begun:
                        self._room.release()
                if not begun:
                    await asyncio.sleep(POLL.total_seconds())
        finally:
            if self._working:
                await asyncio.wait(self._working, timeout=FINISH_SECONDS)
            for task in self._working:
                task.cancel()

    async def deliver_due(self) -> int:
        """Works through all that is due now, one after the other; returns how many that were."""
        done = 0
        while claimed := await self._claim():
            for document in claimed:
                await self._work(document)
                done += 1
        return done

    async def _begin(self) -> bool:
        """Begins with the next one; False if none is due, or the database is away."""
        try:
            claimed = await self._claim()
        except Exception as error:
            if not is_transient(error):
                raise
            log.warning("deliveries_wait", error=type(error).__name__)
            return False
        for document in claimed:
            task = asyncio.create_task(self._work(document))
            self._working.add(task)
            task.add_done_callback(self._done)
        return bool(claimed)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._working.discard(task)
        self._room.release()

    async def _claim(self) -> list[Document]:
        return await self._deliveries.due.claim(self._repository.clock.now(), LEASE, 1)

    async def _work(self, document: Document) -> None:
        """Delivers a claimed one, and settles its document: for good, or for another time."""
        attempts = document.get("attempts", 0)
        try:
            again = await self._deliver(document)
            if again is None:
                await self._deliveries.due.settle([(document, None)])
                return
        except Exception as error:  # noqa: BLE001 - one must not hold up the others
            again = self._on_error(document, error)
        attempts += again.attempt
        pause = again.after if not again.attempt else max(again.after, self._pause(attempts))
        try:
            await self._deliveries.postpone(document, attempts, self._repository.clock.now() + pause)
        except Exception as error:  # noqa: BLE001 - it comes back when the lease is over
            self._on_error(document, error)

    def _pause(self, attempts: int) -> timedelta:
        """How long after so many attempts the next one comes."""
        pause = self.pauses[min(attempts, len(self.pauses)) - 1]
        return pause * random.uniform(0.9, 1.1)  # noqa: S311 - jitter

    async def _deliver(self, document: Document) -> Again | None:
        """Sends it if it is still to be sent; None if there is nothing more to do for it."""
        loaded = await self._repository.load(RATING, RATING.stream(document["dialog"]))
        close, now = loaded.state.close(document["close_seq"]), self._repository.clock.now()
        if not isinstance(close, Offered) or self.way not in close.ways or now >= close.expires_at:
            return None
        if not self._is_awaited(document, close) or await self._erased.among([close.form.snapshot.client]):
            return None
        return await self._send(document, close, now)

    def _is_awaited(self, _document: Document, close: Offered) -> bool:
        """Whether it was not sent yet, as far as anybody knows."""
        return self.way not in close.sent

    async def _sent(self, document: Document) -> None:
        now = self._repository.clock.now()
        await self._record(document, RecordSending(document["close_seq"], self.way, now))

    async def _fail(self, document: Document, reason: DeliveryFailureReason) -> None:
        """The form can't be sent by this way."""
        now = self._repository.clock.now()
        await self._record(document, RecordFailure(document["close_seq"], self.way, reason, now))

    async def _record(self, document: Document, command: DeliveryCommand) -> None:
        await handle(self._repository, RATING, RATING.stream(document["dialog"]), command)

    def _on_error(self, document: Document, error: Exception) -> Again:
        about = {"delivery": document["_id"], "error": type(error).__name__}
        if is_transient(error):
            log.warning("delivery_waits", **about)
            return Again(AWAITED, attempt=False)
        log.error("delivery_broken", **about, where=safe_traceback(error))
        raise_alarm(self._repository.service, Alarm.DELIVERY_FAILED)
        return Again(timedelta(0))
