"""Records of several partitions, side by side in time."""

from collections.abc import Mapping

from aiokafka.structs import ConsumerRecord, TopicPartition

from chassis.kafka.by_time import MOST_HELD, HeldBack
from chassis.kafka.records import Record
from chassis.kafka.topic_reader import by_time


def record(partition: TopicPartition, offset: int, at: int) -> Record:
    return ConsumerRecord(partition.topic, 0, offset, at, 0, b"key", b"value", None, 3, 5, ())


A, B, C = (TopicPartition(topic, 0) for topic in "abc")


class Log:
    """A consumer of a log that is given: some records a poll, of the partitions that are asked for."""

    def __init__(self, timestamps: Mapping[TopicPartition, list[int]], at_once: int) -> None:
        self.records = {
            partition: [record(partition, offset, at) for offset, at in enumerate(moments)]
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


def worked_on(
    held: HeldBack, records: list[Record], unread: list[TopicPartition], **offsets: int
) -> list[tuple[str, int]]:
    """`offsets` are where topics go on, if not where their records do."""
    goes_on = {A: 0, B: 0, C: 0} | {TopicPartition(topic, 0): offset for topic, offset in offsets.items()}
    return sorted((each.topic, each.offset) for each in held.take(held.joined(records, goes_on), unread))


def test_what_is_ahead_is_held_until_the_others_have_come_as_far() -> None:
    held = HeldBack()
    ahead = [record(A, offset, at) for offset, at in enumerate([1, 5, 9])]
    assert worked_on(held, [*ahead, record(B, 0, 4)], [B]) == [("a", 0), ("b", 0)]
    assert worked_on(held, [record(B, 1, 6), record(A, 3, 10)], [B], a=1, b=1) == [("a", 1), ("b", 1)]
    assert worked_on(held, [record(A, 4, 11)], [], a=2) == [("a", 2), ("a", 3), ("a", 4)]
    assert worked_on(held, [], []) == []


def test_of_a_partition_that_has_not_come_yet_everything_may_be_behind() -> None:
    held = HeldBack()
    assert worked_on(held, [record(A, 0, 1)], [B]) == []
    assert worked_on(held, [record(B, 0, 2)], []) == [("a", 0), ("b", 0)]


def test_the_last_of_several_in_time_holds_all_others() -> None:
    held = HeldBack()
    some = [record(A, 0, 1), record(A, 1, 3), record(B, 0, 2), record(C, 0, 5)]
    assert worked_on(held, some, [B, C]) == [("a", 0), ("b", 0)]


def test_what_is_read_again_comes_once() -> None:
    held = HeldBack()
    assert worked_on(held, [record(A, 3, 7), record(A, 4, 8)], [B], a=3) == []
    assert worked_on(held, [record(A, 3, 7)], [], a=3) == [("a", 3)]


def test_what_was_not_done_takes_along_what_was_held_behind_it() -> None:
    """Else the checkpoint would pass it, as if compaction had left a gap."""
    held = HeldBack()
    some = [record(A, 3, 1), record(A, 4, 8), record(B, 0, 2)]
    assert worked_on(held, some, [B], a=3) == [("a", 3), ("b", 0)]
    assert worked_on(held, [record(B, 1, 3)], [], a=3, b=1) == [("b", 1)]


def test_no_more_is_held_than_fits() -> None:
    held, many = HeldBack(), [record(A, offset, offset) for offset in range(MOST_HELD)]
    assert worked_on(held, many, [B]) == []
    assert len(worked_on(held, [record(A, MOST_HELD, MOST_HELD)], [B])) == MOST_HELD + 1
