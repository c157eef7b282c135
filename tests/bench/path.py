"""How fast is the path from a closed dialog to the summary?

    python -m tests.bench.path [all|latency|throughput] [--rate 50] [--seconds 60] [--dialogs 3000]

Latency is from the moment a close is acknowledged to the first summary that counts it. Closes are not told
apart in a summary, so the k-th acknowledged close is matched with the first summary that shows k closes;
that is exact for the sum, and for each close as long as closes are counted in the order they were
acknowledged in. The machine's steal and the generator's own lag stand beside every figure: where they are
high, the window says little and is to be repeated.
"""

import argparse
import asyncio
import itertools
import secrets
import statistics
import time
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

import httpx
import psutil

from deploy.demo.people import ServiceUrls, at_once
from deploy.demo.support_floor import SupportFloor
from deploy.local.launcher import up
from deploy.local.stack import Addresses
from deploy.local.stopping import FOLDER
from deploy.local.tokens import token
from tests.closings import Closing, ready_dialogs

DRAIN_SECONDS = 120.0
LOOK_SECONDS = 0.02
STEP_SECONDS = 10.0


@dataclass
class Seen:
    """When the summary first showed how many closes; times are of the monotonic clock, in seconds."""

    times: list[float] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)

    def first(self, count: int) -> float:
        """When `count` closes were first shown."""
        return self.times[bisect_left(self.counts, count)]


@dataclass(frozen=True)
class Machine:
    """What else took the processors' time, in per cent of both."""

    steal: float
    idle: float

    @classmethod
    def between(cls, before: object, after: object) -> "Machine":
        """The shares between two readings of `psutil.cpu_times`."""
        spent = {
            name: getattr(after, name) - getattr(before, name)
            for name in ("user", "system", "idle", "steal", "iowait")
        }
        whole = sum(spent.values()) or 1.0
        return cls(100 * spent["steal"] / whole, 100 * spent["idle"] / whole)


async def watch(floor: SupportFloor, channel: str, wanted: int, seen: Seen) -> None:
    """Reads the summary again and again until it shows `wanted` closes."""
    supervisor = floor.supervisor()
    while not seen.counts or seen.counts[-1] < wanted:
        closed = (await supervisor.read("summary", channel=channel))["closed"]
        seen.times.append(time.perf_counter())
        seen.counts.append(closed)
        await asyncio.sleep(LOOK_SECONDS)  # reading without a pause would take the processor from the path


async def latency(floor: SupportFloor, rate: float, seconds: float) -> None:
    """Closes at a steady rate, open loop, and prints the latencies."""
    channel = f"bench-{secrets.token_hex(4)}"
    dialogs = await ready_dialogs(floor, channel, int(rate * seconds))
    seen, acknowledged, late = Seen(), [], []
    watching = asyncio.create_task(watch(floor, channel, len(dialogs), seen))
    before, start = psutil.cpu_times(), time.perf_counter()

    async def close(index: int, dialog: Closing) -> None:
        await asyncio.sleep(start + index / rate - time.perf_counter())
        late.append(time.perf_counter() - start - index / rate)
        await dialog.close()
        acknowledged.append(time.perf_counter())

    await asyncio.gather(*(close(index, dialog) for index, dialog in enumerate(dialogs)))
    await asyncio.wait_for(watching, DRAIN_SECONDS)
    machine = Machine.between(before, psutil.cpu_times())
    took = [seen.first(k) - moment for k, moment in enumerate(sorted(acknowledged), start=1)]
    print(f"{len(dialogs)} closes at {rate:g}/s, acknowledged → in the summary: {spread(took)}")
    print(f"generator lag: {spread(late)}; summary read every {1000 * step_of(seen):.0f} ms")
    print(f"machine: steal {machine.steal:.1f} %, idle {machine.idle:.1f} %")


async def throughput(floor: SupportFloor, count: int) -> None:
    """Closes as fast as they are acknowledged, and prints the rate at which the summary has them all."""
    channel = f"bench-{secrets.token_hex(4)}"
    start = time.perf_counter()
    dialogs = await ready_dialogs(floor, channel, count)
    talked = time.perf_counter() - start
    print(
        f"{count} dialogs of 4 requests: {count / talked:.0f} dialogs/s, {4 * count / talked:.0f} requests/s"
    )
    seen = Seen()
    before, start = psutil.cpu_times(), time.perf_counter()
    watching = asyncio.create_task(watch(floor, channel, count, seen))
    await at_once(32, [dialog.close for dialog in dialogs])
    closed = time.perf_counter() - start
    await asyncio.wait_for(watching, DRAIN_SECONDS)
    whole = seen.first(count) - start
    machine = Machine.between(before, psutil.cpu_times())
    print(f"{count} closes: acknowledged at {count / closed:.0f}/s, in the summary at {count / whole:.0f}/s")
    print(f"in the summary, a rate for each {STEP_SECONDS:.0f} s: {_rates(seen, start)}")
    print(f"machine: steal {machine.steal:.1f} %, idle {machine.idle:.1f} %")


def _rates(seen: Seen, start: float) -> str:
    """How many closes a second came into the summary, step by step: it shows whether the rate holds."""
    shown = [0]
    for step in itertools.count(1):
        if (index := bisect_left(seen.times, start + step * STEP_SECONDS)) == len(seen.times):
            break
        shown.append(seen.counts[index])
    return ", ".join(f"{(after - before) / STEP_SECONDS:.0f}" for before, after in itertools.pairwise(shown))


def step_of(seen: Seen) -> float:
    """How often the summary was read: seconds."""
    return (seen.times[-1] - seen.times[0]) / max(1, len(seen.times) - 1)


def spread(seconds: Sequence[float]) -> str:
    """Median, 99th percentile and maximum, in words."""
    cuts = statistics.quantiles(seconds, n=100)
    return f"p50 {1000 * cuts[49]:.0f} ms, p99 {1000 * cuts[98]:.0f} ms, max {1000 * max(seconds):.0f} ms"


async def measure(addresses: Addresses, kind: str, told: argparse.Namespace) -> None:
    """One kind of measurement, or both."""
    async with httpx.AsyncClient(
        timeout=30, trust_env=False, limits=httpx.Limits(max_connections=64)
    ) as http:
        floor = SupportFloor(http, ServiceUrls(**addresses.services), partial(token, FOLDER))
        if kind in {"latency", "all"}:
            await latency(floor, told.rate, told.seconds)
        if kind in {"throughput", "all"}:
            await throughput(floor, told.dialogs)


def main() -> None:
    """Reads the command line and measures the running system, or one brought up for it."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.path", description=__doc__)
    parser.add_argument("kind", nargs="?", default="all", choices=("all", "latency", "throughput"))
    parser.add_argument("--rate", type=float, default=50.0, help="closes a second (50)")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long to close at that rate (60)")
    parser.add_argument("--dialogs", type=int, default=3000, help="how many to close at once (3000)")
    told = parser.parse_args()
    with up(FOLDER) as addresses:
        asyncio.run(measure(addresses, told.kind, told))


if __name__ == "__main__":
    main()
