"""Members of a group that come, go and die, and a broker that is killed: nothing is lost."""

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from chassis.errors import PublishFailed
from chassis.kafka.batch_subscriber import SubscriberOptions, batch_subscriber
from chassis.kafka.connection import KafkaConnection
from chassis.kafka.publisher import ProducerRecord, Publisher
from chassis.kafka.records import ReceivedEvent, Record
from chassis.kafka.subscription import Subscription
from deploy.local.servers import Named, Servers, servers
from tests.chassis.kafka.counting_projection import CountingProjection, projecting
from tests.chassis.kafka.harness import KafkaHarness, create, running, stopped
from tests.waiting import until

pytestmark = [pytest.mark.real, pytest.mark.long]


class Diary:
    """What each member received; `slow` notes take a moment, so that rebalances meet work in hand."""

    def __init__(self) -> None:
        self.received: Counter[int] = Counter()
        self.by: dict[str, set[int]] = {}
        self.order: dict[str, list[int]] = {}
        self.slow = 0.0

    def member(self, name: str) -> Any:
        async def consume(received: ReceivedEvent[Any]) -> None:
            await asyncio.sleep(self.slow)
            number = received.event.number
            self.received[number] += 1
            self.by.setdefault(name, set()).add(number)
            self.order.setdefault(received.key, []).append(number)

        return consume


def notes(harness: KafkaHarness, first: int, last: int) -> list[ProducerRecord]:
    return [harness.note(f"k{number % 40}", number) for number in range(first, last)]


async def test_two_members_share_the_work_and_lose_nothing(harness: KafkaHarness) -> None:
    diary = Diary()
    diary.slow = 0.002
    sent = 0

    async def say() -> None:
        nonlocal sent
        await harness.publish(*notes(harness, sent, sent + 40))
        sent += 40

    async def both_hear() -> bool:
        await say()
        return "b" in diary.by

    async with running(harness.consumer(diary.member("a"))):
        await say()
        await until(lambda: diary.received)
        async with running(harness.consumer(diary.member("b"))):
            await until(both_hear)
            await say()
        await say()
        await until(lambda: len(diary.received) == sent)
    # The batch in hand was finished and committed before its partitions went on.
    assert set(diary.received.values()) == {1}
    assert all(own == sorted(own) for own in diary.order.values())


async def test_partitions_of_one_number_stay_together_on_one_member(harness: KafkaHarness) -> None:
    """With three members for four partitions, dealing them out in turn would part them."""
    diary = Diary()
    consumers = [
        harness.consumer(diary.member(name), topics=[harness.notes, harness.replay]) for name in "abc"
    ]

    def numbers(topic: str) -> list[set[int]]:
        parts = [
            one._subscription.consumer.assignment() if one._subscription.consumer else () for one in consumers
        ]
        return [{part.partition for part in own if part.topic == topic} for own in parts]

    async with running(*consumers):
        await until(lambda: sorted(map(len, numbers(harness.notes))) == [1, 1, 2], within=40)
        await until(lambda: sum(map(len, numbers(harness.replay))) == 4, within=40)
        assert numbers(harness.notes) == numbers(harness.replay)


async def test_a_member_that_waits_for_the_database_lets_go_of_its_partitions(harness: KafkaHarness) -> None:
    diary = Diary()
    tries = 0

    async def cut_off(_: ReceivedEvent[Any]) -> None:
        nonlocal tries
        tries += 1
        raise ConnectionResetError

    await harness.publish(*notes(harness, 0, 100))
    first = asyncio.create_task(harness.consumer(cut_off).run())
    await until(lambda: tries > 50)
    async with running(harness.consumer(diary.member("b"))):
        await until(lambda: diary.received)
        await stopped(first)
        await until(lambda: len(diary.received) == 100)


async def test_a_member_lets_go_only_when_the_batch_in_hand_is_done() -> None:
    finish = asyncio.Event()

    async def work(_: Sequence[Record]) -> None:
        await finish.wait()

    member = Subscription(
        SubscriberOptions("test", KafkaConnection(servers="nowhere:1"), "group", ["topic"], 1), work
    )
    in_hand = asyncio.create_task(member._process([]))
    await asyncio.sleep(0)
    letting_go = asyncio.create_task(member.on_partitions_revoked(set()))
    for _ in range(10):
        await asyncio.sleep(0)
        assert not letting_go.done()
    finish.set()
    await letting_go
    await in_hand


async def test_a_fault_of_our_own_between_batches_does_not_end_in_silence() -> None:
    fault, told = RuntimeError(), list[Exception]()

    async def fail() -> None:
        raise fault

    async def nothing(_: Sequence[Record]) -> None:
        return

    wanted = SubscriberOptions("test", KafkaConnection(servers="nowhere:1"), None, ["topic"], 1)
    _, subscriber = batch_subscriber(wanted, nothing, Subscription(wanted, nothing), fail, told.append)
    with pytest.raises(RuntimeError):
        await subscriber.get_msg(None)
    assert told == [fault]


async def test_the_partitions_of_a_dead_member_go_to_the_other(harness: KafkaHarness) -> None:
    """It ends without a word, as a crash does; what it had in hand comes again."""
    diary = Diary()
    stuck = asyncio.Event()

    async def never(_: ReceivedEvent[Any]) -> None:
        stuck.set()
        await asyncio.Event().wait()

    await harness.publish(*notes(harness, 0, 40))
    dying = harness.consumer(never)
    dying._subscription._wanted = replace(dying._subscription._wanted, stop_seconds=0.1)
    task = asyncio.create_task(dying.run())
    await stuck.wait()
    consumer = dying._subscription.consumer
    assert consumer is not None
    await consumer._coordinator._stop_heartbeat_task()
    async with running(harness.consumer(diary.member("b"))):
        await until(lambda: len(diary.received) == 40, within=40)
    await stopped(task)


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """A Kafka of this file's own, to be killed without hurting other tests."""
    mine = servers(tmp_path_factory.mktemp("own"))
    if isinstance(mine.kafka, Named):
        pytest.skip("the environment names a Kafka that isn't ours to kill")
    mine.kafka.start()
    yield mine
    mine.kafka.stop()


@pytest.fixture
async def fragile(own: Servers) -> Any:
    harness = KafkaHarness(own.kafka_connection)
    await harness.create()
    yield harness
    await harness.publisher.stop()


@pytest.mark.timeout(180)
async def test_a_broker_that_is_killed_loses_nothing(
    fragile: KafkaHarness, own: Servers, counting: CountingProjection
) -> None:
    diary = Diary()
    consumer, projection = (
        fragile.consumer(diary.member("a")),
        projecting(fragile, counting, group="projection"),
    )
    async with running(consumer, projection):
        await fragile.publish(*notes(fragile, 0, 100))
        await until(lambda: len(diary.received) == 100)
        saying = asyncio.create_task(say_all(fragile, 100, 400))
        await asyncio.to_thread(own.kafka.kill)
        await until(lambda: "does not answer" in (consumer.unhealthy_reason() or ""))
        await asyncio.to_thread(own.kafka.start)
        await saying
        await until(lambda: len(diary.received) == 400, within=60)
        await until(lambda: all_of(counting, 400), within=60)
        await until(
            lambda: consumer.unhealthy_reason() is None and projection.unhealthy_reason() is None, within=40
        )


@pytest.mark.timeout(180)
async def test_it_starts_before_the_broker_does(own: Servers) -> None:
    harness = KafkaHarness(own.kafka_connection)
    await harness.create()
    await asyncio.to_thread(own.kafka.stop)
    diary = Diary()
    consumer = harness.consumer(diary.member("a"))
    async with running(consumer):
        await until(lambda: "No Kafka server can be used" in (consumer.unhealthy_reason() or ""))
        await asyncio.to_thread(own.kafka.start)
        await say_all(harness, 0, 10)
        await until(lambda: len(diary.received) == 10, within=60)
    await harness.publisher.stop()


@pytest.mark.timeout(180)
async def test_publishing_to_a_killed_broker_is_unknown_and_works_again_later(own: Servers) -> None:
    publisher = Publisher(own.kafka_connection, "impatient", timeout=1.5)
    topic = KafkaHarness(own.kafka_connection).notes
    await create(own.kafka_connection, {topic: 1})
    await publisher.publish([ProducerRecord(topic, "k", b"1")])
    await asyncio.to_thread(own.kafka.kill)
    with pytest.raises(PublishFailed):
        await publisher.publish([ProducerRecord(topic, "k", b"2")])
    await asyncio.to_thread(own.kafka.start)
    await until(lambda: _published(publisher, ProducerRecord(topic, "k", b"3")))
    await publisher.stop()


async def say_all(harness: KafkaHarness, first: int, last: int) -> None:
    """Says every note until Kafka has acknowledged it, as a follower does: some may be sent twice."""
    for note in notes(harness, first, last):
        await until(partial(_published, harness.publisher, note), within=60)


async def _published(publisher: Publisher, record: ProducerRecord) -> bool:
    try:
        await publisher.publish([record])
    except PublishFailed:
        return False
    return True


async def all_of(counting: CountingProjection, expected: int) -> bool:
    return len({number for own in (await counting.numbers()).values() for number in own}) == expected
