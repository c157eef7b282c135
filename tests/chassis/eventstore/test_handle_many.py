"""Commands of many streams at once: each has the effect and the result that it would have alone."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
from prometheus_client import REGISTRY
from pymongo.errors import AutoReconnect, ServerSelectionTimeoutError

from chassis.clock import ManualClock
from chassis.errors import CommandRejected, CommitTooLarge, PermanentWriteError, UnknownStoredEvent
from chassis.eventstore.handle import handle
from chassis.eventstore.handle_many import FEW, MORE, handle_many
from chassis.eventstore.mongo import MongoEventStore
from chassis.eventstore.repository import CommandResult, Repository
from chassis.eventstore.store import Commit, EventStore
from tests.chassis.eventstore.jar import JARS, NOON, CoinPut, Jar, JarEvent, PutCoin, commit

Result = CommandResult[Jar, JarEvent] | BaseException


def over(store: EventStore) -> Repository:
    return Repository(store, ManualClock(NOON))


async def put(repository: Repository, *puts: tuple[str, str]) -> Sequence[Result]:
    return await handle_many(repository, JARS, [(f"jar:{key}", PutCoin(name)) for key, name in puts])


async def puts(store: EventStore, key: str) -> list[str]:
    commits = await store.read(f"jar:{key}", limit=1000)
    return [event["put"] for one in commits for event in one.events if event["type"] == "jar.coin-put"]


def kinds(results: Sequence[Result]) -> list[type]:
    return [type(result) for result in results]


class Watched(MongoEventStore):
    """Counts queries and inserts of many, and lets others come in between."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.queries: list[Mapping[str, int]] = []
        self.inserts: list[list[str]] = []
        self.between: Callable[[], Any] | None = None

    async def read(self, stream: str, after: int = 0, *, limit: int) -> Sequence[Commit]:
        self.queries.append({stream: after})
        return await super().read(stream, after, limit=limit)

    async def read_many(self, after: Mapping[str, int], *, limit: int) -> Mapping[str, Sequence[Commit]]:
        self.queries.append(dict(after))
        found = await super().read_many(after, limit=limit)
        if self.between:
            await self.between()
        return found

    async def append_many(self, commits: Sequence[Commit]) -> Sequence[Exception | None]:
        self.inserts.append([one.stream for one in commits])
        return await super().append_many(commits)


@pytest.fixture
def watched(mongo_store: MongoEventStore) -> Watched:
    return Watched(mongo_store.database)


async def test_each_command_has_its_own_result_in_the_order_asked(store: EventStore) -> None:
    repository = over(store)
    await handle(repository, JARS, "jar:b", PutCoin("first"))
    results = await put(repository, ("c", "x"), ("b", "y"), ("a", "z"))
    states = [result.state.puts for result in results if isinstance(result, CommandResult)]
    assert states == [("x",), ("first", "y"), ("z",)]
    assert [result.position for result in results if isinstance(result, CommandResult)] == [1, 2, 1]
    assert [await puts(store, key) for key in "abc"] == [["z"], ["first", "y"], ["x"]]


async def test_what_was_done_has_nothing_to_do(store: EventStore) -> None:
    first, again = [await put(over(store), ("a", "x"), ("b", "y")) for _ in range(2)]
    assert [len(result.events) for result in [*first, *again] if isinstance(result, CommandResult)] == [
        1,
        1,
        0,
        0,
    ]
    assert [await puts(store, key) for key in "ab"] == [["x"], ["y"]]


async def test_several_commands_of_one_stream_are_all_done_once(store: EventStore) -> None:
    results = await put(over(store), ("a", "x"), ("b", "x"), ("a", "y"), ("a", "z"), ("a", "x"))
    assert kinds(results) == [CommandResult] * 5
    assert sorted(await puts(store, "a")) == ["x", "y", "z"]


async def test_a_refusal_is_its_own_only(store: EventStore) -> None:
    for name in ("1", "2", "3"):
        await store.append(commit("jar:full", int(name), CoinPut(put=name)))
    repository = over(store)
    full = [await handle(repository, JARS, "jar:filled", PutCoin(name)) for name in ("1", "2", "3")][-1]
    assert full.state.full
    assert kinds(await put(repository, ("a", "x"), ("filled", "x"), ("b", "x"))) == [
        CommandResult, CommandRejected, CommandResult,
    ]  # fmt: skip


@pytest.mark.real
async def test_a_thousand_streams_take_one_query_and_no_more(watched: Watched) -> None:
    results = await put(over(watched), *((f"{number}", "x") for number in range(1000)))
    assert kinds(results) == [CommandResult] * 1000
    assert [len(query) for query in watched.queries] == [1000]
    assert [len(insert) for insert in watched.inserts] == [1000]
    assert await watched.commits.count_documents({}) == 1000


@pytest.mark.real
async def test_only_what_is_newer_than_the_remembered_state_is_read(watched: Watched) -> None:
    repository = over(watched)
    for key in "ab":
        await handle(repository, JARS, f"jar:{key}", PutCoin("x"))
    watched.queries.clear()
    await put(repository, ("a", "y"), ("b", "y"))
    await put(repository, ("a", "z"), ("b", "z"))
    assert watched.queries == [{"jar:a": 1, "jar:b": 1}, {"jar:a": 2, "jar:b": 2}]


@pytest.mark.real
async def test_streams_that_nobody_remembers_take_no_room_from_others(watched: Watched) -> None:
    repository = Repository(watched, ManualClock(NOON), cache_size=2)
    for key in "ab":
        await handle(repository, JARS, f"jar:{key}", PutCoin("x"))
    await put(repository, *((f"{number}", "x") for number in range(10)))
    assert [repository.remembered(JARS, f"jar:{key}") is not None for key in "ab0"] == [True, True, False]


@pytest.mark.real
@pytest.mark.parametrize("length", [FEW - 1, FEW, FEW + 1, FEW + MORE, FEW + 2 * MORE + 1])
async def test_a_stream_of_any_length_is_read_to_its_end(watched: Watched, length: int) -> None:
    for number in range(1, length + 1):
        await watched.append(commit("jar:long", number, CoinPut(put=f"{number}")))
    [long, short] = await put(over(watched), ("long", "x"), ("short", "x"))
    assert isinstance(long, CommandResult)
    assert long.state.puts == (*(f"{number}" for number in range(1, length + 1)), "x")
    assert isinstance(short, CommandResult)
    more = 0 if length < FEW else 1 + (length - FEW) // MORE
    assert len(watched.queries) == 1 + more  # and none of a second try


@pytest.mark.real
async def test_whoever_comes_in_between_wins_and_is_seen(watched: Watched) -> None:
    others = over(MongoEventStore(watched.database))

    async def overtake() -> None:
        watched.between = None
        await handle(others, JARS, "jar:a", PutCoin("theirs"))
        await handle(others, JARS, "jar:c", PutCoin("x"))

    watched.between = overtake
    results = await put(over(watched), ("a", "x"), ("b", "x"), ("c", "x"))
    assert [result.state.puts for result in results if isinstance(result, CommandResult)] == [
        ("theirs", "x"), ("x",), ("x",),
    ]  # fmt: skip
    assert [await puts(watched, key) for key in "abc"] == [["theirs", "x"], ["x"], ["x"]]


@pytest.mark.real
async def test_what_can_t_be_read_or_stored_is_its_own_trouble_only(watched: Watched) -> None:
    await watched.append(commit("jar:newer", 1))
    await watched.commits.update_one({"stream": "jar:newer"}, {"$set": {"events.0.type": "new"}})
    rule = {"stream": {"$ne": "jar:refused"}}
    await watched.database.command("collMod", watched.commits.name, validator=rule)
    results = await put(
        over(watched),
        ("a", "x"), ("newer", "x"), ("refused", "x"), ("large", "x" * 1_000_000), ("odd", "\ud800"),
        ("b", "x"),
    )  # fmt: skip
    assert kinds(results)[:4] == [CommandResult, UnknownStoredEvent, PermanentWriteError, CommitTooLarge]
    assert isinstance(results[4], UnicodeEncodeError)
    assert kinds(results)[5:] == [CommandResult]
    assert [await puts(watched, key) for key in ("a", "refused", "large", "odd", "b")] == [
        ["x"],
        [],
        [],
        [],
        ["x"],
    ]


@pytest.mark.real
async def test_a_lost_answer_stores_nothing_twice(watched: Watched) -> None:
    insert, lost = watched.commits.insert_many, list[int]()

    class Losing:
        def __getattr__(self, name: str) -> Any:
            return getattr(MongoEventStore(watched.database).commits, name)

        async def insert_many(self, documents: Sequence[Any], *, ordered: bool) -> None:
            await insert(documents, ordered=ordered)
            if not lost:
                lost.append(len(documents))
                raise AutoReconnect("the line went dead")

    watched.commits = Losing()  # type: ignore[assignment]
    results = await put(over(watched), *((key, "x") for key in "abcde"))
    assert (lost, kinds(results)) == ([5], [CommandResult] * 5)
    assert [await puts(watched, key) for key in "abcde"] == [["x"]] * 5


@pytest.mark.real
async def test_a_database_that_is_away_is_told_to_each(watched: Watched) -> None:
    async def away() -> None:
        raise ServerSelectionTimeoutError("away")

    watched.between = away
    assert (
        kinds(await put(over(watched), ("a", "x"), ("b", "x"), ("a", "y")))
        == [ServerSelectionTimeoutError] * 3
    )


@pytest.mark.real
async def test_each_command_is_measured_once(watched: Watched) -> None:
    def done() -> float:
        labels = {"service": "unknown", "command": "PutCoin", "outcome": "done"}
        return REGISTRY.get_sample_value("candor_command_seconds_count", labels) or 0

    before = done()
    await put(over(watched), ("a", "x"), ("b", "x"), ("a", "y"))
    assert done() - before == 3


@pytest.mark.real
async def test_a_gap_that_a_query_may_see_is_not_read_over(watched: Watched) -> None:
    """What was stored while the query went on: the third, but not the second."""
    for number in (1, 3):
        await watched.append(commit("jar:a", number, CoinPut(put=f"{number}")))
    found = await watched.read_many({"jar:a": 0, "jar:b": 0}, limit=FEW)
    assert {stream: [one.number for one in commits] for stream, commits in found.items()} == {"jar:a": [1]}
