"""One command at a time for each stream: those of one replica need not conflict with each other first."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary


class NoTurn(Exception):  # noqa: N818 - it is the way of the world
    """Too many others came first."""


class Turns:
    """Who is next, by stream. The event log stays the judge: other replicas take no turns here."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def of(self, stream: str, patience: float) -> AsyncIterator[None]:
        """Waits for a turn, in the order of asking; raises `NoTurn` after `patience` seconds."""
        lock = self._locks.setdefault(stream, asyncio.Lock())
        try:
            async with asyncio.timeout(patience):
                await lock.acquire()
        except TimeoutError:
            raise NoTurn(f"too many want to write in {stream}") from None
        try:
            yield
        finally:
            lock.release()
