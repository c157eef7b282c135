"""Readers keep the keys of others for as long as those exist."""

from typing import Any

import pytest
from motor.motor_asyncio import AsyncIOMotorDatabase

from chassis.crypto_shredding import KeyReader, jwe
from chassis.crypto_shredding.key_cache import TRUSTED_SECONDS, KeyCache
from chassis.errors import DecryptionFailed
from contracts.keys import KeyPublished

pytestmark = pytest.mark.real

READERS_KEY, RAW = jwe.new_key(), jwe.new_key()
KID = jwe.new_kid()
KEY = KeyPublished(
    kid=KID, scope="d1", subject="c1", wrapped=jwe.seal(RAW, READERS_KEY, jwe.short_hash(READERS_KEY))
)
WORDS = jwe.seal(b"hello", RAW, KID)


@pytest.fixture
def reader(store: AsyncIOMotorDatabase[dict[str, Any]]) -> KeyReader:
    """A reader with the readers' key."""
    return KeyReader(store, readers_key=READERS_KEY)


async def test_without_the_key_there_are_no_words(reader: KeyReader) -> None:
    assert await reader.open(WORDS) is None


async def test_with_the_key_there_are(reader: KeyReader) -> None:
    for _ in range(2):
        await reader.apply({KID: KEY})
    assert await reader.open(WORDS) == "hello"
    other = jwe.seal(b"?", RAW, jwe.new_kid())
    assert [await reader.open(words) for words in (WORDS, other, WORDS)] == ["hello", None, "hello"]


async def test_a_deleted_key_is_gone_at_once(reader: KeyReader) -> None:
    await reader.apply({KID: KEY})
    await reader.open(WORDS)
    for _ in range(2):
        await reader.apply({KID: None})
    assert await reader.open(WORDS) is None


async def test_other_replicas_notice_within_seconds(
    reader: KeyReader, store: AsyncIOMotorDatabase[dict[str, Any]]
) -> None:
    elapsed = [0.0]
    other = KeyReader(store, readers_key=READERS_KEY)
    other._memory = KeyCache(timer=lambda: elapsed[0])
    await reader.apply({KID: KEY})
    assert await other.open(WORDS) == "hello"
    await reader.apply({KID: None})
    elapsed[0] = TRUSTED_SECONDS + 0.1
    assert await other.open(WORDS) is None


async def test_what_is_not_sealed_with_the_key_is_unreadable(reader: KeyReader) -> None:
    await reader.apply({KID: KEY})
    with pytest.raises(DecryptionFailed):
        await reader.open(jwe.seal(b"hello", jwe.new_key(), KID))
    with pytest.raises(DecryptionFailed):
        await reader.open("hello")


async def test_applying_nothing_is_nothing(reader: KeyReader) -> None:
    await reader.apply({})


async def test_many_are_applied_in_one_write(
    reader: KeyReader, store: AsyncIOMotorDatabase[dict[str, Any]]
) -> None:
    others = {f"k{n}": KEY.model_copy(update={"kid": f"k{n}"}) for n in range(3)}
    await reader.apply({KID: KEY})
    await reader.apply({**others, KID: None}, marks={"place": "here"})
    assert [(key["_id"], key["place"]) async for key in store["reader_keys"].find().sort("_id", 1)] == [
        (kid, "here") for kid in others
    ]


async def test_what_a_transaction_drops_is_there_until_it_is_through(
    reader: KeyReader, store: AsyncIOMotorDatabase[dict[str, Any]]
) -> None:
    await reader.apply({KID: KEY})
    async with await store.client.start_session() as session:
        async with session.start_transaction():
            await reader.apply({KID: None}, session=session)
            assert await reader.open(WORDS) == "hello"
        reader.evict([KID])
    assert await reader.open(WORDS) is None
