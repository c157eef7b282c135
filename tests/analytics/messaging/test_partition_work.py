"""Work that is done in processes of its own."""

import asyncio
from multiprocessing import active_children
from multiprocessing.process import BaseProcess

import pytest
from pymongo.errors import BulkWriteError

from analytics.messaging.partition_work import Deployment, InProcesses, WorkFailed
from chassis.kafka.connection import KafkaConnection
from tests.waiting import until

NOWHERE = InProcesses(2, "mongodb://127.0.0.1:1", "none", KafkaConnection(servers="127.0.0.1:1"))


async def doubled(_: Deployment, number: int) -> int:
    return 2 * number


async def fails(_: Deployment, number: int) -> int:
    raise BulkWriteError({"writeErrors": [{"code": number, "errmsg": "a client's words"}]})


async def never_ends(_: Deployment, number: int) -> int:
    await asyncio.sleep(600)
    return number


async def test_each_number_is_done_once() -> None:
    assert sorted([found async for found in NOWHERE.done(doubled, range(5))]) == [0, 2, 4, 6, 8]


async def test_a_fault_of_the_database_comes_back_as_its_name() -> None:
    with pytest.raises(WorkFailed, match=r"^BulkWriteError$"):
        [found async for found in NOWHERE.done(fails, [1])]


async def test_what_is_interrupted_leaves_nobody_at_work() -> None:
    async def work() -> None:
        [found async for found in NOWHERE.done(never_ends, [1, 2])]

    working = asyncio.create_task(work())
    children = await until(active_children_now, lambda found: len(found) >= 2)
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
    # Not joined: the pool's own thread may collect a child just then, and its code is known a moment later.
    await until(lambda: all(child.exitcode is not None for child in children))


async def active_children_now() -> list[BaseProcess]:
    return [*active_children()]
