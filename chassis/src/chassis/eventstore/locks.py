"""One command at a time for each stream: those of one replica need not conflict with each other first."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary

from chassis.errors import LockTimeout


class StreamLocks:
    """Who is next, by stream. The event log stays the judge: other replicas take no turns here."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def acquire(self, stream: str, within: float) -> AsyncIterator[None]:
        """Waits for a turn, in the order of asking; raises `LockTimeout` after `within` seconds."""
        lock = self._locks.setdefault(stream, asyncio.Lock())
        try:
            async with asyncio.timeout(within):
                await lock.acquire()
        except TimeoutError:
            raise LockTimeout(f"too many want to write in {stream}") from None
        try:
            yield
        finally:
            lock.release()
