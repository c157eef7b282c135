"""How long do questions take, and does that grow with the history?

    python -m tests.bench.reads [--closes 100000] [--stored 100000] [--days 60]

Analytics answers over HTTP, on counters of `--closes` closes of five channels in Europe/Paris and thirty
operators; the days that are over are folded. The newest `--stored` of these closes are there themselves, for
the questions that read closes. Each question is asked alone, two hundred times; p50 and p99 are of those.

Where virtual processors are slow for moments, so is everything, and p99 tells of the machine. So a fixed
piece of work is timed between the requests: `quiet p99` is of those between two that took at most a quarter
longer than usual. At the end stands how that work itself is spread.
"""

import argparse
import asyncio
import logging
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any, Final
from zoneinfo import ZoneInfo

import structlog

from analytics.domain.periods import day_of
from analytics.processes.day_folding import DayFolding
from analytics.read_models.counters import CounterMoves
from analytics.read_models.documents import Document
from analytics.read_models.projection import updated
from chassis.clock import ManualClock
from chassis.service import collect_rarely
from deploy.local.servers import servers
from tests.analytics.builders import received
from tests.analytics.harness import Harness, open_harness
from tests.bench.projection import CHANNELS, FIRST_DAY, OPERATORS, PARTITIONS, events_of

PARIS: Final = ZoneInfo("Europe/Paris")
AT_ONCE: Final = 5_000
TIMES: Final = 200
MUCH_LONGER: Final = 1.25
FEW, DEAR = 5, {"reconcile", "patterns", "export.csv"}


def documents(number: int, days: int) -> Iterator[Document]:
    """The closes, the newest first: copies of a thousand that differ by id, time, operator and channel."""
    random = Random(1)
    made = [[received(event) for event in events_of(n, random)] for n in range(1_000)]
    templates = [updated(None, events, lambda _: PARIS) for events in made]
    for index in range(number):
        closed_at = FIRST_DAY + timedelta(days=days) * ((number - index - 0.5) / number)
        closed_at = closed_at.replace(microsecond=0)
        template, operator = random.choice(templates), random.randrange(OPERATORS)
        assert template
        day = day_of(closed_at, PARIS).start
        close: Document = {
            **template, "_id": f"d{index}.1", "dialog": f"d{index}", "partition": index % PARTITIONS,
            "operator": f"operator-{operator}", "channel": f"channel-{operator % CHANNELS}",
            "team": f"team-{operator % 4}", "closed_at": closed_at, "closed_day": day,
        }  # fmt: skip
        if template["rated_at"]:
            close |= {"rated_at": closed_at, "rated_day": day}
        yield close


async def fill(harness: Harness, closes: int, stored: int, days: int) -> None:
    """Counters of all closes, and the newest closes themselves."""
    moves, batch = CounterMoves(), []
    for index, document in enumerate(documents(closes, days)):
        moves.count(document, +1)
        if index < stored:
            batch.append(document)
        if len(batch) == AT_ONCE:
            await harness.documents.closes.insert_many(batch, ordered=False)
            batch = []
    if batch:
        await harness.documents.closes.insert_many(batch, ordered=False)
    await harness.documents.counters.bulk_write(moves.updates(), ordered=False)
    folding = DayFolding(
        lambda: harness.documents, ManualClock(FIRST_DAY + timedelta(days=days, hours=-12)), lambda: 0.0
    )
    while await folding.fold():
        pass


def questions(days: int) -> dict[str, tuple[str, dict[str, Any]]]:
    """What a support lead asks, of the last thirty days."""
    last = (FIRST_DAY + timedelta(days=days)).date()
    month: dict[str, Any] = {"from_": str(last - timedelta(days=30)), "to": str(last)}
    paris, other = {**month, "tz": "Europe/Paris"}, {**month, "tz": "Asia/Kathmandu"}
    return {
        "summary": ("summary", paris),
        "summary by day": ("summary", {**paris, "by": "day"}),
        "summary by day beside before": ("summary", {**paris, "by": "day", "vs": "previous"}),
        "summary of all time": ("summary", {}),
        "summary of a channel": ("summary", {**paris, "channel": "channel-1"}),
        "summary of an operator by day": ("summary", {**paris, "by": "day", "operator": "operator-3"}),
        "operators": ("operators", paris),
        "channels": ("channels", paris),
        "another zone: summary by day": ("summary", {**other, "by": "day"}),
        "another zone: operators": ("operators", other),
        "summary by hour": ("summary", {**paris, "by": "hour"}),
        "hours of the week": ("hours", paris),
        "reviews": ("reviews", paris),
        "reviews of a rare state": ("reviews", {**paris, "state": "declined"}),
        "reviews of an operator, score 1": ("reviews", {**paris, "operator": "operator-3", "score": 1}),
        "reviews by a tag": ("reviews", {**paris, "tag": "fast"}),
        "closes": ("closes", paris),
        "closes of a locale": ("closes", {**paris, "locale": "fr"}),
        "distribution": ("distribution", paris),
        "unrated": ("unrated", paris),
        "form versions": ("form-versions", {**paris, "channel": "channel-1"}),
        "patterns": ("patterns", paris),
        "reconcile": ("reconcile", paris),
        "export of a day": ("export.csv", {**paris, "from_": str(last - timedelta(days=1))}),
    }


async def measure(told: argparse.Namespace) -> None:
    """Fills a database, and asks."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with tempfile.TemporaryDirectory() as folder, servers(Path(folder)) as up:
        async with open_harness(up.mongo_address, "reads") as harness:
            await fill(harness, told.closes, told.stored, told.days)
            collect_rarely()
            size = await harness.database.command("collStats", harness.documents.counters.name)
            works: list[float] = []
            print(f"{told.closes} closes, {size['count']} counters of {size['avgObjSize']} bytes")
            for name, (path, asked) in questions(told.days).items():
                if told.only not in name:
                    continue
                took: list[float] = []
                for _ in range(FEW if path in DEAR else TIMES):
                    works.append(work())
                    start = time.perf_counter()
                    response = await harness.get(path, **asked)
                    took.append(1000 * (time.perf_counter() - start))
                    response.raise_for_status()
                works.append(work())
                around = [*pairwise(works[-1 - len(took) :])]
                quiet = [
                    one
                    for one, (before, after) in zip(took, around, strict=True)
                    if max(before, after) <= MUCH_LONGER * statistics.median(works)
                ]
                print(
                    f"  {name:<34}{spread(took)}   quiet p99 {p99(quiet):>7.1f} ms of {len(quiet)}",
                    flush=True,
                )
            print(f"  {'the piece of work':<34}{spread(works)}")


def work() -> float:
    """How long a fixed piece of work takes: milliseconds, about two."""
    start, total = time.perf_counter(), 0
    for number in range(30_000):
        total += number * number
    return 1000 * (time.perf_counter() - start)


def p99(took: Sequence[float]) -> float:
    """The 99th percentile; not a number for none."""
    return sorted(took)[-1 - len(took) // 100] if took else float("nan")


def spread(took: Sequence[float]) -> str:
    """Median and 99th percentile, in words."""
    return f"p50 {statistics.median(took):>7.1f} ms   p99 {p99(took):>7.1f} ms"


def main() -> None:
    """Reads the command line and measures."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.reads", description=__doc__)
    parser.add_argument("--closes", type=int, default=100_000, help="that are counted (100000)")
    parser.add_argument("--stored", type=int, default=100_000, help="that are there themselves (100000)")
    parser.add_argument("--only", default="", help="questions whose name has this")
    parser.add_argument("--days", type=int, default=60, help="that they are spread over (60)")
    asyncio.run(measure(parser.parse_args()))


if __name__ == "__main__":
    main()
