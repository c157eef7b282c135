"""Beats: Kafka rolls and compacts a segment only when something is appended after it.

`segment.ms` and `max.compaction.lag.ms` are looked at when a record arrives: in a partition in which nothing
happens any more, a deleted key would stay on disk for ever.
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

NUDGE_KEY = "beat"
FETCH_BYTES = 16 * 1024
FETCH_MS = 1_000


@dataclass(frozen=True)
class KeyLocation:
    """Where a record of the key `kid` was written; the offset is -1 if Kafka could not tell."""

    kid: str
    partition: int
    offset: int


def compaction_nudges(topic: str, source: str, partitions: Collection[int]) -> list[ProducerRecord]:
    """One beat a partition. All have one key, so they are compacted themselves."""
    beat = CompactionNudge()
    envelope = Envelope(
        id=NUDGE_KEY, type=beat.type, source=source, time=datetime.now(UTC), subject=NUDGE_KEY, sequence=1
    )
    value, headers = beat.model_dump_json().encode(), envelope.to_headers()
    return [ProducerRecord(topic, NUDGE_KEY, value, headers, partition) for partition in sorted(partitions)]


async def compacted_away(
    connection: KafkaConnection, topic: str, places: Sequence[KeyLocation]
) -> set[KeyLocation]:
    """Those of `places` at which their record is no longer found. Raises KafkaError."""
    partitions = [TopicPartition(topic, place.partition) for place in places]
    async with topic_reader(connection, partitions, fetch_bytes=FETCH_BYTES) as consumer:
        return {place for place in places if not await _still_there(consumer, topic, place)}


async def _still_there(consumer: AIOKafkaConsumer, topic: str, place: KeyLocation) -> bool:
    partition = TopicPartition(topic, place.partition)
    consumer.assign([partition])
    consumer.seek(partition, place.offset)
    fetched = await consumer.getmany(partition, timeout_ms=FETCH_MS, max_records=1)
    if not (records := fetched.get(partition)):
        return True  # nothing came, so nothing is known: the next look will tell
    first = records[0]
    return bool(first.offset == place.offset and first.key == place.kid.encode() and first.value is not None)
