"""On a MongoDB with users: each service has its own database and no other."""

import json
import re
from functools import partial
from pathlib import Path
from typing import Any, Final

import pytest
from pymongo import MongoClient
from pymongo.errors import OperationFailure

from analytics.read_models.documents import LiveChatDocuments
from analytics.read_models.views import CLOSES, DAYS, publish_views
from chassis.mongo import connect
from contracts.topics import SERVICES
from tests.secured.servers import ADMIN, SecuredMongo, database, password

pytestmark = [pytest.mark.real, pytest.mark.timeout(60)]

OPERATING: Final = Path("docs/operating.md")
UNAUTHORIZED, AUTHENTICATION_FAILED = 13, 18


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_reads_and_writes_its_own_database_alone(service: str, locked_mongo: SecuredMongo) -> None:
    with MongoClient[dict[str, Any]](locked_mongo.as_user(service)) as client:
        client[database(service)]["things"].insert_one({"mine": True})
        assert client[database(service)]["things"].count_documents({"mine": True})
        for other in SERVICES:
            if other != service:
                things = client[database(other)]["things"]
                for forbidden in (partial(things.insert_one, {}), things.find_one, things.drop):
                    with pytest.raises(OperationFailure) as denied:
                        forbidden()
                    assert denied.value.code == UNAUTHORIZED


async def test_the_rights_of_a_service_are_enough_for_what_it_does(locked_mongo: SecuredMongo) -> None:
    """Clock, readiness, indexes, transactions, snapshots, and the end of a session of its own user."""
    client = connect(locked_mongo.as_user("analytics"))
    things = client[database("analytics")]["documents"]
    try:
        for command in ("hello", "ping"):
            await client.admin.command(command)
        await things.create_index([("at", 1)])
        async with await client.start_session() as left_open, await client.start_session() as other:
            left_open.start_transaction()
            await things.insert_one({"_id": 1}, session=left_open)
            await client.admin.command("killSessions", [{"id": left_open.delegate.session_id["id"]}])
            async with other.start_transaction():
                await things.insert_one({"_id": 1}, session=other)
        async with await client.start_session(snapshot=True) as snapshot:
            assert await things.count_documents({}, session=snapshot) == 1
    finally:
        client.close()


async def test_another_tool_reads_the_views_and_nothing_else(locked_mongo: SecuredMongo) -> None:
    """With the role that stands in docs/operating.md."""
    written = re.search(r"createRole\((\{.*?\n\})\)", OPERATING.read_text(), re.DOTALL)
    assert written
    role = json.loads(written[1])
    client = connect(locked_mongo.as_user("analytics"))
    documents = LiveChatDocuments.of(client[database("analytics")])
    await documents.closes.insert_one({"dialog": "d1", "outcome": "expired", "events": ["{}"]})
    await documents.counters.insert_one({"_id": {"axis": "closed_at"}, "whole": {"expired": 1, "given": 0}})
    for _ in range(2):
        await publish_views(documents)
    client.close()
    with MongoClient[dict[str, Any]](locked_mongo.as_user(ADMIN)) as admin:
        own = admin[database("analytics")]
        own.command("createRole", role["role"], privileges=role["privileges"], roles=role["roles"])
        can = [{"role": role["role"], "db": own.name}]
        admin.admin.command("createUser", "metabase", pwd=password("metabase"), roles=can)
    with MongoClient[dict[str, Any]](locked_mongo.as_user("metabase")) as reader:
        own = reader[database("analytics")]
        assert [each["dialog"] for each in own[CLOSES].find()] == ["d1"]
        assert not any("events" in each for each in own[CLOSES].find())
        assert [(each["state"], each["closes"]) for each in own[DAYS].find()] == [("expired", 1)]
        for hidden in (documents.closes.name, documents.counters.name, "audit", "reader_keys"):
            with pytest.raises(OperationFailure) as denied:
                own[hidden].find_one()
            assert denied.value.code == UNAUTHORIZED


def test_a_wrong_password_is_refused(locked_mongo: SecuredMongo) -> None:
    uri = locked_mongo.as_user("chat").replace("chat's", "guessed")
    with (
        MongoClient[dict[str, Any]](uri) as client,
        pytest.raises(OperationFailure) as denied,
    ):
        client.admin.command("listDatabases")
    assert denied.value.code == AUTHENTICATION_FAILED


def test_who_does_not_log_in_sees_nothing(locked_mongo: SecuredMongo) -> None:
    with (
        MongoClient[dict[str, Any]]("127.0.0.1", locked_mongo.port, directConnection=True) as client,
        pytest.raises(OperationFailure) as denied,
    ):
        client[database("chat")]["things"].find_one()
    assert denied.value.code == UNAUTHORIZED
