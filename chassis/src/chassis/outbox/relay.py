"""Follows every commit once it is stored: projects it, says it, marks it. A crash anywhere repeats it."""

import asyncio
import itertools
import logging
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Protocol

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

logger = logging.getLogger(__name__)

BATCH = 500  # folding it holds up the event loop for some tens of milliseconds
READERS = 16
POLL_SECONDS = 0.25
RETRY_SECONDS = 0.05
LONGEST_RETRY_SECONDS = 5.0
GAUGE_SECONDS = 5.0
PATIENCE_SECONDS = 30.0

Streams = Mapping[str, Sequence[PendingCommit]]


class Publisher(Protocol):
    """Says records, in order per partition, and returns when all are acknowledged."""

    async def publish(self, records: Sequence[ProducerRecord]) -> object:
        """Publishes; when it raises, any of the records may have been written."""
        ...


class OutboxRelay:
    """Follows the streams of one service, those of the shards that this replica leases.

    In this order for a batch: `project`, `before_publish`, publish, mark. Batches go over many streams, in
    order within each. One that fails is halved until the stream at fault is alone, which then is kept apart
    and tried on its own.
    """

    name = "follower"

    def __init__(
        self,
        service: str,
        log: MongoEventStore,
        publisher: Publisher,
        following: Sequence[CommitHandler[Any, Any]],
        *,
        lease_seconds: float = 10.0,
        cache_size: int = 10_000,
    ) -> None:
        self._service = service
        self._publisher = publisher
        self._following = following
        self._outbox = PendingCommits(log)
        self._places = PositionCache(service, self._outbox, following, cache_size)
        self._leases = Leases(log.database, seconds=lease_seconds)
        self._quarantine = Quarantine()
        self._woken = asyncio.Event()
        self._limit = BATCH
        self._failures = 0
        self._waiting_since: float | None = None

    def wake(self) -> None:
        """Something was committed: look now, not at the next poll."""
        self._woken.set()

    def unhealthy_reason(self) -> str | None:
        """Why this replica is not ready: commits wait, and none was followed for half a minute."""
        if self._waiting_since is None:
            return None
        waited = time.monotonic() - self._waiting_since
        return (
            f"commits wait, and none was followed for {waited:.0f} s" if waited > PATIENCE_SECONDS else None
        )

    async def run(self) -> None:
        """Follows until cancelled; outages of the broker or the database are waited out."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._leases.run())
            tasks.create_task(self._follow_all())
            tasks.create_task(self._nurse())
            tasks.create_task(self._gauge())

    async def _follow_all(self) -> None:
        while True:
            self._woken.clear()
            if not await self._round():
                with suppress(TimeoutError):
                    async with asyncio.timeout(POLL_SECONDS):
                        await self._woken.wait()

    async def _round(self) -> bool:
        """One batch; False if there was nothing to do."""
        streams: Streams = {}
        try:
            streams = await self._outbox.unfollowed(
                self._leases.shards, without=self._quarantine.streams, limit=self._limit
            )
            if streams and self._waiting_since is None:
                self._waiting_since = time.monotonic()
            await self._follow(streams)
        except Exception as error:  # noqa: BLE001 - whatever it was is logged, counted and tried again
            await self._failed(streams, error)
            return True
        self._succeeded(streams)
        return bool(streams)

    def _succeeded(self, streams: Streams) -> None:
        if streams and self._failures:
            self._quarantine.all_due()
        self._failures = 0
        self._waiting_since = None
        self._limit = min(self._limit * 2, BATCH)

    async def _failed(self, streams: Streams, error: Exception) -> None:
        size = sum(map(len, streams.values()))
        self._limit = max(1, size // 2)
        if len(streams) == 1:
            self._park(next(iter(streams)), error)
        else:
            logger.warning("%d commits not followed, half of them again: %s", size, type(error).__name__)
        if len(streams) <= 1:  # no culprit left to find by halving, so maybe the world is at fault
            self._failures += 1
        await asyncio.sleep(min(RETRY_SECONDS * 2 ** min(self._failures, 10), LONGEST_RETRY_SECONDS))

    def _park(self, stream: str, error: Exception) -> None:
        self._quarantine.park(stream)
        alarm = (
            Alarm.UNKNOWN_STORED_EVENT if isinstance(error, UnknownStoredEvent) else Alarm.STREAM_NOT_RELAYED
        )
        raise_alarm(self._service, alarm)
        logger.error("%s is not followed for now", stream, extra=_told(error))

    async def _nurse(self) -> None:
        """Tries the streams that are kept apart, each on its own."""
        while True:
            for stream in self._quarantine.due():
                try:
                    await self._follow_one_by_one(stream)
                except Exception as error:  # noqa: BLE001 - as in `_round`
                    self._park(stream, error)
                else:
                    self._quarantine.release(stream)
            await asyncio.sleep(POLL_SECONDS)

    async def _follow_one_by_one(self, stream: str) -> None:
        """What comes before the commit at fault isn't held up by it."""
        if shard_of(stream) in self._leases.shards:
            for entry in await self._places.unfollowed(stream):
                await self._follow({stream: [entry]})

    async def _follow(self, streams: Streams) -> None:
        """Does all that follows from these commits, and marks them."""
        steps = await self._steps(streams)
        for following in self._following:
            await _project(following, [step for step in steps if step.following is following])
        if records := [record for step in steps for record in step.records]:
            await self._publisher.publish(records)
        if steps:
            await self._outbox.mark(
                [RelayMark(step.stream, step.place.number, step.place.said) for step in steps]
            )
            self._places.reach(steps)

    async def _steps(self, streams: Streams) -> list[CommitPlan[Any, Any]]:
        """The steps of all streams, in order within each; one that can't be read doesn't stop the others."""
        readers = asyncio.Semaphore(READERS)

        async def read(stream: str, entries: Sequence[PendingCommit]) -> list[CommitPlan[Any, Any]]:
            async with readers:
                try:
                    return await self._places.steps(stream, entries)
                except PyMongoError:
                    raise
                except Exception as error:
                    if len(streams) == 1:
                        raise
                    self._park(stream, error)
                    return []

        found = await asyncio.gather(*(read(stream, entries) for stream, entries in streams.items()))
        return list(itertools.chain.from_iterable(found))

    async def _gauge(self) -> None:
        while True:
            with suppress(PyMongoError):  # the rounds tell of that
                backlog, age = await self._outbox.backlog(self._leases.shards)
                OUTBOX_BACKLOG.labels(self._service).set(backlog)
                OUTBOX_AGE_SECONDS.labels(self._service).set(age)
            await asyncio.sleep(GAUGE_SECONDS)


async def _project(following: CommitHandler[Any, Any], steps: Sequence[CommitPlan[Any, Any]]) -> None:
    """Own read models and timers first, then whatever must be public before the events are."""
    if followed := [one for step in steps for one in step.followed]:
        await following.project(followed)
    public = [one for step in steps for one in step.public]
    if public and following.before_publish:
        await following.before_publish(public)


def _told(error: Exception) -> dict[str, str]:
    told = {"error": type(error).__name__, "where": safe_traceback(error)}
    if isinstance(error, UnknownStoredEvent):  # its sentence names the event, and quotes nothing
        told["reason"] = str(error)
    return told
