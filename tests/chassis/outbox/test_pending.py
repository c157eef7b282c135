"""What is left to relay is found by one walk along an index, whatever was relayed lately."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from pymongo.errors import BulkWriteError

from chassis.eventstore.mongo import MongoEventStore
from chassis.eventstore.serialization import commit_id
from chassis.outbox.pending import SKEW, PendingCommits, RelayMark
from tests.chassis.eventstore.jar import NOON, CoinPut, commit

pytestmark = pytest.mark.real


async def plan_of_search(store: MongoEventStore, outbox: PendingCommits) -> Mapping[str, Any]:
    """How MongoDB looked for the commits of all shards, as its profiler tells it."""
    await store.database.command("profile", 2)
    await outbox.oldest(range(16), without=(), limit=10)
    await store.database.command("profile", 0)
    entry = await store.database["system.profile"].find_one({"op": "query", "ns": store.commits.full_name})
    assert entry
    return entry


async def test_the_oldest_are_found_by_one_walk_along_the_index(mongo_store: MongoEventStore) -> None:
    outbox = PendingCommits(mongo_store)
    for number in range(20):
        await mongo_store.append(commit(f"jar:{number}", 1, CoinPut(put="jam")))
    await outbox.mark([RelayMark(f"jar:{number}", 1, 0) for number in range(15)])
    plan = await plan_of_search(mongo_store, outbox)
    # A walk per shard would be merged, and be sixteen times as long.
    assert plan["planSummary"] == "IXSCAN { at: 1, shard: 1, _id: 1 }"
    assert not plan.get("hasSortStage")
    assert plan["docsExamined"] == plan["nreturned"] == 5


async def test_what_was_relayed_before_is_walked_over_now_and_then_only(
    mongo_store: MongoEventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chassis.outbox.pending.SWEEP_SECONDS", 60)
    outbox = PendingCommits(mongo_store)

    async def append(stream: str, after: timedelta) -> None:
        await mongo_store.append(replace(commit(stream, 1), at=NOON + after))

    async def found() -> list[str]:
        return sorted(await outbox.oldest(range(16), without=(), limit=10))

    await append("jar:now", timedelta())
    assert await found() == ["jar:now"]
    await append("jar:skewed", -SKEW)
    await append("jar:late", -3 * SKEW)
    assert await found() == ["jar:now", "jar:skewed"]
    outbox._all_at = 0.0  # a minute later
    assert await found() == ["jar:late", "jar:now", "jar:skewed"]


async def marked(store: MongoEventStore, stream: str) -> list[object]:
    found = store.commits.find({"stream": stream}).sort("_id", 1)
    return [each["published"] if each["relayed"] else None async for each in found]


async def test_marks_are_made_in_order_within_a_stream_and_none_after_one_that_fails(
    mongo_store: MongoEventStore,
) -> None:
    outbox = PendingCommits(mongo_store)
    for stream in ("jar:a", "jar:b"):
        for number in range(1, 5):
            await mongo_store.append(commit(stream, number))
    refused = {"_id": commit_id("jar:a", 3), "relayed": True}
    await mongo_store.database.command("collMod", mongo_store.commits.name, validator={"$nor": [refused]})
    published = {1: 1, 2: 2, 3: 2, 4: 2}
    a, b = ([RelayMark(stream, *each) for each in published.items()] for stream in ("jar:a", "jar:b"))
    with pytest.raises(BulkWriteError):
        await outbox.mark(a)
    assert await marked(mongo_store, "jar:a") == [1, 2, None, None]
    await outbox.mark(b)
    assert await marked(mongo_store, "jar:b") == [1, 2, 2, 2]
