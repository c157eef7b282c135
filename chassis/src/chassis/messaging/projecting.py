"""Projects events into MongoDB with an exactly-once effect: one transaction moves checkpoints and documents.

Moving a checkpoint by compare-and-set is the fence: however many members believe they own a partition, each
range of offsets is applied once. The group's own offsets are committed for lag tools, and never trusted.
"""

import asyncio
import logging
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, assert_never

from aiokafka.structs import TopicPartition
from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorClientSession
from pydantic import TypeAdapter
from pymongo import WriteConcern
from pymongo.read_concern import ReadConcern

from chassis.messaging.checkpoints import Checkpoint, Checkpoints, Moved
from chassis.messaging.deadletters import Graveyard
from chassis.messaging.listening import Listening
from chassis.messaging.patience import TRIES, LetGo, a_few_times, for_ever, is_the_worlds
from chassis.messaging.publisher import Publisher
from chassis.messaging.records import (
    Heard,
    Reader,
    Record,
    Tombstone,
    Unknown,
    Unreadable,
    by_partition,
    fingerprint,
    place,
)
from chassis.telemetry.metrics import ALARMS, HEARD

log = logging.getLogger(__name__)

BATCH = 10_000
PLACING_SECONDS = 30
SNAPSHOT = ReadConcern("snapshot")
MAJORITY = WriteConcern("majority", wtimeout=10_000)


class Projection(Protocol):
    """What is made of events. A new `version` starts from the beginning, with checkpoints of its own."""

    name: str
    version: int

    async def apply(self, session: AsyncIOMotorClientSession, records: Sequence[Heard[Any]]) -> None:
        """Writes what `records` change, inside of the session's transaction.

        They are in order per partition, and any part of a batch may come alone. It reads afresh through the
        session and changes nothing in memory, since the transaction may be undone and done again.
        """
        ...


@dataclass(frozen=True, slots=True)
class _Step:
    """One record, and the event to apply; None if there is nothing to apply but the checkpoint passes it."""

    record: Record
    heard: Heard[Any] | None


class Projecting:
    """Feeds `projection` from `topics`, whose partitions of one number stay together on one member."""

    def __init__(
        self,
        *,
        service: str,
        bootstrap: str,
        group: str,
        topics: Mapping[str, TypeAdapter[Any]],
        projection: Projection,
        client: "AsyncIOMotorClient[dict[str, Any]]",
        database: str,
        publisher: Publisher,
    ) -> None:
        self.name = f"projecting {projection.name}"
        self._service = service
        self._reader = Reader(topics)
        self._projection = projection
        self._client = client
        self._graveyard = Graveyard(service, publisher)
        self._checkpoints = Checkpoints(
            client[database]["checkpoints"], projection.name, projection.version, bootstrap
        )
        self._at: dict[TopicPartition, Checkpoint] = {}
        self._gaps: dict[TopicPartition, int] = {}
        self._stopped: dict[TopicPartition, str] = {}
        self._placing: asyncio.Task[None] | None = None
        self._placing_since = 0.0
        self._listening = Listening(
            service=service,
            bootstrap=bootstrap,
            group=group,
            topics=list(topics),
            work=self._project,
            max_records=BATCH,
            assigned=self._on_assigned,
        )

    async def run(self) -> None:
        """Projects until cancelled; then finishes the batch in hand and leaves the group."""
        try:
            await self._listening.run()
        finally:
            self._stop_placing()

    def trouble(self) -> str | None:
        """Why it is not well, in a sentence; None if it is."""
        for partition, reason in self._stopped.items():
            return f"{partition.topic}-{partition.partition} stands still: {reason}"
        if self._placing is not None and not self._placing.done():
            waited = time.monotonic() - self._placing_since
            if waited > PLACING_SECONDS:
                return f"{self.name}: its checkpoints can't be read for {waited:.0f} s"
        return self._listening.trouble()

    def lag(self) -> int:
        """How many records wait, as of the last look a few seconds ago."""
        return self._listening.lag()

    # Where to go on

    def _on_assigned(self, partitions: frozenset[TopicPartition]) -> None:
        # Not awaited by the rebalance: no heartbeat is sent until that is over, and the database may be away.
        self._stop_placing()
        self._at, self._gaps, self._stopped = {}, {}, {}
        self._listening.leave_out(set())
        self._listening.hold(partitions)
        self._placing_since = time.monotonic()
        self._placing = asyncio.create_task(self._place_all(partitions))

    def _stop_placing(self) -> None:
        if self._placing is not None:
            self._placing.cancel()

    async def _place_all(self, partitions: frozenset[TopicPartition]) -> None:
        try:
            placed = await self._place(partitions)
            self._listening.release(placed)
        except LetGo:
            return
        except Exception as error:
            log.exception("%s: no place to go on from", self.name)
            for partition in partitions:
                self._stop(partition, f"its checkpoint can't be read: {type(error).__name__}")

    async def _place(self, partitions: Collection[TopicPartition]) -> Collection[TopicPartition]:
        """Goes on from the checkpoints of `partitions`; stops those that can't, and returns the others."""
        look = partial(self._checkpoints.place, partitions)
        placed, wrong = await for_ever(look, self._listening.pause, longest=5)
        for partition, checkpoint in placed.items():
            self._go_on_from(partition, checkpoint)
        for partition, reason in wrong.items():
            self._stop(partition, reason)
        return placed

    def _go_on_from(self, partition: TopicPartition, checkpoint: Checkpoint) -> None:
        self._at[partition] = checkpoint
        self._listening.seek(partition, checkpoint.offset)

    def _stop(self, partition: TopicPartition, reason: str) -> None:
        """An alarm, and this partition alone: what is missing must never be skipped in silence."""
        log.error("%s-%s stands still: %s", partition.topic, partition.partition, reason)
        ALARMS.labels(self._service, "partition stopped").inc()
        self._at.pop(partition, None)
        self._stopped[partition] = reason
        self._listening.hold([partition])
        self._listening.leave_out(set(self._stopped))

    # A batch

    async def _project(self, records: Sequence[Record]) -> None:
        fresh: list[Record] = []
        for partition, part in by_partition(records).items():
            fresh += await self._expected(partition, part)
        await self._advance([await self._step(record) for record in fresh])
        for partition, part in by_partition(fresh).items():
            await self._settle(partition, part[-1])
        await self._listening.commit({partition: at.offset for partition, at in self._at.items()})

    async def _expected(self, partition: TopicPartition, part: Sequence[Record]) -> Sequence[Record]:
        """What of `part` goes on from the checkpoint; if nothing does, it is read again from there.

        Other offsets than were asked for mean a lost position, a log that was cut, or compaction's gap:
        the last if, asked once more, Kafka gives the same and the log is in order.
        """
        at = self._at.get(partition)
        if at is None:
            return ()  # not placed yet, or stopped: it comes again if it is wanted
        first = part[0].offset
        if first == at.offset or (first > at.offset and self._gaps.get(partition) == at.offset):
            return part
        await self._place([partition])
        if first > at.offset:
            self._gaps[partition] = at.offset
        return ()

    async def _settle(self, partition: TopicPartition, last: Record) -> None:
        """After a batch: goes on from the checkpoint, if another member has moved it meanwhile."""
        at = self._at.get(partition)
        if at is None and partition not in self._stopped:
            await self._place([partition])
        elif at is not None and at.offset != last.offset + 1:
            self._go_on_from(partition, at)

    async def _step(self, record: Record) -> _Step:
        match self._reader.read(record):
            case Heard() as heard:
                return _Step(record, heard)
            case Unknown():
                self._count(record, "unknown")
            case Tombstone():
                await self._bury(record, "the value is null", 1)
            case Unreadable(cause):
                await self._bury(record, cause, 1)
            case other:
                assert_never(other)
        return _Step(record, None)

    async def _bury(self, record: Record, cause: str, attempts: int) -> None:
        await for_ever(lambda: self._graveyard.bury(record, cause, attempts), self._listening.pause)
        self._count(record, "dead")

    def _count(self, record: Record, outcome: str, number: int = 1) -> None:
        HEARD.labels(self._service, record.topic, outcome).inc(number)

    async def _advance(self, steps: Sequence[_Step]) -> None:
        """Applies `steps`; if they can't be, halves them until the record that is at fault stands alone."""
        if not steps:
            return
        if len(steps) == 1:
            await self._advance_one(steps[0])
            return
        try:
            await self._apply(steps)
        except Exception as error:
            if isinstance(error, LetGo):
                raise
            log.warning("a batch of %s is halved: %s", len(steps), type(error).__name__)
            middle = len(steps) // 2
            await self._advance(steps[:middle])
            await self._advance(steps[middle:])

    async def _advance_one(self, step: _Step) -> None:
        try:
            await a_few_times(lambda: self._apply([step]), self._listening.pause)
        except LetGo:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, only this record may suffer
            await self._give_up(step.record, error)

    async def _give_up(self, record: Record, error: Exception) -> None:
        # Only the kind: a message may quote what a client wrote.
        cause = f"the projection raised {type(error).__name__}"
        log.error("%s:%s:%s: %s", record.topic, record.partition, record.offset, cause)
        ALARMS.labels(self._service, "projection failed").inc()
        await self._bury(record, cause, TRIES)
        await self._apply([_Step(record, None)])

    async def _apply(self, steps: Sequence[_Step]) -> None:
        """One transaction, again as long as the world is at fault or another member was faster."""
        pause = self._listening.pause
        await for_ever(lambda: self._attempt(steps), pause, longest=5, also=(Moved,))
        self._listening.progressed()

    async def _attempt(self, steps: Sequence[_Step]) -> None:
        todo = [step for step in steps if self._is_ahead(step.record)]
        moves = self._moves(todo)
        try:
            await self._transaction(todo, moves)
        except Exception as error:
            if isinstance(error, Moved) or is_the_worlds(error):
                # After a lost race, and after a commit of unknown outcome, the checkpoints are the arbiter.
                await self._refresh(moves)
            raise
        for partition, (old, new) in moves.items():
            if self._at.get(partition) == old:
                self._at[partition] = new
        for step in todo:
            if step.heard is not None:
                self._count(step.record, "applied")

    def _is_ahead(self, record: Record) -> bool:
        at = self._at.get(place(record))
        return at is not None and record.offset >= at.offset

    def _moves(self, steps: Sequence[_Step]) -> dict[TopicPartition, tuple[Checkpoint, Checkpoint]]:
        last = {place(step.record): step.record for step in steps}
        return {
            partition: (self._at[partition], Checkpoint(record.offset + 1, fingerprint(record)))
            for partition, record in last.items()
        }

    async def _transaction(
        self, steps: Sequence[_Step], moves: Mapping[TopicPartition, tuple[Checkpoint, Checkpoint]]
    ) -> None:
        if not moves:
            return
        async with (
            await self._client.start_session() as session,
            session.start_transaction(read_concern=SNAPSHOT, write_concern=MAJORITY),
        ):
            for partition, (old, new) in moves.items():
                await self._checkpoints.move(session, partition, old, new)
            if heard := [step.heard for step in steps if step.heard is not None]:
                await self._projection.apply(session, heard)

    async def _refresh(self, partitions: Collection[TopicPartition]) -> None:
        """Takes over where others have moved the checkpoints to; where they went back, forgets its place."""
        found = await self._checkpoints.read(partitions)
        for partition in partitions:
            known, now = self._at.get(partition), found.get(partition)
            if known is None:
                continue
            if now is None or now.offset < known.offset:
                del self._at[partition]
            else:
                self._at[partition] = now
