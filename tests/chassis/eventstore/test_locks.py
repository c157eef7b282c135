"""Commands of one stream wait for each other, those of different streams don't."""

import asyncio

import pytest

from chassis.errors import LockTimeout
from chassis.eventstore.locks import StreamLocks

AGES = 60


async def test_one_at_a_time_in_the_order_of_asking() -> None:
    locks, inside, order = StreamLocks(), list[int](), list[int]()

    async def take(number: int) -> None:
        async with locks.acquire("d1", AGES):
            inside.append(number)
            await asyncio.sleep(0)
            assert inside == [number]
            inside.remove(number)
            order.append(number)

    await asyncio.gather(*(take(number) for number in range(20)))
    assert order == list(range(20))
    assert not locks._locks


async def test_other_streams_do_not_wait() -> None:
    locks = StreamLocks()
    async with locks.acquire("d1", AGES), locks.acquire("d2", AGES):
        pass


async def test_whoever_waits_too_long_is_told_to_come_again() -> None:
    locks = StreamLocks()
    async with locks.acquire("d1", AGES):
        with pytest.raises(LockTimeout):
            async with locks.acquire("d1", 0.01):
                raise AssertionError("two at once")
    async with locks.acquire("d1", AGES):
        pass
