"""Data keys in memory: few, for seconds only, and gone at once when they are forgotten here."""

import time
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field

from cachetools import TTLCache

TRUSTED_SECONDS = 5.0
"""How long a replica may use a key that another replica has deleted."""


@dataclass(frozen=True)
class DataKey:
    """The key `kid` of one dialog, unwrapped: 32 bytes."""

    kid: str
    dialog: str
    client: str
    raw: bytes = field(repr=False)


class KeyCache:
    """Remembers what was loaded under an id (a dialog or a kid), until it must be asked for again."""

    def __init__(self, size: int = 10_000, timer: Callable[[], float] = time.monotonic) -> None:
        self._keys: TTLCache[str, DataKey] = TTLCache(size, TRUSTED_SECONDS, timer)
        self._drops = 0

    async def get(self, name: str, load: Callable[[], Awaitable[DataKey | None]]) -> DataKey | None:
        """The key named `name`, from memory or else loaded; what is not there is not remembered."""
        if (known := self._keys.get(name)) is not None:
            return known
        drops = self._drops
        loaded = await load()
        # What was read before a drop may be the dropped key.
        if loaded is not None and drops == self._drops:
            self._keys[name] = loaded
        return loaded

    def drop(self, gone: Callable[[DataKey], bool]) -> None:
        """Forgets the keys that `gone` names, also those that are being loaded now."""
        self._drops += 1
        names: Collection[str] = [name for name, key in self._keys.items() if gone(key)]
        for name in names:
            self._keys.pop(name, None)
