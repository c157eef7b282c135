"""Data keys in memory: few, for seconds only, and gone at once when they are erased by this process."""

import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field

from cachetools import TTLCache

from chassis.crypto_shredding import jwe
from chassis.errors import DecryptionFailed

TRUSTED_SECONDS = 5.0
"""How long a replica may use a key that another replica has deleted."""


@dataclass(frozen=True)
class DataKey:
    """The key `kid` of one scope of one data subject, unwrapped: 32 bytes."""

    kid: str
    scope: str
    subject: str
    raw: bytes = field(repr=False)

    @property
    def context(self) -> jwe.Context:
        """What it is, wrapped."""
        return jwe.key_context(self.subject, self.scope, self.kid)

    def open(self, sealed: str, context: jwe.Context) -> str:
        """The text. Raises `DecryptionFailed`, also if this key is of another subject or scope than it."""
        if (self.subject, self.scope) != (context.subject, context.scope):
            raise DecryptionFailed("This key is another subject's, or another scope's")
        return jwe.unseal(sealed, self.raw, context).decode()


LoadAll = Callable[[Collection[str]], Awaitable[Mapping[str, DataKey | DecryptionFailed]]]
"""Loads keys by name: without those that are not there, and with the failures of those that can't be read."""


class KeyCache:
    """Data keys by an id (of a scope or of a key), each for `TRUSTED_SECONDS` after it was loaded."""

    def __init__(self, size: int = 10_000, timer: Callable[[], float] = time.monotonic) -> None:
        self._keys: TTLCache[str, DataKey] = TTLCache(size, TRUSTED_SECONDS, timer)
        self._evictions = 0

    async def get(self, name: str, load: Callable[[], Awaitable[DataKey | None]]) -> DataKey | None:
        """The key named `name`, from memory or else loaded; what is not there is not remembered."""
        if (known := self._keys.get(name)) is not None:
            return known
        evictions = self._evictions
        loaded = await load()
        # What was read before an eviction may be the evicted key.
        if loaded is not None and evictions == self._evictions:
            self._keys[name] = loaded
        return loaded

    async def get_all(self, names: Collection[str], load: LoadAll) -> dict[str, DataKey | DecryptionFailed]:
        """The keys with these names, as `get` gives each; those that memory lacks are loaded at once."""
        known = {name: key for name in names if (key := self._keys.get(name)) is not None}
        if len(known) == len(names):
            return {**known}
        evictions = self._evictions
        loaded = await load([name for name in names if name not in known])
        if evictions == self._evictions:
            self._keys.update({name: key for name, key in loaded.items() if isinstance(key, DataKey)})
        return {**known, **loaded}

    def evict(self, gone: Callable[[DataKey], bool]) -> None:
        """Removes the keys for which `gone` is true, also those that are being loaded now."""
        self._evictions += 1
        for name in [name for name, key in self._keys.items() if gone(key)]:
            self._keys.pop(name, None)
