"""A foreign subscriber: counts what came of the forms of each channel, and opens the comments.

    pip install 'aiokafka[lz4]' joserfc
    CANDOR_KAFKA=127.0.0.1:9092 CANDOR_READERS_KEY=… python count_ratings.py

To a Kafka that asks who it is, it logs in by SASL, with the variables of `login`.

It knows nothing of Candor but docs/events.md and docs/subscribing.md. It reads the topics from their start to
their present ends, prints one JSON object and ends; one that stays keeps its counts and offsets together.
"""

import asyncio
import base64
import hashlib
import json
import os
import ssl
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiokafka import AIOKafkaConsumer
from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import OctKey
from joserfc.registry import HeaderParameter

RATINGS, KEYS = "candor.ratings", "candor.ratings.keys"
PREFIX, SUFFIX = "candor.rating.", ".v1"
KINDS = "not-offered scheduled offered given changed declined expired cancelled undeliverable"
TYPES = {f"{PREFIX}{kind}{SUFFIX}" for kind in KINDS.split()}
ATTRIBUTES = ("ce_type", "ce_source", "ce_subject", "ce_sequence")

HEADER = {"ctx": HeaderParameter("what the sealed text is", "str", required=True)}
REGISTRY = jwe.JWERegistry(header_registry=HEADER, algorithms=["dir", "A256GCM"])


def unseal(words: str, key: bytes, *context: str) -> bytes:
    """What is in a JWE (compact, `dir` + `A256GCM`) of this client, dialog and purpose. Raises ValueError."""
    opened = jwe.decrypt_compact(words, OctKey.import_key(key), registry=REGISTRY)
    ctx = base64.urlsafe_b64encode(hashlib.sha256("\n".join(context).encode()).digest()[:16]).rstrip(b"=")
    if opened.headers()["ctx"] != ctx.decode() or opened.plaintext is None:
        raise ValueError("sealed as something else: somebody has put it here")
    return opened.plaintext


def kid_of(words: str) -> str:
    """The id of the key that opens `words`: it stands in the JWE's header."""
    header = words.partition(".")[0]
    return str(json.loads(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4)))["kid"])


@dataclass
class Counts:
    """What was received so far; a repetition changes nothing."""

    readers_key: bytes | None
    events: Counter[tuple[str, str]] = field(default_factory=Counter)
    comments: dict[tuple[str, int], dict[str, Any]] = field(default_factory=dict)
    keys: dict[str, dict[str, Any]] = field(default_factory=dict)
    gaps: int = 0
    unreadable: int = 0
    _newest: defaultdict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))

    def receive(self, record: Any) -> None:
        """One record of either topic. One that can't be read is counted, and holds nothing up."""
        try:
            if record.topic == KEYS:
                self._on_key(record.key, record.value)
            else:
                self._on_rating(record.headers, record.value)
        except (KeyError, TypeError, ValueError):
            self.unreadable += 1

    def _on_rating(self, headers: Iterable[tuple[str, bytes | None]], value: bytes | None) -> None:
        if value is None:
            return  # a tombstone: no event
        # Only these are decoded: others may put headers of any bytes on a record, or null ones.
        ours = {name: value.decode() for name, value in headers if name in ATTRIBUTES and value is not None}
        event: dict[str, Any] = json.loads(value)
        dialog, sequence = (ours["ce_source"], ours["ce_subject"]), int(ours["ce_sequence"])
        if known := (kind := ours["ce_type"]) in TYPES:  # else it is of a newer release, and takes its number
            channel, close = event["channel"], (event["dialog"], event["close_seq"])
        if sequence <= self._newest[dialog]:
            return  # published again
        self.gaps += sequence - self._newest[dialog] - 1
        self._newest[dialog] = sequence
        if known:
            self.events[channel, kind.removeprefix(PREFIX).removesuffix(SUFFIX)] += 1
        if kind in {f"{PREFIX}given{SUFFIX}", f"{PREFIX}changed{SUFFIX}"}:
            self.comments.pop(close, None)
            if event.get("comment"):
                self.comments[close] = event

    def _on_key(self, key_id: bytes, value: bytes | None) -> None:
        """Null means that the key, and so the words, are forgotten."""
        kid = key_id.decode()
        if value is None:
            self.keys.pop(kid, None)
        elif "wrapped" in (key := json.loads(value)):  # a nudge has none
            self.keys[kid] = key

    def comment(self, event: dict[str, Any]) -> str | None:
        """The words; None if they were erased, can't be read without the readers' key, or are damaged."""
        try:
            key = self.keys.get(kid := kid_of(event["comment"]))
            here = (event["client"], event["dialog"])
            # A text or a key of another dialog was put here by somebody: it is not to be shown.
            if key is None or self.readers_key is None or (key["subject"], key["scope"]) != here:
                return None
            raw = unseal(key["wrapped"], self.readers_key, *here, f"key:{kid}")
            return unseal(event["comment"], raw, *here, "comment").decode()
        except (JoseError, AttributeError, KeyError, TypeError, ValueError):
            return None

    def result(self) -> dict[str, Any]:
        """Everything, by channel."""
        channels: dict[str, dict[str, Any]] = {}
        for (channel, kind), count in sorted(self.events.items()):
            channels.setdefault(channel, {"comments": []})[kind] = count
        for event in self.comments.values():
            channels[event["channel"]]["comments"].append(self.comment(event))
        return {"channels": channels, "gaps": self.gaps, "unreadable": self.unreadable}


def login(environment: Mapping[str, str]) -> dict[str, Any]:
    """Options of aiokafka for the login; none unless there is a CANDOR_KAFKA_SECURITY_PROTOCOL."""
    protocol = environment.get("CANDOR_KAFKA_SECURITY_PROTOCOL", "PLAINTEXT")
    options: dict[str, Any] = {"security_protocol": protocol}
    if protocol.startswith("SASL_"):
        options["sasl_mechanism"] = environment["CANDOR_KAFKA_SASL_MECHANISM"]
        options["sasl_plain_username"] = environment["CANDOR_KAFKA_USERNAME"]
        options["sasl_plain_password"] = environment["CANDOR_KAFKA_PASSWORD"]
    if protocol.endswith("SSL"):
        options["ssl_context"] = ssl.create_default_context(cafile=environment.get("CANDOR_KAFKA_CA_FILE"))
    return options


async def count(bootstrap: str, readers_key: bytes | None) -> Counts:
    """Reads both topics to their present ends."""
    counts = Counts(readers_key)
    consumer = AIOKafkaConsumer(
        RATINGS, KEYS, bootstrap_servers=bootstrap, auto_offset_reset="earliest", **login(os.environ)
    )
    try:
        await consumer.start()
        ends = await consumer.end_offsets(consumer.assignment())
        while any([await consumer.position(partition) < end for partition, end in ends.items()]):
            for records in (await consumer.getmany(timeout_ms=500)).values():
                for record in records:
                    counts.receive(record)
    finally:
        await consumer.stop()
    return counts


if __name__ == "__main__":
    key = os.environ.get("CANDOR_READERS_KEY")
    found = asyncio.run(
        count(
            os.environ["CANDOR_KAFKA"], base64.urlsafe_b64decode(key + "=" * (-len(key) % 4)) if key else None
        )
    )
    print(json.dumps(found.result(), ensure_ascii=False))
