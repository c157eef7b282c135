"""Nothing fires early or late by the database's time, whatever a host's clock does and whoever is killed."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import cycle

import pytest

from chassis.clock import DatabaseClock
from chassis.eventstore.mongo import MongoEventStore
from chassis.eventstore.repository import Repository
from chassis.eventstore.store import Commit
from chassis.timers import LEASE, POLL, TOGETHER
from contracts.ratings import RatingExpired, RatingOffered
from rating.messaging.inbound import Inbound
from rating.processes.timers import form_timers
from rating.read_models.forms import Forms
from tests.rating.builders import RULES
from tests.rating.harness import Harness, always, closed
from tests.waiting import until

pytestmark = pytest.mark.real

MANY = 20
QUICK = RULES.model_copy(update={"delay": timedelta(seconds=1), "expiry": timedelta(seconds=1)})
HOUR = 3600.0
JUMPS = (HOUR, -HOUR, 0.0)
EARLY_SECONDS = 0.005
"""What the database's time is rounded to, and a quarter of the round trip by which it was read."""

LATE_SECONDS = (POLL + TOGETHER).total_seconds() + 2.0
"""A poll, and what a busy machine takes for the rest: an hour's jump is far beyond."""


class Stopwatch(MongoEventStore):
    """Notes when commits of each stream were stored, by the monotonic clock."""

    stored: dict[str, list[float]]

    async def append(self, commit: Commit) -> None:
        await super().append(commit)
        self.stored.setdefault(commit.stream, []).append(time.monotonic())

    async def append_many(self, commits: Sequence[Commit]) -> Sequence[Exception | None]:
        results = await super().append_many(commits)
        for commit in commits:
            self.stored.setdefault(commit.stream, []).append(time.monotonic())
        return results


@dataclass
class Worker:
    """Consumes and settles by the database's time, as the service does."""

    harness: Harness
    clock: DatabaseClock
    stored: dict[str, list[float]] = field(default_factory=dict)

    @property
    def inbound(self) -> Inbound:
        store = MongoEventStore(self.harness.database)
        return replace(self.harness.inbound, repository=self._over(store), form_version_of=always(QUICK))

    def _over(self, store: MongoEventStore) -> Repository:
        return Repository(store, self.clock, wake=self.harness.repository.wake, service="rating")

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Its timers run, and its clock keeps in step."""
        store = Stopwatch(self.harness.database)
        store.stored = self.stored
        timers = form_timers(Forms(self.harness.database), self._over(store))
        tasks = [asyncio.create_task(timers.run()), asyncio.create_task(self.clock.run())]
        try:
            yield
            assert not any(task.done() for task in tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)


@pytest.fixture
async def worker(harness: Harness) -> Worker:
    clock = DatabaseClock(harness.database.client, every=timedelta(milliseconds=30))
    await clock.sync()
    return Worker(harness, clock)


async def close_many(worker: Worker) -> dict[str, float]:
    """Closes dialogs now; when each form is due, by the monotonic clock."""
    due: dict[str, float] = {}
    inbound = worker.inbound
    for number in range(MANY):
        due[f"d{number}"] = time.monotonic() + QUICK.delay.total_seconds()
        await inbound.on_dialog_closed(closed(f"d{number}", closed_at=worker.clock.now()))
    await worker.harness.relayed()
    return due


def count_of(harness: Harness, kind: type) -> int:
    return sum(isinstance(event, kind) for event in harness.notes.ratings)


def jumping(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Lets the host's wall clock jump to so many seconds from the truth."""
    told, told_ns = time.time, time.time_ns
    off = 0.0

    def jump(by: float) -> None:
        nonlocal off
        off = by

    monkeypatch.setattr(time, "time", lambda: told() + off)
    monkeypatch.setattr(time, "time_ns", lambda: told_ns() + int(off * 1e9))
    return jump


async def test_a_host_whose_clock_jumps_by_an_hour_fires_nothing_early_and_nothing_late(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    jump = jumping(monkeypatch)

    async def jump_about() -> None:
        for by in cycle(JUMPS):
            jump(by)
            await asyncio.sleep(0.05)

    jumps = asyncio.create_task(jump_about())
    async with worker.running():
        due = await close_many(worker)
        await until(lambda: count_of(worker.harness, RatingExpired) == MANY)
    jumps.cancel()
    with suppress(asyncio.CancelledError):
        await jumps
    assert count_of(worker.harness, RatingOffered) == MANY
    for dialog, due_at in due.items():
        offered, expired = worker.stored[f"rating:{dialog}"]
        assert -EARLY_SECONDS <= offered - due_at <= LATE_SECONDS
        # The expiry counts from the offer's own time, a little before it was stored.
        until_expiry = QUICK.expiry.total_seconds()
        assert due_at + until_expiry - EARLY_SECONDS <= expired <= offered + until_expiry + LATE_SECONDS


async def test_what_a_process_that_was_killed_had_in_hand_is_done_after_the_lease_once(
    worker: Worker, mongo: str
) -> None:
    due = await close_many(worker)
    await until(lambda: time.monotonic() > max(due.values()))  # so that one batch claims all of them
    stuck = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.rating.processes.stuck_worker", mongo, worker.harness.database.name,
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert stuck.stdout
    in_hand = 0
    try:
        async with asyncio.timeout(30):
            while in_hand < MANY:
                in_hand += int(await stuck.stdout.readline())
    finally:
        stuck.kill()
        await stuck.wait()
    forms = worker.harness.database["forms"]
    claimed = [form["claimed_until"] async for form in forms.find({}, {"claimed_until": 1})]
    async with worker.running():
        killed = time.monotonic()
        await until(lambda: len(worker.stored) == MANY)
        await until(lambda: count_of(worker.harness, RatingExpired) == MANY)
    assert count_of(worker.harness, RatingOffered) == MANY
    offers = [event for event in worker.harness.notes.ratings if isinstance(event, RatingOffered)]
    assert min(event.offered_at for event in offers) >= min(claimed)
    for first, *_ in worker.stored.values():
        assert first - killed <= LEASE.total_seconds() + LATE_SECONDS
