"""Brings records of several partitions side by side in time, although some are many times as large."""

from collections.abc import Collection, Mapping, Sequence
from functools import partial
from itertools import takewhile
from typing import Final

from aiokafka.structs import TopicPartition

from chassis.kafka.records import Record, by_partition

UNBOUNDED: Final = float("inf")
MOST_HELD: Final = 20_000
"""Records, some ten megabytes."""


def take_by_time(
    waiting: dict[TopicPartition, list[Record]], unread: Collection[TopicPartition]
) -> list[Record]:
    """Takes out of `waiting` what is not ahead of a partition of which more is to come.

    In order per partition. Whoever of those comes last in time is taken to its end, so that it is read on;
    nothing is taken if nothing of it is here.
    """
    newest = [max((each.timestamp for each in waiting.get(one, ())), default=-1) for one in unread]
    is_ready = partial(_is_by, min(newest, default=UNBOUNDED))
    taken: list[Record] = []
    for partition, part in waiting.items():
        ready = [*takewhile(is_ready, part)]
        taken += ready
        waiting[partition] = part[len(ready) :]
    return taken


class HeldBack:
    """What was read of partitions that are ahead in time, until the others have caught up."""

    def __init__(self) -> None:
        self._held: Mapping[TopicPartition, Sequence[Record]] = {}

    def joined(
        self, records: Sequence[Record], offsets: Mapping[TopicPartition, int]
    ) -> dict[TopicPartition, list[Record]]:
        """What is held with what was read after it; `offsets` are where each partition goes on.

        What doesn't go on there is forgotten: something before it was not done, and all is read again. So is
        what was read again by now.
        """
        parts = by_partition(records)
        for partition, held in self._held.items():
            part = parts.get(partition, [])
            goes_on = held and held[0].offset == offsets.get(partition)
            if goes_on and (not part or part[0].offset > held[-1].offset):
                parts[partition] = [*held, *part]
        return parts

    def take(
        self, parts: dict[TopicPartition, list[Record]], unread: Collection[TopicPartition]
    ) -> list[Record]:
        """What can be worked on; the rest is held. More than can be held is all worked on."""
        much = sum(map(len, parts.values())) > MOST_HELD
        taken = take_by_time(parts, () if much else unread)
        self._held = parts
        return taken


def _is_by(moment: float, record: Record) -> bool:
    return bool(record.timestamp <= moment)
