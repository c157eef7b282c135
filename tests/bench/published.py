"""How soon is a close that Kafka has acknowledged in the summary?

    python -m tests.bench.published [--rate 200] [--seconds 20]

Of the path from a close to the summary this is analytics' part, on servers of its own: the tool publishes
closes as chat does. Figures and their limits are those of `tests.bench.path`.
"""

import argparse
import asyncio
import secrets
import tempfile
import time
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from random import Random

import httpx
import psutil
from aiokafka import AIOKafkaProducer

from contracts.envelope import Envelope
from contracts.topics import DIALOGS
from deploy.demo.people import ServiceUrls
from deploy.demo.support_floor import SupportFloor
from deploy.local.stack import Stack, free_port_base
from deploy.local.tokens import token
from tests.bench.path import DRAIN_SECONDS, Machine, Seen, spread, step_of, watch
from tests.bench.projection import events_of

TICKS = 100
"""How often closes are published, a second."""


class Closes:
    """Closes of one channel that are published at a steady rate, open loop."""

    def __init__(self, producer: AIOKafkaProducer, channel: str) -> None:
        self.acknowledged: list[float] = []
        self.late: list[float] = []
        self._producer, self._channel = producer, channel

    async def publish(self, first: int, number: int, rate: float) -> None:
        """Publishes this many, whose numbers begin with `first`."""
        self.acknowledged, self.late = [], []
        since, size = time.perf_counter(), max(1, round(rate / TICKS))
        async with asyncio.TaskGroup() as sending:
            for done in range(0, number, size):
                due = since + done / rate
                await asyncio.sleep(due - time.perf_counter())
                self.late.append(time.perf_counter() - due)
                for index in range(done, min(done + size, number)):
                    sending.create_task(self._publish(first + index))

    async def _publish(self, number: int) -> None:
        key, value, headers = record_of(number, self._channel)
        await self._producer.send_and_wait(DIALOGS.name, value, key, headers=headers)
        self.acknowledged.append(time.perf_counter())


def record_of(number: int, channel: str) -> tuple[bytes, bytes, list[tuple[str, bytes]]]:
    """Key, value and headers of a close of this moment."""
    now = datetime.now(UTC)
    moments = dict.fromkeys(("opened_at", "first_reply_at", "closed_at"), now)
    closed = next(events_of(number, Random(number))).model_copy(update={"channel": channel, **moments})
    key = closed.about or ""
    kind = closed.model_dump()["type"]
    envelope = Envelope(id=f"{key}:1", type=kind, source="/candor/chat", time=now, subject=key, sequence=1)
    return key.encode(), closed.model_dump_json(exclude_none=True).encode(), envelope.to_headers()


async def measure(stack: Stack, rate: float, seconds: float) -> None:
    """Once to warm up, then once more; prints the latencies of the second."""
    channel, number, seen = f"bench-{secrets.token_hex(4)}", int(rate * seconds), Seen()
    producer = AIOKafkaProducer(**stack.servers.kafka_connection.options(), acks="all")
    closes = Closes(producer, channel)
    await producer.start()
    async with httpx.AsyncClient(timeout=30, trust_env=False) as http:
        urls = ServiceUrls("", "", stack.addresses.services["analytics"])
        floor = SupportFloor(http, urls, partial(token, stack.folder))
        for first in (0, number):
            watching = asyncio.create_task(watch(floor, channel, first + number, seen))
            before = psutil.cpu_times()
            await closes.publish(first, number, rate)
            await asyncio.wait_for(watching, DRAIN_SECONDS)
    machine = Machine.between(before, psutil.cpu_times())
    await producer.stop()
    took = [seen.first(number + k) - moment for k, moment in enumerate(sorted(closes.acknowledged), start=1)]
    print(f"{number} closes at {rate:g}/s, acknowledged by Kafka → in the summary: {spread(took)}")
    print(f"generator lag: {spread(closes.late)}; summary read every {1000 * step_of(seen):.0f} ms")
    print(f"machine: steal {machine.steal:.1f} %, idle {machine.idle:.1f} %")


def main() -> None:
    """Reads the command line and measures."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.published", description=__doc__)
    parser.add_argument("--rate", type=float, default=200.0, help="closes a second (200)")
    parser.add_argument("--seconds", type=float, default=20.0, help="how long (20)")
    told = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        Stack(Path(folder), names=["analytics"], base=free_port_base()) as stack,
    ):
        asyncio.run(measure(stack, told.rate, told.seconds))


if __name__ == "__main__":
    main()
