"""Decided on what is remembered: that saves a read, and no wrong refusal ever comes of it."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import pytest
from pydantic import TypeAdapter

from chassis.clock import ManualClock
from chassis.errors import CommandRejected
from chassis.eventstore import handle as handle_module
from chassis.eventstore.decider import Decider, StoredValue
from chassis.eventstore.handle import handle
from chassis.eventstore.memory import InMemoryEventStore
from chassis.eventstore.repository import SLICE, Repository
from chassis.eventstore.store import Commit, EventStore
from tests.chassis.eventstore.jar import JARS, NOON, Jar, JarEvent, PutCoin, commit

A = JARS.stream("a")


class Turned(StoredValue):
    type: Literal["turned"] = "turned"
    on: bool


@dataclass(frozen=True)
class Turn:
    """`strict`: refused if it is so already; else there is nothing to do."""

    on: bool
    strict: bool = False


def decide(on: bool, command: Turn) -> Sequence[Turned]:  # noqa: FBT001 - a lamp's state
    if on == command.on and command.strict:
        raise CommandRejected("it is so already")
    return [] if on == command.on else [Turned(on=command.on)]


LAMPS: Decider[bool, Turn, Turned] = Decider(
    category="lamp",
    initial=False,
    evolve=lambda _, event: event.on,
    decide=decide,
    events=TypeAdapter(Turned),
)
LAMP = LAMPS.stream("hall")


class Watched(InMemoryEventStore):
    """Remembers after which number was read; holds reads back while it isn't `open`."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[int] = []
        self.open = asyncio.Event()
        self.open.set()

    async def read(self, stream: str, after: int = 0, *, limit: int) -> Sequence[Commit]:
        self.asked.append(after)
        found = await super().read(stream, after, limit=limit)
        await self.open.wait()
        return found


def over(store: EventStore) -> Repository:
    return Repository(store, ManualClock(NOON))


async def test_what_is_remembered_is_not_read_before_an_append() -> None:
    store = Watched()
    repository = over(store)
    for name in "xyz":
        await handle(repository, JARS, A, PutCoin(name))
    assert store.asked == [0]
    assert [one.number for one in await store.read(A, limit=10)] == [1, 2, 3]


@pytest.mark.parametrize("strict", [True, False])
async def test_a_replica_that_is_behind_neither_refuses_nor_leaves_out(
    store: EventStore, *, strict: bool
) -> None:
    here, there = over(store), over(store)
    await handle(there, LAMPS, LAMP, Turn(on=True))
    assert (await handle(here, LAMPS, LAMP, Turn(on=False))).state is False
    result = await handle(there, LAMPS, LAMP, Turn(on=True, strict=strict))  # it remembers one that is on
    assert (result.state, len(result.events)) == (True, 1)
    assert [event["on"] for one in await store.read(LAMP, limit=10) for event in one.events] == [
        True,
        False,
        True,
    ]


async def test_what_is_refused_was_read() -> None:
    store = Watched()
    repository = over(store)
    await handle(repository, LAMPS, LAMP, Turn(on=True))
    with pytest.raises(CommandRejected):
        await handle(repository, LAMPS, LAMP, Turn(on=True, strict=True))
    assert (await handle(repository, LAMPS, LAMP, Turn(on=True))).events == ()
    assert store.asked == [0, 1, 1]


async def test_whoever_is_behind_decides_again_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    store = InMemoryEventStore()
    here, there = over(store), over(store)
    await handle(here, JARS, A, PutCoin("x"))
    await handle(there, JARS, A, PutCoin("y"))
    monkeypatch.setattr(handle_module, "FIRST_PAUSE_SECONDS", 3600)
    async with asyncio.timeout(5):
        assert (await handle(here, JARS, A, PutCoin("z"))).state.puts == ("x", "y", "z")


async def test_what_completes_a_command_may_be_wrong_about_a_state_that_is_behind() -> None:
    store = InMemoryEventStore()
    here, there = over(store), over(store)
    await handle(here, LAMPS, LAMP, Turn(on=True))
    await handle(there, LAMPS, LAMP, Turn(on=False))
    seen = []

    async def complete(on: bool) -> Turn:  # noqa: FBT001 - a lamp's state
        seen.append(on)
        if on:
            raise CommandRejected("not while it burns")
        return Turn(on=True)

    assert (await handle(here, LAMPS, LAMP, Turn(on=True), complete=complete)).state is True
    assert seen == [True, False]


async def test_what_has_an_effect_sees_what_is_stored() -> None:
    store = InMemoryEventStore()
    here, there = over(store), over(store)
    await handle(here, LAMPS, LAMP, Turn(on=True))
    await handle(there, LAMPS, LAMP, Turn(on=False))
    effects = []

    async def complete(on: bool) -> Turn:  # noqa: FBT001 - a lamp's state
        effects.append(on)
        return Turn(on=False)

    for _ in range(2):
        assert not (
            await handle(here, LAMPS, LAMP, Turn(on=False), complete=complete, read_first=True)
        ).events
    assert effects == [False, False]


async def test_a_load_that_ends_late_does_not_undo_what_is_remembered() -> None:
    store = Watched()
    repository = over(store)
    await store.append(commit(A, 1))
    await repository.load(JARS, A)
    store.open.clear()
    late = asyncio.create_task(repository.load(JARS, A))
    await asyncio.sleep(0.01)
    await handle(repository, JARS, A, PutCoin("x"))
    store.open.set()
    assert (await late).number == 1
    remembered = repository.remembered(JARS, A)
    assert remembered is not None
    assert remembered.number == 2


async def test_a_batch_that_ends_late_does_not_undo_what_is_remembered() -> None:
    here = over(InMemoryEventStore())
    await handle(here, LAMPS, LAMP, Turn(on=True))
    older = here.remembered(LAMPS, LAMP)
    assert older
    await handle(here, LAMPS, LAMP, Turn(on=False))
    newer = here.remembered(LAMPS, LAMP)
    here.refresh(LAMP, older)
    assert here.remembered(LAMPS, LAMP) is newer


async def test_that_nothing_is_stored_is_not_remembered() -> None:
    repository = over(InMemoryEventStore())
    assert (await repository.load(JARS, A)).number == 0
    assert repository.remembered(JARS, A) is None


@pytest.mark.parametrize("length", [500, 5_000])
async def test_a_cold_stream_is_folded_once_however_many_ask_for_it(length: int) -> None:
    store, folded = Watched(), []

    def evolve(jar: Jar, event: JarEvent) -> Jar:
        folded.append(event)
        return replace(jar, full=True)

    for number in range(1, length + 1):
        await store.append(commit(A, number))
    repository = over(store)
    counting = replace(JARS, evolve=evolve)
    loaded = await asyncio.gather(*(repository.load(counting, A) for _ in range(20)))
    assert {each.number for each in loaded} == {length}
    assert len(folded) == length
    assert len(store.asked) == length // SLICE + 1 + 19  # each of the others looks for newer ones
