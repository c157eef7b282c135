"""Exactly once in effect, on the real broker and the real database, whoever believes to own a partition."""

import asyncio
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
import structlog
from aiokafka.admin import AIOKafkaAdminClient, NewTopic, RecordsToDelete
from aiokafka.structs import TopicPartition
from motor.motor_asyncio import AsyncIOMotorClientSession
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan
from pymongo.errors import AutoReconnect, OperationFailure, PyMongoError

from chassis.errors import PublishFailed
from chassis.kafka.checkpointed_consumer import Step
from chassis.kafka.checkpoints import Checkpoint
from chassis.kafka.fencing import Fencing
from chassis.kafka.projection_runner import ProjectionRunner
from chassis.kafka.records import ReceivedEvent, Record
from chassis.telemetry.tracing import configure_tracing
from tests.chassis.kafka.counting_projection import CountingProjection, once_each, projecting
from tests.chassis.kafka.harness import KafkaHarness, committed, running, stopped
from tests.waiting import until

pytestmark = pytest.mark.real


def notes(harness: KafkaHarness, first: int, last: int, keys: int = 20) -> list[Any]:
    return [harness.note(f"k{number % keys}", number) for number in range(first, last)]


async def test_applies_everything_once_and_in_order_and_goes_on_after_a_restart(
    harness: KafkaHarness, counting: CountingProjection
) -> None:
    await harness.publish(*notes(harness, 0, 300))
    async with running(projecting(harness, counting)):
        await until(lambda: once_each(counting, 300))
    await harness.publish(*notes(harness, 300, 500))
    async with running(projecting(harness, counting)):
        await until(lambda: once_each(counting, 500))
    assert all(own == sorted(own) for own in (await counting.numbers()).values())


async def test_while_much_waits_partitions_take_turns_and_none_is_forgotten(
    harness: KafkaHarness, counting: CountingProjection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chassis.kafka.partition_positions.MUCH", 100)
    await harness.publish(*notes(harness, 0, 400))
    turns: list[set[int]] = []
    apply = counting.apply

    async def look(session: AsyncIOMotorClientSession, records: Sequence[ReceivedEvent[Any]]) -> None:
        turns.append({received.partition for received in records})
        await apply(session, records)

    counting.apply = look  # type: ignore[method-assign]
    async with running(projecting(harness, counting)):
        await until(lambda: once_each(counting, 400))
        caught_up = len(turns)
        await harness.publish(*notes(harness, 400, 440))
        await until(lambda: once_each(counting, 440))
    while_it_was_much = [*itertools.takewhile(lambda turn: len(turn) == 1, turns)]
    assert sum(map(len, while_it_was_much)) >= 3
    assert set.union(*turns[:caught_up]) == set.union(*turns[caught_up:]) == {0, 1, 2, 3}


async def test_the_groups_offsets_are_not_trusted(
    harness: KafkaHarness, counting: CountingProjection
) -> None:
    await harness.publish(*notes(harness, 0, 50))
    async with running(projecting(harness, counting)):
        await until(lambda: once_each(counting, 50))
    await counting.client.drop_database(counting.collection.database.name)
    async with running(projecting(harness, counting)):
        await until(lambda: once_each(counting, 50))


async def test_tools_see_the_groups_offsets_soon_and_batches_dont_wait_for_that(
    harness: KafkaHarness, counting: CountingProjection
) -> None:
    runner = projecting(harness, counting)
    commits: list[int] = []
    commit = runner._subscription.commit

    async def look(offsets: Mapping[TopicPartition, int]) -> None:
        commits.append(sum(offsets.values()))
        await commit(offsets)

    runner._subscription.commit = look  # type: ignore[method-assign]
    async with running(runner):
        for number in range(60):
            await harness.publish(harness.note("k1", number))
        await until(lambda: once_each(counting, 60))
        await until(lambda: committed(harness), lambda offset: offset == 60)
    assert commits[-1] == 60
    assert len(commits) < counting.calls / 2


async def test_checkpoints_that_went_back_are_read_from_again_and_nothing_is_left_out(
    harness: KafkaHarness, counting: CountingProjection
) -> None:
    """As after a database was restored."""
    async with running(projecting(harness, counting)):
        await harness.publish(*notes(harness, 0, 50))
        await until(lambda: once_each(counting, 50))
        await counting.collection.delete_many({})
        await counting.collection.database["checkpoints"].update_many(
            {}, {"$set": {"offset": 0, "before": None}}
        )
        await harness.publish(*notes(harness, 50, 70))
        await until(lambda: once_each(counting, 70))


async def test_another_version_starts_from_the_beginning(
    harness: KafkaHarness, counting: CountingProjection
) -> None:
    await harness.publish(*notes(harness, 0, 50))
    async with running(projecting(harness, counting)):
        await until(lambda: once_each(counting, 50))
    counting.version = 2
    counting.collection = counting.collection.database["tally2"]
    async with running(projecting(harness, counting)):
        await until(lambda: once_each(counting, 50))


async def test_permanent_zombies_count_once(harness: KafkaHarness, counting: CountingProjection) -> None:
    """Two groups over the same checkpoints: each of both owns everything, all the time."""
    zombies = [projecting(harness, counting, group=f"{harness.group}.{name}") for name in ("a", "b")]
    async with running(*zombies):
        for first in range(0, 600, 50):
            await harness.publish(*notes(harness, first, first + 50))
        await until(lambda: once_each(counting, 600), within=40)
    assert all(own == sorted(own) for own in (await counting.numbers()).values())


async def test_a_zombie_that_wakes_up_where_it_was_applies_nothing_twice(
    harness: KafkaHarness, counting: CountingProjection
) -> None:
    zombie = projecting(harness, counting, group=f"{harness.group}.zombie")
    async with running(zombie):
        await until(lambda: len(zombie._positions.at) == 4)
        everything = list(zombie._positions.at)
        zombie._subscription.pause(everything)
        async with running(projecting(harness, counting)):
            await harness.publish(*notes(harness, 0, 50))
            await until(lambda: once_each(counting, 50))
        await harness.publish(*notes(harness, 50, 60))
        zombie._subscription.resume(everything)
        await until(lambda: once_each(counting, 60))


async def test_members_that_come_and_go_count_once(
    harness: KafkaHarness, counting: CountingProjection
) -> None:
    async with running(projecting(harness, counting)):
        await harness.publish(*notes(harness, 0, 200))
        second = asyncio.create_task(projecting(harness, counting).run())
        await harness.publish(*notes(harness, 200, 400))
        await until(lambda: once_each(counting, 400))
        await harness.publish(*notes(harness, 400, 600))
        await stopped(second)
        await until(lambda: once_each(counting, 600))


async def test_a_poison_record_is_put_aside_before_the_checkpoint_passes_it(
    harness: KafkaHarness, counting: CountingProjection
) -> None:
    await harness.publish(
        harness.note("k", 1), harness.raw("k", b"{"), harness.raw("k", None), harness.note("k", 2)
    )
    async with running(projecting(harness, counting)):
        await until(lambda: once_each(counting, 2))
    assert {letter.cause.split(":")[0] for letter in await harness.letters()} == {
        "not a valid event",
        "the value is null",
    }


async def test_a_partition_that_is_lost_for_a_moment_leaves_out_nothing(
    harness: KafkaHarness, counting: CountingProjection, monkeypatch: pytest.MonkeyPatch
) -> None:
    counting.faults = {35: ValueError("no")}
    await harness.publish(*notes(harness, 0, 40, keys=1))
    runner, tries = projecting(harness, counting), itertools.count(1)
    applied = runner._applied

    async def applied_later(steps: Sequence[Step]) -> bool:
        if next(tries) != 2:
            return await applied(steps)
        runner._positions.locate_again()
        nothing_at_fault = await applied(steps)  # the first half, while nobody knows where to go on
        await until(lambda: len(runner._positions.at) == 4)
        return nothing_at_fault

    monkeypatch.setattr(runner, "_applied", applied_later)
    async with running(runner):
        await until(lambda: once_each(counting, 39))
    assert [number for number in range(40) if number != 35] in (await counting.numbers()).values()


async def test_a_record_that_cannot_be_applied_is_found_among_many(
    harness: KafkaHarness, counting: CountingProjection
) -> None:
    counting.faults[77] = ValueError("the client wrote: canary")
    await harness.publish(*(harness.note(f"k{number % 5}", number) for number in range(200)))
    async with running(projecting(harness, counting)):
        await until(lambda: once_each(counting, 199))
    [letter] = await harness.letters()
    assert letter.cause == "the projection raised ValueError"
    assert counting.calls < 60
    assert counting.tries[77] >= 5
    assert all(own == sorted(own) for own in (await counting.numbers()).values())
    assert harness.counted("candor_alarms_total", kind="projection_failed") == 1


@pytest.mark.parametrize("poison", ["unreadable", "not applicable"])
async def test_the_checkpoint_waits_for_the_dead_letter(
    harness: KafkaHarness, counting: CountingProjection, monkeypatch: pytest.MonkeyPatch, poison: str
) -> None:
    """Kafka takes no letter, and the process dies meanwhile: the record must come again."""
    counting.faults[1] = ValueError("it can't be applied")
    bad = harness.note("k", 1) if poison == "not applicable" else harness.raw("k", b"{")
    first = projecting(harness, counting)
    refused: list[object] = []

    async def down(*letter: object) -> None:
        refused.append(letter)
        raise PublishFailed("down")

    monkeypatch.setattr(first._dead_letters, "put", down)
    await harness.publish(harness.note("k", 0), bad, harness.note("k", 2))
    async with running(first):
        await until(lambda: len(refused) > 2)
    async with running(projecting(harness, counting)):
        await until(lambda: once_each(counting, 2))
    assert len(await harness.letters()) == 1


@pytest.mark.timeout(120)
async def test_records_at_fault_hold_up_no_other_partition(
    harness: KafkaHarness, counting: CountingProjection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of them is tried five times: twenty, one after the other, take seconds."""
    poison, good = range(20), range(100, 160)
    counting.faults.update(dict.fromkeys(poison, ValueError("it can't be applied")))
    runner = projecting(harness, counting)
    put, applied = runner._dead_letters.put, list[int]()

    async def noting(record: Record, cause: str, attempts: int) -> None:
        applied.append(await counting.total())
        await put(record, cause, attempts)

    monkeypatch.setattr(runner._dead_letters, "put", noting)
    await harness.publish(
        *(harness.note("p", number, partition=0) for number in poison),
        replace(harness.raw("p", b"{"), partition=0),
        *(harness.note(f"k{number % 3}", number, partition=1 + number % 3) for number in good),
    )
    async with running(runner):
        await until(lambda: len(applied) == 5)
        await harness.publish(harness.note("late", 999, partition=2))
        await until(lambda: once_each(counting, len(good) + 1), within=60)
        await harness.publish(harness.note("p", 1000, partition=0))
        await until(lambda: once_each(counting, len(good) + 2), within=60)
    assert applied[4] == len(good), "good ones waited for those at fault"
    assert applied[12] == len(good) + 1, "a later one waited for those at fault"
    assert [letter.attempts for letter in await harness.letters()] == [1] * (len(poison) + 1)


async def test_what_the_database_refuses_for_good_is_not_retried_for_ever(
    harness: KafkaHarness, counting: CountingProjection
) -> None:
    await counting.collection.database.create_collection("counting", validator={"numbers": {"$ne": 13}})
    await harness.publish(*(harness.note("k", number) for number in (12, 13, 14)))
    async with running(projecting(harness, counting)):
        await until(lambda: once_each(counting, 2))
    [letter] = await harness.letters()
    assert letter.cause == "the projection raised WriteError"
    assert counting.tries[13] >= 5
    assert harness.counted("candor_alarms_total", kind="projection_failed") == 1


async def test_an_unknown_type_is_passed(harness: KafkaHarness, counting: CountingProjection) -> None:
    await harness.publish(harness.raw("k", b"?", named="test.brandnew.v9"))
    async with running(projecting(harness, counting)):
        await harness.publish(harness.note("k", 1))
        await until(lambda: once_each(counting, 1))
    assert await harness.letters() == []


async def test_a_database_that_is_down_is_waited_for(
    harness: KafkaHarness, counting: CountingProjection
) -> None:
    counting.faults[1] = AutoReconnect("down")
    await harness.publish(harness.note("k", 0), harness.note("k", 1), harness.note("k", 2))
    waiting = projecting(harness, counting)
    async with running(waiting):
        await until(lambda: counting.tries[1] > 5 and waiting.lag() == 3)
        counting.faults.clear()
        await until(lambda: once_each(counting, 3))
        await until(lambda: waiting.lag() == 0)
    assert await harness.letters() == []


async def test_a_commit_of_unknown_outcome_is_settled_by_the_checkpoint(
    harness: KafkaHarness, counting: CountingProjection, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = AsyncIOMotorClientSession.commit_transaction
    said: list[PyMongoError] = []

    async def stored_but_not_told(self: AsyncIOMotorClientSession) -> None:
        await commit(self)
        if len(said) < 3:
            error = PyMongoError("the answer was lost")
            error._add_error_label("UnknownTransactionCommitResult")
            said.append(error)
            raise error

    monkeypatch.setattr(AsyncIOMotorClientSession, "commit_transaction", stored_but_not_told)
    async with running(projecting(harness, counting)):
        for number in range(5):
            await harness.publish(harness.note("k", number))
            await until(partial(once_each, counting, number + 1))
    assert len(said) == 3


async def test_a_batch_links_to_the_traces_of_its_records(
    harness: KafkaHarness, counting: CountingProjection
) -> None:
    configure_tracing("test")
    said = [f"00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333{number}-01" for number in (1, 2)]
    seen: set[int] = set()
    apply = counting.apply

    async def look(session: AsyncIOMotorClientSession, records: Sequence[ReceivedEvent[Any]]) -> None:
        span = trace.get_current_span()
        assert isinstance(span, ReadableSpan)
        seen.update(link.context.span_id for link in span.links)
        await apply(session, records)

    counting.apply = look  # type: ignore[method-assign]
    body = b'{"type":"test.noted.v1","number":1}'
    await harness.publish(*(harness.raw("k", body, {"traceparent": one.encode()}) for one in said))
    async with running(projecting(harness, counting)):
        await until(lambda: seen == {0xB7AD6B7169203331, 0xB7AD6B7169203332})


async def test_what_a_killed_member_left_open_is_ended_by_its_successor(
    harness: KafkaHarness, counting: CountingProjection
) -> None:
    """MongoDB alone would keep it, and the partitions locked, for a minute."""
    await harness.publish(*notes(harness, 0, 50))
    killed = projecting(harness, counting)._checkpoints
    placed, _ = await killed.locate([TopicPartition(harness.notes, partition) for partition in range(4)])
    await killed.fence_previous_owner(placed)
    left_open = killed.fencing.transaction()
    session = await left_open.__aenter__()
    await killed.move(session, {partition: (at, Checkpoint(50)) for partition, at in placed.items()})

    async with running(projecting(harness, counting)):
        await until(lambda: once_each(counting, 50))
    with pytest.raises(OperationFailure, match="has been aborted"):
        await left_open.__aexit__(None, None, None)
    assert await once_each(counting, 50)


async def test_whoever_still_works_when_others_take_over_does_the_batch_again(
    harness: KafkaHarness, counting: CountingProjection
) -> None:
    """They are interrupted inside of an operation, which says nothing about the records."""
    apply, checkpoints = counting.apply, counting.collection.database["checkpoints"]

    async def slowly(session: AsyncIOMotorClientSession, records: Sequence[ReceivedEvent[Any]]) -> None:
        if not counting.calls:
            counting.calls += 1
            await checkpoints.find_one({"$where": "sleep(20000) || true"}, session=session)
        await apply(session, records)

    async def at_it() -> bool:
        running = await counting.client.admin.command("currentOp")
        return any("sleep(20000)" in str(operation) for operation in running["inprog"])

    counting.apply = slowly  # type: ignore[method-assign]
    await harness.publish(*notes(harness, 0, 50))
    working = projecting(harness, counting)
    with structlog.testing.capture_logs() as logs:
        async with running(working):
            await until(at_it)
            await projecting(harness, counting)._checkpoints.fence_previous_owner(working._positions.at)
            await until(lambda: once_each(counting, 50))
    assert "batch_not_applied" not in {line["event"] for line in logs}


async def test_one_members_transactions_wait_for_one_another(counting: CountingProjection) -> None:
    fencing = Fencing(counting.collection.database["checkpoints"])

    async def another() -> None:
        async with fencing.transaction():
            pass

    async with fencing.transaction():
        second = asyncio.create_task(another())
        await asyncio.sleep(0)
        assert not second.done()
    await second


async def test_a_batch_is_committed_for_good_from_one_snapshot(
    harness: KafkaHarness, counting: CountingProjection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One server alone would never show the difference; a failover of three would."""
    begin = AsyncIOMotorClientSession.start_transaction
    asked: list[tuple[str, object]] = []

    def noting(self: AsyncIOMotorClientSession, **how: Any) -> Any:
        asked.append((how["read_concern"].level, how["write_concern"].document["w"]))
        return begin(self, **how)

    monkeypatch.setattr(AsyncIOMotorClientSession, "start_transaction", noting)
    await harness.publish(harness.note("k", 1))
    async with running(projecting(harness, counting)):
        await until(lambda: once_each(counting, 1))
    assert set(asked) == {("snapshot", "majority")}


async def test_a_log_emptied_by_retention_up_to_the_checkpoint_is_fine(
    harness: KafkaHarness, counting: CountingProjection
) -> None:
    await harness.publish(*(harness.note("k", number, partition=0) for number in range(10)))
    async with running(projecting(harness, counting)):
        await until(lambda: once_each(counting, 10))
    await delete_before(harness, 10)
    again = projecting(harness, counting)
    async with running(again):
        await harness.publish(harness.note("k", 10, partition=0))
        await until(lambda: once_each(counting, 11))
        assert again.unhealthy_reason() is None


async def test_a_log_that_starts_beyond_the_checkpoint_stops_that_partition_alone(
    harness: KafkaHarness, counting: CountingProjection
) -> None:
    await harness.publish(*(harness.note("a", number, partition=0) for number in range(10)))
    async with running(projecting(harness, counting)):
        await until(lambda: once_each(counting, 10))
    await harness.publish(*(harness.note("a", number, partition=0) for number in range(10, 20)))
    await delete_before(harness, 11)  # exactly one is lost
    again = projecting(harness, counting)
    async with running(again):
        await until(lambda: "records 10 to 10 are gone" in (again.unhealthy_reason() or ""))
        await harness.publish(harness.note("b", 99, partition=1))
        await until(lambda: once_each(counting, 11))
    assert harness.counted("candor_alarms_total", kind="partition_stopped") == 1


async def test_records_that_vanish_while_it_listens_are_not_skipped(
    harness: KafkaHarness, counting: CountingProjection
) -> None:
    """The position is out of range, and aiokafka goes to the log's start by itself."""
    await harness.publish(harness.note("a", 0, partition=0))
    late = projecting(harness, counting)
    async with running(late):
        await until(lambda: once_each(counting, 1))
        everything = list(late._positions.at)
        late._subscription.pause(everything)  # it is slow, and nothing is fetched meanwhile
        await until(lambda: not fetching(late))
        await harness.publish(*(harness.note("a", number, partition=0) for number in range(1, 10)))
        await delete_before(harness, 2)
        late._subscription.resume(everything)
        await until(lambda: "records 1 to 1 are gone" in (late.unhealthy_reason() or ""))
    assert await counting.numbers() == {"a": [0]}


@pytest.mark.parametrize(
    ("again", "reason"),
    [(9, "the log ends at 9, before the checkpoint 10"), (10, "another record stands at 9")],
)
async def test_a_topic_made_anew_is_never_taken_for_the_old_one(
    harness: KafkaHarness, counting: CountingProjection, again: int, reason: str
) -> None:
    await harness.publish(*(harness.note("a", number, partition=0) for number in range(10)))
    async with running(projecting(harness, counting)):
        await until(lambda: once_each(counting, 10))
    await make_anew(harness)
    await harness.publish(*(harness.note("a", number, partition=0) for number in range(100, 100 + again)))
    other = projecting(harness, counting)
    async with running(other):
        await until(lambda: reason in (other.unhealthy_reason() or ""))
    assert await counting.total() == 10


async def test_a_graceful_stop_finishes_the_batch(
    harness: KafkaHarness, counting: CountingProjection
) -> None:
    begun = asyncio.Event()
    apply = counting.apply

    async def slowly(session: AsyncIOMotorClientSession, records: Sequence[ReceivedEvent[Any]]) -> None:
        begun.set()
        await asyncio.sleep(0.3)  # the work itself takes time
        await apply(session, records)

    counting.apply = slowly  # type: ignore[method-assign]
    await harness.publish(*(harness.note("k", number) for number in range(20)))
    task = asyncio.create_task(projecting(harness, counting).run())
    await begun.wait()
    await stopped(task)
    assert await once_each(counting, 20)


def fetching(projecting: ProjectionRunner) -> bool:
    """Whether a request is on its way: its answer could still bring what is deleted now, and rightly so."""
    consumer = projecting._subscription.consumer
    return consumer is None or bool(consumer._fetcher._in_flight)


async def delete_before(harness: KafkaHarness, offset: int) -> None:
    admin = AIOKafkaAdminClient(**harness.kafka.options())
    await admin.start()
    try:
        await admin.delete_records({TopicPartition(harness.notes, 0): RecordsToDelete(offset)})
    finally:
        await admin.close()


async def make_anew(harness: KafkaHarness) -> None:
    await harness.publisher.stop()
    admin = AIOKafkaAdminClient(**harness.kafka.options())
    await admin.start()
    try:
        await admin.delete_topics([harness.notes])
        await until(lambda: _gone(admin, harness.notes))
        await admin.create_topics([NewTopic(harness.notes, 4, 1)])
    finally:
        await admin.close()


async def _gone(admin: AIOKafkaAdminClient, topic: str) -> bool:
    return topic not in await admin.list_topics()
