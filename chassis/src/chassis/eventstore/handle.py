"""Command in, events out: loads a stream, decides, appends, and decides again if another append was first."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from pydantic import BaseModel

from chassis.errors import (
    CommandRejected,
    LockTimeout,
    RetriesExhausted,
    UnknownStoredEvent,
    VersionConflict,
    WriteOutcomeUnknown,
)
from chassis.eventstore.decider import Decider
from chassis.eventstore.repository import CommandResult, Repository, StreamState
from chassis.telemetry.metrics import COMMAND_SECONDS, Alarm, raise_alarm

S = TypeVar("S")
C = TypeVar("C")
E = TypeVar("E", bound=BaseModel)

GIVE_UP_SECONDS = 10.0
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.02, 1.0


async def handle(
    repository: Repository,
    decider: Decider[S, C, E],
    stream: str,
    command: C,
    *,
    complete: Callable[[S], Awaitable[C]] | None = None,
    read_first: bool = False,
) -> CommandResult[S, E]:
    """Decides `command` on the stream and stores what follows, once, whatever else is appended meanwhile.

    Decides again after a conflict or an unknown outcome, so a repeated command must be seen in the state.
    `complete` gives the whole command once the state is known that it will be decided on: with text that is
    sealed for whom the state names, for example. It may reject, and is asked again whenever `decide` is. The
    state may be behind what is stored, which the append finds out: `read_first` if `complete` has an effect
    that shall not come of such a state.
    Raises `CommandRejected`, `UnknownStoredEvent`, `RetriesExhausted` after about ten seconds, and for what
    can never be stored `CommitTooLarge` or `PermanentWriteError`.
    """
    deadline = time.monotonic() + GIVE_UP_SECONDS
    with _measured(repository.service, type(command).__name__):
        try:
            async with repository.locks.acquire(stream, GIVE_UP_SECONDS):
                remembered = None if read_first else repository.remembered(decider, stream)
                return await _decided(repository, decider, stream, command, complete, deadline, remembered)
        except (LockTimeout, VersionConflict, WriteOutcomeUnknown) as error:
            raise RetriesExhausted(f"{stream} could not be written in time") from error


async def _decided(
    repository: Repository,
    decider: Decider[S, C, E],
    stream: str,
    command: C,
    complete: Callable[[S], Awaitable[C]] | None,
    deadline: float,
    remembered: StreamState[S] | None,
) -> CommandResult[S, E]:
    """Tries until `deadline` (monotonic), with jittered pauses; then raises what the last append raised.

    Decides first on what is `remembered`: an append proves that nothing newer is stored. Nothing else does,
    so whatever does not end in one is decided again on what is read.
    """
    # A loop of its own: a retry library hands arguments on untyped, and costs a quarter of `handle`.
    longest = FIRST_PAUSE_SECONDS
    while True:
        try:
            current = remembered or await repository.load(decider, stream)
            whole = command if complete is None else await complete(current.state)
            if events := tuple(decider.decide(current.state, whole)):
                current = await repository.append(decider, stream, current, events)
            if events or not remembered:
                return CommandResult(current.state, current.position, events)
        except CommandRejected:
            if not remembered:
                raise
        except (VersionConflict, WriteOutcomeUnknown):
            if time.monotonic() >= deadline:
                raise
            if not remembered:
                await asyncio.sleep(random.uniform(0, longest))  # noqa: S311 - jitter
                longest = min(longest * 2, LONGEST_PAUSE_SECONDS)
        remembered = None


@contextmanager
def _measured(service: str, command: str) -> Iterator[None]:
    started, outcome = time.monotonic(), "failed"
    try:
        yield
        outcome = "done"
    except CommandRejected:
        outcome = "rejected"
        raise
    except RetriesExhausted:
        outcome = "busy"
        raise
    except UnknownStoredEvent:
        raise_alarm(service, Alarm.UNKNOWN_STORED_EVENT)
        raise
    finally:
        COMMAND_SECONDS.labels(service, command, outcome).observe(time.monotonic() - started)
