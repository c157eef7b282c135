"""What some work costs: seconds, and processor time of this process and of mongod."""

import time
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Self

import psutil
from motor.motor_asyncio import AsyncIOMotorDatabase


@dataclass(frozen=True)
class Cost:
    """What `count` of something took: seconds, processor seconds of this process and of mongod.

    `steal` is in per cent of all processors.
    """

    count: int
    seconds: float
    process: float
    mongod: float
    steal: float

    @property
    def rate(self) -> float:
        """How many a second."""
        return self.count / self.seconds

    @property
    def each(self) -> tuple[float, float]:
        """Microseconds of this process and of mongod for each."""
        return 1e6 * self.process / self.count, 1e6 * self.mongod / self.count

    @property
    def cells(self) -> tuple[str, ...]:
        """As a table shows it."""
        process, mongod = self.each
        return f"{self.rate:,.0f}", f"{process:.0f}", f"{mongod:.0f}", f"{self.steal:.0f}"


@dataclass(frozen=True)
class Meter:
    """Measures this process, and a mongod on this machine."""

    mongod: psutil.Process

    @classmethod
    async def of(cls, database: AsyncIOMotorDatabase[dict[str, object]]) -> Self:
        """The meter of the database's mongod."""
        status = await database.command("serverStatus")
        return cls(psutil.Process(status["pid"]))

    async def measure(self, count: int, work: Awaitable[object]) -> Cost:
        """The cost of `work`, which does `count` of something."""
        all_before, own, theirs = psutil.cpu_times(), time.process_time(), self._mongods()
        started = time.perf_counter()
        await work
        seconds = time.perf_counter() - started
        stolen = psutil.cpu_times().steal - all_before.steal
        return Cost(
            count=count,
            seconds=seconds,
            process=time.process_time() - own,
            mongod=self._mongods() - theirs,
            steal=100 * stolen / (seconds * (psutil.cpu_count() or 1)),
        )

    def _mongods(self) -> float:
        times = self.mongod.cpu_times()
        return float(times.user + times.system)
