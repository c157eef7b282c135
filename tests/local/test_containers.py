"""Servers in containers: they keep their data, are seen from this machine only, and leave nothing behind."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import docker  # type: ignore[import-untyped]
import pytest
from pymongo import MongoClient

from chassis.kafka.connection import KafkaConnection
from deploy import topics
from deploy.local import containers, mongod
from deploy.local.containers import Container
from deploy.local.ports import HERE, free_port

pytestmark = pytest.mark.real


@pytest.fixture
def engine() -> Iterator[Any]:
    if not containers.wanted():
        pytest.skip("`make containers` runs these")
    with closing(docker.from_env()) as client:
        yield client


@pytest.fixture
def mongo(engine: Any, tmp_path: Path) -> Iterator[Container]:
    yield from lent(containers.mongo(tmp_path, free_port()), engine)


@pytest.fixture
def kafka(engine: Any, tmp_path: Path) -> Iterator[Container]:
    yield from lent(containers.kafka(tmp_path, free_port()), engine)


def lent(server: Container, engine: Any) -> Iterator[Container]:
    server.start()
    try:
        yield server
    finally:
        server.stop()
    assert boxes(engine, server) == [], "a server that was stopped leaves no container"


def boxes(engine: Any, server: Container) -> list[Any]:
    mine = {"label": f"candor.folder={server.folder}"}
    return list(engine.containers.list(all=True, filters=mine))


def client(server: Container) -> MongoClient[dict[str, Any]]:
    return MongoClient(mongod.uri(HERE, server.port))


def test_what_was_written_outlives_a_crash_and_a_stop(mongo: Container) -> None:
    with client(mongo) as asking:
        asking["shop"]["orders"].insert_one({"_id": "first"})

    mongo.kill()
    assert not mongo.running()
    mongo.start()
    mongo.stop()
    mongo.start()

    with client(mongo) as asking:
        assert [each["_id"] for each in asking["shop"]["orders"].find()] == ["first"]


async def test_a_restarted_broker_still_has_its_topics(kafka: Container) -> None:
    address = KafkaConnection(servers=f"{HERE}:{kafka.port}")
    assert (await topics.create(address)).created

    kafka.kill()
    kafka.start()

    assert not (await topics.create(address)).created


def test_only_this_machine_sees_its_port(mongo: Container, engine: Any) -> None:
    (box,) = boxes(engine, mongo)

    published = [each["HostIp"] for ends in box.ports.values() for each in ends or ()]

    assert published == [HERE]


def test_the_container_of_a_crashed_launcher_makes_way(mongo: Container, engine: Any) -> None:
    (left_behind,) = boxes(engine, mongo)
    next_launcher = containers.mongo(mongo.folder, mongo.port)

    next_launcher.start()
    try:
        (box,) = boxes(engine, mongo)
        assert box.id != left_behind.id
    finally:
        next_launcher.stop()
