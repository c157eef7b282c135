"""How far behind: how many records wait to be received, and how old the oldest of them is."""

import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from aiokafka.structs import TopicPartition

from chassis.kafka.records import Record
from chassis.telemetry.metrics import LAG_RECORDS, LAG_SECONDS


class Lag:
    """What `candor_lag_records` and `candor_lag_seconds` say of `topics`.

    While a batch is in hand, the age is exact. Otherwise nobody knows when the oldest was written, only that
    it was after the record received last, and after nothing waited: the age counts from there.
    """

    def __init__(self, service: str, topics: Sequence[str], *, now: Callable[[], float] = time.time) -> None:
        self._service = service
        self._topics = topics
        self._now = now
        self._behind: Mapping[TopicPartition, int] = {}
        self._after: dict[TopicPartition, float] = {}

    def assigned(self, partitions: Collection[TopicPartition]) -> None:
        """Nothing is known of new partitions, and of lost ones no longer."""
        self._behind = {}
        self._after = {partition: at for partition, at in self._after.items() if partition in partitions}

    def reached(self, records: Collection[Record]) -> None:
        """Each of these is the oldest of its partition that was not received, or the newest that was."""
        for record in records:
            self._after[TopicPartition(record.topic, record.partition)] = record.timestamp / 1000

    def seen(self, behind: Mapping[TopicPartition, int]) -> None:
        """So many records wait, per partition, as of now."""
        self._behind = behind
        for partition, count in behind.items():
            if count:
                self._after.setdefault(partition, self._now())
            else:
                self._after[partition] = self._now()

    def waiting(self, *, without: Collection[TopicPartition] = ()) -> int:
        """How many records wait, as of the last look."""
        return sum(count for partition, count in self._behind.items() if partition not in without)

    def age(self) -> float:
        """How old the oldest record is that waits, in seconds; 0 if none does."""
        return self._age(partition for partition, count in self._behind.items() if count)

    def report(self) -> None:
        """Tells Prometheus; also while the broker can't be asked, since what waits grows older."""
        for topic in self._topics:
            own = {part: count for part, count in self._behind.items() if count and part.topic == topic}
            LAG_RECORDS.labels(self._service, topic).set(sum(own.values()))
            LAG_SECONDS.labels(self._service, topic).set(self._age(own))

    def _age(self, partitions: Iterable[TopicPartition]) -> float:
        oldest = min((self._after[partition] for partition in partitions), default=None)
        return 0.0 if oldest is None else max(0.0, self._now() - oldest)
