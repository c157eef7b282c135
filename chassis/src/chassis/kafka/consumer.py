"""What every strategy of consuming shares: a subscription, decoding, and a place for what is no event."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import structlog
from aiokafka.structs import TopicPartition
from faststream.kafka import KafkaBroker
from pydantic import TypeAdapter

from chassis.kafka.batch_subscriber import SubscriberOptions
from chassis.kafka.dead_letters import DeadLetterQueue
from chassis.kafka.publisher import Publisher
from chassis.kafka.records import (
    EventDecoder,
    MalformedRecord,
    ReceivedEvent,
    Record,
    Tombstone,
    UnknownType,
    location_of,
)
from chassis.kafka.retry import TRIES, retry_forever
from chassis.kafka.subscription import Subscription
from chassis.telemetry.metrics import Alarm, raise_alarm

log = structlog.stdlib.get_logger(__name__)


class Consumer:
    """Subscribes to `topics`, with the events of each; how batches are worked through is the strategy's."""

    keeps_tombstones = False
    """A null value is otherwise no event."""

    def __init__(
        self,
        name: str,
        wanted: SubscriberOptions,
        topics: Mapping[str, TypeAdapter[Any]],
        publisher: Publisher,
    ) -> None:
        self.name = name
        self.topics = topics
        self._service = wanted.service
        self._decoder = EventDecoder(topics)
        self._dead_letters = DeadLetterQueue(wanted.service, publisher, topics)
        self._subscription = Subscription(
            wanted, self._process, self._on_assigned, self._on_looked, self._between_batches
        )

    def declare(self, broker: KafkaBroker) -> None:
        """Declares at `broker` what is subscribed to, as it runs."""
        self._subscription.declare(broker)

    async def run(self) -> None:
        """Consumes until cancelled; then finishes the batch in hand, acknowledges it and leaves the group."""
        await self._subscription.run()

    def unhealthy_reason(self) -> str | None:
        """Why it is not well, in a sentence; None if it is."""
        return self._subscription.unhealthy_reason()

    def lag(self) -> int:
        """How many records wait, as of the last look a few seconds ago."""
        return self._subscription.lag()

    def behind_seconds(self) -> float | None:
        """How old the oldest record is that waits; None if nobody knows, as of the last look."""
        return self._subscription.behind_seconds()

    async def _process(self, records: Sequence[Record]) -> None:
        """Works through a batch; whatever it raises lets it be read again."""
        raise NotImplementedError

    def _on_assigned(self, partitions: frozenset[TopicPartition]) -> None:
        """These partitions, and no others, are read now."""

    def _on_looked(self) -> None:
        """The ends of the logs were looked at."""

    async def _between_batches(self) -> None:
        """Called before each fetch, many times a second."""

    async def _read(self, record: Record) -> ReceivedEvent[Any] | Tombstone | str:
        """The event or the tombstone; of anything else, which is dealt with, the outcome for the metric."""
        match self._decoder.read(record):
            case Tombstone() if not self.keeps_tombstones:
                return await self._on_malformed(record, "the value is null")
            case MalformedRecord(cause):
                return await self._on_malformed(record, cause)
            case UnknownType():
                return "unknown"
            case read:
                return read

    async def _on_malformed(self, record: Record, cause: str) -> str:
        return await self._put_aside(record, cause, 1)

    async def _give_up(self, record: Record, error: Exception, what: str, alarm: Alarm) -> str:
        """Puts aside what was tried `TRIES` times, with an alarm; returns the outcome."""
        # Only the kind: a message may quote what a client wrote.
        log.error(alarm.value, **location_of(record), error=type(error).__name__)
        raise_alarm(self._service, alarm)
        return await self._put_aside(record, f"the {what} raised {type(error).__name__}", TRIES)

    async def _put_aside(self, record: Record, cause: str, attempts: int) -> str:
        """Makes a dead letter of it, however long that takes; returns the outcome."""
        put = partial(self._dead_letters.put, record, cause, attempts)
        await retry_forever(put, self._subscription.backoff)
        return "dead"
