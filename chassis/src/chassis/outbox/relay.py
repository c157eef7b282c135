"""Relays every commit once it is stored: projects it, publishes it, marks it. A crash anywhere repeats it."""

import asyncio
import itertools
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Protocol

import structlog
from pymongo.errors import PyMongoError

from chassis.errors import UnknownStoredEvent
from chassis.eventstore.mongo import MongoEventStore
from chassis.eventstore.serialization import shard_of
from chassis.kafka.publisher import ProducerRecord
from chassis.outbox.commit_handler import CommitHandler, CommitPlan
from chassis.outbox.leases import Leases
from chassis.outbox.pending import PendingCommit, PendingCommits, RelayMark
from chassis.outbox.positions import PositionCache
from chassis.outbox.quarantine import Quarantine
from chassis.telemetry.metrics import OUTBOX_AGE_SECONDS, OUTBOX_BACKLOG, Alarm, raise_alarm
from chassis.telemetry.tracebacks import safe_traceback

log = structlog.stdlib.get_logger(__name__)

BATCH = 500  # folding it holds up the event loop for some tens of milliseconds
READERS = 16
POLL_SECONDS = 0.25
RETRY_SECONDS = 0.05
LONGEST_RETRY_SECONDS = 5.0
GAUGE_SECONDS = 5.0
STUCK_SECONDS = 30.0

PendingByStream = Mapping[str, Sequence[PendingCommit]]


class RecordPublisher(Protocol):
    """Publishes records, in order per partition, and returns when all are acknowledged."""

    async def publish(self, records: Sequence[ProducerRecord]) -> object:
        """Publishes; when it raises, any of the records may have been written."""
        ...


class OutboxRelay:
    """Relays the streams of one service, those of the shards that this replica leases.

    In this order for a batch: `project`, `before_publish`, publish, mark. Batches go over many streams, in
    order within each. One that fails is halved until the stream at fault is alone, which then is parked and
    tried on its own.
    """

    name = "relay"

    def __init__(
        self,
        service: str,
        store: MongoEventStore,
        publisher: RecordPublisher,
        handlers: Sequence[CommitHandler[Any, Any]],
        *,
        lease_seconds: float = 10.0,
        cache_size: int = 10_000,
    ) -> None:
        self._service = service
        self._publisher = publisher
        self._handlers = handlers
        self._outbox = PendingCommits(store)
        self._positions = PositionCache(service, self._outbox, handlers, cache_size)
        self._woken = asyncio.Event()
        self._leases = Leases(store.database, seconds=lease_seconds, on_change=self.wake)
        self._quarantine = Quarantine()
        self._limit = BATCH
        self._failures = 0
        self._waiting_since: float | None = None

    def wake(self) -> None:
        """Something was committed, or shards were taken: look now, not at the next poll."""
        self._woken.set()

    def unhealthy_reason(self) -> str | None:
        """Why this replica is not ready: no commit was relayed for half a minute, or no lease renewed."""
        waited = time.monotonic() - self._waiting_since if self._waiting_since is not None else 0.0
        if waited > STUCK_SECONDS:
            return f"commits wait, and none was relayed for {waited:.0f} s"
        return self._leases.unhealthy_reason()

    async def run(self) -> None:
        """Relays until cancelled; outages of the broker or the database are waited out."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._leases.run())
            tasks.create_task(self._relay_all())
            tasks.create_task(self._retry_parked())
            tasks.create_task(self._measure())

    async def _relay_all(self) -> None:
        while True:
            self._woken.clear()
            if not await self._relay_batch():
                with suppress(TimeoutError):
                    async with asyncio.timeout(POLL_SECONDS):
                        await self._woken.wait()

    async def _relay_batch(self) -> bool:
        """Relays the oldest commits; False if there were none."""
        streams: PendingByStream = {}
        try:
            streams = await self._outbox.oldest(
                self._leases.shards, without=self._quarantine.streams, limit=self._limit
            )
            if streams and self._waiting_since is None:
                self._waiting_since = time.monotonic()
            await self._relay(streams)
        except Exception as error:  # noqa: BLE001 - whatever it was is logged, counted and tried again
            await self._on_failure(streams, error)
            return True
        if streams and self._failures:
            self._quarantine.all_due()
        self._failures, self._waiting_since = 0, None
        self._limit = min(self._limit * 2, BATCH)
        return bool(streams)

    async def _on_failure(self, streams: PendingByStream, error: Exception) -> None:
        commits = sum(map(len, streams.values()))
        self._limit = max(1, commits // 2)
        if len(streams) == 1:
            self._park(next(iter(streams)), error)
        else:
            log.warning("batch_not_relayed", commits=commits, error=type(error).__name__)
        if len(streams) <= 1:  # no stream at fault left to find by halving: it may be an outage
            self._failures += 1
        await asyncio.sleep(min(RETRY_SECONDS * 2 ** min(self._failures, 10), LONGEST_RETRY_SECONDS))

    def _park(self, stream: str, error: Exception) -> None:
        self._quarantine.park(stream)
        facts = {"stream": stream, "error": type(error).__name__, "where": safe_traceback(error)}
        alarm = Alarm.STREAM_NOT_RELAYED
        if isinstance(error, UnknownStoredEvent):  # its sentence names the event, and quotes nothing
            facts["reason"], alarm = str(error), Alarm.UNKNOWN_STORED_EVENT
        raise_alarm(self._service, alarm)
        log.error("stream_parked", **facts)

    async def _retry_parked(self) -> None:
        """Tries the parked streams when they are due, each on its own."""
        while True:
            for stream in self._quarantine.due():
                try:
                    if shard_of(stream) in self._leases.shards:
                        # One by one, so that what comes before the commit at fault isn't held up by it.
                        for entry in await self._positions.next_pending(stream):
                            await self._relay({stream: [entry]})
                except Exception as error:  # noqa: BLE001 - as in `_relay_batch`
                    self._park(stream, error)
                else:
                    self._quarantine.release(stream)
            await asyncio.sleep(POLL_SECONDS)

    async def _relay(self, streams: PendingByStream) -> None:
        """Does all that follows from these commits, and marks them."""
        plans = await self._plan(streams)
        for handler in self._handlers:
            own = [plan for plan in plans if plan.handler is handler]
            if recorded := [one for plan in own for one in plan.recorded]:
                await handler.project(recorded)
            public = [one for plan in own for one in plan.public]
            if public and handler.before_publish:
                await handler.before_publish(public)
        if records := [record for plan in plans for record in plan.records]:
            await self._publisher.publish(records)
        if plans:
            marks = [RelayMark(plan.stream, plan.after.number, plan.after.published) for plan in plans]
            await self._outbox.mark(marks)
            self._positions.advance(plans)

    async def _plan(self, streams: PendingByStream) -> list[CommitPlan[Any, Any]]:
        """The plans of all streams, in order within each; one that can't be read doesn't stop the others."""
        await self._positions.read_on(streams)
        readers = asyncio.Semaphore(READERS)

        async def plan(stream: str, pending: Sequence[PendingCommit]) -> list[CommitPlan[Any, Any]]:
            async with readers:
                try:
                    return await self._positions.plan(stream, pending)
                except PyMongoError:
                    raise
                except Exception as error:
                    if len(streams) == 1:
                        raise
                    self._park(stream, error)
                    return []

        plans = await asyncio.gather(*(plan(stream, pending) for stream, pending in streams.items()))
        return list(itertools.chain.from_iterable(plans))

    async def _measure(self) -> None:
        while True:
            with suppress(PyMongoError):  # `_relay_batch` logs that
                backlog, age = await self._outbox.backlog(self._leases.shards)
                OUTBOX_BACKLOG.labels(self._service).set(backlog)
                OUTBOX_AGE_SECONDS.labels(self._service).set(age)
            await asyncio.sleep(GAUGE_SECONDS)
