"""Commands for many streams at once: read by few queries, and stored by few inserts."""

import asyncio
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TypeVar

from pydantic import BaseModel

from chassis.eventstore.decider import Decider
from chassis.eventstore.handle import handle
from chassis.eventstore.repository import PAUSE, CommandResult, Decision, Repository, StreamState
from chassis.telemetry.metrics import COMMAND_SECONDS

S = TypeVar("S")
C = TypeVar("C")
E = TypeVar("E", bound=BaseModel)


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
    try:
        done = await _at_once(repository, decider, first) if len(first) > 1 else {}
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
    repository: Repository, decider: Decider[S, C, E], commands: Mapping[str, C]
) -> dict[str, CommandResult[S, E]]:
    """The results of those commands with which all goes well."""
    started = time.monotonic()
    done: dict[str, CommandResult[S, E]] = {}
    decisions: dict[str, Decision[S, E]] = {}
    for count, (stream, before) in enumerate((await repository.load_many(decider, commands)).items(), 1):
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
    for stream, error in (await repository.append_many(decisions)).items():
        if error is None:
            after = decisions[stream].after
            done[stream] = CommandResult(after.state, after.position, decisions[stream].events)
    seconds = time.monotonic() - started
    for kind, count in Counter(type(commands[stream]) for stream in done).items():
        measured = COMMAND_SECONDS.labels(repository.service, kind.__name__, "done")
        for _ in range(count):
            measured.observe(seconds)
    return done
