"""Keeps one FastStream subscriber alive and honest: batches, offsets, rebalances, lag, a stuck consumer.

The acknowledgement is a commit of explicit offsets; FastStream's own would commit the consumer's position,
which may lie beyond work that was not done.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.errors import IllegalStateError, KafkaError
from aiokafka.structs import TopicPartition
from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from faststream.kafka.message import FAKE_CONSUMER, KafkaMessage
from tenacity import AsyncRetrying, retry_if_exception_type, wait_random_exponential

from chassis.messaging.patience import LetGo, Pause
from chassis.messaging.records import Record, by_partition
from chassis.telemetry.metrics import ALARMS, LAG_EVENTS, LAG_SECONDS

log = logging.getLogger(__name__)
quiet = logging.getLogger("chassis.messaging.faststream")
quiet.setLevel(logging.ERROR)

START_SECONDS = 120  # another member may take a whole rebalance timeout to let go
REVOKE_SECONDS = 50  # below the rebalance timeout, so that we are not put out of the group meanwhile
STOP_SECONDS = 25.0
LOOK_SECONDS = 2.0
SILENT_SECONDS = 30
STUCK_SECONDS = 45


class Listening:
    """Hands batches of records to `work`, which calls `commit` for what it has done.

    If `work` raises, the batch is read again. `assigned` is told of every new assignment.
    """

    def __init__(
        self,
        *,
        service: str,
        bootstrap: str,
        group: str,
        topics: Sequence[str],
        work: Callable[[Sequence[Record]], Awaitable[None]],
        max_records: int,
        assigned: Callable[[frozenset[TopicPartition]], None] | None = None,
    ) -> None:
        self.pause = Pause()
        self._service = service
        self._bootstrap = bootstrap
        self._group = group
        self._topics = tuple(topics)
        self._work = work
        self._max_records = max_records
        self._assigned = assigned
        self._subscriber: Any = None
        self._idle = asyncio.Event()
        self._idle.set()
        self._stopping = False
        self._in_hand: dict[TopicPartition, Record] = {}
        self._lag: dict[TopicPartition, int] = {}
        self._left_out: set[TopicPartition] = set()
        self._unreached: str | None = "the broker is not reached yet"
        self._progress = time.monotonic()

    # Running

    async def run(self) -> None:
        """Listens until cancelled; then finishes the batch in hand, commits it and leaves the group."""
        faults = (KafkaError, OSError, TimeoutError)
        tries = AsyncRetrying(
            retry=retry_if_exception_type(faults), wait=wait_random_exponential(multiplier=0.2, max=10)
        )
        while True:
            await tries(self._listen)

    async def _listen(self) -> None:
        broker = self._broker()
        try:
            async with asyncio.timeout(START_SECONDS):
                await broker.start()
            self.progressed()
            await self._watch()
        except (KafkaError, OSError, TimeoutError) as error:
            self._unreached = f"the broker is not reached: {type(error).__name__}"
            log.warning("%s: %s", self._group, self._unreached)
            raise
        finally:
            await self._stop(broker)

    def _broker(self) -> KafkaBroker:
        self._stopping = False
        self.pause.carry_on()
        broker = KafkaBroker(
            self._bootstrap,
            client_id=f"candor-{self._service}",
            consumer_only=True,
            graceful_timeout=STOP_SECONDS,  # without one FastStream does not wait at all
            logger=quiet,
            apply_types=False,
        )
        self._subscriber = broker.subscriber(
            *self._topics,
            batch=True,
            group_id=self._group,
            ack_policy=AckPolicy.MANUAL,
            auto_offset_reset="earliest",
            partition_assignment_strategy=(RangePartitionAssignor,),
            rebalance_timeout_ms=60_000,
            heartbeat_interval_ms=1_000,
            fetch_max_wait_ms=50,
            batch_timeout_ms=20,
            max_records=self._max_records,
            listener=_Rebalances(self),
            parser=_parse,
            decoder=_leave_encoded,
        )
        self._subscriber(self._hear)
        return broker

    async def _stop(self, broker: KafkaBroker) -> None:
        self._stopping = True
        self.pause.let_go()
        stopping = asyncio.create_task(broker.stop())
        await asyncio.wait([stopping], timeout=STOP_SECONDS + 2)
        if not stopping.done() and self.consumer is not None:
            # It waits for the group, or for a broker that is away: no connection, no waiting.
            await self.consumer._client.close()  # noqa: SLF001
            await asyncio.wait([stopping], timeout=2)
        if stopping.done() and not stopping.cancelled() and (error := stopping.exception()):
            log.warning("%s: did not stop cleanly: %s", self._group, type(error).__name__)

    async def _hear(self, records: Sequence[Record]) -> None:
        self._idle.clear()
        parts = by_partition(records)
        self._in_hand = {partition: part[0] for partition, part in parts.items()}
        try:
            await self._work(records)
        except LetGo:
            self._again(parts)
        except Exception:
            # FastStream would swallow this, and the next commit would pass the batch: it would be lost.
            log.exception("%s: a batch failed and is read again", self._group)
            ALARMS.labels(self._service, "batch failed").inc()
            self._again(parts)
            with suppress(LetGo):
                await self.pause.sleep(1)
        finally:
            self._in_hand = {}
            self._idle.set()

    def _again(self, parts: Mapping[TopicPartition, Sequence[Record]]) -> None:
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
        if consumer is None:
            return
        own = {
            partition: offset for partition, offset in offsets.items() if partition in consumer.assignment()
        }
        try:
            async with asyncio.timeout(10):
                if own:
                    await consumer.commit(own)
        except (KafkaError, TimeoutError) as error:
            log.info("%s: offsets not committed: %s", self._group, type(error).__name__)

    def seek(self, partition: TopicPartition, offset: int) -> None:
        """Goes on from `offset`; nothing if the partition is somebody else's by now."""
        with suppress(IllegalStateError, AssertionError):
            if self.consumer is not None:
                self.consumer.seek(partition, offset)

    def hold(self, partitions: Iterable[TopicPartition]) -> None:
        """Stops fetching these partitions."""
        for partition in partitions:
            with suppress(IllegalStateError, AssertionError):
                if self.consumer is not None:
                    self.consumer.pause(partition)

    def release(self, partitions: Iterable[TopicPartition]) -> None:
        """Fetches these partitions again."""
        for partition in partitions:
            with suppress(IllegalStateError, AssertionError):
                if self.consumer is not None:
                    self.consumer.resume(partition)

    def leave_out(self, partitions: set[TopicPartition]) -> None:
        """Partitions that stand still on purpose: their lag is no sign of a stuck consumer."""
        self._left_out = partitions

    # Rebalances

    async def on_revoked(self) -> None:
        """Waits for the batch in hand, else it would be done twice; what waits for the world lets go."""
        self.pause.let_go()
        with suppress(TimeoutError):
            async with asyncio.timeout(REVOKE_SECONDS):
                await self._idle.wait()

    def on_assigned(self, partitions: frozenset[TopicPartition]) -> None:
        """A new assignment."""
        if not self._stopping:
            self.pause.carry_on()
        self._lag = {}
        self.progressed()
        if self._assigned is not None:
            self._assigned(partitions)

    # Watching

    def trouble(self) -> str | None:
        """Why this is not well, for the readiness page; None if it is."""
        if self._unreached:
            return f"{self._group}: {self._unreached}"
        silent = time.monotonic() - self._progress
        if self._waiting() and silent > SILENT_SECONDS:
            return f"{self._group}: no progress for {silent:.0f} s although {self._waiting()} records wait"
        return None

    def lag(self) -> int:
        """How many records wait, as of the last look."""
        return sum(self._lag.values())

    def _waiting(self) -> int:
        return sum(lag for partition, lag in self._lag.items() if partition not in self._left_out)

    async def _watch(self) -> None:
        """Looks at the lag every few seconds; returns if the consumer is stuck (aiokafka #718, #847)."""
        while True:
            await self._look()
            silent = time.monotonic() - self._progress
            if self._waiting() and not self._in_hand and silent > STUCK_SECONDS:
                log.error("%s: the consumer is stuck and is made anew", self._group)
                ALARMS.labels(self._service, "stuck consumer").inc()
                return
            await asyncio.sleep(LOOK_SECONDS)

    async def _look(self) -> None:
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
        self._lag = {
            partition: await self._behind(consumer, partition, end) for partition, end in ends.items()
        }
        if not self._waiting():
            self.progressed()
        self._report()

    async def _behind(self, consumer: AIOKafkaConsumer, partition: TopicPartition, end: int) -> int:
        if first := self._in_hand.get(partition):
            return max(0, end - int(first.offset))
        try:
            async with asyncio.timeout(0):  # a position that isn't known yet is waited for elsewhere
                return max(0, end - int(await consumer.position(partition)))
        except (KafkaError, TimeoutError):
            return 0

    def _report(self) -> None:
        now_ms = time.time() * 1000
        for topic in self._topics:
            lag = sum(lag for partition, lag in self._lag.items() if partition.topic == topic)
            LAG_EVENTS.labels(self._service, topic).set(lag)
            oldest = [first.timestamp for part, first in self._in_hand.items() if part.topic == topic]
            if oldest or not lag:
                LAG_SECONDS.labels(self._service, topic).set((now_ms - min(oldest)) / 1000 if oldest else 0)


class _Rebalances(ConsumerRebalanceListener):  # type: ignore[misc]
    def __init__(self, listening: Listening) -> None:
        self._listening = listening

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:  # noqa: ARG002 - all of them
        await self._listening.on_revoked()

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        self._listening.on_assigned(frozenset(assigned))


async def _parse(records: tuple[Record, ...]) -> KafkaMessage:
    # FastStream's own parser decodes headers: one null or non-UTF-8 header loses the whole batch.
    return KafkaMessage(body=b"", raw_message=records, consumer=FAKE_CONSUMER)


async def _leave_encoded(message: KafkaMessage) -> Any:
    return message.raw_message
