"""Hearing from the real broker, through the projection."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any

import pytest
from aiokafka.structs import ConsumerRecord
from prometheus_client import REGISTRY
from pydantic import TypeAdapter

from analytics.messaging.inbound import CONSUMED_TOPICS, LiveChatProjection
from chassis.kafka.dead_letters import dead_letters
from chassis.kafka.projection_runner import ProjectionRunner
from chassis.kafka.publisher import ProducerRecord, Publisher
from chassis.kafka.records import EventDecoder, UnknownType
from chassis.telemetry.metrics import Alarm
from contracts.dialogs import DIALOG_EVENTS, DialogClosed, DialogOpened, DialogReopened
from contracts.ratings import RATING_EVENTS
from tests.analytics.builders import ExpectedClose, many, shuffled
from tests.analytics.harness import Harness
from tests.analytics.kafka_harness import a_service, record, running, topics
from tests.waiting import until

pytestmark = pytest.mark.real


@dataclass
class Scene:
    """A service, and the topics it hears."""

    house: Harness
    kafka: str
    publisher: Publisher
    service: str
    dialogs: str
    ratings: str

    def projecting(self) -> ProjectionRunner:
        heard: dict[str, TypeAdapter[Any]] = {self.dialogs: DIALOG_EVENTS, self.ratings: RATING_EVENTS}
        return ProjectionRunner(
            service=self.service, bootstrap=self.kafka, group=f"g-{self.dialogs}", topics=heard,
            projection=LiveChatProjection(self.house.rooms), client=self.house.client,
            database=self.house.database, publisher=self.publisher,
        )  # fmt: skip

    async def hears(self, records: Sequence[ProducerRecord], *, all_in_all: int) -> None:
        """Says `records`, and hears until everything that was ever said is heard."""

        async def heard() -> bool:
            offsets = [int(each["offset"]) async for each in self.house.rooms["checkpoints"].find()]
            return all_in_all <= sum(offsets)

        await self.publisher.publish(records)
        async with running(self.projecting()):
            await until(heard)


@pytest.fixture
async def scene(house: Harness, kafka: str, publisher: Publisher) -> Scene:
    return Scene(house, kafka, publisher, await a_service(kafka), *await topics(kafka, "dialogs", "ratings"))


async def test_closes_are_counted_once_through_restarts(house: Harness, scene: Scene) -> None:
    random = Random(11)
    told = many(random, 150)
    events = shuffled(random, told)
    spoken = (DialogOpened, DialogClosed, DialogReopened)
    records = [
        record(scene.dialogs if isinstance(event, spoken) else scene.ratings, event.dialog, event, number)
        for number, event in enumerate(events)
    ]

    half = len(records) // 2
    await scene.hears(records[:half], all_in_all=half)
    await scene.hears(records[half:], all_in_all=len(records))
    counts: Counter[str] = Counter()
    for close in told:
        counts.update(close.counts())
    summary = await house.ask("summary")
    assert {state: summary[state] for state in ("closed", "given", "expired", "pending", "satisfied")} == {
        state: counts[state] for state in ("closed", "given", "expired", "pending", "satisfied")
    }
    assert (await house.ask("reconcile"))["equal"]


async def test_headers_that_mean_nothing_for_the_event_do_no_harm(house: Harness, scene: Scene) -> None:
    good = ExpectedClose("d1")
    close = record(scene.dialogs, "d1", good.closed(), 1)
    odd = [("traceparent", b"\xff\xfe"), ("ce_x", b"\xff"), ("x-bin", b"\xff\xfe"), ("x-null", None)]
    await scene.hears([replace(close, headers=[*close.headers, *odd])], all_in_all=1)
    assert (await house.ask("summary"))["closed"] == 1
    assert await dead_letters(scene.service, scene.kafka) == []


async def test_a_replay_topic_takes_the_values_of_a_newer_release_for_an_unknown_type() -> None:
    reader = EventDecoder({"replay": CONSUMED_TOPICS["candor.analytics.replay"]})
    said = with_(record("replay", "d1", ExpectedClose("d1").closed(), 1), closed_by="bot")
    read = ConsumerRecord("replay", 0, 0, 0, 0, b"d1", said.value, None, 0, 0, tuple(said.headers))
    assert reader.read(read) == UnknownType("candor.dialog.closed.v1")


HUGE = 10**29


def with_(outgoing: ProducerRecord, **changed: Any) -> ProducerRecord:
    """The record as a stranger might have written it."""
    body = json.loads(outgoing.value or b"")
    return replace(outgoing, value=json.dumps({**body, **changed}).encode())


@pytest.mark.parametrize(
    "wrong",
    [
        {"score": HUGE},
        {"score": -HUGE, "satisfied": False},
        {"score": HUGE, "scale": {"name": "s", "lowest": 0, "highest": HUGE, "satisfied_from": 4}},
        {"score": 2**62, "scale": {"name": "s", "lowest": 0, "highest": 2**63, "satisfied_from": 4}},
        {"close_seq": HUGE},
        {"close_seq": 2**63},
        {"close_seq": True},
        {"given_at": "9999-12-31T23:59:59.999Z"},
        {"given_at": 0},
    ],
    ids=str,
)
async def test_a_number_without_bounds_is_a_dead_letter_and_spares_all_others(
    house: Harness, scene: Scene, wrong: dict[str, Any]
) -> None:
    good, strange = ExpectedClose("d1"), ExpectedClose("d1", close_seq=2)
    records = [
        record(scene.ratings, "d1", good.given(), 1),
        with_(record(scene.ratings, "d1", strange.given(), 2), **wrong),
        record(scene.dialogs, "d1", good.closed(), 3),
        record(scene.dialogs, "d1", strange.closed(), 4),
        record(scene.ratings, "d1", strange.expired(), 5),
    ]
    await scene.hears(records, all_in_all=len(records))
    summary = await house.ask("summary")
    assert (summary["closed"], summary["given"], summary["expired"]) == (2, 1, 1)
    assert (await house.ask("reconcile"))["equal"]
    [letter] = await dead_letters(scene.service, scene.kafka)
    assert letter.id.startswith(scene.ratings)
    assert letter.cause.startswith("not a valid ")


async def test_sixty_numbers_without_bounds_hold_nobody_up(house: Harness, scene: Scene) -> None:
    strange = [
        with_(record(scene.dialogs, f"d{number}", ExpectedClose(f"d{number}").closed(), 1), close_seq=2**63)
        for number in range(60)
    ]
    good = [
        record(scene.dialogs, f"g{number}", ExpectedClose(f"g{number}").closed(), 1) for number in range(9)
    ]
    await scene.hears([*strange, *good], all_in_all=69)
    assert (await house.ask("summary"))["closed"] == 9
    assert len(await dead_letters(scene.service, scene.kafka)) == 60
    told = {"service": scene.service, "kind": Alarm.PROJECTION_FAILED}
    assert REGISTRY.get_sample_value("candor_alarms_total", told) is None
