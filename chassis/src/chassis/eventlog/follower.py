"""Follows every commit once it is stored: projects it, says it, marks it. A crash anywhere repeats it."""

import asyncio
import itertools
import logging
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Protocol

from pymongo.errors import PyMongoError

from chassis.blame import where
from chassis.eventlog.following import Following, Step
from chassis.eventlog.leases import Leases
from chassis.eventlog.mongo import MongoLog
from chassis.eventlog.outbox import Entry, Mark, Outbox
from chassis.eventlog.places import Places
from chassis.eventlog.stored import UnknownStoredEvent, shard_of
from chassis.eventlog.ward import Ward
from chassis.messaging.publisher import Outgoing
from chassis.telemetry.metrics import ALARMS, FOLLOWER_AGE_SECONDS, FOLLOWER_BACKLOG

logger = logging.getLogger(__name__)

BATCH = 500  # folding it holds up the event loop for some tens of milliseconds
READERS = 16
POLL_SECONDS = 0.25
RETRY_SECONDS = 0.05
LONGEST_RETRY_SECONDS = 5.0
GAUGE_SECONDS = 5.0
PATIENCE_SECONDS = 30.0

Streams = Mapping[str, Sequence[Entry]]


class Publisher(Protocol):
    """Says records, in order per partition, and returns when all are acknowledged."""

    async def publish(self, records: Sequence[Outgoing]) -> object:
        """Publishes; when it raises, any of the records may have been written."""
        ...


class Follower:
    """Follows the streams of one service, those of the shards that this replica leases.

    In this order for a batch: `project`, `before_saying`, publish, mark. Batches go over many streams, in
    order within each. One that fails is halved until the stream at fault is alone, which then is kept apart
    and tried on its own.
    """

    name = "follower"

    def __init__(
        self,
        service: str,
        log: MongoLog,
        publisher: Publisher,
        following: Sequence[Following[Any, Any]],
        *,
        lease_seconds: float = 10.0,
        cache_size: int = 10_000,
    ) -> None:
        self._service = service
        self._publisher = publisher
        self._following = following
        self._outbox = Outbox(log)
        self._places = Places(service, self._outbox, following, cache_size)
        self._leases = Leases(log.database, seconds=lease_seconds)
        self._ward = Ward()
        self._woken = asyncio.Event()
        self._limit = BATCH
        self._failures = 0
        self._waiting_since: float | None = None

    def wake(self) -> None:
        """Something was committed: look now, not at the next poll."""
        self._woken.set()

    def trouble(self) -> str | None:
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
                self._leases.shards, without=self._ward.streams, limit=self._limit
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
            self._ward.all_due()
        self._failures = 0
        self._waiting_since = None
        self._limit = min(self._limit * 2, BATCH)

    async def _failed(self, streams: Streams, error: Exception) -> None:
        size = sum(map(len, streams.values()))
        self._limit = max(1, size // 2)
        if len(streams) == 1:
            self._admit(next(iter(streams)), error)
        else:
            logger.warning("%d commits not followed, half of them again: %s", size, type(error).__name__)
        if len(streams) <= 1:  # no culprit left to find by halving, so maybe the world is at fault
            self._failures += 1
        await asyncio.sleep(min(RETRY_SECONDS * 2 ** min(self._failures, 10), LONGEST_RETRY_SECONDS))

    def _admit(self, stream: str, error: Exception) -> None:
        self._ward.admit(stream)
        kind = "unknown_stored_event" if isinstance(error, UnknownStoredEvent) else "stream_not_followed"
        ALARMS.labels(self._service, kind).inc()
        logger.error("%s is not followed for now", stream, extra=_told(error))

    async def _nurse(self) -> None:
        """Tries the streams that are kept apart, each on its own."""
        while True:
            for stream in self._ward.due():
                try:
                    await self._follow_one_by_one(stream)
                except Exception as error:  # noqa: BLE001 - as in `_round`
                    self._admit(stream, error)
                else:
                    self._ward.discharge(stream)
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
            await self._outbox.mark([Mark(step.stream, step.place.number, step.place.said) for step in steps])
            self._places.reach(steps)

    async def _steps(self, streams: Streams) -> list[Step[Any, Any]]:
        """The steps of all streams, in order within each; one that can't be read doesn't stop the others."""
        readers = asyncio.Semaphore(READERS)

        async def read(stream: str, entries: Sequence[Entry]) -> list[Step[Any, Any]]:
            async with readers:
                try:
                    return await self._places.steps(stream, entries)
                except PyMongoError:
                    raise
                except Exception as error:
                    if len(streams) == 1:
                        raise
                    self._admit(stream, error)
                    return []

        found = await asyncio.gather(*(read(stream, entries) for stream, entries in streams.items()))
        return list(itertools.chain.from_iterable(found))

    async def _gauge(self) -> None:
        while True:
            with suppress(PyMongoError):  # the rounds tell of that
                backlog, age = await self._outbox.backlog(self._leases.shards)
                FOLLOWER_BACKLOG.labels(self._service).set(backlog)
                FOLLOWER_AGE_SECONDS.labels(self._service).set(age)
            await asyncio.sleep(GAUGE_SECONDS)


async def _project(following: Following[Any, Any], steps: Sequence[Step[Any, Any]]) -> None:
    """Own read models and timers first, then whatever must be public before the events are."""
    if followed := [one for step in steps for one in step.followed]:
        await following.project(followed)
    public = [one for step in steps for one in step.public]
    if public and following.before_saying:
        await following.before_saying(public)


def _told(error: Exception) -> dict[str, str]:
    told = {"error": type(error).__name__, "where": where(error)}
    if isinstance(error, UnknownStoredEvent):  # its sentence names the event, and quotes nothing
        told["reason"] = str(error)
    return told
