"""Keys of sealed texts: read from the broker, dropped on a tombstone, found again whatever is lost."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic
from prometheus_client import REGISTRY

from analytics.messaging.inbound import keys_reader
from analytics.read_models.decryption import DecryptionState, Decryptor, SealedText
from chassis.clock import ManualClock
from chassis.crypto_shredding import KeyReader, jwe
from chassis.errors import CheckpointConflict
from chassis.kafka import batch_subscriber, clients, subscription
from chassis.kafka.connection import KafkaConnection
from chassis.kafka.dead_letters import dead_letters
from chassis.kafka.publisher import ProducerRecord, Publisher
from chassis.kafka.table_checkpoints import Scan, TableCheckpoint
from chassis.kafka.table_reader import TableReader
from chassis.mongo import connect
from contracts.keys import CompactionNudge, KeyPublished
from tests.analytics.builders import NOON
from tests.analytics.kafka_harness import a_service, record, running, topics
from tests.chassis.crypto_shredding.sealing import receive
from tests.waiting import until

pytestmark = pytest.mark.real

READERS_KEY = jwe.new_key()
MAX_AGE = KeyReader.max_age
OPEN, ERASED, WAITING = DecryptionState.OPEN, DecryptionState.ERASED, DecryptionState.WAITING


class Secret:
    """A text of one dialog, sealed with a key of its own."""

    def __init__(self, text: str = "Thanks!") -> None:
        raw, kid = jwe.new_key(), jwe.new_kid()
        context = jwe.key_context("c1", "d1", kid)
        wrapped = jwe.seal(raw, READERS_KEY, jwe.short_hash(READERS_KEY), context)
        self.key = KeyPublished(kid=kid, scope="d1", subject="c1", wrapped=wrapped)
        here = jwe.Context("c1", "d1", "comment")
        self.sealed = SealedText(jwe.seal(text.encode(), raw, kid, here), *here)


@dataclass
class Replica:
    """One replica's reader of keys."""

    reader: KeyReader
    topics: TableReader

    async def states(self, *secrets: Secret) -> list[DecryptionState]:
        opener = Decryptor(self.reader, self.topics.read_to_end)
        opened = await opener.open([secret.sealed for secret in secrets])
        return [opened[secret.sealed].state for secret in secrets]

    def see(self, *expected: tuple[Secret, DecryptionState]) -> Callable[[], Any]:
        async def seen() -> bool:
            return await self.states(*(secret for secret, _ in expected)) == [state for _, state in expected]

        return seen


@dataclass
class Scene:
    """A key topic, a database, and replicas on them."""

    kafka: KafkaConnection
    publisher: Publisher
    topic: str
    service: str
    database: Any
    clock: ManualClock

    def replica(self) -> Replica:
        reader = KeyReader(self.database, readers_key=READERS_KEY)
        reading = keys_reader(
            self.database, self.kafka, self.publisher, reader, self.clock,
            service=self.service, topics=[self.topic],
        )  # fmt: skip
        return Replica(reader, reading)

    async def publish(self, *secrets: Secret, partition: int | None = None) -> None:
        records = (record(self.topic, secret.key.kid, secret.key, 0) for secret in secrets)
        await self.send(*(replace(each, partition=partition) for each in records))

    async def erase(self, secret: Secret) -> None:
        await self.send(ProducerRecord(self.topic, secret.key.kid, None))

    async def send(self, *records: ProducerRecord) -> None:
        await self.publisher.publish(records)

    async def recreate(self) -> None:
        """The topic is deleted, and there is one of the same name."""
        admin = AIOKafkaAdminClient(**self.kafka.options())
        await admin.start()
        await admin.delete_topics([self.topic])

        async def made() -> bool:
            answer = await admin.create_topics([NewTopic(self.topic, 3, 1)])
            return bool(answer.topic_errors[0][1] == 0)

        await until(made)
        await admin.close()

    async def compacted_while_away(self, secret: Secret) -> None:
        """The key is here, as it was stored once; neither it nor its tombstone is on the topic any more."""
        reader, scan = KeyReader(self.database, readers_key=READERS_KEY), Scan(f"{self.topic}:0", "long ago")
        await receive(reader, {secret.key.kid: secret.key}, scan)


@pytest.fixture
async def scene(
    kafka: KafkaConnection, mongo: str, database: str, publisher: Publisher
) -> AsyncIterator[Scene]:
    (topic,) = await topics(kafka, "keys")
    client = connect(mongo)
    yield Scene(kafka, publisher, topic, await a_service(kafka), client[database], ManualClock(NOON))
    client.close()


async def test_a_key_is_stored_and_its_tombstone_drops_it(scene: Scene) -> None:
    kept, erased, missing = Secret(), Secret(), Secret()
    replica = scene.replica()
    assert await replica.states(kept) == [WAITING]
    await scene.publish(kept, erased)
    async with running(replica.topics):
        await until(replica.see((kept, OPEN), (erased, OPEN), (missing, ERASED)))
        await scene.erase(erased)
        await until(replica.see((kept, OPEN), (erased, ERASED)))
        assert replica.topics.unhealthy_reason() is None


async def test_texts_whose_key_is_published_but_not_read_yet_wait(scene: Scene) -> None:
    replica, secret = scene.replica(), Secret()
    async with running(replica.topics):
        await until(replica.see((secret, ERASED)))
    other = scene.replica()
    await scene.publish(secret)
    assert await other.states(secret) == [WAITING]
    async with running(other.topics):
        await until(other.see((secret, OPEN)))


async def test_a_dropped_database_is_built_again_by_a_restart(scene: Scene) -> None:
    kept, erased = Secret(), Secret()
    await scene.publish(kept, erased)
    await scene.erase(erased)
    for _ in range(2):
        replica = scene.replica()
        async with running(replica.topics):
            await until(replica.see((kept, OPEN), (erased, ERASED)))
        await scene.database.client.drop_database(scene.database.name)


async def test_a_database_that_is_dropped_meanwhile_is_built_again_and_nothing_seems_erased(
    scene: Scene,
) -> None:
    secrets = [Secret() for _ in range(20)]
    replica = scene.replica()
    await scene.publish(*secrets)
    async with running(replica.topics):
        await until(replica.see(*((secret, OPEN) for secret in secrets)))
        await until(replica.topics.read_to_end)
        await scene.database.client.drop_database(scene.database.name)
        replica.reader._memory.evict(lambda _: True)

        async def open_again() -> bool:
            states = set(await replica.states(*secrets))
            assert ERASED not in states
            return states == {OPEN}

        await until(open_again)


async def test_it_goes_on_where_it_was(scene: Scene) -> None:
    await scene.publish(*(Secret() for _ in range(5)))
    old, new = Secret(), Secret()
    async with running((first := scene.replica()).topics):
        await until(first.see((old, ERASED)))
    await scene.compacted_while_away(old)
    scene.clock.advance(MAX_AGE - timedelta(hours=1))
    await scene.publish(new)
    async with running((second := scene.replica()).topics):
        await until(second.see((new, OPEN)))
        await until(second.topics.read_to_end)
        # Nothing was read from the start, so nothing was found to be missing.
        assert await second.states(old) == [OPEN]


async def test_who_was_away_too_long_drops_what_is_no_longer_there(scene: Scene) -> None:
    gone, kept = Secret(), Secret()
    await scene.publish(kept)
    async with running((first := scene.replica()).topics):
        await until(first.see((kept, OPEN), (gone, ERASED)))
    await scene.compacted_while_away(gone)
    scene.clock.advance(MAX_AGE)
    async with running((second := scene.replica()).topics):
        await until(second.see((kept, OPEN), (gone, ERASED)))


async def test_being_there_keeps_a_position_young(scene: Scene) -> None:
    kept = Secret()
    await scene.publish(kept)
    async with running((replica := scene.replica()).topics):
        await until(replica.see((kept, OPEN)))
        await until(replica.topics.read_to_end)
        scene.clock.advance(MAX_AGE / 2)

        async def confirmed() -> bool:
            return {each["confirmed_at"] async for each in scene.database["key_positions"].find()} == {
                scene.clock.now()
            }

        await until(confirmed)


async def test_a_malformed_record_is_a_dead_letter_and_the_rest_goes_on(scene: Scene) -> None:
    before, after, misnamed = Secret(), Secret(), Secret()
    await scene.publish(before)
    broken = record(scene.topic, "k", before.key, 0)
    await scene.send(
        *(ProducerRecord(scene.topic, "k", b"{", broken.headers, partition) for partition in range(3)),
        record(scene.topic, "another", misnamed.key, 0),
        record(scene.topic, "compaction-nudge", CompactionNudge(), 0),
        ProducerRecord(scene.topic, "k", b"{}", [("ce_type", None)]),
    )
    await scene.publish(after)
    replica = scene.replica()
    async with running(replica.topics):
        await until(replica.see((before, OPEN), (after, OPEN), (misnamed, ERASED)))
    assert len(await dead_letters(scene.service, scene.kafka)) == 5


async def test_two_replicas_read_the_same_and_neither_brings_back_what_the_other_dropped(
    scene: Scene,
) -> None:
    secrets = [Secret() for _ in range(60)]
    one, two = scene.replica(), scene.replica()
    async with running(one.topics), running(two.topics):
        for secret in secrets:
            await scene.publish(secret)
            if secret is not secrets[-1]:
                await scene.erase(secret)
        for replica in (one, two):
            await until(replica.see((secrets[-1], OPEN), *((each, ERASED) for each in secrets[:-1])))
    assert [key["_id"] async for key in scene.database["reader_keys"].find()] == [secrets[-1].key.kid]


async def test_a_replica_that_lags_writes_nothing(scene: Scene) -> None:
    secret = Secret()
    await scene.publish(secret)
    async with running((replica := scene.replica()).topics):
        await until(replica.see((secret, OPEN)))
        await until(replica.topics.read_to_end)
        [(partition, before)] = [(part, at) for part, at in replica.topics._at.items() if at.offset]
        await scene.erase(secret)
        await until(replica.see((secret, ERASED)))
    checkpoints = replica.topics._checkpoints
    scan = checkpoints.scan_of(partition, before)
    move = partial(checkpoints.move, moves={partition: (before, before)})
    with pytest.raises(CheckpointConflict):
        await replica.reader.apply({secret.key.kid: secret.key}, scan, move)
    with pytest.raises(CheckpointConflict):
        await replica.topics._settle(partition, replace(before, scan_end=0), 0, NOON)
    assert await scene.database["reader_keys"].count_documents({}) == 0


async def test_a_recreated_topic_is_read_from_its_start(scene: Scene) -> None:
    old, new = Secret(), Secret()
    await scene.publish(*(Secret() for _ in range(10)), old)
    async with running((first := scene.replica()).topics):
        await until(first.see((old, OPEN)))
    await scene.recreate()
    await scene.publish(new)
    async with running((second := scene.replica()).topics):
        await until(second.see((new, OPEN), (old, ERASED)))


async def test_a_topic_that_grows_is_read_whole(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(batch_subscriber.BROKER, "metadata_max_age_ms", 300)
    old, new, missing = Secret(), Secret(), Secret()
    await scene.publish(old)
    async with running((replica := scene.replica()).topics):
        await until(replica.see((old, OPEN)))
        async with clients.admin(scene.kafka) as admin:
            await admin.create_partitions({scene.topic: NewPartitions(4)})
        await until(lambda: len(replica.topics._at) == 4)
        await scene.publisher.stop()  # it knows of three
        await scene.publish(new, partition=3)
        await until(replica.see((old, OPEN), (new, OPEN), (missing, ERASED)))


@pytest.mark.parametrize("more", [0, 1])
async def test_also_if_it_holds_as_much_as_before(scene: Scene, more: int) -> None:
    old, new = Secret(), Secret()
    await scene.publish(old, partition=0)
    async with running((first := scene.replica()).topics):
        await until(first.see((old, OPEN)))
    await scene.recreate()
    await scene.publish(new, *(Secret() for _ in range(more)), partition=0)
    async with running((second := scene.replica()).topics):
        await until(second.see((new, OPEN), (old, ERASED)))


@pytest.mark.parametrize(("offset", "scan_end"), [(3, None), (5, None), (3, 5)])
async def test_a_position_inside_of_its_log_is_good(offset: int, scan_end: int | None) -> None:
    at = TableCheckpoint(offset, scan="r", scan_end=scan_end, confirmed_at=NOON)
    assert at.is_usable(3, 5, NOON - MAX_AGE)


@pytest.mark.parametrize(("offset", "scan_end"), [(2, None), (6, None), (3, 6)])
async def test_a_position_outside_of_its_log_is_not(offset: int, scan_end: int | None) -> None:
    at = TableCheckpoint(offset, scan="r", scan_end=scan_end, confirmed_at=NOON)
    assert not at.is_usable(3, 5, NOON - MAX_AGE)


@pytest.mark.parametrize(("end", "scan_end", "read"), [(5, None, True), (6, None, False), (5, 5, False)])
async def test_a_partition_was_read_once_what_its_scan_did_not_find_was_dropped(
    end: int, scan_end: int | None, *, read: bool
) -> None:
    assert TableCheckpoint(5, scan="r", scan_end=scan_end, confirmed_at=NOON).has_read(end) is read


async def test_a_topic_that_is_not_there_is_unhealthy_and_was_not_read(scene: Scene) -> None:
    scene.topic = f"nowhere-{uuid4().hex[:8]}"
    replica = scene.replica()
    async with running(replica.topics):

        async def unhealthy() -> bool:
            return f"there is no topic {scene.topic}" in (replica.topics.unhealthy_reason() or "")

        await until(unhealthy)
        assert not await replica.topics.read_to_end()


async def test_a_broker_that_is_away_is_unhealthy_and_means_not_read(scene: Scene) -> None:
    scene.kafka = KafkaConnection(servers="127.0.0.1:1")
    replica = scene.replica()
    async with running(replica.topics):

        async def unhealthy() -> bool:
            return "nothing is consumed" in (replica.topics.unhealthy_reason() or "")

        await until(unhealthy)
        assert await replica.states(Secret()) == [WAITING]


async def test_a_consumer_that_gets_nothing_is_an_alarm_and_begins_anew(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscription, "LOOK_SECONDS", 0.1)
    first, second, replica = Secret(), Secret(), scene.replica()
    await scene.publish(first)
    async with running(replica.topics):
        await until(replica.see((first, OPEN)))
        consumer = replica.topics._subscription.consumer
        assert consumer is not None
        consumer.pause(*consumer.assignment())
        await scene.publish(second)
        await until(lambda: waits(scene, 1))
        monkeypatch.setattr(subscription, "STUCK_SECONDS", 0.3)
        await until(replica.see((second, OPEN)))
        await until(lambda: waits(scene, 0))
    assert sample("candor_alarms_total", service=scene.service, kind="stuck_consumer") == 1


async def waits(scene: Scene, records: int) -> bool:
    """Whether so many records wait, and for some time if there are any, by the metrics."""
    lag = {"service": scene.service, "topic": scene.topic}
    seconds = sample("candor_lag_seconds", **lag) or 0
    return sample("candor_lag_records", **lag) == records and (seconds > 0) == (records > 0)


def sample(metric: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(metric, labels)
