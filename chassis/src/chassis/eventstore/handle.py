"""Command in, events out: loads a stream, decides, appends, and decides again when somebody was faster."""

import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from cachetools import LRUCache
from pydantic import BaseModel
from tenacity import (
    AsyncRetrying,
    RetryError,
    retry_if_exception_type,
    stop_after_delay,
    wait_random_exponential,
)

from chassis.clock import Clock
from chassis.errors import (
    CommandRejected,
    LockTimeout,
    RetriesExhausted,
    UnknownStoredEvent,
    VersionConflict,
    WriteOutcomeUnknown,
)
from chassis.eventstore.decider import Decider
from chassis.eventstore.locks import StreamLocks
from chassis.eventstore.serialization import read_events, to_stored
from chassis.eventstore.store import Commit, EventStore
from chassis.telemetry.metrics import COMMAND_SECONDS, Alarm, raise_alarm
from chassis.telemetry.tracing import current_traceparent

S = TypeVar("S")
C = TypeVar("C")
E = TypeVar("E", bound=BaseModel)

GIVE_UP_SECONDS = 10


@dataclass(frozen=True)
class StreamState(Generic[S]):
    """A stream's state after commit `number`, whose last event has the position `position`; 0 at first."""

    state: S
    number: int
    position: int


@dataclass(frozen=True)
class CommandResult(Generic[S, E]):
    """The state after a command, the number of the last commit, and what was added: maybe nothing."""

    state: S
    number: int
    events: tuple[E, ...]


class Repository:
    """Folded streams, read through a small cache; in one process their commands take locks.

    `wake` is called after each commit; `service` is what metrics are labelled with.
    """

    def __init__(
        self,
        log: EventStore,
        clock: Clock,
        *,
        wake: Callable[[], None] = lambda: None,
        cache_size: int = 10_000,
        service: str = "unknown",
    ) -> None:
        self.log = log
        self.clock = clock
        self.wake = wake
        self.service = service
        self.locks = StreamLocks()
        self._cache: LRUCache[str, StreamState[Any]] = LRUCache(cache_size)

    async def load(self, decider: Decider[S, C, E], stream: str) -> StreamState[S]:
        """The stream as it is stored now: commits newer than the cached state are read every time.

        Raises `UnknownStoredEvent`, and whatever the log raises when it can't be read.
        """
        folded: StreamState[S] = self._cache.get(stream) or StreamState(decider.initial, 0, 0)
        for commit in await self.log.read(stream, after=folded.number):
            state = decider.fold(folded.state, read_events(decider, commit))
            folded = StreamState(state, commit.number, commit.last)
        self._cache[stream] = folded
        return folded

    async def append(
        self, decider: Decider[S, C, E], stream: str, folded: StreamState[S], events: tuple[E, ...]
    ) -> StreamState[S]:
        """Stores `events` as the commit after `folded`; raises what `EventStore.append` raises."""
        commit = Commit(
            stream=stream,
            number=folded.number + 1,
            first=folded.position + 1,
            events=tuple(to_stored(event) for event in events),
            at=self.clock.now(),
            traceparent=current_traceparent(),
        )
        await self.log.append(commit)
        self.wake()
        self._cache[stream] = after = StreamState(
            decider.fold(folded.state, events), commit.number, commit.last
        )
        return after


async def handle(
    streams: Repository,
    decider: Decider[S, C, E],
    stream: str,
    command: C,
    *,
    complete: Callable[[S], Awaitable[C]] | None = None,
) -> CommandResult[S, E]:
    """Decides `command` on the stream and stores what follows, once, whoever races.

    `complete` gives the whole command once the state is loaded that it will be decided on: with words that
    are sealed for whom the state names, for example. It may refuse, and it is asked again when `decide` is.

    Decides again after a conflict or an unknown outcome, so a repeated command must be seen in the state.
    Raises `CommandRejected`, `UnknownStoredEvent`, and `RetriesExhausted` after about ten seconds.
    """
    deadline = time.monotonic() + GIVE_UP_SECONDS
    with _measured(streams.service, type(command).__name__):
        try:
            async with streams.locks.acquire(stream, GIVE_UP_SECONDS):
                return await _retrying(deadline)(_decide, streams, decider, stream, command, complete)
        except (RetryError, LockTimeout) as error:
            raise RetriesExhausted(f"{stream} could not be written in time") from error


def _retrying(deadline: float) -> AsyncRetrying:
    return AsyncRetrying(
        retry=retry_if_exception_type((VersionConflict, WriteOutcomeUnknown)),
        wait=wait_random_exponential(multiplier=0.01, max=1),
        stop=stop_after_delay(deadline - time.monotonic()),
    )


async def _decide(
    streams: Repository,
    decider: Decider[S, C, E],
    stream: str,
    command: C,
    complete: Callable[[S], Awaitable[C]] | None,
) -> CommandResult[S, E]:
    folded = await streams.load(decider, stream)
    if complete is not None:
        command = await complete(folded.state)
    events = tuple(decider.decide(folded.state, command))
    if events:
        folded = await streams.append(decider, stream, folded, events)
    return CommandResult(folded.state, folded.number, events)


@contextmanager
def _measured(service: str, command: str) -> Iterator[None]:
    started, outcome = time.monotonic(), "failed"
    try:
        yield
        outcome = "done"
    except CommandRejected:
        outcome = "refused"
        raise
    except RetriesExhausted:
        outcome = "busy"
        raise
    except UnknownStoredEvent:
        raise_alarm(service, Alarm.UNKNOWN_STORED_EVENT)
        raise
    finally:
        COMMAND_SECONDS.labels(service, command, outcome).observe(time.monotonic() - started)
