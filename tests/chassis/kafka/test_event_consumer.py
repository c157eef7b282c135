"""Every trap of consuming, on the real broker: nothing is lost, and nothing is done twice in effect."""

import asyncio
from collections import Counter
from typing import Any

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from opentelemetry import trace
from pymongo.errors import AutoReconnect

from chassis.errors import CommandRejected, PublishFailed, UnknownStoredEvent
from chassis.kafka.records import ReceivedEvent, Record
from chassis.telemetry.tracing import configure_tracing
from tests.chassis.kafka.counting_projection import CountingProjection
from tests.chassis.kafka.harness import KafkaHarness, committed, running, stopped
from tests.waiting import until

pytestmark = pytest.mark.real

BODY = b'{"type":"test.noted.v1","number":1}'


class RecordingHandler:
    """Remembers what it received; `failing` may raise for a note."""

    def __init__(self) -> None:
        self.received: list[tuple[str, int]] = []
        self.tries: Counter[int] = Counter()
        self.faults: dict[int, list[Exception]] = {}

    async def __call__(self, received: ReceivedEvent[Any]) -> None:
        number = received.event.number
        self.tries[number] += 1
        if faults := self.faults.get(number):
            raise faults[0] if len(faults) == 1 else faults.pop(0)
        self.received.append((received.key, number))

    @property
    def numbers(self) -> set[int]:
        return {number for _, number in self.received}


async def members(harness: KafkaHarness) -> int:
    admin = AIOKafkaAdminClient(**harness.kafka.options())
    await admin.start()
    try:
        described = await admin.describe_consumer_groups([harness.group])
        return len(described[0].groups[0][-2])
    finally:
        await admin.close()


async def test_hears_what_was_said_before_it_came_in_order_per_key(harness: KafkaHarness) -> None:
    handler = RecordingHandler()
    await harness.publish(*(harness.note(f"k{number % 7}", number) for number in range(200)))
    async with running(harness.consumer(handler)):
        await until(lambda: len(handler.received) == 200)
        await until(lambda: _is(committed(harness), 200))
    for key in range(7):
        own = [number for name, number in handler.received if name == f"k{key}"]
        assert own == sorted(own)


async def test_hears_keys_side_by_side(harness: KafkaHarness) -> None:
    together = asyncio.Barrier(8)

    async def wait_for_the_others(_: ReceivedEvent[Any]) -> None:
        await together.wait()

    await harness.publish(*(harness.note(f"k{number}", number, partition=0) for number in range(8)))
    async with running(harness.consumer(wait_for_the_others)):
        await until(lambda: _is(committed(harness), 8))


async def test_the_next_event_of_a_key_waits_for_the_one_before(harness: KafkaHarness) -> None:
    """Others go on meanwhile."""
    go_on = asyncio.Event()
    begun: list[tuple[str, int]] = []
    done: list[int] = []

    async def wait_with_the_first(received: ReceivedEvent[Any]) -> None:
        begun.append((received.key, received.event.number))
        if received.event.number == 0:
            await go_on.wait()
        done.append(received.event.number)

    said = [("slow", 0), ("slow", 1), ("quick", 2), ("slow", 3), ("quick", 4)]
    await harness.publish(*(harness.note(key, number, partition=0) for key, number in said))
    async with running(harness.consumer(wait_with_the_first)):
        await until(lambda: done == [2, 4])
        assert begun == [("slow", 0), ("quick", 2), ("quick", 4)]
        go_on.set()
        await until(lambda: done == [2, 4, 0, 1, 3])


async def test_a_record_at_fault_holds_up_no_other_partition(harness: KafkaHarness) -> None:
    handler = RecordingHandler()
    handler.faults[0] = [ValueError()]
    received_by_the_second_try: set[int] = set()

    async def look(received: ReceivedEvent[Any]) -> None:
        if received.event.number == 0 and handler.tries[0] == 1:
            received_by_the_second_try.update(handler.numbers)
        await handler(received)

    good = range(1, 31)
    await harness.publish(
        harness.note("p", 0, partition=0),
        *(harness.note(f"k{number}", number, partition=1 + number % 3) for number in good),
    )
    async with running(harness.consumer(look)):
        await until(lambda: handler.numbers == set(good))
        await until(lambda: _is(committed(harness), 31))
    assert received_by_the_second_try == set(good)
    assert len(await harness.letters()) == 1


async def test_what_the_database_refuses_for_good_is_not_retried_for_ever(
    harness: KafkaHarness, counting: CountingProjection
) -> None:
    database = counting.collection.database
    await database.create_collection("numbers", validator={"_id": {"$ne": 1}})
    tried: list[int] = []

    async def store(received: ReceivedEvent[Any]) -> None:
        tried.append(received.event.number)
        await database["numbers"].insert_one({"_id": received.event.number})

    await harness.publish(harness.note("k", 1), harness.note("k", 2))
    async with running(harness.consumer(store)):
        await until(lambda: _is(committed(harness), 2))
    assert tried == [1, 1, 1, 1, 1, 2]
    [letter] = await harness.letters()
    assert letter.cause == "the handler raised WriteError"
    assert harness.counted("candor_alarms_total", kind="handler_failed") == 1


async def test_a_raising_handler_costs_that_record_alone(harness: KafkaHarness) -> None:
    handler = RecordingHandler()
    handler.faults[2] = [ValueError("the client wrote: canary")]
    await harness.publish(*(harness.note("k", number) for number in range(5)))
    async with running(harness.consumer(handler)):
        await until(lambda: handler.numbers == {0, 1, 3, 4})
        await until(lambda: _is(committed(harness), 5))
    assert handler.tries[2] == 5
    [letter] = await harness.letters()
    assert letter.cause == "the handler raised ValueError"
    assert harness.counted("candor_alarms_total", kind="handler_failed") == 1
    assert harness.counted("candor_dead_letters_total", topic=harness.notes) == 1


async def test_a_handler_that_fails_a_few_times_is_forgiven(harness: KafkaHarness) -> None:
    handler = RecordingHandler()
    handler.faults[1] = [KeyError(), KeyError(), KeyError(), KeyError()]

    async def fourth_time_lucky(received: ReceivedEvent[Any]) -> None:
        if received.event.number == 1 and handler.tries[1] == 4:
            handler.faults.clear()
        await handler(received)

    await harness.publish(harness.note("k", 1))
    async with running(harness.consumer(fourth_time_lucky)):
        await until(lambda: handler.numbers == {1})
    assert await harness.letters() == []


@pytest.mark.parametrize(
    ("value", "changed", "cause"),
    [
        (b"{", {}, "json_invalid"),
        (b'{"type":"test.noted.v1","number":"canary"}', {}, "number: int_type"),
        (b"\xff\xfe", {}, "json_invalid"),
        (BODY, {"ce_id": None}, "id: missing"),
        (BODY, {"ce_id": b"\xff"}, "not UTF-8"),
        (BODY, {"ce_sequence": b"canary"}, "sequence: int_parsing"),
        (b'{"type":"test.erased.v1"}', {}, "the body's type is not the header's"),
        (b'{"type":"test.canary.v1"}', {}, "union_tag_invalid"),
        (None, {}, "the value is null"),
    ],
    ids=[
        "not JSON", "wrong field", "not UTF-8", "null header", "undecodable header", "wrong header",
        "other type", "unknown body", "tombstone",
    ],
)  # fmt: skip
async def test_a_poison_record_is_put_aside_and_the_rest_goes_on(
    harness: KafkaHarness, value: bytes | None, changed: dict[str, bytes | None], cause: str
) -> None:
    handler = RecordingHandler()
    await harness.publish(harness.note("k", 1), harness.raw("k", value, changed), harness.note("k", 2))
    async with running(harness.consumer(handler)):
        await until(lambda: handler.received == [("k", 1), ("k", 2)])
        await until(lambda: _is(committed(harness), 3))
    [letter] = await harness.letters()
    assert cause in letter.cause
    assert "canary" not in letter.cause
    assert (letter.record.key, letter.record.value) == (b"k", value)


async def test_a_record_waits_for_a_topic_of_dead_letters_that_is_down(
    harness: KafkaHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    handler = RecordingHandler()
    consumer = harness.consumer(handler)
    put = consumer._dead_letters.put
    refused: list[Record] = []

    async def down_for_a_while(record: Record, cause: str, attempts: int) -> None:
        if len(refused) < 3:
            refused.append(record)
            raise PublishFailed("down")
        await put(record, cause, attempts)

    monkeypatch.setattr(consumer._dead_letters, "put", down_for_a_while)
    await harness.publish(harness.raw("k", b"{"), harness.note("k", 2))
    async with running(consumer):
        await until(lambda: handler.numbers == {2})
    assert len(refused) == 3
    assert len(await harness.letters()) == 1


async def test_headers_that_mean_nothing_for_the_event_do_no_harm(harness: KafkaHarness) -> None:
    handler = RecordingHandler()
    odd = {"foreign": None, "other": b"\xff", "ce_x": b"\xff", "traceparent": b"\xff\xfe"}
    await harness.publish(harness.raw("k", BODY, odd))
    async with running(harness.consumer(handler)):
        await until(lambda: handler.numbers == {1})
    assert await harness.letters() == []


async def test_a_record_without_a_key_is_put_aside(harness: KafkaHarness) -> None:
    nameless = harness.note("k", 1)
    handler = RecordingHandler()
    await harness.publish(
        type(nameless)(nameless.topic, None, nameless.value, nameless.headers), harness.note("k", 2)
    )
    async with running(harness.consumer(handler)):
        await until(lambda: handler.numbers == {2})
        await until(lambda: _is(committed(harness), 2))
    assert [letter.cause for letter in await harness.letters()] == ["the record has no key"]


async def test_a_record_too_large_for_a_letter_does_not_stand_in_the_way(harness: KafkaHarness) -> None:
    size = 1024 * 1024 - 400
    handler = RecordingHandler()
    await harness.publish(harness.raw("k", b"x" * size), harness.note("k", 2))
    async with running(harness.consumer(handler)):
        await until(lambda: handler.numbers == {2})
    [letter] = await harness.letters()
    assert "too large to copy" in letter.cause


async def test_an_unknown_type_is_skipped_and_counted(harness: KafkaHarness) -> None:
    handler = RecordingHandler()
    await harness.publish(harness.raw("k", b"?", named="test.brandnew.v9"), harness.note("k", 2))
    async with running(harness.consumer(handler)):
        await until(lambda: handler.numbers == {2})
        await until(lambda: _is(committed(harness), 2))
    assert harness.counted("candor_consumed_records_total", topic=harness.notes, outcome="unknown") == 1
    assert await harness.letters() == []


async def test_a_refusal_is_an_answer(harness: KafkaHarness) -> None:
    handler = RecordingHandler()
    handler.faults[1] = [CommandRejected("This came too late")]
    await harness.publish(harness.note("k", 1), harness.note("k", 2))
    async with running(harness.consumer(handler)):
        await until(lambda: _is(committed(harness), 2))
    assert handler.tries[1] == 1
    assert harness.counted("candor_consumed_records_total", topic=harness.notes, outcome="rejected") == 1
    assert await harness.letters() == []


async def test_a_database_that_is_down_is_waited_for(harness: KafkaHarness) -> None:
    handler = RecordingHandler()
    handler.faults[1] = [AutoReconnect("down")]
    await harness.publish(harness.note("k", 1), harness.note("k", 2))
    async with running(harness.consumer(handler)):
        await until(lambda: handler.tries[1] > 5)
        assert await committed(harness) == 0
        handler.faults.clear()
        await until(lambda: handler.received == [("k", 1), ("k", 2)])
        await until(lambda: _is(committed(harness), 2))
    assert await harness.letters() == []


async def test_what_a_newer_release_stored_is_waited_for_with_an_alarm(harness: KafkaHarness) -> None:
    handler = RecordingHandler()
    handler.faults[1] = [UnknownStoredEvent("dialog:1 holds Foo")]
    await harness.publish(harness.note("k", 1), harness.note("k", 2))
    async with running(harness.consumer(handler)):
        await until(lambda: handler.tries[1] > 6)
        assert await committed(harness) == 0
        assert harness.counted("candor_alarms_total", kind="newer_release_awaited") > 5
        handler.faults.clear()
        await until(lambda: handler.received == [("k", 1), ("k", 2)])
        await until(lambda: _is(committed(harness), 2))
    assert await harness.letters() == []


async def test_stopping_while_the_database_is_down_leaves_the_record_for_the_next(
    harness: KafkaHarness,
) -> None:
    handler = RecordingHandler()
    handler.faults[1] = [AutoReconnect("down")]
    await harness.publish(harness.note("a", 1), harness.note("b", 2))
    async with running(harness.consumer(handler)):
        await until(lambda: handler.tries[1] > 3)
    handler.faults.clear()
    async with running(harness.consumer(handler)):
        await until(lambda: handler.numbers == {1, 2})
        await until(lambda: _is(committed(harness), 2))


async def test_a_graceful_stop_finishes_the_batch_commits_it_and_leaves_the_group(
    harness: KafkaHarness,
) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()
    done: list[int] = []

    async def slow(received: ReceivedEvent[Any]) -> None:
        begun.set()
        await go_on.wait()
        done.append(received.event.number)

    await harness.publish(*(harness.note("k", number) for number in range(20)))
    task = asyncio.create_task(harness.consumer(slow).run())
    await begun.wait()
    asyncio.get_running_loop().call_later(0.3, go_on.set)
    await stopped(task)
    assert done == list(range(20))
    assert await committed(harness) == 20
    assert await members(harness) == 0


async def test_a_batch_that_fails_for_a_fault_of_our_own_is_read_again(
    harness: KafkaHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """FastStream swallows what a handler raises, and a later commit would pass the batch."""
    handler = RecordingHandler()
    consumer = harness.consumer(handler)
    work = consumer._subscription._work
    failed: list[int] = []

    async def fail_once(records: Any) -> None:
        if not failed:
            failed.append(len(records))
            raise RuntimeError
        await work(records)

    monkeypatch.setattr(consumer._subscription, "_work", fail_once)
    await harness.publish(*(harness.note("k", number) for number in range(10)))
    async with running(consumer):
        await until(lambda: _is(committed(harness), 10))
    assert handler.received == [("k", number) for number in range(10)]
    assert harness.counted("candor_alarms_total", kind="batch_failed") == 1


async def test_what_was_done_but_not_committed_comes_again(
    harness: KafkaHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    handler = RecordingHandler()
    await harness.publish(*(harness.note("k", number) for number in range(3)))
    first = harness.consumer(handler)

    async def nothing(offsets: object) -> None:
        pass

    monkeypatch.setattr(first._subscription, "commit", nothing)
    async with running(first):
        await until(lambda: len(handler.received) == 3)
    async with running(harness.consumer(handler)):
        await until(lambda: len(handler.received) == 6)
    assert handler.received[:3] == handler.received[3:]


async def test_the_trace_goes_on(harness: KafkaHarness) -> None:
    configure_tracing("test")
    said = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    seen: list[int] = []

    async def look(_: ReceivedEvent[Any]) -> None:
        seen.append(trace.get_current_span().get_span_context().trace_id)

    await harness.publish(harness.raw("k", BODY, {"traceparent": said.encode()}))
    async with running(harness.consumer(look)):
        await until(lambda: seen == [0x0AF7651916CD43DD8448EB211C80319C])


async def test_a_stuck_consumer_is_made_anew(harness: KafkaHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    """Records wait, nothing is in hand and nothing comes: aiokafka #718, #847."""
    monkeypatch.setattr("chassis.kafka.subscription.STUCK_SECONDS", 1)
    monkeypatch.setattr("chassis.kafka.subscription.LOOK_SECONDS", 0.2)
    handler = RecordingHandler()
    consumer = harness.consumer(handler)
    async with running(consumer):
        await until(lambda: consumer.unhealthy_reason() is None)
        stuck = consumer._subscription.consumer
        assert stuck is not None
        consumer._subscription.pause(stuck.assignment())
        await harness.publish(harness.note("k", 1))
        await until(lambda: handler.numbers == {1})
        assert consumer._subscription.consumer is not stuck
    assert harness.counted("candor_alarms_total", kind="stuck_consumer") == 1


async def test_readiness_tells_of_a_lag_without_progress(
    harness: KafkaHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chassis.kafka.subscription.SILENT_SECONDS", 1)
    handler = RecordingHandler()
    handler.faults[1] = [AutoReconnect("down")]
    consumer = harness.consumer(handler)
    assert "not reached yet" in (consumer.unhealthy_reason() or "")
    await harness.publish(harness.note("k", 1))
    async with running(consumer):
        await until(lambda: "no progress" in (consumer.unhealthy_reason() or ""))
        assert harness.counted("candor_lag_records", topic=harness.notes) == 1
        handler.faults.clear()
        await until(lambda: consumer.unhealthy_reason() is None)
        await until(lambda: harness.counted("candor_lag_records", topic=harness.notes) == 0)


async def _is(value: Any, expected: Any) -> bool:
    return bool(await value == expected)
