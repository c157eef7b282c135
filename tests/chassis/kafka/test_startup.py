"""A client that is cancelled while it starts loses no connection."""

import asyncio
import gc
import warnings
from contextlib import suppress

import pytest
from aiokafka.conn import AIOKafkaConnection

from chassis.kafka import startup as starting
from chassis.kafka.startup import started
from chassis.kafka.topic_reader import topic_reader


@pytest.mark.real
async def test_cancelled_while_it_asks_for_the_cluster_it_closes_what_it_opened(
    kafka: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[AIOKafkaConnection] = []
    connect = AIOKafkaConnection.connect

    async def noted(self: AIOKafkaConnection) -> object:
        opened.append(self)
        answer = await connect(self)
        asking.set()
        return answer

    async def read() -> None:
        async with topic_reader(kafka):
            await asyncio.Event().wait()

    asking = asyncio.Event()
    monkeypatch.setattr(AIOKafkaConnection, "connect", noted)
    reading = asyncio.create_task(read())
    await asking.wait()
    reading.cancel()
    with suppress(asyncio.CancelledError):
        await reading
    assert opened
    assert not any(one.connected() for one in opened)
    with warnings.catch_warnings(action="error"):
        opened.clear()
        gc.collect()


async def test_what_does_not_start_in_time_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(starting, "GRACE_SECONDS", 0.01)
    task = asyncio.create_task(started(asyncio.Event().wait()))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_what_fails_to_start_says_so() -> None:
    async def fail() -> None:
        raise ConnectionRefusedError

    with pytest.raises(ConnectionRefusedError):
        await started(fail())


async def test_a_failure_after_the_cancellation_is_not_reported_as_forgotten() -> None:
    told: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
    go_on = asyncio.Event()

    async def fail() -> None:
        await go_on.wait()
        raise ConnectionRefusedError

    task = asyncio.create_task(started(fail()))
    await asyncio.sleep(0)
    task.cancel()
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    del task
    gc.collect()
    assert told == []
