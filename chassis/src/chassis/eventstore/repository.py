"""Streams as their deciders see them: folded from their commits, kept in a cache, continued by commits."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from cachetools import LRUCache
from pydantic import BaseModel

from chassis.clock import Clock
from chassis.errors import UnknownStoredEvent
from chassis.eventstore.decider import Decider
from chassis.eventstore.locks import StreamLocks
from chassis.eventstore.serialization import read_events, to_stored
from chassis.eventstore.store import Commit, EventStore
from chassis.telemetry.tracing import current_traceparent

S = TypeVar("S")
C = TypeVar("C")
E = TypeVar("E", bound=BaseModel)

SLICE = 50
"""How many commits are read and folded at a time: what memory holds of a stream that was not cached."""

FEW, MORE = 3, 16
"""How many commits of each of many streams are read at first, and then as long as there are more."""

PAUSE = 100
"""Of so many commits in one go, then others are served."""


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


@dataclass(frozen=True)
class Decision(Generic[S, E]):
    """Events that were decided on the state `before`, and the state `after` them."""

    before: StreamState[S]
    events: tuple[E, ...]
    after: StreamState[S]


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
        self.wake = wake
        self._cache: LRUCache[str, StreamState[Any]] = LRUCache(cache_size)

    async def load(self, decider: Decider[S, C, E], stream: str) -> StreamState[S]:
        """The stream as it is stored now: commits newer than the cached state are read every time.

        Raises `UnknownStoredEvent`, and whatever the store raises when it can't be read.
        """
        current: StreamState[S] = self._cache.get(stream) or StreamState(decider.initial, 0, 0)
        while commits := await self.store.read(stream, after=current.number, limit=SLICE):
            current = _continued(decider, current, commits)
            if len(commits) < SLICE:
                break
            await asyncio.sleep(0)  # the store may answer from memory, and others want to be served too
        self._cache[stream] = current
        return current

    async def append(
        self, decider: Decider[S, C, E], stream: str, current: StreamState[S], events: tuple[E, ...]
    ) -> StreamState[S]:
        """Stores `events` as the commit after `current`; raises what `EventStore.append` raises."""
        commit = _next_commit(stream, current, events, self.clock.now(), current_traceparent())
        await self.store.append(commit)
        self.wake()
        after = StreamState(decider.fold(current.state, events), commit.number, commit.last)
        self._cache[stream] = after
        return after

    async def load_many(
        self, decider: Decider[S, C, E], streams: Iterable[str]
    ) -> Mapping[str, StreamState[S]]:
        """What `load` gives of each stream, by few queries, and without taking room in the cache.

        Streams that hold what can't be read are left out. Raises what the store raises.
        """
        initial = StreamState(decider.initial, 0, 0)
        states = {stream: self._cache.get(stream, initial) for stream in streams}
        unread, limit, read = list(states), FEW, 0
        while unread:
            found = await self.store.read_many({each: states[each].number for each in unread}, limit=limit)
            for stream, commits in found.items():
                try:
                    states[stream] = _continued(decider, states[stream], commits)
                except UnknownStoredEvent:
                    del states[stream]
                read += len(commits)
                if read % PAUSE < len(commits):
                    await asyncio.sleep(0)
            unread = [each for each, commits in found.items() if len(commits) == limit and each in states]
            limit = MORE
        return states

    async def append_many(self, decisions: Mapping[str, "Decision[S, E]"]) -> Mapping[str, Exception | None]:
        """Stores what was decided on each stream by few inserts; tells what `append` would raise."""
        at, traceparent = self.clock.now(), current_traceparent()
        commits = [
            _next_commit(stream, one.before, one.events, at, traceparent) for stream, one in decisions.items()
        ]
        errors = dict(zip(decisions, await self.store.append_many(commits), strict=True))
        self.wake()
        for stream, error in errors.items():
            known = self._cache.get(stream)
            if error is None and known and known.number < decisions[stream].after.number:
                self._cache[stream] = decisions[stream].after
        return errors


def _continued(
    decider: Decider[S, C, E], current: StreamState[S], commits: Sequence[Commit]
) -> StreamState[S]:
    state = current.state
    for commit in commits:
        state = decider.fold(state, read_events(decider, commit))
    return StreamState(state, commits[-1].number, commits[-1].last)


def _next_commit(
    stream: str,
    current: StreamState[S],
    events: Sequence[BaseModel],
    at: datetime,
    traceparent: str | None,
) -> Commit:
    return Commit(
        stream=stream,
        number=current.number + 1,
        first=current.position + 1,
        events=tuple(to_stored(event) for event in events),
        at=at,
        traceparent=traceparent,
    )
