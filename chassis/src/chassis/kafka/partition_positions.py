"""Where a consumer goes on from in each partition: its checkpoint, or, in words, why it stands still."""

import asyncio
import time
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from functools import partial

import structlog
from aiokafka.structs import TopicPartition

from chassis.errors import PartitionsRevoked
from chassis.kafka.checkpoints import Checkpoint, Checkpoints
from chassis.kafka.records import Record
from chassis.kafka.retry import retry_forever
from chassis.kafka.subscription import Subscription
from chassis.telemetry.metrics import Alarm, raise_alarm

log = structlog.stdlib.get_logger(__name__)

LOCATE_SECONDS = 30
MUCH = 20_000
"""Records that wait in all partitions; fewer are a matter of seconds."""


class PartitionPositions:
    """The checkpoints of the partitions that are assigned: `at`, as of the last look or transaction.

    A partition that can't go on from its checkpoint is stopped, alone, with an alarm.
    """

    def __init__(
        self, service: str, name: str, checkpoints: Checkpoints, subscription: Subscription, *, turns: bool
    ) -> None:
        self.at: dict[TopicPartition, Checkpoint] = {}
        self._service = service
        self._name = name
        self._checkpoints = checkpoints
        self._subscription = subscription
        self._gaps: dict[TopicPartition, int] = {}
        self._stopped: dict[TopicPartition, str] = {}
        self._assigned: frozenset[TopicPartition] = frozenset()
        self._locating: set[asyncio.Task[None]] = set()
        self._since = 0.0
        self._takes_turns = turns
        self._turn: int | None = None
        self._paused: set[TopicPartition] = set()

    def unhealthy_reason(self) -> str | None:
        """Why a partition does not go on, in a sentence; None if all do."""
        for partition, reason in self._stopped.items():
            return f"{partition.topic}-{partition.partition} stands still: {reason}"
        waited = time.monotonic() - self._since
        if self._locating and waited > LOCATE_SECONDS:
            return f"{self._name}: its checkpoints can't be read for {waited:.0f} s"
        return None

    def assigned(self, partitions: frozenset[TopicPartition]) -> None:
        """Begins to locate the checkpoints of `partitions`, which are paused until then; drops all others."""
        # Not awaited by the rebalance: no heartbeat is sent until that is over, and the database may be away.
        self._give_up()
        self._assigned = partitions
        self.at, self._gaps, self._stopped = {}, {}, {}
        self._subscription.exclude_from_lag(set())
        self._subscription.pause(partitions)
        self._paused = set(partitions)
        if not partitions:
            return
        self._since = time.monotonic()
        locating = asyncio.create_task(self._locate_all(partitions))
        self._locating.add(locating)
        locating.add_done_callback(self._locating.discard)

    def locate_again(self) -> None:
        """Begins to locate the checkpoints of all partitions that are assigned, as if they had just been."""
        if self._assigned:
            self.assigned(self._assigned)

    async def stop(self) -> None:
        """Cancels what is being located, and returns once its consumers are closed."""
        self._give_up()
        if self._locating:
            await asyncio.wait(self._locating)

    async def expected(self, partition: TopicPartition, part: Sequence[Record]) -> Sequence[Record]:
        """What of `part` goes on from the checkpoint; if nothing does, it is read again from there.

        Other offsets than were asked for mean a lost position, a log that was cut, or compaction's gap:
        the last if, asked once more, Kafka gives the same and the log is in order.
        """
        at = self.at.get(partition)
        if at is None:
            return ()  # not located yet, or stopped: it comes again if it is wanted
        first = part[0].offset
        if first == at.offset or (first > at.offset and self._gaps.get(partition) == at.offset):
            return part
        await self.locate([partition])
        if first > at.offset:
            self._gaps[partition] = at.offset
        return ()

    async def settle(self, partition: TopicPartition, last: Record) -> None:
        """After a batch: goes on from the checkpoint, if another member has moved it meanwhile."""
        at = self.at.get(partition)
        if at is None and partition not in self._stopped:
            await self.locate([partition])
        elif at is not None and at.offset != last.offset + 1:
            self._resume_from(partition, at)

    async def locate(self, partitions: Collection[TopicPartition]) -> Collection[TopicPartition]:
        """Goes on from the checkpoints of `partitions`; stops those that can't, and returns the others."""
        look = partial(self._checkpoints.locate, partitions)
        located, wrong = await retry_forever(look, self._subscription.backoff, longest=5)
        for partition, checkpoint in located.items():
            self._resume_from(partition, checkpoint)
        for partition, reason in wrong.items():
            self._stop(partition, reason)
        return located

    async def refresh(self, partitions: Collection[TopicPartition]) -> None:
        """Reads the checkpoints that others may have moved; those that went back or are gone leave `at`."""
        found = await self._checkpoints.read(partitions)
        for partition in partitions:
            known, now = self.at.get(partition), found.get(partition)
            if known is None:
                continue
            if now is None or now.offset < known.offset:
                del self.at[partition]
            else:
                self.at[partition] = now

    def unread(self, read: Mapping[TopicPartition, int]) -> list[TopicPartition]:
        """The partitions whose turn it is and of which more waits than was read, up to these offsets."""
        ends = self._subscription.ends
        return [
            partition
            for partition, checkpoint in self.at.items()
            if partition.partition == self._turn
            and ends.get(partition, 0) > read.get(partition, checkpoint.offset)
        ]

    def take_turns(self) -> None:
        """Lets all partitions be read; while much waits, those of one number at a time, of all topics.

        What belongs together has one number, so it comes in one batch and is written once, not once for each
        of its events. A turn is over when nothing waits. Partitions that were not located stay paused.
        """
        ends, waiting = self._subscription.ends, Counter[int]()
        for partition, checkpoint in self.at.items():
            waiting[partition.partition] += max(0, ends.get(partition, 0) - checkpoint.offset)
        if self._turn is None or not waiting[self._turn]:
            much = self._takes_turns and waiting.total() >= MUCH
            self._turn = waiting.most_common(1)[0][0] if much else None
        paused = {partition for partition in self.at if self._turn not in {None, partition.partition}}
        self._subscription.pause(paused - self._paused)
        self._subscription.resume(self.at.keys() & self._paused - paused)
        self._paused = paused | (self._paused - self.at.keys())

    def _give_up(self) -> None:
        for locating in self._locating:
            locating.cancel()

    async def _locate_all(self, partitions: frozenset[TopicPartition]) -> None:
        try:
            located = await self.locate(partitions)
            fence_previous_owner = partial(self._checkpoints.fence_previous_owner, located)
            await retry_forever(fence_previous_owner, self._subscription.backoff, longest=5)
            await self._subscription.look()
            self.take_turns()
        except PartitionsRevoked:
            return
        except Exception as error:
            log.exception("not_located", consumer=self._name)
            for partition in partitions:
                self._stop(partition, f"its checkpoint can't be read: {type(error).__name__}")

    def _resume_from(self, partition: TopicPartition, checkpoint: Checkpoint) -> None:
        self.at[partition] = checkpoint
        self._subscription.seek(partition, checkpoint.offset)

    def _stop(self, partition: TopicPartition, reason: str) -> None:
        """An alarm, and this partition alone: what is missing must never be skipped in silence."""
        log.error("partition_stopped", topic=partition.topic, partition=partition.partition, reason=reason)
        raise_alarm(self._service, Alarm.PARTITION_STOPPED)
        self.at.pop(partition, None)
        self._stopped[partition] = reason
        self._subscription.pause([partition])
        self._subscription.exclude_from_lag(set(self._stopped))
