"""The servers that ask who somebody is: started once for each module, whose records are its own."""

import asyncio
from collections.abc import Iterator

import pytest

from deploy import topics
from deploy.acls import Holders, acls
from deploy.authorizer import authorizer
from tests.secured.servers import (
    ADMIN,
    SUBSCRIBERS,
    SecuredKafka,
    SecuredMongo,
    secured_kafka,
    secured_mongo,
)

HOLDERS = Holders(subscribers=SUBSCRIBERS)


@pytest.fixture(scope="module")
def locked_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredKafka]:
    """The broker, with Candor's topics and the rights of the table."""
    server = secured_kafka(tmp_path_factory.mktemp("locked"))
    server.process.start()
    try:
        asyncio.run(_prepare(server))
        yield server
    finally:
        server.process.stop()


@pytest.fixture(scope="module")
def locked_mongo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredMongo]:
    """The database, with a user for each service."""
    server = secured_mongo(tmp_path_factory.mktemp("locked"))
    try:
        server.start()
        yield server
    finally:
        server.process.stop()


async def _prepare(server: SecuredKafka) -> None:
    admin = server.as_user(ADMIN)
    await topics.create(admin, topics.Layout(partitions=1))
    await topics.grant(admin, HOLDERS)
    async with authorizer(admin) as there:
        while not set(acls(HOLDERS)) <= await there.acls():
            pass  # a broker learns of them a moment later
