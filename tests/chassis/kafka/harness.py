"""A small harness of notes: topics of the test's own, somebody who says notes, and ways to wait."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Protocol
from uuid import uuid4

from aiokafka.admin import NewTopic
from aiokafka.errors import GroupCoordinatorNotAvailableError
from prometheus_client import REGISTRY
from pydantic import Field, TypeAdapter

from chassis.kafka import clients
from chassis.kafka.connection import KafkaConnection
from chassis.kafka.dead_letters import DeadLetter, dead_letters
from chassis.kafka.event_consumer import EventConsumer
from chassis.kafka.publisher import ProducerRecord, Publisher, RecordMetadata
from chassis.kafka.records import ReceivedEvent
from contracts.envelope import Envelope, Event


class RecordedProgress(Event):
    type: Literal["test.noted.v1"] = "test.noted.v1"
    number: int
    text: str = ""


class Erased(Event):
    type: Literal["test.erased.v1"] = "test.erased.v1"


Notes: TypeAdapter[Any] = TypeAdapter(Annotated[RecordedProgress | Erased, Field(discriminator="type")])

Handler = Callable[[ReceivedEvent[Any]], Awaitable[None]]


class KafkaHarness:
    def __init__(self, kafka: KafkaConnection) -> None:
        self.kafka = kafka
        self.service = f"test{uuid4().hex[:8]}"
        self.notes = f"{self.service}.notes"
        self.dead = f"candor.{self.service}.dead"
        self.replay = f"candor.{self.service}.replay"
        self.group = f"{self.service}.group"
        self.publisher = Publisher(kafka, "harness")

    async def create(self, partitions: int = 4) -> None:
        await create(self.kafka, {self.notes: partitions, self.dead: 1, self.replay: partitions})

    def consumer(
        self,
        handler: Handler,
        *,
        topics: Sequence[str] = (),
    ) -> EventConsumer:
        return EventConsumer(
            service=self.service,
            connection=self.kafka,
            group=self.group,
            topics=dict.fromkeys(topics or [self.notes], Notes),
            handler=handler,
            publisher=self.publisher,
        )

    async def publish(self, *records: ProducerRecord) -> list[RecordMetadata]:
        return await self.publisher.publish(records)

    def note(self, key: str, number: int, *, text: str = "", partition: int | None = None) -> ProducerRecord:
        body = RecordedProgress(number=number, text=text).model_dump_json().encode()
        return ProducerRecord(self.notes, key, body, headers("test.noted.v1", key, number), partition)

    def raw(
        self,
        key: str,
        value: bytes | None,
        changed: Mapping[str, bytes | None] | None = None,
        *,
        named: str = "test.noted.v1",
    ) -> ProducerRecord:
        own: dict[str, bytes | None] = {**dict(headers(named, key, 1)), **(changed or {})}
        return ProducerRecord(self.notes, key, value, list(own.items()))

    async def letters(self) -> list[DeadLetter]:
        return await dead_letters(self.service, self.kafka)

    def counted(self, metric: str, **labels: str) -> float:
        return REGISTRY.get_sample_value(metric, {"service": self.service, **labels}) or 0.0


def headers(named: str, key: str, number: int) -> list[tuple[str, bytes]]:
    return Envelope(
        id=f"{key}:{number}", type=named, source="/test", time=datetime.now(UTC), subject=key, sequence=1
    ).to_headers()


async def create(kafka: KafkaConnection, topics: Mapping[str, int]) -> None:
    async with clients.admin(kafka) as admin:
        await admin.create_topics([NewTopic(name, partitions, 1) for name, partitions in topics.items()])


async def committed(harness: KafkaHarness) -> int:
    """Up to where the group has committed, in all partitions together."""
    async with clients.admin(harness.kafka) as admin:
        try:
            offsets = await admin.list_consumer_group_offsets(harness.group)
        except GroupCoordinatorNotAvailableError:
            return 0  # a fresh broker makes the topic of offsets when the first group comes
    return sum(at.offset for at in offsets.values())


class Runs(Protocol):
    async def run(self) -> None: ...


@asynccontextmanager
async def running(*parts: Runs) -> AsyncIterator[None]:
    """Runs parts beside the test and stops them gracefully, as the service does."""
    tasks = [asyncio.create_task(part.run()) for part in parts]
    try:
        yield
    finally:
        for task in tasks:
            await stopped(task)


async def stopped(task: "asyncio.Task[None]") -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
