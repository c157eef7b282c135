"""Projects events into MongoDB with an exactly-once effect, and finds the record that is at fault."""

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, Protocol

import structlog
from aiokafka.structs import TopicPartition
from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorClientSession
from pydantic import TypeAdapter

from chassis.errors import PartitionsRevoked
from chassis.kafka.batch_subscriber import SubscriberOptions
from chassis.kafka.checkpointed_consumer import BATCH, CheckpointedConsumer, Moves, Step, steps_by_partition
from chassis.kafka.checkpoints import COLLECTION, Checkpoints
from chassis.kafka.connection import KafkaConnection
from chassis.kafka.publisher import Publisher
from chassis.kafka.records import ReceivedEvent
from chassis.kafka.retry import retry_limited
from chassis.kafka.subscription import nothing
from chassis.telemetry.metrics import Alarm

log = structlog.stdlib.get_logger(__name__)

COMMIT_SECONDS: Final = 1.0
"""How often the group's own offsets are committed: for tools that show lag; nothing else goes by them."""


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


class ProjectionRunner(CheckpointedConsumer):
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
        wanted = SubscriberOptions(service, connection, group, tuple(topics), BATCH)
        checkpoints = Checkpoints(
            client[database][COLLECTION], projection.name, projection.version, connection
        )
        super().__init__(f"projecting {projection.name}", wanted, topics, publisher, checkpoints, on_conflict)
        self._projection = projection
        self._on_applied = on_applied
        self._committed: Mapping[TopicPartition, int] = {}
        self._committed_at = -COMMIT_SECONDS

    def switch(self, projection: Projection) -> None:
        """Goes on with another version of the projection, where its own checkpoints are.

        Those of the version before have to be gone by now: its transactions in hand must not commit.
        """
        self._projection = projection
        self._checkpoints.use(projection.name, projection.version)
        self._positions.locate_again()

    async def _between_batches(self) -> None:
        if time.monotonic() - self._committed_at < COMMIT_SECONDS:
            return
        offsets = {partition: at.offset for partition, at in self._positions.at.items()}
        if offsets != self._committed:
            await self._subscription.commit(offsets)
            self._committed, self._committed_at = offsets, time.monotonic()

    async def _advance(self, steps: Sequence[Step]) -> None:
        """Applies `steps`; a partition that can't be applied, up to the first record that is at fault.

        What comes after that one is read again, so that other partitions never wait for more than one.
        """
        if not await self._applied(steps):
            parts = steps_by_partition(steps)
            # All that are well first.
            for part in [part for part in parts.values() if len(parts) == 1 or not await self._applied(part)]:
                await self._advance_to_fault(part)

    async def _advance_to_fault(self, part: Sequence[Step]) -> None:
        while len(part) > 1:
            middle = len(part) // 2
            part = part[middle:] if await self._applied(part[:middle]) else part[:middle]
        try:
            await retry_limited(lambda: self._apply(part), self._subscription.backoff)
        except PartitionsRevoked:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, only this record may suffer
            record = part[0].record
            outcome = await self._give_up(record, error, "projection", Alarm.PROJECTION_FAILED)
            await self._apply([part[0]._replace(read=None, outcome=outcome)])

    async def _applied(self, steps: Sequence[Step]) -> bool:
        try:
            await self._apply(steps)
        except PartitionsRevoked:
            raise
        except Exception as error:  # noqa: BLE001 - the record at fault is looked for
            log.warning("batch_not_applied", records=len(steps), error=type(error).__name__)
            return False
        return True

    async def _transaction(self, steps: Sequence[Step], moves: Moves) -> None:
        async with self._checkpoints.fencing.transaction() as session:
            projection = self._projection
            await self._checkpoints.move(session, moves)
            if received := [step.read for step in steps if isinstance(step.read, ReceivedEvent)]:
                await projection.apply(session, received)
        self._on_applied()
