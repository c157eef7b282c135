"""The lag tells how old the oldest record is that waits, and goes on counting when nothing else goes on."""

from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import pytest
from aiokafka.structs import ConsumerRecord, TopicPartition
from prometheus_client import REGISTRY

from chassis.kafka.lag import Lag

NOON = 1_700_000_000.0
FIRST, SECOND = TopicPartition("notes", 0), TopicPartition("notes", 1)


class Watched:
    """A lag of two topics, and what Prometheus reads of `notes`."""

    def __init__(self) -> None:
        self.now = NOON
        self.service = uuid4().hex
        self.lag = Lag(self.service, ["notes", "others"], now=lambda: self.now)

    def seconds(self) -> float | None:
        return self._read("candor_lag_seconds")

    def events(self) -> float | None:
        return self._read("candor_lag_records")

    def _read(self, name: str) -> float | None:
        self.lag.report()
        return REGISTRY.get_sample_value(name, {"service": self.service, "topic": "notes"})


@pytest.fixture
def watched() -> Watched:
    return Watched()


def written(at: float, partition: TopicPartition = FIRST) -> Sequence[Any]:
    return [ConsumerRecord(*partition, 7, int(at * 1000), 0, b"k", b"v", None, 1, 1, ())]


def test_nothing_waits_and_nothing_is_old(watched: Watched) -> None:
    watched.lag.reached(written(NOON - 100))
    watched.lag.seen({FIRST: 0, SECOND: 0})
    watched.now += 50
    assert (watched.events(), watched.seconds()) == (0, 0)


def test_the_batch_in_hand_tells_the_age_and_it_grows_with_the_clock(watched: Watched) -> None:
    watched.lag.seen({FIRST: 0})
    watched.lag.reached(written(NOON - 100))
    watched.lag.seen({FIRST: 3})
    assert (watched.events(), watched.seconds()) == (3, 100)
    watched.now += 60
    assert watched.seconds() == 160


def test_the_oldest_of_all_partitions_counts(watched: Watched) -> None:
    watched.lag.reached([*written(NOON - 100), *written(NOON - 300, SECOND)])
    watched.lag.seen({FIRST: 3, SECOND: 1})
    assert (watched.events(), watched.seconds()) == (4, 300)
    watched.lag.seen({FIRST: 3, SECOND: 0})
    assert watched.seconds() == 100


def test_with_nothing_in_hand_it_counts_from_the_record_received_last(watched: Watched) -> None:
    watched.lag.reached(written(NOON - 100))
    watched.lag.reached(written(NOON - 40))
    watched.lag.seen({FIRST: 2})
    assert watched.seconds() == 40
    watched.now += 60
    watched.lag.seen({FIRST: 2})
    assert watched.seconds() == 100


def test_what_comes_after_a_quiet_night_is_not_a_night_old(watched: Watched) -> None:
    watched.lag.reached(written(NOON - 30_000))
    watched.lag.seen({FIRST: 0})
    watched.now += 2
    watched.lag.seen({FIRST: 1})
    assert watched.seconds() == 2


def test_before_anything_was_received_it_counts_from_the_first_look(watched: Watched) -> None:
    watched.lag.seen({FIRST: 1})
    watched.now += 60
    watched.lag.seen({FIRST: 1})
    assert watched.seconds() == 60


def test_a_consumer_made_anew_keeps_the_age_of_its_partitions_and_forgets_the_others(
    watched: Watched,
) -> None:
    watched.lag.seen({FIRST: 1, SECOND: 1})
    watched.now += 60
    watched.lag.assigned({FIRST})
    assert watched.seconds() == 0
    watched.lag.seen({FIRST: 1})
    assert watched.seconds() == 60
    watched.lag.assigned({SECOND})
    watched.lag.seen({SECOND: 1})
    assert watched.seconds() == 0
