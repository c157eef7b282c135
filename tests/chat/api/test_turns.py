"""Commands of one dialog wait for each other, those of different dialogs don't."""

import asyncio

import pytest

from chassis.eventlog.handle import Busy
from chat.api.turns import Turns


async def test_one_at_a_time_in_the_order_of_asking() -> None:
    turns, inside, order = Turns(), list[int](), list[int]()

    async def take(number: int) -> None:
        async with turns.of("d1"):
            inside.append(number)
            await asyncio.sleep(0)
            assert inside == [number]
            inside.remove(number)
            order.append(number)

    await asyncio.gather(*(take(number) for number in range(20)))
    assert order == list(range(20))
    assert not turns._locks


async def test_other_dialogs_do_not_wait() -> None:
    turns = Turns()
    async with turns.of("d1"), turns.of("d2"):
        pass


async def test_whoever_waits_too_long_is_told_to_come_again() -> None:
    turns = Turns(patience=0.01)
    async with turns.of("d1"):
        with pytest.raises(Busy):
            async with turns.of("d1"):
                raise AssertionError("two at once")
    async with turns.of("d1"):
        pass
