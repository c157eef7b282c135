"""Records of several partitions, side by side in time."""

from collections.abc import Mapping

from aiokafka.structs import ConsumerRecord, TopicPartition

from chassis.kafka.records import Record
from chassis.kafka.topic_reader import by_time

A, B = TopicPartition("a", 0), TopicPartition("b", 0)


class Log:
    """A consumer of a log that is given: some records a poll, of the partitions that are asked for."""

    def __init__(self, timestamps: Mapping[TopicPartition, list[int]], at_once: int) -> None:
        self.records = {
            partition: [
                ConsumerRecord(partition.topic, 0, offset, at, 0, b"key", b"value", None, 3, 5, ())
                for offset, at in enumerate(moments)
            ]
            for partition, moments in timestamps.items()
        }
        self.at, self.at_once, self.held = dict.fromkeys(timestamps, 0), at_once, 0

    async def position(self, partition: TopicPartition) -> int:
        return self.at[partition]

    async def getmany(
        self, *partitions: TopicPartition, timeout_ms: int
    ) -> dict[TopicPartition, list[Record]]:
        assert timeout_ms
        found: dict[TopicPartition, list[Record]] = {}
        for partition in partitions:
            start = self.at[partition]
            found[partition] = self.records[partition][start : start + self.at_once]
            self.at[partition] += len(found[partition])
        return found


async def read(
    log: Log, ends: Mapping[TopicPartition, int] | None = None
) -> list[list[tuple[str, int, int]]]:
    bounds = ends or {partition: len(records) for partition, records in log.records.items()}
    return [
        [(each.topic, each.offset, each.timestamp) for each in some] async for some in by_time(log, bounds)
    ]


async def test_what_was_published_at_one_time_comes_together_in_order_per_partition() -> None:
    log = Log({A: [1, 2, 3, 4, 5, 6], B: [2, 6]}, at_once=2)
    some = await read(log)
    assert some[0] == [("a", 0, 1), ("a", 1, 2), ("b", 0, 2)]
    assert [each for part in some for each in part if each[0] == "a"] == [("a", n, n + 1) for n in range(6)]
    assert some[-1][-1] == ("b", 1, 6)


async def test_clocks_that_jump_hold_nothing_up() -> None:
    some = await read(Log({A: [5, 9, 3, 1, 7], B: [4, 4, 4, 100, 2]}, at_once=2))
    for topic in "ab":
        assert [offset for part in some for name, offset, _ in part if name == topic] == list(range(5))


async def test_nothing_beyond_the_ends() -> None:
    assert await read(Log({A: [1, 2, 3], B: [1]}, at_once=10), {A: 2, B: 0}) == [[("a", 0, 1), ("a", 1, 2)]]
    assert await read(Log({A: [], B: []}, at_once=10)) == []
