"""Data keys are remembered for seconds, and dropped at once."""

import asyncio
from collections.abc import Collection

from chassis.crypto_shredding.key_cache import DataKey, KeyCache
from chassis.errors import DecryptionFailed

KEY = DataKey("kid", "scope", "subject", b"raw" * 10)


class Time:
    """A monotonic clock moved by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


class Store:
    """Counts how often it was asked."""

    def __init__(self, key: DataKey | None = KEY) -> None:
        self.key = key
        self.asked = 0

    async def load(self) -> DataKey | None:
        self.asked += 1
        return self.key


async def test_a_key_is_loaded_once_and_again_when_it_is_old() -> None:
    keys, store = KeyCache(timer=(timer := Time())), Store()
    assert await keys.get("dialog", store.load) == KEY
    assert await keys.get("dialog", store.load) == KEY
    assert store.asked == 1
    timer.now = 5.1  # what is promised, whatever the constant says
    store.key = None
    assert await keys.get("dialog", store.load) is None


async def test_what_is_not_there_is_not_remembered() -> None:
    keys, store = KeyCache(), Store(None)
    assert await keys.get("dialog", store.load) is None
    store.key = KEY
    assert await keys.get("dialog", store.load) == KEY


async def test_a_dropped_key_is_gone_at_once() -> None:
    keys, store = KeyCache(), Store()
    await keys.get("dialog", store.load)
    keys.evict(lambda key: key.subject == "subject")
    store.key = None
    assert await keys.get("dialog", store.load) is None


async def test_a_key_dropped_while_it_is_loaded_is_not_remembered() -> None:
    keys, reading = KeyCache(), asyncio.Event()

    async def slowly() -> DataKey:
        await reading.wait()
        return KEY

    loading = asyncio.create_task(keys.get("dialog", slowly))
    await asyncio.sleep(0)
    keys.evict(lambda key: key.subject == "subject")
    reading.set()
    await loading
    assert await keys.get("dialog", Store(None).load) is None


async def test_memory_is_bounded() -> None:
    keys, store = KeyCache(size=2), Store()
    for name in ("a", "b", "c", "a"):
        await keys.get(name, store.load)
    assert store.asked == 4


async def test_of_many_keys_those_that_memory_lacks_are_loaded_at_once() -> None:
    keys, asked = KeyCache(), []
    broken = DecryptionFailed("wrapped by another key")

    async def load(names: Collection[str]) -> dict[str, DataKey | DecryptionFailed]:
        asked.append(set(names))
        there: dict[str, DataKey | DecryptionFailed] = {"a": KEY, "b": KEY, "broken": broken}
        return {name: key for name, key in there.items() if name in names}

    assert await keys.get_all({"a"}, load) == {"a": KEY}
    assert await keys.get_all({"a", "b", "broken", "none"}, load) == {"a": KEY, "b": KEY, "broken": broken}
    assert await keys.get_all({"a", "b"}, load) == {"a": KEY, "b": KEY}
    assert await keys.get_all({"broken"}, load) == {"broken": broken}
    assert asked == [{"a"}, {"b", "broken", "none"}, {"broken"}]


async def test_of_many_keys_one_that_is_dropped_while_they_are_loaded_is_not_remembered() -> None:
    keys = KeyCache()

    async def load(_: Collection[str]) -> dict[str, DataKey | DecryptionFailed]:
        keys.evict(lambda key: key.subject == "subject")
        return {"a": KEY}

    async def nothing(_: Collection[str]) -> dict[str, DataKey | DecryptionFailed]:
        return {}

    await keys.get_all({"a"}, load)
    assert await keys.get_all({"a"}, nothing) == {}


def test_a_key_does_not_show_itself() -> None:
    assert "raw" not in repr(KEY)
