"""One time for everything: the database's, carried on by the monotonic clock."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from motor.motor_asyncio import AsyncIOMotorClient
from pymongo.errors import ConnectionFailure

from chassis.clock import AWARE, DatabaseClock, ManualClock
from chassis.errors import ClockNotSet
from chassis.mongo import connect

NOON = datetime(2026, 3, 29, 12, tzinfo=UTC)


class Host:
    """The database's wall clock and this process's monotonic clock, both moved by hand."""

    def __init__(self) -> None:
        self.told = NOON
        self.monotonic = 100.0
        self.trips = [0.0]
        self.way_there = 0.5
        self.outages = 0

    def pass_(self, seconds: float) -> None:
        """Time passes for everybody."""
        self.monotonic += seconds
        self.told += timedelta(seconds=seconds)

    async def command(self, *_: Any, **__: Any) -> dict[str, Any]:
        if self.outages:
            self.outages -= 1
            raise ConnectionFailure("away")
        trip = self.trips.pop(0) if len(self.trips) > 1 else self.trips[0]
        self.pass_(trip * self.way_there)
        answer = {"localTime": self.told}
        self.pass_(trip * (1 - self.way_there))
        return answer

    @property
    def admin(self) -> "Host":
        return self


def clock_of(host: Host) -> DatabaseClock:
    client = cast("AsyncIOMotorClient[dict[str, Any]]", host)
    return DatabaseClock(client, every=timedelta(0), monotonic=lambda: host.monotonic)


def test_before_the_first_sync_there_is_no_time() -> None:
    clock = clock_of(Host())
    with pytest.raises(ClockNotSet):
        clock.now()
    assert clock.unhealthy_reason() == "the clock is not set"


async def test_the_monotonic_clock_carries_the_time_on() -> None:
    clock = clock_of(host := Host())
    await clock.sync()
    assert clock.now() == NOON
    assert clock.unhealthy_reason() is None
    host.pass_(61.5)
    assert clock.now() == NOON + timedelta(seconds=61.5)


async def test_a_jump_of_the_hosts_clock_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = clock_of(Host())
    await clock.sync()
    monkeypatch.setattr(time, "time", lambda: 0.0)
    monkeypatch.setattr(time, "time_ns", lambda: 0)
    assert clock.now() == NOON


async def test_the_reading_with_the_shortest_round_trip_counts() -> None:
    host = Host()
    host.trips, host.way_there = [0.8, 0.002, 1.4], 0.9
    clock = clock_of(host)
    await clock.sync()
    assert abs(clock.now() - host.told) <= timedelta(milliseconds=1)


async def test_it_keeps_in_step_by_itself_and_outlives_an_outage() -> None:
    clock = clock_of(host := Host())
    working = asyncio.create_task(clock.run())
    for drift in (0, 10):
        host.outages, host.told = 2, host.told + timedelta(seconds=drift)
        async with asyncio.timeout(5):
            while clock.unhealthy_reason() or clock.now() != host.told:
                assert not working.done()
                await asyncio.sleep(0)
    working.cancel()
    await asyncio.wait([working])


async def test_a_database_that_steps_back_is_waited_for() -> None:
    clock = clock_of(host := Host())
    await clock.sync()
    assert clock.now() == NOON
    host.told -= timedelta(seconds=30)
    await clock.sync()
    assert clock.now() == NOON
    host.pass_(20)
    assert clock.now() == NOON
    host.pass_(11)
    assert clock.now() == NOON + timedelta(seconds=1)


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(0, 100), st.floats(-100, 100)), min_size=1, max_size=20))
async def test_it_never_steps_back(history: list[tuple[float, float]]) -> None:
    clock = clock_of(host := Host())
    await clock.sync()
    before = clock.now()
    for passes, jump in history:
        host.pass_(passes)
        host.told += timedelta(seconds=jump)
        await clock.sync()
        assert clock.now() >= before
        before = clock.now()


@pytest.mark.real
async def test_it_agrees_with_the_database(mongo: str) -> None:
    client = connect(mongo)
    try:
        clock = DatabaseClock(client)
        await clock.sync()
        before = clock.now()
        told = (await client.admin.command("hello", codec_options=AWARE))["localTime"]
        after = clock.now()
        slack = timedelta(milliseconds=50)
        assert before - slack <= told <= after + slack
        assert before.microsecond % 1000 == 0
        assert before.tzinfo is UTC
    finally:
        client.close()


def test_a_manual_clock_stands_until_it_is_advanced() -> None:
    clock = ManualClock(NOON + timedelta(microseconds=1500))
    assert clock.now() == NOON + timedelta(milliseconds=1)
    clock.advance(timedelta(hours=1))
    assert clock.now() == NOON + timedelta(hours=1, milliseconds=1)
