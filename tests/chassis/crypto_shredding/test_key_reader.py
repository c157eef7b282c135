"""Readers keep the keys of others for as long as those exist."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from motor.motor_asyncio import AsyncIOMotorClientSession, AsyncIOMotorDatabase

from chassis.crypto_shredding import KeyReader, jwe, key_reader
from chassis.crypto_shredding.key_cache import KeyCache
from chassis.errors import DecryptionFailed
from chassis.kafka.table_checkpoints import Scan
from chassis.mongo import transaction
from contracts.keys import KeyPublished
from tests.chassis.crypto_shredding.sealing import PURPOSE, opened, receive

pytestmark = pytest.mark.real

READERS_KEY, RAW = jwe.new_key(), jwe.new_key()
KID = jwe.new_kid()
HERE = jwe.Context("c1", "d1", PURPOSE)


def wrapped(kid: str) -> KeyPublished:
    """The data key under this id, as its owner publishes it."""
    context = jwe.key_context("c1", "d1", kid)
    sealed = jwe.seal(RAW, READERS_KEY, jwe.short_hash(READERS_KEY), context)
    return KeyPublished(kid=kid, scope="d1", subject="c1", wrapped=sealed)


KEY = wrapped(KID)
WORDS = jwe.seal(b"hello", RAW, KID, HERE)


@pytest.fixture
def reader(store: AsyncIOMotorDatabase[dict[str, Any]]) -> KeyReader:
    """A reader with the readers' key."""
    return KeyReader(store, readers_key=READERS_KEY)


async def test_without_the_key_there_are_no_words(reader: KeyReader) -> None:
    assert await opened(reader, "d1", "c1", WORDS) is None


async def test_with_the_key_there_are(reader: KeyReader) -> None:
    for _ in range(2):
        await receive(reader, {KID: KEY})
    assert await opened(reader, "d1", "c1", WORDS) == "hello"
    other = jwe.seal(b"?", RAW, jwe.new_kid(), HERE)
    assert [await opened(reader, "d1", "c1", words) for words in (WORDS, other, WORDS)] == [
        "hello",
        None,
        "hello",
    ]


async def test_a_deleted_key_is_gone_at_once(reader: KeyReader) -> None:
    await receive(reader, {KID: KEY})
    await opened(reader, "d1", "c1", WORDS)
    for _ in range(2):
        await receive(reader, {KID: None})
    assert await opened(reader, "d1", "c1", WORDS) is None


async def test_other_replicas_stop_within_five_seconds(
    reader: KeyReader, store: AsyncIOMotorDatabase[dict[str, Any]]
) -> None:
    elapsed = [0.0]
    other = KeyReader(store, readers_key=READERS_KEY)
    other._memory = KeyCache(timer=lambda: elapsed[0])
    await receive(reader, {KID: KEY})
    assert await opened(other, "d1", "c1", WORDS) == "hello"
    await receive(reader, {KID: None})
    elapsed[0] = 5.1  # what is promised, whatever the constant says
    assert await opened(other, "d1", "c1", WORDS) is None


async def test_what_is_not_sealed_with_the_key_is_unreadable(reader: KeyReader) -> None:
    await receive(reader, {KID: KEY})
    with pytest.raises(DecryptionFailed):
        await opened(reader, "d1", "c1", jwe.seal(b"hello", jwe.new_key(), KID, HERE))
    with pytest.raises(DecryptionFailed):
        await opened(reader, "d1", "c1", "hello")


async def test_text_opens_as_what_it_was_sealed_only(reader: KeyReader) -> None:
    await receive(reader, {KID: KEY})
    for elsewhere in (HERE._replace(subject="c2"), HERE._replace(scope="d2"), HERE._replace(purpose="email")):
        with pytest.raises(DecryptionFailed):
            await reader.open(WORDS, **elsewhere._asdict())


@pytest.mark.parametrize("moved", [{"subject": "c2"}, {"scope": "d2"}])
async def test_a_key_that_was_published_as_anothers_opens_nothing(
    reader: KeyReader, moved: dict[str, str]
) -> None:
    await receive(reader, {KID: KEY.model_copy(update=moved)})
    elsewhere = HERE._replace(**moved)
    for words, context in ((WORDS, HERE), (jwe.seal(b"hello", RAW, KID, elsewhere), elsewhere)):
        with pytest.raises(DecryptionFailed):
            await reader.open(words, **context._asdict())


async def test_applying_nothing_is_nothing(reader: KeyReader) -> None:
    await receive(reader, {})


async def test_many_are_applied_in_one_write(
    reader: KeyReader, store: AsyncIOMotorDatabase[dict[str, Any]]
) -> None:
    others = {f"k{n}": KEY.model_copy(update={"kid": f"k{n}"}) for n in range(3)}
    await receive(reader, {KID: KEY})
    await receive(reader, {**others, KID: None}, Scan("keys:2", "s2"))
    assert [
        (key["_id"], key["partition"], key["scan"])
        async for key in store["reader_keys"].find().sort("_id", 1)
    ] == [(kid, "keys:2", "s2") for kid in others]


async def test_what_a_transaction_drops_is_there_until_it_is_through(
    reader: KeyReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    @asynccontextmanager
    async def opening(session: AsyncIOMotorClientSession) -> AsyncIterator[None]:
        async with transaction(session):
            yield
            assert await opened(reader, "d1", "c1", WORDS) == "hello"

    await receive(reader, {KID: KEY})
    monkeypatch.setattr(key_reader, "transaction", opening)
    await receive(reader, {KID: None})
    assert await opened(reader, "d1", "c1", WORDS) is None


async def test_what_a_scan_did_not_find_is_dropped_from_its_partition_alone(
    reader: KeyReader, store: AsyncIOMotorDatabase[dict[str, Any]]
) -> None:
    async def nothing(_: AsyncIOMotorClientSession) -> None:
        return

    await receive(reader, {KID: KEY, "seen": wrapped("seen")}, Scan("keys:0", "s1"))
    await receive(reader, {"elsewhere": wrapped("elsewhere")}, Scan("keys:1", "s1"))
    assert await opened(reader, "d1", "c1", WORDS) == "hello"
    await receive(reader, {"seen": wrapped("seen")}, Scan("keys:0", "s2"))
    await reader.drop_unseen(Scan("keys:0", "s2"), nothing)
    assert sorted(await store["reader_keys"].distinct("_id")) == ["elsewhere", "seen"]
    assert await opened(reader, "d1", "c1", WORDS) is None


async def test_what_the_scan_finds_meanwhile_is_not_dropped(
    reader: KeyReader, store: AsyncIOMotorDatabase[dict[str, Any]]
) -> None:
    async def found(_: AsyncIOMotorClientSession) -> None:
        await receive(reader, {KID: KEY}, Scan("keys:0", "s2"))

    await receive(reader, {KID: KEY, "unseen": wrapped("unseen")}, Scan("keys:0", "s1"))
    await reader.drop_unseen(Scan("keys:0", "s2"), found)
    assert await store["reader_keys"].distinct("_id") == [KID]
    assert await opened(reader, "d1", "c1", WORDS) == "hello"
