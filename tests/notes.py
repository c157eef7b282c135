"""What would go to Kafka, taken down in order: a publisher for tests that need no broker."""

from collections.abc import Sequence

from chassis.kafka.connection import KafkaConnection
from chassis.kafka.publisher import ProducerRecord, Publisher, RecordMetadata


class Notes(Publisher):
    """Acknowledges whatever it is given, and keeps it."""

    def __init__(self) -> None:
        super().__init__(KafkaConnection(servers="nowhere:1"), "notes")
        self.records: list[ProducerRecord] = []

    async def publish(self, records: Sequence[ProducerRecord]) -> list[RecordMetadata]:
        self.records.extend(records)
        return [RecordMetadata(0, len(self.records))] * len(records)
