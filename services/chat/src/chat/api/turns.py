"""One command at a time for each dialog: those of one replica need not conflict with each other first."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary

from chassis.eventlog.handle import Busy

PATIENCE = 10.0


class Turns:
    """Who is next, by dialog. The event log stays the judge: other replicas take no turns here."""

    def __init__(self, patience: float = PATIENCE) -> None:
        self._patience = patience
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def of(self, dialog: str) -> AsyncIterator[None]:
        """Waits for a turn, `patience` seconds at most; then raises `Busy`."""
        lock = self._locks.setdefault(dialog, asyncio.Lock())
        try:
            async with asyncio.timeout(self._patience):
                await lock.acquire()
        except TimeoutError:
            raise Busy(f"too many want to write in {dialog}") from None
        try:
            yield
        finally:
            lock.release()
