"""Every commit is followed in order, whatever breaks; what was said twice can be told by its id."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from itertools import count

import pytest

from chassis.clock import ManualClock
from chassis.errors import PublishFailed
from chassis.eventstore.handle import Repository, handle
from chassis.eventstore.mongo import MongoEventStore
from chassis.eventstore.serialization import shard_of
from chassis.eventstore.store import Commit
from chassis.kafka.publisher import ProducerRecord
from chassis.outbox.pending import PendingCommits
from chassis.outbox.relay import OutboxRelay
from tests.chassis.eventstore.jar import JARS, NOON, Filled, Put, PutCoin, commit
from tests.chassis.outbox.listener import Crash, Listener, all_followed, follow_all, running, until

pytestmark = pytest.mark.real


def opened(stream: str) -> Commit:
    """The first commit of a stream, which names the subject that its jar is heard under."""
    return commit(stream, 1, Put(put=stream.replace(":", "-")))


async def fill(log: MongoEventStore, *streams: str) -> None:
    """Three commits each, of 1, 2 and 1 events; three of the four events are public."""
    for stream in streams:
        await log.append(opened(stream))
        await log.append(commit(stream, 2, Put(put="b"), Filled(), first=2))
        await log.append(commit(stream, 3, Put(put="c"), first=4))


def ids(stream: str) -> list[str]:
    return [f"{stream}:1", f"{stream}:2", f"{stream}:4"]


async def test_says_what_is_public_in_order_with_gapless_sequences(mongo_log: MongoEventStore) -> None:
    await fill(mongo_log, "jar:a")
    listener = Listener()
    await follow_all(mongo_log, listener.follower(mongo_log))
    envelopes = listener.heard()["jar-a"]
    assert [(one.id, one.sequence) for one in envelopes] == list(zip(ids("jar:a"), [1, 2, 3], strict=True))
    assert {(one.type, one.source, one.time) for one in envelopes} == {
        ("toy.clinked.v1", "/candor/toy", NOON)
    }
    assert listener.records[1].value == b'{"type":"toy.clinked.v1","jar_holds":2,"put":"b"}'
    assert listener.records[1].topic == "toy.jars"


async def test_does_first_things_first(mongo_log: MongoEventStore) -> None:
    await fill(mongo_log, "jar:a")
    listener = Listener()
    await follow_all(mongo_log, listener.follower(mongo_log))
    assert listener.steps == [
        "project", "projected", "keys", "keyed", "publish", "half published", "published", "mark", "marked",
    ]  # fmt: skip


async def test_counts_on_from_what_was_said_before(mongo_log: MongoEventStore) -> None:
    await fill(mongo_log, "jar:a")
    await follow_all(mongo_log, Listener().follower(mongo_log))
    await mongo_log.append(commit("jar:a", 4, Filled(), first=5))
    await mongo_log.append(commit("jar:a", 5, Put(put="e"), first=6))
    later = Listener()
    await follow_all(mongo_log, later.follower(mongo_log))
    assert [(one.id, one.sequence) for one in later.heard()["jar-a"]] == [("jar:a:6", 4)]


async def test_carries_the_trace_of_the_commit(mongo_log: MongoEventStore) -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    await mongo_log.append(replace(opened("jar:a"), traceparent=trace))
    listener = Listener()
    await follow_all(mongo_log, listener.follower(mongo_log))
    assert listener.heard()["jar-a"][0].traceparent == trace


async def test_a_wake_makes_it_fast(mongo_log: MongoEventStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chassis.outbox.relay.POLL_SECONDS", 3600)
    listener = Listener()
    follower = listener.follower(mongo_log)
    streams = Repository(mongo_log, ManualClock(NOON), wake=follower.wake)
    async with running(follower):
        await until(lambda: has_shards(follower, 16))
        for key in "ab":
            await handle(streams, JARS, f"jar:{key}", PutCoin(f"jar-{key}"))
            await until(lambda: all_followed(mongo_log))
    assert listener.sequences("jar-b") == [1]


async def has_shards(follower: OutboxRelay, how_many: int) -> bool:
    return len(follower._leases.shards) == how_many


async def test_a_crash_at_any_point_loses_nothing_and_leaves_no_gap(mongo_log: MongoEventStore) -> None:
    for crash_at in count(1):
        streams = [f"jar:{crash_at}-{key}" for key in range(3)]
        await fill(mongo_log, *streams)
        listener, reached = Listener(), count(1)

        def crash(_: str, at: int = crash_at, reached: "count[int]" = reached) -> None:
            if next(reached) == at:
                raise Crash

        listener.reach = crash
        async with running(listener.follower(mongo_log)) as (task,):
            await until(partial(died_or_done, task, listener))
        crashed = len(listener.steps) >= crash_at
        listener.reach = lambda _: None
        await follow_all(mongo_log, listener.follower(mongo_log))
        for stream in streams:
            subject = stream.replace(":", "-")
            assert listener.sequences(subject) == [1, 2, 3]
            assert {one.id: one.sequence for one in listener.heard()[subject]} == dict(
                zip(ids(stream), [1, 2, 3], strict=True)
            )
            assert listener.projected[stream] == 3
        if not crashed:
            assert crash_at > 9  # every step was crashed at
            return


async def died_or_done(task: "asyncio.Task[None]", listener: Listener) -> bool:
    return task.done() or listener.steps[-1:] == ["marked"]


async def test_an_outage_of_the_broker_is_waited_out_by_all(
    mongo_log: MongoEventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "chassis.outbox.quarantine.FIRST_WAIT_SECONDS", 3600
    )  # nobody waits that long after it
    await fill(mongo_log, *(f"jar:{key}" for key in range(20)))
    listener = Listener()
    tries = count(1)

    def away(step: str) -> None:
        if step == "publish" and next(tries) <= 7:
            raise PublishFailed("no broker answers")

    listener.reach = away
    await follow_all(mongo_log, listener.follower(mongo_log))
    assert next(tries) > 7
    assert all(listener.sequences(f"jar-{key}") == [1, 2, 3] for key in range(20))


async def test_nothing_is_marked_while_the_broker_is_away(mongo_log: MongoEventStore) -> None:
    await fill(mongo_log, "jar:a", "jar:b")
    listener = Listener()

    def away(step: str) -> None:
        if step == "publish":
            raise PublishFailed("no broker answers")

    listener.reach = away
    async with running(listener.follower(mongo_log)):
        await until(lambda: tried(listener, 4))
    assert await mongo_log.commits.count_documents({"followed": True}) == 0


async def tried(listener: Listener, times: int) -> bool:
    return listener.steps.count("publish") >= times


async def test_a_stream_that_can_t_be_read_stops_no_other(mongo_log: MongoEventStore) -> None:
    await mongo_log.append(opened("jar:bad"))
    await mongo_log.append(replace(commit("jar:bad", 2), events=({"type": "jar.smashed"},)))
    await fill(mongo_log, *(f"jar:{key}" for key in range(5)))
    listener = Listener()
    follower = listener.follower(mongo_log)
    apart: list[frozenset[str]] = []
    listener.reach = lambda _: apart.append(follower._quarantine.streams)
    async with running(follower):
        await until(lambda: unfollowed_is(mongo_log, ["jar:bad:0000000002"]))
        await fill(mongo_log, "jar:later")
        await until(lambda: unfollowed_is(mongo_log, ["jar:bad:0000000002"]))
    assert apart[0] == {"jar:bad"}  # before anything is made of the others
    assert listener.sequences("jar-bad") == [1]  # what came before is said
    assert listener.sequences("jar-later") == [1, 2, 3]


async def test_a_record_that_is_never_taken_stops_no_other(mongo_log: MongoEventStore) -> None:
    listener = Listener()
    publish = listener.publish

    async def refuse(records: Sequence[ProducerRecord]) -> None:
        if any(b'"fat"' in (record.value or b"") for record in records):
            raise PublishFailed("too large")
        await publish(records)

    listener.publish = refuse  # type: ignore[method-assign]
    others = [f"{place}{key}" for place in ("a-before", "z-after") for key in range(10)]
    await fill(mongo_log, *(f"jar:{key}" for key in others))
    await mongo_log.append(opened("jar:bad"))
    await mongo_log.append(commit("jar:bad", 2, Put(put="fat")))
    async with running(listener.follower(mongo_log)):
        await until(lambda: unfollowed_is(mongo_log, ["jar:bad:0000000002"]))
    assert all(listener.sequences(f"jar-{key}") == [1, 2, 3] for key in others)


async def unfollowed_is(log: MongoEventStore, expected: list[str]) -> bool:
    found = await log.commits.find({"followed": False}).sort("_id", 1).to_list(None)
    return [document["_id"] for document in found] == expected


async def test_what_failed_is_followed_once_it_can_be(mongo_log: MongoEventStore) -> None:
    await fill(mongo_log, "jar:a", "jar:b")
    listener = Listener()
    failures = count(1)

    def fail(step: str) -> None:
        if step == "project" and next(failures) <= 5:
            raise RuntimeError("a bug that a release repairs")

    listener.reach = fail
    await follow_all(mongo_log, listener.follower(mongo_log))
    assert listener.sequences("jar-a") == listener.sequences("jar-b") == [1, 2, 3]


async def test_two_followers_of_the_same_streams_do_no_harm(
    mongo_log: MongoEventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    streams = [f"jar:{key}" for key in range(30)]
    listener = Listener()
    followers = [listener.follower(mongo_log) for _ in range(2)]
    for follower in followers:
        monkeypatch.setattr(follower._leases, "renew", take_all(follower))
    async with running(*followers):
        await fill(mongo_log, *streams)
        await until(lambda: all_followed(mongo_log))
    for stream in streams:
        heard = listener.heard()[stream.replace(":", "-")]
        assert {one.id: one.sequence for one in heard} == dict(zip(ids(stream), [1, 2, 3], strict=True))
        assert listener.sequences(stream.replace(":", "-")) == [1, 2, 3]


def take_all(follower: OutboxRelay) -> Callable[[], Awaitable[None]]:
    async def renew() -> None:
        follower._leases.shards = frozenset(range(16))

    return renew


async def test_two_replicas_share_and_the_survivor_takes_over(mongo_log: MongoEventStore) -> None:
    streams = [f"jar:{key}" for key in range(30)]
    dying, living = Listener(), Listener()
    first = dying.follower(mongo_log, lease_seconds=0.6)
    second = living.follower(mongo_log, lease_seconds=0.6)
    first._leases._release = died  # type: ignore[method-assign]
    async with running(second):
        async with running(first):
            await until(lambda: has_shards(first, 8))
            await until(lambda: has_shards(second, 8))
            await fill(mongo_log, *streams)
            await until(lambda: all_followed(mongo_log))
            assert dying.records
            assert living.records
        for stream in streams:
            await mongo_log.append(commit(stream, 4, Put(put="d"), first=5))
        await until(lambda: all_followed(mongo_log))
    for stream in streams:
        subject = stream.replace(":", "-")
        assert {*dying.sequences(subject), *living.sequences(subject)} == {1, 2, 3, 4}
        assert 4 in living.sequences(subject)


async def died() -> None:
    """Gives nothing back."""


async def test_a_replica_looks_for_nothing_but_its_own_shards(mongo_log: MongoEventStore) -> None:
    streams = {shard_of(stream): stream for stream in (f"jar:{number}" for number in range(100))}
    await fill(mongo_log, *streams.values())
    own, outbox = (3, 7), PendingCommits(mongo_log)
    found = await outbox.unfollowed(own, without=(), limit=500)
    assert set(found) == {streams[shard] for shard in own}
    assert await outbox.unfollowed((), without=(), limit=500) == {}
    backlog, _ = await outbox.backlog(own)
    assert backlog == 6


async def test_takes_over_a_stream_in_the_middle(mongo_log: MongoEventStore) -> None:
    """A replica that followed commit 1 finds 2 done by another, and does 3."""
    first, second = Listener(), Listener()
    mine, theirs = first.follower(mongo_log), second.follower(mongo_log)
    await mongo_log.append(opened("jar:a"))
    await follow_all(mongo_log, mine)
    await mongo_log.append(commit("jar:a", 2, Put(put="b"), Put(put="c")))
    await follow_all(mongo_log, theirs)
    await mongo_log.append(commit("jar:a", 3, Put(put="d"), first=4))
    await follow_all(mongo_log, mine)
    assert [(one.id, one.sequence) for one in first.heard()["jar-a"]] == [("jar:a:1", 1), ("jar:a:4", 4)]


async def test_a_late_committer_is_not_lost(mongo_log: MongoEventStore) -> None:
    await fill(mongo_log, "jar:new")
    listener = Listener()
    async with running(listener.follower(mongo_log)):
        await until(lambda: all_followed(mongo_log))
        late = replace(opened("jar:late"), at=NOON - timedelta(hours=1))
        await mongo_log.append(late)
        await until(lambda: all_followed(mongo_log))
    assert listener.sequences("jar-late") == [1]


async def test_the_order_of_a_stream_is_that_of_its_numbers_not_of_its_times(
    mongo_log: MongoEventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chassis.outbox.relay.BATCH", 1)
    for number in range(1, 6):
        put = Put(put="jar-a" if number == 1 else str(number))
        await mongo_log.append(replace(commit("jar:a", number, put), at=NOON - timedelta(seconds=number)))
    listener = Listener()
    await follow_all(mongo_log, listener.follower(mongo_log))
    assert listener.sequences("jar-a") == [1, 2, 3, 4, 5]


async def test_a_restored_database_is_followed_again(mongo_log: MongoEventStore) -> None:
    listener = Listener()
    follower = listener.follower(mongo_log)
    await fill(mongo_log, "jar:a")
    await follow_all(mongo_log, follower)
    await mongo_log.commits.delete_many({})
    await mongo_log.append(opened("jar:a"))
    await follow_all(mongo_log, follower)
    assert [one.id for one in listener.heard()["jar-a"]] == [*ids("jar:a"), "jar:a:1"]


async def test_has_trouble_when_commits_wait_for_long(
    mongo_log: MongoEventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chassis.outbox.relay.PATIENCE_SECONDS", 0.0)
    await fill(mongo_log, "jar:a", "jar:b")
    listener, away = Listener(), asyncio.Event()

    def broker(step: str) -> None:
        if step == "publish" and not away.is_set():
            raise PublishFailed("no broker answers")

    listener.reach = broker
    follower = listener.follower(mongo_log)
    async with running(follower):
        await until(lambda: in_trouble(follower))
        away.set()
        await until(lambda: all_followed(mongo_log))
        await until(lambda: well(follower))


async def in_trouble(follower: OutboxRelay) -> bool:
    return follower.unhealthy_reason() is not None


async def well(follower: OutboxRelay) -> bool:
    return not await in_trouble(follower)
