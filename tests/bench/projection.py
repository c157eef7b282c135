"""What does an event cost from Kafka to the read models, and how many a second?

    python -m tests.bench.projection [--closes 100000] [--runs 3] [--limit]

Events of as many closes, thirty operators, five channels and sixty days are published once. Each run projects
all of them with the product's own runner into a database of its own, and rebuilds them in another one; every
second run goes through the contestants backwards.
The processors' time of this process, of
mongod and of Kafka stands beside the rate; where steal is high, the rate says little and is to be repeated.
`--limit` also reads the same records and decodes their JSON, without doing anything with it: nothing in
Python can be faster.
"""

import argparse
import asyncio
import json
import os
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, Final

import psutil
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from analytics.messaging.inbound import CONSUMED_TOPICS, projection_runner
from analytics.messaging.partition_work import Deployment, InProcesses
from analytics.messaging.rebuilding import PROCESSES, rebuild
from analytics.read_models.documents import LiveChatDocuments
from chassis.kafka import clients
from chassis.kafka.checkpoints import COLLECTION
from chassis.kafka.connection import KafkaConnection
from chassis.kafka.publisher import Publisher
from chassis.mongo import connect
from chassis.service import collect_rarely
from contracts.dialogs import AttributedBy, ClosedBy, DialogClosed, Participant
from contracts.envelope import Envelope, Event
from contracts.ratings import (
    NotOfferedReason,
    RatingDeclined,
    RatingExpired,
    RatingGiven,
    RatingNotOffered,
    RatingOffered,
    Scale,
    Way,
)
from contracts.topics import DIALOGS, RATINGS, replay
from deploy.local.servers import Servers, servers
from tests.bench.connect import connecting, written_so_far
from tests.bench.path import Machine
from tests.waiting import until

PARTITIONS: Final = 12
DAYS: Final = 60
OPERATORS: Final = 30
CHANNELS: Final = 5
FIRST_DAY: Final = datetime(2026, 1, 1, tzinfo=UTC)
STARS: Final = Scale(name="stars", lowest=1, highest=5, satisfied_from=4)
SEALED: Final = (
    "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIiwia2lkIjoiazEyMyJ9..AAAAAAAAAAAAAAAA." + "B" * 80 + ".CCCCCC"
)


def events_of(number: int, random: Random) -> Iterator[Event]:
    """The two or three events of a close, in order; the numbers of closes are in the order of their time."""
    closed_at = FIRST_DAY + timedelta(days=DAYS) * (number / 100_000 % 1)
    operator = random.randrange(OPERATORS)
    who: dict[str, Any] = {
        "dialog": f"dialog{number:012d}",
        "channel": f"channel-{operator % CHANNELS}",
        "client": f"client{number % 50_000:010d}",
        "operator": f"operator-{operator}",
        "team": f"team-{operator % 4}",
        "locale": "fr",
        "close_seq": 1,
    }
    yield DialogClosed(
        **who, closed_at=closed_at, opened_at=closed_at - timedelta(minutes=9),
        first_reply_at=closed_at - timedelta(minutes=8), closed_by=ClosedBy.OPERATOR,
        attributed_by=AttributedBy.LAST_REPLY, operator_name=f"Operator {operator}",
        participants=(Participant(id=f"operator-{operator}", name=f"Operator {operator}", messages=4),),
        client_messages=5, operator_messages=4, longest_client_text=80,
    )  # fmt: skip
    if random.random() < 0.1:
        yield RatingNotOffered(
            **who, reason=NotOfferedReason.COOL_DOWN, settings_version=1, decided_at=closed_at
        )
        return
    yield RatingOffered(
        **who, offered_at=closed_at, expires_at=closed_at + timedelta(days=1), way=Way.WIDGET, form_version=1
    )
    end = random.random()
    if end < 0.4:
        score = random.choice((1, 2, 3, 4, 4, 5, 5, 5, 5))
        given_at = closed_at + timedelta(minutes=2)
        yield RatingGiven(
            **who, scale=STARS, score=score, satisfied=score >= STARS.satisfied_from,
            comment=SEALED if end < 0.1 else None, form_version=1, given_at=given_at,
            editable_until=given_at + timedelta(minutes=15),
        )  # fmt: skip
    elif end < 0.5:
        yield RatingDeclined(**who, declined_at=closed_at + timedelta(minutes=3))
    else:
        yield RatingExpired(**who, expired_at=closed_at + timedelta(days=1))


async def publish(kafka: KafkaConnection, closes: int) -> int:
    """Publishes the events of so many closes; returns how many events they are."""
    admin = AIOKafkaAdminClient(**kafka.options())
    await admin.start()
    names = (DIALOGS.name, RATINGS.name, replay("analytics").name)
    await admin.create_topics([NewTopic(name, PARTITIONS, 1) for name in names])
    await admin.close()
    random, count = Random(1), 0
    producer = AIOKafkaProducer(**kafka.options(), linger_ms=20, max_batch_size=500_000)
    await producer.start()
    for number in range(closes):
        for sequence, event in enumerate(events_of(number, random), start=1):
            topic = DIALOGS.name if isinstance(event, DialogClosed) else RATINGS.name
            key = event.about or ""
            envelope = Envelope(
                id=f"{key}:{sequence}", type=event.model_dump()["type"], source="/candor/bench",
                time=FIRST_DAY, subject=key, sequence=sequence,
            )  # fmt: skip
            value = event.model_dump_json(exclude_none=True).encode()
            await producer.send(topic, value, key.encode(), headers=envelope.to_headers())
            count += 1
    await producer.stop()
    return count


@dataclass
class Cost:
    """The processors' time of the parts, in seconds, and the time it took."""

    took: float = 0
    here: float = 0
    mongod: float = 0
    kafka: float = 0
    steal: float = 0

    def line(self, name: str, events: int) -> str:
        """A line of the table: events a second, and µs an event."""
        each = [1e6 * seconds / events for seconds in (self.here, self.mongod, self.kafka)]
        return (
            f"{name:<22}{events / self.took:>9.0f}/s   here {each[0]:>5.1f} µs   mongod {each[1]:>5.1f} µs"
            f"   kafka {each[2]:>5.1f} µs   steal {self.steal:.1f} %"
        )


def used(name: str) -> float:
    """The processors' time that our servers of this kind have used, in seconds."""
    return sum(
        sum(child.cpu_times()[:2])
        for child in psutil.Process().children(recursive=True)
        if name in child.name() or any(name in part for part in child.cmdline()[:1])
    )


def used_here() -> float:
    """That of this process, and of the children that have ended."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


@asynccontextmanager
async def measured(cost: Cost) -> AsyncIterator[None]:
    """Notes what is used inside."""
    before = (time.perf_counter(), used_here(), used("mongod"), used("java"), psutil.cpu_times())
    yield
    cost.took = time.perf_counter() - before[0]
    cost.here = used_here() - before[1]
    cost.mongod, cost.kafka = used("mongod") - before[2], used("java") - before[3]
    cost.steal = Machine.between(before[4], psutil.cpu_times()).steal


async def product(up: Servers, database: str, events: int) -> Cost:
    """The whole projection, exactly once."""
    client, cost = connect(up.mongo_address), Cost()
    publisher = Publisher(up.kafka_connection, "analytics")
    await LiveChatDocuments.of(client[database]).prepare()
    runner = projection_runner(client[database], up.kafka_connection, publisher, lambda: None)

    async def all_projected() -> bool:
        await asyncio.sleep(0.3)  # to look all the time costs as much as some events
        done = [int(each["offset"]) async for each in client[database][COLLECTION].find()]
        return sum(done) >= events

    collect_rarely()
    async with measured(cost):
        running = asyncio.create_task(runner.run())
        await until(all_projected, within=600)
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    await publisher.stop()
    client.close()
    return cost


async def rebuilt(up: Servers, database: str) -> Cost:
    """Read models from nothing to the switch, verified; says how long they took to be filled."""
    client, cost, began = connect(up.mongo_address), Cost(), time.perf_counter()

    def say(line: str) -> None:
        if line == "building the indexes":
            print(f"  filled after {time.perf_counter() - began:.1f} s", flush=True)

    collect_rarely()
    async with measured(cost):
        deployment = Deployment(client[database], up.kafka_connection, CONSUMED_TOPICS)
        workers = InProcesses(PROCESSES, up.mongo_address, database, up.kafka_connection)
        await rebuild(deployment, say, leave_seconds=0, workers=workers)
    client.close()
    return cost


async def limit(up: Servers, events: int) -> Cost:
    """Reads the records and decodes their JSON."""
    consumer = AIOKafkaConsumer(
        DIALOGS.name, RATINGS.name, **up.kafka_connection.options(), auto_offset_reset="earliest",
        group_id=None, enable_auto_commit=False,
    )  # fmt: skip
    await consumer.start()
    cost, seen = Cost(), 0
    async with measured(cost):
        while seen < events:
            for records in (await consumer.getmany(timeout_ms=1000, max_records=10_000)).values():
                seen += len([json.loads(record.value) for record in records])
    await consumer.stop()
    return cost


async def sink(up: Servers, folder: Path, name: str, events: int) -> Cost:
    """Kafka Connect; from its first commit on, since a Java takes seconds to start."""
    cost = Cost()
    async with clients.admin(up.kafka_connection) as admin, connecting(up, folder, name) as process:
        first = await until(lambda: written_so_far(admin, name), within=120)
        own, kafka = psutil.Process(process), used("java")
        before = sum(own.cpu_times()[:2])
        async with measured(cost):
            await until(lambda: written_so_far(admin, name), lambda count: count >= events, within=600)
        cost.here = sum(own.cpu_times()[:2]) - before
        cost.kafka = used("java") - kafka - cost.here
    share = events / (events - first)
    return Cost(share * cost.took, share * cost.here, share * cost.mongod, share * cost.kafka, cost.steal)


async def measure(told: argparse.Namespace) -> None:
    """Publishes once, then each contestant by turns."""
    with tempfile.TemporaryDirectory() as folder, servers(Path(folder)) as up:
        events = await publish(up.kafka_connection, told.closes)
        print(f"{events} events of {told.closes} closes")
        contestants: Mapping[str, Callable[[int], Awaitable[Cost]]] = {
            "product": lambda run: product(up, f"bench_{run}", events),
            "rebuild": lambda run: rebuilt(up, f"rebuilt_{run}"),
            **({"reading alone": lambda _: limit(up, events)} if told.limit else {}),
            **({"connect": lambda run: sink(up, Path(folder), f"sink{run}", events)} if told.connect else {}),
        }
        costs: dict[str, list[Cost]] = {name: [] for name in contestants}
        for run in range(told.runs):
            for name in [*contestants][:: -1 if run % 2 else 1]:
                costs[name].append(cost := await contestants[name](run))
                print(cost.line(name, events), flush=True)
        for name in costs.keys() & {"product", "rebuild"} if told.connect else ():
            print(beside(name, costs[name], costs["connect"]))


def beside(name: str, ours: Sequence[Cost], connects: Sequence[Cost]) -> str:
    """A line: the rate and the processors' time of what was run beside Connect, pair by pair."""
    pairs = [*zip(ours, connects, strict=True)]
    rates = sorted(other.took / own.took for own, other in pairs)
    costs = sorted((own.here + own.mongod) / (other.here + other.mongod) for own, other in pairs)
    return (
        f"{name} / connect, pair by pair: rate median {statistics.median(rates):.2f}"
        f" ({rates[0]:.2f}-{rates[-1]:.2f}), processors {statistics.median(costs):.2f}"
    )


def main() -> None:
    """Reads the command line and measures."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.projection", description=__doc__)
    parser.add_argument("--closes", type=int, default=100_000, help="how many (100000)")
    parser.add_argument("--runs", type=int, default=3, help="of each contestant (3)")
    parser.add_argument("--limit", action="store_true", help="also what reading alone costs")
    parser.add_argument("--connect", action="store_true", help="also Kafka Connect's MongoDB sink")
    asyncio.run(measure(parser.parse_args()))


if __name__ == "__main__":
    main()
