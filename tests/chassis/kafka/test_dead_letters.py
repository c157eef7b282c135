"""Dead letters: listed without their payload, and consumed again on the service's own replay topic."""

import asyncio
import os
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from chassis.errors import PublishFailed
from chassis.kafka.connection import KafkaConnection
from chassis.kafka.dead_letters import DeadLetter, DeadLetterQueue, cli, replay
from chassis.kafka.publisher import ProducerRecord, RecordMetadata
from chassis.kafka.records import ReceivedEvent
from chassis.kafka.topic_reader import all_records
from contracts import topics
from tests.chassis.kafka.harness import KafkaHarness, running
from tests.chassis.kafka.test_records import record
from tests.notes import Notes as PublisherNotes
from tests.waiting import until

pytestmark = pytest.mark.real


class Moody:
    def __init__(self) -> None:
        self.broken = True
        self.received: list[tuple[str, int, int]] = []

    async def __call__(self, received: ReceivedEvent[Any]) -> None:
        if self.broken:
            raise ValueError("canary")
        self.received.append((received.topic, received.partition, received.event.number))


async def command(harness: KafkaHarness, *argv: str) -> int:
    return await asyncio.to_thread(cli, harness.service, harness.kafka, argv)


async def died(harness: KafkaHarness, moody: Moody, *numbers: int) -> None:
    await harness.publish(*(harness.note(f"k{number}", number, text="canary") for number in numbers))
    async with running(harness.consumer(moody)):
        await until(lambda: _as_many(harness, len(numbers)))


async def test_lists_what_died_without_its_payload(
    harness: KafkaHarness, capsys: pytest.CaptureFixture[str]
) -> None:
    await died(harness, Moody(), 1)
    capsys.readouterr()
    assert await command(harness, "list") == 0
    said = capsys.readouterr()
    assert "canary" not in said.out
    _, line = said.out.splitlines()
    identity, at, times, state, name, cause = line.split("\t")
    assert identity.startswith(f"{harness.notes}:")
    assert at.endswith("Z")
    assert (times, state, name) == ("1", "waiting", "test.noted.v1")
    assert cause == "the handler raised ValueError"
    assert said.err == "1 dead letters, 1 waiting\n"


async def test_replays_as_it_came_to_the_same_partition_of_its_own_topic(
    harness: KafkaHarness, capsys: pytest.CaptureFixture[str]
) -> None:
    moody = Moody()
    await died(harness, moody, *range(8))
    assert await command(harness, "replay", "--all") == 0
    assert "8 replayed" in capsys.readouterr().out
    moody.broken = False
    async with running(harness.consumer(moody, topics=[harness.notes, harness.replay])):
        await until(lambda: len(moody.received) == 8)
    died_at = {letter.record.key: letter.id for letter in await harness.letters()}
    for topic, partition, number in moody.received:
        assert topic == harness.replay
        assert died_at[f"k{number}".encode()].split(":")[1] == str(partition)
    again = [record for record in await all_records(harness.kafka, harness.replay) if record.key == b"k1"]
    [first] = [record for record in await all_records(harness.kafka, harness.notes) if record.key == b"k1"]
    assert again[0].value == first.value
    assert dict(again[0].headers) == {**dict(first.headers), "candor-replayed": died_at[b"k1"].encode()}
    assert len(await all_records(harness.kafka, harness.notes)) == 8


@pytest.mark.parametrize(
    ("word", "state", "received"), [("replay", "replayed", 2), ("dismiss", "dismissed", 0)]
)
async def test_what_was_settled_is_marked_and_left_alone_by_all(
    harness: KafkaHarness, word: str, state: str, received: int
) -> None:
    await died(harness, Moody(), 1, 2)
    first, second = await harness.letters()
    assert await command(harness, word, first.id) == 0
    assert {each.id: each.state for each in await harness.letters()} == {
        first.id: state,
        second.id: "waiting",
    }
    assert await command(harness, word, "--all") == 0
    assert {each.state for each in await harness.letters()} == {state}
    assert len(await all_records(harness.kafka, harness.replay)) == received


async def test_what_was_dismissed_can_be_consumed_again(harness: KafkaHarness) -> None:
    await died(harness, Moody(), 1)
    [letter] = await harness.letters()
    await command(harness, "dismiss", letter.id)
    assert await command(harness, "replay", letter.id) == 0
    assert [record.key for record in await all_records(harness.kafka, harness.replay)] == [b"k1"]


class Away(PublisherNotes):
    """Is given a record, and goes away."""

    async def publish(self, records: Sequence[ProducerRecord]) -> list[RecordMetadata]:
        await super().publish(records)
        raise PublishFailed


async def test_nothing_is_noted_as_replayed_that_may_not_have_been_written() -> None:
    letter = DeadLetter("notes:3:7", "2026-03-02T12:00:00Z", "x", "it failed", record(), "waiting", 1)
    publisher = Away()
    with pytest.raises(PublishFailed):
        await replay("rating", publisher, [letter])
    assert [each.topic for each in publisher.records] == [topics.replay("rating").name]


async def test_a_replayed_letter_that_dies_again_waits_again_and_stays_one(harness: KafkaHarness) -> None:
    moody = Moody()
    await died(harness, moody, 1)
    [first] = await harness.letters()
    for attempts in (2, 3):
        await command(harness, "replay", "--all")
        async with running(harness.consumer(moody, topics=[harness.notes, harness.replay])):
            await until(partial(_died_times, harness, attempts))
        [letter] = await harness.letters()
        assert (letter.id, letter.state) == (first.id, "waiting")
        assert letter.record.value == first.record.value


async def test_strangers_headers_neither_settle_nor_hide_a_letter(harness: KafkaHarness) -> None:
    await died(harness, Moody(), 1)
    [first] = await harness.letters()
    where = f"{first.record.partition}:{first.record.offset}"
    forged = {"candor-replayed": first.id.encode(), "candor-dead-settled": f"dismissed {where}".encode()}
    await harness.publish(
        harness.raw("k2", b"{", forged), harness.raw("k3", b"{", {"candor-dead-settled": b"junk"})
    )
    async with running(harness.consumer(Moody())):
        await until(lambda: _as_many(harness, 3))
    assert {letter.state for letter in await harness.letters()} == {"waiting"}


async def test_an_id_that_is_not_there_is_named(
    harness: KafkaHarness, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await command(harness, "replay", "notes:0:99") == 1
    assert "There is no dead letter notes:0:99" in capsys.readouterr().err


async def test_what_replaying_would_only_lose_is_refused_with_its_remedy(
    harness: KafkaHarness, capsys: pytest.CaptureFixture[str]
) -> None:
    await harness.publish(harness.note("k1", 1), harness.note("k1", 2))
    record, other = await all_records(harness.kafka, harness.notes)
    queue = DeadLetterQueue(harness.service, harness.publisher)
    await queue.put(replace(record, value=os.urandom(1_048_500)), "not valid", 1)
    await queue.put(replace(record, topic="candor.ratings.keys"), "not valid", 1)
    await queue.put(other, "not valid", 1)
    large, key, _ = await harness.letters()
    assert large.record.value is None
    assert await command(harness, "replay", "--all") == 0
    assert "1 replayed" in capsys.readouterr().out
    assert [letter.state for letter in await harness.letters()] == ["waiting", "waiting", "replayed"]
    for letter, remedy in ((large, "only where it was"), (key, "readers' key is rotated")):
        assert await command(harness, "replay", letter.id) == 1
        assert remedy in capsys.readouterr().err
    assert await command(harness, "dismiss", large.id, key.id) == 0
    assert len(await all_records(harness.kafka, harness.replay)) == 1


async def test_a_service_without_dead_letters_lists_none(
    kafka: KafkaConnection, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await command(KafkaHarness(kafka), "list") == 0
    assert capsys.readouterr().out == ""


def test_a_broker_that_is_away_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli("test", KafkaConnection(servers="127.0.0.1:1"), ["list"]) == 1
    assert "Kafka at 127.0.0.1:1" in capsys.readouterr().err


async def _as_many(harness: KafkaHarness, expected: int) -> bool:
    return len(await harness.letters()) == expected


async def _died_times(harness: KafkaHarness, expected: int) -> bool:
    return [letter.attempts for letter in await harness.letters()] == [expected]
