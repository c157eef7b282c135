"""Whether the key topics were read to their present end; before that a missing key may be on its way."""

import asyncio
from collections.abc import Collection

import structlog
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from aiokafka.structs import TopicPartition

from chassis.messaging.peeking import reader

WITHIN_SECONDS = 5

log = structlog.stdlib.get_logger(__name__)


class KeyTopics:
    """Compares what the group has committed, on whichever replica, with the ends of its topics."""

    def __init__(self, bootstrap: str, group: str, topics: Collection[str]) -> None:
        self._bootstrap = bootstrap
        self._group = group
        self._topics = tuple(topics)

    async def read_to_end(self) -> bool:
        """Whether everything said up to this call was learnt; False too if Kafka can't be asked."""
        try:
            async with asyncio.timeout(WITHIN_SECONDS):
                return await self._asked()
        except (KafkaError, OSError, TimeoutError) as error:
            log.warning("key_topics_not_asked", error=type(error).__name__)
            return False

    async def _asked(self) -> bool:
        known, committed = await self._known()
        if {partition.topic for partition in known} != set(self._topics):
            return False
        unread = await self._unread(known)
        return all(committed.get(partition, 0) >= end for partition, end in unread.items())

    async def _known(self) -> tuple[list[TopicPartition], dict[TopicPartition, int]]:
        """The partitions of the topics, and how far the group has come."""
        admin = AIOKafkaAdminClient(bootstrap_servers=self._bootstrap)
        try:
            await admin.start()
            topics = await admin.describe_topics(list(self._topics))
            offsets = await admin.list_consumer_group_offsets(self._group)
        finally:
            await admin.close()
        partitions = [
            TopicPartition(topic["topic"], partition["partition"])
            for topic in topics
            for partition in topic["partitions"]
        ]
        return partitions, {partition: place.offset for partition, place in offsets.items()}

    async def _unread(self, partitions: Collection[TopicPartition]) -> dict[TopicPartition, int]:
        """The end of each partition that holds anything."""
        async with reader(self._bootstrap) as consumer:
            ends = await consumer.end_offsets(list(partitions))
            starts = await consumer.beginning_offsets(list(partitions))
        return {partition: end for partition, end in ends.items() if end > starts[partition]}
