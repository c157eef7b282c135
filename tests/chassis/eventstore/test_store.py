"""What every event store promises."""

import asyncio
from datetime import UTC, datetime

import pytest

from chassis.errors import CommitTooLarge, VersionConflict
from chassis.eventstore.store import Commit, EventStore
from tests.chassis.eventstore.jar import CoinPut, JarFilled, commit


async def test_reads_what_was_appended(store: EventStore) -> None:
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
    await store.append(appended)
    assert list(await store.read("jar:a", limit=1000)) == [appended]


async def test_a_stream_nobody_wrote_is_empty(store: EventStore) -> None:
    assert list(await store.read("jar:nobody", limit=1000)) == []


async def test_reads_in_order_beyond_ten_and_after_a_number(store: EventStore) -> None:
    for number in range(1, 13):
        await store.append(commit("jar:a", number))
    assert [one.number for one in await store.read("jar:a", limit=1000)] == list(range(1, 13))
    assert [one.number for one in await store.read("jar:a", after=9, limit=1000)] == [10, 11, 12]
    assert list(await store.read("jar:a", after=12, limit=1000)) == []


async def test_reads_no_more_than_asked_and_goes_on_from_there(store: EventStore) -> None:
    for number in range(1, 8):
        await store.append(commit("jar:a", number))
    first = await store.read("jar:a", limit=3)
    second = await store.read("jar:a", after=first[-1].number, limit=3)
    third = await store.read("jar:a", after=second[-1].number, limit=3)
    assert [[one.number for one in slice_] for slice_ in (first, second, third)] == [
        [1, 2, 3],
        [4, 5, 6],
        [7],
    ]


async def test_refuses_a_number_that_is_taken(store: EventStore) -> None:
    await store.append(commit("jar:a", 1, CoinPut(put="mine")))
    with pytest.raises(VersionConflict):
        await store.append(commit("jar:a", 1, CoinPut(put="theirs")))
    with pytest.raises(VersionConflict):  # even when it is the same
        await store.append(commit("jar:a", 1, CoinPut(put="mine")))
    assert [one.events[0]["put"] for one in await store.read("jar:a", limit=1000)] == ["mine"]


async def test_stores_a_decision_whole_or_not_at_all(store: EventStore) -> None:
    await store.append(commit("jar:a", 1, CoinPut(put="mine"), JarFilled()))
    with pytest.raises(VersionConflict):
        await store.append(commit("jar:a", 1, CoinPut(put="x"), CoinPut(put="y"), CoinPut(put="z")))
    assert [len(one.events) for one in await store.read("jar:a", limit=1000)] == [2]


async def test_of_a_hundred_racers_exactly_one_wins_each_number(store: EventStore) -> None:
    async def race(racer: int) -> list[int]:
        won = []
        for number in range(1, 6):
            try:
                await store.append(commit("jar:race", number, CoinPut(put=f"{racer}-{number}")))
            except VersionConflict:
                continue
            won.append(number)
        return won

    won = await asyncio.gather(*(race(racer) for racer in range(100)))
    winners = {f"{racer}-{number}" for racer, numbers in enumerate(won) for number in numbers}
    stored = await store.read("jar:race", limit=1000)
    assert sorted(number for numbers in won for number in numbers) == [1, 2, 3, 4, 5]
    assert {one.events[0]["put"] for one in stored} == winners


async def test_streams_don_t_disturb_each_other(store: EventStore) -> None:
    streams = [f"jar:{key}" for key in range(300)]

    async def fill(stream: str) -> None:
        for number in range(1, 4):
            await store.append(commit(stream, number, CoinPut(put=stream)))

    await asyncio.gather(*map(fill, streams))
    for stream in streams:
        found = await store.read(stream, limit=1000)
        assert [(one.number, one.events[0]["put"]) for one in found] == [(n, stream) for n in (1, 2, 3)]


async def test_a_stream_is_not_mistaken_for_one_whose_name_goes_on(store: EventStore) -> None:
    await store.append(commit("asked:ch", 1))
    await store.append(commit("asked:ch:0000000001", 1))
    await store.append(commit("asked:ch:00000000017", 1))
    assert [one.stream for one in await store.read("asked:ch", limit=1000)] == ["asked:ch"]


async def test_a_commit_over_a_megabyte_is_refused_with_a_sentence(store: EventStore) -> None:
    with pytest.raises(CommitTooLarge, match=r"jar:a has \d+ bytes"):
        await store.append(commit("jar:a", 1, CoinPut(put="x" * 1_000_000)))
    assert list(await store.read("jar:a", limit=1000)) == []


async def test_a_cancelled_caller_disturbs_no_other(store: EventStore) -> None:
    callers = [asyncio.create_task(store.append(commit(f"jar:{key}", 1))) for key in range(20)]
    await asyncio.sleep(0)
    for caller in callers[::2]:
        caller.cancel()
    told = await asyncio.gather(*callers, return_exceptions=True)
    assert told[1::2] == [None] * 10
    assert all(isinstance(one, asyncio.CancelledError) for one in told[::2])
    assert [len(await store.read(f"jar:{key}", limit=1000)) for key in range(1, 20, 2)] == [1] * 10
    await store.append(commit("jar:after", 1))
