"""The whole path over servers that ask who somebody is, each service as itself; then what must be denied."""

import json
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import KafkaError
from pymongo import MongoClient
from pymongo.errors import OperationFailure

from chassis.kafka.connection import KafkaConnection
from chassis.kafka.dead_letters import DeadLetter, dead_letters
from chassis.kafka.publisher import ProducerRecord, Publisher
from contracts.topics import DIALOGS, RATING_KEYS, RATINGS, SERVICES
from deploy.demo.check import settled
from deploy.demo.people import NotYet, ServiceUrls, until
from deploy.demo.story import Encounter, Ledger, Mood
from deploy.demo.support_floor import SupportFloor
from deploy.local.secrets import Secrets
from deploy.local.servers import Named, Servers
from deploy.local.stack import Stack, free_port_base
from deploy.local.tokens import token
from tests import examples
from tests.examples import Example
from tests.secured.servers import ADMIN, PLATFORM, SecuredKafka, SecuredMongo, database

pytestmark = [pytest.mark.real, pytest.mark.timeout(180)]

CHANNEL, WORDS = "course-locked", "Solved in two minutes"
UNAUTHORIZED = 13


class LockedStack(Stack):
    """The services on the locked servers, each with a user of its own on both."""

    def __init__(self, folder: Path, kafka: SecuredKafka, mongo: SecuredMongo) -> None:
        self.locked_kafka, self.locked_mongo = kafka, mongo
        theirs = Servers(
            Named("kafka", "", lambda: None), Named("mongo", "", lambda: None),
            kafka.as_user(ADMIN), mongo.as_user(ADMIN), "locked",
        )  # fmt: skip
        super().__init__(folder, base=free_port_base(), shared=theirs)

    def environment(self, service: str, base: int) -> dict[str, str]:
        """What `service` is told, its own login above all."""
        return {
            **super().environment(service, base),
            **self.locked_kafka.as_user(service, env="development").environment(),
            "CANDOR_MONGO": self.locked_mongo.as_user(service),
        }

    def kafka_of(self, service: str) -> KafkaConnection:
        """How the service itself connects."""
        return KafkaConnection.read(self.environment(service, self.base))


@pytest.fixture(scope="module")
def stack(
    tmp_path_factory: pytest.TempPathFactory, locked_kafka: SecuredKafka, locked_mongo: SecuredMongo
) -> Iterator[LockedStack]:
    """Three processes, ready."""
    with LockedStack(tmp_path_factory.mktemp("stack"), locked_kafka, locked_mongo) as up:
        yield up


@pytest.fixture
async def floor(stack: LockedStack) -> AsyncIterator[SupportFloor]:
    """People of every role."""
    async with httpx.AsyncClient(timeout=15, trust_env=False) as http:
        yield SupportFloor(http, ServiceUrls.at(stack.base), partial(token, stack.folder), within=20)


@pytest.fixture
def of_each(tmp_path: Path) -> list[Example]:
    """The examples of docs/subscribing.md."""
    return [examples.example(name, tmp_path) for name in examples.NAMES]


def count_ratings(
    example: Example, stack: LockedStack, by: KafkaConnection
) -> "subprocess.CompletedProcess[str]":
    """Runs the example for whoever connects `by`."""
    readers_key = Secrets(stack.folder).environment("analytics")["CANDOR_READERS_KEY"]
    return example.run({**by.environment(), "CANDOR_READERS_KEY": readers_key})


async def letter_of_rating(stack: LockedStack, *, attempts: int) -> DeadLetter:
    """Rating's one dead letter, as the platform team sees it, once it has died so often."""

    async def look() -> DeadLetter:
        found = await dead_letters("rating", stack.locked_kafka.as_user(PLATFORM))
        if [letter.attempts for letter in found] != [attempts]:
            raise NotYet(f"{found}")
        return found[0]

    letter: DeadLetter = await until(look)
    return letter


def dead_letter_command(stack: LockedStack, user: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    told = stack.environment("rating", stack.base)
    told |= stack.locked_kafka.as_user(user, env="development").environment()
    command = [sys.executable, "-m", "rating", "dead-letters", *arguments]
    return subprocess.run(command, env=told, capture_output=True, text=True, timeout=30, check=False)


async def test_the_story_over_locked_servers(
    stack: LockedStack, floor: SupportFloor, of_each: list[Example]
) -> None:
    ledger = Ledger()
    await floor.channel(CHANNEL, "Course, locked")
    visitor, ann = await floor.visitor(CHANNEL), floor.operator("ann")
    await Encounter(visitor, ann, "ann", CHANNEL, Mood.COMMENTS, 5, WORDS).play(ledger)

    summary = await settled(floor.supervisor(), CHANNEL, 1, 30)

    assert (summary["closed"], summary["given"], summary["satisfied"]) == (1, 1, 1)
    for example in of_each:
        for by in (stack.locked_kafka.as_user("crm"), stack.locked_kafka.over_tls("crm")):
            ran = count_ratings(example, stack, by)
            assert ran.returncode == 0, ran.stderr
            counted = json.loads(ran.stdout)["channels"][CHANNEL]
            assert (counted["given"], counted["comments"]) == (1, [WORDS])
    assert await until(partial(name_in_rating, floor)) == "Course, locked"
    assert await until(partial(name_in_analytics, floor)) == "Course, locked"


async def name_in_rating(floor: SupportFloor) -> str:
    """What rating calls the channel, once it has consumed that."""
    listed = await floor.supervisor().caller.do("GET", f"{floor.urls.rating}/v1/quality-control")
    for channel in listed["channels"]:
        if channel["channel"] == CHANNEL:
            return str(channel["name"])
    raise NotYet(f"{CHANNEL} is not known to rating")


async def name_in_analytics(floor: SupportFloor) -> str:
    """What analytics calls the channel, once it has consumed that."""
    listed = await floor.supervisor().read("channels", channel=CHANNEL)
    for row in listed["rows"]:
        if row["name"] is not None:
            return str(row["name"])
    raise NotYet(f"{CHANNEL} is not known to analytics")


async def test_the_platform_team_replays_what_died(stack: LockedStack) -> None:
    chat = Publisher(stack.kafka_of("chat"), "chat")
    await chat.publish([ProducerRecord(DIALOGS.name, "broken", b"{")])
    await chat.stop()
    await letter_of_rating(stack, attempts=1)

    replayed = dead_letter_command(stack, PLATFORM, "replay", "--all")

    assert (replayed.returncode, replayed.stdout) == (0, "1 replayed\n"), replayed.stderr
    letter = await letter_of_rating(stack, attempts=2)
    assert letter.record.topic == "candor.rating.dead"


async def written(connection: KafkaConnection, topic: str) -> None:
    producer = AIOKafkaProducer(**connection.options(), acks="all", enable_idempotence=True)
    try:
        await producer.start()
        await producer.send_and_wait(topic, b"value", b"key")
    finally:
        await producer.stop()


async def read(connection: KafkaConnection, topic: str) -> None:
    consumer = AIOKafkaConsumer(topic, **connection.options(), auto_offset_reset="earliest")
    try:
        await consumer.start()
        while not await consumer.getmany(timeout_ms=500):
            pass
    finally:
        await consumer.stop()


async def denial(attempt: Awaitable[None]) -> str:
    """What is said of an attempt that has to be denied."""
    with pytest.raises(KafkaError) as denied:
        await attempt
    return str(denied.value)


@pytest.mark.parametrize("how", [written, read])
@pytest.mark.parametrize("topic", [RATINGS.name, RATING_KEYS.name])
async def test_chat_neither_reads_nor_writes_ratings(
    stack: LockedStack, topic: str, how: Callable[[KafkaConnection, str], Awaitable[None]]
) -> None:
    said = await denial(how(stack.kafka_of("chat"), topic))
    assert said.endswith(f"TopicAuthorizationFailedError: {topic}")


async def test_who_may_reads_them(stack: LockedStack) -> None:
    await read(stack.kafka_of("analytics"), RATINGS.name)
    await read(stack.kafka_of("rating"), RATING_KEYS.name)


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("other", SERVICES)
def test_a_service_has_no_business_in_anothers_database(stack: LockedStack, service: str, other: str) -> None:
    with MongoClient[dict[str, Any]](stack.environment(service, stack.base)["CANDOR_MONGO"]) as client:
        theirs = client[database(other)]
        if service == other:
            assert theirs.list_collection_names()
            return
        for attempt in (theirs["commits"].find_one, partial(theirs["commits"].insert_one, {})):
            with pytest.raises(OperationFailure) as denied:
                attempt()
            assert denied.value.code == UNAUTHORIZED


async def test_a_subscriber_reads_only_what_it_was_granted(
    stack: LockedStack, of_each: list[Example]
) -> None:
    for subscriber, topic in (
        ("crm", DIALOGS.name),
        ("archive", RATINGS.name),
        ("archive", RATING_KEYS.name),
    ):
        said = await denial(read(stack.locked_kafka.as_user(subscriber), topic))
        assert said.endswith(f"TopicAuthorizationFailedError: {topic}")
    for example in of_each:
        ran = count_ratings(example, stack, stack.locked_kafka.as_user("archive"))
        assert (ran.returncode, ran.stdout) == (1, "")
        assert re.search(r"topic_?authorization_?failed", ran.stderr, re.IGNORECASE)


async def test_a_service_does_not_read_its_dead_letters(stack: LockedStack) -> None:
    listed = dead_letter_command(stack, "rating", "list")
    assert listed.returncode == 1
    assert "no right to candor.rating.dead" in listed.stderr
