"""Lookups that travel together: each sees what was stored when it was asked for."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from pymongo.errors import AutoReconnect

from chassis.eventstore.lookup import CommitLookup
from chassis.eventstore.mongo import MongoEventStore
from chassis.eventstore.serialization import commit_id
from tests.chassis.eventstore.jar import commit

pytestmark = pytest.mark.real


class Between:
    """Stands between a lookup and its collection: holds queries back, and may fail them."""

    def __init__(self, store: MongoEventStore) -> None:
        self._commits = store.commits
        self.queries: list[list[str]] = []
        self.open = asyncio.Event()
        self.open.set()
        self.fault: Exception | None = None

    def find(self, wanted: Mapping[str, Any], fields: Mapping[str, int]) -> "Between":
        self.queries.append(list(wanted["_id"]["$in"]))
        self._found = self._commits.find(wanted, fields)
        return self

    async def to_list(self, _: None) -> list[dict[str, Any]]:
        await self.open.wait()
        if self.fault is not None:
            raise self.fault
        found: list[dict[str, Any]] = await self._found.to_list(None)
        return found


@pytest.fixture
def between(mongo_store: MongoEventStore) -> Between:
    return Between(mongo_store)


@pytest.fixture
def lookup(between: Between) -> CommitLookup:
    return CommitLookup(between)  # type: ignore[arg-type]


async def start(lookup: CommitLookup, *streams: str) -> list["asyncio.Task[bool]"]:
    tasks = [asyncio.create_task(lookup.is_stored(commit_id(stream, 1))) for stream in streams]
    await asyncio.sleep(0.01)
    return tasks


async def test_they_gather_while_one_query_is_in_flight(
    mongo_store: MongoEventStore, between: Between, lookup: CommitLookup
) -> None:
    await mongo_store.append(commit("jar:7", 1))
    between.open.clear()
    tasks = await start(lookup, *(f"jar:{key}" for key in range(50)))
    between.open.set()
    assert await asyncio.gather(*tasks) == [key == 7 for key in range(50)]
    assert [len(query) for query in between.queries] == [1, 49]


async def test_whoever_asks_later_joins_no_query_that_is_on_its_way(
    mongo_store: MongoEventStore, between: Between, lookup: CommitLookup
) -> None:
    between.open.clear()
    (first,) = await start(lookup, "jar:a")
    await mongo_store.append(commit("jar:a", 1))
    (second,) = await start(lookup, "jar:a")
    between.open.set()
    await first
    assert await second
    assert len(between.queries) == 2


async def test_a_fault_is_told_to_all_and_the_next_query_goes_on(
    between: Between, lookup: CommitLookup
) -> None:
    between.open.clear()
    between.fault = AutoReconnect("the line went dead")
    tasks = await start(lookup, "jar:x", "jar:a", "jar:b")
    between.open.set()
    told = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(one) for one in told] == [AutoReconnect] * 3
    between.fault = None
    assert not await lookup.is_stored(commit_id("jar:a", 1))


async def test_whoever_cancels_disturbs_no_other(between: Between, lookup: CommitLookup) -> None:
    between.open.clear()
    tasks = await start(lookup, "jar:x", "jar:a", "jar:b")
    tasks[0].cancel()
    tasks[1].cancel()
    await asyncio.sleep(0)
    between.open.set()
    told = await asyncio.gather(*tasks, return_exceptions=True)
    assert [isinstance(one, asyncio.CancelledError) for one in told] == [True, True, False]


async def test_a_query_that_is_cut_off_leaves_nobody_waiting(between: Between, lookup: CommitLookup) -> None:
    between.open.clear()
    tasks = await start(lookup, "jar:x", "jar:a")
    assert lookup._flight is not None
    lookup._flight.cancel()
    between.open.set()
    told = await asyncio.gather(*tasks, return_exceptions=True)
    assert [isinstance(one, asyncio.CancelledError) for one in told] == [True, False]


async def test_of_a_stream_that_is_known_only_what_is_newer_is_fetched(mongo_store: MongoEventStore) -> None:
    for number in (1, 2):
        await mongo_store.append(commit("jar:a", number))
    assert [one.number for one in await mongo_store.read("jar:a", after=1, limit=10)] == [2]
    assert list(await mongo_store.read("jar:a", after=2, limit=10)) == []
