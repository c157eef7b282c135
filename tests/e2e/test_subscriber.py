"""Another system follows the ratings by the documents alone: the example in them runs, and is right."""

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from types import ModuleType
from typing import Any
from uuid import uuid4

import pytest

from chassis.kafka.connection import KafkaConnection
from chassis.kafka.publisher import ProducerRecord, Publisher
from contracts.catalogue import CATALOGUE
from deploy.demo.check import settled
from deploy.demo.people import NotYet, at_once, until
from deploy.demo.story import Ledger, Mood
from deploy.demo.support_floor import SupportFloor
from deploy.local.secrets import Secrets
from deploy.local.stack import ROOT, Stack
from tests.chassis.kafka.harness import create
from tests.e2e.conftest import SETTLE_SECONDS
from tests.e2e.test_story import encounter

pytestmark = [pytest.mark.real, pytest.mark.timeout(120)]

EXAMPLE = ROOT / "docs" / "examples" / "count_ratings.py"


def count(stack: Stack) -> dict[str, Any]:
    """What the example prints; it imports none of Candor's packages."""
    told = {
        "PATH": os.environ["PATH"],
        "CANDOR_KAFKA": stack.addresses.kafka,
        "CANDOR_READERS_KEY": Secrets(stack.folder).environment("analytics")["CANDOR_READERS_KEY"],
    }
    ran = subprocess.run([sys.executable, EXAMPLE], env=told, check=True, capture_output=True, timeout=60)
    found: dict[str, Any] = json.loads(ran.stdout)
    return found


async def comments_in(stack: Stack, channel: str, wanted: list[str | None]) -> dict[str, Any]:
    """The counts of the channel, as soon as these are its comments."""

    async def look() -> dict[str, Any]:
        found = count(stack)
        assert found["gaps"] == 0
        if found["channels"][channel]["comments"] != wanted:
            raise NotYet(f"{found}")
        return dict(found["channels"][channel])

    counts: dict[str, Any] = await until(look, SETTLE_SECONDS)
    return counts


async def test_the_example_counts_what_the_summary_counts(
    stack: Stack, floor: SupportFloor, channel: str
) -> None:
    ledger = Ledger()
    rating = await encounter(floor, channel, Mood.RATES, 5, comment="Quick, привет 🙂")
    others = [await encounter(floor, channel, mood, 2) for mood in (Mood.DECLINES, Mood.IGNORES)]
    await at_once(3, [partial(one.play, ledger) for one in (rating, *others)])
    summary = await settled(floor.supervisor(), channel, 3, SETTLE_SECONDS)

    counts = await comments_in(stack, channel, ["Quick, привет 🙂"])

    for kind in ("given", "declined", "expired"):
        assert counts[kind] == summary[kind] == 1
    await floor.erase(rating.visitor.client)
    await until(partial(comments_in, stack, channel, [None]), SETTLE_SECONDS)


SAMPLES = ROOT / "tests" / "contracts" / "samples"


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The example as a module, which reads topics of the test's own."""
    spec = importlib.util.spec_from_file_location("count_ratings", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    mark = uuid4().hex[:8]
    monkeypatch.setattr(module, "RATINGS", f"ratings-{mark}")
    monkeypatch.setattr(module, "KEYS", f"keys-{mark}")
    return module


def said(
    topic: str, kind: str, sequence: int, more: Mapping[str, bytes | None] | None = None
) -> ProducerRecord:
    """The sample of a rating event, as the `sequence`-th of its dialog."""
    sample = json.loads((SAMPLES / f"candor.rating.{kind}.v1.required.json").read_text())
    headers: dict[str, bytes | None] = {name: text.encode() for name, text in sample["headers"].items()}
    headers |= {"ce_subject": b"d1", "ce_sequence": str(sequence).encode(), **(more or {})}
    body = json.dumps({**sample["body"], "dialog": "d1", "channel": "shop"}).encode()
    return ProducerRecord(topic, "d1", body, list(headers.items()), 0)


async def counted(example: ModuleType, kafka: KafkaConnection, *records: ProducerRecord) -> dict[str, Any]:
    """What the example tells of these records."""
    await create(kafka, {example.RATINGS: 1, example.KEYS: 1})
    publisher = Publisher(kafka, "subscriber")
    try:
        await publisher.publish(records)
    finally:
        await publisher.stop()
    told: dict[str, Any] = (await example.count(kafka.servers, None)).result()
    return told


async def test_the_example_counts_a_repetition_once(example: ModuleType, kafka: KafkaConnection) -> None:
    offered, given = said(example.RATINGS, "offered", 1), said(example.RATINGS, "given", 2)
    assert await counted(example, kafka, offered, given, offered, given) == {
        "channels": {"shop": {"comments": [], "offered": 1, "given": 1}},
        "gaps": 0,
        "unreadable": 0,
    }


async def test_the_example_sees_a_gap(example: ModuleType, kafka: KafkaConnection) -> None:
    offered, given = said(example.RATINGS, "offered", 1), said(example.RATINGS, "given", 4)
    assert (await counted(example, kafka, offered, given))["gaps"] == 2


def test_the_example_knows_every_type(example: ModuleType) -> None:
    assert {entry.type for entry in CATALOGUE if entry.topic == "candor.ratings"} == example.TYPES


async def test_the_example_skips_what_a_newer_release_publishes(
    example: ModuleType, kafka: KafkaConnection
) -> None:
    offered, given = said(example.RATINGS, "offered", 1), said(example.RATINGS, "given", 3)
    headers = {**dict(offered.headers), "ce_sequence": b"2", "ce_type": b"candor.rating.reminded.v1"}
    newer = ProducerRecord(example.RATINGS, "d1", b'{"way": "mail"}', list(headers.items()), 0)
    assert await counted(example, kafka, offered, newer, given) == {
        "channels": {"shop": {"comments": [], "offered": 1, "given": 1}},
        "gaps": 0,
        "unreadable": 0,
    }


@pytest.mark.parametrize("words", ["notajwe", "ey.x", "e30..a.b.c", 5, ["a"]])
async def test_the_example_takes_what_is_no_sealed_text_for_damaged(
    example: ModuleType, kafka: KafkaConnection, words: object
) -> None:
    given = said(example.RATINGS, "given", 1)
    body = json.dumps({**json.loads(given.value or b""), "comment": words}).encode()
    assert await counted(example, kafka, replace(given, value=body)) == {
        "channels": {"shop": {"comments": [None], "given": 1}},
        "gaps": 0,
        "unreadable": 0,
    }


async def test_the_example_survives_whatever_comes(example: ModuleType, kafka: KafkaConnection) -> None:
    odd = {"x-bin": b"\xff\xfe", "x-null": None, "traceparent": b"\xff", "ce_x": b"\xff"}
    told = await counted(
        example,
        kafka,
        said(example.RATINGS, "offered", 1, odd),
        ProducerRecord(example.RATINGS, "d1", None, [], 0),
        ProducerRecord(example.RATINGS, "d1", b"\xff", [("ce_type", None)], 0),
        ProducerRecord(example.RATINGS, "d1", b"[]", said(example.RATINGS, "given", 2).headers, 0),
        ProducerRecord(example.KEYS, "k1", None, [], 0),
        ProducerRecord(example.KEYS, "k1", b"{", [], 0),
        said(example.RATINGS, "given", 2, odd),
    )
    assert told == {
        "channels": {"shop": {"comments": [], "offered": 1, "given": 1}},
        "gaps": 0,
        "unreadable": 3,
    }
