"""The real servers that tests share: started once for a run, in a folder and on ports of their own."""

from collections.abc import Iterator
from uuid import uuid4

import pytest
from pymongo import MongoClient

from chassis.kafka.connection import KafkaConnection
from deploy.local.servers import Servers, servers


@pytest.fixture(scope="session")
def stack_servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """Kafka and MongoDB; a test that crashes one of them starts it again."""
    with servers(tmp_path_factory.mktemp("servers")) as up:
        yield up


@pytest.fixture
def kafka(stack_servers: Servers) -> KafkaConnection:
    """How clients connect."""
    return stack_servers.kafka_connection


@pytest.fixture
def mongo(stack_servers: Servers) -> str:
    """The URI of a replica set of one."""
    return stack_servers.mongo_address


@pytest.fixture
def database(mongo: str) -> Iterator[str]:
    """The name of a database of the test's own, dropped after it."""
    name = f"test_{uuid4().hex[:16]}"
    yield name
    with MongoClient[dict[str, object]](mongo) as client:
        client.drop_database(name)
