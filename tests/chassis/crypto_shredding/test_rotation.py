"""Wrapping keys are rotated while replicas go on: nothing is unreadable at any moment."""

import asyncio
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Sequence
from itertools import count
from typing import Any, ClassVar
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from motor.motor_asyncio import AsyncIOMotorDatabase
from pydantic import SecretStr

from chassis.crypto_shredding import KeyReader, KeyRing, PrivateKeyRing, jwe
from chassis.crypto_shredding.commands import reader_commands, ring_commands
from chassis.crypto_shredding.key_cache import KeyCache
from chassis.crypto_shredding.settings import OpeningSettings, SealingSettings
from chassis.errors import DecryptionFailed
from chassis.kafka.connection import KafkaConnection
from chassis.kafka.publisher import Publisher
from contracts.keys import KEY_EVENTS, KeyPublished
from tests.chassis.crypto_shredding.sealing import opened, receive, seal
from tests.waiting import until

pytestmark = [pytest.mark.real, pytest.mark.timeout(120)]

Store = AsyncIOMotorDatabase[dict[str, Any]]
OLD, NEW, READERS_OLD, READERS_NEW = (jwe.new_key() for _ in range(4))


def text_of(key: bytes) -> SecretStr:
    """A key as it stands in the environment."""
    return SecretStr(urlsafe_b64encode(key).decode())


class Sealing(SealingSettings):
    """Of a service that seals."""

    service: ClassVar[str] = "sealing"
    offset: ClassVar[int] = 0


class Opening(OpeningSettings):
    """Of a service that opens."""

    service: ClassVar[str] = "opening"
    offset: ClassVar[int] = 1


class Installation:
    """A database, a key topic, and replicas that are told of different keys."""

    def __init__(
        self, store: Store, kafka: KafkaConnection, mongo: str, topic: str, publisher: Publisher
    ) -> None:
        self.store, self.kafka, self.mongo, self.topic, self.publisher = store, kafka, mongo, topic, publisher

    def _common(self) -> dict[str, Any]:
        keys = '{"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "k", "x": "%s"}]}' % ("A" * 43)
        return {
            "env": "development", "kafka": self.kafka, "mongo": self.mongo, "database": self.store.name,
            "staff_issuer": "https://staff.test", "staff_jwks": keys,
        }  # fmt: skip

    def sealing(self, master: bytes, *before: bytes, readers: bytes = READERS_OLD) -> Sealing:
        others = [text_of(key) for key in before]
        return Sealing(
            **self._common(),
            master_key=text_of(master),
            master_keys_before=others,
            readers_key=text_of(readers),
        )

    def ring(self, *masters: bytes, readers: bytes = READERS_OLD) -> KeyRing:
        """A replica that nothing stays in the memory of: each time it unwraps."""
        settings = self.sealing(*masters, readers=readers)
        ring = KeyRing.of(settings, self.store, topic=self.topic, publisher=self.publisher)
        ring._memory = KeyCache(timer=count(step=10).__next__)
        return ring

    def opening(self, readers: bytes, *before: bytes) -> Opening:
        others = [text_of(key) for key in before]
        keys: dict[str, Any] = {
            "master_key": text_of(OLD),
            "readers_key": text_of(readers),
            "readers_keys_before": others,
        }
        return Opening(**self._common(), **keys)

    def reader(self, *readers: bytes) -> KeyReader:
        reader = KeyReader.of(self.opening(*readers), self.store)
        reader._memory = KeyCache(timer=count(step=10).__next__)
        return reader

    async def command(self, settings: Sealing, name: str) -> int:
        return await asyncio.to_thread(ring_commands(self.topic), settings, [name])

    async def published(self) -> list[KeyPublished]:
        """Every record of a key on the topic, in order."""
        consumer = AIOKafkaConsumer(self.topic, **self.kafka.options(), auto_offset_reset="earliest")
        await consumer.start()
        try:
            ends = await consumer.end_offsets(consumer.assignment())
            found: list[Any] = []
            while any([await consumer.position(part) < end for part, end in ends.items()]):
                for batch in (await consumer.getmany(timeout_ms=200)).values():
                    found += [KEY_EVENTS.validate_json(record.value) for record in batch]
            return [event for event in found if isinstance(event, KeyPublished)]
        finally:
            await consumer.stop()


@pytest.fixture
async def installation(store: Store, kafka: KafkaConnection, mongo: str) -> AsyncIterator[Installation]:
    topic, publisher = f"keys-{uuid4().hex[:8]}", Publisher(kafka, "test")
    admin = AIOKafkaAdminClient(**kafka.options())
    await admin.start()
    await admin.create_topics([NewTopic(topic, 1, 1)])
    yield Installation(store, kafka, mongo, topic, publisher)
    await admin.delete_topics([topic])
    await admin.close()
    await publisher.stop()


async def at_work(rings: Sequence[KeyRing], sealed: dict[str, str], enough: asyncio.Event) -> None:
    """Seals new text with every replica in turn, and opens new and old text with all of them."""
    while not enough.is_set():
        for ring in rings:
            scope = f"d{len(sealed)}"
            sealed[scope] = await seal(ring, scope, "c1", scope)
            for other in rings:
                for at in (scope, "d0", f"d{len(sealed) // 2}"):
                    assert await opened(other, at, "c1", sealed[at]) == at


async def test_the_master_key_under_use(
    installation: Installation, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    first = installation.ring(OLD)
    await first.prepare()
    sealed = {f"d{n}": await seal(first, f"d{n}", "c1", f"d{n}") for n in range(30)}
    # The replicas in the order in which they are started again: no step is done by all of them at once.
    steps: list[list[tuple[bytes, ...]]] = [
        [(OLD,), (OLD, NEW)],
        [(OLD, NEW), (NEW, OLD)],
        [(NEW, OLD), (NEW, OLD)],
    ]
    for step in steps:
        enough, before = asyncio.Event(), len(sealed)
        work = asyncio.create_task(at_work([installation.ring(*keys) for keys in step], sealed, enough))
        if step is steps[-1]:
            assert await installation.command(installation.sealing(NEW, OLD), "rewrap") == 0

        async def some_more(before: int = before, work: "asyncio.Task[None]" = work) -> bool:
            return len(sealed) > before + 10 or work.done()

        await until(some_more, within=60)
        enough.set()
        await work
    assert await installation.command(installation.sealing(NEW, OLD), "status") == 0
    assert f"{len(sealed)} keys, 0 to rewrap, 0 to republish" in capsys.readouterr().out
    last = installation.ring(NEW)
    assert [await opened(last, at, "c1", text) for at, text in sealed.items()] == list(sealed)
    with pytest.raises(DecryptionFailed):
        await opened(installation.ring(OLD), "d0", "c1", sealed["d0"])
    assert set(await store["keys"].distinct("wrapped_by")) == {jwe.short_hash(NEW)}


async def test_rewrapping_says_how_many_and_does_the_rest_when_it_is_repeated(
    installation: Installation, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(3):
        await seal(installation.ring(OLD), f"d{number}", "c1", "hello")
    for expected in ("3 rewrapped", "0 rewrapped"):
        assert await installation.command(installation.sealing(NEW, OLD), "rewrap") == 0
        assert expected in capsys.readouterr().out


async def test_without_the_key_before_nothing_is_lost_and_it_is_said(
    installation: Installation, capsys: pytest.CaptureFixture[str]
) -> None:
    sealed = await seal(installation.ring(OLD), "d1", "c1", "hello")
    assert await installation.command(installation.sealing(NEW), "rewrap") == 1
    assert "another key than those in the settings" in capsys.readouterr().err
    assert await opened(installation.ring(OLD), "d1", "c1", sealed) == "hello"


async def test_the_readers_key_under_use(
    installation: Installation, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    rings = installation.ring(OLD), installation.ring(OLD, readers=READERS_NEW)
    await rings[0].prepare()
    sealed: dict[str, str] = {}
    readers: list[KeyReader] = []

    async def read(count: int) -> None:
        """Every replica opens everything, after each single record."""
        for key in (await installation.published())[count:]:
            await receive(readers[0], {key.kid: key})
            for reader in readers:
                found = {at: await opened(reader, at, "c1", text) for at, text in sealed.items()}
                assert all(text in {at, None} for at, text in found.items())
                assert key.scope in {at for at, text in found.items() if text}

    async def publish(ring: KeyRing, *scopes: str) -> None:
        for scope in scopes:
            sealed[scope] = await seal(ring, scope, "c1", scope)
        await ring.publish(scopes)

    readers[:] = [installation.reader(READERS_OLD), installation.reader(READERS_OLD, READERS_NEW)]
    await publish(rings[0], "d0", "d1")
    await read(0)
    readers[:] = [
        installation.reader(READERS_OLD, READERS_NEW),
        installation.reader(READERS_NEW, READERS_OLD),
    ]
    await publish(rings[1], "d2")
    await read(2)
    assert await installation.command(installation.sealing(OLD, readers=READERS_NEW), "republish") == 0
    assert "2 republished" in capsys.readouterr().out
    await read(3)
    opening = installation.opening(READERS_NEW)
    assert await asyncio.to_thread(reader_commands, opening, ["status"]) == 0
    assert "3 keys, 0 wrapped by another" in capsys.readouterr().out
    last = installation.reader(READERS_NEW)
    assert [await opened(last, at, "c1", text) for at, text in sealed.items()] == list(sealed)
    # Both records of a key are looked after when it is erased.
    assert sorted([len(key["published"]) async for key in store["keys"].find()]) == [1, 2, 2]
    assert await installation.command(installation.sealing(OLD, readers=READERS_NEW), "republish") == 0
    assert len(await installation.published()) == 5


async def test_a_reader_without_the_new_key_says_that_it_cannot_read(installation: Installation) -> None:
    sealed = await seal(ring := installation.ring(OLD, readers=READERS_NEW), "d1", "c1", "hello")
    await ring.publish(["d1"])
    (key,) = await installation.published()
    await receive(reader := installation.reader(READERS_OLD), {key.kid: key})
    with pytest.raises(DecryptionFailed):
        await opened(reader, "d1", "c1", sealed)
    assert await reader.outdated() == (1, 1)


async def test_a_service_that_publishes_no_keys_rewraps_its_own(
    installation: Installation, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    before = PrivateKeyRing(store, master_key=OLD)
    sealed = await seal(before, "d1", "c1", "hello")

    async def command(name: str, master: bytes, *others: bytes) -> str:
        settings = installation.opening(READERS_OLD).model_copy(
            update={"master_key": text_of(master), "master_keys_before": [text_of(key) for key in others]}
        )
        assert await asyncio.to_thread(reader_commands, settings, [name]) == 0
        return capsys.readouterr().out.strip()

    assert await command("status", NEW, OLD) == (
        "0 keys, 0 wrapped by another readers' key than the present one; 1 of its own, 1 to rewrap"
    )
    assert await command("rewrap", NEW, OLD) == "1 rewrapped"
    assert (await command("status", NEW)).endswith("; 1 of its own, 0 to rewrap")
    assert await opened(PrivateKeyRing(store, master_key=NEW), "d1", "c1", sealed) == "hello"
