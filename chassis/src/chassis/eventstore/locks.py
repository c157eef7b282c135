"""One command at a time for each stream: those of one process need not conflict with each other first."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary

from chassis.errors import LockTimeout


class StreamLocks:
    """A lock for each stream name. It only saves conflicts: other processes append without it."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def acquire(self, stream: str, within: float) -> AsyncIterator[None]:
        """Holds the stream's lock, first come first served. Raises `LockTimeout` after `within` seconds."""
        lock = self._locks.setdefault(stream, asyncio.Lock())
        try:
            async with asyncio.timeout(within):
                await lock.acquire()
        except TimeoutError:
            raise LockTimeout(f"too many commands wait for {stream}") from None
        try:
            yield
        finally:
            lock.release()
