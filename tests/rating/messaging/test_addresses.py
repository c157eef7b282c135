"""Addresses that chat has sealed are opened with the keys that it publishes, until it takes them back."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from chassis.clock import ManualClock
from chassis.crypto_shredding import KeyReader, KeyRing
from chassis.crypto_shredding.tombstones import ErasurePace
from chassis.kafka.connection import KafkaConnection
from chassis.kafka.publisher import Publisher
from chassis.mongo import connect
from contracts.keys import Purpose
from rating.messaging.inbound import keys_reader
from rating.personal_data import Addresses, NoAddress
from tests.analytics.kafka_harness import running, topics
from tests.rating.builders import CLOSED_AT
from tests.waiting import until

pytestmark = pytest.mark.real

READERS_KEY, ZOE = b"r" * 32, "zoe@school.test"


class Sides:
    """Chat's keys, and rating's opened addresses."""

    def __init__(self, kafka: KafkaConnection, client: Any, database: str, topic: str) -> None:
        self.publisher = Publisher(kafka, "chat")
        self.keys = KeyRing(
            client[f"{database}_chat"], service="chat", master_key=b"m" * 32, readers_key=READERS_KEY,
            topic=topic, publisher=self.publisher, pace=ErasurePace(),
        )  # fmt: skip
        reader = KeyReader(client[database], readers_key=READERS_KEY)
        clock = ManualClock(CLOSED_AT)
        self.reading = keys_reader(client[database], kafka, self.publisher, reader, clock, topic)
        self.addresses = Addresses(reader, self.reading.read_to_end)

    async def sealed(self, purpose: Purpose = Purpose.EMAIL) -> str:
        return await self.keys.seal(ZOE, subject="c1", scope="d1", purpose=purpose)

    async def open(self, sealed: str, client: str = "c1", dialog: str = "d1") -> str | NoAddress:
        return await self.addresses.open(sealed, client=client, dialog=dialog)


@pytest.fixture
async def sides(kafka: KafkaConnection, mongo: str, database: str) -> AsyncIterator[Sides]:
    (topic,) = await topics(kafka, "keys")
    client = connect(mongo)
    sides = Sides(kafka, client, database, topic)
    yield sides
    await sides.publisher.stop()
    await client.drop_database(f"{database}_chat")
    client.close()


async def test_an_address_is_open_from_the_key_to_its_erasure(sides: Sides) -> None:
    sealed = await sides.sealed()
    assert await sides.open(sealed) is NoAddress.AWAITED  # nobody has read to the end
    async with running(sides.reading):
        await sides.keys.publish(["d1"])
        await until(lambda: sides.open(sealed), lambda found: found == ZOE)
        await sides.keys.erase("c1")
        await until(lambda: sides.open(sealed), lambda found: found is NoAddress.GONE)


async def test_a_key_that_was_never_published_is_gone_once_all_are_read(sides: Sides) -> None:
    sealed = await sides.sealed()
    async with running(sides.reading):
        await until(lambda: sides.open(sealed), lambda found: found is NoAddress.GONE)


async def test_what_was_sealed_as_something_else_is_no_address(sides: Sides) -> None:
    name, sealed = await sides.sealed(Purpose.NAME), await sides.sealed()
    async with running(sides.reading):
        await sides.keys.publish(["d1"])
        await until(lambda: sides.open(sealed), lambda found: found == ZOE)
        for one, client, dialog in ((name, "c1", "d1"), (sealed, "c2", "d1"), (sealed, "c1", "d2")):
            assert await sides.open(one, client, dialog) is NoAddress.GONE
