"""Reads topics without a group, for commands and checks: it commits nothing and nobody notices."""

from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaTimeoutError, UnknownTopicOrPartitionError
from aiokafka.structs import TopicPartition

from chassis.kafka.by_time import take_by_time
from chassis.kafka.clients import partitions_of, reader
from chassis.kafka.connection import KafkaConnection
from chassis.kafka.records import Record, partition_of

POLL_MS = 500
IDLE_POLLS = 20
PEEK_BYTES = 16 * 1024


@asynccontextmanager
async def topic_reader(
    connection: KafkaConnection, partitions: Collection[TopicPartition], *, fetch_bytes: int = 1024 * 1024
) -> AsyncIterator[AIOKafkaConsumer]:
    """A consumer to which `partitions` are assigned, of topics that may be read. Raises KafkaError."""
    await partitions_of(connection, {partition.topic for partition in partitions})
    async with reader(
        connection, auto_offset_reset="earliest", max_partition_fetch_bytes=fetch_bytes
    ) as consumer:
        consumer.assign(list(partitions))  # which asserts that it is one
        yield consumer


async def all_records(connection: KafkaConnection, topic: str) -> list[Record]:
    """Everything on `topic` up to its present end, in order per partition; [] if there is no such topic."""
    try:
        partitions = await partitions_of(connection, [topic])
    except UnknownTopicOrPartitionError:
        return []
    async with topic_reader(connection, partitions) as consumer:
        await consumer.seek_to_beginning(*partitions)
        ends = await consumer.end_offsets(partitions)
        records: list[Record] = []
        while any([await consumer.position(partition) < end for partition, end in ends.items()]):
            for part in (await consumer.getmany(timeout_ms=POLL_MS)).values():
                records += [record for record in part if record.offset < ends[partition_of(record)]]
        return records


async def by_time(
    consumer: AIOKafkaConsumer, ends: Mapping[TopicPartition, int]
) -> AsyncIterator[list[Record]]:
    """The records before the `ends`, from where the consumer stands; of all partitions side by side in time.

    What was published at about the same time comes together, although one partition may hold many times the
    bytes of another; in order per partition. Raises KafkaError.
    """
    waiting: dict[TopicPartition, list[Record]] = {partition: [] for partition in ends}
    while True:
        unread = {part for part, end in ends.items() if await consumer.position(part) < end}
        if hungry := [partition for partition in unread if not waiting[partition]]:
            for partition, part in (await consumer.getmany(*hungry, timeout_ms=POLL_MS)).items():
                waiting[partition] = [record for record in part if record.offset < ends[partition]]
            continue
        if not any(waiting.values()):
            return
        yield take_by_time(waiting, unread)


async def record_at(
    connection: KafkaConnection, offsets: Mapping[TopicPartition, int]
) -> dict[TopicPartition, Record]:
    """The first record at or after each offset, which must lie before the partition's end."""
    found: dict[TopicPartition, Record] = {}
    if not offsets:
        return found
    async with topic_reader(connection, list(offsets), fetch_bytes=PEEK_BYTES) as consumer:
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
