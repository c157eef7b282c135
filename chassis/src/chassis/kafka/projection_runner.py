"""Projects events into MongoDB with an exactly-once effect: one transaction moves checkpoints and documents.

Moving a checkpoint by compare-and-set is the fence: however many members believe they own a partition, each
range of offsets is applied once. The group's own offsets are committed for lag tools, and never trusted.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from itertools import groupby
from typing import Any, NamedTuple, Protocol, assert_never

import structlog
from aiokafka.structs import TopicPartition
from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorClientSession
from pydantic import TypeAdapter

from chassis.errors import CheckpointConflict, PartitionsRevoked
from chassis.kafka.batch_subscriber import SubscriberOptions
from chassis.kafka.checkpoints import COLLECTION, Checkpoint, Checkpoints
from chassis.kafka.connection import KafkaConnection
from chassis.kafka.dead_letters import DeadLetterQueue
from chassis.kafka.partition_positions import PartitionPositions
from chassis.kafka.publisher import Publisher
from chassis.kafka.records import (
    EventDecoder,
    MalformedRecord,
    ReceivedEvent,
    Record,
    Tombstone,
    UnknownType,
    by_partition,
    fingerprint,
    location_of,
    partition_of,
)
from chassis.kafka.retry import TRIES, retry_forever, retry_limited
from chassis.kafka.subscription import Subscription
from chassis.telemetry.metrics import CONSUMED, Alarm, raise_alarm
from chassis.telemetry.tracing import linked
from chassis.transient import is_transient

log = structlog.stdlib.get_logger(__name__)

BATCH = 10_000


class Projection(Protocol):
    """What is made of events. A new `version` starts from the beginning, with checkpoints of its own."""

    name: str

    @property
    def version(self) -> int | str:
        """What its checkpoints are named by, after `name`."""
        ...

    async def apply(self, session: AsyncIOMotorClientSession, records: Sequence[ReceivedEvent[Any]]) -> None:
        """Writes what `records` change, inside of the session's transaction.

        They are in order per partition, and any part of a batch may come alone. It reads afresh through the
        session and changes nothing in memory, since the transaction may be undone and done again.
        """
        ...


class _Step(NamedTuple):
    """One record, and the event to apply; None if there is nothing to apply but the checkpoint passes it."""

    record: Record
    received: ReceivedEvent[Any] | None = None
    outcome: str = "applied"


async def nothing() -> None:
    """Does nothing."""


class ProjectionRunner:
    """Feeds `projection` from `topics`, whose partitions of one number stay together on one member.

    `on_applied` is called after each transaction; `on_conflict` before the checkpoints are read again that
    somebody else has moved, and may call `switch`.
    """

    def __init__(
        self,
        *,
        service: str,
        connection: KafkaConnection,
        group: str,
        topics: Mapping[str, TypeAdapter[Any]],
        projection: Projection,
        client: "AsyncIOMotorClient[dict[str, Any]]",
        database: str,
        publisher: Publisher,
        on_applied: Callable[[], object] = lambda: None,
        on_conflict: Callable[[], Awaitable[object]] = nothing,
    ) -> None:
        self.name = f"projecting {projection.name}"
        self._on_applied, self._on_conflict = on_applied, on_conflict
        self._service = service
        self._decoder = EventDecoder(topics)
        self._projection = projection
        self._dead_letters = DeadLetterQueue(service, publisher, topics)
        self._put_aside: dict[TopicPartition, int] = {}
        self._checkpoints = Checkpoints(
            client[database][COLLECTION], projection.name, projection.version, connection
        )
        wanted = SubscriberOptions(service, connection, group, tuple(topics), BATCH)
        self._subscription = Subscription(
            wanted, self._project, assigned=self._on_assigned, looked=self._on_looked
        )
        self._positions = PartitionPositions(service, self.name, self._checkpoints, self._subscription)

    async def run(self) -> None:
        """Projects until cancelled; then finishes the batch in hand and leaves the group."""
        try:
            await self._subscription.run()
        finally:
            await self._positions.stop()
            await self._checkpoints.fencing.end()

    def unhealthy_reason(self) -> str | None:
        """Why it is not well, in a sentence; None if it is."""
        return self._positions.unhealthy_reason() or self._subscription.unhealthy_reason()

    def switch(self, projection: Projection) -> None:
        """Goes on with another version of the projection, where its own checkpoints are.

        Those of the version before have to be gone by now: its transactions in hand must not commit.
        """
        self._projection = projection
        self._checkpoints.use(projection.name, projection.version)
        self._positions.locate_again()

    def lag(self) -> int:
        """How many records wait, as of the last look a few seconds ago."""
        return self._subscription.lag()

    def behind_seconds(self) -> float | None:
        """How old the oldest record is that waits; None if nobody knows, as of the last look."""
        return self._subscription.behind_seconds()

    def _on_assigned(self, partitions: frozenset[TopicPartition]) -> None:
        self._put_aside = {}
        self._positions.assigned(partitions)

    def _on_looked(self) -> None:
        self._positions.take_turns()

    async def _project(self, records: Sequence[Record]) -> None:
        fresh: list[Record] = []
        for partition, part in by_partition(records).items():
            fresh += await self._positions.expected(partition, part)
        if fresh:
            steps = [await self._step(record) for record in fresh]
            callers = (step.received.envelope.traceparent for step in steps if step.received)
            with linked(callers, self.name):
                await self._advance(steps)
        for partition, part in by_partition(fresh).items():
            await self._positions.settle(partition, part[-1])
        await self._subscription.commit(
            {partition: at.offset for partition, at in self._positions.at.items()}
        )
        self._positions.take_turns()

    async def _step(self, record: Record) -> _Step:
        match self._decoder.read(record):
            case ReceivedEvent() as received:
                return _Step(record, received)
            case UnknownType():
                return _Step(record, outcome="unknown")
            case Tombstone():
                cause = "the value is null"
            case MalformedRecord(cause):
                pass
            case other:
                assert_never(other)
        # It may be read again, since somebody before it is at fault, and is one dead letter all the same.
        if record.offset > self._put_aside.get(partition_of(record), -1):
            await self._write_dead_letter(record, cause, 1)
            self._put_aside[partition_of(record)] = record.offset
        return _Step(record, outcome="dead")

    async def _write_dead_letter(self, record: Record, cause: str, attempts: int) -> None:
        put = partial(self._dead_letters.put, record, cause, attempts)
        await retry_forever(put, self._subscription.backoff)

    async def _advance(self, steps: Sequence[_Step]) -> None:
        """Applies `steps`; a partition that can't be applied, up to the first record that is at fault.

        What comes after that one is read again, so that other partitions never wait for more than one.
        """
        if not await self._applied(steps):
            parts = _by_partition(steps)
            # All that are well first.
            for part in [part for part in parts.values() if len(parts) == 1 or not await self._applied(part)]:
                await self._advance_to_fault(part)

    async def _advance_to_fault(self, part: Sequence[_Step]) -> None:
        while len(part) > 1:
            middle = len(part) // 2
            part = part[middle:] if await self._applied(part[:middle]) else part[:middle]
        try:
            await retry_limited(lambda: self._apply(part), self._subscription.backoff)
        except PartitionsRevoked:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, only this record may suffer
            record = part[0].record
            log.error(  # noqa: TRY400 - only the kind: a message may quote what a client wrote
                "projection_failed", **location_of(record), error=type(error).__name__
            )
            raise_alarm(self._service, Alarm.PROJECTION_FAILED)
            await self._write_dead_letter(record, f"the projection raised {type(error).__name__}", TRIES)
            await self._apply([_Step(record, outcome="dead")])

    async def _applied(self, steps: Sequence[_Step]) -> bool:
        try:
            await self._apply(steps)
        except PartitionsRevoked:
            raise
        except Exception as error:  # noqa: BLE001 - the record at fault is looked for
            log.warning("batch_not_applied", records=len(steps), error=type(error).__name__)
            return False
        return True

    async def _apply(self, steps: Sequence[_Step]) -> None:
        """One transaction, again as long as faults are transient or another member was faster."""
        backoff = self._subscription.backoff
        await retry_forever(lambda: self._attempt(steps), backoff, longest=5, also=(CheckpointConflict,))
        self._subscription.progressed()

    async def _attempt(self, steps: Sequence[_Step]) -> None:
        at = self._positions.at
        todo: list[_Step] = []
        last: dict[TopicPartition, Record] = {}
        for partition, part in _by_partition(steps).items():
            if known := at.get(partition):
                todo += (fresh := [step for step in part if step.record.offset >= known.offset])
                if fresh:
                    last[partition] = fresh[-1].record
        moves = {partition: (at[partition], _after(record)) for partition, record in last.items()}
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
        if moves:
            self._on_applied()
        for (topic, outcome), count in Counter((step.record.topic, step.outcome) for step in todo).items():
            CONSUMED.labels(self._service, topic, outcome).inc(count)

    async def _transaction(
        self, steps: Sequence[_Step], moves: Mapping[TopicPartition, tuple[Checkpoint, Checkpoint]]
    ) -> None:
        if not moves:
            return
        projection = self._projection
        async with self._checkpoints.fencing.transaction() as session:
            await self._checkpoints.move(session, moves)
            if received := [step.received for step in steps if step.received is not None]:
                await projection.apply(session, received)


def _by_partition(steps: Sequence[_Step]) -> dict[TopicPartition, list[_Step]]:
    parts: dict[TopicPartition, list[_Step]] = {}
    for (topic, number), part in groupby(steps, lambda step: (step.record.topic, step.record.partition)):
        parts.setdefault(TopicPartition(topic, number), []).extend(part)
    return parts


def _after(record: Record) -> Checkpoint:
    return Checkpoint(record.offset + 1, fingerprint(record), record.timestamp)
