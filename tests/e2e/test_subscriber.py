"""Another system follows the ratings by the documents alone: the examples in them run, and are right."""

import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from chassis.crypto_shredding import jwe
from chassis.kafka.connection import KafkaConnection
from chassis.kafka.publisher import ProducerRecord, Publisher
from contracts.catalogue import CATALOGUE
from contracts.topics import RATINGS
from deploy.demo.check import settled
from deploy.demo.people import NotYet, at_once, until
from deploy.demo.story import Ledger, Mood
from deploy.demo.support_floor import SupportFloor
from deploy.local.secrets import Secrets
from deploy.local.stack import ROOT, Stack
from tests import examples
from tests.chassis.kafka.harness import create
from tests.e2e.conftest import SETTLE_SECONDS
from tests.e2e.test_story import encounter
from tests.examples import Example

pytestmark = [pytest.mark.real, pytest.mark.timeout(120)]


def told(example: Example, kafka: str, readers_key: str = "") -> dict[str, Any]:
    """The object that the example prints."""
    ran = example.run({"CANDOR_KAFKA": kafka, "CANDOR_READERS_KEY": readers_key})
    assert ran.returncode == 0, ran.stderr
    found: dict[str, Any] = json.loads(ran.stdout)
    return found


async def comments_in(
    example: Example, stack: Stack, channel: str, wanted: list[str | None]
) -> dict[str, Any]:
    """The counts of the channel, as soon as these are its comments."""
    readers_key = Secrets(stack.folder).environment("analytics")["CANDOR_READERS_KEY"]

    async def look() -> dict[str, Any]:
        found = told(example, stack.addresses.kafka, readers_key)
        assert found["gaps"] == 0
        if found["channels"][channel]["comments"] != wanted:
            raise NotYet(f"{found}")
        return dict(found["channels"][channel])

    counts: dict[str, Any] = await until(look, SETTLE_SECONDS)
    return counts


async def test_the_examples_count_what_the_summary_counts(
    stack: Stack, floor: SupportFloor, channel: str, tmp_path: Path
) -> None:
    ledger = Ledger()
    rating = await encounter(floor, channel, Mood.RATES, 5, comment="Quick, привет 🙂")
    others = [await encounter(floor, channel, mood, 2) for mood in (Mood.DECLINES, Mood.IGNORES)]
    await at_once(3, [partial(one.play, ledger) for one in (rating, *others)])
    summary = await settled(floor.supervisor(), channel, 3, SETTLE_SECONDS)
    of_each = [examples.example(name, tmp_path) for name in examples.NAMES]

    for example in of_each:
        counts = await comments_in(example, stack, channel, ["Quick, привет 🙂"])
        for kind in ("given", "declined", "expired"):
            assert counts[kind] == summary[kind] == 1

    await floor.erase(rating.visitor.client)
    for example in of_each:
        await until(partial(comments_in, example, stack, channel, [None]), SETTLE_SECONDS)


SAMPLES = ROOT / "tests" / "contracts" / "samples"


@pytest.fixture(params=examples.NAMES)
def example(request: pytest.FixtureRequest, tmp_path: Path) -> Example:
    """Each example, which reads topics of the test's own."""
    return examples.example(request.param, tmp_path, f"ratings-{uuid4().hex[:8]}")


def said(
    topic: str, kind: str, sequence: int, more: Mapping[str, bytes | None] | None = None, **fields: object
) -> ProducerRecord:
    """The sample of a rating event with these `fields`, as the `sequence`-th of its dialog."""
    sample = json.loads((SAMPLES / f"candor.rating.{kind}.v1.required.json").read_text())
    headers: dict[str, bytes | None] = {name: text.encode() for name, text in sample["headers"].items()}
    headers |= {"ce_subject": b"d1", "ce_sequence": str(sequence).encode(), **(more or {})}
    body = json.dumps({**sample["body"], "dialog": "d1", "channel": "shop", **fields}).encode()
    return ProducerRecord(topic, "d1", body, list(headers.items()), 0)


async def counted(
    example: Example, kafka: KafkaConnection, *records: ProducerRecord, readers_key: str = ""
) -> dict[str, Any]:
    """What the example tells of these records."""
    await create(kafka, {example.ratings: 1, example.keys: 1})
    publisher = Publisher(kafka, "subscriber")
    try:
        await publisher.publish(records)
    finally:
        await publisher.stop()
    return told(example, kafka.servers, readers_key)


async def test_an_example_counts_a_repetition_once(example: Example, kafka: KafkaConnection) -> None:
    offered, given = said(example.ratings, "offered", 1), said(example.ratings, "given", 2)
    assert await counted(example, kafka, offered, given, offered, given) == {
        "channels": {"shop": {"comments": [], "offered": 1, "given": 1}},
        "gaps": 0,
        "unreadable": 0,
    }


async def test_an_example_sees_a_gap(example: Example, kafka: KafkaConnection) -> None:
    offered, given = said(example.ratings, "offered", 1), said(example.ratings, "given", 4)
    assert (await counted(example, kafka, offered, given))["gaps"] == 2


async def test_an_example_of_topics_on_which_is_nothing_ends(
    example: Example, kafka: KafkaConnection
) -> None:
    assert await counted(example, kafka) == {"channels": {}, "gaps": 0, "unreadable": 0}


async def test_an_example_knows_every_type(example: Example, kafka: KafkaConnection) -> None:
    kinds = [entry.type.split(".")[2] for entry in CATALOGUE if entry.topic == RATINGS.name]
    events = [said(example.ratings, kind, sequence) for sequence, kind in enumerate(kinds, 1)]
    assert await counted(example, kafka, *events) == {
        "channels": {"shop": {"comments": [], **dict.fromkeys(kinds, 1)}},
        "gaps": 0,
        "unreadable": 0,
    }


async def test_an_example_skips_what_a_newer_release_publishes(
    example: Example, kafka: KafkaConnection
) -> None:
    offered, given = said(example.ratings, "offered", 1), said(example.ratings, "given", 3)
    headers = {**dict(offered.headers), "ce_sequence": b"2", "ce_type": b"candor.rating.reminded.v1"}
    newer = ProducerRecord(example.ratings, "d1", b'{"way": "mail"}', list(headers.items()), 0)
    assert await counted(example, kafka, offered, newer, given) == {
        "channels": {"shop": {"comments": [], "offered": 1, "given": 1}},
        "gaps": 0,
        "unreadable": 0,
    }


async def test_an_example_takes_what_is_no_sealed_text_for_damaged(
    example: Example, kafka: KafkaConnection
) -> None:
    damaged = ("notajwe", "ey.x", "e30..a.b.c", 5, ["a"])
    given = [
        said(example.ratings, "given", close, comment=words, close_seq=close)
        for close, words in enumerate(damaged, 1)
    ]
    assert await counted(example, kafka, *given) == {
        "channels": {"shop": {"comments": [None] * len(damaged), "given": len(damaged)}},
        "gaps": 0,
        "unreadable": 0,
    }


async def test_an_example_forgets_a_comment_that_was_taken_back(
    example: Example, kafka: KafkaConnection
) -> None:
    given, changed = said(example.ratings, "given", 1, comment="x"), said(example.ratings, "changed", 2)
    found = await counted(example, kafka, given, changed)
    assert found["channels"]["shop"] == {"comments": [], "given": 1, "changed": 1}


def sealing_key(
    topic: str, kid: str, readers_key: bytes, raw: bytes, wrapped_as: jwe.Context, scope: str = "d1"
) -> ProducerRecord:
    """The key `kid` as it is published, for words of `scope`."""
    wrapped = jwe.seal(raw, readers_key, "readers", wrapped_as)
    body = {"kid": kid, "subject": "c-91be", "scope": scope, "wrapped": wrapped}
    return ProducerRecord(topic, kid, json.dumps(body).encode(), [], 0)


async def test_an_example_shows_no_words_that_were_sealed_as_something_else(
    example: Example, kafka: KafkaConnection
) -> None:
    readers_key, raw = jwe.new_key(), jwe.new_key()
    own, other = jwe.Context("c-91be", "d1", "comment"), jwe.Context("c-91be", "d2", "comment")
    key_of = partial(jwe.key_context, "c-91be")
    keys = [
        sealing_key(example.keys, kid, readers_key, raw, wrapped_as, scope)
        for kid, wrapped_as, scope in (
            ("k1", key_of("d1", "k1"), "d1"),
            ("k2", key_of("d2", "k2"), "d2"),
            ("claims-to-be-d1s", key_of("d2", "claims-to-be-d1s"), "d1"),
            ("of-d2-by-its-record", key_of("d1", "of-d2-by-its-record"), "d2"),
            ("gone", key_of("d1", "gone"), "d1"),
        )
    ]
    sealed = {
        "as it should be": ("k1", own),
        "the e-mail": ("k1", own._replace(purpose="email")),
        "another client's": ("k1", own._replace(subject="c-other")),
        "another dialog's": ("k2", other),
        "another dialog's key, in this one's name": ("claims-to-be-d1s", own),
        "a key that says it is another dialog's": ("of-d2-by-its-record", own),
        "erased": ("gone", own),
        "by a key that was never published": ("k9", own),
    }
    given = [
        said(
            example.ratings, "given", close,
            close_seq=close, comment=jwe.seal("Quick, привет 🙂".encode(), raw, kid, context),
        )
        for close, (kid, context) in enumerate(sealed.values(), 1)
    ]  # fmt: skip
    erased = ProducerRecord(example.keys, "gone", None, [], 0)

    found = await counted(
        example, kafka, *keys, erased, *given, readers_key=urlsafe_b64encode(readers_key).decode().rstrip("=")
    )

    shown = dict(zip(sealed, found["channels"]["shop"]["comments"], strict=True))
    assert shown == {**dict.fromkeys(sealed), "as it should be": "Quick, привет 🙂"}


async def test_an_example_survives_whatever_comes(example: Example, kafka: KafkaConnection) -> None:
    odd = {"x-bin": b"\xff\xfe", "x-null": None, "traceparent": b"\xff", "ce_x": b"\xff"}
    body, headers_of_given = (given := said(example.ratings, "given", 2)).value or b"", given.headers
    found = await counted(
        example,
        kafka,
        said(example.ratings, "offered", 1, odd),
        ProducerRecord(example.ratings, "d1", None, [], 0),
        ProducerRecord(example.ratings, "d1", None, headers_of_given, 0),
        ProducerRecord(example.ratings, "d1", b"\xff", [("ce_type", None)], 0),
        ProducerRecord(example.ratings, "d1", b"[]", headers_of_given, 0),
        ProducerRecord(example.ratings, "d1", b"", headers_of_given, 0),
        ProducerRecord(example.ratings, "d1", body.replace(b"shop", b"sh\xff"), headers_of_given, 0),
        said(example.ratings, "given", 2, {"ce_sequence": b"second"}),
        said(example.ratings, "given", 2, {"ce_source": None}),
        ProducerRecord(example.keys, "k1", None, [], 0),
        ProducerRecord(example.keys, "k1", b"{", [], 0),
        said(example.ratings, "given", 2, odd),
    )
    assert found == {
        "channels": {"shop": {"comments": [], "offered": 1, "given": 1}},
        "gaps": 0,
        "unreadable": 7,
    }
