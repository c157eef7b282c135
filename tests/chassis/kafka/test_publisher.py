"""Publishing: in order, acknowledged, and honest about what it doesn't know."""

import asyncio
import gc

import pytest
from aiokafka.errors import OutOfOrderSequenceNumber
from aiokafka.producer.message_accumulator import MessageAccumulator

from chassis.errors import PublishFailed
from chassis.kafka.connection import KafkaConnection
from chassis.kafka.publisher import ProducerRecord, Publisher
from chassis.kafka.topic_reader import all_records
from tests.chassis.kafka.harness import KafkaHarness

pytestmark = pytest.mark.real


async def test_writes_in_order_per_partition_and_says_where(harness: KafkaHarness) -> None:
    said = [harness.note(f"k{number % 9}", number) for number in range(2000)]
    written = await harness.publish(*said)
    records = await all_records(harness.kafka, harness.notes)
    there = {(record.partition, record.offset): record.value for record in records}
    assert [there[one.partition, one.offset] for one in written] == [one.value for one in said]
    assert len(there) == 2000


async def test_a_key_has_the_partition_that_java_gives_it(harness: KafkaHarness) -> None:
    """Positive murmur2 modulo partitions; the figures are Kafka's own for four partitions."""
    written = await harness.publish(
        *(ProducerRecord(harness.notes, key, b"") for key in ("21", "foobar", "a-little-bit-long-string"))
    )
    # Utils.murmur2 gives -973932308, -790332482, -985981536.
    expected = [(hash_ & 0x7FFFFFFF) % 4 for hash_ in (-973932308, -790332482, -985981536)]
    assert [one.partition for one in written] == expected


async def test_passes_on_what_is_null(harness: KafkaHarness) -> None:
    await harness.publish(ProducerRecord(harness.notes, "k", None, [("empty", None)], partition=2))
    [record] = await all_records(harness.kafka, harness.notes)
    assert (record.key, record.value, record.headers, record.partition) == (b"k", None, (("empty", None),), 2)


async def test_nothing_is_written_quickly() -> None:
    assert await Publisher(KafkaConnection(servers="127.0.0.1:1"), "nobody").publish([]) == []


async def test_no_broker_is_an_error_in_time() -> None:
    publisher = Publisher(KafkaConnection(servers="127.0.0.1:1"), "alone", timeout=0.5)
    with pytest.raises(PublishFailed):
        await publisher.publish([ProducerRecord("notes", "k", b"")])
    await publisher.stop()


async def test_a_record_that_is_too_large_harms_no_other(harness: KafkaHarness) -> None:
    with pytest.raises(PublishFailed, match="MessageSizeTooLarge"):
        await harness.publish(ProducerRecord(harness.notes, "k", b"x" * 2_000_000))
    producer = harness.publisher._producer
    await harness.publish(harness.note("k", 1))
    assert harness.publisher._producer is producer


async def test_a_producer_that_lost_count_is_replaced(
    harness: KafkaHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    await harness.publish(harness.note("k", 1))
    old = harness.publisher._producer
    with monkeypatch.context() as broken:

        async def refuse(*_: object, **__: object) -> None:
            raise OutOfOrderSequenceNumber

        broken.setattr(MessageAccumulator, "add_message", refuse)
        with pytest.raises(PublishFailed):
            await harness.publish(harness.note("k", 2))
    await harness.publish(harness.note("k", 3))
    assert harness.publisher._producer is not old


async def test_what_is_given_up_while_it_waits_to_be_sent_is_reported_once(harness: KafkaHarness) -> None:
    await harness.publish(harness.note("k", 1))
    reported: list[str] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: reported.append(context["message"]))
    harness.publisher._timeout = 0.001  # less than the producer lingers
    with pytest.raises(PublishFailed):
        await harness.publish(harness.note("k", 2))
    gc.collect()
    await asyncio.sleep(0)
    assert reported == []


async def test_many_may_publish_at_once(harness: KafkaHarness) -> None:
    await asyncio.gather(*(harness.publish(harness.note("k", number)) for number in range(300)))
    assert len(await all_records(harness.kafka, harness.notes)) == 300


async def test_a_record_is_written_once_and_by_all(harness: KafkaHarness) -> None:
    """One broker alone would never show the difference; a repeated send, or the loss of a leader, would."""
    await harness.publish(harness.note("k", 1))
    producer = harness.publisher._producer
    assert producer is not None
    assert producer._sender._acks == -1
    assert producer._txn_manager is not None
