"""Goes on from checkpoints in the database, which are moved in one transaction with what a batch changes.

Moving a checkpoint by compare-and-set is the fence: however many consumers believe they own a partition, each
range of offsets is applied once.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from itertools import chain, groupby
from typing import Any, NamedTuple

from aiokafka.structs import TopicPartition
from pydantic import TypeAdapter

from chassis.errors import CheckpointConflict
from chassis.kafka.batch_subscriber import SubscriberOptions
from chassis.kafka.by_time import HeldBack
from chassis.kafka.checkpoints import Checkpoint, Checkpoints
from chassis.kafka.consumer import Consumer
from chassis.kafka.partition_positions import PartitionPositions
from chassis.kafka.publisher import Publisher
from chassis.kafka.records import (
    ReceivedEvent,
    Record,
    Tombstone,
    by_partition,
    fingerprint,
    partition_of,
)
from chassis.kafka.retry import retry_forever
from chassis.kafka.subscription import nothing
from chassis.telemetry.metrics import CONSUMED
from chassis.telemetry.tracing import linked
from chassis.transient import is_transient

BATCH = 10_000
WITHOUT_PAUSE = 1_000
"""Records that are decoded in a go, some 20 ms."""

Moves = Mapping[TopicPartition, tuple[Checkpoint, Checkpoint]]
"""Old and new checkpoint of each partition."""


class Step(NamedTuple):
    """One record, and what it says; None if there is nothing to apply but the checkpoint passes it.

    It is applied at a checkpoint that has reached `follows`, an offset: nothing before it is left out.
    """

    record: Record
    read: ReceivedEvent[Any] | Tombstone | None
    outcome: str = "applied"
    follows: int = 0


class CheckpointedConsumer(Consumer):
    """Consumes with an exactly-once effect; what becomes of what can't be applied is the strategy's."""

    takes_turns = True
    """Whether what belongs together is in partitions of one number."""

    def __init__(
        self,
        name: str,
        wanted: SubscriberOptions,
        topics: Mapping[str, TypeAdapter[Any]],
        publisher: Publisher,
        checkpoints: Checkpoints,
        on_conflict: Callable[[], Awaitable[object]] = nothing,
    ) -> None:
        super().__init__(name, wanted, topics, publisher)
        self._checkpoints = checkpoints
        self._on_conflict = on_conflict
        self._positions = PartitionPositions(
            wanted.service, name, checkpoints, self._subscription, turns=self.takes_turns
        )
        self._last_malformed: dict[TopicPartition, int] = {}
        self._held = HeldBack()

    async def run(self) -> None:
        """Consumes until cancelled; then finishes the batch in hand and leaves the group."""
        try:
            await super().run()
        finally:
            await self._positions.stop()
            await self._checkpoints.fencing.end()

    def unhealthy_reason(self) -> str | None:
        """Why it is not well, in a sentence; None if it is."""
        return self._positions.unhealthy_reason() or super().unhealthy_reason()

    def _on_assigned(self, partitions: frozenset[TopicPartition]) -> None:
        self._last_malformed = {}
        self._positions.assigned(partitions)

    def _on_looked(self) -> None:
        self._positions.take_turns()

    async def _process(self, records: Sequence[Record]) -> None:
        fresh: dict[TopicPartition, Sequence[Record]] = {}
        for partition, part in by_partition(self._side_by_side(records)).items():
            if expected := await self._positions.expected(partition, part):
                fresh[partition] = expected
        if fresh:
            steps = await self._steps(fresh)
            events = (step.read for step in steps if isinstance(step.read, ReceivedEvent))
            with linked((event.envelope.traceparent for event in events), self.name):
                await self._advance(steps)
        for partition, done in fresh.items():
            await self._positions.settle(partition, done[-1])
        self._positions.take_turns()

    def _side_by_side(self, records: Sequence[Record]) -> list[Record]:
        """What of it and of what is held is worked on now: in a turn, what is not ahead in time."""
        parts = self._held.joined(records, {one: at.offset for one, at in self._positions.at.items()})
        unread = self._positions.unread({one: part[-1].offset + 1 for one, part in parts.items()})
        return self._held.take(parts, unread)

    async def _steps(self, parts: Mapping[TopicPartition, Sequence[Record]]) -> list[Step]:
        steps: list[Step] = []
        # A partition that was lost meanwhile is left out.
        for partition, at in list(self._positions.at.items()):
            part = parts.get(partition, ())
            follows = chain([at.offset], (record.offset + 1 for record in part))
            for record, offset in zip(part, follows, strict=False):
                steps.append(await self._step(record, offset))
                if len(steps) % WITHOUT_PAUSE == 0:
                    await asyncio.sleep(0)  # requests are answered in between
        return steps

    async def _step(self, record: Record, follows: int) -> Step:
        read = await self._read(record)
        outcome, said = (read, None) if isinstance(read, str) else ("applied", read)
        return Step(record, said, outcome, follows)

    async def _on_malformed(self, record: Record, cause: str) -> str:
        # It may be read again, since somebody before it is at fault, and is one dead letter all the same.
        if record.offset > self._last_malformed.get(partition_of(record), -1):
            await super()._on_malformed(record, cause)
            self._last_malformed[partition_of(record)] = record.offset
        return "dead"

    async def _advance(self, steps: Sequence[Step]) -> None:
        """Applies `steps`, by `_apply`; what is not applied is read again."""
        raise NotImplementedError

    async def _apply(self, steps: Sequence[Step]) -> None:
        """One transaction, again as long as faults are transient or another consumer was faster."""
        backoff = self._subscription.backoff
        await retry_forever(lambda: self._attempt(steps), backoff, longest=5, also=(CheckpointConflict,))
        self._subscription.progressed()

    async def _attempt(self, steps: Sequence[Step]) -> None:
        at = self._positions.at
        todo: list[Step] = []
        moves: dict[TopicPartition, tuple[Checkpoint, Checkpoint]] = {}
        for partition, part in steps_by_partition(steps).items():
            # Else what lies between was passed over, while nobody knew where to go on: all is read again.
            if (known := at.get(partition)) and known.offset >= part[0].follows:
                todo += (fresh := [step for step in part if step.record.offset >= known.offset])
                if fresh:
                    moves[partition] = (known, _after(known, fresh[-1].record))
        if not moves:
            return
        try:
            await self._transaction(todo, moves)
        except Exception as error:
            if isinstance(error, CheckpointConflict) or is_transient(error):
                # After a lost race, and after a commit of unknown outcome, the checkpoints are the arbiter.
                await self._on_conflict()
                await self._positions.refresh(moves)
            raise
        for partition, (old, new) in moves.items():
            if self._positions.at.get(partition) == old:
                self._positions.at[partition] = new
        for (topic, outcome), count in Counter((step.record.topic, step.outcome) for step in todo).items():
            CONSUMED.labels(self._service, topic, outcome).inc(count)

    async def _transaction(self, steps: Sequence[Step], moves: Moves) -> None:
        """Moves the checkpoints and writes what `steps` change. Raises CheckpointConflict."""
        raise NotImplementedError


def steps_by_partition(steps: Sequence[Step]) -> dict[TopicPartition, list[Step]]:
    """Like `by_partition`, of records."""
    parts: dict[TopicPartition, list[Step]] = {}
    for (topic, number), part in groupby(steps, lambda step: (step.record.topic, step.record.partition)):
        parts.setdefault(TopicPartition(topic, number), []).extend(part)
    return parts


def _after(known: Checkpoint, record: Record) -> Checkpoint:
    return replace(known, offset=record.offset + 1, before=fingerprint(record), published=record.timestamp)
