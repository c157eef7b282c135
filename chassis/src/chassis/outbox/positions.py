"""How far each stream was relayed: found by reading it once, then remembered and folded on."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from cachetools import LRUCache

from chassis.errors import UnknownStoredEvent
from chassis.outbox.commit_handler import CommitHandler, CommitPlan, StreamPosition
from chassis.outbox.pending import PendingCommit, PendingCommits

FEW = 8
"""Commits of a stream that are read together with those of others; beyond, it is read on its own."""


class PositionCache:
    """Plans commits; a stream's category, the text before the first colon, chooses the handler."""

    def __init__(
        self,
        service: str,
        outbox: PendingCommits,
        handlers: Sequence[CommitHandler[Any, Any]],
        cache_size: int,
    ) -> None:
        self._service = service
        self._outbox = outbox
        self._handlers: Mapping[str, CommitHandler[Any, Any]] = {
            handler.decider.category: handler for handler in handlers
        }
        self._positions: LRUCache[str, StreamPosition[Any]] = LRUCache(cache_size)

    async def plan(self, stream: str, pending: Sequence[PendingCommit]) -> list[CommitPlan[Any, Any]]:
        """Plans `pending`, or what comes next in the stream if they don't continue where it was left.

        Raises LookupError if no handler takes the stream, `UnknownStoredEvent`, PyMongoError, and what the
        handler raises.
        """
        position, numbers = self._position(stream), [entry.commit.number for entry in pending]
        if numbers and numbers[0] <= position.number:
            self._positions.pop(stream, None)  # a restored database knows less than we remember
            position = self._position(stream)
        if not numbers or numbers != list(range(position.number + 1, position.number + 1 + len(numbers))):
            pending = await self.next_pending(stream)
            position = self._position(stream)
        plans: list[CommitPlan[Any, Any]] = []
        for entry in pending:
            plans.append(self._handler(stream).plan(self._service, position, entry.commit))
            position = plans[-1].after
        return plans

    async def read_on(self, streams: Mapping[str, Sequence[PendingCommit]]) -> None:
        """Reads what was relayed before these commits, by one query for all streams where that is little.

        Whatever it leaves out, or finds otherwise, is left to `plan`. Raises PyMongoError.
        """
        wanted: dict[str, range] = {}
        for stream, pending in streams.items():
            position = self._positions.get(stream)
            unknown = range((position.number if position else 0) + 1, pending[0].commit.number)
            if 0 < len(unknown) <= FEW:
                wanted[stream] = unknown
        if len(wanted) <= 1:
            return
        for stream, found in (await self._outbox.numbered(wanted)).items():
            if all(entry.relayed for entry in found) and len(found) == len(wanted[stream]):
                with suppress(LookupError, UnknownStoredEvent):
                    for entry in found:
                        self._skip(stream, entry)
            await asyncio.sleep(0)  # so that folding all of them holds up nobody

    def _skip(self, stream: str, entry: PendingCommit) -> None:
        self._positions[stream] = self._handler(stream).skip(
            self._position(stream), entry.commit, entry.published
        )

    async def next_pending(self, stream: str) -> Sequence[PendingCommit]:
        """Reads the stream on, past what another replica relayed, and gives the next that none did."""
        while page := await self._outbox.page(stream, self._position(stream).number):
            for index, entry in enumerate(page):
                if not entry.relayed:
                    return page[index:]
                self._skip(stream, entry)
        return []

    def advance(self, plans: Sequence[CommitPlan[Any, Any]]) -> None:
        """These commits were relayed, and are marked."""
        self._positions.update({plan.stream: plan.after for plan in plans})

    def _position(self, stream: str) -> StreamPosition[Any]:
        return self._positions.get(stream) or self._handler(stream).start

    def _handler(self, stream: str) -> CommitHandler[Any, Any]:
        category = stream.partition(":")[0]
        if category not in self._handlers:
            raise LookupError(f"no handler takes streams of {category!r}")
        return self._handlers[category]
