"""A read model shows the newest event that it was given, in whatever order they come."""

import random
from collections.abc import AsyncIterator
from typing import Any

import pytest
from motor.motor_asyncio import AsyncIOMotorCollection

from chassis.mongo import connect
from chassis.outbox.upsert import upsert_if_newer

pytestmark = pytest.mark.real

Documents = AsyncIOMotorCollection[dict[str, Any]]


@pytest.fixture
async def documents(mongo: str, database: str) -> AsyncIterator[Documents]:
    client = connect(mongo)
    yield client[database]["documents"]
    client.close()


async def write(documents: Documents, position: int, **fields: Any) -> None:
    await documents.bulk_write([upsert_if_newer("a", position, {"at": position, **fields})])


async def test_an_older_event_after_a_newer_one_changes_nothing(documents: Documents) -> None:
    await write(documents, 2, only_here=True)
    for position in (1, 2):
        await write(documents, position, changed=True)
    assert await documents.find().to_list(None) == [{"_id": "a", "position": 2, "at": 2, "only_here": True}]


async def test_a_newer_event_replaces_the_document(documents: Documents) -> None:
    await write(documents, 1, only_here=True)
    await write(documents, 2)
    assert await documents.find().to_list(None) == [{"_id": "a", "position": 2, "at": 2}]


@pytest.mark.parametrize("seed", range(5))
async def test_the_last_position_wins_in_any_order_and_batch(documents: Documents, seed: int) -> None:
    positions = [*range(1, 10), *range(3, 7)]
    random.Random(seed).shuffle(positions)
    writes = [upsert_if_newer("a", position, {"at": position}) for position in positions]
    await documents.bulk_write(writes[:6], ordered=False)
    await documents.bulk_write(writes[6:])
    assert await documents.find().to_list(None) == [{"_id": "a", "position": 9, "at": 9}]


async def test_what_looks_like_an_expression_is_stored_as_it_is(documents: Documents) -> None:
    await write(documents, 1, name="$position", nested={"$add": [1, 2]})
    (found,) = await documents.find().to_list(None)
    assert (found["name"], found["nested"]) == ("$position", {"$add": [1, 2]})
