"""The real broker: topics of a test's own, records on them, and ways to wait."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any
from uuid import uuid4

from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from chassis.kafka.connection import KafkaConnection
from chassis.kafka.publisher import ProducerRecord
from chassis.service import BackgroundTask
from contracts.envelope import Envelope
from contracts.topics import dead
from tests.analytics.builders import NOON


@asynccontextmanager
async def running(part: BackgroundTask) -> AsyncIterator[None]:
    task = asyncio.create_task(part.run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def topics(kafka: KafkaConnection, *names: str) -> tuple[str, ...]:
    made = tuple(f"{name}-{uuid4().hex[:8]}" for name in names)
    await create(kafka, *made)
    return made


async def a_service(kafka: KafkaConnection) -> str:
    """A service of the test's own, which has a topic for its dead letters."""
    service = f"test{uuid4().hex[:8]}"
    await create(kafka, dead(service).name)
    return service


async def create(kafka: KafkaConnection, *names: str) -> None:
    admin = AIOKafkaAdminClient(**kafka.options())
    await admin.start()
    await admin.create_topics([NewTopic(name, 3, 1) for name in names])
    await admin.close()


def record(topic: str, key: str, event: Any, number: int) -> ProducerRecord:
    envelope = Envelope(
        id=f"{key}:{number}", type=event.type, source="/candor/test", time=NOON, subject=key, sequence=1
    )
    return ProducerRecord(topic, key, event.model_dump_json().encode(), envelope.to_headers())
