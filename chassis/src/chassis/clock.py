"""One time for everything: the database's, carried on by the monotonic clock."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import structlog
from bson.codec_options import CodecOptions
from motor.motor_asyncio import AsyncIOMotorClient
from pymongo.errors import PyMongoError

from chassis.errors import ClockNotSet
from chassis.transient import is_transient
from contracts.envelope import to_milliseconds

log = structlog.stdlib.get_logger(__name__)

READINGS = 3
AWARE: CodecOptions[dict[str, Any]] = CodecOptions(tz_aware=True, tzinfo=UTC)


class Clock(Protocol):
    """Where the time of commands and timers comes from."""

    def now(self) -> datetime:
        """The time in UTC, in whole milliseconds."""
        ...


class DatabaseClock:
    """Timers and commands of all replicas share one time, however wrong their hosts' clocks are.

    A database that steps back (another primary) makes this clock wait for it, never step back itself.
    """

    name = "clock"

    def __init__(
        self,
        client: AsyncIOMotorClient[dict[str, Any]],
        *,
        every: timedelta = timedelta(seconds=5),
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._every = every
        self._monotonic = monotonic
        self._origin: datetime | None = None
        self._latest = datetime.min.replace(tzinfo=UTC)

    def now(self) -> datetime:
        """The database's time in UTC, in whole milliseconds; never less than it was. Raises `ClockNotSet`."""
        if self._origin is None:
            raise ClockNotSet("The database has not told the time yet")
        reading = to_milliseconds(self._origin + timedelta(seconds=self._monotonic()))
        self._latest = max(self._latest, reading)
        return self._latest

    async def sync(self) -> None:
        """Asks the database for its time. Raises PyMongoError when it doesn't answer."""
        readings: list[tuple[float, datetime]] = []
        for _ in range(READINGS):
            sent = self._monotonic()
            reply = await self._client.admin.command("hello", codec_options=AWARE)
            received = self._monotonic()
            origin = reply["localTime"] - timedelta(seconds=(sent + received) / 2)
            readings.append((received - sent, origin))
        # The error of a reading is at most half of its round trip, so the shortest one knows best.
        _, self._origin = min(readings)

    async def run(self) -> None:
        """Keeps in step with the database until cancelled; carries on alone while it is away."""
        while True:
            try:
                await self.sync()
            except PyMongoError as error:
                if not is_transient(error):
                    raise
                log.warning("clock_not_synchronised", error=type(error).__name__)
            await asyncio.sleep(self._every.total_seconds())

    def unhealthy_reason(self) -> str | None:
        """Why `now` raises `ClockNotSet`, in a sentence; None if it doesn't."""
        return "the clock is not set" if self._origin is None else None


class ManualClock:
    """A clock for tests: it stands until it is advanced."""

    def __init__(self, start: datetime) -> None:
        self._now = to_milliseconds(start)

    def now(self) -> datetime:
        """The time it was set to."""
        return self._now

    def advance(self, by: timedelta) -> None:
        """Moves the time on."""
        self._now = to_milliseconds(self._now + by)
