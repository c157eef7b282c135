"""Commands come in any order, any number of times, from all sides: each has one effect."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from prometheus_client import REGISTRY

from chassis.clock import ManualClock
from chassis.errors import (
    CommandRejected,
    RetriesExhausted,
    UnknownStoredEvent,
    VersionConflict,
    WriteOutcomeUnknown,
)
from chassis.eventstore import handle as handle_module
from chassis.eventstore.handle import handle
from chassis.eventstore.memory import InMemoryEventStore
from chassis.eventstore.repository import SLICE, CommandResult, Repository
from chassis.eventstore.store import Commit, EventStore
from tests.chassis.eventstore.jar import JARS, NOON, CoinPut, Jar, JarEvent, JarFilled, PutCoin, commit

A = JARS.stream("a")


def over(store: EventStore, **settings: object) -> Repository:
    return Repository(store, ManualClock(NOON), **settings)  # type: ignore[arg-type]


async def put(repository: Repository, name: str) -> CommandResult[Jar, JarEvent]:
    return await handle(repository, JARS, A, PutCoin(name))


async def stored(store: EventStore) -> list[str]:
    return [
        event["put"]
        for one in await store.read(A, limit=1000)
        for event in one.events
        if event["type"] == "jar.coin-put"
    ]


class Unsure:
    """A store that appends a commit and then can't tell, as often as `faults` says."""

    def __init__(self, store: EventStore, faults: Sequence[Callable[[], Exception] | None]) -> None:
        self._store = store
        self._faults = list(faults)
        self.appends = 0

    async def read(self, stream: str, after: int = 0, *, limit: int) -> Sequence[Commit]:
        return await self._store.read(stream, after, limit=limit)

    async def append(self, commit: Commit) -> None:
        self.appends += 1
        fault = self._faults.pop(0) if self._faults else None
        if fault is None or fault is stored_but_unknown:
            await self._store.append(commit)
        if fault is not None:
            raise fault()


def stored_but_unknown() -> Exception:
    return WriteOutcomeUnknown("stored")


def not_stored_and_unknown() -> Exception:
    return WriteOutcomeUnknown("not stored")


def conflict() -> Exception:
    return VersionConflict("somebody else")


async def test_stores_what_is_decided(store: EventStore) -> None:
    outcome = await put(over(store), "x")
    assert outcome == CommandResult(Jar(puts=("x",)), 1, (CoinPut(put="x"),))
    assert await store.read(A, limit=1000) == [replace(commit(A, 1, CoinPut(put="x")), at=NOON)]


async def test_refuses_what_the_rules_refuse(store: EventStore) -> None:
    repository = over(store)
    for name in "xyz":
        await put(repository, name)
    with pytest.raises(CommandRejected, match="The jar is full"):
        await put(repository, "late")
    assert await stored(store) == ["x", "y", "z"]


async def test_has_nothing_to_do_when_it_was_done(store: EventStore) -> None:
    repository = over(store)
    await put(repository, "x")
    assert await put(repository, "x") == CommandResult(Jar(puts=("x",)), 1, ())
    assert await stored(store) == ["x"]


async def test_positions_count_events_and_numbers_count_commits(store: EventStore) -> None:
    repository = over(store)
    await store.append(commit(A, 1, CoinPut(put="x"), CoinPut(put="y")))
    assert (await put(repository, "z")).position == 4
    loaded = await repository.load(JARS, A)
    assert [(one.number, one.first, one.last) for one in await store.read(A, limit=1000)] == [
        (1, 1, 2),
        (2, 3, 4),
    ]
    assert (loaded.number, loaded.position, loaded.state.full) == (2, 4, True)


async def test_many_at_once_are_all_done_once(store: EventStore) -> None:
    repository = [over(store), over(store)]  # two replicas, each with a cache of its own
    names = ["x", "y", "z"] * 10
    outcomes = await asyncio.gather(*(put(repository[n % 2], name) for n, name in enumerate(names)))
    assert sorted(await stored(store)) == ["x", "y", "z"]
    assert sum(len(outcome.events) for outcome in outcomes) == 4
    assert all(name in outcome.state.puts for name, outcome in zip(names, outcomes, strict=True))


@pytest.mark.parametrize("fault", [stored_but_unknown, not_stored_and_unknown, conflict])
async def test_decides_again_and_stores_once(store: EventStore, fault: Callable[[], Exception]) -> None:
    outcome = await put(over(Unsure(store, [fault, fault])), "x")
    assert outcome.state.puts == ("x",)
    assert await stored(store) == ["x"]


async def test_after_a_lost_race_decides_on_what_the_winner_left() -> None:
    store = InMemoryEventStore()
    slow, fast = over(store), over(store)
    await put(slow, "x")
    await put(fast, "y")
    await put(fast, "z")
    with pytest.raises(CommandRejected):  # though it remembers a jar with room in it
        await put(slow, "late")


async def test_gives_up_when_it_may_be_busy_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handle_module, "GIVE_UP_SECONDS", 0.05)
    with pytest.raises(RetriesExhausted, match=A):
        await put(over(Unsure(InMemoryEventStore(), [conflict] * 1_000)), "x")


async def test_an_unknown_stored_event_stops_its_stream_only() -> None:
    store = InMemoryEventStore()
    await store.append(Commit(A, 1, 1, ({"type": "jar.smashed"},), NOON))
    before = alarms()
    with pytest.raises(UnknownStoredEvent):
        await put(over(store, service="toy"), "x")
    assert len(await store.read(A, limit=1000)) == 1
    assert alarms() == before + 1
    await handle(over(store), JARS, JARS.stream("b"), PutCoin("x"))


def alarms() -> float:
    return (
        REGISTRY.get_sample_value("candor_alarms_total", {"service": "toy", "kind": "unknown_stored_event"})
        or 0
    )


async def test_reads_only_what_is_newer_but_always_reads() -> None:
    asked: list[int] = []

    class Watched(InMemoryEventStore):
        async def read(self, stream: str, after: int = 0, *, limit: int) -> Sequence[Commit]:
            asked.append(after)
            return await super().read(stream, after, limit=limit)

    store = Watched()
    repository = over(store)
    await put(repository, "x")
    await put(over(store), "y")
    await put(repository, "y")
    assert asked == [0, 0, 1]
    assert (await repository.load(JARS, A)).state.puts == ("x", "y")


@pytest.mark.parametrize("length", [SLICE - 1, SLICE, 3 * SLICE, 3 * SLICE + 7])
async def test_a_long_stream_is_folded_in_slices_and_others_get_their_turn(length: int) -> None:
    store, slices, turns = InMemoryEventStore(), list[int](), count()

    class Watched(InMemoryEventStore):
        async def read(self, stream: str, after: int = 0, *, limit: int) -> Sequence[Commit]:
            found = await store.read(stream, after, limit=limit)
            slices.append(len(found))
            return found

    async def others() -> None:
        for _ in turns:
            await asyncio.sleep(0)

    for number in range(1, length + 1):
        await store.append(commit(A, number))
    waiting = asyncio.create_task(others())
    loaded = await over(Watched()).load(JARS, A)
    waiting.cancel()
    assert (loaded.number, loaded.position, len(loaded.state.puts)) == (length, length, length)
    assert (sum(slices), max(slices)) == (length, min(length, SLICE))
    assert next(turns) >= len(slices)


async def test_forgets_the_least_used_state_and_reads_it_again() -> None:
    store = InMemoryEventStore()
    repository = over(store, cache_size=1)
    for key in ("a", "b", "a"):
        await handle(repository, JARS, JARS.stream(key), PutCoin(key))
    assert (await repository.load(JARS, A)).state.puts == ("a",)


async def test_wakes_the_relay_after_a_commit_and_only_then() -> None:
    woken: list[int] = []
    store = InMemoryEventStore()
    repository = over(store, wake=lambda: woken.append(len(store._streams[A])))
    await put(repository, "x")
    await put(repository, "x")
    assert woken == [1]


async def test_a_commit_carries_the_time_and_the_trace() -> None:
    store, clock = InMemoryEventStore(), ManualClock(NOON)
    clock.advance(timedelta(seconds=5))
    tracer = TracerProvider().get_tracer("test")
    with tracer.start_as_current_span("click") as span:
        await handle(Repository(store, clock), JARS, A, PutCoin("x"))
    (found,) = await store.read(A, limit=1000)
    assert found.at == NOON + timedelta(seconds=5)
    assert found.traceparent is not None
    assert trace.format_trace_id(span.get_span_context().trace_id) in found.traceparent


async def test_commands_of_one_process_never_conflict_with_each_other() -> None:
    store = Unsure(InMemoryEventStore(), [])
    repository = over(store)
    await asyncio.gather(*(put(repository, name) for name in ["x", "y", "z"] * 10))
    assert store.appends == 3


async def test_whoever_waits_too_long_for_a_turn_is_told_to_come_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(handle_module, "GIVE_UP_SECONDS", 0.05)
    repository = over(InMemoryEventStore())
    async with repository.locks.acquire(A, 1):
        with pytest.raises(RetriesExhausted, match=A):
            await put(repository, "x")
        await handle(repository, JARS, JARS.stream("b"), PutCoin("x"))
    await put(repository, "x")


names = st.sampled_from(["u", "v", "w", "x", "y"])
faults = st.sampled_from([None, None, stored_but_unknown, not_stored_and_unknown, conflict])


@settings(deadline=None, max_examples=60)
@given(st.lists(st.lists(names, max_size=4), min_size=1, max_size=4), st.lists(faults, max_size=8))
def test_over_any_history_each_command_has_one_effect(
    callers: list[list[str]], unsure: list[Callable[[], Exception] | None]
) -> None:
    asyncio.run(replay(callers, unsure))


async def replay(callers: list[list[str]], unsure: list[Callable[[], Exception] | None]) -> None:
    store = InMemoryEventStore()
    faulty = Unsure(store, unsure)
    accepted: set[str] = set()
    refused: set[str] = set()

    async def call(wanted: list[str]) -> None:
        repository = over(faulty)
        for name in wanted:
            try:
                outcome = await put(repository, name)
            except CommandRejected:
                refused.add(name)
            else:
                assert name in outcome.state.puts
                accepted.add(name)

    await asyncio.gather(*map(call, callers))
    found = await store.read(A, limit=1000)
    assert sorted(await stored(store)) == sorted(accepted)
    assert not accepted & refused
    assert [one.number for one in found] == list(range(1, len(found) + 1))
    assert [one.first for one in found] == [1, 2, 3][: len(found)]
    assert (found[-1].events[-1]["type"] == JarFilled().type if found else True) == (len(accepted) in {0, 3})


async def test_a_command_is_completed_from_the_state_that_it_is_decided_on() -> None:
    store, seen = Unsure(InMemoryEventStore(), [stored_but_unknown]), []

    async def complete(state: Jar) -> PutCoin:
        seen.append(state)
        return PutCoin("complete")

    result = await handle(over(store), JARS, A, PutCoin("not complete"), complete=complete)
    assert (result.events, await stored(store)) == ((), ["complete"])
    assert len(seen) == 2
    assert seen[0] != seen[1]  # the second time it sees what was stored although nobody was told


async def test_what_cannot_be_completed_is_rejected_and_stores_nothing() -> None:
    store = InMemoryEventStore()

    async def complete(_: Jar) -> PutCoin:
        raise CommandRejected("erased")

    with pytest.raises(CommandRejected):
        await handle(over(store), JARS, A, PutCoin("never"), complete=complete)
    assert await stored(store) == []
