"""How fast do forms expire, of which so many wait?

    python -m tests.bench.timers [--forms 100000] [--pairs 5] [--rate 1000] [--seconds 10] [--relay]

Rating's own timers fire what falls due, in turn with a naive loop on a copy of some of the forms: 32 workers,
each of which claims one by `find_one_and_update`, inserts one document of the same size, and decides nothing.
The clock is the database's, moved on by as much as makes a window's forms due at once; it stands meanwhile.

Processor times are of this process, which is the service, and of mongod, in microseconds a form. Lateness is
from the time that a form was due to the acknowledgement of its expiry, while forms fall due at a steady rate.
With `--relay` the relay then publishes all of it to Kafka.
"""

import argparse
import asyncio
import gc
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import uvloop
from bson.raw_bson import RawBSONDocument
from rich.console import Console
from rich.table import Table

from chassis.clock import DatabaseClock
from chassis.timers import DATE
from deploy.local.servers import Servers, servers
from deploy.topics import Layout, create
from rating.app import build
from rating.processes.timers import form_timers
from rating.settings import RatingSettings
from tests.bench.costs import Cost, Meter
from tests.bench.naive_loop import NaiveLoop
from tests.bench.pending_forms import Database, arm
from tests.rating.harness import SETTINGS

NAIVE_FORMS = 1_000
EVERY = timedelta(milliseconds=1)
SETTLED_SECONDS = 0.5


class ShiftedClock:
    """The database's clock, moved on by `shift`; once it is told to stand, it stands."""

    def __init__(self, clock: DatabaseClock) -> None:
        self._clock = clock
        self.shift = timedelta()
        self.stands_at: datetime | None = None

    def now(self) -> datetime:
        """See `Clock.now`."""
        return self.stands_at or self._clock.now() + self.shift


class Acknowledged:
    """A collection that notes which documents were inserted, and when that was acknowledged."""

    def __init__(self, commits: Any, clock: ShiftedClock) -> None:
        self._commits, self._clock = commits, clock
        self.batches: list[tuple[datetime, Sequence[RawBSONDocument]]] = []
        self.count = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._commits, name)

    async def insert_many(self, documents: Sequence[RawBSONDocument], *, ordered: bool) -> None:
        """See `AsyncIOMotorCollection.insert_many`."""
        await self._commits.insert_many(documents, ordered=ordered)
        self.batches.append((self._clock.now(), documents))
        self.count += len(documents)

    async def until(self, count: int) -> None:
        """Returns once so many are stored."""
        while self.count < count:  # noqa: ASYNC110 - an event a batch would be as much
            await asyncio.sleep(0.002)


@dataclass
class Bench:
    """Rating without its background tasks, and what it works on."""

    database: Database
    timers: Any
    clock: ShiftedClock
    commits: Acknowledged
    meter: Meter

    async def make_due(self, forms: int) -> None:
        """Moves the clock on until so many forms are due, and no more while they are worked off."""
        self.clock.stands_at = await self.due_of(forms)

    async def due_of(self, forms: int) -> datetime:
        """When the last of the next forms is due."""
        found = self.database["forms"].find({"due_at": DATE}, {"due_at": 1}).sort("due_at", 1)
        [document] = await found.skip(forms - 1).limit(1).to_list(1)
        due: datetime = document["due_at"]
        return due

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Rating's timers run."""
        working = asyncio.create_task(self.timers.run())
        try:
            yield
            await asyncio.sleep(SETTLED_SECONDS)
        finally:
            working.cancel()
            await asyncio.wait([working])

    async def fire(self, forms: int) -> None:
        """Rating's timers, until so many forms have expired."""
        await self.commits.until(self.commits.count + forms)

    async def backlog(self, forms: int) -> Cost:
        """The cost of rating's timers when so many forms are due at once."""
        await self.make_due(forms)
        async with self.running():
            return await self.meter.measure(forms, self.fire(forms))

    async def steady(self, rate: int, seconds: int) -> tuple[Cost, list[float]]:
        """The cost while forms fall due at a steady rate, and how late each expired, in seconds."""
        self.clock.shift += await self.due_of(1) - self.clock.now()
        self.commits.batches.clear()
        async with self.running():
            cost = await self.meter.measure(rate * seconds, self.fire(rate * seconds))
        late = [
            (at - datetime.fromisoformat(event["expired_at"])).total_seconds()
            for at, batch in self.commits.batches
            for one in batch
            for event in one["events"]
        ]
        return cost, late

    async def early(self) -> int:
        """How many forms expired before their time."""
        expired = self.database["commits"].find({"number": 2}, {"at": 1, "events": 1})
        found = [one async for one in expired]
        return sum(one["at"] < datetime.fromisoformat(one["events"][0]["expired_at"]) for one in found)

    async def bytes_each(self, forms: int) -> str:
        """What a form that waits takes."""
        sizes = []
        for name in ("forms", "commits"):
            stats = await self.database.command("collStats", name)
            parts = ("size", "storageSize", "totalIndexSize")
            sizes.append(f"{name} " + " + ".join(f"{stats[part] / forms:.0f} {part}" for part in parts))
        return "bytes each: " + "; ".join(sizes)


@asynccontextmanager
async def rating(mongo: str, name: str, *only: str, **more: Any) -> AsyncIterator[Any]:
    """The state of the service, of whose background tasks only those named run."""
    settings = RatingSettings(**{**SETTINGS, "mongo": mongo, "database": name, **more})
    app = build(settings, only=only)
    async with app.router.lifespan_context(app):
        await app.state.parts.wait_prepared()
        yield app.state


@asynccontextmanager
async def bench(mongo: str, told: argparse.Namespace) -> AsyncIterator[Bench]:
    """Rating with its forms armed."""
    async with rating(mongo, "bench", "clock") as state:
        repository = state.repository
        database, clock = repository.store.database, ShiftedClock(repository.clock)
        acknowledged = Acknowledged(repository.store.commits, clock)
        repository.clock, repository.store.commits = clock, acknowledged
        meter = await Meter.of(database)
        first = clock.now() + timedelta(days=7)
        started = time.perf_counter()
        await arm(database, state.forms, told.forms, first, timedelta(seconds=1) / told.rate)
        print(f"{told.forms:,} forms armed in {time.perf_counter() - started:.0f} s")
        timers = form_timers(state.forms, repository)
        yield Bench(database, timers, clock, acknowledged, meter)


async def measure(told: argparse.Namespace, up: Servers) -> None:
    """All of it, and prints the figures."""
    mongo = up.mongo_address
    async with bench(mongo, told) as measured:
        print(await measured.bytes_each(told.forms))
        cost, late = await measured.steady(told.rate, told.seconds)
        cuts = statistics.quantiles(late, n=100)
        print(f"steady {told.rate}/s: lateness p50 {cuts[49]:.3f}, p99 {cuts[98]:.3f}, max {max(late):.3f} s")
        naive = NaiveLoop(measured.database, measured.clock)
        await naive.arm(10 * told.pairs * NAIVE_FORMS)
        pairs = []
        window = told.window or min(20_000, (told.forms - cost.count) // (told.pairs + 1))
        for number in range(told.pairs):
            own = await measured.backlog(window) if number % 2 == 0 else None
            other = await measured.meter.measure(NAIVE_FORMS, naive.fire(NAIVE_FORMS))
            pairs.append((own or await measured.backlog(window), other))
        show(cost, pairs)
        print(f"early: {await measured.early()}")
        measured.commits.batches.clear()
    if told.relay:
        await relay(up)


async def relay(up: Servers) -> None:
    """What the relay costs that publishes all of it."""
    up.kafka.start()
    await create(up.kafka_connection, Layout())
    async with rating(up.mongo_address, "bench", "clock") as state:
        commits = state.repository.store.commits
        waiting = await commits.count_documents({"relayed": False})
    async with rating(up.mongo_address, "bench", "clock", "relay", kafka=up.kafka_connection) as state:
        commits = state.repository.store.commits
        meter = await Meter.of(commits.database)
        cost = await meter.measure(waiting, _relayed(commits))
    print(
        "relay to Kafka: {} commits at {}/s, {} + {} µs each, steal {} %".format(f"{waiting:,}", *cost.cells)
    )


async def _relayed(commits: Any) -> None:
    # Rarely, since looking takes mongod the longer the more was relayed.
    while await commits.find_one({"relayed": False}):  # noqa: ASYNC110 - nothing there gives a sign
        await asyncio.sleep(1)


def show(steady: Cost, pairs: Sequence[tuple[Cost, Cost]]) -> None:
    """Prints the table of windows, and the ratios."""
    table = Table("window", "forms/s", "process µs", "mongod µs", "steal %")
    table.add_row("steady", *steady.cells)
    for own, other in pairs:
        table.add_row("timers", *own.cells)
        table.add_row("naive loop", *other.cells)
    Console().print(table)
    ratio = statistics.median(own.rate / other.rate for own, other in pairs)
    for name, costs in (("timers", [own for own, _ in pairs]), ("naive", [other for _, other in pairs])):
        process, mongod = (statistics.median(cost.each[place] for cost in costs) for place in (0, 1))
        rate = statistics.median(cost.rate for cost in costs)
        print(f"{name}: median {rate:,.0f}/s, {process:.0f} + {mongod:.0f} µs a form")
    print(f"ratio, median of {len(pairs)} pairs: {ratio:.1f}")


def main() -> None:
    """Reads the command line and measures on servers of its own."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.timers", description=__doc__)
    parser.add_argument("--forms", type=int, default=100_000, help="how many wait (100000)")
    parser.add_argument("--pairs", type=int, default=5, help="windows of each, in turn (5)")
    parser.add_argument("--window", type=int, help="forms in a window of the timers (a share of all)")
    parser.add_argument("--rate", type=int, default=1000, help="forms that fall due a second, steady (1000)")
    parser.add_argument("--seconds", type=int, default=10, help="how long at that rate (10)")
    parser.add_argument("--relay", action="store_true", help="measure the relay, too")
    told = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        up = servers(Path(folder))
        up.mongo.start()
        # As `chassis.service.serve` does it, whose loop this is, too.
        gc.freeze()
        gc.set_threshold(20_000, 20, 20)
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(measure(told, up))
        finally:
            up.stop()


if __name__ == "__main__":
    main()
