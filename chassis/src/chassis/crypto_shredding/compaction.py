"""Compaction of key topics: has Kafka compact the segments that hold a deleted key, and sees whether it did.

Kafka looks at `segment.ms` and `max.compaction.lag.ms` when a record arrives: in a partition in which
nothing happens any more, a deleted key would stay on disk for ever. So its owner appends nudges.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from aiokafka import AIOKafkaConsumer, TopicPartition

from chassis.kafka.connection import KafkaConnection
from chassis.kafka.publisher import ProducerRecord
from chassis.kafka.topic_reader import topic_reader
from contracts.envelope import Envelope
from contracts.keys import CompactionNudge

NUDGE_KEY = "compaction-nudge"
FETCH_BYTES = 16 * 1024
FETCH_MS = 1_000


@dataclass(frozen=True)
class KeyLocation:
    """Where a record of the key `kid` was written; the offset is -1 if Kafka could not tell."""

    kid: str
    partition: int
    offset: int


def compaction_nudges(topic: str, source: str, partitions: Collection[int]) -> list[ProducerRecord]:
    """One nudge a partition. All have one key, so they are compacted themselves."""
    nudge = CompactionNudge()
    envelope = Envelope(
        id=NUDGE_KEY, type=nudge.type, source=source, time=datetime.now(UTC), subject=NUDGE_KEY, sequence=1
    )
    value, headers = nudge.model_dump_json().encode(), envelope.to_headers()
    return [ProducerRecord(topic, NUDGE_KEY, value, headers, partition) for partition in sorted(partitions)]


async def compacted_away(
    connection: KafkaConnection, topic: str, locations: Sequence[KeyLocation]
) -> set[KeyLocation]:
    """Those of `locations` at which their record is no longer found. Raises KafkaError."""
    partitions = [TopicPartition(topic, location.partition) for location in locations]
    async with topic_reader(connection, partitions, fetch_bytes=FETCH_BYTES) as consumer:
        return {location for location in locations if not await _still_there(consumer, topic, location)}


async def _still_there(consumer: AIOKafkaConsumer, topic: str, location: KeyLocation) -> bool:
    partition = TopicPartition(topic, location.partition)
    consumer.assign([partition])
    consumer.seek(partition, location.offset)
    fetched = await consumer.getmany(partition, timeout_ms=FETCH_MS, max_records=1)
    if not (records := fetched.get(partition)):
        return True  # nothing came, so nothing is known: the next look will tell
    first = records[0]
    return bool(
        first.offset == location.offset and first.key == location.kid.encode() and first.value is not None
    )
