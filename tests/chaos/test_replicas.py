"""Replicas of analytics, broker and database are killed or halted by turns under load; then all is recounted.

Only `make chaos` plays it: 300 faults, half with two replicas, half with three. One seed gives one schedule.
"""

import asyncio
import itertools
import os
import random
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiokafka.structs import TopicPartition

from analytics.messaging.inbound import CONSUMED_TOPICS
from analytics.messaging.partition_work import Deployment
from analytics.messaging.verification import verify
from analytics.read_models.documents import FIRST_GENERATION, LiveChatDocuments
from chassis.errors import PublishFailed
from chassis.kafka.checkpoints import COLLECTION, stored_offsets
from chassis.kafka.clients import partitions_of
from chassis.kafka.publisher import ProducerRecord, Publisher
from chassis.kafka.topic_reader import topic_reader
from chassis.mongo import connect
from contracts.dialogs import DialogClosed
from contracts.envelope import Envelope
from contracts.topics import DIALOGS, RATINGS
from deploy.local.process import Process
from deploy.local.stack import Stack, free_port_base
from tests.bench.projection import FIRST_DAY, events_of
from tests.waiting import until

FAULTS = int(os.environ.get("CANDOR_CHAOS_FAULTS", "0")) // 2
SEED = int(os.environ.get("CANDOR_CHAOS_SEED", "1"))
BATCH = 25
"""Closes that are published at once."""

PAUSE_SECONDS = 0.05
HALTED_SECONDS = (
    0.2,
    15.0,
)  # longer than a group waits for a member, and than a transaction's owner is let be
DOWN_SECONDS = (0.0, 2.0)
POISON = 1_000
"""One record in so many is no event."""

CAUGHT_UP_SECONDS = 240.0

pytestmark = [
    pytest.mark.real,
    pytest.mark.long,
    pytest.mark.timeout(600 + 60 * FAULTS),
    pytest.mark.skipif(not FAULTS, reason="half a minute and more for each few faults: make chaos"),
]


@dataclass(frozen=True)
class Fault:
    """What happens to whom, and for how long."""

    victim: int
    halts: bool
    seconds: float


def schedule(dice: random.Random, faults: int, replicas: int) -> list[Fault]:
    """Replicas are hit twice as often as broker and database; `victim` counts from broker and database on."""
    victims = [0, 1, *[*range(2, 2 + replicas)] * 2]
    plan = []
    for _ in range(faults):
        halts = dice.random() < 0.5
        seconds = dice.uniform(*(HALTED_SECONDS if halts else DOWN_SECONDS))
        plan.append(Fault(dice.choice(victims), halts, seconds))
    return plan


async def strike(fault: Fault, victim: Process) -> None:
    """Lets it happen, and ends it."""
    if fault.halts:
        os.killpg(victim.pid, signal.SIGSTOP)
        await asyncio.sleep(fault.seconds)
        os.killpg(victim.pid, signal.SIGCONT)
        return
    await asyncio.to_thread(victim.kill)
    await asyncio.sleep(fault.seconds)
    await asyncio.to_thread(victim.launch if fault.victim > 1 else victim.start)


class Load:
    """Publishes closes and what became of them until it is stopped; some twice, some as no event."""

    def __init__(self, publisher: Publisher, dice: random.Random) -> None:
        self.closes = 0
        self.pause_seconds = PAUSE_SECONDS
        self._publisher, self._dice = publisher, dice

    async def run(self) -> None:
        """Until cancelled. What is not acknowledged is published again."""
        for first in itertools.count(step=BATCH):
            records = [record for number in range(first, first + BATCH) for record in self._records(number)]
            while True:
                with suppress(PublishFailed):
                    await self._publisher.publish(records)
                    break
            self.closes = first + BATCH
            await asyncio.sleep(self.pause_seconds)

    def _records(self, number: int) -> list[ProducerRecord]:
        records = []
        for sequence, event in enumerate(events_of(number, self._dice), start=1):
            kind, key = event.model_dump()["type"], event.about or ""
            envelope = Envelope(
                id=f"{key}:{sequence}", type=kind, source="/candor/chaos", time=FIRST_DAY, subject=key,
                sequence=sequence,
            )  # fmt: skip
            topic = DIALOGS if isinstance(event, DialogClosed) else RATINGS
            value = event.model_dump_json(exclude_none=True).encode()
            record = ProducerRecord(topic.name, key, value, envelope.to_headers())
            records += [record] * (2 if self._dice.random() < 0.02 else 1)
            if self._dice.randrange(POISON) == 0:
                records.append(ProducerRecord(topic.name, key, b"{", envelope.to_headers()))
        return records


@asynccontextmanager
async def loading(stack: Stack, dice: random.Random) -> AsyncIterator[Load]:
    load = Load(Publisher(stack.servers.kafka_connection, "chaos"), dice)
    task = asyncio.create_task(load.run())
    yield load
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await load._publisher.stop()


async def waiting(deployment: Deployment, documents: LiveChatDocuments) -> int:
    """How many records are not projected."""
    done = await stored_offsets(deployment.database[COLLECTION], documents.checkpoints)
    partitions = await partitions_of(deployment.connection, list(deployment.topics))
    async with topic_reader(deployment.connection, partitions) as consumer:
        ends: dict[TopicPartition, int] = await consumer.end_offsets(partitions)
    return sum(end - done.get(partition, 0) for partition, end in ends.items())


@pytest.mark.parametrize("replicas", [2, 3])
async def test_whatever_is_killed_or_halted_the_counters_equal_the_recount(
    tmp_path: Path, replicas: int
) -> None:
    dice = random.Random(SEED)
    with Stack(tmp_path, names=("analytics",), base=free_port_base()) as stack:
        more = [
            stack.service("analytics", free_port_base(), f"analytics-{n}") for n in range(2, replicas + 1)
        ]
        for replica in more:
            replica.start()
        members: list[Any] = [stack.kafka, stack.mongo, stack.services["analytics"], *more]
        client = connect(stack.servers.mongo_address)
        deployment = Deployment(client["candor_analytics"], stack.servers.kafka_connection, CONSUMED_TOPICS)
        documents = LiveChatDocuments.of(deployment.database, FIRST_GENERATION)
        began = time.monotonic()
        try:
            async with loading(stack, random.Random(SEED)) as load:
                await until(lambda: load.closes >= BATCH)
                for fault in schedule(dice, FAULTS, replicas):
                    await strike(fault, members[fault.victim])
                    await asyncio.sleep(dice.uniform(0.0, 2.0))
            await until(
                lambda: waiting(deployment, documents), lambda left: left == 0, within=CAUGHT_UP_SECONDS
            )
            found = await verify(deployment, FIRST_GENERATION)
        finally:
            client.close()
            for replica in more:
                replica.stop()
    took = time.monotonic() - began
    print(f"{replicas} replicas, {FAULTS} faults, seed {SEED}: {load.closes} closes in {took:.0f} s")
    assert found.first is None
    assert found.closes >= load.closes  # one batch more may have been written and not acknowledged
