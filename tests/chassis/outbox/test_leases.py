"""Shards are shared fairly among the replicas that live, and none stays without."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from pymongo.errors import OperationFailure

from chassis.eventstore.mongo import MongoEventStore
from chassis.outbox.leases import Leases
from tests.waiting import until

pytestmark = pytest.mark.real

ALL = frozenset(range(16))


@asynccontextmanager
async def leasing(*replicas: Leases) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(replica.run()) for replica in replicas]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def shared(*replicas: Leases) -> bool:
    """All shards are held, none by two."""
    held = [shard for replica in replicas for shard in replica.shards]
    return len(held) == len(ALL) and frozenset(held) == ALL


async def test_one_replica_takes_all_at_once(mongo_store: MongoEventStore) -> None:
    leases = Leases(mongo_store.database)
    await leases.renew()
    assert leases.shards == ALL


async def test_two_replicas_share(mongo_store: MongoEventStore) -> None:
    one, other = (Leases(mongo_store.database) for _ in range(2))
    for replica in (one, other, one, other):
        await replica.renew()
    assert shared(one, other)
    assert len(one.shards) == len(other.shards) == 8


async def test_three_replicas_have_no_more_than_six_each(mongo_store: MongoEventStore) -> None:
    replicas = [Leases(mongo_store.database) for _ in range(3)]
    for _ in range(3):
        for replica in replicas:
            await replica.renew()
    assert shared(*replicas)
    assert max(len(replica.shards) for replica in replicas) == 6


async def test_racing_for_the_first_time_nobody_gets_what_another_has(mongo_store: MongoEventStore) -> None:
    replicas = [Leases(mongo_store.database) for _ in range(4)]
    await asyncio.gather(*(replica.renew() for replica in replicas))
    held = [shard for replica in replicas for shard in replica.shards]
    assert len(held) == len(set(held))


async def test_whoever_stops_gives_back_at_once(mongo_store: MongoEventStore) -> None:
    one, other = Leases(mongo_store.database, seconds=3600), Leases(mongo_store.database, seconds=3600)
    async with leasing(one):
        await until(lambda: holds(one, 16))
    assert one.shards == frozenset()
    await other.renew()
    assert other.shards == ALL


async def test_whoever_dies_is_taken_over(mongo_store: MongoEventStore) -> None:
    dead, living = Leases(mongo_store.database, seconds=0.6), Leases(mongo_store.database, seconds=0.6)
    await dead.renew()
    async with leasing(living):
        await until(lambda: holds(living, 16))


async def test_whoever_slept_through_its_lease_learns_that_it_lost_it(mongo_store: MongoEventStore) -> None:
    sleeper, other = Leases(mongo_store.database, seconds=1), Leases(mongo_store.database, seconds=3600)
    await sleeper.renew()
    await until(lambda: takes(other, 16))
    await sleeper.renew()
    assert not sleeper.shards & other.shards


async def test_whoever_cannot_renew_for_long_is_not_well(mongo_store: MongoEventStore) -> None:
    leases = Leases(mongo_store.database, seconds=1)
    assert leases.unhealthy_reason() is None
    await until(lambda: not_well(leases))
    await leases.renew()
    assert leases.unhealthy_reason() is None


async def test_what_will_not_pass_by_itself_ends_it(mongo_store: MongoEventStore) -> None:
    await mongo_store.database.create_collection("leases", viewOn="none", pipeline=[])
    with pytest.raises(OperationFailure, match="is a view"):
        await Leases(mongo_store.database, seconds=0.1).run()


async def not_well(leases: Leases) -> bool:
    return leases.unhealthy_reason() is not None


async def holds(replica: Leases, shards: int) -> bool:
    return len(replica.shards) == shards


async def takes(replica: Leases, shards: int) -> bool:
    await replica.renew()
    return len(replica.shards) == shards
