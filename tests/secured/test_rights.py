"""Who lacks a right is told so, at once, by whatever reads: never an empty list, never a busy loop."""

import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from aiokafka.errors import TopicAuthorizationFailedError
from aiokafka.structs import TopicPartition
from motor.motor_asyncio import AsyncIOMotorClient
from pydantic import TypeAdapter

from chassis.crypto_shredding.compaction import KeyLocation, compacted_away
from chassis.http.health import Readiness, broker_answers
from chassis.kafka.checkpoints import Checkpoints
from chassis.kafka.dead_letters import cli
from chassis.kafka.event_consumer import EventConsumer
from chassis.kafka.publisher import Publisher
from chassis.kafka.topic_reader import record_at
from contracts.ratings import RATING_EVENTS
from contracts.topics import RATING_KEYS, RATINGS
from tests.chassis.kafka.harness import running
from tests.secured.servers import SecuredKafka
from tests.waiting import until

pytestmark = [pytest.mark.real, pytest.mark.timeout(60)]

RATED = TopicPartition(RATINGS.name, 0)


async def test_a_topic_that_may_not_be_read_is_an_error_for_every_reader(locked_kafka: SecuredKafka) -> None:
    chat = locked_kafka.as_user("chat")
    nowhere: Any = AsyncIOMotorClient("mongodb://127.0.0.1:1")["none"]["checkpoints"]
    readers: Mapping[str, Callable[[], Any]] = {
        RATINGS.name: lambda: record_at(chat, {RATED: 0}),
        "its checkpoints": lambda: Checkpoints(nowhere, "p", 1, chat).locate([RATED]),
        RATING_KEYS.name: lambda: compacted_away(chat, RATING_KEYS.name, [KeyLocation("k", 0, 0)]),
    }
    for read in readers.values():
        with pytest.raises(TopicAuthorizationFailedError, match=re.escape(RATINGS.name)):
            await read()


@pytest.mark.parametrize("command", ["list", "replay"])
def test_dead_letters_that_may_not_be_read_are_not_none(
    command: str, locked_kafka: SecuredKafka, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [command, *(["--all"] if command == "replay" else [])]

    assert cli("rating", locked_kafka.as_user("chat"), arguments) == 1

    assert "did not do it: no right to candor.rating.dead" in capsys.readouterr().err


async def test_a_consumer_without_the_right_to_its_topic_is_not_ready(locked_kafka: SecuredKafka) -> None:
    chat = locked_kafka.as_user("chat")
    topics: dict[str, TypeAdapter[Any]] = {RATINGS.name: RATING_EVENTS}
    publisher = Publisher(chat, "chat")

    async def hear(_: object) -> None:
        pytest.fail("it heard something")

    curious = EventConsumer(
        service="chat", connection=chat, group="candor_chat.curious", topics=topics, handler=hear,
        publisher=publisher,
    )  # fmt: skip
    async with running(curious):
        await until(lambda: "no right to candor.ratings" in (curious.unhealthy_reason() or ""))
    await publisher.stop()


async def test_readiness_says_why_nobody_is_let_in(locked_kafka: SecuredKafka) -> None:
    guessing = locked_kafka.as_user("chat", password="guessed")
    report = await Readiness({"broker": broker_answers(guessing)}, dict).report()
    assert report.status == "not ready"
    assert report.parts["broker"].startswith("No Kafka server lets us in: 127.0.0.1:")
    assert "invalid credentials" in report.parts["broker"]
