"""A position and its keys move together: whatever fails in the middle, both are seen or neither."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
from aiokafka.structs import TopicPartition
from motor.motor_asyncio import AsyncIOMotorClientSession, AsyncIOMotorDatabase
from pymongo.errors import BulkWriteError, OperationFailure

from chassis.clock import ManualClock
from chassis.crypto_shredding import KeyReader, jwe, key_reader
from chassis.kafka.connection import KafkaConnection
from chassis.kafka.table_checkpoints import TableCheckpoint, TableCheckpoints
from chassis.mongo import connect, durable, transaction
from chassis.transient import is_transient
from contracts.keys import KeyPublished

pytestmark = pytest.mark.real

PARTITION, NOON = TopicPartition("keys", 0), datetime(2026, 3, 2, 12, tzinfo=UTC)
READERS_KEY = jwe.new_key()
Store = AsyncIOMotorDatabase[dict[str, Any]]


def key(kid: str, subject: str = "c1") -> KeyPublished:
    """A key as its owner publishes it."""
    context = jwe.key_context(subject, "d1", kid)
    wrapped = jwe.WrappingKeys(READERS_KEY).wrap(jwe.new_key(), context)
    return KeyPublished(kid=kid, scope="d1", subject=subject, wrapped=wrapped)


class Crash(Exception):
    """The process is gone."""


@asynccontextmanager
async def crashing(session: AsyncIOMotorClientSession) -> AsyncIterator[None]:
    """A transaction that ends after all was written, before it is committed."""
    async with transaction(session):
        yield
        raise Crash


@pytest.fixture
async def store(mongo: str, database: str) -> AsyncIterator[Store]:
    """A database that refuses keys of one subject, and in which a key was read, at offset 0."""
    client = connect(mongo)
    store = client[database]
    await store.drop_collection("reader_keys")
    await store.create_collection("reader_keys", validator={"subject": {"$ne": "refused"}})
    await store["key_positions"].insert_one(
        {"_id": "keys:0", "offset": 0, "before": None, "scan": "s", "scan_end": 100, "confirmed_at": NOON}
    )
    await move(store, 1, {"gone": key("gone")})
    yield store
    client.close()


def checkpoints(store: Store) -> TableCheckpoints:
    """The positions of any replica."""
    nowhere = KafkaConnection(servers="127.0.0.1:1")
    return TableCheckpoints(durable(store, "key_positions"), nowhere, ManualClock(NOON), KeyReader.max_age)


async def position(store: Store) -> TableCheckpoint:
    """Where reading goes on."""
    return (await checkpoints(store).read([PARTITION]))[PARTITION]


async def move(store: Store, offset: int, keys: Mapping[str, KeyPublished | None]) -> None:
    """Stores or drops the keys that were read before `offset`."""
    positions, old = checkpoints(store), await position(store)
    moves = {PARTITION: (old, replace(old, offset=offset))}
    reader = KeyReader(store, readers_key=READERS_KEY)
    await reader.apply(keys, positions.scan_of(PARTITION, old), partial(positions.move, moves=moves))


async def seen(store: Store) -> tuple[int, list[str]]:
    """The position, and the keys that there are."""
    kids = [each["_id"] async for each in store["reader_keys"].find().sort("_id", 1)]
    return (await position(store)).offset, kids


async def test_a_crash_after_both_were_written_leaves_neither(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_reader, "transaction", crashing)
    with pytest.raises(Crash):
        await move(store, 3, {"new": key("new"), "gone": None})
    assert await seen(store) == (1, ["gone"])


async def test_a_key_that_cannot_be_written_leaves_neither_the_others_nor_the_position(store: Store) -> None:
    records = {"new": key("new"), "gone": None, "bad": key("bad", "refused")}
    with pytest.raises(BulkWriteError):
        await move(store, 4, records)
    assert await seen(store) == (1, ["gone"])


async def test_what_did_not_fail_is_seen_whole(store: Store) -> None:
    await move(store, 3, {"new": key("new"), "gone": None})
    assert await seen(store) == (3, ["new"])


async def test_nothing_is_stored_while_another_replica_drops_what_its_scan_did_not_find(store: Store) -> None:
    at = await position(store)
    async with await store.client.start_session() as session, transaction(session):
        await checkpoints(store).touch(session, PARTITION, at)
        with pytest.raises(OperationFailure) as met:
            await move(store, 2, {"new": key("new")})
        assert is_transient(met.value)
    assert await seen(store) == (1, ["gone"])
