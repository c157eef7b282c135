"""Consuming from the real broker, through the projection."""

import json
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest
from aiokafka.structs import ConsumerRecord
from prometheus_client import REGISTRY
from pydantic import TypeAdapter

from analytics.messaging.inbound import CONSUMED_TOPICS
from analytics.read_models.channels import Channels
from analytics.read_models.progress import ProgressReader
from analytics.read_models.projection import LiveChatProjection
from chassis.kafka.connection import KafkaConnection
from chassis.kafka.dead_letters import dead_letters
from chassis.kafka.projection_runner import ProjectionRunner
from chassis.kafka.publisher import ProducerRecord, Publisher
from chassis.kafka.records import EventDecoder, UnknownType
from chassis.kafka.subscription import nothing
from chassis.telemetry.metrics import Alarm
from contracts.channels import CHANNEL_EVENTS, ChannelPublished
from contracts.dialogs import DIALOG_EVENTS, DialogClosed, DialogOpened, DialogReopened
from contracts.ratings import RATING_EVENTS
from tests.analytics.builders import ExpectedClose, many, shuffled
from tests.analytics.harness import Harness
from tests.analytics.kafka_harness import a_service, record, running, topics
from tests.waiting import until

pytestmark = pytest.mark.real


@dataclass
class Scene:
    """A service, and the topics that it consumes."""

    harness: Harness
    kafka: KafkaConnection
    publisher: Publisher
    service: str
    dialogs: str
    ratings: str

    def projecting(
        self,
        on_applied: Callable[[], object] = lambda: None,
        on_conflict: Callable[[], Awaitable[object]] = nothing,
    ) -> ProjectionRunner:
        topics: dict[str, TypeAdapter[Any]] = {self.dialogs: DIALOG_EVENTS, self.ratings: RATING_EVENTS}
        database = self.harness.database
        return ProjectionRunner(
            service=self.service, connection=self.kafka, group=database.name, topics=topics,
            projection=LiveChatProjection(database), client=database.client, database=database.name,
            publisher=self.publisher, on_applied=on_applied, on_conflict=on_conflict,
        )  # fmt: skip

    async def consume(self, records: Sequence[ProducerRecord], *, altogether: int) -> None:
        """Publishes `records`, and consumes until the checkpoints have come to `altogether`."""

        async def consumed() -> bool:
            offsets = [int(each["offset"]) async for each in self.harness.database["checkpoints"].find()]
            return altogether <= sum(offsets)

        await self.publisher.publish(records)
        async with running(self.projecting()):
            await until(consumed)


@pytest.fixture
async def scene(harness: Harness, kafka: KafkaConnection, publisher: Publisher) -> Scene:
    return Scene(
        harness, kafka, publisher, await a_service(kafka), *await topics(kafka, "dialogs", "ratings")
    )


@pytest.mark.parametrize("much", [10, 20_000], ids=["by turns and time", "as they come"])
async def test_closes_are_counted_once_through_restarts(
    harness: Harness, scene: Scene, much: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chassis.kafka.partition_positions.MUCH", much)
    random = Random(11)
    closes = many(random, 150)
    events = shuffled(random, closes)
    of_dialogs = (DialogOpened, DialogClosed, DialogReopened)
    records = [
        record(scene.dialogs if isinstance(event, of_dialogs) else scene.ratings, event.dialog, event, number)
        for number, event in enumerate(events)
    ]

    half = len(records) // 2
    await scene.consume(records[:half], altogether=half)
    await scene.consume(records[half:], altogether=len(records))
    counts: Counter[str] = Counter()
    for close in closes:
        counts.update(close.counts())
    summary = await harness.ask("summary")
    assert {state: summary[state] for state in ("closed", "given", "expired", "pending", "satisfied")} == {
        state: counts[state] for state in ("closed", "given", "expired", "pending", "satisfied")
    }
    assert (await harness.ask("reconcile"))["equal"]


async def test_headers_that_mean_nothing_for_the_event_do_no_harm(harness: Harness, scene: Scene) -> None:
    good = ExpectedClose("d1")
    close = record(scene.dialogs, "d1", good.closed(), 1)
    odd = [("traceparent", b"\xff\xfe"), ("ce_x", b"\xff"), ("x-bin", b"\xff\xfe"), ("x-null", None)]
    await scene.consume([replace(close, headers=[*close.headers, *odd])], altogether=1)
    assert (await harness.ask("summary"))["closed"] == 1
    assert await dead_letters(scene.service, scene.kafka) == []


async def test_a_replay_topic_takes_the_values_of_a_newer_release_for_an_unknown_type() -> None:
    reader = EventDecoder({"replay": CONSUMED_TOPICS["candor.analytics.replay"]})
    said = with_(record("replay", "d1", ExpectedClose("d1").closed(), 1), closed_by="bot")
    read = ConsumerRecord("replay", 0, 0, 0, 0, b"d1", said.value, None, 0, 0, tuple(said.headers))
    assert reader.read(read) == UnknownType("candor.dialog.closed.v1")


HUGE = 10**29


def with_(outgoing: ProducerRecord, **changed: Any) -> ProducerRecord:
    """The record with other fields in its body."""
    body = json.loads(outgoing.value or b"")
    return replace(outgoing, value=json.dumps({**body, **changed}).encode())


UNBOUNDED: tuple[dict[str, Any], ...] = (
    {"score": HUGE},
    {"score": -HUGE, "satisfied": False},
    {"score": HUGE, "scale": {"name": "s", "lowest": 0, "highest": HUGE, "satisfied_from": 4}},
    {"score": 2**62, "scale": {"name": "s", "lowest": 0, "highest": 2**63, "satisfied_from": 4}},
    {"close_seq": HUGE},
    {"close_seq": 2**63},
    {"close_seq": True},
    {"given_at": "9999-12-31T23:59:59.999Z"},
    {"given_at": 0},
)
"""What is changed in an answer."""


def with_a_wrong_answer(
    scene: Scene, dialog: str, channel: str, wrong: dict[str, Any]
) -> list[ProducerRecord]:
    """Two closes of a dialog; the answer to the second is changed, and it expires."""
    good = ExpectedClose(dialog, channel=channel)
    strange = ExpectedClose(dialog, channel=channel, close_seq=2)
    return [
        record(scene.ratings, dialog, good.given(), 1),
        with_(record(scene.ratings, dialog, strange.given(), 2), **wrong),
        record(scene.dialogs, dialog, good.closed(), 3),
        record(scene.dialogs, dialog, strange.closed(), 4),
        record(scene.ratings, dialog, strange.expired(), 5),
    ]


async def test_a_number_without_bounds_is_a_dead_letter_and_spares_all_others(
    harness: Harness, scene: Scene, subtests: pytest.Subtests
) -> None:
    """Each in a dialog and a channel of its own."""
    records = [
        each
        for number, wrong in enumerate(UNBOUNDED)
        for each in with_a_wrong_answer(scene, f"d{number}", f"course-{number}", wrong)
    ]
    with subtests.test("all are consumed"):
        await scene.consume(records, altogether=len(records))
    letters = await dead_letters(scene.service, scene.kafka)
    for number, wrong in enumerate(UNBOUNDED):
        with subtests.test(wrong=wrong):
            summary = await harness.ask("summary", channel=f"course-{number}")
            assert (summary["closed"], summary["given"], summary["expired"]) == (2, 1, 1)
            assert (await harness.ask("reconcile", channel=f"course-{number}"))["equal"]
            [letter] = [each for each in letters if each.record.key == f"d{number}".encode()]
            assert letter.id.startswith(scene.ratings)
            assert letter.cause.startswith("not a valid ")
    assert len(letters) == len(UNBOUNDED)
    assert (await harness.ask("reconcile"))["equal"]


async def test_sixty_numbers_without_bounds_hold_nobody_up(harness: Harness, scene: Scene) -> None:
    strange = [
        with_(record(scene.dialogs, f"d{number}", ExpectedClose(f"d{number}").closed(), 1), close_seq=2**63)
        for number in range(60)
    ]
    good = [
        record(scene.dialogs, f"g{number}", ExpectedClose(f"g{number}").closed(), 1) for number in range(9)
    ]
    await scene.consume([*strange, *good], altogether=69)
    assert (await harness.ask("summary"))["closed"] == 9
    assert len(await dead_letters(scene.service, scene.kafka)) == 60
    told = {"service": scene.service, "kind": Alarm.PROJECTION_FAILED}
    assert REGISTRY.get_sample_value("candor_alarms_total", told) is None


async def test_a_response_says_when_the_newest_of_its_events_was_published(
    harness: Harness, scene: Scene
) -> None:
    """And the stream is woken once it is counted, not before."""
    woken: list[int] = []
    runner = scene.projecting(lambda: woken.append(1))
    reader = ProgressReader(harness.database, lambda: harness.documents, runner.behind_seconds)
    assert (await reader.read()).behind is None
    before = datetime.now(UTC) - timedelta(seconds=5)
    await scene.publisher.publish([record(scene.dialogs, "d1", ExpectedClose("d1").closed(), 1)])

    async def counted() -> bool:
        return bool(woken)

    async def caught_up() -> bool:
        return (await reader.read()).behind == 0

    async with running(runner):
        await until(counted)
        assert (await harness.ask("summary"))["closed"] == 1
        await until(caught_up)
    found = (await reader.read()).as_of
    assert found
    assert before < found < datetime.now(UTC) + timedelta(seconds=5)


async def test_channels_are_read_again_into_a_database_that_was_deleted(
    harness: Harness, kafka: KafkaConnection, publisher: Publisher
) -> None:
    service, (topic,) = await a_service(kafka), await topics(kafka, "channels")
    one = ChannelPublished(channel="course-a", name="Course A", time_zone="Asia/Kathmandu")
    await publisher.publish([record(topic, "course-a", one, 1), record(topic, "course-a", one, 2)])
    database, channels = harness.database, Channels(harness.database)

    async def named() -> bool:
        return bool(await channels.among(None))

    for _ in range(2):
        runner = ProjectionRunner(
            service=service, connection=kafka, group=f"{database.name}.channels.v1",
            topics={topic: CHANNEL_EVENTS}, projection=channels, client=database.client,
            database=database.name, publisher=publisher,
        )  # fmt: skip
        async with running(runner):
            await until(named)
        [found] = (await harness.ask("channels"))["rows"]
        assert (found["channel"], found["name"], found["time_zone"]) == (
            "course-a",
            "Course A",
            "Asia/Kathmandu",
        )
        await database.client.drop_database(database.name)
    assert await dead_letters(service, kafka) == []
