"""What every event log promises."""

import asyncio
from datetime import UTC, datetime

import pytest

from chassis.errors import CommitTooLarge, VersionConflict
from chassis.eventstore.store import Commit, EventStore
from tests.chassis.eventstore.jar import Filled, Put, commit


async def test_reads_what_was_appended(log: EventStore) -> None:
    appended = Commit(
        stream="jar:a",
        number=1,
        first=1,
        events=(
            {"type": "any", "list": [1, None, {"deep": "ключ 🗝"}], "share": 0.5, "many": 2**53, "yes": True},
        ),
        at=datetime(2026, 3, 29, 0, 59, 59, 999_000, tzinfo=UTC),
        traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    )
    await log.append(appended)
    assert list(await log.read("jar:a")) == [appended]


async def test_a_stream_nobody_wrote_is_empty(log: EventStore) -> None:
    assert list(await log.read("jar:nobody")) == []


async def test_reads_in_order_beyond_ten_and_after_a_number(log: EventStore) -> None:
    for number in range(1, 13):
        await log.append(commit("jar:a", number))
    assert [one.number for one in await log.read("jar:a")] == list(range(1, 13))
    assert [one.number for one in await log.read("jar:a", after=9)] == [10, 11, 12]
    assert list(await log.read("jar:a", after=12)) == []


async def test_refuses_a_number_that_is_taken(log: EventStore) -> None:
    await log.append(commit("jar:a", 1, Put(put="mine")))
    with pytest.raises(VersionConflict):
        await log.append(commit("jar:a", 1, Put(put="theirs")))
    with pytest.raises(VersionConflict):  # even when it is the same
        await log.append(commit("jar:a", 1, Put(put="mine")))
    assert [one.events[0]["put"] for one in await log.read("jar:a")] == ["mine"]


async def test_stores_a_decision_whole_or_not_at_all(log: EventStore) -> None:
    await log.append(commit("jar:a", 1, Put(put="mine"), Filled()))
    with pytest.raises(VersionConflict):
        await log.append(commit("jar:a", 1, Put(put="x"), Put(put="y"), Put(put="z")))
    assert [len(one.events) for one in await log.read("jar:a")] == [2]


async def test_of_a_hundred_racers_exactly_one_wins_each_number(log: EventStore) -> None:
    async def race(racer: int) -> list[int]:
        won = []
        for number in range(1, 6):
            try:
                await log.append(commit("jar:race", number, Put(put=f"{racer}-{number}")))
            except VersionConflict:
                continue
            won.append(number)
        return won

    won = await asyncio.gather(*(race(racer) for racer in range(100)))
    winners = {f"{racer}-{number}" for racer, numbers in enumerate(won) for number in numbers}
    stored = await log.read("jar:race")
    assert sorted(number for numbers in won for number in numbers) == [1, 2, 3, 4, 5]
    assert {one.events[0]["put"] for one in stored} == winners


async def test_streams_don_t_disturb_each_other(log: EventStore) -> None:
    streams = [f"jar:{key}" for key in range(300)]

    async def fill(stream: str) -> None:
        for number in range(1, 4):
            await log.append(commit(stream, number, Put(put=stream)))

    await asyncio.gather(*map(fill, streams))
    for stream in streams:
        found = await log.read(stream)
        assert [(one.number, one.events[0]["put"]) for one in found] == [(n, stream) for n in (1, 2, 3)]


async def test_a_stream_is_not_mistaken_for_one_whose_name_goes_on(log: EventStore) -> None:
    await log.append(commit("asked:ch", 1))
    await log.append(commit("asked:ch:0000000001", 1))
    await log.append(commit("asked:ch:00000000017", 1))
    assert [one.stream for one in await log.read("asked:ch")] == ["asked:ch"]


async def test_a_commit_over_a_megabyte_is_refused_with_a_sentence(log: EventStore) -> None:
    with pytest.raises(CommitTooLarge, match=r"jar:a has \d+ bytes"):
        await log.append(commit("jar:a", 1, Put(put="x" * 1_000_000)))
    assert list(await log.read("jar:a")) == []


async def test_a_cancelled_caller_disturbs_no_other(log: EventStore) -> None:
    callers = [asyncio.create_task(log.append(commit(f"jar:{key}", 1))) for key in range(20)]
    await asyncio.sleep(0)
    for caller in callers[::2]:
        caller.cancel()
    told = await asyncio.gather(*callers, return_exceptions=True)
    assert told[1::2] == [None] * 10
    assert all(isinstance(one, asyncio.CancelledError) for one in told[::2])
    assert [len(await log.read(f"jar:{key}")) for key in range(1, 20, 2)] == [1] * 10
    await log.append(commit("jar:after", 1))
