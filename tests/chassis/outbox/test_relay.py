"""Every commit is relayed in order, whatever breaks; what was published twice has the same id."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from itertools import count
from typing import Any

import pytest
from prometheus_client import REGISTRY
from pymongo.errors import WriteError

from chassis.clock import ManualClock
from chassis.errors import PublishFailed
from chassis.eventstore.handle import handle
from chassis.eventstore.mongo import MongoEventStore
from chassis.eventstore.repository import Repository
from chassis.eventstore.serialization import commit_id, shard_of
from chassis.eventstore.store import Commit
from chassis.kafka.publisher import ProducerRecord
from chassis.outbox.commit_handler import RecordedEvent
from chassis.outbox.pending import PendingCommits
from chassis.outbox.relay import OutboxRelay
from tests.chassis.eventstore.jar import JARS, NOON, CoinPut, Jar, JarEvent, JarFilled, PutCoin, commit
from tests.chassis.outbox.recorder import Crash, Recorder, all_relayed, relay_all, running
from tests.waiting import until

pytestmark = pytest.mark.real


def opened(stream: str) -> Commit:
    """The first commit of a stream, which names the subject that its jar is published under."""
    return commit(stream, 1, CoinPut(put=stream.replace(":", "-")))


async def fill(store: MongoEventStore, *streams: str) -> None:
    """Three commits each, of 1, 2 and 1 events; three of the four events are public."""
    for stream in streams:
        await store.append(opened(stream))
        await store.append(commit(stream, 2, CoinPut(put="b"), JarFilled(), first=2))
        await store.append(commit(stream, 3, CoinPut(put="c"), first=4))


def ids(stream: str) -> list[str]:
    return [f"{stream}:1", f"{stream}:2", f"{stream}:4"]


async def test_publishes_what_is_public_in_order_with_gapless_sequences(mongo_store: MongoEventStore) -> None:
    await fill(mongo_store, "jar:a")
    recorder = Recorder()
    await relay_all(mongo_store, recorder.relay(mongo_store))
    envelopes = recorder.envelopes()["jar-a"]
    assert [(one.id, one.sequence) for one in envelopes] == list(zip(ids("jar:a"), [1, 2, 3], strict=True))
    assert {(one.type, one.source, one.time) for one in envelopes} == {
        ("example.coin-put.v1", "/candor/toy", NOON)
    }
    assert recorder.records[1].value == b'{"type":"example.coin-put.v1","jar_holds":2,"put":"b"}'
    assert recorder.records[1].topic == "toy.jars"


async def test_does_first_things_first(mongo_store: MongoEventStore) -> None:
    await fill(mongo_store, "jar:a")
    recorder = Recorder()
    await relay_all(mongo_store, recorder.relay(mongo_store))
    assert recorder.steps == [
        "project", "projected", "keys", "keyed", "publish", "half published", "published", "mark", "marked",
    ]  # fmt: skip


async def test_counts_on_from_what_was_published_before(mongo_store: MongoEventStore) -> None:
    await fill(mongo_store, "jar:a")
    await relay_all(mongo_store, Recorder().relay(mongo_store))
    await mongo_store.append(commit("jar:a", 4, JarFilled(), first=5))
    await mongo_store.append(commit("jar:a", 5, CoinPut(put="e"), first=6))
    later = Recorder()
    await relay_all(mongo_store, later.relay(mongo_store))
    assert [(one.id, one.sequence) for one in later.envelopes()["jar-a"]] == [("jar:a:6", 4)]


async def test_carries_the_trace_of_the_commit(mongo_store: MongoEventStore) -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    await mongo_store.append(replace(opened("jar:a"), traceparent=trace))
    recorder = Recorder()
    await relay_all(mongo_store, recorder.relay(mongo_store))
    assert recorder.envelopes()["jar-a"][0].traceparent == trace


async def test_a_wake_makes_it_fast(mongo_store: MongoEventStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chassis.outbox.relay.POLL_SECONDS", 3600)
    recorder = Recorder()
    relay = recorder.relay(mongo_store)
    repository = Repository(mongo_store, ManualClock(NOON), wake=relay.wake)
    async with running(relay):
        await until(lambda: has_shards(relay, 16))
        for key in "ab":
            await handle(repository, JARS, f"jar:{key}", PutCoin(f"jar-{key}"))
            await until(lambda: all_relayed(mongo_store))
    assert recorder.sequences("jar-b") == [1]


async def test_what_waits_is_relayed_as_soon_as_its_shards_are_taken(
    mongo_store: MongoEventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chassis.outbox.relay.POLL_SECONDS", 3600)
    await fill(mongo_store, "jar:a")
    async with running(Recorder().relay(mongo_store)):
        await until(lambda: all_relayed(mongo_store), within=10)


async def has_shards(relay: OutboxRelay, how_many: int) -> bool:
    return len(relay._leases.shards) == how_many


async def test_a_crash_at_any_point_loses_nothing_and_leaves_no_gap(mongo_store: MongoEventStore) -> None:
    for crash_at in count(1):
        streams = [f"jar:{crash_at}-{key}" for key in range(3)]
        await fill(mongo_store, *streams)
        recorder, reached = Recorder(), count(1)

        def crash(_: str, at: int = crash_at, reached: "count[int]" = reached) -> None:
            if next(reached) == at:
                raise Crash

        recorder.reach = crash
        async with running(recorder.relay(mongo_store)) as (task,):
            await until(partial(died_or_done, task, recorder))
        crashed = len(recorder.steps) >= crash_at
        recorder.reach = lambda _: None
        await relay_all(mongo_store, recorder.relay(mongo_store))
        for stream in streams:
            subject = stream.replace(":", "-")
            assert recorder.sequences(subject) == [1, 2, 3]
            assert {one.id: one.sequence for one in recorder.envelopes()[subject]} == dict(
                zip(ids(stream), [1, 2, 3], strict=True)
            )
            assert recorder.projected[stream] == 3
        if not crashed:
            assert crash_at > 9  # every step was crashed at
            return


async def died_or_done(task: "asyncio.Task[None]", recorder: Recorder) -> bool:
    return task.done() or recorder.steps[-1:] == ["marked"]


async def test_an_outage_of_the_broker_is_waited_out_by_all(
    mongo_store: MongoEventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "chassis.outbox.quarantine.FIRST_WAIT_SECONDS", 3600
    )  # nobody waits that long after it
    await fill(mongo_store, *(f"jar:{key}" for key in range(20)))
    recorder = Recorder()
    tries = count(1)

    def away(step: str) -> None:
        if step == "publish" and next(tries) <= 7:
            raise PublishFailed("no broker answers")

    recorder.reach = away
    await relay_all(mongo_store, recorder.relay(mongo_store))
    assert next(tries) > 7
    assert all(recorder.sequences(f"jar-{key}") == [1, 2, 3] for key in range(20))


async def test_nothing_is_marked_while_the_broker_is_away(mongo_store: MongoEventStore) -> None:
    await fill(mongo_store, "jar:a", "jar:b")
    recorder = Recorder()

    def away(step: str) -> None:
        if step == "publish":
            raise PublishFailed("no broker answers")

    recorder.reach = away
    async with running(recorder.relay(mongo_store)):
        await until(lambda: tried(recorder, 4))
    assert await mongo_store.commits.count_documents({"relayed": True}) == 0


async def tried(recorder: Recorder, times: int) -> bool:
    return recorder.steps.count("publish") >= times


async def test_a_stream_that_can_t_be_read_stops_no_other(mongo_store: MongoEventStore) -> None:
    await mongo_store.append(opened("jar:bad"))
    await mongo_store.append(replace(commit("jar:bad", 2), events=({"type": "jar.smashed"},)))
    await fill(mongo_store, *(f"jar:{key}" for key in range(5)))
    recorder = Recorder()
    relay = recorder.relay(mongo_store)
    apart: list[frozenset[str]] = []
    recorder.reach = lambda _: apart.append(relay._quarantine.streams)
    async with running(relay):
        await until(lambda: pending_is(mongo_store, ["jar:bad:0000000002"]))
        await fill(mongo_store, "jar:later")
        await until(lambda: pending_is(mongo_store, ["jar:bad:0000000002"]))
    assert apart[0] == {"jar:bad"}  # before anything is made of the others
    assert recorder.sequences("jar-bad") == [1]  # what came before is published
    assert recorder.sequences("jar-later") == [1, 2, 3]


async def test_a_record_that_is_never_taken_stops_no_other(mongo_store: MongoEventStore) -> None:
    recorder = Recorder()
    publish = recorder.publish

    async def refuse(records: Sequence[ProducerRecord]) -> None:
        if any(b'"fat"' in (record.value or b"") for record in records):
            raise PublishFailed("too large")
        await publish(records)

    recorder.publish = refuse  # type: ignore[method-assign]
    others = [f"{place}{key}" for place in ("a-before", "z-after") for key in range(10)]
    await fill(mongo_store, *(f"jar:{key}" for key in others))
    await mongo_store.append(opened("jar:bad"))
    await mongo_store.append(commit("jar:bad", 2, CoinPut(put="fat")))
    async with running(recorder.relay(mongo_store)):
        await until(lambda: pending_is(mongo_store, ["jar:bad:0000000002"]))
    assert all(recorder.sequences(f"jar-{key}") == [1, 2, 3] for key in others)


async def pending_is(store: MongoEventStore, expected: list[str]) -> bool:
    found = await store.commits.find({"relayed": False}).sort("_id", 1).to_list(None)
    return [document["_id"] for document in found] == expected


async def test_what_failed_is_relayed_once_it_can_be(mongo_store: MongoEventStore) -> None:
    await fill(mongo_store, "jar:a", "jar:b")
    recorder = Recorder()
    failures = count(1)

    def fail(step: str) -> None:
        if step == "project" and next(failures) <= 5:
            raise RuntimeError("a bug that a release repairs")

    recorder.reach = fail
    await relay_all(mongo_store, recorder.relay(mongo_store))
    assert recorder.sequences("jar-a") == recorder.sequences("jar-b") == [1, 2, 3]


async def test_two_relays_of_the_same_streams_do_no_harm(
    mongo_store: MongoEventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    streams = [f"jar:{key}" for key in range(30)]
    recorder = Recorder()
    relays = [recorder.relay(mongo_store) for _ in range(2)]
    for relay in relays:
        monkeypatch.setattr(relay._leases, "renew", take_all(relay))
    async with running(*relays):
        await fill(mongo_store, *streams)
        await until(lambda: all_relayed(mongo_store))
    for stream in streams:
        found = recorder.envelopes()[stream.replace(":", "-")]
        assert {one.id: one.sequence for one in found} == dict(zip(ids(stream), [1, 2, 3], strict=True))
        assert recorder.sequences(stream.replace(":", "-")) == [1, 2, 3]


def take_all(relay: OutboxRelay) -> Callable[[], Awaitable[None]]:
    async def renew() -> None:
        relay._leases.shards = frozenset(range(16))

    return renew


async def test_two_replicas_share_and_the_survivor_takes_over(mongo_store: MongoEventStore) -> None:
    streams = [f"jar:{key}" for key in range(30)]
    dying, living = Recorder(), Recorder()
    first = dying.relay(mongo_store, lease_seconds=0.6)
    second = living.relay(mongo_store, lease_seconds=0.6)
    first._leases._release = died  # type: ignore[method-assign]
    async with running(second):
        async with running(first):
            await until(lambda: has_shards(first, 8))
            await until(lambda: has_shards(second, 8))
            await fill(mongo_store, *streams)
            await until(lambda: all_relayed(mongo_store))
            assert dying.records
            assert living.records
        for stream in streams:
            await mongo_store.append(commit(stream, 4, CoinPut(put="d"), first=5))
        await until(lambda: all_relayed(mongo_store))
    for stream in streams:
        subject = stream.replace(":", "-")
        assert {*dying.sequences(subject), *living.sequences(subject)} == {1, 2, 3, 4}
        assert 4 in living.sequences(subject)


async def died() -> None:
    """Gives nothing back."""


async def test_a_replica_looks_for_nothing_but_its_own_shards(mongo_store: MongoEventStore) -> None:
    streams = {shard_of(stream): stream for stream in (f"jar:{number}" for number in range(100))}
    await fill(mongo_store, *streams.values())
    own, outbox = (3, 7), PendingCommits(mongo_store)
    found = await outbox.oldest(own, without=(), limit=500)
    assert set(found) == {streams[shard] for shard in own}
    assert await outbox.oldest((), without=(), limit=500) == {}
    backlog, _ = await outbox.backlog(own)
    assert backlog == 6


async def test_takes_over_a_stream_in_the_middle(mongo_store: MongoEventStore) -> None:
    """A replica that relayed commit 1 finds 2 done by another, and does 3."""
    first, second = Recorder(), Recorder()
    mine, theirs = first.relay(mongo_store), second.relay(mongo_store)
    await mongo_store.append(opened("jar:a"))
    await relay_all(mongo_store, mine)
    await mongo_store.append(commit("jar:a", 2, CoinPut(put="b"), CoinPut(put="c")))
    await relay_all(mongo_store, theirs)
    await mongo_store.append(commit("jar:a", 3, CoinPut(put="d"), first=4))
    await relay_all(mongo_store, mine)
    assert [(one.id, one.sequence) for one in first.envelopes()["jar-a"]] == [("jar:a:1", 1), ("jar:a:4", 4)]


async def test_takes_over_many_streams_in_the_middle_by_one_query(
    mongo_store: MongoEventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    streams = [f"jar:{number}" for number in range(20)]
    await fill(mongo_store, *streams)
    await relay_all(mongo_store, Recorder().relay(mongo_store))
    for stream in streams:
        await mongo_store.append(commit(stream, 4, CoinPut(put="d"), first=5))
    queries: list[str] = []
    for name in ("page", "numbered"):
        query = getattr(PendingCommits, name)

        async def counted(*asked: object, query: Any = query, name: str = name) -> Any:
            queries.append(name)
            return await query(*asked)

        monkeypatch.setattr(PendingCommits, name, counted)
    recorder = Recorder()
    await relay_all(mongo_store, recorder.relay(mongo_store))
    assert queries == ["numbered"]
    for stream in streams:
        [envelope] = recorder.envelopes()[stream.replace(":", "-")]
        assert (envelope.id, envelope.sequence) == (f"{stream}:5", 4)


async def test_what_is_read_together_and_not_relayed_yet_is_relayed_first(
    mongo_store: MongoEventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second commit of each stream was made by a replica whose clock is ahead: it is found later."""
    monkeypatch.setattr("chassis.outbox.relay.BATCH", 2)
    for number, second in ((1, 0), (2, 2), (3, 1)):
        for stream in ("jar:a", "jar:b"):
            put = CoinPut(put=stream.replace(":", "-") if number == 1 else str(number))
            await mongo_store.append(
                replace(commit(stream, number, put), at=NOON + timedelta(seconds=second))
            )
    recorder = Recorder()
    await relay_all(mongo_store, recorder.relay(mongo_store))
    for key in "ab":
        published = [(one.id, one.sequence) for one in recorder.envelopes()[f"jar-{key}"]]
        assert published == [(f"jar:{key}:{number}", number) for number in (1, 2, 3)]


async def test_a_late_committer_is_not_lost(mongo_store: MongoEventStore) -> None:
    await fill(mongo_store, "jar:new")
    recorder = Recorder()
    async with running(recorder.relay(mongo_store)):
        await until(lambda: all_relayed(mongo_store))
        late = replace(opened("jar:late"), at=NOON - timedelta(hours=1))
        await mongo_store.append(late)
        await until(lambda: all_relayed(mongo_store))
    assert recorder.sequences("jar-late") == [1]


async def test_the_order_of_a_stream_is_that_of_its_numbers_not_of_its_times(
    mongo_store: MongoEventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chassis.outbox.relay.BATCH", 1)
    for number in range(1, 6):
        put = CoinPut(put="jar-a" if number == 1 else str(number))
        await mongo_store.append(replace(commit("jar:a", number, put), at=NOON - timedelta(seconds=number)))
    recorder = Recorder()
    await relay_all(mongo_store, recorder.relay(mongo_store))
    assert recorder.sequences("jar-a") == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("batch", [500, 2], ids=["found as 1, 3, 2", "found as 1, 3"])
async def test_what_is_found_out_of_order_is_published_in_order(
    mongo_store: MongoEventStore, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    """The third commit was made by another replica, whose clock is behind."""
    monkeypatch.setattr("chassis.outbox.relay.BATCH", batch)
    for number, second in ((1, 0), (3, 1), (2, 2)):
        put = CoinPut(put="jar-a" if number == 1 else str(number))
        await mongo_store.append(replace(commit("jar:a", number, put), at=NOON + timedelta(seconds=second)))
    found = await PendingCommits(mongo_store).oldest(range(16), without=(), limit=batch)
    assert [entry.commit.number for entry in found["jar:a"]] == [1, 3, 2][:batch]
    recorder = Recorder()
    await relay_all(mongo_store, recorder.relay(mongo_store))
    assert [(one.id, one.sequence) for one in recorder.envelopes()["jar-a"]] == [
        ("jar:a:1", 1), ("jar:a:2", 2), ("jar:a:3", 3),
    ]  # fmt: skip
    holds = [json.loads(record.value or b"")["jar_holds"] for record in recorder.records]
    assert holds == [1, 2, 3]


async def test_a_read_model_that_refuses_a_stream_stops_no_other(
    mongo_store: MongoEventStore,
) -> None:
    recorder = Recorder()
    project = recorder.project

    async def refuse(recorded: Sequence[RecordedEvent[Jar, JarEvent]]) -> None:
        if any(one.stream == "jar:bad" for one in recorded):
            raise WriteError("Document failed validation", 121)
        await project(recorded)

    recorder.project = refuse  # type: ignore[method-assign]
    await fill(mongo_store, "jar:bad", *(f"jar:{key}" for key in range(10)))
    before = alarms()
    async with running(recorder.relay(mongo_store)):
        await until(lambda: pending_is(mongo_store, ids_of_commits("jar:bad")))
        await until(lambda: alarms() > before)
    assert all(recorder.sequences(f"jar-{key}") == [1, 2, 3] for key in range(10))
    assert recorder.sequences("jar-bad") == []


def ids_of_commits(stream: str) -> list[str]:
    return [commit_id(stream, number) for number in (1, 2, 3)]


def alarms() -> float:
    labels = {"service": "toy", "kind": "stream_not_relayed"}
    return REGISTRY.get_sample_value("candor_alarms_total", labels) or 0


async def test_a_restored_database_is_relayed_again(mongo_store: MongoEventStore) -> None:
    recorder = Recorder()
    relay = recorder.relay(mongo_store)
    await fill(mongo_store, "jar:a")
    await relay_all(mongo_store, relay)
    await mongo_store.commits.delete_many({})
    await mongo_store.append(opened("jar:a"))
    await relay_all(mongo_store, relay)
    assert [one.id for one in recorder.envelopes()["jar-a"]] == [*ids("jar:a"), "jar:a:1"]


async def test_has_trouble_when_commits_wait_for_long(
    mongo_store: MongoEventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chassis.outbox.relay.STUCK_SECONDS", 0.0)
    await fill(mongo_store, "jar:a", "jar:b")
    recorder, away = Recorder(), asyncio.Event()

    def broker(step: str) -> None:
        if step == "publish" and not away.is_set():
            raise PublishFailed("no broker answers")

    recorder.reach = broker
    relay = recorder.relay(mongo_store)
    async with running(relay):
        await until(lambda: in_trouble(relay))
        away.set()
        await until(lambda: all_relayed(mongo_store))
        await until(lambda: well(relay))


async def in_trouble(relay: OutboxRelay) -> bool:
    return relay.unhealthy_reason() is not None


async def well(relay: OutboxRelay) -> bool:
    return not await in_trouble(relay)
