"""Keeps one FastStream subscriber alive and honest: batches, offsets, rebalances, a stuck consumer.

The acknowledgement is a commit of explicit offsets; FastStream's own would commit the consumer's position,
which may lie beyond work that was not done.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener
from aiokafka.errors import IllegalStateError, KafkaError
from aiokafka.structs import TopicPartition
from faststream.kafka import KafkaBroker
from tenacity import AsyncRetrying, retry_if_exception_type, wait_random_exponential

from chassis.errors import PartitionsRevoked
from chassis.kafka.batch_subscriber import Consume, SubscriberOptions, batch_subscriber, declare
from chassis.kafka.clients import partitions_of, reason_of, started
from chassis.kafka.lag import Lag
from chassis.kafka.records import Record, by_partition
from chassis.kafka.retry import InterruptibleSleep
from chassis.telemetry.metrics import Alarm, raise_alarm

log = structlog.stdlib.get_logger(__name__)

START_SECONDS = 120  # another member may take a whole rebalance timeout to leave
REVOKE_SECONDS = 50  # below the rebalance timeout, so that we are not put out of the group meanwhile
LOOK_SECONDS = 2.0
SILENT_SECONDS = 30
STUCK_SECONDS = 45


async def nothing() -> None:
    """Does nothing."""


class Subscription(ConsumerRebalanceListener):  # type: ignore[misc]
    """Hands batches of records to `work`, which calls `commit` for what it has done.

    If `work` raises, the batch is read again. `assigned` is called with the partitions of each assignment,
    `looked` whenever the ends of their logs were looked at, `between` before each fetch, never beside `work`.
    """

    def __init__(
        self,
        wanted: SubscriberOptions,
        work: Consume,
        assigned: Callable[[frozenset[TopicPartition]], None] = lambda _: None,
        looked: Callable[[], None] = lambda: None,
        between: Callable[[], Awaitable[None]] = nothing,
    ) -> None:
        self.ends: Mapping[TopicPartition, int] = {}
        self.backoff = InterruptibleSleep()
        self._wanted = wanted
        self._service, self._name = wanted.service, wanted.name
        self._work = work
        self._assigned = assigned
        self._looked = looked
        self._between = between
        self._subscriber: Any = None
        self._idle = asyncio.Event()
        self._idle.set()
        self._stopping = False
        self._in_hand: dict[TopicPartition, Record] = {}
        self._lag = Lag(wanted.service, wanted.topics)
        self._excluded: set[TopicPartition] = set()
        self._failed: list[Exception] = []
        self._own: set[TopicPartition] = set()
        self._unreached: str | None = "the broker is not reached yet"
        self._progress = time.monotonic()

    def declare(self, broker: KafkaBroker) -> None:
        """Declares the subscriber at `broker`, as it runs."""
        declare(broker, self._wanted, self._process, self)

    # Running

    async def run(self) -> None:
        """Consumes until cancelled; then finishes the batch in hand and leaves the group."""
        faults = (KafkaError, OSError, TimeoutError)
        tries = AsyncRetrying(
            retry=retry_if_exception_type(faults), wait=wait_random_exponential(multiplier=0.2, max=10)
        )
        while True:
            await tries(self._consume)

    async def _consume(self) -> None:
        self._stopping = False
        self._failed.clear()
        self.backoff.resume()
        broker, self._subscriber = batch_subscriber(
            self._wanted, self._process, self, self._between, self._failed.append
        )
        try:
            async with asyncio.timeout(START_SECONDS):
                # A member that lacks the right to its topics gets no record, and no error either.
                await partitions_of(self._wanted.connection, self._wanted.topics)
                await started(broker.start())
            self.progressed()
            await self._watch()
        except (KafkaError, OSError, TimeoutError) as error:
            reason = await reason_of(error, self._wanted.connection)
            self._unreached = f"nothing is consumed: {reason}"
            log.warning("broker_not_reached", consumer=self._name, reason=reason, error=type(error).__name__)
            self._lag.report()
            raise
        finally:
            await self._stop(broker)
            if self._wanted.group is None:
                await self.on_partitions_assigned(set())

    async def _stop(self, broker: KafkaBroker) -> None:
        self._stopping = True
        self.backoff.interrupt()
        stopping = asyncio.create_task(broker.stop())
        await asyncio.wait([stopping], timeout=self._wanted.stop_seconds + 2)
        if not stopping.done() and self.consumer is not None:
            # It waits for the group, or for a broker that is away: no connection, no waiting.
            await self.consumer._client.close()
            await asyncio.wait([stopping], timeout=2)
        if stopping.done() and not stopping.cancelled() and (error := stopping.exception()):
            log.warning("not_stopped_cleanly", consumer=self._name, error=type(error).__name__)

    async def _process(self, records: Sequence[Record]) -> None:
        self._idle.clear()
        parts = by_partition(records)
        self._in_hand = {partition: part[0] for partition, part in parts.items()}
        self._lag.reached(self._in_hand.values())
        try:
            await self._work(records)
            self._lag.reached([part[-1] for part in parts.values()])
        except PartitionsRevoked:
            self._rewind(parts)
        except Exception:
            # FastStream would swallow this, and the next commit would pass the batch: it would be lost.
            log.exception("batch_failed", consumer=self._name)
            raise_alarm(self._service, Alarm.BATCH_FAILED)
            self._rewind(parts)
            with suppress(PartitionsRevoked):
                await self.backoff.sleep(1)
        finally:
            self._in_hand = {}
            self._idle.set()

    def _rewind(self, parts: Mapping[TopicPartition, Sequence[Record]]) -> None:
        for partition, part in parts.items():
            self.seek(partition, part[0].offset)

    # What `work` needs

    @property
    def consumer(self) -> AIOKafkaConsumer | None:
        """The consumer of the moment."""
        return None if self._subscriber is None else self._subscriber.consumer

    def progressed(self) -> None:
        """Something of the batch in hand was done."""
        self._progress = time.monotonic()

    async def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Commits what is done. A failure is harmless: the records come again, here or elsewhere."""
        consumer = self.consumer
        if consumer is None or self._wanted.group is None:
            return
        own = {
            partition: offset for partition, offset in offsets.items() if partition in consumer.assignment()
        }
        try:
            async with asyncio.timeout(10):
                if own:
                    await consumer.commit(own)
        except (KafkaError, TimeoutError) as error:
            log.info("offsets_not_committed", consumer=self._name, error=type(error).__name__)

    def seek(self, partition: TopicPartition, offset: int) -> None:
        """Goes on from `offset`; nothing if the partition is somebody else's by now."""
        with suppress(IllegalStateError, AssertionError):
            if self.consumer is not None:
                self.consumer.seek(partition, offset)

    def pause(self, partitions: Iterable[TopicPartition]) -> None:
        """Stops fetching these partitions."""
        for partition in partitions:
            with suppress(IllegalStateError, AssertionError):
                if self.consumer is not None:
                    self.consumer.pause(partition)

    def resume(self, partitions: Iterable[TopicPartition]) -> None:
        """Fetches these partitions again."""
        for partition in partitions:
            with suppress(IllegalStateError, AssertionError):
                if self.consumer is not None:
                    self.consumer.resume(partition)

    def exclude_from_lag(self, partitions: set[TopicPartition]) -> None:
        """Partitions that stand still on purpose: their lag is no sign of a stuck consumer."""
        self._excluded = partitions

    # Rebalances, as aiokafka tells of them: all partitions go, then some come

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:  # noqa: ARG002 - all of them
        """Waits for the batch in hand, else it would be done twice; waits between tries are interrupted."""
        self.backoff.interrupt()
        with suppress(TimeoutError):
            async with asyncio.timeout(REVOKE_SECONDS):
                await self._idle.wait()

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        """A new assignment."""
        if not self._stopping:
            self.backoff.resume()
        self._own = assigned
        self._lag.assigned(assigned)
        self.ends = {}
        self.progressed()
        self._assigned(frozenset(assigned))

    # Watching

    def unhealthy_reason(self) -> str | None:
        """Why this is not well, for the readiness page; None if it is."""
        if self._unreached:
            return f"{self._name}: {self._unreached}"
        silent = time.monotonic() - self._progress
        if (waiting := self._waiting()) and silent > SILENT_SECONDS:
            return f"{self._name}: no progress for {silent:.0f} s although {waiting} records wait"
        return None

    def lag(self) -> int:
        """How many records wait, as of the last look."""
        return self._lag.waiting()

    def behind_seconds(self) -> float | None:
        """How old the oldest record is that waits; None before the first look, and without the broker."""
        return None if self._unreached else self._lag.age()

    def _waiting(self) -> int:
        return self._lag.waiting(without=self._excluded)

    async def _watch(self) -> None:
        """Looks at the lag every few seconds; returns if the consumer is stuck (aiokafka #718, #847).

        Raises what made fetching useless: a right was withdrawn, or a fault of our own.
        """
        while True:
            if self._failed:
                raise self._failed[-1]
            # aiokafka tells its listener only of what a group assigns.
            if self._wanted.group is None and self.consumer and self.consumer.assignment() != self._own:
                await self.on_partitions_assigned(set(self.consumer.assignment()))
            await self.look()
            self._lag.report()
            silent = time.monotonic() - self._progress
            if self._waiting() and not self._in_hand and silent > STUCK_SECONDS:
                log.error("stuck_consumer", consumer=self._name, silent_seconds=round(silent))
                raise_alarm(self._service, Alarm.STUCK_CONSUMER)
                return
            await asyncio.sleep(LOOK_SECONDS)

    async def look(self) -> None:
        """Sees where the logs end: how much waits, and whether the broker answers."""
        consumer = self.consumer
        if consumer is None:
            return
        try:
            async with asyncio.timeout(5):
                ends = await consumer.end_offsets(list(consumer.assignment()))
        except (KafkaError, TimeoutError) as error:
            self._unreached = f"the broker does not answer: {type(error).__name__}"
            return
        self._unreached = None
        behind: dict[TopicPartition, int] = {}
        for partition, end in ends.items():
            next_offset = end
            if first := self._in_hand.get(partition):
                next_offset = first.offset
            else:
                with suppress(KafkaError, TimeoutError):
                    async with asyncio.timeout(0):  # a position that isn't known yet is waited for elsewhere
                        next_offset = await consumer.position(partition)
            behind[partition] = max(0, end - next_offset)
        self._lag.seen(behind)
        self.ends = ends
        self._looked()
        if not self._waiting():
            self.progressed()
