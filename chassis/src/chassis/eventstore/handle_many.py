"""Commands for many streams at once: read by few queries, and stored by few inserts."""

import asyncio
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar, runtime_checkable

from pydantic import BaseModel

from chassis.errors import UnknownStoredEvent
from chassis.eventstore.decider import Decider
from chassis.eventstore.handle import handle
from chassis.eventstore.repository import CommandResult, Repository, StreamState, continued, next_commit
from chassis.eventstore.store import Commit
from chassis.telemetry.metrics import COMMAND_SECONDS
from chassis.telemetry.tracing import current_traceparent

S = TypeVar("S")
C = TypeVar("C")
E = TypeVar("E", bound=BaseModel)

FEW, MORE = 3, 16
"""How many commits of each stream are read at first, and then as long as there are more."""

PAUSE = 100
"""Streams are folded and decided on so many in one go; then others are served."""


@runtime_checkable
class ManyStreams(Protocol):
    """What an event store has besides, if it can read and append many streams at once."""

    async def read_many(self, after: Mapping[str, int], *, limit: int) -> Mapping[str, Sequence[Commit]]:
        """What `EventStore.read` gives of each stream with a number over its `after`, by one query.

        Streams of which there is nothing are left out.
        """
        ...

    async def append_many(self, commits: Sequence[Commit]) -> Sequence[Exception | None]:
        """Stores each commit for good, or tells what `EventStore.append` would raise.

        No two have one stream.
        """
        ...


@dataclass(frozen=True)
class Decision(Generic[S, E]):
    """Events that were decided on the state `before`, and the state `after` them."""

    before: StreamState[S]
    events: tuple[E, ...]
    after: StreamState[S]


async def handle_many(
    repository: Repository, decider: Decider[S, C, E], commands: Sequence[tuple[str, C]]
) -> Sequence[CommandResult[S, E] | BaseException]:
    """What `handle` gives for each command, with the name of its stream, or what it would raise.

    Whatever isn't stored at the first try is handed to `handle`, each for itself: after a conflict or an
    unknown outcome, a refusal, what can't be read, a second command for a stream.
    """
    first: dict[str, C] = {}
    for stream, command in commands:
        first.setdefault(stream, command)
    done: dict[str, CommandResult[S, E]] = {}
    if len(first) > 1 and isinstance(repository.store, ManyStreams):
        try:
            done = await _at_once(repository, repository.store, decider, first)
        except Exception as error:  # noqa: BLE001 - no stream could be read
            return [error] * len(commands)
    results: list[CommandResult[S, E] | BaseException | None]
    results = [done.pop(stream, None) for stream, _ in commands]
    left = [index for index, result in enumerate(results) if result is None]
    singly = (handle(repository, decider, *commands[index]) for index in left)
    for index, result in zip(left, await asyncio.gather(*singly, return_exceptions=True), strict=True):
        results[index] = result
    return [result for result in results if result is not None]


async def _at_once(
    repository: Repository, store: ManyStreams, decider: Decider[S, C, E], commands: Mapping[str, C]
) -> dict[str, CommandResult[S, E]]:
    """The results of those commands with which all goes well."""
    started = time.monotonic()
    done: dict[str, CommandResult[S, E]] = {}
    decisions: dict[str, Decision[S, E]] = {}
    loaded = await _load(repository, store, decider, commands)
    for count, (stream, before) in enumerate(loaded.items(), 1):
        try:
            events = tuple(decider.decide(before.state, commands[stream]))
            state = decider.fold(before.state, events)
        except Exception:  # noqa: BLE001, S112 - `handle` raises it again
            continue
        if events:
            after = StreamState(state, before.number + 1, before.position + len(events))
            decisions[stream] = Decision(before, events, after)
        else:
            done[stream] = CommandResult(state, before.position, ())
        if count % PAUSE == 0:
            await asyncio.sleep(0)
    for stream in await _append(repository, store, decisions):
        decision = decisions[stream]
        repository.refresh(stream, decision.after)
        done[stream] = CommandResult(decision.after.state, decision.after.position, decision.events)
    _measure(repository.service, Counter(type(commands[stream]) for stream in done), started)
    return done


async def _load(
    repository: Repository, store: ManyStreams, decider: Decider[S, C, E], streams: Mapping[str, object]
) -> Mapping[str, StreamState[S]]:
    """What `Repository.load` gives of each stream, if it can be read; they take no room in the cache."""
    initial = StreamState(decider.initial, 0, 0)
    states = {stream: repository.remembered(decider, stream) or initial for stream in streams}
    unread, limit = list(states), FEW
    while unread:
        found = await store.read_many({stream: states[stream].number for stream in unread}, limit=limit)
        for count, (stream, commits) in enumerate(found.items(), 1):
            try:
                states[stream] = continued(decider, states[stream], commits)
            except UnknownStoredEvent:
                del states[stream]
            if count % PAUSE == 0:
                await asyncio.sleep(0)
        unread = [each for each, commits in found.items() if len(commits) == limit and each in states]
        limit = MORE
    return states


async def _append(
    repository: Repository, store: ManyStreams, decisions: Mapping[str, Decision[S, E]]
) -> Sequence[str]:
    """Appends what was decided; returns the streams of what is stored."""
    at, traceparent = repository.clock.now(), current_traceparent()
    commits = [
        next_commit(stream, each.before, each.events, at, traceparent) for stream, each in decisions.items()
    ]
    errors = await store.append_many(commits)
    repository.wake()
    return [stream for stream, error in zip(decisions, errors, strict=True) if error is None]


def _measure(service: str, kinds: Mapping[type, int], started: float) -> None:
    seconds = time.monotonic() - started
    for kind, count in kinds.items():
        measured = COMMAND_SECONDS.labels(service, kind.__name__, "done")
        for _ in range(count):
            measured.observe(seconds)
