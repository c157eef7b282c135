"""Command in, events out: loads a stream, decides, appends, and decides again when somebody was faster."""

import time
from collections.abc import Callable, Iterator
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
from chassis.eventlog.decider import Decider, Refused
from chassis.eventlog.log import Commit, Conflict, EventLog, OutcomeUnknown
from chassis.eventlog.stored import UnknownStoredEvent, read_events, to_stored
from chassis.eventlog.turns import NoTurn, Turns
from chassis.telemetry.metrics import ALARMS, COMMAND_SECONDS
from chassis.telemetry.tracing import current_traceparent

S = TypeVar("S")
C = TypeVar("C")
E = TypeVar("E", bound=BaseModel)

GIVE_UP_SECONDS = 10


class Busy(Exception):  # noqa: N818 - it is the way of the world, not an error of ours
    """The stream could not be written in time; whether the command was done is unknown: send it again."""


@dataclass(frozen=True)
class Folded(Generic[S]):
    """A stream's state after commit `number`, whose last event has the position `position`; 0 at first."""

    state: S
    number: int
    position: int


@dataclass(frozen=True)
class Outcome(Generic[S, E]):
    """The state after a command, the number of the last commit, and what was added: maybe nothing."""

    state: S
    number: int
    events: tuple[E, ...]


class Streams:
    """Folded streams, read through a small cache; in one process their commands take turns.

    `wake` is called after each commit; `service` is what metrics are labelled with.
    """

    def __init__(
        self,
        log: EventLog,
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
        self.turns = Turns()
        self._cache: LRUCache[str, Folded[Any]] = LRUCache(cache_size)

    async def load(self, decider: Decider[S, C, E], stream: str) -> Folded[S]:
        """The stream as it is stored now: commits newer than the cached state are read every time.

        Raises `UnknownStoredEvent`, and whatever the log raises when it can't be read.
        """
        folded: Folded[S] = self._cache.get(stream) or Folded(decider.initial, 0, 0)
        for commit in await self.log.read(stream, after=folded.number):
            state = decider.fold(folded.state, read_events(decider, commit))
            folded = Folded(state, commit.number, commit.last)
        self._cache[stream] = folded
        return folded

    async def append(
        self, decider: Decider[S, C, E], stream: str, folded: Folded[S], events: tuple[E, ...]
    ) -> Folded[S]:
        """Stores `events` as the commit after `folded`; raises what `EventLog.append` raises."""
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
        self._cache[stream] = after = Folded(decider.fold(folded.state, events), commit.number, commit.last)
        return after


async def handle(streams: Streams, decider: Decider[S, C, E], stream: str, command: C) -> Outcome[S, E]:
    """Decides `command` on the stream and stores what follows, once, whoever races.

    Decides again after a conflict or an unknown outcome, so a repeated command must be seen in the state.
    Raises `Refused`, `UnknownStoredEvent`, and `Busy` after about ten seconds.
    """
    deadline = time.monotonic() + GIVE_UP_SECONDS
    with _measured(streams.service, type(command).__name__):
        try:
            async with streams.turns.of(stream, GIVE_UP_SECONDS):
                return await _retrying(deadline)(_decide, streams, decider, stream, command)
        except (RetryError, NoTurn) as error:
            raise Busy(f"{stream} could not be written in time") from error


def _retrying(deadline: float) -> AsyncRetrying:
    return AsyncRetrying(
        retry=retry_if_exception_type((Conflict, OutcomeUnknown)),
        wait=wait_random_exponential(multiplier=0.01, max=1),
        stop=stop_after_delay(deadline - time.monotonic()),
    )


async def _decide(streams: Streams, decider: Decider[S, C, E], stream: str, command: C) -> Outcome[S, E]:
    folded = await streams.load(decider, stream)
    events = tuple(decider.decide(folded.state, command))
    if events:
        folded = await streams.append(decider, stream, folded, events)
    return Outcome(folded.state, folded.number, events)


@contextmanager
def _measured(service: str, command: str) -> Iterator[None]:
    started, outcome = time.monotonic(), "failed"
    try:
        yield
        outcome = "done"
    except Refused:
        outcome = "refused"
        raise
    except Busy:
        outcome = "busy"
        raise
    except UnknownStoredEvent:
        ALARMS.labels(service, "unknown_stored_event").inc()
        raise
    finally:
        COMMAND_SECONDS.labels(service, command, outcome).observe(time.monotonic() - started)
