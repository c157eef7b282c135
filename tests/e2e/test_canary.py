"""What a client writes stands in no byte on the disk, and its key leaves Kafka within a minute of erasure."""

import base64
import os
import secrets
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from string import ascii_letters, digits
from typing import Any, BinaryIO, TypeVar

import pytest
from aiokafka import AIOKafkaConsumer
from bson.raw_bson import RawBSONDocument
from pymongo import MongoClient

from chassis.crypto_shredding.jwe import key_context, unseal
from contracts.topics import ALL
from deploy.demo.people import NotYet, Operator, Visitor, until
from deploy.demo.support_floor import SupportFloor
from deploy.local.stack import Stack
from tests.e2e.conftest import SETTLE_SECONDS

pytestmark = [pytest.mark.real, pytest.mark.long, pytest.mark.timeout(400)]

T = TypeVar("T")

A_MINUTE = 60.0
CHUNK = 8 << 20  # bytes read at a time


def holding(folder: Path, *needles: bytes) -> dict[bytes, list[Path]]:
    """The files below `folder` that hold a needle, by the needle."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return _grouped((needle, path) for path in files for needle in _held(path, needles))


def _held(path: Path, needles: Collection[bytes]) -> set[bytes]:
    found: set[bytes] = set()
    try:
        with path.open("rb") as file:  # read, not mapped: the servers truncate their files meanwhile
            seen = b""
            for chunk in _chunks(file):
                seen = seen[-max(map(len, needles)) :] + chunk
                found |= {needle for needle in needles if needle in seen}
    except FileNotFoundError:
        pass  # gone meanwhile
    return found


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    """What was written to the file: servers reserve gigabytes of which no byte is."""
    end = 0
    with suppress(OSError):  # ENXIO: no data from here on
        while True:
            if file.tell() >= end:
                start = file.seek(end, os.SEEK_DATA)
                end = file.seek(start, os.SEEK_HOLE)
                file.seek(start)
            if not (chunk := file.read(min(CHUNK, end - file.tell()))):
                return
            yield chunk


def _grouped(pairs: Iterable[tuple[bytes, T]]) -> dict[bytes, list[T]]:
    found: dict[bytes, list[T]] = {}
    for needle, place in pairs:
        found.setdefault(needle, []).append(place)
    return found


def stored(stack: Stack, *needles: bytes) -> dict[bytes, list[str]]:
    """The collections, oplog included, that hold a needle: pages on the disk are compressed."""
    found: set[tuple[bytes, str]] = set()
    with MongoClient(stack.addresses.mongo, document_class=RawBSONDocument) as client:
        for name in client.list_database_names():
            database = client[name]
            for collection in database.list_collection_names(filter={"type": "collection"}):
                for document in database[collection].find():
                    raw = document.raw
                    found |= {(needle, f"{name}.{collection}") for needle in needles if needle in raw}
    return _grouped(found)


async def said(stack: Stack, *needles: bytes) -> dict[bytes, list[str]]:
    """The topics with a record that holds a needle: batches in segments are compressed."""
    found: set[tuple[bytes, str]] = set()
    topics = [topic.name for topic in ALL]
    async with AIOKafkaConsumer(*topics, **stack.servers.kafka_connection.options()) as consumer:
        parts = list(consumer.assignment())
        ends = await consumer.end_offsets(parts)
        await consumer.seek_to_beginning(*parts)
        for part in parts:
            while await consumer.position(part) < ends[part]:
                for record in (await consumer.getmany(part, timeout_ms=1000)).get(part, ()):
                    words = [record.key, record.value, *(value for _, value in record.headers)]
                    whole = b"\n".join(each or b"" for each in words)
                    found |= {(needle, part.topic) for needle in needles if needle in whole}
    return _grouped(found)


async def rated_with(floor: SupportFloor, channel: str, canary: str) -> tuple[Visitor, str]:
    """A dialog in which the client writes the canary everywhere, and rates so low that it is told."""
    await floor.set_up(
        channel,
        ways=[{"way": "widget", "after": 0}, {"way": "email", "after": 0}],
        follow_ups=[{"id": "missing", "texts": {"en": "What was missing?"}, "options": []}],
        alert={"at_or_below": 2, "to": ["clara@school.test"], "locale": "en"},
        expiry=600,
    )
    visitor: Visitor = await floor.visitor(channel, name=canary, email=f"{canary}@example.org")
    operator: Operator = floor.operator("ann")
    dialog = visitor.name_dialog()
    await visitor.open(dialog)
    await visitor.post_message(dialog, "m1", f"my name is {canary}")
    await operator.take(dialog)
    await operator.post_message(dialog, "m2", "Hello")
    await operator.close(dialog, 1)
    form = await visitor.form(dialog, 1)
    words = {"missing": f"what {canary} wanted"}
    answer = await visitor.answer(form["token"], 1, f"it was {canary}", follow_ups=words)
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

    secret = [canary.encode()]
    for key in keys.values():
        secret += [key, key.hex().encode(), base64.urlsafe_b64encode(key).rstrip(b"=")]
    plain = dialog.encode()
    on_disk = holding(stack.folder, plain, published, *secret)
    in_database, in_topics = stored(stack, plain, *secret), await said(stack, plain, *secret)

    # The search sees: what isn't secret stands in the database's files, in Kafka's segments, and the key too.
    seen = {part for path in on_disk[plain] for part in path.relative_to(stack.folder).parts}
    assert {"mongo", "kafka"} <= seen, seen
    assert any(kafka_data(stack) in path.parents for path in on_disk[published])
    assert "local.oplog.rs" in in_database[plain]
    assert {"candor.dialogs", "candor.ratings"} <= set(in_topics[plain])

    for places in (on_disk, in_database, in_topics):
        assert not places.keys() & {*secret}, places

    await floor.erase(visitor.client)

    async def out_of_kafka() -> None:
        if still := holding(kafka_data(stack), published):
            raise NotYet(f"the key still stands in {[path.name for path in still[published]]}")

    await until(out_of_kafka, A_MINUTE)
    await until(partial(_shown, floor, channel, "erased"), SETTLE_SECONDS)
    assert holding(stack.folder, canary.encode()) == {}
