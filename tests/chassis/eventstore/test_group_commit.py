"""Appends that travel together: each caller is told its own result, and only that."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from bson.raw_bson import RawBSONDocument
from pymongo.errors import AutoReconnect, BulkWriteError, OperationFailure

from chassis.clock import ManualClock
from chassis.errors import PermanentWriteError, VersionConflict, WriteOutcomeUnknown
from chassis.eventstore.handle import GIVE_UP_SECONDS, handle
from chassis.eventstore.mongo import MAX_BATCH, MongoEventStore
from chassis.eventstore.repository import Repository
from chassis.transient import is_transient
from tests.chassis.eventstore.jar import JARS, NOON, CoinPut, PutCoin, commit

pytestmark = pytest.mark.real

Documents = Sequence[RawBSONDocument]


class Between:
    """Stands between a store and its collection: holds inserts back, and may lose or change the result."""

    def __init__(self, store: MongoEventStore) -> None:
        self._commits = store.commits
        self.batches: list[list[str]] = []
        self.open = asyncio.Event()
        self.open.set()
        self.answer: Callable[[Documents], None] = lambda _: None
        store.commits = self  # type: ignore[assignment]

    async def insert_many(self, documents: Documents, *, ordered: bool) -> None:
        self.batches.append([document["_id"] for document in documents])
        await self.open.wait()
        await self._commits.insert_many(documents, ordered=ordered)
        self.answer(documents)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._commits, name)


@pytest.fixture
def between(mongo_store: MongoEventStore) -> Between:
    return Between(mongo_store)


async def start(store: MongoEventStore, *streams: str) -> list["asyncio.Task[None]"]:
    """Begins to append the first commit of each stream; returns when all of them wait."""
    tasks = [
        asyncio.create_task(store.append(commit(stream, 1, CoinPut(put=f"{n}"))))
        for n, stream in enumerate(streams)
    ]
    await asyncio.sleep(0)
    return tasks


async def told(tasks: Sequence["asyncio.Task[None]"]) -> list[type[BaseException] | None]:
    found = await asyncio.gather(*tasks, return_exceptions=True)
    return [type(one) if isinstance(one, BaseException) else None for one in found]


async def test_commits_gather_while_one_insert_is_in_flight(
    mongo_store: MongoEventStore, between: Between
) -> None:
    between.open.clear()
    tasks = await start(mongo_store, *(f"jar:{key}" for key in range(50)))
    between.open.set()
    assert await told(tasks) == [None] * 50
    assert [len(batch) for batch in between.batches] == [1, 49]


async def test_a_batch_has_no_more_than_five_hundred(mongo_store: MongoEventStore, between: Between) -> None:
    between.open.clear()
    tasks = await start(mongo_store, *(f"jar:{key}" for key in range(MAX_BATCH + 11)))
    between.open.set()
    assert await told(tasks) == [None] * (MAX_BATCH + 11)
    assert [len(batch) for batch in between.batches] == [1, MAX_BATCH, 10]


async def test_a_batch_has_one_commit_of_a_stream_and_the_first_comer_wins(
    mongo_store: MongoEventStore, between: Between
) -> None:
    between.open.clear()
    tasks = await start(mongo_store, "jar:x", "jar:a", "jar:a", "jar:b", "jar:a")
    between.open.set()
    assert await told(tasks) == [None, None, VersionConflict, None, VersionConflict]
    assert all(len(set(batch)) == len(batch) for batch in between.batches)
    assert (await mongo_store.read("jar:a", limit=1000))[0].events[0]["put"] == "1"


async def test_a_conflict_in_the_middle_is_told_to_its_caller_only(
    mongo_store: MongoEventStore, between: Between
) -> None:
    await mongo_store.append(commit("jar:taken", 1, CoinPut(put="before")))
    between.open.clear()
    tasks = await start(mongo_store, "jar:x", "jar:a", "jar:taken", "jar:b")
    between.open.set()
    assert await told(tasks) == [None, None, VersionConflict, None]
    assert [len(await mongo_store.read(f"jar:{key}", limit=1000)) for key in "xab"] == [1, 1, 1]
    assert (await mongo_store.read("jar:taken", limit=1000))[0].events[0]["put"] == "before"


async def test_a_lost_answer_is_unknown_to_all_and_the_next_batch_goes_on(
    mongo_store: MongoEventStore, between: Between
) -> None:
    def lose(_: Documents) -> None:
        between.answer = lambda _: None
        raise AutoReconnect("the line went dead")

    between.answer = lose
    between.open.clear()
    tasks = await start(mongo_store, "jar:x", "jar:a", "jar:b")
    between.open.set()
    assert await told(tasks) == [WriteOutcomeUnknown, None, None]
    assert len(await mongo_store.read("jar:x", limit=1000)) == 1


async def test_not_yet_at_a_majority_is_unknown_to_all_but_the_refused(
    mongo_store: MongoEventStore, between: Between
) -> None:
    await mongo_store.append(commit("jar:taken", 1))

    def doubt(documents: Documents) -> None:
        if len(documents) == 3:
            problems = [{"index": 1, "code": 11000}, {"index": 2, "code": 2}]
            raise BulkWriteError({"writeErrors": problems, "writeConcernErrors": [{"code": 64}]})

    between.answer = doubt
    between.open.clear()
    tasks = await start(mongo_store, "jar:x", "jar:a", "jar:b", "jar:c")
    between.open.set()
    assert await told(tasks) == [None, WriteOutcomeUnknown, VersionConflict, PermanentWriteError]


@pytest.mark.parametrize(("code", "error"), [(2, PermanentWriteError), (112, WriteOutcomeUnknown)])
async def test_any_other_write_error_is_its_callers_only(
    mongo_store: MongoEventStore, between: Between, code: int, error: type[Exception]
) -> None:
    def refuse_second(documents: Documents) -> None:
        if len(documents) == 3:
            raise BulkWriteError({"writeErrors": [{"index": 1, "code": code}], "writeConcernErrors": []})

    between.answer = refuse_second
    between.open.clear()
    tasks = await start(mongo_store, "jar:x", "jar:a", "jar:b", "jar:c")
    between.open.set()
    assert await told(tasks) == [None, None, error, None]


async def test_of_five_each_of_the_three_that_are_refused_has_its_own_result(
    mongo_store: MongoEventStore, between: Between
) -> None:
    await mongo_store.append(commit("jar:1", 1, CoinPut(put="before")))
    await mongo_store.append(commit("jar:4", 1, CoinPut(put="before")))
    await refuse(mongo_store, "jar:3")
    between.open.clear()
    tasks = await start(mongo_store, "jar:x", "jar:0", "jar:1", "jar:2", "jar:3", "jar:4")
    between.open.set()
    assert await told(tasks) == [None, None, VersionConflict, None, PermanentWriteError, VersionConflict]
    assert [str(task.exception())[:5] for task in tasks if task.exception()] == ["jar:1", "Mongo", "jar:4"]
    assert len(between.batches[-1]) == 5


async def refuse(store: MongoEventStore, stream: str) -> None:
    """From now on the collection's rules forbid commits of `stream`."""
    rule = {"stream": {"$ne": stream}}
    await store.database.command("collMod", store.commits.name, validator=rule)


async def test_what_is_never_stored_is_told_at_once_and_for_good(
    mongo_store: MongoEventStore,
) -> None:
    await mongo_store.append(commit("jar:other", 1))
    await refuse(mongo_store, "jar:a")
    repository = Repository(mongo_store, ManualClock(NOON))
    async with asyncio.timeout(GIVE_UP_SECONDS / 2):
        with pytest.raises(PermanentWriteError, match="jar:a") as raised:
            await handle(repository, JARS, "jar:a", PutCoin("x"))
    assert not is_transient(raised.value)
    assert not await mongo_store.read("jar:a", limit=1)


async def test_a_missing_right_is_permanent_and_an_outage_is_not(
    mongo_store: MongoEventStore, between: Between
) -> None:
    def fail(error: Exception) -> Callable[[Documents], None]:
        def answer(_: Documents) -> None:
            raise error

        return answer

    between.answer = fail(OperationFailure("not authorized", 13))
    assert await told(await start(mongo_store, "jar:a", "jar:b")) == [PermanentWriteError] * 2
    between.answer = fail(OperationFailure("stepping down", 189))
    assert await told(await start(mongo_store, "jar:c", "jar:d")) == [WriteOutcomeUnknown] * 2


async def test_whoever_cancels_before_the_flight_stores_nothing(
    mongo_store: MongoEventStore, between: Between
) -> None:
    between.open.clear()
    tasks = await start(mongo_store, "jar:x", "jar:a", "jar:b")
    tasks[1].cancel()
    await asyncio.sleep(0)
    between.open.set()
    assert await told(tasks) == [None, asyncio.CancelledError, None]
    assert between.batches == [["jar:x:0000000001"], ["jar:b:0000000001"]]


async def test_whoever_cancels_in_flight_finds_by_loading_what_became_of_it(
    mongo_store: MongoEventStore, between: Between
) -> None:
    between.open.clear()
    tasks = await start(mongo_store, "jar:x", "jar:a", "jar:b")
    tasks[0].cancel()
    await asyncio.sleep(0)
    between.open.set()
    assert await told(tasks) == [asyncio.CancelledError, None, None]
    assert len(await mongo_store.read("jar:x", limit=1000)) == 1


async def test_a_flight_that_is_cut_off_leaves_nobody_waiting(
    mongo_store: MongoEventStore, between: Between
) -> None:
    between.open.clear()
    tasks = await start(mongo_store, "jar:x", "jar:a")
    flight = mongo_store._flight
    assert flight is not None
    flight.cancel()
    between.open.set()
    assert await told(tasks) == [WriteOutcomeUnknown, None]


async def test_what_is_stored_can_t_be_rolled_back(mongo_store: MongoEventStore) -> None:
    """One server alone would never show the difference; a failover of three would."""
    assert mongo_store.commits.write_concern.document == {"w": "majority", "j": True}
    assert mongo_store.commits.read_concern.level == "majority"
