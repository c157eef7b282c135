"""Projects the log into a generation that nobody reads yet: partition by partition, side by side in time."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from aiokafka.structs import TopicPartition
from motor.motor_asyncio import AsyncIOMotorClientSession
from tenacity import retry, retry_if_exception, stop_after_attempt, wait_random_exponential

from analytics.messaging.partition_work import Deployment
from analytics.messaging.verification import FETCH_BYTES
from analytics.read_models.generations import BuiltElsewhere
from analytics.read_models.projection import LiveChatProjection
from chassis.errors import CheckpointConflict
from chassis.kafka.checkpointed_consumer import Step
from chassis.kafka.checkpoints import COLLECTION, Checkpoint, Checkpoints
from chassis.kafka.clients import partitions_of
from chassis.kafka.records import EventDecoder, ReceivedEvent, Record, fingerprint
from chassis.kafka.topic_reader import by_time, topic_reader
from chassis.transient import is_transient


class NotRebuilt(Exception):
    """What was built is not as the log says, or the log can't be read; a sentence. The old one serves on."""


@retry(
    retry=retry_if_exception(is_transient),
    wait=wait_random_exponential(0.1, max=5),
    stop=stop_after_attempt(10),
    reraise=True,
)
async def fill_number(deployment: Deployment, number: int, *, generation: int, at_once: int) -> None:
    """Projects the partitions with this number up to their present ends."""
    filling = Filling(deployment, generation, at_once)
    await filling.locate(number)
    await filling.advance(await filling.ends())


class Filling:
    """Projects the log into a generation that nobody reads yet."""

    def __init__(self, deployment: Deployment, generation: int, at_once: int) -> None:
        self.at: dict[TopicPartition, Checkpoint] = {}
        self._deployment, self._at_once = deployment, at_once
        self._decoder = EventDecoder(deployment.topics)
        self._projection = LiveChatProjection(deployment.database, generation)
        self._checkpoints = Checkpoints(
            deployment.database[COLLECTION],
            self._projection.name,
            self._projection.version,
            deployment.connection,
        )

    async def locate(self, number: int | None = None) -> None:
        """Goes on from the checkpoints, of the partitions with this number or of all."""
        partitions = [
            each
            for each in await partitions_of(self._deployment.connection, self._deployment.topics)
            if number in {None, each.partition}
        ]
        self.at, wrong = await self._checkpoints.locate(partitions)
        for partition, reason in wrong.items():
            raise NotRebuilt(f"{partition.topic}-{partition.partition}: {reason}")
        await self._checkpoints.fence_previous_owner(partitions)

    async def ends(self) -> Mapping[TopicPartition, int]:
        """Where the log ends."""
        async with topic_reader(self._deployment.connection, self.at) as consumer:
            ends: Mapping[TopicPartition, int] = await consumer.end_offsets(list(self.at))
        return ends

    async def done(self) -> int:
        """How many events were applied, by whomever."""
        found = await self._checkpoints.read(self.at)
        return sum(checkpoint.offset for checkpoint in found.values())

    async def advance(self, ends: Mapping[TopicPartition, int]) -> None:
        """Projects up to these ends; reads and decodes while what was decoded before is written."""
        writing: asyncio.Task[None] | None = None
        steps: list[Step] = []
        try:
            async for some in self.read(ends):
                steps += some
                if len(steps) >= self._at_once:
                    if writing:
                        await writing
                    writing, steps = asyncio.create_task(self._apply(steps)), []
        finally:
            if writing:
                await writing
        if steps:
            await self._apply(steps)

    async def read(self, ends: Mapping[TopicPartition, int]) -> AsyncIterator[list[Step]]:
        """What is missing up to these ends."""
        missing = {each: end for each, end in ends.items() if each in self.at and self.at[each].offset < end}
        if not missing:
            return
        async with topic_reader(self._deployment.connection, missing, fetch_bytes=FETCH_BYTES) as consumer:
            for partition in missing:
                consumer.seek(partition, self.at[partition].offset)
            async for records in by_time(consumer, missing):
                yield [Step(record, self._event(record)) for record in records]

    async def apply_in(self, session: AsyncIOMotorClientSession, steps: Sequence[Step]) -> None:
        """Moves the checkpoints past these records and writes what they change, in a transaction.

        Raises CheckpointConflict if somebody else has moved any of them, also one that stays where it is.
        `at` isn't moved: that is `passed`, once it is committed.
        """
        after = _after(steps)
        moves = {partition: (at, after.get(partition, at)) for partition, at in self.at.items()}
        await self._checkpoints.move(session, moves)
        if events := [step.read for step in steps if isinstance(step.read, ReceivedEvent)]:
            await self._projection.apply(session, events)

    def passed(self, steps: Sequence[Step]) -> None:
        """The transaction was committed."""
        self.at |= _after(steps)

    def _event(self, record: Record) -> ReceivedEvent[Any] | None:
        decoded = self._decoder.read(record)
        return decoded if isinstance(decoded, ReceivedEvent) else None

    async def _apply(self, steps: Sequence[Step]) -> None:
        try:
            async with self._checkpoints.fencing.transaction() as session:
                await self.apply_in(session, steps)
        except CheckpointConflict:
            raise BuiltElsewhere from None
        except Exception as error:
            if is_transient(error):
                raise
            first = steps[0].record
            where = f"{len(steps)} records from {first.topic}-{first.partition} {first.offset} on"
            raise NotRebuilt(f"the projection raised {type(error).__name__}, among {where}") from error
        self.passed(steps)


def _after(steps: Sequence[Step]) -> dict[TopicPartition, Checkpoint]:
    """The checkpoints behind these records."""
    last = {(step.record.topic, step.record.partition): step.record for step in steps}
    return {
        TopicPartition(*of): Checkpoint(record.offset + 1, fingerprint(record), record.timestamp)
        for of, record in last.items()
    }
