"""Appends that travel together: each caller is told its own result, and only that."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from bson.raw_bson import RawBSONDocument
from pymongo.errors import AutoReconnect, BulkWriteError

from chassis.errors import VersionConflict, WriteOutcomeUnknown
from chassis.eventstore.mongo import MAX_BATCH, MongoEventStore
from tests.chassis.eventstore.jar import Put, commit

pytestmark = pytest.mark.real

Documents = Sequence[RawBSONDocument]


class Between:
    """Stands between a log and its collection: opens the way when told, and may lose or change the answer."""

    def __init__(self, log: MongoEventStore) -> None:
        self._commits = log.commits
        self.batches: list[list[str]] = []
        self.open = asyncio.Event()
        self.open.set()
        self.answer: Callable[[Documents], None] = lambda _: None
        log.commits = self  # type: ignore[assignment]

    async def insert_many(self, documents: Documents, *, ordered: bool) -> None:
        self.batches.append([document["_id"] for document in documents])
        await self.open.wait()
        await self._commits.insert_many(documents, ordered=ordered)
        self.answer(documents)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._commits, name)


@pytest.fixture
def between(mongo_log: MongoEventStore) -> Between:
    return Between(mongo_log)


async def start(log: MongoEventStore, *streams: str) -> list["asyncio.Task[None]"]:
    """Begins to append the first commit of each stream; returns when all of them wait."""
    tasks = [
        asyncio.create_task(log.append(commit(stream, 1, Put(put=f"{n}"))))
        for n, stream in enumerate(streams)
    ]
    await asyncio.sleep(0)
    return tasks


async def told(tasks: Sequence["asyncio.Task[None]"]) -> list[type[BaseException] | None]:
    found = await asyncio.gather(*tasks, return_exceptions=True)
    return [type(one) if isinstance(one, BaseException) else None for one in found]


async def test_commits_gather_while_one_insert_is_in_flight(
    mongo_log: MongoEventStore, between: Between
) -> None:
    between.open.clear()
    tasks = await start(mongo_log, *(f"jar:{key}" for key in range(50)))
    between.open.set()
    assert await told(tasks) == [None] * 50
    assert [len(batch) for batch in between.batches] == [1, 49]


async def test_a_batch_has_no_more_than_five_hundred(mongo_log: MongoEventStore, between: Between) -> None:
    between.open.clear()
    tasks = await start(mongo_log, *(f"jar:{key}" for key in range(MAX_BATCH + 11)))
    between.open.set()
    assert await told(tasks) == [None] * (MAX_BATCH + 11)
    assert [len(batch) for batch in between.batches] == [1, MAX_BATCH, 10]


async def test_a_batch_has_one_commit_of_a_stream_and_the_first_comer_wins(
    mongo_log: MongoEventStore, between: Between
) -> None:
    between.open.clear()
    tasks = await start(mongo_log, "jar:x", "jar:a", "jar:a", "jar:b", "jar:a")
    between.open.set()
    assert await told(tasks) == [None, None, VersionConflict, None, VersionConflict]
    assert all(len(set(batch)) == len(batch) for batch in between.batches)
    assert (await mongo_log.read("jar:a"))[0].events[0]["put"] == "1"


async def test_a_conflict_in_the_middle_is_told_to_its_caller_only(
    mongo_log: MongoEventStore, between: Between
) -> None:
    await mongo_log.append(commit("jar:taken", 1, Put(put="before")))
    between.open.clear()
    tasks = await start(mongo_log, "jar:x", "jar:a", "jar:taken", "jar:b")
    between.open.set()
    assert await told(tasks) == [None, None, VersionConflict, None]
    assert [len(await mongo_log.read(f"jar:{key}")) for key in "xab"] == [1, 1, 1]
    assert (await mongo_log.read("jar:taken"))[0].events[0]["put"] == "before"


async def test_a_lost_answer_is_unknown_to_all_and_the_next_batch_goes_on(
    mongo_log: MongoEventStore, between: Between
) -> None:
    def lose(_: Documents) -> None:
        between.answer = lambda _: None
        raise AutoReconnect("the line went dead")

    between.answer = lose
    between.open.clear()
    tasks = await start(mongo_log, "jar:x", "jar:a", "jar:b")
    between.open.set()
    assert await told(tasks) == [WriteOutcomeUnknown, None, None]
    assert len(await mongo_log.read("jar:x")) == 1


async def test_not_yet_at_a_majority_is_unknown_to_all_but_the_refused(
    mongo_log: MongoEventStore, between: Between
) -> None:
    await mongo_log.append(commit("jar:taken", 1))

    def doubt(documents: Documents) -> None:
        if len(documents) == 3:
            problems = [{"index": 1, "code": 11000}, {"index": 2, "code": 2}]
            raise BulkWriteError({"writeErrors": problems, "writeConcernErrors": [{"code": 64}]})

    between.answer = doubt
    between.open.clear()
    tasks = await start(mongo_log, "jar:x", "jar:a", "jar:b", "jar:c")
    between.open.set()
    assert await told(tasks) == [None, WriteOutcomeUnknown, VersionConflict, WriteOutcomeUnknown]


async def test_any_other_write_error_is_unknown_to_its_caller_only(
    mongo_log: MongoEventStore, between: Between
) -> None:
    def refuse_second(documents: Documents) -> None:
        if len(documents) == 3:
            raise BulkWriteError({"writeErrors": [{"index": 1, "code": 2}], "writeConcernErrors": []})

    between.answer = refuse_second
    between.open.clear()
    tasks = await start(mongo_log, "jar:x", "jar:a", "jar:b", "jar:c")
    between.open.set()
    assert await told(tasks) == [None, None, WriteOutcomeUnknown, None]


async def test_whoever_cancels_before_the_flight_stores_nothing(
    mongo_log: MongoEventStore, between: Between
) -> None:
    between.open.clear()
    tasks = await start(mongo_log, "jar:x", "jar:a", "jar:b")
    tasks[1].cancel()
    await asyncio.sleep(0)
    between.open.set()
    assert await told(tasks) == [None, asyncio.CancelledError, None]
    assert between.batches == [["jar:x:0000000001"], ["jar:b:0000000001"]]


async def test_whoever_cancels_in_flight_finds_by_loading_what_became_of_it(
    mongo_log: MongoEventStore, between: Between
) -> None:
    between.open.clear()
    tasks = await start(mongo_log, "jar:x", "jar:a", "jar:b")
    tasks[0].cancel()
    await asyncio.sleep(0)
    between.open.set()
    assert await told(tasks) == [asyncio.CancelledError, None, None]
    assert len(await mongo_log.read("jar:x")) == 1


async def test_a_flight_that_is_cut_off_leaves_nobody_waiting(
    mongo_log: MongoEventStore, between: Between
) -> None:
    between.open.clear()
    tasks = await start(mongo_log, "jar:x", "jar:a")
    flight = mongo_log._flight
    assert flight is not None
    flight.cancel()
    between.open.set()
    assert await told(tasks) == [WriteOutcomeUnknown, None]


async def test_what_is_stored_can_t_be_rolled_back(mongo_log: MongoEventStore) -> None:
    """One server alone would never show the difference; a failover of three would."""
    assert mongo_log.commits.write_concern.document == {"w": "majority", "j": True}
    assert mongo_log.commits.read_concern.level == "majority"
