"""Clients that are cancelled while they start lose no connection; one server that answers is enough."""

import asyncio
import gc
import warnings
from collections.abc import Awaitable, Sized
from contextlib import suppress
from typing import Any

import pytest
from aiokafka.conn import AIOKafkaConnection

from chassis.http.health import broker_answers
from chassis.kafka import clients
from chassis.kafka.clients import reader, started
from chassis.kafka.connection import KafkaConnection
from chassis.kafka.records import ReceivedEvent
from tests.chassis.kafka.counting_projection import CountingProjection, once_each, projecting
from tests.chassis.kafka.harness import KafkaHarness, running
from tests.waiting import until


@pytest.mark.real
async def test_cancelled_while_it_asks_for_the_cluster_it_closes_what_it_opened(
    kafka: KafkaConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[AIOKafkaConnection] = []
    connect = AIOKafkaConnection.connect

    async def noted(self: AIOKafkaConnection) -> object:
        opened.append(self)
        answer = await connect(self)
        asking.set()
        return answer

    async def read() -> None:
        async with reader(kafka):
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
    monkeypatch.setattr(clients, "GRACE_SECONDS", 0.01)
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


@pytest.mark.real
async def test_of_several_servers_the_first_may_be_down(
    kafka: KafkaConnection, counting: CountingProjection
) -> None:
    """FastStream takes several in one text for a single host."""
    several = KafkaHarness(KafkaConnection(servers=f"127.0.0.1:1, {kafka.servers}"))
    await several.create()
    numbers: list[int] = []

    async def consume(received: ReceivedEvent[Any]) -> None:
        numbers.append(received.event.number)

    await several.publish(several.note("k", 1), several.raw("k", b"{"))
    async with running(
        several.consumer(consume), projecting(several, counting, group=f"{several.group}.counting")
    ):
        await until(lambda: numbers == [1])
        await until(lambda: once_each(counting, 1))
        await until(lambda: _count(several.letters(), 1))
    await broker_answers(several.kafka)()
    await several.publisher.stop()


async def _count(found: Awaitable[Sized], expected: int) -> bool:
    return len(await found) == expected
