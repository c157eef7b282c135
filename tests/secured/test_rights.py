"""Who lacks a right is told so, at once, by whatever reads: never an empty list, never a busy loop."""

import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiokafka.errors import TopicAuthorizationFailedError
from aiokafka.structs import TopicPartition
from motor.motor_asyncio import AsyncIOMotorClient
from pydantic import TypeAdapter

from chassis.crypto_shredding.compaction import KeyLocation, compacted_away
from chassis.http.health import Readiness, broker_answers
from chassis.kafka.checkpoints import Checkpoints
from chassis.kafka.connection import KafkaConnection
from chassis.kafka.dead_letters import cli
from chassis.kafka.event_consumer import EventConsumer
from chassis.kafka.publisher import Publisher
from chassis.kafka.topic_reader import record_at
from contracts.ratings import RATING_EVENTS
from contracts.topics import RATING_KEYS, RATINGS
from deploy.acls import Acl
from deploy.authorizer import authorizer
from tests.chassis.kafka.harness import running
from tests.secured.servers import ADMIN, SecuredKafka
from tests.waiting import until

pytestmark = [pytest.mark.real, pytest.mark.timeout(60)]

RATED = TopicPartition(RATINGS.name, 0)


@asynccontextmanager
async def consuming(connection: KafkaConnection, group: str) -> AsyncIterator[EventConsumer]:
    """A consumer of ratings, as long as the block lasts."""
    topics: dict[str, TypeAdapter[Any]] = {RATINGS.name: RATING_EVENTS}
    publisher = Publisher(connection, "any")

    async def on_rating(_: object) -> None:
        pytest.fail("it received something")

    consumer = EventConsumer(
        service="any", connection=connection, group=group, topics=topics, handler=on_rating,
        publisher=publisher,
    )  # fmt: skip
    async with running(consumer):
        yield consumer
    await publisher.stop()


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

    async with consuming(chat, "candor_chat.curious") as curious:
        await until(lambda: "no right to candor.ratings" in (curious.unhealthy_reason() or ""))


async def test_a_consumer_without_the_right_to_its_group_is_not_ready(locked_kafka: SecuredKafka) -> None:
    analytics = locked_kafka.as_user("analytics")

    async with consuming(analytics, "candor_rating.curious") as curious:
        await until(
            lambda: (curious.unhealthy_reason() or "").endswith(": no right to candor_rating.curious")
        )


@pytest.mark.parametrize(
    "right",
    [
        Acl("User:analytics", "group", "candor_analytics.", "prefixed", "read"),
        Acl("User:analytics", "topic", RATINGS.name, "literal", "read"),
    ],
    ids=lambda right: right.resource,
)
async def test_a_right_that_is_withdrawn_and_given_back_is_noticed(
    right: Acl, locked_kafka: SecuredKafka
) -> None:
    name = {"group": "candor_analytics.withdrawn", "topic": RATINGS.name}[right.resource]

    async with (
        consuming(locked_kafka.as_user("analytics"), "candor_analytics.withdrawn") as consumer,
        authorizer(locked_kafka.as_user(ADMIN)) as rights,
    ):
        await until(lambda: consumer.unhealthy_reason() is None)
        await rights.remove([right])
        try:
            await until(lambda: (consumer.unhealthy_reason() or "").endswith(f"no right to {name}"))
        finally:
            await rights.add([right])
        await until(lambda: consumer.unhealthy_reason() is None, within=30)


async def test_readiness_says_why_nobody_is_let_in(locked_kafka: SecuredKafka) -> None:
    guessing = locked_kafka.as_user("chat", password="guessed")
    report = await Readiness({"broker": broker_answers(guessing)}, dict).report()
    assert report.status == "not ready"
    assert report.parts["broker"].startswith("No Kafka server can be used: 127.0.0.1:")
    assert "invalid credentials" in report.parts["broker"]
