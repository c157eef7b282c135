"""On a broker that denies by default: what the table names is allowed, and everything else is denied."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    TopicAuthorizationFailedError,
)
from faststream.kafka import KafkaBroker

from chassis.kafka.connection import KafkaConnection
from contracts.topics import ALL, SERVICES
from deploy import topics
from deploy.acls import GRANTED, RIGHTS, Acl, acls
from deploy.authorizer import authorizer
from deploy.local.detached import run_detached
from tests.secured.conftest import HOLDERS
from tests.secured.servers import ADMIN, PLATFORM, STRANGER, SUBSCRIBERS, SecuredKafka, password

pytestmark = [pytest.mark.real, pytest.mark.timeout(60)]

HOLDING = (*SERVICES, PLATFORM, *SUBSCRIBERS, STRANGER)
TOPICS = [topic.name for topic in ALL]


@pytest.fixture(scope="module")
def filled(locked_kafka: SecuredKafka) -> SecuredKafka:
    """The broker with a record on every topic, so that whoever may read has something to read."""
    admin = locked_kafka.as_user(ADMIN)
    assert run_detached(lambda: may_write(admin, *TOPICS)) == TOPICS
    return locked_kafka


async def may_write(connection: KafkaConnection, *wanted: str, idempotent: bool = True) -> list[str]:
    """Those of the topics to which a producer like the services' can write; the others must be denied.

    Who may write nothing at all may not be idempotent either, and tries without.
    """
    producer = AIOKafkaProducer(
        **connection.options(), acks="all", enable_idempotence=idempotent, compression_type="lz4"
    )
    try:
        await producer.start()
        return [topic for topic in wanted if await _writes(producer, topic)]
    except ClusterAuthorizationFailedError:
        assert idempotent
    finally:
        await producer.stop()
    written = await may_write(connection, *wanted, idempotent=False)
    assert not written
    return written


async def _writes(producer: AIOKafkaProducer, topic: str) -> bool:
    try:
        await producer.send_and_wait(topic, b"value", b"key")
    except TopicAuthorizationFailedError:
        return False
    return True


async def may_read(connection: KafkaConnection, *wanted: str, group: str | None = None) -> list[str]:
    """Those of the topics of which a consumer is given a record; the others must be denied."""
    return [topic for topic in wanted if await _reads(connection, topic, group)]


async def _reads(connection: KafkaConnection, topic: str, group: str | None) -> bool:
    consumer = AIOKafkaConsumer(
        topic, **connection.options(), group_id=group, auto_offset_reset="earliest", enable_auto_commit=False
    )
    try:
        await consumer.start()
        while not await consumer.getmany(timeout_ms=1_000):
            pass
        if group is not None:
            await consumer.commit()
    except TopicAuthorizationFailedError:
        return False
    finally:
        await consumer.stop()
    return True


def named(user: str, how: str) -> list[str]:
    """The topics that the table lets `user` write or read."""
    holders = {rights.topic: getattr(rights, how) for rights in RIGHTS}
    granted = SUBSCRIBERS.get(user, [])
    return [
        name for name in TOPICS if user in holders[name] or (GRANTED in holders[name] and name in granted)
    ]


def test_the_table_names_every_topic() -> None:
    assert sorted(rights.topic for rights in RIGHTS) == sorted(TOPICS)


@pytest.mark.parametrize("user", HOLDING)
async def test_topics_are_written_by_whom_the_table_names(user: str, filled: SecuredKafka) -> None:
    assert await may_write(filled.as_user(user), *TOPICS) == named(user, "writes")


@pytest.mark.parametrize("user", HOLDING)
async def test_topics_are_read_by_whom_the_table_names(user: str, filled: SecuredKafka) -> None:
    assert await may_read(filled.as_user(user), *TOPICS) == named(user, "reads")


@pytest.mark.parametrize("topic", ["candor.ratings", "candor.ratings.keys"])
async def test_chat_learns_no_rating(topic: str, filled: SecuredKafka) -> None:
    chat = filled.as_user("chat")

    assert not await may_write(chat, topic)
    assert not await may_read(chat, topic)
    assert not await may_read(chat, topic, group="candor_chat.curious")


async def test_a_subscriber_reads_what_it_was_granted_in_groups_of_its_own(filled: SecuredKafka) -> None:
    crm = filled.as_user("crm")

    assert await may_read(crm, "candor.ratings", group="crm.counts") == ["candor.ratings"]
    assert not await may_read(crm, "candor.dialogs", group="crm.counts")
    with pytest.raises(GroupAuthorizationFailedError):
        await may_read(crm, "candor.ratings", group="candor_analytics.live-chat.v1")


@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_is_in_groups_of_its_own_database(service: str, filled: SecuredKafka) -> None:
    user, topic = filled.as_user(service), named(service, "reads")[0]

    assert await may_read(user, topic, group=f"candor_{service}.dialogs") == [topic]
    for group in (f"candor_{service}", f"candor_{service}2.dialogs", "crm.counts"):
        with pytest.raises(GroupAuthorizationFailedError):
            await may_read(user, topic, group=group)


@pytest.fixture(params=["scram", "scram over tls", "certificate", "token", "plain"])
def login(request: pytest.FixtureRequest, filled: SecuredKafka, tmp_path: Path) -> KafkaConnection:
    """The platform team's ways to log in."""
    ways: dict[str, Callable[[], KafkaConnection]] = {
        "scram": lambda: filled.as_user(PLATFORM),
        "scram over tls": lambda: filled.over_tls(PLATFORM),
        "certificate": lambda: filled.by_certificate(PLATFORM),
        "token": lambda: filled.by_token(PLATFORM, tmp_path / "token"),
        "plain": lambda: filled.as_user(PLATFORM, sasl_mechanism="PLAIN"),
    }
    return ways[request.param]()


async def test_rights_are_the_same_however_somebody_logs_in(login: KafkaConnection) -> None:
    assert await may_write(login, *TOPICS) == named(PLATFORM, "writes")
    assert await may_read(login, "candor.chat.dead", "candor.dialogs") == ["candor.chat.dead"]


async def test_faststream_logs_in_like_everybody_else(login: KafkaConnection) -> None:
    broker = KafkaBroker(**login.broker_options(), consumer_only=True, logger=None)
    received: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    @broker.subscriber("candor.chat.dead", auto_offset_reset="earliest")
    async def on_record(value: bytes) -> None:
        if not received.done():
            received.set_result(value)

    try:
        await broker.start()
        assert await received == b"value"
    finally:
        await broker.stop()


async def test_a_second_run_changes_nothing(filled: SecuredKafka) -> None:
    again = await topics.grant(filled.as_user(ADMIN), HOLDERS, prune=True)

    assert again == topics.Rights([], [], [])


STRAY = [
    Acl("User:chat", "topic", "candor.ratings", "literal", "read"),
    Acl("User:chat", "topic", "orders", "literal", "read"),
    Acl("User:crm", "topic", "candor.dial", "prefixed", "read"),
    Acl("User:crm", "group", "candor_chat.x", "literal", "read"),
]
TOO_WIDE = [
    Acl("User:backup", "topic", "*", "literal", "read"),
    Acl("User:backup", "group", "c", "prefixed", "read"),
    Acl("User:rating", "topic", "candor.ratings", "literal", "delete", "deny"),
]
OTHERS = [
    Acl("User:shop", "topic", "orders", "literal", "write"),
    Acl("User:crm", "topic", "orders", "literal", "read"),
    Acl("User:crm", "group", "shop.", "prefixed", "read"),
]


@pytest.fixture
async def _stray(filled: SecuredKafka) -> AsyncIterator[None]:
    """Rights that somebody granted by hand; taken back afterwards."""
    async with authorizer(filled.as_user(ADMIN)) as there:
        await there.add([*STRAY, *TOO_WIDE, *OTHERS])
        while not {*STRAY, *TOO_WIDE, *OTHERS} <= await there.acls():
            pass
        yield
        await there.remove([*STRAY, *TOO_WIDE, *OTHERS])
        while await there.acls() != set(acls(HOLDERS)):
            pass


@pytest.mark.usefixtures("_stray")
async def test_rights_besides_the_table_are_told_and_taken_back_only_if_wanted(filled: SecuredKafka) -> None:
    admin, chat = filled.as_user(ADMIN), filled.as_user("chat")
    told = await topics.grant(admin, HOLDERS)
    assert told == topics.Rights([], [], sorted([*STRAY, *TOO_WIDE]))
    assert await may_read(chat, "candor.ratings")

    pruned = await topics.grant(admin, HOLDERS, prune=True)

    assert pruned == topics.Rights([], sorted(STRAY), sorted(TOO_WIDE))
    async with authorizer(admin) as there:
        while await there.acls() & set(STRAY):
            pass
        assert await there.acls() == {*acls(HOLDERS), *TOO_WIDE, *OTHERS}
    assert not await may_read(chat, "candor.ratings")


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in [name for name in os.environ if name.startswith("CANDOR_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("CANDOR_PARTITIONS", "1")
    return monkeypatch


def run(environment: pytest.MonkeyPatch, connection: KafkaConnection, *arguments: str) -> int:
    for name, value in connection.environment().items():
        environment.setenv(name, value)
    subscribers = [f"--subscriber={name}={','.join(granted)}" for name, granted in SUBSCRIBERS.items()]
    return topics.main([*subscribers, *arguments])


def test_the_command_logs_in_by_its_environment(
    filled: SecuredKafka, environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(environment, filled.over_tls(ADMIN)) == 0
    assert capsys.readouterr() == ("0 topics created.\n0 rights granted, 0 taken back.\n", "")


def test_a_wrong_password_is_said(
    filled: SecuredKafka, environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(environment, filled.as_user("chat", password="guessed")) == 1
    said = capsys.readouterr().err
    assert said.startswith("No Kafka server can be used: 127.0.0.1:")
    assert "invalid credentials" in said
    assert password("chat") not in said


def test_who_may_not_grant_is_told(
    filled: SecuredKafka, environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(environment, filled.as_user("chat")) == 1
    assert "AuthorizationFailed" in capsys.readouterr().err


async def test_who_does_not_log_in_is_refused(filled: SecuredKafka) -> None:
    nobody = KafkaConnection(servers=filled.as_user("chat").servers)

    assert "No Kafka server can be used" in (await nobody.refusal() or "")
    assert await filled.as_user("chat").refusal() is None
