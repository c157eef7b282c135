"""A projection that counts: what it did twice, or not at all, can be seen."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorClientSession

from chassis.kafka.projection_runner import ProjectionRunner
from chassis.kafka.records import ReceivedEvent
from tests.chassis.kafka.harness import KafkaHarness, Notes


class CountingProjection:
    """Counts notes per key and in all; `faults` says what to raise for a number."""

    name = "counting"
    version = 1

    def __init__(self, client: "AsyncIOMotorClient[dict[str, Any]]", database: str) -> None:
        self.client = client
        self.collection = client[database]["counting"]
        self.calls = 0
        self.tries: Counter[int] = Counter()
        self.faults: dict[int, Exception] = {}

    async def apply(self, session: AsyncIOMotorClientSession, records: Sequence[ReceivedEvent[Any]]) -> None:
        self.calls += 1
        self.tries.update(received.event.number for received in records)
        for received in records:
            if fault := self.faults.get(received.event.number):
                raise fault
            change = {"$inc": {"count": 1}, "$push": {"numbers": received.event.number}}
            await self.collection.update_one({"_id": received.key}, change, upsert=True, session=session)

    async def numbers(self) -> dict[str, list[int]]:
        return {one["_id"]: one["numbers"] async for one in self.collection.find()}

    async def total(self) -> int:
        return sum([len(numbers) for numbers in (await self.numbers()).values()])


def projecting(
    harness: KafkaHarness, counting: CountingProjection, *, group: str | None = None
) -> ProjectionRunner:
    return ProjectionRunner(
        service=harness.service,
        connection=harness.kafka,
        group=group or harness.group,
        topics={harness.notes: Notes},
        projection=counting,
        client=counting.client,
        database=counting.collection.database.name,
        publisher=harness.publisher,
    )


async def once_each(counting: CountingProjection, expected: int) -> bool:
    numbers = [number for own in (await counting.numbers()).values() for number in own]
    assert len(set(numbers)) == len(numbers), "applied twice"
    return len(numbers) == expected
