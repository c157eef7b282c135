"""What a client writes stands in no byte on the disk, and its key leaves Kafka within a minute of erasure."""

import base64
import secrets
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from string import ascii_letters, digits
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer
from bson import encode
from pymongo import MongoClient

from chassis.crypto_shredding.jwe import key_context, unseal
from contracts.topics import ALL
from deploy.demo.people import NotYet, Operator, Visitor, until
from deploy.demo.support_floor import SupportFloor
from deploy.local.stack import Stack
from tests.e2e.conftest import SETTLE_SECONDS

pytestmark = [pytest.mark.real, pytest.mark.long, pytest.mark.timeout(400)]

A_MINUTE = 60.0
CHUNK = 8 << 20  # bytes read at a time


def holding(folder: Path, needle: bytes) -> list[Path]:
    """The files below `folder` that hold `needle`."""
    return [path for path in _files(folder) if _has(path, needle)]


def _files(folder: Path) -> Iterator[Path]:
    yield from (path for path in folder.rglob("*") if path.is_file())


def _has(path: Path, needle: bytes) -> bool:
    try:
        with path.open("rb") as file:  # read, not mapped: the servers truncate their files meanwhile
            seen = b""
            while chunk := file.read(CHUNK):
                seen = seen[-len(needle) :] + chunk
                if needle in seen:
                    return True
    except FileNotFoundError:
        pass  # gone meanwhile
    return False


def stored(stack: Stack, needle: bytes) -> list[str]:
    """The collections, oplog included, that hold `needle`: pages on the disk are compressed."""
    found: list[str] = []
    with MongoClient[dict[str, Any]](stack.addresses.mongo) as client:
        for name in client.list_database_names():
            database = client[name]
            found += [
                f"{name}.{collection}"
                for collection in database.list_collection_names(filter={"type": "collection"})
                if any(needle in encode(document) for document in database[collection].find())
            ]
    return found


async def said(stack: Stack, needle: bytes) -> list[str]:
    """The topics with a record that holds `needle`: batches in segments are compressed."""
    found: set[str] = set()
    topics = [topic.name for topic in ALL]
    async with AIOKafkaConsumer(*topics, **stack.servers.kafka_connection.options()) as consumer:
        parts = list(consumer.assignment())
        ends = await consumer.end_offsets(parts)
        await consumer.seek_to_beginning(*parts)
        for part in parts:
            while await consumer.position(part) < ends[part]:
                for record in (await consumer.getmany(part, timeout_ms=1000)).get(part, ()):
                    words = [record.key, record.value, *(value for _, value in record.headers)]
                    found.update({part.topic} if any(needle in (each or b"") for each in words) else ())
    return sorted(found)


async def rated_with(floor: SupportFloor, channel: str, canary: str) -> tuple[Visitor, str]:
    """A dialog in which the client writes the canary everywhere, and rates with it."""
    visitor: Visitor = await floor.visitor(channel, name=canary, email=f"{canary}@example.org")
    operator: Operator = floor.operator("ann")
    dialog = visitor.name_dialog()
    await visitor.open(dialog)
    await visitor.post_message(dialog, "m1", f"my name is {canary}")
    await operator.take(dialog)
    await operator.post_message(dialog, "m2", "Hello")
    await operator.close(dialog, 1)
    form = await visitor.form(dialog, 1)
    answer = await visitor.answer(form["token"], 5, f"it was {canary}")
    assert answer.status_code == 200
    return visitor, dialog


async def comment_of(floor: SupportFloor, channel: str) -> dict[str, Any]:
    reviews = await floor.supervisor().every_review(channel=channel)
    if not reviews or not reviews[0]["comment"]:
        raise NotYet("no comment yet")
    return dict(reviews[0]["comment"])


async def _shown(floor: SupportFloor, channel: str, state: str) -> None:
    if (await comment_of(floor, channel))["state"] != state:
        raise NotYet(f"the comment is not {state}")


def kafka_data(stack: Stack) -> Path:
    """Where the broker's segments are: a container's data has a folder of its own."""
    boxed = stack.folder / "containers" / "kafka"
    return boxed if boxed.is_dir() else stack.folder / "kafka"


def data_key(stack: Stack, service: str, dialog: str) -> bytes:
    """The data key of a dialog in clear, as only its owner can open it."""
    master = (stack.folder / "secrets" / f"{service}.master.key").read_text()
    with MongoClient[dict[str, Any]](stack.addresses.mongo) as client:
        document = client[f"candor_{service}"]["keys"].find_one({"_id": dialog})
    assert document
    context = key_context(document["subject"], dialog, document["kid"])
    return unseal(document["wrapped"], base64.urlsafe_b64decode(master), context)


def published_key(stack: Stack, dialog: str) -> bytes:
    """The ciphertext of the comment's key, wrapped for readers: compression leaves it as it is."""
    with MongoClient[dict[str, Any]](stack.addresses.mongo) as client:
        found = client["candor_analytics"]["reader_keys"].find_one({"scope": dialog})
    assert found
    _header, _key, _iv, ciphertext, _tag = str(found["wrapped"]).split(".")
    return ciphertext.encode()


async def test_no_byte_on_the_disk_holds_what_a_client_wrote(
    stack: Stack, floor: SupportFloor, channel: str
) -> None:
    # Not hex: four letters of it would often stand in a block already, and compression would cut it there.
    canary = "".join(secrets.choice(ascii_letters + digits) for _ in range(24))
    visitor, dialog = await rated_with(floor, channel, canary)
    await until(partial(_shown, floor, channel, "open"), SETTLE_SECONDS)
    keys = {service: data_key(stack, service, dialog) for service in ("chat", "rating")}
    published = published_key(stack, dialog)

    # The search sees: what isn't secret stands in the database's files, in Kafka's segments, and the key too.
    found = holding(stack.folder, dialog.encode())
    seen = {part for path in found for part in path.relative_to(stack.folder).parts}
    assert {"mongo", "kafka"} <= seen, seen
    assert holding(kafka_data(stack), published)

    assert "local.oplog.rs" in stored(stack, dialog.encode())
    assert {"candor.dialogs", "candor.ratings"} <= set(await said(stack, dialog.encode()))

    assert holding(stack.folder, canary.encode()) == []
    assert stored(stack, canary.encode()) == []
    assert await said(stack, canary.encode()) == []
    for key in keys.values():
        for form in (key, key.hex().encode(), base64.urlsafe_b64encode(key).rstrip(b"=")):
            assert holding(stack.folder, form) == []

    await floor.erase(visitor.client)

    async def out_of_kafka() -> None:
        if still := holding(kafka_data(stack), published):
            raise NotYet(f"the key still stands in {[path.name for path in still]}")

    await until(out_of_kafka, A_MINUTE)
    await until(partial(_shown, floor, channel, "erased"), SETTLE_SECONDS)
    assert holding(stack.folder, canary.encode()) == []
