"""Reads topics without a group, for commands and checks: it commits nothing and nobody notices."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaTimeoutError
from aiokafka.structs import TopicPartition

from chassis.kafka.records import Record, partition_of
from chassis.kafka.startup import started

POLL_MS = 500
IDLE_POLLS = 20
PEEK_BYTES = 16 * 1024


@asynccontextmanager
async def topic_reader(bootstrap: str, *, fetch_bytes: int = 1024 * 1024) -> AsyncIterator[AIOKafkaConsumer]:
    """A started consumer outside of any group, with nothing assigned. Raises KafkaError."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        fetch_max_wait_ms=50,
        max_partition_fetch_bytes=fetch_bytes,
    )
    try:
        await started(consumer.start())
        yield consumer
    finally:
        await consumer.stop()


async def all_records(bootstrap: str, topic: str) -> list[Record]:
    """Everything on `topic` up to its present end, in order per partition; [] if there is no such topic."""
    if not (partitions := await _partitions(bootstrap, topic)):
        return []
    async with topic_reader(bootstrap) as consumer:
        consumer.assign(partitions)
        await consumer.seek_to_beginning(*partitions)
        ends = await consumer.end_offsets(partitions)
        records: list[Record] = []
        while await _before(consumer, ends):
            for part in (await consumer.getmany(timeout_ms=POLL_MS)).values():
                records += [record for record in part if record.offset < ends[partition_of(record)]]
        return records


async def record_at(bootstrap: str, offsets: Mapping[TopicPartition, int]) -> dict[TopicPartition, Record]:
    """The first record at or after each offset, which must lie before the partition's end."""
    found: dict[TopicPartition, Record] = {}
    if not offsets:
        return found
    async with topic_reader(bootstrap, fetch_bytes=PEEK_BYTES) as consumer:
        consumer.assign(list(offsets))
        for partition, offset in offsets.items():
            consumer.seek(partition, offset)
        idle = 0
        while len(found) < len(offsets):
            brought = await consumer.getmany(timeout_ms=POLL_MS)
            for partition, part in brought.items():
                found.setdefault(partition, part[0])
                consumer.pause(partition)
            # A poll may bring a single partition, and there may be hundreds.
            idle = 0 if brought else idle + 1
            if idle == IDLE_POLLS:
                raise KafkaTimeoutError("not every record could be read")
    return found


async def _partitions(bootstrap: str, topic: str) -> list[TopicPartition]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        await started(admin.start())
        [described] = await admin.describe_topics([topic])
        return [TopicPartition(topic, part["partition"]) for part in described["partitions"]]
    finally:
        await admin.close()


async def _before(consumer: AIOKafkaConsumer, ends: Mapping[TopicPartition, int]) -> bool:
    return any([await consumer.position(partition) < end for partition, end in ends.items()])
