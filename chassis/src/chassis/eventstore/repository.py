"""Streams as their deciders see them: folded from their commits, kept in a cache, continued by commits."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from cachetools import LRUCache
from pydantic import BaseModel

from chassis.clock import Clock
from chassis.eventstore.decider import Decider
from chassis.eventstore.locks import StreamLocks
from chassis.eventstore.serialization import read_events, to_stored
from chassis.eventstore.store import Commit, EventStore
from chassis.telemetry.tracing import current_traceparent

S = TypeVar("S")
C = TypeVar("C")
E = TypeVar("E", bound=BaseModel)

SLICE = 100
"""How many commits are read and folded at a time: what memory holds of a stream that was not cached."""

LONGEST_FOLD_SECONDS = 10.0


@dataclass(frozen=True)
class StreamState(Generic[S]):
    """A stream's state after commit `number`, whose last event has the position `position`; 0 at first."""

    state: S
    number: int
    position: int


@dataclass(frozen=True)
class CommandResult(Generic[S, E]):
    """The state after a command, the position of its last event, and what was added: maybe nothing."""

    state: S
    position: int
    events: tuple[E, ...]


class Repository:
    """The streams of one service, read through a cache of `cache_size` states.

    `wake` is called after each commit; `service` labels the metrics; `locks` are taken by `handle`.
    """

    def __init__(
        self,
        store: EventStore,
        clock: Clock,
        *,
        wake: Callable[[], None] = lambda: None,
        cache_size: int = 10_000,
        service: str = "unknown",
    ) -> None:
        self.store = store
        self.clock = clock
        self.service = service
        self.locks = StreamLocks()
        self._folding = StreamLocks()
        self.wake = wake
        self._cache: LRUCache[str, StreamState[Any]] = LRUCache(cache_size)

    def remembered(self, _: Decider[S, C, E], stream: str) -> StreamState[S] | None:
        """The stream as it was when it was last loaded or written here; others may have written since."""
        return self._cache.get(stream)

    def refresh(self, stream: str, current: StreamState[S]) -> None:
        """Keeps a newer state of a stream that is remembered; others take no room from those."""
        known = self._cache.get(stream)
        if known and known.number < current.number:
            self._cache[stream] = current

    async def load(self, decider: Decider[S, C, E], stream: str) -> StreamState[S]:
        """The stream as it is stored now: commits newer than the cached state are read every time.

        Raises `UnknownStoredEvent`, `LockTimeout` where another load takes too long, and whatever the store
        raises when it can't be read.
        """
        if self.remembered(decider, stream):
            return await self._read_on(decider, stream)
        # Whoever comes second finds it folded.
        async with self._folding.acquire(stream, LONGEST_FOLD_SECONDS):
            return await self._read_on(decider, stream)

    async def _read_on(self, decider: Decider[S, C, E], stream: str) -> StreamState[S]:
        current = self.remembered(decider, stream) or StreamState(decider.initial, 0, 0)
        while commits := await self.store.read(stream, after=current.number, limit=SLICE):
            current = continued(decider, current, commits)
            if len(commits) < SLICE:
                break
            await asyncio.sleep(0)  # the store may answer from memory, and others want to be served too
        self._remember(stream, current)
        return current

    def _remember(self, stream: str, current: StreamState[S]) -> None:
        """A load may end after an append that began later: the cache never goes back.

        That nothing is stored isn't remembered: a first command looks before it reserves what it needs.
        """
        known = self._cache.get(stream)
        if current.number > (known.number if known else 0):
            self._cache[stream] = current

    async def append(
        self, decider: Decider[S, C, E], stream: str, current: StreamState[S], events: tuple[E, ...]
    ) -> StreamState[S]:
        """Stores `events` as the commit after `current`; raises what `EventStore.append` raises."""
        commit = next_commit(stream, current, events, self.clock.now(), current_traceparent())
        await self.store.append(commit)
        self.wake()
        after = StreamState(decider.fold(current.state, events), commit.number, commit.last)
        self._remember(stream, after)
        return after


def continued(
    decider: Decider[S, C, E], current: StreamState[S], commits: Sequence[Commit]
) -> StreamState[S]:
    """The state after `commits`, of which there is one at least. Raises `UnknownStoredEvent`."""
    state = current.state
    for commit in commits:
        state = decider.fold(state, read_events(decider, commit))
    return StreamState(state, commits[-1].number, commits[-1].last)


def next_commit(
    stream: str,
    current: StreamState[S],
    events: Sequence[BaseModel],
    at: datetime,
    traceparent: str | None,
) -> Commit:
    """The commit of `events` that follows `current`."""
    return Commit(
        stream=stream,
        number=current.number + 1,
        first=current.position + 1,
        events=tuple(to_stored(event) for event in events),
        at=at,
        traceparent=traceparent,
    )
